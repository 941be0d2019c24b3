"""Scalars that are valid YAML but surely mean something else than they say.

`-list` without a space is a text to YAML, and so are `title:string`, `title` with a full-width colon and a name with an
invisible character in it. Each of them would end in a baffling error later; here it is called what it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from generator.characters import ZERO_WIDTH, Positions, character_name
from generator.diagnostics import Diagnostic, error
from generator.ir import Span
from generator.nodes import Scalar

SMART_QUOTES = "\u201c\u201d\u201e\u201f\u2018\u2019\u201a\u201b"
FULL_WIDTH_COLONS = "\uff1a\ufe55\ufe13"
WIDE_SPACES = "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\([A-Za-z0-9_]*\))?\??")
"""What nothing is wrong with, and most scalars are."""

_NO_SPACE_AFTER_COLON = re.compile(r"[ \t]*(-[ \t]+)?[A-Za-z_][A-Za-z0-9_]*(:)(?![\s:/\\]|$)")
_NO_SPACE_AFTER_DASH = re.compile(r"[ \t]*(-)[A-Za-z_\[{\"']")
_FULL_WIDTH_COLON = re.compile(rf"[ \t]*(?:-[ \t]+)?[A-Za-z_][A-Za-z0-9_]*\s*([{FULL_WIDTH_COLONS}])")
_WIDE_SPACE = re.compile(rf"[ \t]*([{WIDE_SPACES}]+)|[ \t]*(?:-[ \t]+)?[A-Za-z_][A-Za-z0-9_]*:([{WIDE_SPACES}]+)")
_OVERRIDE = re.compile("[\u202a-\u202e\u2066-\u2069]")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def key_problems(positions: Positions, key: Scalar, start: int) -> Iterator[Diagnostic]:
    """What is wrong with a key that begins at offset `start`."""
    if key.kind == "str" and NAME.fullmatch(key.text):
        return
    if match := ZERO_WIDTH.search(key.text):
        yield zero_width(key, match.group())
    if key.quoted:
        yield from _escaped(positions, key, start)
        return
    if key.kind != "str":
        kind = {"null": "null", "bool": "a boolean"}.get(key.kind, "a number")
        shown = key.text or "null"
        yield error("RS135", f"the key `{shown}` is {kind} to YAML", key.span, "not a text", hint=f'put it between quotes: "{shown}"')
    elif key.text[:1] in SMART_QUOTES:
        yield smart_quotes(key.span, key.text)
    else:
        yield from line_problem(positions, start)


def value_problems(positions: Positions, value: Scalar, start: int, end: int) -> Iterator[Diagnostic]:
    """What is wrong with a scalar that is a value or an item and stands between two offsets."""
    if NAME.fullmatch(value.text):
        return
    if value.quoted:
        yield from _escaped(positions, value, start)
        return
    if value.text[:1] and value.text[:1] in SMART_QUOTES:
        yield smart_quotes(value.span, value.text)
    elif (match := ZERO_WIDTH.search(value.text)) and NAME.fullmatch(ZERO_WIDTH.sub("", value.text)):
        yield zero_width(value, match.group())
    elif positions.begins_line(start):
        while start < end:
            problem = next(line_problem(positions, start), None)
            if problem is None:
                return
            yield problem
            start = positions.next_line(start)


def line_problem(positions: Positions, start: int) -> Iterator[Diagnostic]:
    """The first of the confusable spellings with which the source at offset `start` begins, if any."""
    text = positions.text
    if match := _NO_SPACE_AFTER_DASH.match(text, start):
        yield _no_space_after_dash(positions.span(match.start(1)))
    elif match := _FULL_WIDTH_COLON.match(text, start):
        yield error(
            "RS120",
            f"{character_name(match.group(1))} is not the colon of YAML",
            positions.span(match.start(1)),
            "a full-width colon",
            hint="write an ordinary `:` with a space after it",
        )
    elif match := _WIDE_SPACE.match(text, start):
        group = 1 if match.group(1) else 2
        yield wide_space(positions.span(match.start(group), len(match.group(group))), match.group(group))
    elif match := _NO_SPACE_AFTER_COLON.match(text, start):
        yield error(
            "RS146",
            "a colon needs a space after it",
            positions.span(match.start(2)),
            "no space here",
            hint="write `key: value`; if this is a text with a colon in it, put it between quotes",
        )


def _no_space_after_dash(span: Span) -> Diagnostic:
    return error(
        "RS145",
        "a dash that begins a list item needs a space after it",
        span,
        "no space here",
        hint="write `- item`; if this is a text that begins with a dash, put it between quotes",
    )


def wide_space(span: Span, spaces: str) -> Diagnostic:
    """The error for a no-break space and its like where YAML needs an ordinary one."""
    return error(
        "RS118",
        f"{character_name(spaces[0])} is not a space to YAML",
        span,
        "looks like a space, but is none",
        hint="replace it by an ordinary space; it often comes with text copied from a web page or a word processor",
    )


def smart_quotes(span: Span, text: str) -> Diagnostic:
    """The error for a text between typographic quotes."""
    return error(
        "RS119",
        f"typographic quotes such as `{text[0]}` are ordinary characters to YAML",
        span,
        "not a quoted text",
        hint="use straight quotes; if the typographic ones belong to the text, put straight ones around it all",
    )


def zero_width(scalar: Scalar, character: str) -> Diagnostic:
    """The error for an invisible character in a key or a name."""
    shown = ZERO_WIDTH.sub("", scalar.text)
    return error(
        "RS117",
        f"the name `{shown}` contains the invisible character {character_name(character)}",
        scalar.part(scalar.text.index(character), 1),
        "an invisible character",
        hint=f"delete it, or type the name again: {shown}",
    )


def _escaped(positions: Positions, scalar: Scalar, start: int) -> Iterator[Diagnostic]:
    """Characters that no spec may hold, written as escapes between double quotes."""
    if "\\" not in positions.text[start : start + scalar.span.length] and not _UNSTORABLE.search(scalar.text):
        return
    if match := _UNSTORABLE.search(scalar.text):
        what = "the NUL character" if match.group() == "\0" else "half of a surrogate pair"
        yield error("RS148", f"the text contains {what}, which no database stores", scalar.span, "written as an escape", hint="delete it")
    if match := _OVERRIDE.search(scalar.text):
        yield error(
            "RS116",
            f"{character_name(match.group())} makes the text look different from what it says",
            scalar.span,
            "a bidirectional override, written as an escape",
            hint="delete it; right-to-left text needs no overrides",
        )
