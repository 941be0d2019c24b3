"""A rule decides every row alike in PostgreSQL and in Python, and a computed value is the same: generated ones, both sides compared."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import StrEnum
from types import SimpleNamespace
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.api import rules
from generator.embedded import SUPERUSER, EmbeddedPostgres
from generator.expressions import Computation, Rule, compile_rule, compile_value
from generator.ir import Kind, ScalarType, Span
from generator.rules.tree import Column, ValueType

SPAN = Span("resources/thing.yaml", 1, 1)

COLUMN_TYPES = {
    ValueType.TEXT: 'text COLLATE "C"',
    ValueType.ENUM: 'text COLLATE "C"',
    ValueType.INTEGER: "bigint",
    ValueType.DECIMAL: "numeric(12, 4)",
    ValueType.FLOAT: "double precision",
    ValueType.BOOLEAN: "boolean",
    ValueType.DATE: "date",
    ValueType.TIME: "time",
    ValueType.DATETIME: "timestamptz",
    ValueType.UUID: "uuid",
    ValueType.OTHER: "jsonb",
}


class Shade(StrEnum):
    """Enums are compared as texts, and with one another."""

    LOW = "low"
    IT_S = "it's"
    HIGH = "High"


ENUM_VALUES = tuple(shade.value for shade in Shade)


def _columns() -> dict[str, Column]:
    """Two fields of each type, one of them nullable, with names that need quoting among them."""
    columns: dict[str, Column] = {}
    for kind in ValueType:
        values = ENUM_VALUES if kind is ValueType.ENUM else ()
        columns[f"{kind.value}_a"] = Column(f"{kind.value}_a", kind, nullable=False, values=values)
        columns[f"{kind.value}_n"] = Column(f"{kind.value}_n", kind, nullable=True, values=values)
    columns["order"] = Column("order", ValueType.INTEGER, nullable=False)
    columns["user"] = Column("user_id_ref", ValueType.UUID, nullable=True)
    return columns


COLUMNS = _columns()

TEXTS = (
    "",
    "a",
    "A",
    "ä",
    "Ä",
    "ß",
    "z",
    "Z",
    "aa",
    "\U0001f642",
    "\uffff",
    "I",
    "\u0131",
    "\u0130",
    "it's",
    'q"\\',
    "low",
    "High",
    "a\nb",
    "é",
    "e\u0301",
)
UUIDS = ("00000000-0000-0000-0000-000000000000", "0190f3c2-7b1e-7c3a-9b4e-2f6d5a1c8e70", "ffffffff-ffff-ffff-ffff-ffffffffffff")
DATES = ("0001-01-01", "2026-02-28", "2024-02-29", "9999-12-31")
TIMES = ("00:00:00", "12:30:00", "12:30:00.000001", "23:59:59.999999")
DATETIMES = (
    "0001-01-01T00:00:00Z",
    "2026-02-28T12:30:00Z",
    "2026-02-28T13:30:00+01:00",
    "2026-02-28T12:30:00.5Z",
    "9999-12-31T23:59:59.999999Z",
)
INTEGERS = (0, 1, -1, 2, 3, -7, 10, 2**31 - 1, -(2**31), 2**53 + 1, 2**63 - 1, -(2**63))
DECIMALS = ("0", "0.5", "-0.5", "1", "0.1", "0.3", "-7.25", "99999999.9999", "-99999999.9999", "0.0001", "2")
FLOATS = (0.0, -0.0, 0.5, 0.1, 0.1 + 0.2, 0.3, 1.0, -7.25, 1e308, -1e308, 5e-324, 2.0**53, 1 / 3, 1e16 + 2, 2.0)

FIELD_VALUES: dict[ValueType, st.SearchStrategy[object]] = {
    ValueType.TEXT: st.sampled_from(TEXTS) | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5),
    ValueType.ENUM: st.sampled_from(list(Shade)),
    ValueType.INTEGER: st.sampled_from(INTEGERS) | st.integers(-20, 20),
    ValueType.DECIMAL: st.sampled_from([Decimal(text) for text in DECIMALS]) | st.decimals("-30", "30", places=4),
    ValueType.FLOAT: st.sampled_from(FLOATS) | st.floats(allow_nan=False, allow_infinity=False),
    ValueType.BOOLEAN: st.booleans(),
    ValueType.DATE: st.sampled_from([date.fromisoformat(text) for text in DATES]) | st.dates(),
    ValueType.TIME: st.sampled_from([time.fromisoformat(text) for text in TIMES]) | st.times(),
    ValueType.DATETIME: st.sampled_from([datetime.fromisoformat(text) for text in DATETIMES]) | st.datetimes(timezones=st.just(UTC)),  # pyright: ignore[reportArgumentType]
    ValueType.UUID: st.sampled_from([UUID(text) for text in UUIDS]),
    ValueType.OTHER: st.sampled_from(["{}", "[1]"]),
}


# --- Rules --------------------------------------------------------------------------------------------------------------------------


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _fields(*kinds: ValueType) -> st.SearchStrategy[str]:
    names = [f'"{name}"' if name == "order" else name for name, column in COLUMNS.items() if column.type in kinds]
    return st.sampled_from(names)


def _literals(kind: ValueType) -> st.SearchStrategy[str]:
    samples: dict[ValueType, Sequence[str]] = {
        ValueType.TEXT: [_quoted(text) for text in TEXTS],
        ValueType.ENUM: [_quoted(text) for text in ENUM_VALUES],
        ValueType.DATE: [_quoted(text) for text in DATES],
        ValueType.TIME: [_quoted(text) for text in TIMES],
        ValueType.DATETIME: [_quoted(text) for text in DATETIMES],
        ValueType.UUID: [_quoted(text) for text in UUIDS],
    }
    return st.sampled_from(samples[kind])


NUMBER_LITERALS = st.sampled_from(
    [
        "0",
        "1",
        "2",
        "-1",
        "3",
        "7",
        "0.5",
        "0.1",
        "0.3",
        "1.0",
        "-7.25",
        "9007199254740993",
        "9223372036854775808",
        "12345678901234567890.5",
    ]
)
TEXT_VALUES = st.deferred(
    lambda: (
        _fields(ValueType.TEXT)
        | _literals(ValueType.TEXT)
        | st.builds(
            "{}({})".format,
            st.sampled_from(["lower", "upper", "LOWER"]),
            _fields(ValueType.TEXT, ValueType.ENUM) | _literals(ValueType.TEXT),
        )
    )
)
NUMBERS = st.recursive(
    _fields(ValueType.INTEGER, ValueType.DECIMAL, ValueType.FLOAT) | NUMBER_LITERALS | st.builds("length({})".format, TEXT_VALUES),
    lambda inner: st.builds("({} {} {})".format, inner, st.sampled_from("+-*/"), inner) | st.builds("-{}".format, inner),
    max_leaves=5,
)
ORDERS = st.sampled_from(["=", "==", "<>", "!=", "<", "<=", ">", ">="])
EQUALITIES = st.sampled_from(["=", "<>"])
NOT = st.sampled_from(["", "not "])


def _values(kind: ValueType) -> st.SearchStrategy[str]:
    if kind is ValueType.TEXT:
        return TEXT_VALUES
    return NUMBERS if kind is ValueType.INTEGER else _fields(kind) | _literals(kind)


def _makes_sense(text: str) -> bool:
    """The strategies also write constant conditions, which are refused."""
    return isinstance(compile_rule(text, SPAN, COLUMNS), Rule)


def _tests(kind: ValueType) -> st.SearchStrategy[str]:
    """Conditions on values of one kind."""
    values = _values(kind)
    lists = st.lists(values, min_size=1, max_size=4).map(", ".join)
    conditions = st.builds("{} {} {}".format, values, EQUALITIES if kind is ValueType.ENUM else ORDERS, values)
    conditions |= st.builds("{} {}in ({})".format, values, NOT, lists)
    if kind is not ValueType.ENUM:
        conditions |= st.builds("{} {}between {} and {}".format, values, NOT, values, values)
    return (conditions | st.builds("{} is {}null".format, values, NOT)).filter(_makes_sense)


ORDERED = (ValueType.TEXT, ValueType.INTEGER, ValueType.DATE, ValueType.TIME, ValueType.DATETIME, ValueType.UUID, ValueType.ENUM)
SIMPLE = (
    *(_tests(kind) for kind in ORDERED),
    _fields(ValueType.BOOLEAN),
    st.builds("{} {} {}".format, _fields(ValueType.BOOLEAN), EQUALITIES, st.sampled_from(["true", "false"])),
    st.builds("{} {} {}".format, st.just("boolean_n"), EQUALITIES, st.just("boolean_a")),
    st.builds("{} is {}null".format, st.sampled_from([name for name, column in COLUMNS.items() if column.nullable]), NOT),
)


@st.composite
def simple_conditions(draw: st.DrawFn) -> str:
    """One condition without parts. (A composite, because the strategies themselves print as pages of text.)"""
    return draw(SIMPLE[draw(st.integers(0, len(SIMPLE) - 1))])


CONDITIONS = st.recursive(
    simple_conditions(),
    lambda inner: (
        st.builds("({} {} {})".format, inner, st.sampled_from(["and", "or", "AND"]), inner)
        | st.builds("not ({})".format, inner)
        | st.builds("(({}) {} ({}))".format, inner, EQUALITIES, inner).filter(_makes_sense)
        | st.builds("(({}) is {}null)".format, inner, NOT).filter(_makes_sense)
    ),
    max_leaves=6,
)

ROWS = st.fixed_dictionaries(
    {column.column: FIELD_VALUES[column.type] | st.none() if column.nullable else FIELD_VALUES[column.type] for column in COLUMNS.values()}
)


# --- Both sides ---------------------------------------------------------------------------------------------------------------------


def broken_in_python(rule: Rule, row: Mapping[str, object]) -> bool:
    result = eval(rule.python, {"rules": rules}, {"self": SimpleNamespace(**row)})
    assert isinstance(result, bool), rule.python
    return result


async def broken_in_postgres(
    connection: asyncpg.Connection, compiled: Sequence[Rule], rows: Sequence[Mapping[str, object]]
) -> list[list[bool]]:
    """For each row, whether each rule's CHECK would fail."""
    tests = ", ".join(f"({rule.sql}) IS FALSE" for rule in compiled)
    records = json.dumps([{"number": number, **row} for number, row in enumerate(rows)], default=str)
    query = f"SELECT number, {tests} FROM json_populate_recordset(NULL::things, $1) ORDER BY number"
    return [list(record)[1:] for record in await connection.fetch(query, records)]


