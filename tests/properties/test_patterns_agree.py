"""An accepted pattern matches the same texts in Pydantic's engine and in PostgreSQL, for scalars and for the items of lists."""

from __future__ import annotations

import asyncio

import asyncpg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generator.embedded import SUPERUSER, EmbeddedPostgres
from generator.ir import Bounds, CheckConstraint, Field, Kind, ListType, ScalarType, Span
from generator.patterns import PatternOk, check_pattern, matches
from generator.sql import bound_checks

# Few characters, so that texts match often; among them those that engines treat differently.
ALPHABET = "ab-AZ09_.$+*?(){}|,:=&#! \n\t\r]^$\\{}\u0085\u00e4\u00c4\u00df\u0131\u2028\ufeff\u0660\U0001f642\U00010428"
TEXTS = st.text(st.sampled_from(ALPHABET), max_size=8) | st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=4
)

LITERALS = st.sampled_from(
    [
        *"abAZ09-_ ]},'\":=&#%~<!\n\u00e4\U0001f642",
        *(r"\.", r"\n", r"\t", r"\\", r"\[", r"\]", r"\^", r"\$", r"\{", r"\}", r"\-", r"\/", r"\ "),
        *(r"\x41", r"\x{62}", r"\u00e4", r"\u{1F642}", r"\U0001F642"),
    ]
)
MEMBERS = st.sampled_from(
    [
        *"ab09_. $+*?(){}|,:=&#^\n",
        *("a-z", "A-Z", "0-9", "\u00e0-\u00ff", r"\u{1F600}-\u{1F64F}", r"\x00-\x1f"),
        *(r"\n", r"\]", r"\[", r"\\", r"\-", r"\^", r"!-\-"),
    ]
)


@st.composite
def sets(draw: st.DrawFn) -> str:
    negation = draw(st.sampled_from(["", "", "^"]))
    dash = draw(st.sampled_from(["", "", "-"]))
    members = "".join(draw(st.lists(MEMBERS, min_size=1, max_size=4)))
    return f"[{negation}{members}{dash}]"


ATOMS = LITERALS | st.just(".") | sets()
QUANTIFIERS = st.sampled_from(["", "*", "+", "?", "{2}", "{0,2}", "{1,}", "{3}", "*?", "+?", "??", "{0,1}?", "{0}"])


@st.composite
def groups(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    branches = draw(st.lists(inner, min_size=1, max_size=3))
    opening = draw(st.sampled_from(["(", "(?:"]))
    return f"{opening}{'|'.join(branches)}){draw(QUANTIFIERS)}"


@st.composite
def sequences(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    return "".join(draw(st.lists(inner, min_size=0, max_size=4)))


PIECES = st.builds("{}{}".format, ATOMS, QUANTIFIERS) | st.sampled_from(["^", "$"])
PATTERNS = st.recursive(PIECES, lambda inner: sequences(inner) | groups(sequences(inner)), max_leaves=8)
ANCHORED = PATTERNS | st.builds("^{}$".format, sets()) | st.builds("^{}$".format, PATTERNS) | st.builds("^(?:{})$".format, PATTERNS)


def _check(what: str, field_type: ScalarType | ListType) -> CheckConstraint:
    span = Span("resources/thing.yaml", 1, 1)
    field = Field("value", "value", field_type, False, None, None, None, False, False, False, True, "always", None, None, span)
    return next(check for check in bound_checks("things", field) if check.name.endswith(what))


def test_pydantic_and_postgres_agree(postgres: EmbeddedPostgres) -> None:
    loop = asyncio.new_event_loop()
    connection: asyncpg.Connection = loop.run_until_complete(asyncpg.connect(postgres.dsn(SUPERUSER, "postgres")))
    seen = {"patterns": 0, "refused": 0, True: 0, False: 0}

    @settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
    @given(ANCHORED, st.lists(TEXTS, min_size=5, max_size=30))
    def agree(pattern: str, longer: list[str]) -> None:
        texts = ["", *ALPHABET, *longer]
        result = check_pattern(pattern)
        if not isinstance(result, PatternOk):
            seen["refused"] += 1
            return
        seen["patterns"] += 1
        bounds = Bounds(max_length=255, pattern=pattern)
        scalar = _check("pattern", ScalarType(Kind.STRING, bounds)).sql
        items = _check("pattern_item", ListType(ScalarType(Kind.STRING, bounds), None, 100)).sql
        query = (
            f"SELECT number, {scalar} AS scalar, (SELECT {items} FROM (SELECT ARRAY[value] AS value)) AS items "
            "FROM unnest($1::text[]) WITH ORDINALITY AS texts (value, number) ORDER BY number"
        )
        for text, row in zip(texts, loop.run_until_complete(connection.fetch(query, texts)), strict=True):
            expected = matches(pattern, text)
            seen[expected] += 1
            shown = f"{pattern!r} became {result.postgres!r}; on {text!r} Pydantic says {expected}"
            assert row["scalar"] == expected, shown
            assert row["items"] == expected, f"{shown}, as an item"

    try:
        agree()
    finally:
        loop.run_until_complete(connection.close())
        loop.close()
    assert seen["patterns"] > 200
    assert seen["refused"] < seen["patterns"] / 4
    assert min(seen[True], seen[False]) > 500
