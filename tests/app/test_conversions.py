"""Every type of a column becomes every other one; where no value is said to be at risk, each is taken."""

from __future__ import annotations

import pytest

from generator.embedded import EmbeddedPostgres
from generator.migrations.diff import conversion
from tests.support.database import new_database, opened

COLLATION = ' COLLATE "C"'


def _list_of(name: str) -> str:
    return f"{name.removesuffix(COLLATION)}[]{COLLATION if name.endswith(COLLATION) else ''}"


SCALARS = {
    "text": ("'5'", "'it''s'"),
    'text COLLATE "C"': ("''", "'é'"),
    "integer": ("5", "-2147483648"),
    "bigint": ("5", "9223372036854775807"),
    "numeric(9,2)": ("5", "-9999999.99"),
    "numeric(20,0)": ("5", "99999999999999999999"),
    "double precision": ("5", "-0.25"),
    "boolean": ("true", "false"),
    "date": ("'2026-02-28'", "'0001-01-01'"),
    "time without time zone": ("'12:30'", "'23:59:59.999999'"),
    "timestamp with time zone": ("'2026-02-28T23:30:00-05:00'", "'2000-01-01Z'"),
    "uuid": ("'0190f3c2-7b1e-7c3a-9b4e-2f6d5a1c8e70'", "'00000000-0000-0000-0000-000000000000'"),
}
JSON = {"jsonb": ("""'{"a": [1, null]}'""", "'5'")}
LISTS = {
    _list_of(name): (f"ARRAY[{', '.join(values)}]::{_list_of(name).removesuffix(COLLATION)}", "'{}'") for name, values in SCALARS.items()
}
TYPES = {**SCALARS, **JSON, **LISTS}


def test_every_type_becomes_every_other_one(postgres: EmbeddedPostgres) -> None:
    with new_database(postgres, tables=False) as database, opened(database) as connection:
        for old, values in TYPES.items():
            changes = {f"x{number}": (new, *conversion(f"x{number}", old, new)) for number, new in enumerate(TYPES) if new != old}
            safe = {name: change for name, change in changes.items() if not change[2]}
            assert safe, old
            for rows, some in ((values, safe), ((), changes)):
                connection.execute(f"CREATE TABLE t ({', '.join(f'{name} {old}' for name in some)})")
                for value in (*rows, *(("NULL",) if rows else ())):
                    connection.execute(f"INSERT INTO t VALUES ({', '.join([value] * len(some))})")
                columns = [f"ALTER COLUMN {name} TYPE {new} USING {using}" for name, (new, using, _) in some.items()]
                connection.execute(f"ALTER TABLE t {', '.join(columns)}")
                connection.execute("DROP TABLE t")


@pytest.mark.parametrize(
    ("old", "new", "loses"),
    [
        ("integer", "bigint", False),
        ("bigint", "integer", True),
        ("integer[]", "bigint[]", False),
        ("bigint[]", "integer[]", True),
        ("numeric(9,2)[]", "numeric(8,2)[]", True),
        ("integer", "double precision[]", False),
        ("double precision[]", "double precision", True),
    ],
)
def test_what_can_be_lost_is_said(old: str, new: str, loses: bool) -> None:
    assert conversion("x", old, new)[1] is loses
