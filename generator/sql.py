"""SQL text: identifiers, literals, and the CHECK constraints that the bounds of a field stand for.

Everything here is plain PostgreSQL, as psql would take it. Where SQLAlchemy reads SQL as `text()`, a colon before a word is a bind
parameter: `app.db.table` escapes what it hands over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal

from generator.ir import Bounds, CheckConstraint, EnumType, Field, JsonType, Kind, ListType, Reference, ScalarType
from generator.naming import check_name
from generator.patterns import PatternOk, check_pattern
from generator.records import record
from generator.types import SCALARS

MAX_JSON_BYTES = 524_288
"""The most bytes one json value takes in the database. A text of 64 KiB becomes at most 384 KiB (`[0,0,…]` is the worst case)."""

PRESENT = "deleted_at IS NULL"
"""The rows of a table that are not deleted, where deleted rows stay for a while."""

_KEYWORDS = """
    all analyse analyze and any array as asc asymmetric authorization between bigint binary bit boolean both case cast char character
    check coalesce collate collation column concurrently constraint create cross current_catalog current_date current_role
    current_schema current_time current_timestamp current_user dec decimal default deferrable desc distinct do else end except exists
    extract false fetch float for foreign freeze from full grant greatest group grouping having ilike in initially inner inout int
    integer intersect interval into is isnull join json json_array json_arrayagg json_exists json_object json_objectagg json_query
    json_scalar json_serialize json_table json_value lateral leading least left like limit localtime localtimestamp merge_action
    national natural nchar none normalize not notnull null nullif numeric offset on only or order out outer overlaps overlay placing
    position precision primary real references returning right row select session_user setof similar smallint some substring symmetric
    system_user table tablesample then time timestamp to trailing treat trim true union unique user using values varchar variadic
    verbose when where window with xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot
    xmlserialize xmltable
"""
KEYWORDS = frozenset(_KEYWORDS.split())
"""PostgreSQL's keywords that are not free to be a name everywhere (`pg_get_keywords()` without the unreserved ones), up to version 18."""

MAX_ITEM_MIN_LENGTH = 2_000
"""The largest min_length of list items that a CHECK holds in full; beyond it, the CHECK asks for this many characters."""

_PLAIN_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]*")


def quote_identifier(name: str) -> str:
    """A name as SQL: bare where PostgreSQL reads it as itself, else in double quotes."""
    _refuse_nul(name)
    if _PLAIN_IDENTIFIER.fullmatch(name) and name not in KEYWORDS:
        return name
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def text_literal(value: str) -> str:
    """A text as an SQL literal that means the same under every server setting, as `quote_literal` writes it.

    Raises ValueError for NUL and lone surrogates, which no PostgreSQL text can hold.
    """
    _refuse_nul(value)
    doubled = value.replace("'", "''")
    if "\\" not in value:
        return f"'{doubled}'"
    escaped = doubled.replace("\\", "\\\\")
    return f"E'{escaped}'"


def number_literal(value: Decimal | int) -> str:
    """A finite number as SQL, exact and without an exponent."""
    return format(Decimal(value), "f")


def typed_literal(kind: Kind, value: str) -> str:
    """A date, time, datetime or uuid, given in its canonical text, as SQL: `date '2026-02-28'`."""
    name = "timestamptz" if kind is Kind.DATETIME else SCALARS[kind].sql
    return f"{name} {text_literal(value)}"


def _refuse_nul(text: str) -> None:
    if "\0" in text:
        raise ValueError("PostgreSQL has no text with the character NUL")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("PostgreSQL has no text with a lone surrogate") from error


# --- Bounds -------------------------------------------------------------------------------------------------------------------------


@record
class _Bound:
    """One constraint: the end of its name, its SQL and what the API says."""

    what: str
    sql: str
    message: str


def bound_checks(table: str, field: Field) -> tuple[CheckConstraint, ...]:
    """The CHECK constraints of one field: one a bound, so that no other writer can store what the API would refuse.

    Messages are those of Pydantic. Beside what the spec says, values that no answer could carry are refused: `NaN`, infinities, dates
    outside the years 1 to 9999, the time 24:00, null items and lists of more than one dimension. Uuids, booleans and references need no
    CHECK. The bound of a json value is a coarse one, of its bytes in the database; its depth, and the syntax of emails and URLs, are
    checked by the API only. A pattern that `check_pattern` refuses gets no CHECK: it is an error of the spec.
    """
    return tuple(
        CheckConstraint(
            name=check_name(table, field.column, bound.what),
            sql=bound.sql,
            columns=(field.column,),
            message=bound.message,
            column=field.column,
            rule_name=None,
            rule_python=None,
            span=field.span,
        )
        for bound in _bounds(field)
    )


