"""What a YAML file says, with the place of every part: scalars, sequences and mappings.

Scalars keep their source text and are resolved the YAML 1.2 way (core schema): `no`, `on`, `12:30` and `2024-01-01` are strings.
"""

from __future__ import annotations

import re
from decimal import Decimal, DecimalException
from typing import Literal, Self

from generator.ir import Span
from generator.records import record

type ScalarKind = Literal["null", "bool", "int", "float", "str"]
type Node = Scalar | Sequence | Mapping

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL = frozenset({"true", "True", "TRUE", "false", "False", "FALSE"})
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_NUMBER = re.compile(r"[-+]?(0|[1-9][0-9]*)?(\.[0-9]*)?([eE][-+]?[0-9]{1,6})?")


def scalar_kind(text: str) -> ScalarKind:
    """The kind of an unquoted scalar in the core schema of YAML 1.2."""
    if text in _NULL:
        return "null"
    if text in _BOOL:
        return "bool"
    if text[0] not in "+-.0123456789":
        return "str"
    if _INT.fullmatch(text):
        return "int"
    if _FLOAT.fullmatch(text):
        return "float"
    return "str"


@record
class Scalar:
    """A text, number, boolean or null.

    `text` is its content: for an unquoted scalar what stands in the file, so that numbers can be read exactly. `quoted` scalars (block
    scalars included) are always of kind "str". `span` covers the quotes; of several lines it covers the first. Its parts are kept in place
    of it: a project of 1,000 specs has 75,000 scalars, which pass from one process to another.
    """

    text: str
    kind: ScalarKind
    quoted: bool
    path: str
    line: int
    column: int
    length: int

    @classmethod
    def at(cls, span: Span, text: str, kind: ScalarKind, *, quoted: bool) -> Self:
        """A scalar in a place."""
        return cls(text, kind, quoted, span.path, span.line, span.column, span.length)

    @property
    def span(self) -> Span:
        """Its place."""
        return Span(self.path, self.line, self.column, self.length)

    def number(self) -> Decimal | None:
        """The exact value of a number that is written plainly, else None.

        None for other kinds and for what readers of YAML disagree about or no column can hold: `0777`, `0o17`, `0x1F`, `.inf`, `.nan`,
        and exponents of more than six digits. (`1_000` and `"5"` are strings.) Numbers may have thousands of digits.
        """
        if self.kind not in {"int", "float"} or not _NUMBER.fullmatch(self.text):
            return None
        try:
            return Decimal(self.text)
        except DecimalException:
            return None

    def boolean(self) -> bool | None:
        """The value of a boolean, else None."""
        return self.text.lower() == "true" if self.kind == "bool" else None

    def part(self, offset: int, length: int) -> Span:
        """The place of a part of `text`, or of the whole scalar where escapes or line breaks make that unknown."""
        quote = 1 if self.quoted else 0
        if self.length != len(self.text) + 2 * quote or offset > len(self.text):
            return self.span
        return Span(self.path, self.line, self.column + quote + offset, max(min(length, len(self.text) - offset), 1))


@record
class Sequence:
    """A list. `span` covers the brackets, or the first dash of the block form."""

    items: tuple[Node, ...]
    span: Span


@record
class Mapping:
    """A mapping with unique keys, in the order of the file. `span` covers the braces, or the first key of the block form."""

    entries: tuple[tuple[Scalar, Node], ...]
    span: Span

    def get(self, key: str) -> Node | None:
        """The value of a key, or None when the mapping does not have it."""
        for scalar, value in self.entries:
            if scalar.text == key:
                return value
        return None

    def key(self, key: str) -> Scalar | None:
        """The key itself, for its place, or None when the mapping does not have it."""
        for scalar, _ in self.entries:
            if scalar.text == key:
                return scalar
        return None
