"""From the bytes of a spec to text: encoding, line ends, and characters that must not stand in a spec.

Everything here is decided before YAML is parsed, so that a file whose look deceives is never read at all.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right

from generator.diagnostics import Diagnostic, error
from generator.ir import Span

MAX_REPORTS = 10  # of one code in one file

ZERO_WIDTH = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u2064\u206a-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\U000e0000-\U000e0fff]"
)
_BIDI = "\u202a-\u202e\u2066-\u2069"
_LINE_SEPARATORS = "\u0085\u2028\u2029"
_CONTROL = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff"
_SUSPECT = re.compile(f"[{_CONTROL}{_LINE_SEPARATORS}{_BIDI}\ufeff]|\r(?!\n)")
_BREAK = re.compile(r"\r\n|\n|\r")


class Positions:
    """Places in a text by offset. Lines end as in YAML 1.2: LF, CR LF or CR."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self._starts = [0, *(match.end() for match in _BREAK.finditer(text))]

    def span(self, offset: int, length: int = 1) -> Span:
        """The place of `length` characters from `offset`."""
        line = bisect_right(self._starts, offset)
        return Span(self.path, line, offset - self._starts[line - 1] + 1, max(length, 1))

    def between(self, start: int, end: int) -> Span:
        """The place of the characters from `start` up to `end`, or to the end of the first line; white space at the end is left out."""
        match = _BREAK.search(self.text, start, end)
        return self.span(start, len(self.text[start : match.start() if match else end].rstrip()))

    def to_line_end(self, start: int) -> Span:
        """The place of the rest of a line."""
        return self.between(start, len(self.text))

    def line_start(self, offset: int) -> int:
        """The offset at which the line of an offset begins."""
        return self._starts[bisect_right(self._starts, offset) - 1]

    def next_line(self, offset: int) -> int:
        """The offset at which the next line begins, or the end of the text."""
        following = bisect_right(self._starts, offset)
        return self._starts[following] if following < len(self._starts) else len(self.text)

    def line_at(self, offset: int) -> str:
        """The rest of the line from an offset, without its end."""
        match = _BREAK.search(self.text, offset)
        return self.text[offset : match.start() if match else None]

    def begins_line(self, offset: int) -> bool:
        """Whether only blanks stand before an offset on its line."""
        return not self.text[self.line_start(offset) : offset].strip(" \t")

    def lines_before(self, offset: int, count: int) -> list[int]:
        """Where the line of an offset and the lines before it begin, `count` in all, comments and empty lines left out."""
        starts: list[int] = []
        number = bisect_right(self._starts, offset)
        while number > 0 and len(starts) < count:
            number -= 1
            content = self.line_at(self._starts[number]).strip()
            if content and not content.startswith("#"):
                starts.append(self._starts[number])
        return starts


def source_text(data: bytes) -> str:
    """The text of a file for showing excerpts of it, whatever its encoding: never fails."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    return data.decode("utf-8", errors="replace").removeprefix("\ufeff")


def decode(path: str, data: bytes) -> tuple[str | None, list[Diagnostic]]:
    """The text of a spec without its byte-order mark, or None and what is wrong with it."""
    wide = _wide_encoding(data)
    if wide is not None:
        return None, [
            error(
                "RS111",
                f"the file is {wide}, not UTF-8",
                Span(path, 1, 1),
                "encoded with two or more bytes a character",
                hint=f"save it as UTF-8, in the editor or with `iconv -f {wide} -t UTF-8`",
            )
        ]
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as problem:
        return None, [_invalid_utf8(path, data, problem.start)]
    text = text.removeprefix("\ufeff")
    found = _suspects(path, text)
    return (None if found else text), found


def _wide_encoding(data: bytes) -> str | None:
    head = data[:4]
    if head in {b"\xff\xfe\0\0", b"\0\0\xfe\xff"} or (len(head) == 4 and (head[:3] == b"\0\0\0" or head[1:] == b"\0\0\0")):
        return "UTF-32"
    if head[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return "UTF-16"
    if len(head) == 4 and (head[0] == head[2] == 0 or head[1] == head[3] == 0) and head != b"\0\0\0\0":
        return "UTF-16"
    return None


def _invalid_utf8(path: str, data: bytes, at: int) -> Diagnostic:
    byte = data[at : at + 1]
    positions = Positions(path, data[:at].decode("utf-8").removeprefix("\ufeff"))
    try:
        guess = f"; if the file is Windows-1252, this is `{byte.decode('cp1252')}`"
    except UnicodeDecodeError:
        guess = ""
    return error(
        "RS110",
        f"the file is not UTF-8: byte 0x{byte.hex().upper()} is not valid here",
        positions.span(len(positions.text)),
        "cannot be decoded",
        hint=f"save the file as UTF-8{guess}",
    )


def _suspects(path: str, text: str) -> list[Diagnostic]:
    if not _SUSPECT.search(text):
        return []
    if "\r" in text and "\n" not in text:
        return [
            error(
                "RS114",
                "the lines end with carriage returns alone",
                Positions(path, text).span(text.index("\r")),
                "CR without LF",
                hint="save the file with LF (Unix) line ends",
            )
        ]
    positions = Positions(path, text)
    reports: dict[str, int] = {}
    found: list[Diagnostic] = []
    for match in _SUSPECT.finditer(text):
        diagnostic = _suspect(match.group(), positions.span(match.start()))
        reports[diagnostic.code] = reports.get(diagnostic.code, 0) + 1
        if reports[diagnostic.code] <= MAX_REPORTS:
            found.append(diagnostic)
    return found


def _suspect(character: str, span: Span) -> Diagnostic:
    name = character_name(character)
    if character == "\r":
        return error("RS114", "a carriage return without a line feed", span, "CR alone", hint="save the file with LF (Unix) line ends")
    if character == "\ufeff":
        return error(
            "RS113",
            "a byte-order mark inside the file",
            span,
            "only allowed as the very first character",
            hint="delete it; it is often left where one file was appended to another",
        )
    if character in _LINE_SEPARATORS:
        return error(
            "RS115",
            f"{name} is no line end in YAML 1.2, and readers disagree about it",
            span,
            "an invisible line separator",
            hint="replace it by an ordinary line end; within a text write `\\n` between double quotes",
        )
    if "\u202a" <= character <= "\u202e" or "\u2066" <= character <= "\u2069":
        return error(
            "RS116",
            f"{name} makes the text look different from what it says",
            span,
            "a bidirectional override",
            hint="delete it; right-to-left text needs no overrides",
        )
    return error("RS112", f"the control character {name} is not allowed", span, "a control character", hint="delete it")


def character_name(character: str) -> str:
    """How a message names a character that cannot be shown: `U+202E (RIGHT-TO-LEFT OVERRIDE)`."""
    names = {
        "\0": "NUL",
        "\u0085": "NEXT LINE",
        "\x7f": "DELETE",
        "\x1b": "ESCAPE",
        "\x08": "BACKSPACE",
        "\x0c": "FORM FEED",
        "\x07": "BELL",
    }
    name = names.get(character) or unicodedata.name(character, "")
    return f"U+{ord(character):04X}" + (f" ({name})" if name else "")