def _bounds(field: Field) -> Iterator[_Bound]:
    column = quote_identifier(field.column)
    match field.type:
        case ScalarType():
            yield from _scalar_bounds(column, field.type)
        case EnumType(values=values):
            names = [value.value for value in values]
            listed = ", ".join(map(text_literal, names))
            yield _Bound("values", f"{column} IN ({listed})", f"Input should be {_alternatives(names)}")
        case ListType():
            yield from _list_bounds(column, field.type)
        case JsonType():
            yield _Bound("size", f"pg_column_size({column}) <= {MAX_JSON_BYTES}", "JSON should have at most 64 KiB")
        case Reference():
            return


_COMPARISONS = (
    ("ge", ">=", "<=", "greater than or equal to"),
    ("gt", ">", "<", "greater than"),
    ("le", "<=", ">=", "less than or equal to"),
    ("lt", "<", ">", "less than"),
)
"""Bound, operator, the same with its sides exchanged, and Pydantic's words."""


def _scalar_bounds(column: str, scalar: ScalarType) -> Iterator[_Bound]:
    bounds = scalar.bounds
    minimum, maximum = bounds.min_length, _max_length(scalar)
    if minimum:
        yield _Bound("min_length", f"char_length({column}) >= {minimum}", f"String should have at least {_characters(minimum)}")
    if maximum is not None:
        yield _Bound("max_length", f"char_length({column}) <= {maximum}", f"String should have at most {_characters(maximum)}")
    pattern = _translated(bounds)
    if pattern is not None:
        yield _Bound("pattern", f"{column} ~ {text_literal(pattern)}", f"String should match pattern '{bounds.pattern}'")
    for what, operator, _, words in _COMPARISONS:
        limit = getattr(bounds, what)
        if limit is not None:
            yield _Bound(what, f"{column} {operator} {_limit(scalar.kind, limit)}", f"Input should be {words} {_shown(limit)}")
    if bounds.multiple_of is not None:
        factor = number_literal(bounds.multiple_of)
        yield _Bound("multiple_of", f"mod({column}, {factor}) = 0", f"Input should be a multiple of {factor}")
    domain = _DOMAINS.get(scalar.kind)
    if domain is not None and not _bounded(bounds):
        yield _Bound(domain.what, domain.sql.format(column=column), domain.message)


def _list_bounds(column: str, list_type: ListType) -> Iterator[_Bound]:
    if list_type.min_items:
        yield _Bound(
            "min_items", f"cardinality({column}) >= {list_type.min_items}", f"List should have at least {_items(list_type.min_items)}"
        )
    yield _Bound("max_items", f"cardinality({column}) <= {list_type.max_items}", f"List should have at most {_items(list_type.max_items)}")
    flat = f"array_ndims({column}) = 1 AND array_position({column}, NULL) IS NULL"
    yield _Bound("flat", flat, "List should have no null and no nested list")
    if isinstance(list_type.of, EnumType):
        names = [value.value for value in list_type.of.values]
        listed = ", ".join(map(text_literal, names))
        yield _Bound("values_item", f"{column} <@ ARRAY[{listed}]", f"Each item should be {_alternatives(names)}")
    else:
        yield from _item_bounds(column, list_type.of)


def _item_bounds(column: str, scalar: ScalarType) -> Iterator[_Bound]:
    """The bounds of each item, without the subquery that a CHECK may not have.

    Comparisons have the form `0 <= ALL (column)`. The longest length is that no item changes when it is cut there. The others ask with a
    JSON path whether an item breaks the bound.
    """
    bounds = scalar.bounds
    minimum, maximum = bounds.min_length, _max_length(scalar)
    if minimum:
        shorter = _no_item(column, f'!(@ like_regex {_path_text(_at_least(minimum))} flag "s")')
        sql = f"'' <> ALL ({column})" if minimum == 1 else shorter
        yield _Bound("min_length_item", sql, f"Each item should have at least {_characters(minimum)}")
    if maximum is not None:
        sql = f"{column}::varchar({maximum})[]::text[] = {column}" if maximum else f"'' = ALL ({column})"
        yield _Bound("max_length_item", sql, f"Each item should have at most {_characters(maximum)}")
    pattern = _translated(bounds)
    if pattern is not None:
        # The flag lets [^a] match newlines; the translation has no `.` that it could change.
        sql = _no_item(column, f'!(@ like_regex {_path_text(pattern)} flag "s")')
        yield _Bound("pattern_item", sql, f"Each item should match pattern '{bounds.pattern}'")
    for what, _, operator, words in _COMPARISONS:
        limit = getattr(bounds, what)
        if limit is not None:
            yield _Bound(
                f"{what}_item", f"{_limit(scalar.kind, limit)} {operator} ALL ({column})", f"Each item should be {words} {_shown(limit)}"
            )
    if bounds.multiple_of is not None:
        factor = number_literal(bounds.multiple_of)
        yield _Bound("multiple_of_item", _no_item(column, f"@ % {factor} != 0"), f"Each item should be a multiple of {factor}")
    domain = _DOMAINS.get(scalar.kind)
    if domain is not None and not _bounded(bounds):
        yield _Bound(f"{domain.what}_item", domain.item_sql.format(column=column), domain.message.replace("Input", "Each item"))


