"""`rowsmith db distribute`, on a PostgreSQL without Citus and on one with a stand-in.

The stand-in has the two tables of Citus' catalog that the command asks, and a function of the same name and arguments that refuses what
Citus refuses (references to and from tables that are not distributed, triggers, tables that are distributed already) and distributes
nothing. It shows which statements are run, and in which order; it does not show what a cluster does with them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import chain
from pathlib import Path

import pglast
import pytest

from generator.embedded import APP_ROLE, EmbeddedPostgres
from generator.migrations import distribution, distributor
from generator.migrations.distribution import EXTENSION, Link, Plan, Progress, conversion, preparation
from tests.support.command import Answer, Folder
from tests.support.database import ON_CITUS, Database, new_database, opened, temporary_folder

pytestmark = pytest.mark.skipif(ON_CITUS, reason="tests/app/test_on_cluster.py has the real one")

ROOT = Path(__file__).resolve().parents[2]
TABLES = ["comments", "idempotency_keys_", "projects", "tags", "task_tags", "tasks"]

STAND_IN = """
SET allow_system_table_mods = on;
INSERT INTO pg_extension
  SELECT 4242, 'citus', extowner, extnamespace, true, '14.0-1', NULL, NULL FROM pg_extension WHERE extname = 'plpgsql';
RESET allow_system_table_mods;
CREATE TABLE pg_dist_node (isactive boolean, shouldhaveshards boolean, noderole text);
INSERT INTO pg_dist_node VALUES (true, true, 'primary');
CREATE TABLE pg_dist_partition (logicalrelid regclass, partmethod "char", colocated regclass);
CREATE FUNCTION citus_add_local_table_to_metadata(regclass) RETURNS void LANGUAGE sql AS '';
CREATE FUNCTION create_distributed_table_concurrently(
  table_name regclass, distribution_column text, distribution_type text DEFAULT 'hash', colocate_with text DEFAULT 'default',
  shard_count int DEFAULT NULL
) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
  IF EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = table_name) THEN
    RAISE EXCEPTION 'table "%" is already distributed', table_name;
  END IF;
  IF EXISTS (SELECT FROM pg_constraint WHERE contype = 'f' AND conrelid <> confrelid AND (
    (conrelid = table_name AND confrelid NOT IN (SELECT logicalrelid FROM pg_dist_partition))
    OR (confrelid = table_name AND conrelid NOT IN (SELECT logicalrelid FROM pg_dist_partition)))) THEN
    RAISE EXCEPTION 'foreign keys from a regular table to a distributed table are not supported.';
  END IF;
  IF table_name = 'tasks'::regclass AND to_regclass('stumbling_block') IS NOT NULL THEN
    RAISE EXCEPTION 'no worker nodes are available for placing shards';
  END IF;
  INSERT INTO pg_dist_partition VALUES (table_name, 'h', CASE colocate_with WHEN 'none' THEN table_name ELSE colocate_with::regclass END);
END $$;
GRANT ALL ON pg_dist_node, pg_dist_partition TO PUBLIC;
"""


type Distribute = Callable[..., Answer]


@pytest.fixture
def distribute(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Distribute:
    """Runs the command for the example on a database."""
    monkeypatch.chdir(ROOT)

    def run(database: Database, *arguments: str) -> Answer:
        monkeypatch.setenv("DATABASE_URL", database.app_dsn)
        monkeypatch.setenv("MIGRATION_DATABASE_URL", database.superuser_dsn)
        return Folder(ROOT, capsys).rowsmith("db", "distribute", *arguments)

    return run


def guards_plugins(server: EmbeddedPostgres) -> bool:
    """Whether output plugins have to be named in the server's settings, as the latest minor versions ask for it."""
    return server.execute("postgres", "SELECT count(*) FROM pg_settings WHERE name = 'output_plugin_libraries'") == "1"


@pytest.fixture(scope="module")
def server() -> Generator[EmbeddedPostgres]:
    """A PostgreSQL that could take part in logical replication."""
    with temporary_folder() as folder:
        with EmbeddedPostgres.start(folder / "data", durable=False) as first:
            first.execute("postgres", "ALTER SYSTEM SET wal_level = 'logical'")
            if guards_plugins(first):
                first.execute("postgres", "ALTER SYSTEM SET output_plugin_libraries = pgoutput, citus")
        with EmbeddedPostgres.start(folder / "data", durable=False) as second:
            yield second


@pytest.fixture
def cluster(server: EmbeddedPostgres) -> Generator[Database]:
    """The example's tables beside the stand-in."""
    with new_database(server) as database:
        database.execute(STAND_IN)
        yield database


def distributed(database: Database) -> str:
    return database.execute("SELECT logicalrelid, colocated FROM pg_dist_partition ORDER BY logicalrelid::text")


def references(database: Database) -> str:
    shown = "conname, convalidated, pg_get_constraintdef(oid)"
    query = f"SELECT {shown} FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace ORDER BY 1"
    return database.execute(query)


