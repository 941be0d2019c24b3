"""Rows I9 to I11 of the acceptance catalogue, and each layer of isolation alone: with the others removed, it still holds."""

from __future__ import annotations

import ast
import asyncio
import inspect
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from sqlalchemy import Insert, Table
from sqlalchemy.sql.dml import UpdateBase

from app.config import Settings, load_settings
from app.db.pool import SET_USER, SET_USER_ON_CITUS
from app.db.pool import Database as Pool
from app.db.session import Session
from app.db.statements import OWNER, Statement, UnownedStatementError, owned, require_owner
from app.db.table import OwnedTable
from app.main import create_app
from app.middleware.auth import verify_jwt, verify_user_match
from generator.embedded import APP_ROLE, OWNER_ROLE
from generator.ir import Operation, Reference
from tests.support.database import ON_CITUS, Database
from tests.support.matrix import AGGREGATES, BATCHES, CALLS, LINKS, NESTED, RESTORES, SEARCHES, UPSERTS, Call
from tests.support.mutation import Edit, mutated_project
from tests.support.observer import Observer, observing
from tests.support.resources import RESOURCES, ResourceCase, random_id
from tests.support.serving import APP_ROOT, ROOT, Api, serving
from tests.support.statements import Written, route_modules, without_owner, wrapped, written
from tests.support.tokens import SECRET, new_user

NO_FUNCTION_OF_A_SEARCH = pytest.mark.skipif(ON_CITUS, reason="a search is written out there, and calls no function")


class Client:
    """A connection to the database as one role, used from plain tests."""

    def __init__(self, runner: asyncio.Runner, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        self._runner = runner
        self._connection = connection

    def fetch(self, sql: str, *arguments: Any) -> list[asyncpg.Record]:
        return self._runner.run(self._connection.fetch(sql, *arguments))

    def execute(self, sql: str) -> None:
        self._runner.run(self._connection.execute(sql))

    @contextmanager
    def undone(self) -> Generator[None]:
        """A transaction that is rolled back."""
        self.execute("BEGIN")
        try:
            yield
        finally:
            self.execute("ROLLBACK")


@contextmanager
def connected(dsn: str) -> Generator[Client]:
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(dsn))
        try:
            yield Client(runner, connection)
        finally:
            runner.run(connection.close())


@pytest.fixture(scope="module")
def as_app(api: Api) -> Generator[Client]:
    """The application's own role."""
    with connected(api.database.app_dsn) as client:
        yield client


@pytest.fixture(scope="module")
def as_superuser(api: Api) -> Generator[Client]:
    """A role that row-level security does not apply to."""
    with connected(api.database.superuser_dsn) as client:
        yield client


# The query


@pytest.mark.parametrize("case", RESOURCES, ids=str)
def test_every_statement_of_the_routes_carries_the_owner_predicate(api: Api, case: ResourceCase) -> None:
    """`owned()` refuses one that does not, and what is written is refused as soon as a predicate is taken away."""
    kinds: set[str] = set()
    ada = new_user("ada")
    for one in written(case, case.create(api, ada, **case.body(api, ada, optional=True))):
        require_owner(one.statement)
        kinds.add(type(one.statement).__name__.replace("Returning", "").replace("OfScalar", ""))
        removed: list[Any] = []
        bare = without_owner(one.statement, removed.append)
        assert removed, str(one)
        with pytest.raises(UnownedStatementError):
            require_owner(bare)
        with pytest.raises(UnownedStatementError):
            owned(bare)
    gone = "Update" if case.resource.soft_delete else "Delete"
    operations = {Operation.CREATE: "Insert", Operation.UPDATE: "Update", Operation.REPLACE: "Update", Operation.DELETE: gone}
    assert kinds == {"Select"} | {name for operation, name in operations.items() if case.has(operation)}