def _no_item(column: str, condition: str) -> str:
    return f"NOT jsonb_path_exists(to_jsonb({column}), {text_literal(f'$[*] ? ({condition})')})"


def _path_text(text: str) -> str:
    """A text as a string of SQL/JSON path."""
    return json.dumps(text, ensure_ascii=False)


def _at_least(length: int) -> str:
    """A pattern of PostgreSQL for texts of at least `length` characters, with counts that its engine takes."""
    blocks, rest = divmod(min(length, MAX_ITEM_MIN_LENGTH), 200)
    return f"^(?:.{{200}}){{{blocks}}}.{{{rest}}}" if blocks else f"^.{{{rest}}}"


@record
class _Domain:
    """The values of a PostgreSQL type that an answer can carry: the end of the name, the CHECK, the same for items, and the message."""

    what: str
    sql: str
    item_sql: str
    message: str


_FIRST_DAY, _LAST_DAY = "date '0001-01-01'", "date '9999-12-31'"
_FIRST_TIME, _END_OF_TIME = "timestamptz '0001-01-01T00:00:00Z'", "timestamptz '10000-01-01T00:00:00Z'"
_DOMAINS = {
    Kind.FLOAT: _Domain(
        "finite",
        "{column} > '-Infinity' AND {column} < 'Infinity'",
        "'-Infinity' < ALL ({column}) AND 'Infinity' > ALL ({column})",
        "Input should be a finite number",
    ),
    Kind.DECIMAL: _Domain("finite", "{column} <> 'NaN'", "'NaN' <> ALL ({column})", "Input should be a finite number"),
    Kind.DATE: _Domain(
        "range",
        f"{{column}} >= {_FIRST_DAY} AND {{column}} <= {_LAST_DAY}",
        f"{_FIRST_DAY} <= ALL ({{column}}) AND {_LAST_DAY} >= ALL ({{column}})",
        "Input should be a date of the years 1 to 9999",
    ),
    Kind.TIME: _Domain("range", "{column} < time '24:00'", "time '24:00' > ALL ({column})", "Input should be a time before 24:00"),
    Kind.DATETIME: _Domain(
        "range",
        f"{{column}} >= {_FIRST_TIME} AND {{column}} < {_END_OF_TIME}",
        f"{_FIRST_TIME} <= ALL ({{column}}) AND {_END_OF_TIME} > ALL ({{column}})",
        "Input should be a datetime of the years 1 to 9999",
    ),
}


def _bounded(bounds: Bounds) -> bool:
    """Whether the spec bounds both sides, which leaves no room for infinities and NaN (PostgreSQL sorts NaN above all numbers)."""
    lower = bounds.ge is not None or bounds.gt is not None
    upper = bounds.le is not None or bounds.lt is not None
    return lower and upper


def _max_length(scalar: ScalarType) -> int | None:
    return scalar.bounds.max_length if scalar.bounds.max_length is not None else SCALARS[scalar.kind].max_length


def _translated(bounds: Bounds) -> str | None:
    result = check_pattern(bounds.pattern) if bounds.pattern is not None else None
    return result.postgres if isinstance(result, PatternOk) else None


def _limit(kind: Kind, limit: Decimal | str) -> str:
    return typed_literal(kind, limit) if isinstance(limit, str) else number_literal(limit)


def _shown(limit: Decimal | str) -> str:
    return limit if isinstance(limit, str) else number_literal(limit)


def _characters(count: int) -> str:
    return f"{count} character{'' if count == 1 else 's'}"


def _items(count: int) -> str:
    return f"{count} item{'' if count == 1 else 's'}"


def _alternatives(values: list[str]) -> str:
    """Values in Pydantic's words: 'a', 'b' or 'c'."""
    quoted = [repr(value) for value in values]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"
