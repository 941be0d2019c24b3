"""Rules as a user writes them: what they become, what is refused and where, and that nothing in them gets out of its place."""

from __future__ import annotations

import ast
import itertools
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api import rules
from generator.diagnostics import Diagnostic, Severity
from generator.expressions import Rule, compile_rule, rule_columns
from generator.ir import EnumType, EnumValue, Field, FieldType, JsonType, Kind, ListType, Reference, ScalarType, Span
from generator.rules.reader import MAX_LEVELS, MAX_OPERANDS
from generator.rules.tree import Column, ValueType

SPAN = Span("resources/task.yaml", 7, 20)


def field(name: str, field_type: FieldType, *, nullable: bool = False, column: str | None = None) -> Field:
    return Field(name, column or name, field_type, nullable, None, None, None, False, False, False, True, "always", None, None, SPAN)


FIELDS = [
    field("title", ScalarType(Kind.STRING)),
    field("notes", ScalarType(Kind.TEXT), nullable=True),
    field("email", ScalarType(Kind.EMAIL), nullable=True),
    field("completed", ScalarType(Kind.BOOLEAN)),
    field("archived", ScalarType(Kind.BOOLEAN), nullable=True),
    field("points", ScalarType(Kind.INTEGER)),
    field("bonus", ScalarType(Kind.BIGINT), nullable=True),
    field("estimate", ScalarType(Kind.DECIMAL, precision=6, scale=2), nullable=True),
    field("spent", ScalarType(Kind.DECIMAL, precision=6, scale=2)),
    field("score", ScalarType(Kind.FLOAT)),
    field("due_on", ScalarType(Kind.DATE)),
    field("opens", ScalarType(Kind.TIME)),
    field("starts_at", ScalarType(Kind.DATETIME), nullable=True),
    field("due_at", ScalarType(Kind.DATETIME), nullable=True),
    field("token", ScalarType(Kind.UUID)),
    field("priority", EnumType("TaskPriority", tuple(EnumValue(value, value.upper()) for value in ("low", "normal", "high")))),
    field("size", EnumType("TaskSize", (EnumValue("small", "SMALL"),))),
    field("level", EnumType("TaskLevel", (EnumValue("low", "LOW"),)), nullable=True),
    field("project", Reference("Project", "restrict", None, False, "fk_x"), nullable=True, column="project_id"),
    field("tags", ListType(ScalarType(Kind.STRING), None, 5), nullable=True),
    field("extra", JsonType(), nullable=True),
    field("order", ScalarType(Kind.INTEGER)),
    field("between", ScalarType(Kind.INTEGER)),
    field("null", ScalarType(Kind.INTEGER)),
    field("rules", ScalarType(Kind.INTEGER)),
]
COLUMNS = rule_columns(FIELDS)


def rule(text: str) -> Rule:
    result = compile_rule(text, SPAN, COLUMNS)
    assert isinstance(result, Rule), result
    return result


def refused(text: str, span: Span = SPAN) -> tuple[Diagnostic, ...]:
    result = compile_rule(text, span, COLUMNS)
    assert not isinstance(result, Rule), result
    assert result
    return result