def test_every_table_is_distributed_beside_the_first(cluster: Database, distribute: Distribute) -> None:
    before = references(cluster)
    early = distribute(cluster, "--apply")
    assert (early.code, early.out) == (
        4,
        "the function become_ is not there: `rowsmith db distribute --prepare --apply` makes it\n",
    )
    prepared = distribute(cluster, "--prepare", "--apply")
    assert prepared.code == 0, prepared.err
    assert "CITUS=true" in prepared.err
    assert "citus.propagate_set_commands=local" in cluster.execute(f"SELECT rolconfig FROM pg_roles WHERE rolname = '{APP_ROLE}'")
    done = distribute(cluster, "--apply")
    assert done.code == 0, done.err
    assert distributed(cluster).splitlines() == [f"{table}|idempotency_keys_" for table in TABLES]
    assert references(cluster) == before
    told = [line for line in done.err.splitlines() if "create_distributed" in line]
    order = [re.findall(r"'(\w+)'", line)[0] for line in told]
    assert sorted(order) == TABLES
    assert order.index("projects") < order.index("tasks") < min(order.index("comments"), order.index("task_tags"))
    again = distribute(cluster, "--apply")
    assert (again.code, again.err) == (0, "6 tables distributed by user_id.\n")


def test_it_goes_on_where_it_stopped(cluster: Database, distribute: Distribute) -> None:
    before = references(cluster)
    cluster.execute("CREATE TABLE stumbling_block (user_id text)")
    distribute(cluster, "--prepare", "--apply")
    stopped = distribute(cluster, "--apply")
    assert stopped.code == 4
    assert "no worker nodes are available" in stopped.err
    assert "it goes on where it stopped" in stopped.err
    assert "tasks" not in distributed(cluster)
    cluster.execute("DROP TABLE stumbling_block")
    done = distribute(cluster, "--apply")
    assert done.code == 0, done.err
    assert len(distributed(cluster).splitlines()) == len(TABLES)
    assert references(cluster) == before


def test_who_holds_a_table_long_makes_nobody_else_wait(cluster: Database, distribute: Distribute) -> None:
    """What is to be brief is undone and tried again. Somebody who reads tasks needs them while the first one still has them locked."""
    before = references(cluster)
    distribute(cluster, "--prepare", "--apply")
    with opened(cluster) as holder, opened(cluster) as reader, ThreadPoolExecutor(1) as pool:
        holder.execute("BEGIN")
        holder.execute("LOCK TABLE tasks IN ROW SHARE MODE")
        done = pool.submit(distribute, cluster, "--apply")
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'tasks'::regclass"
        while holder.execute(waiting) == "0":
            assert not done.done(), "the conversion did not wait"
        reader.execute("SET lock_timeout = '30s'")
        reader.execute("SELECT count(*) FROM tasks")
        holder.execute("COMMIT")
        assert done.result().code == 0, done.result().err
    assert len(distributed(cluster).splitlines()) == len(TABLES)
    assert references(cluster) == before


def test_a_lock_that_is_never_to_be_had_is_told(cluster: Database, distribute: Distribute, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distribution, "BRIEF", "50ms")
    monkeypatch.setattr(distributor, "PAUSE", 0.0)
    distribute(cluster, "--prepare", "--apply")
    with opened(cluster) as holder:
        holder.execute("BEGIN")
        holder.execute("LOCK TABLE tasks IN ROW SHARE MODE")
        stopped = distribute(cluster, "--apply")
        assert stopped.code == 4
        assert "a lock could not be had" in stopped.err
        holder.execute("COMMIT")
    assert distribute(cluster, "--apply").code == 0


def test_a_row_that_refers_to_none_is_told(cluster: Database, distribute: Distribute) -> None:
    """It was written while the reference was not there; the conversion ends when it is mended."""
    distribute(cluster, "--prepare", "--apply")
    cluster.execute("ALTER TABLE task_tags DROP CONSTRAINT fk_task_tags_tag; ALTER TABLE task_tags DROP CONSTRAINT fk_task_tags_task")
    one, two = "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"
    cluster.execute(
        "INSERT INTO task_tags (user_id, id, task_id, tag_id, created_at, updated_at, version)"
        f" VALUES ('ada', '{one}', '{two}', '{one}', now(), now(), 1)"
    )
    stopped = distribute(cluster, "--apply")
    assert stopped.code == 3
    assert "rows are in the way" in stopped.err
    assert two in stopped.err
    cluster.execute("DELETE FROM task_tags")
    assert distribute(cluster, "--apply").code == 0
    assert "|f|" not in references(cluster)