@pytest.mark.parametrize("name", route_modules())
def test_routes_reach_the_database_through_owned_statements_only(name: str) -> None:
    """A lint: no statement is built outside of `owned()`, `Updates()` and `Listing()`, which check it, and no SQL is written as text."""
    tree = ast.parse((APP_ROOT / "app" / "routes" / f"{name}.py").read_text())
    builders = {"select", "insert", "update", "delete", "delete_and_clear"}
    safe: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"owned", "Updates", "Listing"}:
            safe |= set(ast.walk(node))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in builders or node in safe, f"app/routes/{name}.py:{node.lineno}: not in owned()"
            assert node.func.id not in {"text", "Statement", "literal_column", "getattr", "eval", "exec"}
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            assert not node.module.startswith("asyncpg")
            assert not {alias.name for alias in node.names} & {"Statement", "text", "Database"}
        if isinstance(node, ast.Attribute):
            assert node.attr not in {"sql", "execute", "connection", "_connection", "_database", "fetch", "fetchrow", "raw"}


def assert_refused(statement: Any) -> None:
    try:
        owned(statement)
    except UnownedStatementError:
        return
    pytest.fail(f"accepted: {statement}")


def test_a_statement_without_the_predicate_on_each_of_its_tables_is_refused() -> None:
    from sqlalchemy import and_, delete, insert, or_, select, update  # noqa: PLC0415 - the plain constructs, for this test alone

    tables: list[Table] = [table.__table__ for table in OwnedTable.__subclasses__()]  # pyright: ignore[reportAttributeAccessIssue]
    one, other = tables[0], tables[1]
    for bad in (
        select(one),
        select(one).where(one.c.user_id == "ada"),
        select(one).where(one.c.id == OWNER),
        select(one).where(one.c.user_id != OWNER),
        select(one).where(or_(one.c.user_id == OWNER, one.c.version == 1)),
        select(one, other).where(one.c.user_id == OWNER),
        select(one).join(other, one.c.id == other.c.id).where(one.c.user_id == OWNER),
        select(one).where(one.c.user_id == OWNER, one.c.id.in_(select(other.c.id))),
        select(select(one).subquery()),
        update(one).values(version=2),
        update(one).values(version=2).where(other.c.user_id == OWNER),
        delete(one),
        delete(one).where(one.c.user_id == OWNER, one.c.id.in_(select(other.c.id))),
        insert(one).values(version=1),
        insert(one).values(user_id="ada"),
        insert(one).from_select(["user_id", "id"], select(other.c.user_id, other.c.id)),
    ):
        assert_refused(bad)
    alias, sample = one.alias(), one.tablesample(50)
    for bad in (
        select(one, alias).where(one.c.user_id == OWNER),
        select(one, alias).where(alias.c.user_id == OWNER),
        select(alias),
        select(alias).where(one.c.user_id == OWNER),
        select(one, one.alias(one.name)).where(one.c.user_id == OWNER),
        select(sample),
    ):
        assert_refused(bad)
    for good in (
        select(one, alias).where(one.c.user_id == OWNER, alias.c.user_id == OWNER),
        select(one).join(alias, one.c.id == alias.c.id).where(and_(one.c.user_id == OWNER, alias.c.user_id == OWNER)),
        select(sample).where(sample.c.user_id == OWNER),
    ):
        require_owner(good)


# I9


def arguments_for(one: Written, record: asyncpg.Record, user: str) -> dict[str, Any]:
    """Parameters with which `one` would meet the row `record`, asked for by `user`."""
    row = dict(record)
    found = {**row, **{f"new_{name}": value for name, value in row.items()}, "versions": None, "victim": row["user_id"]}
    found["ids"] = [value for value in row.values() if isinstance(value, UUID)]  # of an expansion: the row, and what it refers to
    return found | dict(one.parameters) | {"user_id": user}


def stored(client: Client, case: ResourceCase, row: dict[str, Any]) -> asyncpg.Record:
    [record] = client.fetch(f'SELECT * FROM "{case.resource.plural}" WHERE user_id = $1 AND id = $2', row["user_id"], row["id"])
    return record


