"""What the commands share of the terminal: data goes to stdout, everything else to stderr, colour only to a terminal that wants it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn, TextIO

import typer

from generator.cli.errors import ExitCode
from generator.diagnostics import (
    WIDTH,
    Diagnostic,
    ReadSource,
    Severity,
    has_errors,
    ordered,
    render_github,
    render_json,
    render_sarif,
    render_text,
)
from generator.files import source_reader

MAX_SHOWN = 100
"""Findings that are printed as text: more would only push the first ones off the screen. The other formats have all."""


class OutputFormat(StrEnum):
    """How findings are printed."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"
    SARIF = "sarif"


FormatOption = Annotated[
    OutputFormat,
    typer.Option(
        "--format",
        case_sensitive=False,
        metavar="FORMAT",
        help="How findings are printed: text; or json, github or sarif, on standard output.",
    ),
]


def uses_color(stream: TextIO) -> bool:
    """Whether a stream is a terminal that shows colours and the user has not declined them (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def terminal_width(stream: TextIO) -> int:
    """The width of a stream in columns: 80 unless it is a terminal, and there between 40 and 120."""
    if not stream.isatty():
        return WIDTH
    return min(max(shutil.get_terminal_size((WIDTH, 24)).columns, 40), 120)


def data(text: str) -> None:
    """Print a result, which ends with a newline, to stdout."""
    sys.stdout.write(text)
    sys.stdout.flush()


def say(text: str = "") -> None:
    """Print a line for the user to stderr."""
    sys.stdout.flush()
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def progress(text: str) -> None:
    """Show how far long work is, in place of what was shown before; on a terminal only. An empty text takes it away."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()


def report(diagnostics: Iterable[Diagnostic], output: OutputFormat = OutputFormat.TEXT, source: ReadSource | Path = Path()) -> None:
    """Print findings: as text to stderr (the first hundred) with a line that counts them, in the other formats to stdout and without.

    `source` gives the texts of the files for excerpts; a path means the project in that folder.
    """
    found = ordered(diagnostics)
    match output:
        case OutputFormat.JSON:
            data(render_json(found))
        case OutputFormat.GITHUB:
            data(render_github(found))
        case OutputFormat.SARIF:
            data(render_sarif(found))
        case OutputFormat.TEXT if found:
            read_source = source_reader(source) if isinstance(source, Path) else source
            shown = _first_of(found)
            text = render_text(shown, read_source, uses_color(sys.stderr), terminal_width(sys.stderr))
            more = f"{count(len(found) - len(shown), 'more finding')} not shown\n" if len(shown) < len(found) else ""
            say(f"{text}\n{more}{summary(found)}")
        case OutputFormat.TEXT:
            pass


def _first_of(found: tuple[Diagnostic, ...]) -> tuple[Diagnostic, ...]:
    """What is shown of many findings: all, or the first errors."""
    errors = [diagnostic for diagnostic in found if diagnostic.severity is Severity.ERROR]
    return found if len(found) <= MAX_SHOWN else tuple((errors or found)[:MAX_SHOWN])


def summary(diagnostics: Iterable[Diagnostic]) -> str:
    """How many errors and warnings there are, and in how many files: `2 errors and 1 warning in 2 files`."""
    found = ordered(diagnostics)
    errors = sum(diagnostic.severity is Severity.ERROR for diagnostic in found)
    parts = [count(number, name) for number, name in ((errors, "error"), (len(found) - errors, "warning")) if number]
    files = len({diagnostic.span.path for diagnostic in found if diagnostic.span is not None})
    where = f" in {count(files, 'file')}" if files else ""
    example = next((diagnostic.code for diagnostic in found if diagnostic.severity is Severity.ERROR), found[0].code if found else None)
    more = f"; `rowsmith explain {example}` says more" if example else ""
    return f"{' and '.join(parts) or 'no findings'}{where}{more}"


def count(number: int, name: str) -> str:
    """A number with its noun: `1 file`, `2 files`."""
    return f"{number:,} {name}" if number == 1 else f"{number:,} {name}s"


def fail(exit_code: ExitCode, diagnostics: Iterable[Diagnostic], output: OutputFormat, source: ReadSource | Path = Path()) -> NoReturn:
    """Print findings as `report` does and end the command with an exit code."""
    report(diagnostics, output, source)
    raise typer.Exit(exit_code)


def exit_code_of(diagnostics: Iterable[Diagnostic], *, warnings_are_errors: bool = False) -> ExitCode:
    """The exit code for findings about specs: 2 with an error in them (or any warning, when those count as errors), else 0."""
    found = tuple(diagnostics)
    return ExitCode.USAGE if has_errors(found) or (warnings_are_errors and found) else ExitCode.FINE
