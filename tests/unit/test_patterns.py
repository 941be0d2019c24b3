"""Patterns: what is accepted and how PostgreSQL gets it, what is refused and where."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from generator.diagnostics import Severity
from generator.ir import Span
from generator.patterns import MAX_LENGTH, PatternOk, PatternProblem, check_pattern, matches, pattern_diagnostics


def translated(pattern: str) -> str:
    result = check_pattern(pattern)
    assert isinstance(result, PatternOk), result
    return result.postgres


def problem(pattern: str) -> PatternProblem:
    result = check_pattern(pattern)
    assert isinstance(result, PatternProblem), result
    return result


@pytest.mark.parametrize(
    "pattern",
    [
        "^[a-z0-9-]+$",
        "a|b",
        "",
        "^$",
        "(?:ab)+",
        "[^a-z]",
        "a{2,3}",
        "x*y+z?",
        "^(?:a|bc)?$",
        "a{255}",
        "[$+*?(){}|.,:]",
        "é+",
        "[A-Za-zÀ-ÿ]",
        "a|",
        "a-z",
    ],
)
def test_a_plain_pattern_stays_as_it_is(pattern: str) -> None:
    assert translated(pattern) == pattern


@pytest.mark.parametrize(
    ("pattern", "postgres"),
    [
        (".", "[^\n]"),
        (r"\.", "[.]"),
        (r"a\+b\*c\?", "a[+]b[*]c[?]"),
        (r"\\", r"\\"),
        (r"\[\]\^\$", r"\[\]\^[$]"),
        (r"\n\t", "\n\t"),
        (r"\r\f\v\a", r"\u000D\u000C\u000B\u0007"),
        (r"\x41\u0042\u{43}\x{44}\U00000045", "ABCDE"),
        (r"\u{1F642}", "\U0001f642"),
        (r"\u00a0", r"\u00A0"),
        (r"\u{e0001}", r"\U000E0001"),
        (r"[\]\[\\\^a-]", r"[\]\[\\\^a-]"),
        (r"[\-a]", "[a-]"),
        (r"[-a]", "[a-]"),
        (r"[^-a]", "[^a-]"),
        (r"[a\-z]", "[az-]"),
        (r"[!-\-]", r"[!-\-]"),
        (r"[\x00-\x1f]", r"[\u0001-\u001F]"),
        ("(a)(bc)(?:d|e)", "a(?:bc)(?:d|e)"),
        ("a*?b+?c??d{2}?", "a*b+c?d{2}"),
        ("a{2,2}b{0,}c{1,}d{0,1}", "a{2}b*c+d?"),
        ("}", "[}]"),
        ("]", r"\]"),
        ("a,b-c", "a,b-c"),
    ],
)
def test_what_postgres_spells_otherwise_is_translated(pattern: str, postgres: str) -> None:
    assert translated(pattern) == postgres


@pytest.mark.parametrize(
    ("pattern", "code", "offset", "length", "hint"),
    [
        ("(a", "RS330", 0, 1, "add `)`"),
        ("a)", "RS330", 1, 1, r"`\)`"),
        ("[a", "RS330", 0, 1, "add `]`"),
        ("[a-", "RS330", 0, 1, "add `]`"),
        ("ab[\\", "RS330", 3, 1, "backslash"),
        ("a\\", "RS330", 1, 1, "backslash"),
        ("*a", "RS330", 0, 1, r"`\*`"),
        ("a|+", "RS330", 2, 1, r"`\+`"),
        ("a{,3}", "RS330", 1, 1, "{0,2}"),
        ("a{x}", "RS330", 1, 1, "{2}"),
        ("a{3,1}", "RS330", 1, 5, None),
        ("[z-a]", "RS330", 1, 3, None),
        (r"\q", "RS330", 0, 2, "without"),
        (r"\x4", "RS330", 0, 2, "hexadecimal"),
        (r"\u{}", "RS330", 0, 2, "hexadecimal"),
        (r"\u{110000}", "RS330", 0, 10, None),
        (r"\ud800", "RS330", 0, 6, None),
        (r"^\d+$", "RS331", 1, 2, "[0-9]"),
        (r"[\w-]", "RS331", 1, 2, "A-Za-z0-9_"),
        (r"\s", "RS331", 0, 2, r"[ \t\r\n]"),
        (r"\D", "RS331", 0, 2, "[^0-9]"),
        (r"\p{L}", "RS331", 0, 2, "characters"),
        (r"\bx", "RS331", 0, 2, "(?:^|"),
        (r"x\<", "RS331", 1, 2, "(?:^|"),
        (r"\Ax", "RS331", 0, 2, "`^` and `$`"),
        (r"x\z", "RS331", 1, 2, "`^` and `$`"),
        (r"(a)\1", "RS331", 3, 2, r"\x41"),
        (r"\0", "RS331", 0, 2, r"\x41"),
        ("(?=a)", "RS331", 0, 3, "checks"),
        ("(?<!a)", "RS331", 0, 3, "checks"),
        ("(?i)a", "RS331", 0, 3, "[Aa]"),
        ("(?s:.)", "RS331", 0, 3, "[Aa]"),
        ("(?P<n>a)", "RS331", 0, 4, "(…)"),
        ("(?<n>a)", "RS331", 0, 4, "(…)"),
        ("(?#x)", "RS331", 0, 3, "(?:…)"),
        ("(?>a)", "RS331", 0, 3, "(?:…)"),
        ("a++", "RS331", 2, 1, "possessive"),
        ("a{2}{3}", "RS331", 4, 1, "(?:a{2}){3}"),
        ("^*", "RS331", 1, 1, "leave out"),
        ("$?", "RS331", 1, 1, "leave out"),
        ("a{256}", "RS331", 1, 5, "max_length"),
        ("a{1,99999999999}", "RS331", 1, 15, "max_length"),
        ("[]a]", "RS331", 1, 1, r"`\]`"),
        ("[^]a]", "RS331", 2, 1, r"`\]`"),
        ("[[:alpha:]]", "RS331", 1, 2, "[A-Za-z]"),
        ("[a[b]]", "RS331", 2, 1, r"`\[`"),
        ("[a&&b]", "RS331", 2, 2, r"`\&`"),
        ("[a~~b]", "RS331", 2, 2, r"`\~`"),
        ("[a--b]", "RS331", 2, 2, r"`\-`"),
        ("[a-c-e]", "RS331", 4, 1, r"`\-`"),
        (r"\x00", "RS331", 0, 4, "leave it out"),
        (r"[^\x00]", "RS331", 0, 7, None),
        ("a" * (MAX_LENGTH + 1), "RS332", 0, MAX_LENGTH + 1, None),
        ("(" * 33 + ")" * 33, "RS332", 32, 1, None),
        ("(?:[a-z]{200}){200}", "RS332", 0, 19, "max_length"),
        ("(?:(?:a?){20}){100}", "RS332", 0, 19, "smaller counts"),
        ("(?:(?:(?:[^b]{0,9}|a{3}){0,9}){0,9}){0,4}$", "RS332", 0, 42, "smaller counts"),
    ],
)
def test_the_rest_is_refused_where_it_stands(pattern: str, code: str, offset: int, length: int, hint: str | None) -> None:
    found = problem(pattern)
    assert (found.code, found.offset, found.length) == (code, offset, length)
    assert (hint or "") in (found.hint or "")
    if hint is None:
        assert found.hint is None


@pytest.mark.parametrize(("pattern", "offset"), [("(a+)+", 4), ("(?:a*b)*", 7), ("^((ab)+c){2,}$", 9), ("(a{3,})+x", 7)])
def test_a_nested_quantifier_is_a_warning(pattern: str, offset: int) -> None:
    result = check_pattern(pattern)
    assert isinstance(result, PatternOk)
    assert result.nested == offset
    (warning,) = pattern_diagnostics(pattern, lambda start, length: Span("f", 1, 1 + start, length))
    assert warning.severity is Severity.WARNING
    assert warning.code == "RS605"
    assert warning.span == Span("f", 1, 1 + offset, 1)


@pytest.mark.parametrize("pattern", ["(a+b)?", "(?:ab)+c*", "(a{1,9})+", "(a+){2}"])
def test_other_quantifiers_give_no_warning(pattern: str) -> None:
    assert pattern_diagnostics(pattern, lambda start, length: Span("f", 1, 1 + start, length)) == ()


def test_a_problem_is_one_diagnostic_at_its_place() -> None:
    (error,) = pattern_diagnostics(r"ab\d", lambda start, length: Span("f", 3, 10 + start, length))
    assert (error.code, error.severity, error.span) == ("RS331", Severity.ERROR, Span("f", 3, 12, 2))


def test_matching_is_that_of_the_application() -> None:
    assert matches("^a$", "a")
    assert not matches("^a$", "a\n")
    assert not matches("^.$", "\n")
    assert matches("b", "abc")
    assert matches("[^a]", "\n")


HOSTILE_ATOMS = st.sampled_from(
    [
        *"ab()[]{}|*+?^$.\\-,:=!<>&~#'\" \n0129",
        "(?",
        "[^",
        "[:",
        "\\d",
        "\\x",
        "\\u{",
        "{2",
        "{2,",
        "}",
        "(?:",
        "&&",
        "--",
        "\\",
        "é",
        "\0",
        "\U0001f642",
    ]
)


@example("(?\n")
@given(st.lists(HOSTILE_ATOMS, max_size=15).map("".join) | st.text(max_size=30))
def test_any_text_is_a_pattern_or_a_problem(pattern: str) -> None:
    result = check_pattern(pattern)
    if isinstance(result, PatternProblem):
        assert 0 <= result.offset <= len(pattern)
        assert result.length >= 1
        assert "\n" not in json.loads(json.dumps(result.message))
    else:
        matches(pattern, "a")


def test_an_accepted_pattern_is_accepted_by_python_and_openapi_tools() -> None:
    """Clients validate with their own engines; escapes in braces and of eight digits are the only ones some do not know."""
    for pattern in ("^[a-z0-9-]+$", r"^\+?[0-9 ]{3,20}$", r"^[^@\n]+@[^@\n]+\.[a-z]{2,}$"):
        assert check_pattern(pattern) == PatternOk(translated(pattern))
        re.compile(pattern)
