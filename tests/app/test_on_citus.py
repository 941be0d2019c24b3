"""CITUS=true: each request is a transaction that begins with its user, told by a function, and errors are understood that have no names.

What is tested here needs no Citus: that the function binds row-level security as `set_config` does, that nothing else sets the user, and
that messages are read which have the forms of Citus' own regression tests (src/test/regress/expected). `make test-citus` runs the contract
and the attacks in this way, on a cluster where there is one; tests/app/test_citus_rules.py holds the SQL to what Citus can distribute.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator

import asyncpg
import pytest
from asyncpg import exceptions as pg
from fastapi import HTTPException
from fastapi.exceptions import RequestValidationError

from app.db.faults import DanglingReferenceError, StillReferredError, answer_for
from app.db.session import counted_rows
from generator.embedded import APP_ROLE, EmbeddedPostgres
from generator.migrations.distribution import preparation
from tests.support.database import ON_CITUS, Database, new_database
from tests.support.resources import RESOURCES, case
from tests.support.serving import Api, serving
from tests.support.tokens import new_user

GUARD = """
CREATE FUNCTION public.set_config(name text, value text, is_local boolean) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
  IF name = 'app.user_id' THEN RAISE EXCEPTION 'this does not reach a worker'; END IF;
  RETURN pg_catalog.set_config(name, value, is_local);
END $$
"""
"""asyncpg sets something else by it."""


@pytest.fixture(scope="module")
def database(postgres: EmbeddedPostgres) -> Generator[Database]:
    """The example's tables and the function, in a database in which set_config does not set the user."""
    with new_database(postgres) as made:
        made.execute("; ".join(preparation(APP_ROLE, role_is_set=True)))
        made.execute(GUARD)
        made.execute(f'ALTER DATABASE "{made.name}" SET search_path = public, pg_catalog')
        yield made


@pytest.fixture(scope="module")
def api(database: Database) -> Generator[Api]:
    with serving(database, CITUS="true") as served:
        yield served