def test_what_stands_in_the_way_is_told_at_once(cluster: Database, distribute: Distribute) -> None:
    cluster.execute("; ".join(preparation(APP_ROLE, role_is_set=True)))
    cluster.execute("""
        ALTER TABLE tags FORCE ROW LEVEL SECURITY;
        CREATE UNIQUE INDEX by_weight ON tags (weight);
        ALTER TABLE tags ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY;
        ALTER TABLE tags REPLICA IDENTITY NOTHING;
        CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        CREATE TRIGGER "a trigger" BEFORE INSERT ON projects FOR EACH ROW EXECUTE FUNCTION nothing();
        CREATE POLICY also ON comments USING (user_id IN (SELECT 'a'));
        CREATE TABLE mine (user_id text, tag_id uuid, CONSTRAINT mine_tag FOREIGN KEY (user_id, tag_id) REFERENCES tags (user_id, id));
        ALTER TABLE task_tags ADD COLUMN short uuid;
        ALTER TABLE tags ADD CONSTRAINT one_id UNIQUE (id);
        ALTER TABLE task_tags ADD CONSTRAINT short FOREIGN KEY (short) REFERENCES tags (id);
        ALTER TABLE tasks DISABLE ROW LEVEL SECURITY;
    """)
    found = distribute(cluster, "--apply")
    assert found.code == 1, found.err
    assert sorted(found.out.splitlines()) == sorted(
        [
            "tags: row-level security is forced",
            "tags: the key by_weight does not begin with user_id",
            "tags: the key one_id does not begin with user_id",
            "tags.number takes its numbers from a sequence",
            "tags has neither a primary key nor another replica identity",
            'projects has the trigger "a trigger"',
            "comments: the policy also has a subquery",
            "tags: mine refers to it with mine_tag, and is none of the tables to distribute",
            "task_tags: the reference short does not lead to rows of the same user",
            "tasks: row-level security is off",
        ]
    )
    assert distributed(cluster) == ""


def test_what_the_cluster_lacks_is_told_at_once(postgres: EmbeddedPostgres, distribute: Distribute) -> None:
    with new_database(postgres) as database:
        database.execute(STAND_IN)
        database.execute("DELETE FROM pg_dist_node; UPDATE pg_extension SET extversion = '10.2-5' WHERE extname = 'citus'")
        found = distribute(database, "--apply")
        assert found.code == 4
        assert found.out.splitlines() == [
            "Citus 10.2-5 is too old: it has to be 11.1 at least",
            "the cluster has no worker: SELECT citus_add_node(host, port)",
            "wal_level is replica, and has to be logical, on every node",
            *(["output_plugin_libraries does not name citus, and has to, on every node"] if guards_plugins(postgres) else []),
            "the function become_ is not there: `rowsmith db distribute --prepare --apply` makes it",
        ]


def test_a_database_without_citus_is_refused(postgres: EmbeddedPostgres, distribute: Distribute) -> None:
    with new_database(postgres) as database:
        refused = distribute(database, "--apply")
        assert (refused.code, refused.out) == (4, "")
        assert refused.err.startswith(
            "error: the database has no extension `citus`: its tables cannot be distributed\n\n  = hint: install Citus"
        )


def test_the_printed_sql_checks_and_converts(cluster: Database, postgres: EmbeddedPostgres, distribute: Distribute) -> None:
    """Without a database in sight; each statement by itself."""
    for arguments in (["--prepare"], []):
        nowhere = replace(
            cluster, app_dsn=f"postgresql://{APP_ROLE}@nowhere.example/app", superuser_dsn="postgresql://x@nowhere.example/app"
        )
        printed = distribute(nowhere, *arguments)
        assert (printed.code, printed.err) == (0, "")
        comment, stop, sql = printed.out.split("\n", 2)
        assert comment.startswith("-- For psql; ")
        assert stop == "\\set ON_ERROR_STOP on"
        cluster.execute(sql)
    assert len(distributed(cluster).splitlines()) == len(TABLES)
    with new_database(postgres) as plain, pytest.raises(Exception, match="this database has no extension citus"):
        plain.execute(pglast.split(sql)[0])


def test_awkward_names_are_quoted() -> None:
    """A circle of references, of which none has to be cut: they are all dropped."""
    links = (Link('a"b', "o'clock", "FOREIGN KEY (x) REFERENCES y", "order"), Link("order", "two", "FOREIGN KEY (x) REFERENCES y", 'a"b'))
    steps = list(conversion(Plan(("order", 'a"b'), links), Progress()))
    locked = """LOCK TABLE "order", "a""b" IN ACCESS EXCLUSIVE MODE"""
    assert steps[0][2:4] == (locked, '''ALTER TABLE "a""b" DROP CONSTRAINT "o'clock"''')
    assert steps[3] == ("""SELECT create_distributed_table_concurrently('"order"', 'user_id', colocate_with => 'none')""",)
    assert steps[5] == ("""SELECT create_distributed_table_concurrently('"a""b"', 'user_id', colocate_with => '"order"')""",)
    for statement in [*chain.from_iterable(steps), *preparation('ro"le'), EXTENSION]:
        assert len(pglast.parse_sql(statement)) == 1