@pytest.mark.skipif(ON_CITUS, reason="a cluster gets these statements in another form, which the tests over HTTP send there")
@pytest.mark.parametrize("case", RESOURCES, ids=str)
def test_I9_without_the_predicate_or_without_row_level_security_nothing_is_shown_or_changed(
    api: Api, observer: Observer, as_app: Client, as_superuser: Client, case: ResourceCase
) -> None:
    """The statements without their predicates, run by the application's role; and as they are, by one that bypasses the policies."""
    ada, mallory = new_user("ada"), new_user("mallory")
    row = case.create(api, ada, **case.body(api, ada, optional=True))
    record = stored(as_superuser, case, row)
    met = 0
    with observer.unchanged():
        for one in written(case, row):
            bare = without_owner(one.statement)
            attack, plain = wrapped(bare), Statement(bare)
            values = arguments_for(one, record, mallory)
            if isinstance(bare, Insert):
                values["id"] = random_id()
                for statement, user in ((attack, mallory), (attack, ""), (plain, None)):
                    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
                        as_app.fetch(statement.sql, *statement.arguments(values | {"user_id": user}))
                continue
            for client, statement, user in (
                (as_app, attack, mallory),
                (as_app, attack, ""),
                (as_app, plain, None),
                (as_superuser, owned(one.statement), mallory),
            ):
                assert shown(client.fetch(statement.sql, *statement.arguments(values | {"user_id": user}))) == [], str(one)
            if one.is_list:
                # With neither of the two the row is found: it was they who hid it.
                met += bool(shown(as_superuser.fetch(attack.sql, *attack.arguments(values))))
    assert met > 5


@pytest.mark.parametrize("case", SEARCHES, ids=str)
@NO_FUNCTION_OF_A_SEARCH
def test_what_looks_words_up_knows_one_user_only(api: Api, as_app: Client, as_superuser: Client, case: ResourceCase) -> None:
    """The function of a search, asked without the statement around it: it answers ids of the user that is set, and to nobody else."""
    ada, mallory = new_user("ada"), new_user("mallory")
    (column,) = (field.column for field in case.resource.fields if field.search)
    word = f"word{random_id()[:8]}"
    row = case.create(api, ada, **{column: f"{word} and more"})
    case.create(api, mallory, **{column: f"{word} besides"})
    call = f"SELECT id__::text, rank__ FROM \"search_{case.resource.plural}\"('{word}', 'and', true)"
    assert as_app.fetch(call) == []  # nobody is set
    for client in (as_app, as_superuser):
        for user, found in ((ada, [row["id"]]), (mallory, []), ("", []), (ada.upper(), []), (f"{ada}' OR true --", [])):
            with client.undone():
                client.fetch("SELECT set_config('app.user_id', $1, true)", user)
                assert [record[0] for record in client.fetch(call)] == found
    (function,) = as_superuser.fetch(
        "SELECT proacl::text AS rights, proconfig AS settings, prosecdef AND provolatile = 's' AS kind, proowner::regrole::text AS owner"
        " FROM pg_proc WHERE proname = $1",
        f"search_{case.resource.plural}",
    )
    assert dict(function) == {
        "rights": f"{{{OWNER_ROLE}=X/{OWNER_ROLE},{APP_ROLE}=X/{OWNER_ROLE}}}",
        "settings": ["search_path=public, pg_temp"],
        "kind": True,
        "owner": OWNER_ROLE,
    }


@pytest.mark.parametrize("case", SEARCHES, ids=str)
@NO_FUNCTION_OF_A_SEARCH
def test_nobody_gets_something_of_their_own_into_a_search(api: Api, case: ResourceCase) -> None:
    """A temporary table or function of the caller, under a name that the function uses, is not what it uses."""
    (column,) = (field.column for field in case.resource.fields if field.search)
    with connected(api.database.superuser_dsn) as client, client.undone():
        client.execute(f'GRANT TEMPORARY ON DATABASE "{api.database.name}" TO {APP_ROLE}; SET LOCAL ROLE {APP_ROLE}')
        client.execute(f'CREATE TEMPORARY TABLE "{case.resource.plural}" (user_id text, id uuid, {column} text)')
        client.execute(f"INSERT INTO \"{case.resource.plural}\" VALUES ('ada', gen_random_uuid(), 'word')")
        client.execute("SELECT set_config('app.user_id', 'ada', true)")
        assert client.fetch(f'SELECT * FROM "{case.resource.plural}"') != []
        assert client.fetch(f"SELECT * FROM \"search_{case.resource.plural}\"('', 'word', true)") == []


