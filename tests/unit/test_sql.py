"""SQL text is what it says: literals come back unchanged, and each CHECK lets in exactly what the API lets in."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Generator
from dataclasses import dataclass
from decimal import Decimal

import asyncpg
import pytest
from sqlalchemy import Column, MetaData, Table, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.schema import CreateTable
from sqlalchemy.types import Text, TypeEngine, UserDefinedType

from app.db.schema import _sql
from app.db.table import check
from generator.embedded import SUPERUSER, EmbeddedPostgres
from generator.ir import Bounds, EnumType, EnumValue, Field, FieldType, JsonType, Kind, ListType, Reference, ScalarType, Span
from generator.sql import KEYWORDS, MAX_JSON_BYTES, bound_checks, number_literal, quote_identifier, text_literal
from generator.types import sql_type

HOSTILE = [
    "plain",
    "",
    "it's",
    "''",
    '"',
    '"""',
    "'''",
    "\\",
    "\\'",
    "\\\\'; DROP TABLE things; --",
    "a\nb\r\n\tc",
    ":name",
    "a:b ::c \\:d \\\\:e :1 (?:x)",
    "100%",
    "%(x)s %s %%",
    "{{ x }} {% y %} {# z #}",
    "*/ /* --",
    "$1 $$ $tag$",
    "\u00e9\U0001f642\u2028\ufeff",
    "\x01\x1f\x7f",
    "E'\\x41'",
    "x" * 5_000,
]


@pytest.fixture(scope="module")
def dsn(postgres: EmbeddedPostgres) -> str:
    postgres.execute("postgres", "CREATE DATABASE sql_texts TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'")
    return postgres.dsn(SUPERUSER, "sql_texts")


