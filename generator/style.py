"""How a scalar is written: without quotes where it can be, else between the quotes that need fewer escapes."""

from __future__ import annotations

import re
import unicodedata

from yaml import YAMLError
from yaml.events import ScalarEvent

from generator.characters import ZERO_WIDTH
from generator.comments import Token
from generator.load import events
from generator.nodes import scalar_kind

CODE_KEYS = frozenset({"pattern", "rule", "computed"})
"""Keys whose texts are code: always quoted, so that adding a character never asks for quotes."""

_INDICATORS = frozenset("-?:,[]{}#&*!|>'\"%@`=<\u201c\u201d\u201e\u201f\u2018\u2019\u201a\u201b")
_NOT_PLAIN = re.compile(r":(\s|$)|\s#|[\t\r\n]")
_NOT_PLAIN_IN_FLOW = re.compile(r"[,\[\]{}:?]")
_YAML_1_1 = re.compile(
    r"[yYnN]|yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF"
    r"|[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?|[-+]?[0-9][0-9_.]*|[-+]?0[bx][0-9a-fA-F_]+|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}.*"
)
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0"}


def scalar_text(token: Token, *, flow: bool, key: str | None = None) -> str:
    """A scalar on one line. `flow` says that it stands between brackets or braces; `key` is the key whose value it is."""
    if token.kind == "null":
        return "null"
    if token.kind == "bool":
        return token.text.lower()
    if token.kind != "str":
        return token.text
    quoted = bool(token.style) and (_YAML_1_1.fullmatch(token.text) is not None or key in CODE_KEYS)
    return _quoted(token.text) if quoted or key in CODE_KEYS or not _can_be_plain(token.text, flow=flow) else token.text


def _can_be_plain(text: str, *, flow: bool) -> bool:
    if not text or text != text.strip() or text[0] in _INDICATORS or scalar_kind(text) != "str" or not _is_printable(text):
        return False
    if text.startswith(("---", "...")) or _NOT_PLAIN.search(text) or ZERO_WIDTH.search(text):
        return False
    return not (flow and _NOT_PLAIN_IN_FLOW.search(text))


def _is_printable(text: str) -> bool:
    return text.isprintable() or all(_shows(character) for character in text)


def _shows(character: str) -> bool:
    """Whether a character may stand in the file as itself: letters of the future and joiners may, what cannot be seen may not."""
    return character.isprintable() or unicodedata.category(character) == "Cn" or character in "\u200c\u200d\u3000"


def _quoted(text: str) -> str:
    if _is_printable(text) and ('"' in text or "\\" in text):
        escapes = text.count('"') + text.count("\\")
        if text.count("'") < escapes:
            return "'" + text.replace("'", "''") + "'"
    return '"' + "".join(_escaped(character) for character in text) + '"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if _shows(character):
        return character
    number = ord(character)
    return f"\\x{number:02X}" if number < 0x100 else f"\\u{number:04X}" if number < 0x10000 else f"\\U{number:08X}"


def block_lines(token: Token, room: int) -> list[str] | None:
    """A text of several lines as a block scalar, its head first, without indentation; None where it is one line or cannot be a block.

    Block scalars keep their lines. Other texts over several lines become `|` where they contain line ends, else `>-` wrapped to `room`
    columns.
    """
    if "\n" not in token.source or not token.text.strip():
        return None
    body = token.text.removesuffix("\n").split("\n")
    chomping = "" if token.text.endswith("\n") else "-"
    if token.style == ">":
        lines = [f">{chomping}", *_dedented(token.source.split("\n")[1:])]
    elif token.style == "|" or len(body) > 1:
        lines = [f"|{chomping}", *body]
    else:
        lines = [f">{chomping}", *_filled(token.text.removesuffix("\n"), room)]
    return lines if _says(lines, token.text) else None


def _dedented(lines: list[str]) -> list[str]:
    indent = min((len(line) - len(line.lstrip(" ")) for line in lines if line.strip()), default=0)
    return [line[indent:] if line.strip() else "" for line in lines]


def _says(lines: list[str], text: str) -> bool:
    """Whether a block scalar is read back as the text: not every text can be one (spaces at its ends, control characters …)."""
    if any(line != line.rstrip() for line in lines):
        return False
    document = "\n".join([f"- {lines[0]}", *("  " + line if line else "" for line in lines[1:]), ""])
    try:
        return [event.value for event in events(document) if isinstance(event, ScalarEvent)] == [text]
    except YAMLError:
        return False


def _filled(text: str, room: int) -> list[str]:
    lines: list[str] = []
    for word in text.split(" "):
        if lines and len(lines[-1]) + 1 + len(word) <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