def shown(records: list[asyncpg.Record]) -> list[asyncpg.Record]:
    """The rows of an answer, or those that a count counts."""
    return [record for record in records if record.get("total", 1)]


def isolation_holds(api: Api, observer: Observer, *, path_is_checked: bool = True) -> None:
    """Assert over HTTP that one user reaches nothing of another one's, by own paths or foreign ones."""
    for case in RESOURCES:
        ada, mallory = new_user("ada"), new_user("mallory")
        row = case.create(api, ada, **case.body(api, ada, optional=True))
        own = case.create(api, mallory)
        bodies = {call: call.body(api, mallory, **own_references(api, call, mallory)) or None for call in CALLS if call.case is case}
        for call, body in bodies.items():
            with observer.unchanged():
                if not call.on_collection:
                    assert call.send(api, as_user=mallory, row_id=row["id"], json=body).status_code == 404, str(call)
                if call.operation is not Operation.CREATE or path_is_checked:
                    answer = call.send(api, as_user=mallory, of_user=ada, row_id=row["id"], json=body)
                    assert answer.status_code == 403 or not path_is_checked, str(call)
                    assert row["id"] not in answer.text, str(call)
                for field in call.fields():
                    if isinstance(field.type, Reference):
                        foreign = {field.column: row[field.column]}
                        assert call.send(api, as_user=mallory, row_id=own["id"], json={**(body or {}), **foreign}).status_code == 422
        if case.has(Operation.LIST):
            listed = api.call(mallory, "GET", f"{case.path(mallory)}?limit=100").json()["items"]
            assert own["id"] in {item["id"] for item in listed}
            assert {item["user_id"] for item in listed} == {mallory}
            assert api.call(mallory, "GET", f"{case.path(mallory)}?id={row['id']}").json()["items"] == []


def own_references(api: Api, call: Call, user: str) -> dict[str, str]:
    """Values for every reference of a call, so that a body has them all."""
    every = {case.resource.name: case for case in RESOURCES}
    return {field.column: every[field.type.target].create(api, user)["id"] for field in call.fields() if isinstance(field.type, Reference)}


def test_I9_without_row_level_security_isolation_holds_over_http(database: Database) -> None:
    for case in RESOURCES:
        database.execute(f'ALTER TABLE "{case.resource.plural}" DISABLE ROW LEVEL SECURITY')
    with serving(database, until="/healthz") as api, observing(database) as observer:
        isolation_holds(api, observer)


STRIPPED = Edit(
    "app/db/statements.py",
    "    require_owner(statement)\n    if not deleted_too:\n        require_presence(statement)\n    set_owner = ",
    "    from tests.support.statements import without_owner\n"
    "    if not isinstance(statement, Insert):\n"
    "        statement = without_owner(statement)\n"
    "    set_owner = ",
)


@pytest.mark.skipif(ON_CITUS, reason="a cluster refuses to change or lock rows without their owner")
def test_I9_without_any_predicate_isolation_holds_over_http(database: Database) -> None:
    with (
        mutated_project(STRIPPED) as root,
        serving(database, PYTHONPATH=f"{root}:{ROOT}") as api,
        observing(database) as observer,
    ):
        isolation_holds(api, observer)
        for case in RESOURCES:  # it was row-level security alone that held: without it, nothing does
            row = case.create(api, ada := new_user("ada"))
            observer.execute(f'ALTER TABLE "{case.resource.plural}" DISABLE ROW LEVEL SECURITY')
            assert api.call(mallory := new_user("mallory"), "GET", case.item(mallory, row["id"])).json()["user_id"] == ada


