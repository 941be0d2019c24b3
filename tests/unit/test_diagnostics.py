"""The four forms in which findings are printed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from generator.diagnostics import (
    Diagnostic,
    Related,
    Severity,
    columns,
    error,
    has_errors,
    ordered,
    render_github,
    render_json,
    render_sarif,
    render_text,
    visible,
    warning,
)
from generator.ir import Span

PATH = "resources/task.yaml"
ELEVEN_LINES = "\n" * 11


def sources(text: str) -> Callable[[str], str | None]:
    return {PATH: text}.get


def shown(text: str, span: Span, label: str | None = "here", width: int = 80) -> list[str]:
    """The source line and the lines below it."""
    lines = render_text([error("RS101", "m", span, label)], sources(text), width=width).splitlines()
    return lines[3:]


def test_the_example_of_the_contract() -> None:
    found = error(
        "RS203",
        "field `proejct` references an unknown resource `Projet`",
        Span(PATH, 12, 28, 6),
        "no spec defines `Projet`",
        hint="did you mean `Project` (resources/project.yaml:2)?",
    )
    assert render_text([found], sources(f"{ELEVEN_LINES}  proejct: {{type: ref, to: Projet}}\n")) == (
        "error[RS203]: field `proejct` references an unknown resource `Projet`\n"
        "  resources/task.yaml:12:28\n"
        "   |\n"
        "12 |   proejct: {type: ref, to: Projet}\n"
        "   |                            ^^^^^^ no spec defines `Projet`\n"
        "   = hint: did you mean `Project` (resources/project.yaml:2)?\n"
    )


def test_related_places_follow_as_notes_with_one_margin() -> None:
    found = warning("RS601", "m", Span(PATH, 12, 1, 1), related=[Related("the first", Span(PATH, 2, 1, 3))])
    assert render_text([found], sources("a\nbcd\n" + "\n" * 9 + "e")) == (
        "warning[RS601]: m\n  resources/task.yaml:12:1\n   |\n12 | e\n   | ^\n"
        "note: the first\n  resources/task.yaml:2:1\n   |\n 2 | bcd\n   | ---\n"
    )


def test_without_a_place_and_without_a_source() -> None:
    assert render_text([error("RS101", "no folder", None, hint="make one")], sources("")) == "error[RS101]: no folder\n  = hint: make one\n"
    assert render_text([error("RS101", "m", Span("app/x.py", 3, 1), "label")], sources("")) == (
        "error[RS101]: m\n  app/x.py:3:1\n  = label\n"
    )


def test_nothing_gives_nothing() -> None:
    assert render_text([], sources("")) == ""
    assert render_github([]) == ""
    assert json.loads(render_json([])) == []
    assert json.loads(render_sarif([]))["runs"][0]["results"] == []


@pytest.mark.parametrize(
    ("text", "column", "length", "expected"),
    [
        ("abc", 1, 3, "abc"),
        ("漢字: abc", 5, 3, "abc"),
        ("漢字: abc", 2, 1, "字字"),
        ("e\u0301e\u0301: abc", 7, 3, "abc"),
        ("\ta: b", 5, 1, "b"),
        ("a:\tb", 4, 1, "b"),
        ("漢\tb", 3, 1, "b"),
        ("\U0001f600 b", 3, 1, "b"),
        ("a\u200bb", 3, 1, "b"),
        ("a\x1b[31mb", 7, 1, "b"),
        ("\ufeffab", 2, 1, "b"),
        ("x" * 500 + "abc" + "y" * 500, 501, 3, "abc"),
        ("漢" * 300 + "abc" + "字" * 300, 301, 3, "abc"),
        ("\t" * 100 + "abc", 101, 3, "abc"),
        ("\u0301" * 500 + "abc", 501, 3, "abc"),
    ],
)
def test_the_marks_stand_below_the_span(text: str, column: int, length: int, expected: str) -> None:
    source, marks = shown(text, Span(PATH, 1, column, length), None)
    cells = "".join(character * columns(character) for character in source)
    assert cells[marks.index("^") : marks.rindex("^") + 1] == expected


@pytest.mark.parametrize(
    ("text", "column", "length"),
    [
        ("abc", 4, 1),
        ("abc", 400, 3),
        ("", 1, 1),
        ("abc", 3, 400),
        ("x" * 5000, 1, 5000),
        ("x" * 5000, 5001, 1),
        ("x" * 78, 2, 1),
        ("漢" * 99, 60, 9),
    ],
)
@pytest.mark.parametrize("width", [80, 40, 120])
def test_no_line_is_wider_than_the_terminal_and_there_is_always_a_mark(text: str, column: int, length: int, width: int) -> None:
    for label in (None, "short", "a label of many words that never fits beside the marks and goes below them in two lines or more"):
        lines = shown(text, Span(PATH, 1, column, length), label, width)
        assert all(columns(line) <= width for line in lines)
        assert any("^" in line for line in lines)
        assert " ".join((label or "").split()) in " ".join(" ".join(line.lstrip(" |^") for line in lines).split())


def test_a_long_line_shows_its_beginning_where_the_span_is_near_it() -> None:
    source, marks = shown("  title: {" + "x" * 200, Span(PATH, 1, 3, 5), None)
    assert source.startswith("1 |   title: {xxx")
    assert source.endswith("…")
    assert marks == "  |   ^^^^^"


def test_a_place_behind_the_end_of_the_file() -> None:
    assert shown("a\n", Span(PATH, 9, 1), None) == ["9 |", "  | ^"]


def test_lines_end_as_in_yaml_1_2() -> None:
    text = "a\r\nb\rc\nd\u2028e\x0bf"
    assert [shown(text, Span(PATH, number, 1), None)[0] for number in (1, 2, 3, 4)] == [
        "1 | a",
        "2 | b",
        "3 | c",
        "4 | d<U+2028>e<U+000B>f",
    ]


@pytest.mark.parametrize(
    "character", ["\x00", "\x1b", "\x07", "\x7f", "\x9b", "\u202e", "\u2066", "\u200b", "\ufeff", "\u00a0", "\u2028", "\ud800"]
)
def test_nothing_of_a_spec_acts_on_the_terminal(character: str) -> None:
    evil = f"a{character}b"
    found = error("RS101", evil, Span(f"resources/{evil}", 1, 1, 3), evil, hint=evil, related=[Related(evil, Span(evil, 1, 1))])
    text = render_text([found], lambda _: evil)
    assert character not in text
    assert f"a<U+{ord(character):04X}>b" in text
    for render in (render_json, render_github, render_sarif):
        render([found]).encode()


def test_colour_only_when_asked_and_only_around_the_same_text() -> None:
    found = [
        error("RS101", "m", Span(PATH, 1, 1), "l", hint="h\n\nh", related=[Related("r", Span(PATH, 1, 1))]),
        warning("RS601", "m", None),
    ]
    without = render_text(found, sources("abc"))
    colored = render_text(found, sources("abc"), color=True)
    assert "\x1b" not in without
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == without
    assert colored.count("\x1b[0m") * 2 == colored.count("\x1b[")


def test_hints_are_wrapped_and_keep_their_lines() -> None:
    hint = f"{'word ' * 30}\n\n    code: {{a: b}}\nlast"
    lines = render_text([error("RS101", "m", None, hint=hint)], sources("")).splitlines()[1:]
    assert all(len(line) <= 80 for line in lines)
    assert lines[0].startswith("  = hint: word word")
    assert lines[1].startswith("          word")
    assert lines[-3:] == ["", "              code: {a: b}", "          last"]


def test_the_order_is_file_line_column_code_and_nothing_is_said_twice() -> None:
    def at(path: str, line: int, column: int, code: str) -> Diagnostic:
        return error(code, "m", Span(path, line, column))

    wanted = [
        error("RS999", "m", None),
        at("a", 1, 1, "RS2"),
        at("a", 1, 2, "RS1"),
        at("a", 2, 1, "RS1"),
        at("a", 10, 1, "RS1"),
        at("b", 1, 1, "RS1"),
    ]
    assert ordered([*reversed(wanted), wanted[2]]) == tuple(wanted)
    assert [entry["line"] for entry in json.loads(render_json(reversed(wanted)))] == [None, 1, 1, 2, 10, 1]


def test_has_errors() -> None:
    assert not has_errors([])
    assert not has_errors([warning("RS601", "m", None)])
    assert has_errors([warning("RS601", "m", None), error("RS101", "m", None)])


def test_json_says_everything() -> None:
    found = error("RS133", "m", Span(PATH, 2, 3, 4), "l", hint="h", related=[Related("r", Span("b", 5, 6, 7))])
    assert json.loads(render_json([found])) == [
        {
            "code": "RS133",
            "severity": "error",
            "message": "m",
            "path": PATH,
            "line": 2,
            "column": 3,
            "length": 4,
            "label": "l",
            "hint": "h",
            "related": [{"message": "r", "path": "b", "line": 5, "column": 6, "length": 7}],
        }
    ]


def test_github_escapes_what_would_end_or_begin_a_command() -> None:
    found = warning(
        "RS601", "50% of\n::error::this\r", Span("resources/a,b:c%.yaml", 2, 3, 4), hint="x: y, z", related=[Related("r", Span("b", 5, 6))]
    )
    assert render_github([found]) == (
        "::warning file=resources/a%2Cb%3Ac%25.yaml,line=2,col=3,endColumn=7,title=Rowsmith RS601"
        "::50%25 of ::error::this%0Anote: r (b:5:6)%0Ahint: x: y, z\n"
    )
    assert render_github([error("RS101", "m", None)]) == "::error title=Rowsmith RS101::m\n"


def test_sarif() -> None:
    found = [
        error("RS133", "m", Span("resources/a b#é.yaml", 2, 3, 4), "l", hint="h", related=[Related("r", Span("b", 5, 6, 7))]),
        warning("RS110", "n", None),
    ]
    log = json.loads(render_sarif(found))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["RS110", "RS133"]
    assert all(rule["shortDescription"]["text"] and rule["help"]["text"] and rule["help"]["markdown"] for rule in rules)
    assert run["columnKind"] == "unicodeCodePoints"
    placeless, placed = run["results"]
    assert placeless == {"ruleId": "RS110", "ruleIndex": 0, "level": "warning", "message": {"text": "n"}}
    assert placed["level"] == "error"
    assert placed["ruleIndex"] == 1
    assert placed["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "resources/a%20b%23%C3%A9.yaml", "uriBaseId": "%SRCROOT%"},
                "region": {"startLine": 2, "startColumn": 3, "endColumn": 7},
            }
        }
    ]
    assert placed["relatedLocations"][0]["message"] == {"text": "r"}
    assert placed["relatedLocations"][0]["id"] == 1


def test_an_unknown_code_is_no_obstacle() -> None:
    assert json.loads(render_sarif([Diagnostic("XX1", Severity.ERROR, "m")]))["runs"][0]["tool"]["driver"]["rules"] == [{"id": "XX1"}]


@pytest.mark.parametrize(
    ("text", "width"), [("abc", 3), ("漢字", 4), ("e\u0301", 1), ("\U0001f600", 2), ("\uff8a", 1), ("\uff41", 2), ("", 0)]
)
def test_columns(text: str, width: int) -> None:
    assert columns(text) == width


def test_visible() -> None:
    assert visible("é漢\u0301 ok") == "é漢\u0301 ok"
    assert visible("a\tb\n") == "a<U+0009>b<U+000A>"