# --- What rules become --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "sql", "broken"),
    [
        ("not completed or notes is not null", "NOT completed OR notes IS NOT NULL", "self.completed and self.notes is None"),
        (
            "due_at >= starts_at",
            "due_at >= starts_at",
            "self.due_at is not None and self.starts_at is not None and self.due_at < self.starts_at",
        ),
        ("points between 1 and 10", "points BETWEEN 1 AND 10", "not 1 <= self.points <= 10"),
        ("priority in ('low', 'normal')", "priority IN ('low', 'normal')", 'self.priority not in ("low", "normal")'),
        ("priority in ('low')", "priority IN ('low')", 'self.priority != "low"'),
        (
            "priority <> level",
            "priority <> level",
            "self.level is not None and str(self.priority) == str(self.level)",
        ),
        ("archived or archived = completed", None, "self.archived is False and self.archived != self.completed"),
        (
            "points in (1, bonus, 2)",
            "points IN (1, bonus, 2)",
            "self.points not in (1, 2) and self.bonus is not None and self.points != self.bonus",
        ),
        ("Not completed", "NOT completed", "self.completed"),
        ("completed = false or points > 3", "completed = false OR points > 3", "self.completed and self.points <= 3"),
        ("archived", "archived", "self.archived is False"),
        ("notes is not null and length(notes) > 3", None, "self.notes is None or len(self.notes) <= 3"),
        ("notes is null or length(notes) > 3", None, "self.notes is not None and len(self.notes) <= 3"),
        (
            "completed and archived or bonus > 1",
            None,
            "(not self.completed or self.archived is False) and self.bonus is not None and self.bonus <= 1",
        ),
        (
            "(starts_at is null) = (due_at is null)",
            "(starts_at IS NULL) = (due_at IS NULL)",
            "(self.starts_at is None) != (self.due_at is None)",
        ),
        ("points + 1 > bonus", "points::numeric + 1 > bonus", "self.bonus is not None and self.points + 1 <= self.bonus"),
        ("points / 2 = 3", "div(points::numeric, 2) = 3", "rules.quotient(self.points, 2) != 3"),
        (
            "bonus / points > 3",
            "div(bonus::numeric, nullif(points::numeric, 0)) > 3",
            "self.bonus is not None and self.points != 0 and rules.quotient(self.bonus, self.points) <= 3",
        ),
        ("spent * 2 <= 9.5", "spent * 2 <= 9.5", 'rules.exact(self.spent) * 2 > rules.exact("9.5")'),
        ("spent <= 9.5", "spent <= 9.5", 'self.spent > rules.decimal("9.5")'),
        ("score < 0.1", "score < 0.1", "self.score >= 0.1"),
        ("score + 1 < spent", "score::numeric + 1 < spent", "rules.exact(self.score) + 1 >= rules.exact(self.spent)"),
        ("length(title) > 3", "length(title) > 3", "len(self.title) <= 3"),
        ("lower(title) = 'a'", "lower(title COLLATE \"C\") = 'a'", 'rules.lower(self.title) != "a"'),
        ("title < 'it''s'", "title COLLATE \"C\" < 'it''s'", 'self.title >= "it\'s"'),
        ("due_on > '2026-02-28'", "due_on > date '2026-02-28'", 'self.due_on <= rules.date("2026-02-28")'),
        (
            "due_at is null or due_at < '2026-02-28T13:30:00+01:00'",
            "due_at IS NULL OR due_at < timestamptz '2026-02-28T12:30:00Z'",
            'self.due_at is not None and self.due_at >= rules.datetime("2026-02-28T12:30:00Z")',
        ),
        ("project is not null", "project_id IS NOT NULL", "self.project_id is None"),
        ("tags is not null or extra is null", "tags IS NOT NULL OR extra IS NULL", "self.tags is None and self.extra is not None"),
        ('"order" > "between" and between > "null"', None, None),
        ("points == 24 * 60 and points != 7", "points = 1440 AND points <> 7", "self.points != 1440 or self.points == 7"),
        ("-points < -5", "-points::numeric < -5", "-self.points >= -5"),
        ("points - -5 > 1", "points::numeric - -5 > 1", "self.points - -5 <= 1"),
        ("points - (bonus - 1) > 1", "points::numeric - (bonus::numeric - 1) > 1", None),
        ("not (completed and (archived or points = 1))", "NOT (completed AND (archived OR points = 1))", None),
    ],
)
def test_a_rule_becomes_readable_sql_and_python(text: str, sql: str | None, broken: str | None) -> None:
    compiled = rule(text)
    if sql is not None:
        assert compiled.sql == sql
    if broken is not None:
        assert compiled.python == broken
    assert isinstance(eval(compiled.python, {"rules": rules}, {"self": ROW}), bool)


ROW = SimpleNamespace(
    title="A", notes=None, email=None, completed=True, archived=None, points=4, bonus=None, estimate=None, spent=Decimal("1.50"), score=0.5,
    due_on=rules.date("2026-02-28"), opens=rules.time("08:00:00"), starts_at=None, due_at=None, token=rules.uuid("0" * 32), priority="low",
    project_id=None, tags=None, extra=None, order=1, between=2, null=3, rules=4, level=None, size="small",
)  # fmt: skip


def test_columns_are_those_of_the_database_in_the_order_of_their_use() -> None:
    assert rule("project is null or points > 1 or project is null").columns == ("project_id", "points")


