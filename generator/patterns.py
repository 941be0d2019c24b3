r"""Patterns of the spec language: the regular expressions that mean the same everywhere.

A pattern runs in Pydantic's engine (Rust's `regex`) and, as a CHECK, in PostgreSQL's (advanced regular expressions). The two agree on
a common core only, so this module parses a pattern, refuses what they read differently and writes the rest for PostgreSQL:

* literals, `.`, `[...]`, `[^...]`, `(...)`, `(?:...)`, `|`, `^`, `$`, `* + ? {n} {n,} {n,m}` and their lazy forms;
* escapes of punctuation, `\n \t \r \f \v \a`, `\x41`, `\x{41}`, `\u0041`, `\u{1F600}`, `\U0001F600`.

`^` and `$` are the start and end of the whole text, `.` is anything but a newline, and `[^a]` includes newlines: Rust's meaning.
Classes such as `\d` and `\w` are Unicode in one engine and depend on the database's locale in the other, so they are refused with the
set to write instead. So are look-around, references, flags, word boundaries and set operations.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Never

from pydantic_core import SchemaError, SchemaValidator, ValidationError, core_schema

from generator.diagnostics import Diagnostic, error, warning
from generator.ir import Span
from generator.records import record

MAX_LENGTH = 1_000
"""Characters of a pattern."""

MAX_REPEAT = 255
"""The largest count of a bounded quantifier: PostgreSQL's own limit."""

MAX_DEPTH = 32
"""How deep groups may nest."""

MAX_SIZE = 5_000
"""Characters and sets of a pattern after its bounded quantifiers are written out."""

MAX_STEPS = 20_000
"""Pairs of them that can follow one another: PostgreSQL's time grows with these. At the limit a match of 2,000 characters takes 0.2 s."""

SYNTAX = "RS330"
NOT_PORTABLE = "RS331"
TOO_LARGE = "RS332"
NESTED_QUANTIFIER = "RS605"

_LABELS = {SYNTAX: "cannot be read", NOT_PORTABLE: "not the same everywhere", TOO_LARGE: "too large"}


@record
class PatternOk:
    """A pattern of the common core: `postgres` is its spelling for PostgreSQL's `~`.

    `nested` is the offset of a quantifier that repeats something which is repeated without a bound itself, such as the last `+` of
    `(a+)+`; None when there is none.
    """

    postgres: str
    nested: int | None = None


@record
class PatternProblem:
    """Why a pattern is refused. `offset` and `length` are the place in the pattern, in characters."""

    code: str
    message: str
    offset: int
    length: int
    hint: str | None


@functools.lru_cache(maxsize=1024)
def check_pattern(pattern: str) -> PatternOk | PatternProblem:
    """Parse a pattern and translate it for PostgreSQL, or say why it is refused."""
    if len(pattern) > MAX_LENGTH:
        return PatternProblem(
            TOO_LARGE, f"the pattern has {len(pattern):,} characters; at most {MAX_LENGTH:,} are allowed", 0, len(pattern), None
        )
    parser = _Parser(pattern)
    try:
        node = parser.parse()
    except _RefusedError as refused:
        return refused.problem
    cost = _cost(node)
    if cost.size > MAX_SIZE:
        message = f"the pattern is too large: its counts multiply to more than {MAX_SIZE:,} characters"
        return PatternProblem(TOO_LARGE, message, 0, len(pattern), "use smaller counts, or max_length for the length of the whole text")
    if cost.steps > MAX_STEPS:
        message = "the pattern is too ambiguous: it counts how often a part occurs that can be empty"
        return PatternProblem(TOO_LARGE, message, 0, len(pattern), "use smaller counts, or `*` where the count does not matter")
    try:
        _validator(pattern)
    except SchemaError as problem:
        return PatternProblem(SYNTAX, f"the pattern does not compile: {_reason(problem)}", 0, len(pattern), None)
    return PatternOk(_postgres(node), parser.nested)


def matches(pattern: str, text: str) -> bool:
    """Whether a text has a match of a pattern that `check_pattern` accepts, in Pydantic's engine."""
    try:
        _validator(pattern).validate_python(text)
    except ValidationError:
        return False
    return True


def pattern_diagnostics(pattern: str, locate: Callable[[int, int], Span]) -> tuple[Diagnostic, ...]:
    """What is wrong with a pattern, as diagnostics; `locate` gives the place of `length` characters at an offset of the pattern."""
    result = check_pattern(pattern)
    if isinstance(result, PatternProblem):
        label = None if result.hint else _LABELS[result.code]
        return (error(result.code, result.message, locate(result.offset, result.length), label, hint=result.hint),)
    if result.nested is not None:
        return (
            warning(
                NESTED_QUANTIFIER,
                "the pattern repeats something that is repeated itself",
                locate(result.nested, 1),
                "nested quantifier",
                hint="it is safe here, but many engines need exponential time for it: write it without the inner or the outer repetition",
            ),
        )
    return ()