def test_I9_without_the_check_of_the_path_isolation_holds_over_http(database: Database) -> None:
    """A path that names somebody else is then answered as the caller's own: the statements are bound to the token's subject."""
    unchecked = Edit("app/middleware/auth.py", "if user_id != subject:", "if False:")
    with mutated_project(unchecked) as root, serving(database, PYTHONPATH=str(root)) as api, observing(database) as observer:
        isolation_holds(api, observer, path_is_checked=False)


# Keys and unique values


def test_no_reference_leaves_its_owner_even_past_row_level_security(api: Api, observer: Observer, as_superuser: Client) -> None:
    checked = 0
    for case in RESOURCES:
        for field in case.references():
            assert isinstance(field.type, Reference)
            target = next(one for one in RESOURCES if one.resource.name == field.type.target)
            ada, mallory = new_user("ada"), new_user("mallory")
            foreign, own = target.create(api, ada)["id"], case.create(api, mallory)["id"]
            sql = f'UPDATE "{case.resource.plural}" SET "{field.column}" = $1 WHERE user_id = $2 AND id = $3'
            with observer.unchanged(), pytest.raises(asyncpg.ForeignKeyViolationError):
                as_superuser.fetch(sql, foreign, mallory, own)
            with as_superuser.undone():
                as_superuser.fetch(sql, target.create(api, mallory)["id"], mallory, own)
            checked += 1
    assert checked


def test_every_key_begins_with_the_owner(as_superuser: Client) -> None:
    """Primary keys, unique constraints, indexes and both sides of every reference; the indexes of the purge alone are of all users."""
    unique = as_superuser.fetch(
        "SELECT i.indexrelid::regclass::text AS name, a.attname::text AS first FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid"
        " JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]"
        " WHERE n.nspname = 'public' AND (i.indisunique OR a.attname <> 'deleted_at')"
    )
    assert {row["first"] for row in unique} == {"user_id"}, unique
    references = as_superuser.fetch(
        "SELECT k.conname::text AS name, child.attname::text AS child, parent.attname::text AS parent"
        " FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace"
        " JOIN pg_attribute child ON child.attrelid = k.conrelid AND child.attnum = k.conkey[1]"
        " JOIN pg_attribute parent ON parent.attrelid = k.confrelid AND parent.attnum = k.confkey[1]"
        " WHERE k.contype = 'f' AND n.nspname = 'public'"
    )
    assert {(row["child"], row["parent"]) for row in references} == {("user_id", "user_id")}
    assert {row["name"] for row in references} == {
        field.type.constraint for case in RESOURCES for field in case.resource.fields if isinstance(field.type, Reference)
    }


def test_every_table_has_row_level_security_with_the_plain_policy(as_superuser: Client) -> None:
    tables = as_superuser.fetch(
        "SELECT c.relname::text AS name, c.relrowsecurity AS enabled, pg_get_userbyid(c.relowner)::text AS owner, p.polcmd AS command,"
        " p.polpermissive AS permissive, pg_get_expr(p.polqual, p.polrelid) AS condition, p.polroles = '{0}' AS everybody,"
        " p.polwithcheck IS NULL AS also_for_writes"
        " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_policy p ON p.polrelid = c.oid"
        " WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')"
    )
    assert {row["name"] for row in tables} == {*(case.resource.plural for case in RESOURCES), "idempotency_keys_"}
    for row in tables:
        assert row["enabled"]
        assert row["owner"] == OWNER_ROLE
        assert (row["command"], row["permissive"], row["everybody"], row["also_for_writes"]) == (b"*", True, True, True)
        assert row["condition"] == "(user_id = current_setting('app.user_id'::text, true))"


# I10


def settings_for(database: Database) -> Settings:
    values = {"DATABASE_URL": database.app_dsn, "JWT_SECRET": SECRET, "POOL_SIZE": "1", "MAX_OVERFLOW": "0"}
    return load_settings(values, env_file=None)