async def connect(dsn: str) -> asyncpg.Connection:
    connection = await asyncpg.connect(dsn)
    definitions = ", ".join(f'"{column.column}" {COLUMN_TYPES[column.type]}' for column in COLUMNS.values())
    await connection.execute(f"CREATE TEMPORARY TABLE things (number int, {definitions})")
    return connection


def compiled(text: str) -> Rule:
    rule = compile_rule(text, SPAN, COLUMNS)
    assert isinstance(rule, Rule), text
    return rule


@pytest.mark.parametrize("locale", ["LOCALE_PROVIDER libc LOCALE 'C.UTF-8'", "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'PG_UNICODE_FAST'"])
def test_postgres_and_python_agree(postgres: EmbeddedPostgres, locale: str) -> None:
    """Whatever the database's own locale is: in the second one, `upper('ß')` would be SS."""
    name = f"rules_{hashlib.sha256(locale.encode()).hexdigest()[:8]}"
    postgres.execute("postgres", f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' {locale}")
    loop = asyncio.new_event_loop()
    connection = loop.run_until_complete(connect(postgres.dsn(SUPERUSER, name)))
    seen = {"rules": 0, "broken": 0, "passed": 0}

    @settings(
        max_examples=40,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )
    @given(st.lists(CONDITIONS, min_size=5, max_size=15), st.lists(ROWS, min_size=10, max_size=25))
    def agree(texts: list[str], rows: list[dict[str, object]]) -> None:
        candidates = list(map(compiled, texts))
        answers = loop.run_until_complete(broken_in_postgres(connection, candidates, rows))
        for row, answer in zip(rows, answers, strict=True):
            for rule, broken in zip(candidates, answer, strict=True):
                here = broken_in_python(rule, row)
                assert here == broken, (
                    f"{rule.sql}\n{rule.python}\nPython: {here}, PostgreSQL: {broken}\n{ {name: row[name] for name in rule.columns} }"
                )
                seen["broken" if broken else "passed"] += 1
        seen["rules"] += len(candidates)

    try:
        agree()
    finally:
        loop.run_until_complete(connection.close())
        loop.close()
    assert seen["rules"] >= 200  # what 40 examples have at least
    assert min(seen["broken"], seen["passed"]) > 1_000


def test_no_empty_row_breaks_a_rule_that_is_said_to_hold_for_it() -> None:
    nullable = {name: replace(column, nullable=True) for name, column in COLUMNS.items()}
    empty = {column.column: None for column in COLUMNS.values()}
    seen = {True: 0, False: 0}

    @settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
    @given(CONDITIONS)
    def holds(text: str) -> None:
        rule = compile_rule(text, SPAN, nullable)
        if isinstance(rule, Rule):
            seen[rule.holds_empty] += 1
            assert not (rule.holds_empty and broken_in_python(rule, empty)), text

    holds()
    assert min(seen.values()) > 20


EDGES = [
    "float_a + 0 = 0.3",
    "float_a * 3 = 0.9",
    "float_a = 0.3",
    "float_a = decimal_a",
    "float_a < integer_a",
    "float_a in (0.1, 0.3, 2)",
    "float_a between decimal_a and 2",
    "float_a * float_a > 0",
    "1 / decimal_a * decimal_a = 1",
    "2 / decimal_a + 1 = 1.66666666666666666666",
    "decimal_a / 7 <> -1.03571428571428571428",
    "integer_a / 2 = -3",
    "integer_a / -2 = 3",
    "integer_a / integer_n = 0",
    "decimal_a / integer_n = 0",
    "integer_a + 1 > 9223372036854775807",
    "integer_a * integer_a * integer_a > integer_n",
    "-integer_a > 0",
    "integer_a - (integer_n - 1) > 2",
    "integer_a - (integer_n + decimal_a) > 0",
    "-(integer_a - 3) < 0",
    "decimal_a - (decimal_n * 2 - 1) <= 0",
    "integer_a > 0.5",
    "integer_a = float_a",
    "lower(text_a) = text_a",
    "upper(text_a) = text_a",
    "length(text_a) = 1",
    "text_a < text_n",
    "text_a between 'A' and 'z'",
    "time_a >= '12:30:00.000001'",
    "datetime_a > '2026-02-28T13:30:00+01:00'",
    "date_a <= '2026-02-28'",
    "uuid_a < uuid_n",
]


def test_postgres_and_python_agree_at_the_edges(postgres: EmbeddedPostgres) -> None:
    """Values at which rounding, overflow, the order of texts and the zero would show, each with each."""
    samples: dict[ValueType, Sequence[object]] = {
        ValueType.TEXT: TEXTS,
        ValueType.ENUM: list(Shade),
        ValueType.INTEGER: INTEGERS,
        ValueType.DECIMAL: [Decimal(text) for text in DECIMALS],
        ValueType.FLOAT: FLOATS,
        ValueType.BOOLEAN: (True, False),
        ValueType.DATE: [date.fromisoformat(text) for text in DATES],
        ValueType.TIME: [time.fromisoformat(text) for text in TIMES],
        ValueType.DATETIME: [datetime.fromisoformat(text) for text in DATETIMES],
        ValueType.UUID: [UUID(text) for text in UUIDS],
        ValueType.OTHER: ["{}"],
    }
    rows: list[dict[str, object]] = []
    for number in range(22 * 23):  # every value of one column meets every value of another: no two lists have 22 and 23 entries
        row: dict[str, object] = {}
        for column in COLUMNS.values():
            values = samples[column.type]
            row[column.column] = (*values, None)[number // 22 % (len(values) + 1)] if column.nullable else values[number % 22 % len(values)]
        rows.append(row)
    candidates = list(map(compiled, EDGES))
    loop = asyncio.new_event_loop()
    connection = loop.run_until_complete(connect(postgres.dsn(SUPERUSER, "postgres")))
    try:
        answers = loop.run_until_complete(broken_in_postgres(connection, candidates, rows))
    finally:
        loop.run_until_complete(connection.close())
        loop.close()
    for index, rule in enumerate(candidates):
        column = [answer[index] for answer in answers]
        assert [broken_in_python(rule, row) for row in rows] == column, f"{rule.sql}\n{rule.python}"
        assert len(set(column)) == 2, f"{rule.sql} decides nothing here"


# --- Computed values ----------------------------------------------------------------------------------------------------------------

RESULTS = (
    ScalarType(Kind.BOOLEAN),
    ScalarType(Kind.TEXT),
    ScalarType(Kind.BIGINT),
    ScalarType(Kind.DECIMAL, precision=12, scale=2),
    ScalarType(Kind.DECIMAL, precision=38, scale=30),
    ScalarType(Kind.DECIMAL, precision=5, scale=0),
)


def computed(text: str, scalar: ScalarType) -> Computation | None:
    """The expression, where it has this type."""
    found = compile_value(text, SPAN, COLUMNS, scalar, table="things" if len(text) % 2 else None)
    return found if isinstance(found, Computation) else None


@st.composite
def computations(draw: st.DrawFn) -> Computation:
    """A computed value of some type."""
    scalar = draw(st.sampled_from(RESULTS))
    texts = {Kind.BOOLEAN: CONDITIONS, Kind.TEXT: TEXT_VALUES | _fields(ValueType.ENUM)}.get(scalar.kind, NUMBERS)
    return draw(texts.map(lambda text: computed(text, scalar)).filter(lambda found: found is not None))  # pyright: ignore[reportReturnType]


async def values_in_postgres(
    connection: asyncpg.Connection, compiled: Sequence[Computation], rows: Sequence[Mapping[str, object]]
) -> list[list[object]]:
    """For each row the value of each computation; Ellipsis where it breaks its range, so that there is no such row."""
    fits = [f"({one.range.sql}) IS NOT FALSE" if one.range else "true" for one in compiled]
    values = ", ".join(f"CASE WHEN {fit} THEN {one.sql} END, {fit}" for one, fit in zip(compiled, fits, strict=True))
    records = json.dumps([{"number": number, **row} for number, row in enumerate(rows)], default=str)
    query = f"SELECT number, {values} FROM json_populate_recordset(NULL::things, $1) AS things ORDER BY number"
    return [
        [value if fit else ... for value, fit in zip(record[1::2], record[2::2], strict=True)]
        for record in (list(found) for found in await connection.fetch(query, records))
    ]


def value_in_python(one: Computation, row: Mapping[str, object]) -> object:
    names, this = {"rules": rules}, {"self": SimpleNamespace(**row)}
    return ... if one.range and eval(one.range.python, names, this) else eval(one.python, names, this)


def test_computed_values_agree(postgres: EmbeddedPostgres) -> None:
    loop = asyncio.new_event_loop()
    connection = loop.run_until_complete(connect(postgres.dsn(SUPERUSER, "postgres")))
    seen = {"null": 0, "out of range": 0, "value": 0}

    @settings(
        max_examples=40,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )
    @given(st.lists(computations(), min_size=5, max_size=15), st.lists(ROWS, min_size=10, max_size=25))
    def agree(candidates: list[Computation], rows: list[dict[str, object]]) -> None:
        answers = loop.run_until_complete(values_in_postgres(connection, candidates, rows))
        for row, answer in zip(rows, answers, strict=True):
            for one, there in zip(candidates, answer, strict=True):
                here = value_in_python(one, row)
                assert here == there, f"{one.sql}\n{one.python}\n{here!r} is not {there!r}\n{ {name: row[name] for name in one.columns} }"
                assert here is not None or one.nullable, one.sql
                seen["null" if here is None else "out of range" if here is ... else "value"] += 1

    try:
        agree()
    finally:
        loop.run_until_complete(connection.close())
        loop.close()
    assert min(seen.values()) > 100, seen
