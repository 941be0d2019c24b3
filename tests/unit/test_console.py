"""What the commands share of the terminal."""

from __future__ import annotations

import io
import json

import pytest
import typer

from generator.cli import console
from generator.cli.console import OutputFormat
from generator.cli.errors import ExitCode
from generator.diagnostics import Diagnostic, error, warning
from generator.ir import Span


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def bad(line: int, path: str = "a") -> Diagnostic:
    return error("RS133", "m", Span(path, line, 1))


@pytest.mark.parametrize(
    ("diagnostics", "text"),
    [
        ([bad(1)], "1 error in 1 file; `rowsmith explain RS133` says more"),
        ([bad(1), bad(2, "b")], "2 errors in 2 files; `rowsmith explain RS133` says more"),
        ([bad(1), warning("RS101", "w", Span("a", 1, 1))], "1 error and 1 warning in 1 file; `rowsmith explain RS133` says more"),
        ([warning("RS601", "w", None)], "1 warning; `rowsmith explain RS601` says more"),
        ([], "no findings"),
    ],
)
def test_summary(diagnostics: list[Diagnostic], text: str) -> None:
    assert console.summary(diagnostics) == text


def test_text_goes_to_stderr_and_the_rest_to_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    found = [error("RS133", "m", Span("a", 1, 1), hint="h")]
    console.report(found, OutputFormat.TEXT, {"a": "x"}.get)
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "error[RS133]: m\n  a:1:1\n  |\n1 | x\n  | ^\n  = hint: h\n\n1 error in 1 file; `rowsmith explain RS133` says more\n"
    for output in (OutputFormat.JSON, OutputFormat.SARIF, OutputFormat.GITHUB):
        console.report(found, output, {"a": "x"}.get)
        out, err = capsys.readouterr()
        assert "RS133" in out
        assert err == ""


def test_nothing_found(capsys: pytest.CaptureFixture[str]) -> None:
    console.report([])
    assert capsys.readouterr() == ("", "")
    console.report([], OutputFormat.JSON)
    assert json.loads(capsys.readouterr().out) == []


def test_of_very_many_findings_the_first_errors_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    found = [warning("RS601", "w", Span("a", 1, 1)), *(bad(line) for line in range(1, 200))]
    console.report(found, OutputFormat.TEXT, lambda _: None)
    err = capsys.readouterr().err
    assert err.count("error[") == console.MAX_SHOWN
    assert "a:100:1" in err
    assert "warning[" not in err
    assert "100 more findings not shown\n199 errors and 1 warning in 1 file" in err
    console.report(found, OutputFormat.JSON)
    assert len(json.loads(capsys.readouterr().out)) == 200


def test_fail_prints_and_ends(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended:
        console.fail(ExitCode.REFUSED, [bad(1)], OutputFormat.TEXT, lambda _: None)
    assert ended.value.exit_code == 3
    assert "error[RS133]" in capsys.readouterr().err


def test_exit_codes() -> None:
    warned = [warning("RS601", "w", None)]
    assert console.exit_code_of([]) == 0
    assert console.exit_code_of(warned) == 0
    assert console.exit_code_of(warned, warnings_are_errors=True) == 2
    assert console.exit_code_of([bad(1)]) == 2


def test_colours_and_width(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "TERM", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    assert console.uses_color(Terminal())
    assert not console.uses_color(io.StringIO())
    assert console.terminal_width(io.StringIO()) == 80
    for columns, width in (("20", 40), ("100", 100), ("500", 120)):
        monkeypatch.setenv("COLUMNS", columns)
        assert console.terminal_width(Terminal()) == width
        assert console.terminal_width(io.StringIO()) == 80
    monkeypatch.setenv("NO_COLOR", "1")
    assert not console.uses_color(Terminal())
