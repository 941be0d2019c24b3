"""Findings about the specs, and the four forms in which they are printed: text, JSON, GitHub workflow commands and SARIF.

A diagnostic says what is wrong (`message`), where (`span`, with a `label` under it), and what to do (`hint`). The renderers are pure:
they return the whole output as text that ends with a newline (or is empty), sorted by file, line, column and code. A closing summary
line belongs to the caller.
"""

from __future__ import annotations

import json
import re
import textwrap
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from functools import cache
from urllib.parse import quote

from generator.codes import CODES
from generator.ir import Span
from generator.records import record

type ReadSource = Callable[[str], str | None]
"""Gives the text of a file by the path of a span, or None when it cannot be shown."""

type _LinesOf = Callable[[str], list[str] | None]

WIDTH = 80
TAB = 4


class Severity(StrEnum):
    """Errors end a command with exit code 2; warnings do not."""

    ERROR = "error"
    WARNING = "warning"


@record
class Related:
    """Another place that explains a diagnostic, such as the first of two equal keys."""

    message: str
    span: Span


@record
class Diagnostic:
    """One finding.

    `message` and `label` are single lines without a full stop; names from the spec stand in `backticks`. `hint` says what to do and may
    have several lines. `span` is None only where no file is concerned.
    """

    code: str
    severity: Severity
    message: str
    span: Span | None = None
    label: str | None = None
    hint: str | None = None
    related: tuple[Related, ...] = ()


def error(
    code: str, message: str, span: Span | None, label: str | None = None, *, hint: str | None = None, related: Iterable[Related] = ()
) -> Diagnostic:
    """An error; see `Diagnostic` for the parameters. Line breaks of names in `message` become spaces."""
    return Diagnostic(code, Severity.ERROR, " ".join(message.splitlines()), span, label, hint, tuple(related))