def test_the_user_is_set_by_the_function_alone(api: Api) -> None:
    user, other = new_user(), new_user()
    for resource in RESOURCES:
        row = resource.create(api, user)
        assert api.call(user, "GET", resource.path(user)).json()["items"][0]["id"] == row["id"]
        assert api.call(other, "GET", resource.path(other)).json()["items"] == []
        assert api.call(other, "GET", resource.item(other, row["id"])).status_code == 404
    path = case("Task").path(user)
    task = case("Task").create(api, user, title="one")
    item = case("Task").item(user, task["id"])
    changed = api.call(user, "PATCH", item, json={"notes": "x"})
    assert changed.status_code == 200, changed.text
    assert changed.json()["notes"] == "x"
    batch = {"create": [{"title": "two"}], "update": [{"id": task["id"], "title": "uno"}], "delete": []}
    assert api.call(user, "POST", f"{path}/batch", json=batch).status_code == 200
    kept = [api.call(user, "POST", path, json={"title": "x"}, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert kept[0].json() == kept[1].json()
    assert api.call(user, "GET", path, params={"count": "estimated"}).json()["total"] >= 3
    assert api.call(user, "GET", f"{path}/aggregate", params={"count": "true"}).status_code == 200
    assert api.call(user, "DELETE", item).status_code == 204
    assert api.call(user, "GET", item).status_code == 404


def test_a_search_is_written_out_and_finds_ones_own_rows_alone(api: Api, database: Database) -> None:
    """It calls no function, which a node of Citus could not run; each of the two guards is enough."""
    user, other = new_user(), new_user()
    task = case("Task")
    found = [task.create(api, user, title=title)["id"] for title in ("Paint the wall", "Walls: two of a wall's walls", "Buy paint")]
    task.create(api, other, title="Paint another wall")

    def titles(who: str, **query: str) -> list[str]:
        answer = api.call(who, "GET", task.path(who), params=query)
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json()["items"]]

    database.execute('DROP FUNCTION "search_tasks"(text, text, boolean)')
    assert titles(user, q="pai", sort="title") == [found[2], found[0]]
    assert titles(user, q="wall") == [found[1], found[0]]  # the one that it is more about
    assert titles(user, q="wall", completed="true") == []
    assert api.call(user, "GET", task.path(user), params={"q": "paint", "count": "exact"}).json()["total"] == 2
    database.execute("ALTER TABLE tasks DISABLE ROW LEVEL SECURITY")
    try:
        assert len(titles(other, q="paint")) == 1
        assert titles(new_user(), q="paint") == []
    finally:
        database.execute("ALTER TABLE tasks ENABLE ROW LEVEL SECURITY")


def test_a_reference_leads_to_a_row_of_ones_own_that_is_there(api: Api, database: Database) -> None:
    """Projects keep deleted rows, which the foreign key would let through: the row is looked for before the insert or the update."""
    user, other = new_user(), new_user()
    project, task = case("Project"), case("Task")
    own, deleted, theirs = (project.create(api, one)["id"] for one in (user, user, other))
    assert api.call(user, "DELETE", project.item(user, deleted)).status_code == 204
    made = api.call(user, "POST", task.path(user), json={"title": "x", "project_id": own})
    assert (made.status_code, made.json()["project_id"]) == (201, own)
    item = task.item(user, made.json()["id"])
    assert api.call(user, "PATCH", item, json={"project_id": None}).json()["project_id"] is None
    assert api.call(user, "PATCH", item, json={"project_id": own}).json()["project_id"] == own
    database.execute("ALTER TABLE projects DISABLE ROW LEVEL SECURITY")
    try:
        for gone in (deleted, theirs):
            for answer in (
                api.call(user, "POST", task.path(user), json={"title": "x", "project_id": gone}),
                api.call(user, "PATCH", item, json={"project_id": gone}),
            ):
                assert answer.status_code == 422, answer.text
                assert answer.json()["detail"][0]["loc"] == ["body", "project_id"]
    finally:
        database.execute("ALTER TABLE projects ENABLE ROW LEVEL SECURITY")


@pytest.mark.skipif(ON_CITUS, reason="a database of a cluster has the function from the beginning")
def test_it_is_not_ready_without_the_function(postgres: EmbeddedPostgres) -> None:
    with new_database(postgres) as unprepared, serving(unprepared, until="/healthz", CITUS="true") as served:
        assert served.client.get("/readyz").status_code == 503
        unprepared.execute("; ".join(preparation(APP_ROLE, role_is_set=True)))
        assert served.client.get("/readyz").status_code == 200


@pytest.mark.skipif(ON_CITUS, reason="constraints of distributed tables cannot be renamed; those of shards have the number")
def test_an_error_that_has_the_number_of_a_shard_is_understood(api: Api, database: Database) -> None:
    """The constraints have the names that they have on a worker."""
    user = new_user()
    database.execute("ALTER TABLE tags RENAME CONSTRAINT uq_tags_name TO uq_tags_name_102008")
    try:
        answers = [api.call(user, "POST", case("Tag").path(user), json={"name": "x"}) for _ in range(2)]
    finally:
        database.execute("ALTER TABLE tags RENAME CONSTRAINT uq_tags_name_102008 TO uq_tags_name")
    assert [answer.status_code for answer in answers] == [201, 409]
    assert answers[1].json() == {"detail": "Another row has the same `name`."}


AWKWARD = ["ada", "", "O'Brien", "back\\slash", "\\' OR true; --", "a\nb", "ß“🚐", "%s %L %%", "$1", "x" * 255]


@pytest.mark.parametrize("user", AWKWARD)
async def test_the_function_sets_any_user_until_the_end_of_the_transaction(database: Database, user: str) -> None:
    connection = await asyncpg.connect(database.app_dsn)
    try:
        async with connection.transaction():
            await connection.execute("SELECT become_($1)", user)
            assert await connection.fetchval("SELECT current_setting('app.user_id', true)") == user
        assert not await connection.fetchval("SELECT current_setting('app.user_id', true)")
        await connection.execute("SELECT become_($1)", user)  # a transaction of its own
        assert not await connection.fetchval("SELECT current_setting('app.user_id', true)")
    finally:
        await connection.close()


FOREIGN_ROW = (
    "INSERT INTO tags (user_id, id, name, weight, uses, created_at, updated_at, version)"
    " VALUES ('someone', gen_random_uuid(), 'x', 1, 0, now(), now(), 1)"
)


async def test_row_level_security_answers_as_it_does_elsewhere(api: Api, database: Database) -> None:
    users = [new_user(), new_user()]
    for user in users:
        await asyncio.to_thread(case("Tag").create, api, user)
    query = "SELECT user_id FROM tags"
    connection = await asyncpg.connect(database.app_dsn)
    try:
        assert await connection.fetch(query) == []
        for user in users:
            async with connection.transaction():
                await connection.execute("SELECT become_($1)", user)
                assert [row["user_id"] for row in await connection.fetch(query)] == [user]
            await connection.execute("BEGIN")
            await connection.execute("SELECT become_($1)", user)
            with pytest.raises(pg.InsufficientPrivilegeError):
                await connection.execute(FOREIGN_ROW)
            await connection.execute("ROLLBACK")
    finally:
        await connection.close()


async def test_the_guard_is_one(database: Database) -> None:
    connection = await asyncpg.connect(database.app_dsn)
    try:
        with pytest.raises(pg.RaiseError):
            await connection.execute("SELECT set_config('app.user_id', 'ada', true)")
    finally:
        await connection.close()


async def test_nobody_is_no_user(database: Database) -> None:
    connection = await asyncpg.connect(database.app_dsn)
    try:
        with pytest.raises(asyncpg.PostgresError):
            await connection.execute("SELECT become_(NULL)")
    finally:
        await connection.close()


UNIQUE = 'duplicate key value violates unique constraint "{}"'
REFERENCE = 'insert or update on table "tasks_102011" violates foreign key constraint "{}"'
DELETE = 'update or delete on table "projects_102008" violates foreign key constraint "{}" on table "tasks_102011"'
CHECK = 'new row for relation "tasks_102011" violates check constraint "{}"'
NULL = 'null value in column "title" of relation "tasks_102011" violates not-null constraint'


@pytest.mark.parametrize("shard", ["", "_102008", "_4754037", "_102008000000"])
def test_names_are_read_from_messages(shard: str) -> None:
    taken = answer_for(pg.UniqueViolationError(UNIQUE.format(f"uq_tasks_project_slug{shard}")))
    assert isinstance(taken, HTTPException)
    assert (taken.status_code, taken.detail) == (409, "Another row has the same `project_id` and `slug`.")
    dangling = answer_for(pg.ForeignKeyViolationError(REFERENCE.format(f"fk_tasks_project{shard}")))
    assert isinstance(dangling, RequestValidationError)
    assert dangling.errors()[0]["loc"] == ("body", "project_id")
    refused = answer_for(pg.CheckViolationError(CHECK.format(f"ck_tasks_done_has_progress{shard}")))
    assert isinstance(refused, RequestValidationError)
    assert refused.errors()[0]["msg"] == "A completed task has a progress of 100."


def test_other_messages_without_names() -> None:
    null = answer_for(pg.NotNullViolationError(NULL))
    assert isinstance(null, RequestValidationError)
    assert (null.errors()[0]["loc"], null.errors()[0]["msg"]) == (("body", "title"), "Input should not be null.")
    primary = answer_for(pg.UniqueViolationError(UNIQUE.format("pk_tasks_102008")))
    assert isinstance(primary, HTTPException)
    assert primary.detail == "A row with this id exists already."
    unknown = answer_for(pg.CheckViolationError(CHECK.format("of_somebody_else")))
    assert isinstance(unknown, RequestValidationError)
    assert unknown.errors()[0]["loc"] == ("body",)


def test_names_of_another_version() -> None:
    """Gradual revisions keep the constraints of the version before."""
    taken = answer_for(pg.UniqueViolationError(UNIQUE.format("uq_tasks_former")))
    assert isinstance(taken, HTTPException)
    assert (taken.status_code, taken.detail) == (409, "Another row has the same values where they have to be unique.")
    dangling = answer_for(pg.ForeignKeyViolationError(REFERENCE.format("fk_tasks_former")))
    assert isinstance(dangling, DanglingReferenceError)
    assert dangling.errors()[0]["loc"] == ("body",)


def test_a_delete_names_the_table_that_refers() -> None:
    class Deleting:
        is_delete = True

    answer = answer_for(pg.ForeignKeyViolationError(DELETE.format("fk_tasks_project_102011")), Deleting())  # pyright: ignore[reportArgumentType]
    assert isinstance(answer, StillReferredError)
    assert answer.detail == "Rows of tasks still refer to this one. Delete or change them first."


def test_the_planner_of_a_worker_is_asked() -> None:
    remote = {"Plan": {"Node Type": "Aggregate", "Plan Rows": 1, "Plans": [{"Node Type": "Index Only Scan", "Plan Rows": 4321}]}}
    job = {"Task Count": 1, "Tasks Shown": "All", "Tasks": [{"Node": "host=localhost port=1 dbname=x", "Remote Plan": [[remote]]}]}
    plan = {"Node Type": "Custom Scan", "Custom Plan Provider": "Citus Adaptive", "Plan Rows": 100000, "Distributed Query": {"Job": job}}
    assert counted_rows([{"Plan": plan}]) == 4321
    assert counted_rows([remote]) == 4321
