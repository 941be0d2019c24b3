"""Reads the text of a rule: tokens with positions, then recursive descent, one method a level of binding.

    or  →  and  →  not  →  = <> < <= > >=, in, between, is null  →  + -  →  * /  →  - (sign)  →  literals, fields, functions, ( )

Keywords and functions may be written in any case. A field that is named like a keyword is written in double quotes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Literal, Never, cast

from generator.records import record
from generator.rules.syntax import (
    COMPARISONS,
    Between,
    Call,
    Contains,
    Expression,
    Extent,
    Infix,
    InfixOperator,
    Name,
    Null,
    NullCheck,
    Number,
    Prefix,
    Text,
    Truth,
)

MAX_CHARACTERS = 2_000
MAX_LEVELS = 32
MAX_OPERANDS = 200
MAX_DIGITS = 40

KEYWORDS = frozenset({"and", "or", "not", "in", "between", "is", "null", "true", "false"})

SYNTAX = "RS410"
TOO_COMPLEX = "RS416"


class RuleError(Exception):
    """What is wrong with a rule, and where in its text."""

    def __init__(self, code: str, message: str, at: Extent, label: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.at = at
        self.label = label
        self.hint = hint


type TokenKind = Literal["name", "quoted", "text", "number", "sign", "end"]


@record
class Token:
    """One word of a rule. `text` is its content: lower-case keywords are told by the parser, texts and quoted names are unescaped."""

    kind: TokenKind
    text: str
    at: Extent


_TOKEN = re.compile(
    r"""
      (?P<space>[ \t\r\n]+)
    | (?P<number>[0-9][0-9A-Za-z_.]*|\.[0-9][0-9A-Za-z_.]*)
    | (?P<name>[^\W\d]\w*)
    | '(?P<text>(?:[^']|'')*)'
    | "(?P<quoted>(?:[^"]|"")*)"
    | (?P<sign>--|/\*|==|!=|<>|<=|>=|&&|\|\||[=<>+\-*/(),!%&|~^;.\[\]{}])
    """,
    re.VERBOSE,
)
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")

_FOREIGN_SIGNS = {
    "--": "rules have no comments; two minus signs are written with a space between them",
    "/*": "rules have no comments",
    "&&": "write `and`",
    "&": "write `and`",
    "||": "write `or`; texts cannot be joined in a rule",
    "|": "write `or`",
    "!": "write `not`",
    "%": "there is no remainder; for a field use multiple_of",
    "~": "rules have no patterns; use the field's pattern",
    "^": "there are no powers; write `x * x`",
    ";": "a rule is one expression",
    ".": "a rule sees the fields of its own resource only",
    "[": "lists are written in parentheses, after `in`",
    "]": "lists are written in parentheses, after `in`",
    "{": "lists are written in parentheses, after `in`",
    "}": "lists are written in parentheses, after `in`",
}
_FOREIGN_QUOTES = "\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u00ab\u00bb`\u00b4\u2032\u2033"


def tokens_of(rule: str) -> list[Token]:
    """The words of a rule, closed by an `end`. Raises RuleError."""
    tokens: list[Token] = []
    position = 0
    while position < len(rule):
        found = _TOKEN.match(rule, position)
        if found is None:
            _refuse_character(rule, position)
        position = found.end()
        token = _token(found)
        if token is not None:
            tokens.append(token)
    tokens.append(Token("end", "", Extent(len(rule), len(rule) + 1)))
    return tokens


def _token(found: re.Match[str]) -> Token | None:
    at = Extent(found.start(), found.end())
    kind = cast("TokenKind | Literal['space']", found.lastgroup)
    content = found[kind]
    match kind:
        case "space":
            return None
        case "text":
            return Token(kind, content.replace("''", "'"), at)
        case "quoted":
            return Token(kind, content.replace('""', '"'), at)
        case "number":
            return Token(kind, _number(content, at), at)
        case "sign" if content in _FOREIGN_SIGNS:
            raise RuleError(SYNTAX, f"`{content}` is not an operator of rules", at, hint=_FOREIGN_SIGNS[content])
        case _:
            return Token(kind, {"==": "=", "!=": "<>"}.get(content, content) if kind == "sign" else content, at)


def _number(digits: str, at: Extent) -> str:
    if not _NUMBER.fullmatch(digits):
        hint = f"write 0{digits}" if digits.startswith(".") else "numbers are written 12 or 12.5"
        raise RuleError(SYNTAX, f"`{digits}` is not a number", at, hint=hint)
    if len(digits) > MAX_DIGITS:
        raise RuleError(TOO_COMPLEX, f"the number has more than {MAX_DIGITS} digits", at)
    return digits


def _refuse_character(rule: str, position: int) -> Never:
    character = rule[position]
    at = Extent(position, position + 1)
    if character == "'":
        raise RuleError(SYNTAX, "the text is not closed", at, "begins here", "add the second `'`; inside a text write it twice: 'it''s'")
    if character == '"':
        raise RuleError(SYNTAX, "the field name is not closed", at, "begins here", 'add the second `"`; texts stand in single quotes')
    if character in _FOREIGN_QUOTES:
        raise RuleError(SYNTAX, "this quotation mark is not one of rules", at, hint="texts stand in straight single quotes: 'text'")
    shown = f"`{character}`" if character.isprintable() else f"U+{ord(character):04X}"
    raise RuleError(SYNTAX, f"the character {shown} has no meaning in a rule", at, "not part of a rule")


def read(rule: str, fields: Collection[str]) -> Expression:
    """The syntax tree of a rule. `fields` decides what a bare `between` means where a value must stand. Raises RuleError."""
    if len(rule) > MAX_CHARACTERS:
        message = f"the rule has {len(rule):,} characters; at most {MAX_CHARACTERS:,} are allowed"
        raise RuleError(TOO_COMPLEX, message, Extent(0, len(rule)), hint="split it into several rules")
    return _Reader(tokens_of(rule), fields).rule()


class _Reader:
    """Recursive descent over the tokens of one rule."""

    def __init__(self, tokens: list[Token], fields: Collection[str]) -> None:
        self._tokens = tokens
        self._fields = fields
        self._index = 0
        self._levels = 0
        self._operands = 0

    @property
    def _token(self) -> Token:
        return self._tokens[self._index]

    @property
    def _last_end(self) -> int:
        return self._tokens[self._index - 1].at.end

    def _word(self, ahead: int = 0) -> str:
        """The keyword or sign at the current position (or further on), else an empty text."""
        token = self._tokens[min(self._index + ahead, len(self._tokens) - 1)]
        if token.kind == "sign":
            return token.text
        word = token.text.lower()
        return word if token.kind == "name" and word in KEYWORDS else ""

    def _take(self, *words: str) -> bool:
        """Move past the words when they stand next."""
        if any(self._word(ahead) != word for ahead, word in enumerate(words)):
            return False
        self._index += len(words)
        return True

    def _need(self, word: str, where: str, hint: str | None = None) -> None:
        if not self._take(word):
            self._refuse(f"expected `{word}` {where}", hint)

    def _refuse(self, message: str, hint: str | None = None) -> Never:
        token = self._token
        found = "the rule ends here" if token.kind == "end" else None
        raise RuleError(SYNTAX, message, token.at, found, hint)

    def rule(self) -> Expression:
        if self._token.kind == "end":
            raise RuleError(
                SYNTAX, "the rule is empty", Extent(0, 1), hint="write a condition, such as: due_at is null or due_at >= start_at"
            )
        expression = self._or()
        return expression if self._index == len(self._tokens) - 1 else self._unexpected()

    def _unexpected(self) -> Never:
        """Refuse the word after a complete expression."""
        token = self._token
        if self._word() in COMPARISONS or self._word() in {"in", "between", "is"}:
            self._refuse("comparisons cannot be chained", "join two comparisons with `and`")
        if token.text == ")":
            self._refuse("this `)` closes nothing", "delete it, or add the `(` that it closes")
        if token.text == ",":
            self._refuse("a list may only stand after `in`", "as in: priority in ('low', 'normal')")
        shown = {"text": "text", "number": "number", "quoted": "field name"}.get(token.kind, f"`{token.text}`")
        self._refuse(f"unexpected {shown}", _join_hint(token))

    def _or(self) -> Expression:
        left = self._and()
        while self._word() == "or":
            left = self._infix(left, self._and)
        return left

    def _and(self) -> Expression:
        left = self._not()
        while self._word() == "and":
            left = self._infix(left, self._not)
        return left

    def _not(self) -> Expression:
        start = self._token.at.start
        if not self._take("not"):
            return self._comparison()
        self._enter(start)
        operand = self._not()
        self._levels -= 1
        return Prefix("not", operand, Extent(start, operand.at.end))

    def _comparison(self) -> Expression:
        left = self._sum()
        start = left.at.start
        if self._word() in COMPARISONS:
            return self._infix(left, self._sum)
        if self._take("is"):
            negated = self._take("not")
            if not self._take("null"):
                self._refuse("only `null` or `not null` can follow `is`", "for a boolean write `completed` or `not completed`")
            return NullCheck(left, negated, Extent(start, self._last_end))
        negated = self._word() == "not" and self._word(1) in {"in", "between"} and self._take("not")
        if self._take("in"):
            items = self._items("in")
            return Contains(left, items, negated, Extent(start, self._last_end))
        if self._take("between"):
            low = self._sum()
            self._need("and", "between the two ends of `between`", "as in: points between 1 and 10")
            high = self._sum()
            return Between(left, low, high, negated, Extent(start, high.at.end))
        return left

    def _sum(self) -> Expression:
        left = self._product()
        while self._word() in {"+", "-"}:
            left = self._infix(left, self._product)
        return left

    def _product(self) -> Expression:
        left = self._signed()
        while self._word() in {"*", "/"}:
            left = self._infix(left, self._signed)
        return left

    def _signed(self) -> Expression:
        start = self._token.at.start
        if self._take("+"):
            self._refuse("a number has no plus sign", "leave out the `+`")
        if not self._take("-"):
            return self._operand()
        self._enter(start)
        operand = self._signed()
        self._levels -= 1
        return Prefix("-", operand, Extent(start, operand.at.end))

    def _infix(self, left: Expression, right: Callable[[], Expression]) -> Expression:
        operator, operator_at = cast("InfixOperator", self._word()), self._token.at
        self._index += 1
        operand = right()
        return Infix(operator, left, operand, operator_at, Extent(left.at.start, operand.at.end))

    def _operand(self) -> Expression:
        token = self._token
        word = self._word()
        if word == "(":
            return self._parenthesised()
        self._operands += 1
        if self._operands > MAX_OPERANDS:
            raise RuleError(
                TOO_COMPLEX, f"the rule has more than {MAX_OPERANDS} fields and literals", token.at, hint="split it into several rules"
            )
        if word and not (word == "between" and word in self._fields):
            return self._keyword(word, token)
        self._index += 1
        match token.kind:
            case "text":
                return Text(token.text, token.at)
            case "number":
                return Number(token.text, token.at)
            case "quoted":
                return Name(token.text, True, token.at)
            case "name" if self._word() == "(":
                arguments = self._items(token.text)
                return Call(token.text.lower(), arguments, token.at, Extent(token.at.start, self._last_end))
            case "name":
                return Name(token.text, False, token.at)
            case _:
                self._index -= 1
                return self._refuse("expected a field, a value or a function")

    def _keyword(self, word: str, token: Token) -> Expression:
        """A literal that is a word; every other keyword or sign cannot stand where a value must."""
        if word in {"null", "true", "false"}:
            self._index += 1
            return Null(token.at) if word == "null" else Truth(word == "true", token.at)
        hint = f'a field of that name is written in double quotes: "{word}"' if word in KEYWORDS and word in self._fields else None
        if word == "not":
            hint = "put the part with `not` in parentheses"
        return self._refuse(f"expected a field, a value or a function, not `{word}`", hint)

    def _parenthesised(self) -> Expression:
        start = self._token.at
        self._index += 1
        self._enter(start.start)
        inner = self._or()
        if self._token.kind == "end":
            raise RuleError(SYNTAX, "the parenthesis is not closed", start, "begins here", "add `)`")
        if not self._take(")"):
            self._unexpected()
        self._levels -= 1
        return replace(inner, at=Extent(start.start, self._last_end))

    def _items(self, after: str) -> tuple[Expression, ...]:
        """The parenthesised list after `in` or a function's name."""
        start = self._token.at
        self._need("(", f"after `{after}`", "as in: points in (1, 2)")
        self._enter(start.start)
        if after != "in" and self._take(")"):  # the checker knows what the function takes
            self._levels -= 1
            return ()
        if self._word() == ")":
            self._refuse(f"the parentheses after `{after}` are empty", "name at least one value")
        items = [self._or()]
        while self._take(","):
            items.append(self._or())
        if self._token.kind == "end":
            raise RuleError(SYNTAX, "the parenthesis is not closed", start, "begins here", "add `)`")
        self._need(")", "or `,` here")
        self._levels -= 1
        return tuple(items)

    def _enter(self, start: int) -> None:
        self._levels += 1
        if self._levels > MAX_LEVELS:
            raise RuleError(
                TOO_COMPLEX,
                f"the rule nests more than {MAX_LEVELS} levels deep",
                Extent(start, start + 1),
                hint="split it into several rules",
            )


def _join_hint(token: Token) -> str | None:
    if token.kind == "name" and token.text.lower() in {"like", "ilike", "similar", "regexp", "matches"}:
        return "rules have no patterns; use the field's pattern"
    if token.kind == "sign" and token.text != "(":
        return None
    return "join two conditions with `and` or `or`"
