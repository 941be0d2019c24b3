"""A cluster of Citus: the PostgreSQL of a test process as its coordinator, and two workers.

`make test-citus POSTGRES=/…/bin` runs the contract and the attacks on the example's tables distributed over it.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from generator.embedded import APP_ROLE, PORT, EmbeddedPostgres
from generator.migrations.distribution import preparation

SETTINGS: Mapping[str, str] = {
    "shared_preload_libraries": "citus",
    "wal_level": "logical",
    "max_connections": "300",
    "citus.shard_count": "4",
}
"""What each server of a cluster is started with."""

WORKERS = 2

_workers: dict[Path, list[EmbeddedPostgres]] = {}


@contextmanager
def workers(coordinator: EmbeddedPostgres) -> Generator[None]:
    """Run the other servers of a cluster."""
    with ExitStack() as stack:
        folder = coordinator.data_dir.parent
        started = [stack.enter_context(EmbeddedPostgres.start(folder / f"worker{number}", durable=False)) for number in range(WORKERS)]
        for node in (coordinator, *started):
            node.execute("postgres", f"ALTER SYSTEM SET citus.local_hostname = '{node.socket_dir}'")
            if node.execute("postgres", "SELECT name FROM pg_settings WHERE name = 'output_plugin_libraries'"):  # the latest minor versions
                node.execute("postgres", "ALTER SYSTEM SET output_plugin_libraries = pgoutput, citus")
            node.execute("postgres", "SELECT pg_reload_conf()")
        _workers[coordinator.data_dir] = started
        stack.callback(_workers.pop, coordinator.data_dir)
        yield


def nodes(server: EmbeddedPostgres) -> list[EmbeddedPostgres]:
    """The servers that have each database of `server`: itself, and the workers of its cluster."""
    return [server, *_workers.get(server.data_dir, ())]


def join(coordinator: EmbeddedPostgres, database: str) -> None:
    """Make a cluster of a database that each of the nodes has."""
    for node in nodes(coordinator):
        node.execute(database, "CREATE EXTENSION citus")
    first, *others = (f"'{node.socket_dir}', {PORT}" for node in nodes(coordinator))
    statements = [f"SELECT citus_set_coordinator_host({first})", *(f"SELECT citus_add_node({other})" for other in others)]
    coordinator.execute(database, "; ".join([*statements, *preparation(APP_ROLE)]))


def distribute(coordinator: EmbeddedPostgres, database: str, tables: list[str]) -> None:
    """Distribute empty tables, those that are referred to in front. Nobody uses them, so it takes the quick way."""
    first = "none"
    for table in tables:
        coordinator.execute(database, f"SELECT create_distributed_table('\"{table}\"', 'user_id', colocate_with => '{first}')")
        first = first if first != "none" else table