def on_one_connection(database: Database, work: Callable[[Pool], Awaitable[None]]) -> None:
    async def run() -> None:
        pool = await Pool.open(settings_for(database))
        try:
            await work(pool)
        finally:
            await pool.close()

    asyncio.run(run())


async def nobody_sees(pool: Pool) -> int:
    """Assert that the pooled connection has no user and shows no row; its backend's number."""
    async with pool.connection() as connection:
        assert await connection.fetchval("SELECT current_setting('app.user_id', true)") in {None, ""}
        assert await connection.fetchval("SELECT current_user") == APP_ROLE
        for case in RESOURCES:
            assert await connection.fetch(f'SELECT * FROM "{case.resource.plural}"') == []
        return await connection.fetchval("SELECT pg_backend_pid()")


@pytest.mark.parametrize("case", RESOURCES, ids=str)
def test_I10_one_connection_carries_nothing_from_one_user_to_the_next(api: Api, case: ResourceCase) -> None:
    ada, bob = new_user("ada"), new_user("bob")
    rows = {user: case.create(api, user) for user in (ada, bob)}
    found = written(case, case.create(api, ada, **case.body(api, ada, optional=True)))
    get_row = next(one.statement for one in found if not isinstance(one.statement, UpdateBase) and not one.is_list)  # the module's first
    get = owned(get_row)

    async def work(pool: Pool) -> None:
        session = Session(pool)
        backends = {await nobody_sees(pool)}
        for user, stranger in ((ada, bob), (bob, ada), (ada, bob)):
            found = await session.fetch_one(get, user_id=user, id=rows[user]["id"])
            assert found is not None
            assert found["user_id"] == user
            assert await session.fetch_one(get, user_id=user, id=rows[stranger]["id"]) is None
            backends.add(await nobody_sees(pool))
            async with session.transaction(user) as transaction:
                assert await transaction.fetch_one(get, user_id=user, id=rows[user]["id"]) is not None
                assert await transaction.fetch_one(get, user_id=user, id=rows[stranger]["id"]) is None
            backends.add(await nobody_sees(pool))
        for fail in (failing_statement, failing_transaction, cancelled):
            await fail(session, get, ada)
            backends.add(await nobody_sees(pool))
        assert len(backends) <= 2  # a cancelled statement may cost its connection

    on_one_connection(api.database, work)


async def failing_statement(session: Session, get: Statement, user: str) -> None:
    with pytest.raises(Exception, match=r".+"):
        await session.fetch_one(get, user_id=user, id="no uuid")


async def failing_transaction(session: Session, get: Statement, user: str) -> None:
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - it is what comes out of the whole block
        async with session.transaction(user) as transaction:
            await transaction.fetch_one(get, user_id=user, id=random_id())
            raise ZeroDivisionError


async def cancelled(session: Session, get: Statement, user: str) -> None:
    with pytest.raises(TimeoutError):  # noqa: PT012 - it is what comes out of the whole block
        async with asyncio.timeout(0.05), session.transaction(user) as transaction:
            await transaction.fetch_one(get, user_id=user, id=random_id())
            await asyncio.sleep(10)


def test_I10_users_take_turns_on_one_connection_over_http(api: Api) -> None:
    """The application behind `api` has a pool of one connection."""
    users = [new_user() for _ in range(3)]
    for case in RESOURCES:
        rows = {user: case.create(api, user)["id"] for user in users}
        for _ in range(2):
            for user in users:
                for owner, identifier in rows.items():
                    assert api.call(user, "GET", case.item(user, identifier)).status_code == (200 if owner == user else 404)
                api.call(user, "POST", case.path(user), json={})  # one that fails, in between


# I11