class Session:
    """A connection that the tests use without coroutines of their own."""

    def __init__(self, dsn: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._connection: asyncpg.Connection = self._loop.run_until_complete(asyncpg.connect(dsn))

    def value(self, sql: str, *arguments: object) -> object:
        return self._loop.run_until_complete(self._connection.fetchval(sql, *arguments))

    def execute(self, sql: str) -> None:
        self._loop.run_until_complete(self._connection.execute(sql))

    def close(self) -> None:
        self._loop.run_until_complete(self._connection.close())
        self._loop.close()


@pytest.fixture
def session(dsn: str) -> Generator[Session]:
    opened = Session(dsn)
    yield opened
    opened.close()


# --- Identifiers and literals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("conforming", ["on", "off"])
def test_a_text_literal_is_the_text_under_every_setting(session: Session, hostile: str, conforming: str) -> None:
    session.execute(f"SET standard_conforming_strings = {conforming}; SET escape_string_warning = off")
    assert session.value(f"SELECT {text_literal(hostile)}") == hostile


@pytest.mark.parametrize("impossible", ["a\0b", "\ud800"])
def test_a_text_that_no_database_can_hold_is_no_literal(impossible: str) -> None:
    with pytest.raises(ValueError, match="PostgreSQL"):
        text_literal(impossible)


def test_every_keyword_of_postgresql_is_quoted(session: Session) -> None:
    words = session.value("SELECT array_agg(word) FROM pg_get_keywords() WHERE catcode <> 'U'")
    assert isinstance(words, list)
    assert {str(word) for word in words} <= KEYWORDS


@pytest.mark.parametrize("name", ["title", "due_at", "order", "user", "values", "Total", "a b", 'qu"ote', "2x", "na\u00efve", "a:b"])
def test_an_identifier_names_the_column(session: Session, name: str) -> None:
    session.execute(f"CREATE TEMPORARY TABLE named ({quote_identifier(name)} int CHECK ({quote_identifier(name)} > 0))")
    assert session.value("SELECT attname::text FROM pg_attribute WHERE attrelid = 'named'::regclass AND attnum = 1") == name


def test_names_that_need_no_quotes_have_none() -> None:
    assert quote_identifier("due_at") == "due_at"
    assert quote_identifier("order") == '"order"'


@pytest.mark.parametrize("number", ["0", "-0.5", "1E+3", "1e-9", "12345678901234567890.123"])
def test_a_number_is_exact_and_plain(session: Session, number: str) -> None:
    literal = number_literal(Decimal(number))
    assert "E" not in literal.upper()
    assert session.value(f"SELECT {literal}::numeric") == Decimal(number)


# --- CHECKs of bounds ---------------------------------------------------------------------------------------------------------------


class Raw(UserDefinedType[object]):
    """A PostgreSQL type by its name."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **_: object) -> str:
        return self.name


@dataclass(frozen=True)
class Case:
    """A type with values (as PostgreSQL's text) that it takes, and values that break the constraint named by the ending of its name."""

    name: str
    type: FieldType
    good: tuple[str, ...]
    bad: tuple[tuple[str, str], ...]


def scalar(kind: Kind, *, precision: int | None = None, scale: int | None = None, **bounds: object) -> ScalarType:
    return ScalarType(kind, Bounds(**bounds), precision, scale)  # pyright: ignore[reportArgumentType]


def listed(of: ScalarType | EnumType, low: int | None = None, high: int = 5) -> ListType:
    return ListType(of, low, high)


def array(*items: str | None) -> str:
    """A PostgreSQL array as text."""
    return "{" + ",".join("NULL" if item is None else json.dumps(item, ensure_ascii=False) for item in items) + "}"


def enum(*values: str) -> EnumType:
    return EnumType("Colour", tuple(EnumValue(value, f"M{number}") for number, value in enumerate(values)))


D = Decimal
CASES = [
    Case(
        "string",
        scalar(Kind.STRING, min_length=2, max_length=4),
        ("ab", "\U0001f642\u00e9", "abcd"),
        (("a", "min_length"), ("abcde", "max_length")),
    ),
    Case("string_default", scalar(Kind.STRING), ("x" * 255, ""), (("x" * 256, "max_length"),)),
    Case("text", scalar(Kind.TEXT, min_length=1), ("x" * 3_000, "\n"), (("", "min_length"),)),
    Case(
        "slug",
        scalar(Kind.STRING, pattern=r"^[a-z0-9-]+(?:\.[a-z]{2,})?$"),
        ("a-1", "a.com"),
        (("a.b", "pattern"), ("a\n", "pattern"), ("", "pattern")),
    ),
    Case(
        "colon",
        scalar(Kind.STRING, pattern=r"^(?::name|\\:x|100%|')$"),
        (":name", "\\:x", "100%", "'"),
        ((":x", "pattern"), ("100%%", "pattern")),
    ),
    Case("dot", scalar(Kind.STRING, pattern="^.$"), ("x", "\u2028"), (("\n", "pattern"),)),
    Case(
        "integer",
        scalar(Kind.INTEGER, ge=D(-3), lt=D(10), multiple_of=D(3)),
        ("-3", "9", "0"),
        (("-6", "ge"), ("12", "lt"), ("4", "multiple_of")),
    ),
    Case("bigint", scalar(Kind.BIGINT, gt=D(2**40), le=D(2**62)), (str(2**40 + 1),), ((str(2**40), "gt"), (str(2**62 + 1), "le"))),
    Case("float", scalar(Kind.FLOAT), ("1e308", "-5e-324", "0"), (("NaN", "finite"), ("Infinity", "finite"), ("-Infinity", "finite"))),
    Case(
        "float_bound",
        scalar(Kind.FLOAT, ge=D("0.1"), le=D("0.3")),
        ("0.1", "0.3"),
        (("NaN", "le"), ("0.30000000000000004", "le"), ("-Infinity", "ge")),
    ),
    Case("decimal", scalar(Kind.DECIMAL, precision=6, scale=2, gt=D(0)), ("0.01", "9999.99"), (("0", "gt"), ("NaN", "finite"))),
    Case(
        "date",
        scalar(Kind.DATE),
        ("0001-01-01", "9999-12-31"),
        (("infinity", "range"), ("0001-12-31 BC", "range"), ("10000-01-01", "range")),
    ),
    Case("date_bound", scalar(Kind.DATE, gt="2020-01-01"), ("2020-01-02",), (("2020-01-01", "gt"), ("infinity", "range"))),
    Case("time", scalar(Kind.TIME, ge="08:00:00"), ("08:00:00", "23:59:59.999999"), (("07:59:59.999999", "ge"), ("24:00", "range"))),
    Case(
        "datetime",
        scalar(Kind.DATETIME, le="9999-12-31T23:59:59.999999Z"),
        ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"),
        (("infinity", "le"), ("-infinity", "range"), ("10000-01-01T00:00:00Z", "le")),
    ),
    Case("email", scalar(Kind.EMAIL, max_length=10), ("a@b.example"[:10],), (("a@b.example.org", "max_length"),)),
    Case("url", scalar(Kind.URL), ("https://" + "x" * 2040,), (("https://" + "x" * 2041, "max_length"),)),
    Case("enum", enum(*HOSTILE[2:-1]), tuple(HOSTILE[2:-1]), (("other", "values"), ("IT'S", "values"))),
    Case("one", enum("only"), ("only",), (("", "values"),)),
    Case("json", JsonType(), ("null", '{"a": [1e308]}', "[" + "0," * 32_000 + "0]"), ((json.dumps("x" * MAX_JSON_BYTES), "size"),)),
    Case(
        "list",
        listed(scalar(Kind.INTEGER, ge=D(0), multiple_of=D(2)), 1, 3),
        ("{0,2}", "{4}"),
        (
            ("{}", "min_items"),
            ("{0,0,0,0}", "max_items"),
            ("{-2}", "ge_item"),
            ("{0,1}", "multiple_of_item"),
            ("{{0,2}}", "flat"),
            ("{0,NULL}", "flat"),
        ),
    ),
    Case(
        "list_text",
        listed(scalar(Kind.STRING, min_length=1, max_length=3)),
        ("{}", array("abc", "\U0001f642")),
        (
            (array("a", ""), "min_length_item"),
            (array("abcd"), "max_length_item"),
            (array("abc "), "max_length_item"),
            (array(None), "flat"),
        ),
    ),
    Case(
        "list_long",
        listed(scalar(Kind.STRING, min_length=3, max_length=400)),
        (array("\n\n\n"), array("x" * 400)),
        (
            (array("abc", "ab"), "min_length_item"),
            (array("x" * 401), "max_length_item"),
        ),
    ),
    Case(
        "list_longer",
        listed(scalar(Kind.STRING, min_length=450, max_length=1000)),
        (array("\n" * 450),),
        ((array("x" * 449), "min_length_item"),),
    ),
    Case("list_zero", listed(scalar(Kind.STRING, max_length=0)), (array("", ""),), ((array("x"), "max_length_item"),)),
    Case(
        "list_slug",
        listed(scalar(Kind.STRING, pattern=r'^[^a"\\]\.$')),
        (array("b.", "\n."), array(":.")),
        (
            (array("b.", "a."), "pattern_item"),
            (array('".'), "pattern_item"),
            (array("\\."), "pattern_item"),
        ),
    ),
    Case("list_enum", listed(enum("it's", "b:c", "100%")), (array("it's", "b:c", "100%"), "{}"), ((array("b:c", "x"), "values_item"),)),
    Case("list_float", listed(scalar(Kind.FLOAT)), ("{1.5}",), (("{1,NaN}", "finite_item"), ("{-Infinity}", "finite_item"))),
    Case("list_decimal", listed(scalar(Kind.DECIMAL, precision=4, scale=1)), ("{1.5}",), (("{NaN}", "finite_item"),)),
    Case(
        "list_date",
        listed(scalar(Kind.DATE, lt="2030-01-01")),
        ("{2020-01-01}",),
        (("{2020-01-01,2030-01-01}", "lt_item"), ("{-infinity}", "range_item")),
    ),
    Case("list_time", listed(scalar(Kind.TIME)), ("{23:59}",), (("{24:00}", "range_item"),)),
    Case("list_datetime", listed(scalar(Kind.DATETIME)), ("{2020-01-01T00:00:00Z}",), (("{infinity}", "range_item"),)),
    Case("list_uuid", listed(scalar(Kind.UUID)), ("{00000000-0000-0000-0000-000000000000}",), (("{NULL}", "flat"),)),
    Case("list_boolean", listed(scalar(Kind.BOOLEAN)), ("{t,f}",), (("{NULL}", "flat"),)),
    Case("list_email", listed(scalar(Kind.EMAIL)), (array("a@b.c"),), ((array("x" * 321), "max_length_item"),)),
]


def a_field(name: str, field_type: FieldType) -> Field:
    span = Span("resources/thing.yaml", 1, 1)
    return Field(name, name, field_type, True, None, None, None, False, False, False, True, "always", None, None, span)


def column_type(field_type: FieldType) -> TypeEngine[object]:
    match field_type:
        case ListType(of=of):
            return ARRAY(column_type(of))  # pyright: ignore[reportReturnType]
        case ScalarType():
            name = sql_type(field_type)
            return Text(collation="C") if name == "text" else Raw(name)  # pyright: ignore[reportReturnType]
        case JsonType():
            return JSONB()  # pyright: ignore[reportReturnType]
        case _:
            return Text(collation="C")  # pyright: ignore[reportReturnType]


def sql_name(field_type: FieldType) -> str:
    match field_type:
        case ListType(of=of):
            return f"{sql_name(of)}[]"
        case ScalarType():
            return sql_type(field_type)
        case JsonType():
            return "jsonb"
        case _:
            return "text"


@pytest.fixture(scope="module")
def tables(dsn: str) -> None:
    """One table a case, created by SQLAlchemy through asyncpg; its column is a reserved word."""

    async def create() -> None:
        engine = create_async_engine(dsn.replace("postgresql://", "postgresql+asyncpg://"))
        metadata = MetaData()
        for case in CASES:
            checks = [check(bound.name, bound.sql, bound.message) for bound in bound_checks(case.name, a_field("order", case.type))]
            Table(case.name, metadata, Column("order", column_type(case.type)), *checks)
        async with engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
            await connection.execute(text("SELECT 1"))
        await engine.dispose()

    asyncio.run(create())


@pytest.mark.usefixtures("tables")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_check_lets_in_what_fits_and_nothing_else(session: Session, case: Case) -> None:
    insert = f"INSERT INTO {case.name} VALUES ($1::text::{sql_name(case.type)})"
    session.value(insert, None)
    for value in case.good:
        session.value(insert, value)
    for value, ending in case.bad:
        with pytest.raises(asyncpg.CheckViolationError) as caught:
            session.value(insert, value)
        broken = {bound.name for bound in bound_checks(case.name, a_field("order", case.type))}
        assert caught.value.constraint_name in broken
        assert str(caught.value.constraint_name).endswith(f"_order_{ending}"), value


@pytest.mark.usefixtures("tables")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_database_holds_each_check_under_its_name(session: Session, case: Case) -> None:
    stored = session.value(
        "SELECT array_agg(conname::text) FROM pg_constraint WHERE conrelid = $1::text::regclass AND contype = 'c'", case.name
    )
    bounds = bound_checks(case.name, a_field("order", case.type))
    assert stored is None or isinstance(stored, list)
    assert sorted(map(str, stored or [])) == sorted(bound.name for bound in bounds)
    assert all(len(bound.name.encode()) <= 50 and bound.columns == ("order",) == (bound.column,) for bound in bounds)


@pytest.mark.parametrize("field_type", [scalar(Kind.UUID), scalar(Kind.BOOLEAN), Reference("Project", "restrict", None, False, "fk_x")])
def test_types_without_bounds_have_no_check(field_type: FieldType) -> None:
    assert bound_checks("things", a_field("x", field_type)) == ()


def test_names_of_two_fields_never_collide() -> None:
    """`tags` with bounds for its items, beside fields named like the endings of constraints."""
    bounds = scalar(Kind.STRING, min_length=1, max_length=5, pattern="a")
    fields = [a_field(name, bounds) for name in ("tags_min", "tags_item", "tags_values")]
    fields += [a_field("tags", listed(bounds, 1)), a_field("tags_max", listed(enum("a")))]
    names = [check.name for field in fields for check in bound_checks("things", field)]
    assert len(names) == len(set(names))


def test_the_text_of_a_refused_pattern_is_not_in_any_check() -> None:
    assert not [check for check in bound_checks("t", a_field("x", scalar(Kind.STRING, pattern=r"\d"))) if "~" in check.sql]


@pytest.mark.parametrize(
    ("field_type", "messages"),
    [
        (
            scalar(Kind.STRING, min_length=1, max_length=1),
            ["String should have at least 1 character", "String should have at most 1 character"],
        ),
        (
            scalar(Kind.INTEGER, ge=D(5), multiple_of=D(5)),
            ["Input should be greater than or equal to 5", "Input should be a multiple of 5"],
        ),
        (scalar(Kind.INTEGER, gt=D("1E+1"), le=D(20)), ["Input should be greater than 10", "Input should be less than or equal to 20"]),
        (enum("a", "b", "c"), ["Input should be 'a', 'b' or 'c'"]),
    ],
)
def test_messages_are_those_of_pydantic(field_type: FieldType, messages: list[str]) -> None:
    assert [check.message for check in bound_checks("t", a_field("x", field_type))][: len(messages)] == messages or messages == [
        check.message for check in bound_checks("t", a_field("x", field_type)) if check.name.endswith(("_ge", "_multiple_of"))
    ]


def test_the_application_creates_the_same_tables(session: Session) -> None:
    """The application compiles its tables to SQL itself; nothing of a hostile value may change on that way either."""
    field = a_field("order", enum(*HOSTILE[2:-1]))
    checks = [check(bound.name, bound.sql, bound.message) for bound in bound_checks("own", field)]
    session.execute(_sql(CreateTable(Table("own", MetaData(), Column("order", Text(collation="C")), *checks))))
    for value in HOSTILE[2:-1]:
        session.value("INSERT INTO own VALUES ($1)", value)
    with pytest.raises(asyncpg.CheckViolationError):
        session.value("INSERT INTO own VALUES ($1)", "100%%")