def warning(
    code: str, message: str, span: Span | None, label: str | None = None, *, hint: str | None = None, related: Iterable[Related] = ()
) -> Diagnostic:
    """A warning; see `Diagnostic` for the parameters. Line breaks of names in `message` become spaces."""
    return Diagnostic(code, Severity.WARNING, " ".join(message.splitlines()), span, label, hint, tuple(related))


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Whether any of them is an error."""
    return any(diagnostic.severity is Severity.ERROR for diagnostic in diagnostics)


def ordered(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """The diagnostics by file, line, column and code, without repetitions; those that concern no file come first."""
    return tuple(sorted(dict.fromkeys(diagnostics), key=_sort_key))


def _sort_key(diagnostic: Diagnostic) -> tuple[str, int, int, str, str]:
    span = diagnostic.span
    if span is None:
        return ("", 0, 0, diagnostic.code, diagnostic.message)
    return (span.path, span.line, span.column, diagnostic.code, diagnostic.message)


# --- text ---------------------------------------------------------------------------------------------------------------------------


def render_text(diagnostics: Iterable[Diagnostic], read_source: ReadSource, color: bool = False, width: int = WIDTH) -> str:
    """The diagnostics for people, in the manner of rustc, with a blank line between two.

    `read_source` gives the text of a file for its excerpts. `width` is that of the terminal in columns: hints and labels are wrapped to
    it and long lines of source are cut around the span; the first line of a diagnostic never is, so that it can be searched for.
    Nothing from a spec reaches the terminal as a control sequence.
    """

    @cache
    def lines_of(path: str) -> list[str] | None:
        text = read_source(path)
        return None if text is None else re.split(r"\r\n|\n|\r", text.removeprefix("\ufeff"))

    return "\n".join("\n".join(_text_lines(diagnostic, lines_of, _Paint(color), width)) + "\n" for diagnostic in ordered(diagnostics))


class _Paint:
    """Wraps text into ANSI colours, or leaves it alone."""

    def __init__(self, color: bool) -> None:
        self._color = color

    def _wrap(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._color and text else text

    def severity(self, severity: Severity, text: str) -> str:
        return self._wrap("1;31" if severity is Severity.ERROR else "1;33", text)

    def bold(self, text: str) -> str:
        return self._wrap("1", text)

    def gutter(self, text: str) -> str:
        return self._wrap("1;34", text)

    def note(self, text: str) -> str:
        return self._wrap("1;36", text)

    def hint(self, text: str) -> str:
        return self._wrap("1;32", text)


@record
class _Page:
    """How one diagnostic is laid out: the source texts, the colours, the width of the line numbers and of the whole."""

    lines_of: _LinesOf
    paint: _Paint
    margin: int
    width: int


def _text_lines(diagnostic: Diagnostic, lines_of: _LinesOf, paint: _Paint, width: int) -> Iterator[str]:
    spans = [span for span in (diagnostic.span, *(related.span for related in diagnostic.related)) if span is not None]
    page = _Page(lines_of, paint, max((len(str(span.line)) for span in spans), default=1), width)

    def underline(text: str) -> str:
        return paint.severity(diagnostic.severity, text)

    yield underline(f"{diagnostic.severity}[{diagnostic.code}]") + paint.bold(f": {visible(diagnostic.message)}")
    if diagnostic.span is not None:
        yield from _excerpt(page, diagnostic.span, diagnostic.label, "^", underline)
    if diagnostic.hint:
        yield from _hint_lines(page, diagnostic.hint)
    for related in diagnostic.related:
        yield paint.note("note") + paint.bold(f": {visible(related.message)}")
        yield from _excerpt(page, related.span, None, "-", paint.note)


def _hint_lines(page: _Page, hint: str) -> Iterator[str]:
    indent = " " * (page.margin + 1)
    first = f"{indent}{page.paint.gutter('=')} {page.paint.hint('hint')}: "
    for line in _wrapped(hint, max(page.width - page.margin - len(" = hint: "), 20)):
        yield (first + line).rstrip()
        first = indent + " " * len("= hint: ")


def _wrapped(text: str, room: int) -> list[str]:
    """The lines of a text, each wrapped to `room` columns with its own indentation kept."""
    lines: list[str] = []
    for line in text.split("\n"):
        shown = visible(line)
        indent = shown[: len(shown) - len(shown.lstrip())]
        lines += textwrap.wrap(
            shown, room, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False, drop_whitespace=True
        ) or [""]
    return lines


def _excerpt(page: _Page, span: Span, label: str | None, mark: str, underline: Callable[[str], str]) -> Iterator[str]:
    """The location, the source line, and below it the marks under the span with the label behind or beneath them."""
    yield f"  {visible(span.path)}:{span.line}:{span.column}"
    margin, gutter = " " * page.margin, page.paint.gutter
    line = _source_line(span, page.lines_of)
    if line is None:
        if label:
            yield f"{margin} {gutter('=')} {visible(label)}"
        return
    room = max(page.width - page.margin - len(" | "), 20)
    window = _window(line, span, room)
    blank, marks = f"{margin} {gutter('|')}", mark * window.length
    yield blank
    yield f"{gutter(f'{span.line:>{page.margin}} |')} {window.text}".rstrip()
    if label and window.start + window.length + 1 + columns(visible(label)) <= room:
        yield f"{blank} {' ' * window.start}{underline(f'{marks} {visible(label)}')}"
        return
    yield f"{blank} {' ' * window.start}{underline(marks)}"
    if label:  # below the marks, as far to the left as it needs
        start = max(min(window.start, room - columns(visible(label))), 0)
        for part in _wrapped(label, room - start):
            yield f"{blank} {' ' * start}{underline(part)}"


def _source_line(span: Span, lines_of: _LinesOf) -> str | None:
    lines = lines_of(span.path)
    if lines is None:
        return None
    return lines[span.line - 1] if span.line <= len(lines) else ""


@record
class _Window:
    """The part of a source line that is shown, and where the marks stand below it, in columns of the terminal."""

    text: str
    start: int
    length: int


def _window(line: str, span: Span, room: int) -> _Window:
    """The part of `line` around the span that fits into `room` columns; cut ends are shown as `…`."""
    first = min(max(span.column - 1, 0), len(line))
    last = min(first + max(span.length, 1), len(line))  # exclusive; equal to `first` at the end of the line
    low, high = max(first - 2 * room, 0), min(last, first + room) + 2 * room  # no more than this can ever be shown
    cells = _cells(line[low:high])
    widths = [columns(cell) for cell in cells]
    first, last, whole = first - low, min(last - low, len(cells)), len(cells) == len(line)
    if whole and sum(widths) <= room:
        return _Window("".join(cells), sum(widths[:first]), max(sum(widths[first:last]), 1))

    limit = room - 2  # one column for each `…`
    near = sum(widths[:first]) + min(sum(widths[first:last]), limit // 2) <= limit  # then the beginning of the line is shown, too
    begin = end = 0 if near else first
    used = 0
    while end < last and used + widths[end] <= limit:
        used += widths[end]
        end += 1
    grown = True
    while grown:  # widen by turns, to the left and to the right
        grown = False
        if begin > 0 and used + widths[begin - 1] <= limit:
            begin -= 1
            used += widths[begin]
            grown = True
        if end < len(cells) and used + widths[end] <= limit:
            used += widths[end]
            end += 1
            grown = True
    before = "…" if begin + low > 0 else ""
    after = "…" if end + low < len(line) else ""
    length = max(sum(widths[first : min(last, end)]), 1)
    return _Window(before + "".join(cells[begin:end]) + after, len(before) + sum(widths[begin:first]), length)


def _cells(text: str) -> list[str]:
    """How each character of a piece of source is shown: tabs as spaces to the next stop, invisible characters by their names."""
    cells: list[str] = []
    position = 0
    for character in text:
        cell = " " * (TAB - position % TAB) if character == "\t" else visible(character)
        position += columns(cell)
        cells.append(cell)
    return cells


def visible(text: str) -> str:
    """The text with every character that a terminal would act on or not show replaced by its name, as in `<U+202E>`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(character if _is_visible(character) else f"<U+{ord(character):04X}>" for character in text)