def test_only_a_rule_that_calls_the_runtime_imports_it() -> None:
    assert rule("lower(title) <> 'rules.'").imports == ("rules",)
    assert rule("title <> 'rules.x' or rules > 3").imports == ()  # a text and a field of that name


def test_keywords_are_fields_in_double_quotes_and_between_where_a_field_must_stand() -> None:
    compiled = rule('"null" > 1 and between between 1 and 3 and "between" > 1')
    assert compiled.sql == '"null" > 1 AND "between" BETWEEN 1 AND 3 AND "between" > 1'
    assert compiled.columns == ("null", "between")


def test_operators_bind_as_in_sql() -> None:
    assert (
        rule("completed or archived and not completed = archived").sql
        == rule("completed or (archived and (not (completed = archived)))").sql
    )
    assert rule("points - bonus - 1 > points * 2 + 1").sql == rule("((points - bonus) - 1) > ((points * 2) + 1)").sql
    assert rule("points - (bonus - 1) > 0").sql != rule("points - bonus - 1 > 0").sql


def test_unknown_passes_and_false_does_not() -> None:
    """`and` and `or` with a null: three values on each side."""
    for operator, expected in {"and": {False}, "or": set[bool | None]()}.items():
        compiled = rule(f"archived {operator} bonus > 1")
        for archived in (True, False, None):
            broken = eval(compiled.python, {}, {"self": SimpleNamespace(archived=archived, bonus=None)})
            assert broken == (archived in expected and archived is not None)


def test_the_runtime_follows_the_tables_of_sql() -> None:
    values = (True, False, None)
    for left, right in itertools.product(values, values):
        known = [value for value in (left, right) if value is not None]
        assert rules.both(left, right) is (False if False in known else (True if len(known) == 2 else None))
        assert rules.either(left, right) is (True if True in known else (False if len(known) == 2 else None))
        assert rules.equal(left, right) is (left is right if len(known) == 2 else None)
    assert [rules.negate(value) for value in values] == [False, True, None]


