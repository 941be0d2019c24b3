"""The tables of a development database follow the specs while rows are in them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from generator.embedded import APP_ROLE, EmbeddedPostgres
from tests.support.catalog import catalog
from tests.support.database import Database, new_database
from tests.support.generated import write_core, write_generated, write_specs
from tests.support.tables import TableMaker

TORTURE = Path(__file__).resolve().parents[1] / "cases" / "torture" / "resources"
COMPUTED = "m: {type: bigint, computed: n * 2, stored: true, sort: true, unique: true}"
EDITS = {
    "a field with a default": (("n: integer",), ("n: integer", "note: {type: string, default: new}")),
    "another bound": (("n: {type: integer, le: 90}",), ("n: {type: integer, le: 80, sort: true}",)),
    "a computed field": (("n: integer",), (COMPUTED, "n: integer")),
    "a computed field of a new one": (
        ("n: integer",),
        ("n: integer", "k: {type: integer, default: 4}", COMPUTED.replace("n *", "k * n *")),
    ),
    "another expression": (("n: integer", COMPUTED), ("n: integer", COMPUTED.replace("* 2", "* 3 + 1"))),
    "the same expression": (("n: integer", COMPUTED), ("n: integer", COMPUTED, "p: text?")),
    "a computed field that is kept": (("n: integer", COMPUTED), ("n: integer", "m: {type: bigint, sort: true, unique: true}")),
    "a search": (("n: integer", "note: text?"), ("n: integer", "note: {type: text, nullable: true, search: true}")),
    "another search": (
        ("n: integer", "note: {type: text, nullable: true, search: true}"),
        ("n: integer", "note: {type: text, nullable: true, search: true}", "more: {type: text, nullable: true, search: true}"),
    ),
    "no search any more": (("n: integer", "note: {type: text, nullable: true, search: true}"), ("n: integer", "note: text?")),
    "no computed field any more": (("n: integer", COMPUTED), ("n: integer",)),
}


def spec(*fields: str, soft_delete: bool = False) -> dict[str, str]:
    kept = ("soft_delete: true",) if soft_delete else ()
    return {"mark": "\n".join(("resource: Mark", "fields:", *(f"  {field}" for field in fields), *kept, ""))}


type Bring = Callable[..., None]


@pytest.fixture
def bring(table_maker: TableMaker, tmp_path: Path) -> Bring:
    """Generates the code of a spec with these fields and brings databases to it."""
    write_core(tmp_path)

    def bring(databases: Database | tuple[Database, ...], *fields: str, soft_delete: bool = False) -> None:
        write_specs(tmp_path, spec(*fields, soft_delete=soft_delete))
        write_generated(tmp_path)
        for database in databases if isinstance(databases, tuple) else (databases,):
            table_maker.make(tmp_path, database.owner_dsn, APP_ROLE)

    return bring


@pytest.mark.parametrize("edit", EDITS)
def test_tables_become_those_of_the_spec_and_keep_their_rows(edit: str, postgres: EmbeddedPostgres, bring: Bring) -> None:
    old, new = EDITS[edit]
    with new_database(postgres, tables=False) as database, new_database(postgres, tables=False) as fresh:
        bring(database, *old)
        values = "SELECT 'ada', gen_random_uuid(), now(), now(), 1, n FROM generate_series(1, 50) AS n"
        database.execute(f"INSERT INTO marks (user_id, id, created_at, updated_at, version, n) {values}")
        bring((database, database, fresh), *new)
        found, wanted = catalog(database), catalog(fresh)
        assert {name: sorted(rows) for name, rows in found.items()} == {name: sorted(rows) for name, rows in wanted.items()}
        assert database.execute("SELECT sum(n) FROM marks") == str(sum(range(1, 51)))


def test_tables_of_every_type_stay_as_they_are(postgres: EmbeddedPostgres, table_maker: TableMaker, tmp_path: Path) -> None:
    write_core(tmp_path)
    write_specs(tmp_path, {path.stem: path.read_text(encoding="utf-8") for path in TORTURE.glob("*.yaml")})
    write_generated(tmp_path)
    with new_database(postgres, tables=False) as database:
        table_maker.make(tmp_path, database.owner_dsn, APP_ROLE)
        before = catalog(database)
        table_maker.make(tmp_path, database.owner_dsn, APP_ROLE)
        assert catalog(database) == before


def test_data_is_not_computed_away(postgres: EmbeddedPostgres, bring: Bring) -> None:
    with new_database(postgres, tables=False) as database:
        bring(database, "n: integer", "m: bigint")
        with pytest.raises(
            AssertionError, match=r"marks\.m holds data, and the spec computes it\. Rename the field, or delete the database\."
        ):
            bring(database, "n: integer", COMPUTED)


def test_deleted_rows_are_not_there_again_without_soft_delete(postgres: EmbeddedPostgres, bring: Bring) -> None:
    with new_database(postgres, tables=False) as database, new_database(postgres, tables=False) as fresh:
        bring(database, "n: {type: integer, unique: true}")
        bring(database, "n: {type: integer, unique: true}", soft_delete=True)
        bring(fresh, "n: {type: integer, unique: true}", soft_delete=True)
        assert catalog(database) == catalog(fresh)
        database.execute("INSERT INTO marks SELECT 'ada', gen_random_uuid(), now(), now(), 1, 5, now()")
        with pytest.raises(AssertionError, match=r"marks has deleted rows, which would be there again\. Restore or purge them first"):
            bring(database, "n: integer")
        database.execute("DELETE FROM marks")
        bring(database, "n: integer")
        bring(database, "n: integer", "deleted_at: datetime?")
