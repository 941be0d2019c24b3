"""Values of a spec as Python source: every text that a spec can hold becomes inert here, and nowhere else."""

from __future__ import annotations

import textwrap
from decimal import Decimal
from functools import cache

from generator.ir import JsonValue

MAX_CHUNK = 100
WIDTH = 130
MAX_LINE = 140


def literal(value: JsonValue | Decimal) -> str:
    """A Python expression for a JSON value; decimals as plain numbers. Long texts are broken into parts."""
    match value:
        case str():
            return text(value) if len(value) <= MAX_CHUNK else f"({text(value)})"
        case Decimal():
            return format(value, "f")
        case list():
            return "[" + ", ".join(literal(item) for item in value) + "]"
        case dict():
            return "{" + ", ".join(f"{text(key)}: {literal(item)}" for key, item in value.items()) + "}"
        case _:
            return repr(value)


@cache
def text(value: str) -> str:
    """A string literal in double quotes, escaped where a character does not show; a long one part by part, for use in parentheses."""
    return "\n".join(_quoted(part) for part in _parts(value))


def _parts(value: str) -> list[str]:
    """A long text in parts, broken behind a space where there is one in reach."""
    parts: list[str] = []
    while len(value) > MAX_CHUNK:
        end = value.rfind(" ", MAX_CHUNK // 2, MAX_CHUNK) + 1 or MAX_CHUNK
        parts.append(value[:end])
        value = value[end:]
    return [*parts, value]


def _quoted(value: str) -> str:
    if not (value.isprintable() and '"' not in value and "\\" not in value):
        value = "".join(_escaped(character) for character in value)
    return f'"{value}"'


def _escaped(character: str) -> str:
    if character in {'"', "\\"}:
        return "\\" + character
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode()


def docstring(value: str, *, indent: int = 0) -> str:
    """A docstring of `value`, wrapped: a first line of one sentence, and the rest below it where there is more."""
    shown, width = _shown(value) or "No description.", WIDTH - indent
    if len(shown) < width:
        return _in_quotes(_sentence(shown))
    summary, end, rest = shown.partition(". ")
    if not end or len(summary) >= width:
        summary, rest = _shortened(shown, width), shown
    body = textwrap.fill(rest, width, break_on_hyphens=False)
    return _in_quotes(f"{_sentence(summary)}\n\n{textwrap.indent(body, ' ' * indent)}\n{' ' * indent}")


def header_docstring(summary: str, rest: str) -> str:
    """The docstring of a module: one line of `summary`, shortened where it is too long, and `rest`, wrapped where it is too long."""
    wrapped = rest if len(rest) <= MAX_LINE else textwrap.fill(rest, MAX_LINE, break_long_words=False, break_on_hyphens=False)
    return _in_quotes(f"{_sentence(_shortened(_shown(summary), WIDTH))}\n\n{wrapped}\n")


def _shown(value: str) -> str:
    """One line of `value`, without what does not show."""
    printable = value if value.isprintable() else "".join(character if character.isprintable() else " " for character in value)
    return " ".join(printable.split())


def _shortened(shown: str, width: int) -> str:
    return shown if len(shown) < width else shown[: width - 3].rstrip() + " …"


def _sentence(shown: str) -> str:
    return shown if shown.endswith((".", "?", "!")) else f"{shown}."


def _in_quotes(body: str) -> str:
    """`body` between triple quotes; raw where it has a backslash, and then with its own triple quotes softened."""
    if "\\" in body:
        return 'r"""' + body.replace('"', "'") + '"""'
    return '"""' + body.replace('"""', "'''") + '"""'