FORBIDDEN = {
    "create a table": "CREATE TABLE loot (a int)",
    "create a temporary table": "CREATE TEMPORARY TABLE loot (a int)",
    "create a table as": "CREATE TABLE loot AS SELECT * FROM {table}",
    "create a view": "CREATE VIEW loot AS SELECT * FROM {table}",
    "create a schema": "CREATE SCHEMA loot",
    "create a function": "CREATE FUNCTION loot() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
    "create a trigger": "CREATE TRIGGER loot BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "create a rule": "CREATE RULE loot AS ON UPDATE TO {table} DO ALSO NOTHING",
    "create an index": "CREATE INDEX ON {table} (user_id)",
    "create a role": "CREATE ROLE loot SUPERUSER",
    "create a database": "CREATE DATABASE loot",
    "create an extension": "CREATE EXTENSION file_fdw",
    "drop a table": "DROP TABLE {table}",
    "drop a column": "ALTER TABLE {table} DROP COLUMN version",
    "add a column": "ALTER TABLE {table} ADD COLUMN loot int",
    "truncate": "TRUNCATE {table} CASCADE",
    "disable row-level security": "ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
    "unforce row-level security": "ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY",
    "alter the policy": "ALTER POLICY owner_only ON {table} USING (true)",
    "drop the policy": "DROP POLICY owner_only ON {table}",
    "create a policy": "CREATE POLICY loot ON {table} USING (true)",
    "take the table": f"ALTER TABLE {{table}} OWNER TO {APP_ROLE}",
    "disable a trigger": "ALTER TABLE {table} DISABLE TRIGGER ALL",
    "become the owner": f"SET ROLE {OWNER_ROLE}",
    "become the superuser": "SET ROLE {superuser}",
    "become the superuser's session": "SET SESSION AUTHORIZATION {superuser}",
    "bypass row-level security": f"ALTER ROLE {APP_ROLE} BYPASSRLS",
    "become a superuser": f"ALTER ROLE {APP_ROLE} SUPERUSER",
    "join the owner": f"GRANT {OWNER_ROLE} TO {APP_ROLE}",
    "turn triggers off": "SET session_replication_role = replica",
    "turn row-level security off": "SET row_security = off; SELECT * FROM {table}",
    "run a program": "COPY {table} TO PROGRAM 'true'",
    "run a program for input": "COPY {table} FROM PROGRAM 'true'",
    "write a file": "COPY {table} TO '/tmp/loot'",
    "read a file": "SELECT pg_read_file('/etc/passwd')",
    "list a folder": "SELECT pg_ls_dir('.')",
    "import a large object": "SELECT lo_import('/etc/passwd')",
    "read the passwords": "SELECT rolpassword FROM pg_authid",
    "change a setting of the server": "ALTER SYSTEM SET log_statement = 'all'",
    "reload the server": "SELECT pg_reload_conf()",
    "end another session": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{superuser}'",
}


@pytest.mark.parametrize("sql", FORBIDDEN.values(), ids=list(FORBIDDEN))
def test_I11_the_application_role_may_not(observer: Observer, as_app: Client, as_superuser: Client, sql: str) -> None:
    superuser = as_superuser.fetch("SELECT current_user")[0][0]
    for case in RESOURCES if "{table}" in sql else RESOURCES[:1]:
        with observer.unchanged(), pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.FeatureNotSupportedError)):
            as_app.execute(sql.replace("{table}", f'"{case.resource.plural}"').replace("{superuser}", superuser))


def test_I11_the_application_role_is_no_more_than_a_guest(as_app: Client, as_superuser: Client) -> None:
    for case in RESOURCES:
        as_app.execute(f'GRANT ALL ON "{case.resource.plural}" TO {APP_ROLE}, PUBLIC')  # a warning, and without effect
    [role] = as_superuser.fetch("SELECT * FROM pg_roles WHERE rolname = $1", APP_ROLE)
    assert not any(role[name] for name in ("rolsuper", "rolcreaterole", "rolcreatedb", "rolreplication", "rolbypassrls"))
    assert as_superuser.fetch("SELECT 1 FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member WHERE r.rolname = $1", APP_ROLE) == []
    assert as_superuser.fetch("SELECT 1 FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE r.rolname = $1", APP_ROLE) == []
    sql = "SELECT DISTINCT privilege_type::text FROM information_schema.table_privileges WHERE grantee = $1"
    granted = as_superuser.fetch(sql, APP_ROLE)
    assert {row[0] for row in granted} == {"SELECT", "INSERT", "UPDATE", "DELETE"}


