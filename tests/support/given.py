"""Servers that run already: the nodes of a cluster whose coordinator is given by an address, that of a superuser.

`make test-citus DATABASE_URL=…` sets ROWSMITH_TEST_DATABASE_URL. The superuser has the same name and password on every node, and the tests
have databases (rowsmith_test_…, rowsmith_plain_…, rowsmith_template_…, of which one stays for the next run) and roles of their own there.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from sqlalchemy.engine import URL, make_url

from generator.embedded import APP_ROLE, OWNER_ROLE, ROLES, SUPERUSER, EmbeddedPostgres
from generator.embedded_files import account_for, programs_for
from generator.sql import text_literal

GIVEN = os.environ.get("ROWSMITH_TEST_DATABASE_URL") or None
"""The address of the coordinator, as the superuser, and of a database that has the extension."""

MARK = "of Rowsmith's tests"
"""The comment on a role that the tests have made."""


class GivenPostgres(EmbeddedPostgres):
    """A server at an address. It is never started or stopped here, and has neither a folder nor a log that a test could read."""

    def __init__(self, url: URL) -> None:
        self.url = url
        self.host, self.port = url.host or "localhost", url.port or 5432
        self.data_dir = Path(f"{self.host}:{self.port}")  # a name for it, and no folder
        self._programs = programs_for(account_for(Path.cwd()))
        self.password = hashlib.sha256(f"{url.password}".encode()).hexdigest() if url.password else None

    def dsn(self, user: str = APP_ROLE, database: str = "postgres") -> str:
        """The address of a database for a role."""
        url = self.url.set(drivername="postgresql", database=database)
        if user != SUPERUSER:
            url = url.set(username=user, password=self.password)
        return url.render_as_string(hide_password=False)

    def make_roles(self) -> None:
        """Make the two roles of the tests, of which no application of this cluster knows."""
        local = "SET citus.enable_ddl_propagation = off;"  # each node is asked by itself
        for role in (OWNER_ROLE, APP_ROLE):
            is_ours = f"shobj_description(oid, 'pg_authid') IS NOT DISTINCT FROM {text_literal(MARK)}"
            found = self.execute("postgres", f"SELECT {is_ours} FROM pg_roles WHERE rolname = '{role}'")
            assert found != "f", f"{self.data_dir} has a role {role}, which is not of the tests: give them another cluster"
        self.execute("postgres", local + ROLES)
        for role in (OWNER_ROLE, APP_ROLE):
            password = text_literal(self.password) if self.password else "NULL"
            self.execute("postgres", f"{local} ALTER ROLE {role} PASSWORD {password}; COMMENT ON ROLE {role} IS {text_literal(MARK)}")

    def known_to_each_other(self) -> str:
        """The statement that lets the nodes in at each other, in one database, where roles have passwords."""
        if self.password is None:
            return ""
        passwords = {str(self.url.username): str(self.url.password), OWNER_ROLE: self.password, APP_ROLE: self.password}
        rows = ", ".join(f"(0, {text_literal(role)}, {text_literal(f'password={word}')})" for role, word in passwords.items())
        return f"INSERT INTO pg_dist_authinfo (nodeid, rolename, authinfo) VALUES {rows}"


def given_nodes(address: str) -> tuple[list[GivenPostgres], list[tuple[str, int]]]:
    """The nodes of a cluster, its coordinator in front, and the host and port by which each is known to the others."""
    url = make_url(address)
    coordinator = GivenPostgres(url)
    database = url.database or "postgres"
    assert coordinator.execute(database, "SELECT 1 FROM pg_extension WHERE extname = 'citus'"), f"{coordinator.data_dir} has no Citus"
    known = "SELECT nodename, nodeport FROM pg_dist_node WHERE isactive AND noderole = 'primary' AND groupid {} 0 ORDER BY nodeid"
    own = coordinator.execute(database, known.format("=")) or coordinator.execute(
        database, "SELECT current_setting('citus.local_hostname'), current_setting('port')"
    )
    workers = coordinator.execute(database, known.format("<>")).splitlines()
    names = [(host, int(port)) for host, port in (line.split("|") for line in [own, *workers])]
    return [coordinator, *(GivenPostgres(url.set(host=host, port=port)) for host, port in names[1:])], names