@functools.lru_cache(maxsize=1024)
def _validator(pattern: str) -> SchemaValidator:
    return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))


def _reason(problem: SchemaError) -> str:
    """The last line of the engine's message, which is the sentence that says what is wrong."""
    lines = [line.strip() for line in str(problem).splitlines() if line.strip()]
    return lines[-1].removeprefix("error: ") if lines else "it is not a regular expression"


# --- The tree -----------------------------------------------------------------------------------------------------------------------


@record
class _Set:
    """One character of a set of ranges of code points, or outside of it."""

    ranges: tuple[tuple[int, int], ...]
    negated: bool = False


@record
class _Edge:
    """`^` or `$`."""

    sign: str


@record
class _Repeat:
    """`node` from `low` to `high` times; `high` None: without a bound."""

    node: _Node
    low: int
    high: int | None


@record
class _Sequence:
    """One after the other."""

    nodes: tuple[_Node, ...]


@record
class _Choice:
    """Any one of several."""

    branches: tuple[_Node, ...]


type _Node = _Set | _Edge | _Repeat | _Sequence | _Choice

_ANY = _Set(((10, 10),), negated=True)


@record
class _Cost:
    """What a part costs once its counts are written out.

    `size` are its characters and sets; `first` and `last` how many of them can begin and end a match; `steps` how many pairs of them can
    follow one another (the arcs of Glushkov's automaton).
    """

    size: int = 0
    first: int = 0
    last: int = 0
    steps: int = 0
    empty: bool = True

    def then(self, other: _Cost) -> _Cost:
        """Both, one after the other."""
        return _Cost(
            size=self.size + other.size,
            first=self.first + (other.first if self.empty else 0),
            last=other.last + (self.last if other.empty else 0),
            steps=self.steps + other.steps + self.last * other.first,
            empty=self.empty and other.empty,
        )

    def times(self, low: int, high: int | None) -> _Cost:
        """As often as a quantifier says."""
        count = max(low, 1) if high is None else high
        if count == 0:
            return _Cost()
        pairs = count * (count - 1) // 2 if self.empty else count - 1
        ends = count if self.empty else count - max(low, 1) + 1
        return _Cost(
            size=self.size * count,
            first=self.first * (count if self.empty else 1),
            last=self.last * ends,
            steps=self.steps * count + (pairs + (high is None)) * self.last * self.first,
            empty=self.empty or low == 0,
        )


def _cost(node: _Node) -> _Cost:
    match node:
        case _Set():
            return _Cost(size=1, first=1, last=1, empty=False)
        case _Edge():
            return _Cost()
        case _Repeat(inner, low, high):
            return _cost(inner).times(low, high)
        case _Sequence(nodes):
            return functools.reduce(_Cost.then, map(_cost, nodes), _Cost())
        case _Choice(branches):
            costs = list(map(_cost, branches))
            return _Cost(
                size=sum(cost.size + 1 for cost in costs),
                first=sum(cost.first for cost in costs),
                last=sum(cost.last for cost in costs),
                steps=sum(cost.steps for cost in costs),
                empty=any(cost.empty for cost in costs),
            )


def _unbounded(node: _Node) -> bool:
    """Whether something in it is repeated without a bound."""
    match node:
        case _Set() | _Edge():
            return False
        case _Repeat(inner, _, high):
            return high is None or _unbounded(inner)
        case _Sequence(nodes) | _Choice(nodes):
            return any(map(_unbounded, nodes))


# --- Reading ------------------------------------------------------------------------------------------------------------------------


class _RefusedError(Exception):
    """Ends the parse of a pattern that is refused."""

    def __init__(self, problem: PatternProblem) -> None:
        super().__init__(problem.message)
        self.problem = problem


_CLASSES = {
    "d": "[0-9]",
    "D": "[^0-9]",
    "w": "[A-Za-z0-9_]",
    "W": "[^A-Za-z0-9_]",
    "s": "[ \\t\\r\\n]",
    "S": "[^ \\t\\r\\n]",
    "h": "[ \\t]",
}
_CONTROLS = {"n": 10, "t": 9, "r": 13, "f": 12, "v": 11, "a": 7}
_QUANTIFIERS = "*+?{"
_COUNT = re.compile(r"\{([0-9]*)(,?)([0-9]*)\}")
_HEX_WIDTH = {"x": 2, "u": 4, "U": 8}
_MAX_CODE_POINT = 0x10FFFF
_SURROGATES = range(0xD800, 0xE000)