@pytest.mark.parametrize("case", RESOURCES, ids=str)
def test_I11_nobody_gives_a_row_away(api: Api, observer: Observer, as_app: Client, case: ResourceCase) -> None:
    """Not even by SQL of one's own: a row can neither be written for another user nor be moved to one."""
    ada, mallory = new_user("ada"), new_user("mallory")
    own = case.create(api, mallory)
    with observer.unchanged(), as_app.undone():
        as_app.fetch(SET_USER_ON_CITUS if ON_CITUS else SET_USER, mallory)
        assert len(as_app.fetch(f'SELECT * FROM "{case.resource.plural}" WHERE id = $1', own["id"])) == 1
        with pytest.raises(asyncpg.PostgresError, match=r"row-level security|modifying the partition value"):
            as_app.fetch(f'UPDATE "{case.resource.plural}" SET user_id = $1', ada)


# Dependencies


def test_every_route_of_a_user_verifies_the_token_and_its_user() -> None:
    application = create_app(load_settings({"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "JWT_SECRET": SECRET}, env_file=None))
    seen = 0
    for context in iter_route_contexts(application.router.routes):
        if context.path is None or "user_id" not in context.path:
            continue
        dependant: Dependant = context.dependant  # pyright: ignore[reportAttributeAccessIssue]
        calls = list(_dependency_calls(dependant))
        assert verify_jwt in calls, context.path
        assert verify_user_match in calls, context.path
        direct = [dependency.call for dependency in dependant.dependencies]
        assert direct[0] is verify_jwt, f"{context.path}: the token comes first"
        user = next(dependency for dependency in dependant.dependencies if dependency.call is verify_user_match)
        assert user.name == "user_id"  # what the handler calls the user is what was verified, never the path
        assert "user_id" not in {field.name for field in dependant.path_params}
        assert inspect.iscoroutinefunction(context.endpoint)
        seen += 1
    assert seen == len(CALLS) + len(NESTED) + len(LINKS) + len(AGGREGATES) + len(UPSERTS) + len(BATCHES) + len(RESTORES)


def _dependency_calls(dependant: Dependant) -> Generator[Any]:
    for dependency in dependant.dependencies:
        yield dependency.call
        yield from _dependency_calls(dependency)


OPEN = {("GET", path) for path in ("/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/docs/{version}/{name}")}
"""What needs no token and shows no row."""


def test_every_route_is_in_the_matrix() -> None:
    """A route that no spec declares would be attacked by no test of this folder."""
    settings = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "JWT_SECRET": SECRET, "METRICS": "true"}
    application = create_app(load_settings(settings, env_file=None))
    routes = {
        (method, _general(context.path or ""))
        for context in iter_route_contexts(application.router.routes)
        for method in (context.methods or {"ANY"}) - {"HEAD"}
    }
    matrix = {(call.method, call.template) for call in (*CALLS, *LINKS)} | {("GET", call.template) for call in (*NESTED, *AGGREGATES)}
    matrix |= {("PUT", f"/api/{{user_id}}/{one.resource.segment}") for one in UPSERTS}
    matrix |= {("POST", f"/api/{{user_id}}/{one.resource.segment}/batch") for one in BATCHES}
    matrix |= {("POST", f"/api/{{user_id}}/{one.resource.segment}/{{{one.resource.item_param}}}/restore") for one in RESTORES}
    assert routes - OPEN == matrix
    assert routes >= OPEN


def _general(path: str) -> str:
    parts = path.split("/")
    return "/docs/{version}/{name}" if len(parts) == 4 and parts[1] == "docs" else path
