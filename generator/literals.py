"""Values of a spec as Python source: every text that a spec can hold becomes inert here, and nowhere else."""

from __future__ import annotations

import textwrap
from decimal import Decimal

from generator.ir import JsonValue

MAX_CHUNK = 100
WIDTH = 130


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


def text(value: str) -> str:
    """A string literal in double quotes, escaped where a character does not show; a long one part by part, for use in parentheses."""
    parts = [value[start : start + MAX_CHUNK] for start in range(0, len(value), MAX_CHUNK)]
    return "\n".join(_quoted(part) for part in parts or [""])


def _quoted(value: str) -> str:
    body = "".join(_escaped(character) for character in value)
    return f'"{body}"'


def _escaped(character: str) -> str:
    if character in {'"', "\\"}:
        return "\\" + character
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode()


def docstring(value: str, *, indent: int = 0) -> str:
    """A docstring literal of `value`: white space folded, wrapped, and closed with a period where nothing else ends the first line."""
    folded = " ".join(value.split())
    shown = "".join(character if character.isprintable() else " " for character in folded).strip() or "Without a description."
    lines = textwrap.wrap(shown, WIDTH - indent, break_long_words=True, break_on_hyphens=False)
    first, rest = lines[0], lines[1:]
    if not rest and not first.endswith((".", "?", "!")):
        first += "."
    body = first if not rest else "\n".join([first.rstrip(), *rest])
    if rest:  # the summary has to be one sentence of its own
        body = _summarised(shown, indent)
    escaped = body.replace("\\", "\\\\").replace('"', '\\"')
    if "\n" not in escaped:
        return f'"""{escaped}"""'
    return '"""' + textwrap.indent(escaped, " " * indent).lstrip() + "\n" + " " * indent + '"""'


def _summarised(shown: str, indent: int) -> str:
    head, stop, tail = shown.partition(". ")
    if not stop or len(head) > WIDTH - indent - 1:
        head, tail = textwrap.shorten(shown, WIDTH - indent - 5, placeholder="") + " …", shown
        head = head if len(head) > 2 else shown[: WIDTH - indent - 5] + " …"
        head += "."
    else:
        head += "."
    return head + "\n\n" + textwrap.fill(tail, WIDTH - indent, break_long_words=True, break_on_hyphens=False)


def header_docstring(summary: str, rest: str) -> str:
    """The docstring of a module: one line each for `summary`, shortened where it is too long, and `rest`."""
    shown = "".join(character if character.isprintable() else " " for character in summary)
    line = textwrap.shorten(shown, WIDTH - 1, placeholder=" …") or "…"
    if len(line) > WIDTH - 1 or line == " …":
        line = shown[: WIDTH - 3] + " …"
    line = line if line.endswith((".", "?", "!")) else line + "."
    return '"""' + "\n\n".join((line, rest + "\n")).replace("\\", "\\\\").replace('"', '\\"') + '"""'