@pytest.mark.parametrize(
    ("dividend", "divisor", "whole"), [(7, 2, 3), (-7, 2, -3), (7, -2, -3), (-7, -2, 3), (0, 5, 0), (10**40, 3, 10**40 // 3)]
)
def test_integers_divide_towards_zero(dividend: int, divisor: int, whole: int) -> None:
    assert rules.quotient(dividend, divisor) == whole


def test_other_numbers_divide_to_20_places() -> None:
    assert rules.divide(Fraction(2), Fraction(3)) == Fraction("0." + "6" * 20)
    assert rules.divide(Fraction(-2), Fraction(3)) == -Fraction("0." + "6" * 20)
    assert rules.exact(0.1) + rules.exact(0.2) == rules.exact("0.3")


def test_case_changes_ascii_letters_only() -> None:
    assert rules.lower("ABC\u00c4\u0130") == "abc\u00c4\u0130"
    assert rules.upper("abc\u00e4\u00df\u0131") == "ABC\u00e4\u00df\u0131"


# --- What is refused, and where -----------------------------------------------------------------------------------------------------


def part(text: str, span: Span) -> list[tuple[int, int, int]]:
    return [(place.line, place.column, place.length) for diagnostic in refused(text, span) if (place := diagnostic.span)]


def test_a_place_is_exact_in_plain_and_quoted_scalars() -> None:
    text = "points > 3 and titel = 'x'"
    assert part(text, Span("f", 7, 20, len(text))) == [(7, 35, 5)]  # plain
    assert part(text, Span("f", 7, 20, len(text) + 2)) == [(7, 36, 5)]  # "…"
    doubled = "title <> 'x' and titel = 'y'"
    assert part(doubled, Span("f", 7, 20, len(doubled) + 2 + 4)) == [(7, 20 + 1 + 17 + 2, 5)]  # '… ''x'' …'


def test_a_place_that_cannot_be_known_is_the_whole_scalar() -> None:
    text = "points > 3 and titel = 'x'"
    for length in (5, len(text) + 9):  # a block scalar, escapes
        assert part(text, Span("f", 7, 20, length)) == [(7, 20, length)]


def test_all_mistakes_of_a_rule_are_reported() -> None:
    found = refused("titel = 'x' and points > 'y' and priority = 'hihg' and nope(title) = 'z'")
    assert [diagnostic.code for diagnostic in found] == ["RS411", "RS413", "RS417", "RS412"]
    assert all(diagnostic.severity is Severity.ERROR for diagnostic in found)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("titel = 'x'", "did you mean `title`?"),
        ("project_id is null", "did you mean `project`?"),
        ("priority = low", "a text stands in single quotes: 'low'"),
        ('title = "x"', "a text stands in single quotes: 'x'"),
        ("lenght(title) = 1", "did you mean `length`?"),
        ("notes = null", "write `notes is null`"),
        ("null <> notes", "write `notes is not null`"),
        ("priority = 'hihg'", "did you mean 'high'?"),
        ("points > '3'", "numbers stand without quotes"),
        ("user_id = 'x'", "a rule sees the fields of the spec, not the built-in ones"),
        ("completed && archived", "write `and`"),
        ("title = \u2018x\u2019", "texts stand in straight single quotes: 'text'"),
        (".5 < points", "write 0.5"),
        ("points > 1 points < 3", "join two conditions with `and` or `or`"),
    ],
)
def test_the_hint_says_what_to_write(text: str, hint: str) -> None:
    assert refused(text)[0].hint == hint


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "RS410"),
        ("points >", "RS410"),
        ("(points > 1", "RS410"),
        ("points > 1)", "RS410"),
        ("title = 'x", "RS410"),
        ("points in ()", "RS410"),
        ("points in 1", "RS410"),
        ("points is 1", "RS410"),
        ("points between 1", "RS410"),
        ("points > 1; drop", "RS410"),
        ("points > 0x10", "RS410"),
        ("points > +1", "RS410"),
        ("points @ 1", "RS410"),
        ("points > 1 -- comment", "RS410"),
        ("points > --1", "RS410"),
        ("points > 1 /* comment */", "RS410"),
        ("\0", "RS410"),
        ("length() > 1", "RS412"),
        ("length(title, title) > 1", "RS412"),
        ("title > 1", "RS413"),
        ("completed > 1", "RS413"),
        ("completed < archived", "RS413"),
        ("completed in (true, false)", "RS413"),
        ("completed between false and archived", "RS413"),
        ("priority < 'low'", "RS413"),
        ("priority between 'low' and 'high'", "RS413"),
        ("tags = extra", "RS413"),
        ("length(tags) > 1", "RS413"),
        ("due_on = due_at", "RS413"),
        ("token = title", "RS413"),
        ("points + title > 1", "RS413"),
        ("-title > 1", "RS413"),
        ("points", "RS413"),
        ("'x'", "RS413"),
        ("1", "RS413"),
        ("points + 1", "RS413"),
        ("length(points > 1) = 1", "RS413"),
        ("(points > 1) + 1 = 2", "RS413"),
        ("(points > 1) in (1)", "RS413"),
        ("null", "RS414"),
        ("null = null", "RS414"),
        ("points = null", "RS414"),
        ("points in (null)", "RS414"),
        ("points between null and 1", "RS414"),
        ("points + null > 1", "RS414"),
        ("null is null", "RS414"),
        ("true", "RS415"),
        ("not false", "RS415"),
        ("completed and true", "RS415"),
        ("1 = 1", "RS415"),
        ("'a' in ('a')", "RS415"),
        ("1 between 0 and 2", "RS415"),
        ("points = points", "RS415"),
        ("points is null", "RS415"),
        ("(points > 1) is not null", "RS415"),
        ("priority = size", "RS415"),
        ("priority in (size, 'low')", "RS415"),
        ("points / 0 = 1", "RS415"),
        ("points / (1 - 1) = 1", "RS415"),
        ("points between 2 and 1", "RS415"),
        ("due_at between '2026-01-01T00:00:00.5Z' and '2026-01-01T00:00:00Z'", "RS415"),
        ("due_on = 'today'", "RS417"),
        ("due_at = '2026-01-01T00:00:00'", "RS417"),
        ("opens = '25:00:00'", "RS417"),
        ("token = 'x'", "RS417"),
        ("priority in ('low', 'LOW')", "RS417"),
        (f"points < {'9' * 41}", "RS416"),
        ("x" * 2001, "RS416"),
    ],
)
def test_what_makes_no_sense_is_refused(text: str, code: str) -> None:
    assert refused(text)[0].code == code