def _is_visible(character: str) -> bool:
    if character.isascii():
        return character.isprintable()
    return unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"} and character != "\u00a0"


def columns(text: str) -> int:
    """How many columns of a terminal a text takes: wide characters two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(_width(character) for character in text)


def _width(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


# --- JSON ---------------------------------------------------------------------------------------------------------------------------


def render_json(diagnostics: Iterable[Diagnostic]) -> str:
    """The diagnostics as one JSON array of objects.

    Each has `code`, `severity`, `message`, `path`, `line`, `column`, `length` (null where no file is concerned; lines and columns count
    from 1, columns and length count characters), `label`, `hint` (text or null) and `related`, a list of `{message, path, line, column,
    length}`.
    """
    objects = [
        {
            "code": diagnostic.code,
            "severity": str(diagnostic.severity),
            "message": diagnostic.message,
            **_place(diagnostic.span),
            "label": diagnostic.label,
            "hint": diagnostic.hint,
            "related": [{"message": related.message, **_place(related.span)} for related in diagnostic.related],
        }
        for diagnostic in ordered(diagnostics)
    ]
    return json.dumps(objects, indent=2) + "\n"


def _place(span: Span | None) -> dict[str, str | int | None]:
    if span is None:
        return {"path": None, "line": None, "column": None, "length": None}
    return {"path": span.path, "line": span.line, "column": span.column, "length": span.length}


# --- GitHub workflow commands -------------------------------------------------------------------------------------------------------


def render_github(diagnostics: Iterable[Diagnostic]) -> str:
    """The diagnostics as workflow commands, one a line, which GitHub Actions shows as annotations of the changed files."""
    return "".join(f"{_github_command(diagnostic)}\n" for diagnostic in ordered(diagnostics))


def _github_command(diagnostic: Diagnostic) -> str:
    properties: dict[str, str] = {}
    span = diagnostic.span
    if span is not None:
        properties = {"file": span.path, "line": str(span.line), "col": str(span.column), "endColumn": str(span.column + span.length)}
    properties["title"] = f"Rowsmith {diagnostic.code}"
    listed = ",".join(f"{name}={_github_property(value)}" for name, value in properties.items())
    return f"::{diagnostic.severity} {listed}::{_github_data(_paragraph(diagnostic))}"


def _paragraph(diagnostic: Diagnostic) -> str:
    """Message, related places and hint as lines of plain text."""
    lines = [diagnostic.message]
    lines += [f"note: {related.message} ({related.span.path}:{related.span.line}:{related.span.column})" for related in diagnostic.related]
    lines += [f"hint: {diagnostic.hint}"] if diagnostic.hint else []
    return "\n".join(lines)


def _github_data(text: str) -> str:
    """A text in which only line ends and percent signs need an escape, because `visible` has dealt with other control characters."""
    return "%0A".join(visible(line).replace("%", "%25") for line in text.split("\n"))


def _github_property(text: str) -> str:
    return _github_data(text).replace(":", "%3A").replace(",", "%2C")


# --- SARIF --------------------------------------------------------------------------------------------------------------------------

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def render_sarif(diagnostics: Iterable[Diagnostic]) -> str:
    """The diagnostics as one SARIF 2.1.0 log, for code-scanning services and editors."""
    found = ordered(diagnostics)
    codes = sorted({diagnostic.code for diagnostic in found})
    log = {
        "$schema": SARIF_SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "rowsmith", "rules": [_sarif_rule(code) for code in codes]}},
                "columnKind": "unicodeCodePoints",
                "results": [_sarif_result(diagnostic, codes.index(diagnostic.code)) for diagnostic in found],
            }
        ],
    }
    return json.dumps(log, indent=2) + "\n"


def _sarif_rule(code: str) -> dict[str, object]:
    info = CODES.get(code)
    if info is None:
        return {"id": code}
    return {"id": code, "shortDescription": {"text": info.title}, "help": {"text": info.explanation, "markdown": info.explanation}}


def _sarif_result(diagnostic: Diagnostic, rule_index: int) -> dict[str, object]:
    text = diagnostic.message if diagnostic.hint is None else f"{diagnostic.message}\n{diagnostic.hint}"
    result: dict[str, object] = {
        "ruleId": diagnostic.code,
        "ruleIndex": rule_index,
        "level": str(diagnostic.severity),
        "message": {"text": text},
    }
    if diagnostic.span is not None:
        result["locations"] = [{"physicalLocation": _sarif_location(diagnostic.span)}]
    if diagnostic.related:
        result["relatedLocations"] = [
            {"id": number, "message": {"text": related.message}, "physicalLocation": _sarif_location(related.span)}
            for number, related in enumerate(diagnostic.related, 1)
        ]
    return result


def _sarif_location(span: Span) -> dict[str, object]:
    region = {"startLine": span.line, "startColumn": span.column, "endColumn": span.column + max(span.length, 1)}
    return {"artifactLocation": {"uri": quote(span.path, errors="backslashreplace"), "uriBaseId": "%SRCROOT%"}, "region": region}
