"""A cluster of Citus: a coordinator and its workers, which have each database of the tests.

It is given by an address, or the PostgreSQL of a test process is its coordinator, and two workers are started beside it:
`make test-citus DATABASE_URL=…` or `make test-citus POSTGRES=/…/bin` run the contract and the attacks on the example's tables distributed
over it.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from generator.embedded import APP_ROLE, PORT, EmbeddedPostgres
from generator.migrations.distribution import preparation
from tests.support.given import GivenPostgres, given_nodes

SETTINGS: Mapping[str, str] = {"shared_preload_libraries": "citus", "wal_level": "logical", "max_connections": "300"}
"""What each server of a cluster is started with."""

WORKERS = 2
"""How many are started."""

SHARDS = 4
"""Of each table; enough to be on every worker, and quickly copied."""


@dataclass(frozen=True, slots=True)
class Node:
    """A server, and the host and port by which the others know it."""

    server: EmbeddedPostgres
    host: str
    port: int


_clusters: dict[Path, list[Node]] = {}


@contextmanager
def _known(coordinator: EmbeddedPostgres, found: list[Node]) -> Generator[None]:
    _clusters[coordinator.data_dir] = found
    try:
        yield
    finally:
        del _clusters[coordinator.data_dir]


@contextmanager
def workers(coordinator: EmbeddedPostgres) -> Generator[None]:
    """Run the other servers of a cluster."""
    with ExitStack() as stack:
        folder = coordinator.data_dir.parent
        started = [stack.enter_context(EmbeddedPostgres.start(folder / f"worker{number}", durable=False)) for number in range(WORKERS)]
        servers = [coordinator, *started]
        for node in servers:
            node.execute("postgres", f"ALTER SYSTEM SET citus.local_hostname = '{node.socket_dir}'")
            if node.execute("postgres", "SELECT name FROM pg_settings WHERE name = 'output_plugin_libraries'"):  # the latest minor versions
                node.execute("postgres", "ALTER SYSTEM SET output_plugin_libraries = pgoutput, citus")
            node.execute("postgres", "SELECT pg_reload_conf()")
        stack.enter_context(_known(coordinator, [Node(server, str(server.socket_dir), PORT) for server in servers]))
        yield


@contextmanager
def given_cluster(address: str) -> Generator[EmbeddedPostgres]:
    """The coordinator of a cluster that runs already."""
    servers, names = given_nodes(address)
    with alone():
        for server in servers:
            server.make_roles()
    with _known(servers[0], [Node(server, host, port) for server, (host, port) in zip(servers, names, strict=True)]):
        yield servers[0]


@contextmanager
def alone() -> Generator[None]:
    """No other process of the tests is in this block: a cluster that is given belongs to all of them."""
    with Path(tempfile.gettempdir(), f"rowsmith-tests-{os.getuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def nodes(server: EmbeddedPostgres) -> Sequence[EmbeddedPostgres]:
    """The servers that have each database of `server`: itself, and the workers of its cluster."""
    return [node.server for node in _clusters[server.data_dir]] if server.data_dir in _clusters else [server]


def join(coordinator: EmbeddedPostgres, database: str) -> None:
    """Make a cluster of a database that each of the nodes has."""
    for node in nodes(coordinator):
        node.execute(database, "CREATE EXTENSION citus")
        if isinstance(node, GivenPostgres):
            node.execute(database, node.known_to_each_other())
    first, *others = (f"'{node.host}', {node.port}" for node in _clusters[coordinator.data_dir])
    statements = [f"SELECT citus_set_coordinator_host({first})", *(f"SELECT citus_add_node({other})" for other in others)]
    settings = f'ALTER DATABASE "{database}" SET citus.shard_count = {SHARDS}'
    coordinator.execute(database, "; ".join([settings, *statements, *preparation(APP_ROLE)]))


def distribute(coordinator: EmbeddedPostgres, database: str, tables: list[str]) -> None:
    """Distribute empty tables, those that are referred to in front. Nobody uses them, so it takes the quick way."""
    first = "none"
    for table in tables:
        coordinator.execute(database, f"SELECT create_distributed_table('\"{table}\"', 'user_id', colocate_with => '{first}')")
        first = first if first != "none" else table