def test_limits_hold_exactly() -> None:
    rule("(" * MAX_LEVELS + "completed" + ")" * MAX_LEVELS)
    assert refused("(" * (MAX_LEVELS + 1) + "completed" + ")" * (MAX_LEVELS + 1))[0].code == "RS416"
    assert refused("not " * (MAX_LEVELS + 1) + "completed")[0].code == "RS416"
    assert refused("- " * (MAX_LEVELS + 1) + "points > 1")[0].code == "RS416"
    assert refused("lower(" * (MAX_LEVELS + 1) + "title" + ")" * (MAX_LEVELS + 1) + " = 'x'")[0].code == "RS416"
    rule(f"points in ({','.join(['1'] * (MAX_OPERANDS - 1))})")
    assert refused(f"points in ({','.join(['1'] * MAX_OPERANDS)})")[0].code == "RS416"
    rule(" + ".join(["points"] * 190) + " > 1")  # long chains are no nesting
    rule(" or ".join(["points=1"] * 100))
    assert refused(" * ".join(["score"] * 20) + " > 1")[0].code == "RS416"


# --- Nothing gets out of its place --------------------------------------------------------------------------------------------------

WORD_LIST = """
title notes completed archived points bonus spent score due_on priority project tags nope and or not in between is null true false ( ) ,
= == <> != < <= > >= + - * / 1 2.5 'x' 'low' '2026-01-01' length lower upper now "order" ' " ; -- && . 1e5
"""
WORDS = st.sampled_from([*WORD_LIST.split(), "\u201c", "\0", "\n"])
HARMLESS = (
    ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Compare, ast.Eq,
    ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Is, ast.IsNot, ast.In, ast.NotIn, ast.Tuple, ast.Constant, ast.IfExp, ast.Call,
    ast.Attribute, ast.Name, ast.Load,
)  # fmt: skip


def assert_harmless(python: str) -> None:
    """Only comparisons of attributes of `self` and constants, and calls of `len` and of the runtime."""
    for node in ast.walk(ast.parse(python, mode="eval")):
        assert isinstance(node, HARMLESS), ast.dump(node)
        if isinstance(node, ast.Name):
            assert node.id in {"self", "rules", "len"}
        if isinstance(node, ast.Attribute):
            assert isinstance(node.value, ast.Name)
            owner = node.value.id
            assert node.attr in ({column.column for column in COLUMNS.values()} if owner == "self" else set(vars(rules)))


@given(st.lists(WORDS, max_size=25).map(" ".join) | st.text(max_size=60))
def test_any_text_gives_a_rule_or_diagnostics(text: str) -> None:
    result = compile_rule(text, SPAN, COLUMNS)
    if isinstance(result, Rule):
        assert_harmless(result.python)
    else:
        assert result
        for diagnostic in result:
            assert diagnostic.code.startswith("RS41")
            assert diagnostic.hint or diagnostic.label
            assert "\n" not in diagnostic.message


@pytest.mark.parametrize(
    "hostile",
    [
        "x'; DROP TABLE tasks; --",
        "x\\",
        "x\\'",
        "' or 1=1",
        '"""',
        "'''",
        "\n",
        "\r\n",
        "{{ x }}{% y %}",
        "*/",
        "${x}",
        ":name",
        "%(x)s",
        "__import__('os').system('x')",
        "\u2028",
        "x" * 900,
    ],
)
def test_texts_stay_texts(hostile: str) -> None:
    doubled = hostile.replace("'", "''")
    compiled = rule(f"title <> '{doubled}'")
    assert_harmless(compiled.python)
    assert eval(compiled.python, {}, {"self": SimpleNamespace(title=hostile)}) is True
    assert eval(compiled.python, {}, {"self": SimpleNamespace(title="other")}) is False


def test_a_hostile_enum_value_stays_a_text() -> None:
    value = "a'b\\c\"d"
    columns = {"colour": Column("colour", ValueType.ENUM, nullable=False, values=(value,))}
    compiled = compile_rule("colour = 'a''b\\c\"d'", SPAN, columns)
    assert isinstance(compiled, Rule)
    assert compiled.sql == "colour = E'a''b\\\\c\"d'"
    assert_harmless_values = eval(compiled.python, {}, {"self": SimpleNamespace(colour=value)})
    assert assert_harmless_values is False