class _Parser:
    """Recursive descent over one pattern."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.position = 0
        self.nested: int | None = None

    def parse(self) -> _Node:
        node = self._choice(0)
        if self.position < len(self.pattern):
            self._refuse(SYNTAX, "the pattern has a `)` without its `(`", self.position, hint="for a literal parenthesis write `\\)`")
        return node

    def _refuse(self, code: str, message: str, offset: int, length: int = 1, hint: str | None = None) -> Never:
        raise _RefusedError(PatternProblem(code, message, offset, max(length, 1), hint))

    def _peek(self, text: str) -> bool:
        return self.pattern.startswith(text, self.position)

    def _choice(self, depth: int) -> _Node:
        branches = [self._sequence(depth)]
        while self._peek("|"):
            self.position += 1
            branches.append(self._sequence(depth))
        return branches[0] if len(branches) == 1 else _Choice(tuple(branches))

    def _sequence(self, depth: int) -> _Node:
        nodes: list[_Node] = []
        while self.position < len(self.pattern) and self.pattern[self.position] not in "|)":
            nodes.append(self._quantified(depth))
        return nodes[0] if len(nodes) == 1 else _Sequence(tuple(nodes))

    def _quantified(self, depth: int) -> _Node:
        start = self.position
        if self.pattern[start] in "*+?{":
            sign = self.pattern[start]
            self._refuse(SYNTAX, f"the quantifier `{sign}` has nothing to repeat", start, hint=f"for the character itself write `\\{sign}`")
        node = self._atom(depth)
        if self.position == len(self.pattern) or self.pattern[self.position] not in _QUANTIFIERS:
            return node
        offset = self.position
        if isinstance(node, _Edge):
            self._refuse(NOT_PORTABLE, f"`{node.sign}` cannot be repeated", offset, hint="leave out the quantifier")
        low, high = self._quantifier()
        if self._peek("?"):  # lazy: which match is found differs, not whether there is one
            self.position += 1
        if self.position < len(self.pattern) and self.pattern[self.position] in _QUANTIFIERS:
            hint = "repeat a group instead, as in `(?:a{2}){3}`; there are no possessive quantifiers"
            self._refuse(NOT_PORTABLE, "a quantifier cannot follow another one", self.position, hint=hint)
        if self.nested is None and high is None and _unbounded(node):
            self.nested = offset
        return _Repeat(node, low, high)

    def _quantifier(self) -> tuple[int, int | None]:
        start = self.position
        sign = self.pattern[start]
        if sign != "{":
            self.position += 1
            return {"*": (0, None), "+": (1, None), "?": (0, 1)}[sign]
        found = _COUNT.match(self.pattern, start)
        if found is None or not found[1]:
            hint = "counts are written {2}, {2,} or {0,2}; for a literal brace write `\\{`"
            self._refuse(SYNTAX, "`{` does not begin a count", start, hint=hint)
        self.position = found.end()
        low = _count(found[1])
        high = low if not found[2] else _count(found[3]) if found[3] else None
        if max(low, high or 0) > MAX_REPEAT:
            hint = "PostgreSQL counts no further; for the length of the whole text use min_length and max_length"
            self._refuse(NOT_PORTABLE, f"a count is at most {MAX_REPEAT}", start, len(found[0]), hint)
        if high is not None and high < low:
            self._refuse(SYNTAX, f"the count `{found[0]}` ends before it begins", start, len(found[0]))
        return low, high

    def _atom(self, depth: int) -> _Node:
        start = self.position
        character = self.pattern[start]
        match character:
            case "(":
                return self._group(depth)
            case "[":
                return self._set()
            case "\\":
                return _Set((self._single(self._escape(), start),))
            case "^" | "$":
                self.position += 1
                return _Edge(character)
            case ".":
                self.position += 1
                return _ANY
            case _:
                self.position += 1
                return _Set((self._single(ord(character), start),))

    def _single(self, code_point: int, start: int) -> tuple[int, int]:
        if code_point == 0:
            self._refuse(NOT_PORTABLE, "the character NUL never occurs in a text", start, self.position - start, "leave it out")
        return code_point, code_point

    def _group(self, depth: int) -> _Node:
        start = self.position
        if depth == MAX_DEPTH:
            self._refuse(TOO_LARGE, f"groups nest more than {MAX_DEPTH} deep", start)
        self.position += 1
        if self._peek("?:"):
            self.position += 2
        elif self._peek("?"):
            self._refuse_extension(start)
        node = self._choice(depth + 1)
        if not self._peek(")"):
            self._refuse(SYNTAX, "the group is not closed", start, hint="add `)`, or write `\\(` for a literal parenthesis")
        self.position += 1
        return node

    def _refuse_extension(self, start: int) -> Never:
        rest = self.pattern[start : start + 4]
        if rest.startswith(("(?=", "(?!", "(?<=", "(?<!")):
            self._refuse(NOT_PORTABLE, "look-around is not supported", start, 3, "write the pattern out, or a rule in `checks`")
        if rest.startswith(("(?P<", "(?<")):
            self._refuse(NOT_PORTABLE, "named groups are not supported", start, 4, "write a plain group, `(…)`")
        if re.match(r"\(\?[a-zA-Z]", rest):
            hint = "write both cases, as in [Aa], and newlines where they are meant, as in [^x] or (?:.|\\n)"
            self._refuse(NOT_PORTABLE, "flags are not supported", start, 3, hint)
        shown = f"`{rest[:3]}`" if rest[:3].isprintable() else "this kind of group"
        self._refuse(NOT_PORTABLE, f"{shown} is not supported", start, 3, "groups are written (…) or (?:…)")

    # Sets

    def _set(self) -> _Node:
        start = self.position
        self.position += 1
        negated = self._peek("^")
        self.position += negated
        first = self.position
        ranges: list[tuple[int, int]] = []
        while not self._peek("]") or self.position == first:
            if self.position >= len(self.pattern):
                self._refuse(SYNTAX, "the set is not closed", start, hint="add `]`, or write `\\[` for a literal bracket")
            begin = self.position
            low = self._set_member(first)
            high = low
            if self._peek("-") and not self._peek("-]") and not self._peek("--") and self.position + 1 < len(self.pattern):
                self.position += 1
                high = self._set_member(first)
                if high < low:
                    text = self.pattern[begin : self.position]
                    self._refuse(SYNTAX, f"the range `{text}` ends before it begins", begin, len(text))
                if self._peek("-") and not self._peek("-]"):
                    self._refuse_dash()
            if high > 0:  # no text has the character NUL
                ranges.append((max(low, 1), high))
        self.position += 1
        if not ranges:
            self._refuse(NOT_PORTABLE, "the set has no character that occurs in a text", start, self.position - start)
        return _Set(tuple(ranges), negated)

    def _set_member(self, first: int) -> int:
        """One character of a set, an escape included."""
        start = self.position
        if start >= len(self.pattern):
            return 0  # the caller reports the set that is not closed
        character = self.pattern[start]
        pair = self.pattern[start : start + 2]
        if character == "\\":
            return self._escape()
        if character == "]":
            self._refuse(NOT_PORTABLE, "a set begins with `]`", start, hint="write `\\]` for the bracket itself; a set is never empty")
        if pair == "[:":
            self._refuse(NOT_PORTABLE, "named classes are not supported", start, 2, "write the characters, as in [A-Za-z]")
        if character == "[":
            self._refuse(NOT_PORTABLE, "sets do not nest", start, hint="write `\\[` for the bracket itself")
        if pair in {"&&", "--", "~~"}:
            self._refuse(NOT_PORTABLE, f"the set operation `{pair}` is not supported", start, 2, f"write `\\{character}` for the character")
        if character == "-" and start != first and start + 1 < len(self.pattern) and not self._peek("-]"):
            self._refuse_dash()
        self.position += 1
        return ord(character)

    def _refuse_dash(self) -> Never:
        self._refuse(NOT_PORTABLE, "the `-` is ambiguous here", self.position, hint="write `\\-`, or put it at the end of the set")

    # Escapes

    def _escape(self) -> int:
        r"""Read an escape such as `\.`, `\n` or `\u{1F600}` and return its code point."""
        start = self.position
        name = self.pattern[start + 1 : start + 2]
        if not name:
            self._refuse(SYNTAX, "the pattern ends with a backslash", start, hint="write `\\\\` for a backslash")
        self.position += 2
        if name in _CONTROLS:
            return _CONTROLS[name]
        if name in _HEX_WIDTH:
            return self._code_point(name, start)
        if name.isascii() and not name.isalnum() and name.isprintable() and name not in "<>":
            return ord(name)
        return self._refuse_escape(name, start)

    def _refuse_escape(self, name: str, start: int) -> Never:
        shown = f"`\\{name}`" if name.isprintable() else "this escape"
        if name in _CLASSES:
            message = f"{shown} means different characters in Pydantic and in PostgreSQL"
            inside = f" (inside a set: {_CLASSES[name][1:-1]})" if name.islower() else ""
            self._refuse(NOT_PORTABLE, message, start, 2, f"write {_CLASSES[name]}{inside}")
        if name in "pP":
            self._refuse(NOT_PORTABLE, "Unicode properties are not supported", start, 2, "write the characters, as in [A-Za-zÀ-ÿ]")
        if name in "bB<>":
            self._refuse(NOT_PORTABLE, "word boundaries are not supported", start, 2, "write what stands there, as in (?:^|[^a-z])")
        if name in "AzZ":
            self._refuse(NOT_PORTABLE, f"{shown} is not supported", start, 2, "`^` and `$` are the start and the end of the whole text")
        if name.isdigit():
            self._refuse(NOT_PORTABLE, "references to a group are not supported", start, 2, "for a character by its number write `\\x41`")
        self._refuse(SYNTAX, f"{shown} is not an escape", start, 2, "write the character without the backslash")

    def _code_point(self, name: str, start: int) -> int:
        if self._peek("{"):
            end = self.pattern.find("}", self.position)
            digits = self.pattern[self.position + 1 : end] if end >= 0 else ""
            self.position = end + 1 if end >= 0 else len(self.pattern)
        else:
            digits = self.pattern[self.position : self.position + _HEX_WIDTH[name]]
            self.position += len(digits)
            if len(digits) < _HEX_WIDTH[name]:
                digits = ""
        if not re.fullmatch("[0-9A-Fa-f]{1,8}", digits):
            hint = f"write {_HEX_WIDTH[name]} hexadecimal digits, or any number of them in braces, as in `\\{name}{{41}}`"
            self._refuse(SYNTAX, f"`\\{name}` is not followed by a hexadecimal number", start, 2, hint)
        value = int(digits, 16)
        if value > _MAX_CODE_POINT or value in _SURROGATES:
            self._refuse(SYNTAX, f"there is no character U+{value:04X}", start, self.position - start)
        return value


def _count(digits: str) -> int:
    """The value of a count; one that is far too long is any number over the limit."""
    return int(digits) if len(digits.lstrip("0")) <= 4 else MAX_REPEAT + 1


# --- Writing for PostgreSQL ---------------------------------------------------------------------------------------------------------

_BRACKETED = frozenset(".*+?(){}|$")
_ESCAPED = frozenset("\\^[]")


def _postgres(node: _Node) -> str:
    match node:
        case _Set(ranges, negated):
            return _set_text(ranges, negated=negated)
        case _Edge(sign):
            return sign
        case _Repeat(inner, low, high):
            text = _postgres(inner)
            return (text if isinstance(inner, _Set) else f"(?:{text})") + _quantifier_text(low, high)
        case _Sequence(nodes):
            return "".join(f"(?:{_postgres(inner)})" if isinstance(inner, _Sequence | _Choice) else _postgres(inner) for inner in nodes)
        case _Choice(branches):
            return "|".join(map(_postgres, branches))


def _quantifier_text(low: int, high: int | None) -> str:
    match low, high:
        case 0, None:
            return "*"
        case 1, None:
            return "+"
        case 0, 1:
            return "?"
        case _, None:
            return f"{{{low},}}"
        case _:
            return f"{{{low}}}" if low == high else f"{{{low},{high}}}"


def _set_text(ranges: tuple[tuple[int, int], ...], *, negated: bool) -> str:
    if not negated and len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
        character = chr(ranges[0][0])
        if character in _BRACKETED:
            return f"[{character}]"
        return f"\\{character}" if character in _ESCAPED else _plain(ranges[0][0])
    dash = (ord("-"), ord("-"))
    members = [_range_text(low, high) for low, high in ranges if (low, high) != dash]
    return f"[{'^' if negated else ''}{''.join(members)}{'-' if dash in ranges else ''}]"


def _range_text(low: int, high: int) -> str:
    return _member(low) if low == high else f"{_member(low)}-{_member(high)}"


def _member(code_point: int) -> str:
    character = chr(code_point)
    return f"\\{character}" if character in _ESCAPED or character == "-" else _plain(code_point)


def _plain(code_point: int) -> str:
    """A character as itself where it can be read, else as an escape."""
    character = chr(code_point)
    if character.isprintable() or character in "\n\t":
        return character
    return f"\\u{code_point:04X}" if code_point <= 0xFFFF else f"\\U{code_point:08X}"
