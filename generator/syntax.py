"""Explains in the terms of a spec why a file is not YAML, from what the parser says and what stands there."""

from __future__ import annotations

import re
from collections.abc import Callable

from yaml import MarkedYAMLError

from generator.characters import Positions
from generator.diagnostics import Diagnostic, Related, error
from generator.ir import Span
from generator.lookalikes import line_problem
from generator.nodes import Node, Scalar, Sequence
from generator.records import record

_CONFLICT = re.compile(r"^(<{7}|>{7})( .*)?$", re.MULTILINE)
_CONFLICT_PARTS = (
    ("the other version begins here", re.compile(r"^={7}$", re.MULTILINE)),
    ("the conflict ends here", re.compile(r"^>{7}( .*)?$", re.MULTILINE)),
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{0,4}|U[0-9a-fA-F]{0,8}|x[0-9a-fA-F]{0,2}|.?)")
_ENTRY = re.compile(r"(?P<indent>[ ]*)(?:- +)*(?P<key>[^\s#\"'\[\]{},&*!|>%@`-][^\n#]*?):[ ]+(?P<value>\S.*?)[ \t]*$")
_WORD = re.compile(r"[^\s,\[\]{}:\"']+|\S")


@record
class Read:
    """The last scalar before a syntax error: its offsets, and whether it was without quotes."""

    start: int = 0
    end: int = 0
    plain: bool = True


@record
class _Failure:
    """Where and why the parser gave up. `context` is the offset at which the unfinished construct begins."""

    positions: Positions
    context_text: str
    context: int
    problem_text: str
    problem: int
    read: Read

    @property
    def character(self) -> str:
        return self.positions.text[self.problem : self.problem + 1]

    @property
    def at_end(self) -> bool:
        return not self.positions.text[self.problem :].strip()

    def word(self) -> Span:
        """The place of the word at which the parser gave up; at the end of the file the end of its last line."""
        text = self.positions.text
        if self.at_end:
            return self.positions.span(max(len(text.rstrip()), 0))
        match = _WORD.search(text, self.problem)
        return self.positions.between(match.start(), match.end()) if match else self.positions.span(self.problem)


def explain(positions: Positions, problem: MarkedYAMLError, read: Read) -> Diagnostic:
    """The diagnostic for a syntax error. `read` is the last scalar that was read before it."""
    mark, context = problem.problem_mark, problem.context_mark
    offset = min(mark.index if mark is not None else 0, len(positions.text))
    failure = _Failure(
        positions,
        problem.context or "",
        min(context.index, len(positions.text)) if context is not None else offset,
        problem.problem or "",
        offset,
        read,
    )
    for explanation in _EXPLANATIONS:
        diagnostic = explanation(failure)
        if diagnostic is not None:
            return diagnostic
    return unexplained(positions, failure.problem_text, failure.word())


def unexplained(positions: Positions, problem: str, span: Span | None = None) -> Diagnostic:
    """The diagnostic for a syntax error of which nothing better is known than the parser's own words."""
    return error(
        "RS159",
        "this is not valid YAML",
        span or positions.span(0),
        problem,
        hint="compare with the example that `rowsmith explain RS159` shows; a text with special characters belongs between quotes",
    )


def conflict_marker(positions: Positions) -> Diagnostic | None:
    """The error for what git leaves in a file that could not be merged, or None."""
    match = _CONFLICT.search(positions.text)
    if match is None:
        return None
    related: list[Related] = []
    for message, pattern in _CONFLICT_PARTS:
        part = pattern.search(positions.text, match.end())
        if part is not None:
            related.append(Related(message, positions.span(part.start(), len(part.group()))))
    return error(
        "RS147",
        "the file has an unresolved merge conflict",
        positions.span(match.start(), len(match.group())),
        "a conflict marker of git",
        hint="keep the lines that you want and delete the three markers",
        related=related,
    )


def explain_root(positions: Positions, root: Node | None) -> Diagnostic:
    """The error for a file whose root is no mapping; None stands for a file without any content."""
    example = "a spec begins with `resource: Name` and has `fields:` below"
    if root is None or (isinstance(root, Scalar) and root.kind == "null" and not root.text):
        what = "the file has only comments" if positions.text.strip() else "the file is empty"
        return error("RS130", what, Span(positions.path, 1, 1), hint=f"{example}; `rowsmith new` writes one")
    what = "a list" if isinstance(root, Sequence) else "a single value"
    return error("RS131", f"the file holds {what} instead of a mapping", root.span, f"{what} at the top level", hint=example)


def directive(positions: Positions, offset: int = 0) -> Diagnostic:
    """The error for `%YAML` and `%TAG`."""
    return error(
        "RS141",
        "YAML directives are not allowed",
        positions.to_line_end(offset),
        "a directive",
        hint="delete it; specs are always read as YAML 1.2, without tags",
    )


def key_too_long(span: Span, length: int) -> Diagnostic:
    """The error for a key of more than 128 characters."""
    return error(
        "RS136",
        "a key has at most 128 characters",
        span,
        f"{length:,} characters",
        hint="names have at most 48; if this is a text with a colon in it, put it between quotes",
    )


# --- the explanations, in the order in which they are tried ---------------------------------------------------------------------------


def _tab(failure: _Failure) -> Diagnostic | None:
    positions = failure.positions
    for offset in (failure.problem, failure.context):
        start = positions.line_start(offset)
        indentation = re.compile(r"[ \t]*").match(positions.text, start)
        tab = positions.text.find("\t", start, indentation.end()) if indentation else -1
        if tab < 0 and failure.character == "\t" and offset == failure.problem:
            tab = offset
        if tab >= 0:
            length = len(positions.text[tab:]) - len(positions.text[tab:].lstrip("\t"))
            return error("RS142", "tabs cannot indent", positions.span(tab, length), "a tab", hint="indent with spaces, two for each level")
    return None


def _open_quote(failure: _Failure) -> Diagnostic | None:
    if "quoted scalar" not in failure.context_text or "unexpected" not in failure.problem_text:
        return None
    return _never_closed(failure.positions, failure.context)


def _never_closed(positions: Positions, start: int, *related: Related) -> Diagnostic:
    quote = positions.text[start]
    inside = '`\\"`' if quote == '"' else "`''`"
    return error(
        "RS143",
        "a quoted text is never closed",
        positions.span(start),
        "opened here",
        hint=f"close it with `{quote}` on the same line; a quote inside the text is written {inside}",
        related=related,
    )


def _escape(failure: _Failure) -> Diagnostic | None:
    if "escape" not in failure.problem_text and "hexdecimal" not in failure.problem_text:
        return None
    text = failure.positions.text
    start = failure.problem if failure.character == "\\" else text.rfind("\\", 0, failure.problem)
    match = _ESCAPE.match(text, max(start, 0))
    escape = match.group() if match else "\\"
    span = failure.positions.span(max(start, 0), len(escape))
    if re.fullmatch(r"\\u[dD][89a-fA-F].*", escape):
        hint = "write the character itself, or all of it as `\\U0001F600`"
        return error("RS148", f"the escape `{escape}` is half of a surrogate pair", span, "no character of its own", hint=hint)
    hint = "use single quotes, in which a backslash is an ordinary character (as in patterns), or write `\\\\`"
    return error("RS148", f"`{escape}` is no escape of YAML", span, "unknown between double quotes", hint=hint)


def _directive(failure: _Failure) -> Diagnostic | None:
    if "directive" in failure.context_text + failure.problem_text or "incompatible YAML" in failure.problem_text:
        start = failure.positions.text.find("%")
        return directive(failure.positions, max(start, 0))
    if failure.positions.text.startswith("%"):
        return directive(failure.positions)
    return None


def _property(failure: _Failure) -> Diagnostic | None:
    if "tag handle" in failure.problem_text:
        span = failure.positions.to_line_end(failure.problem)
        return error("RS140", "`!` begins a tag in YAML", span, "not a text", hint="put the text between quotes")
    for word, code in (("an alias", "RS138"), ("an anchor", "RS138"), ("a tag", "RS140")):
        if word in failure.context_text:
            span = failure.positions.to_line_end(failure.context)
            sign = failure.positions.text[failure.context : failure.context + 1]
            return error(code, f"`{sign}` begins {word} in YAML", span, "not a text", hint="put the text between quotes")
    return None


def _reserved(failure: _Failure) -> Diagnostic | None:
    if "cannot start any token" not in failure.problem_text:
        return None
    named = "a backtick" if failure.character == "`" else f"`{failure.character}`"
    span = failure.positions.to_line_end(failure.problem)
    return error("RS151", f"a text cannot begin with {named}", span, "reserved by YAML", hint="put the text between quotes")


def _confusable(failure: _Failure) -> Diagnostic | None:
    """A confusable spelling at the beginning of the line of the error, or of one of the two lines with content before it."""
    if "mapping values" not in failure.problem_text and "could not find" not in failure.problem_text:
        return None
    positions = failure.positions
    starts = [positions.line_start(failure.context), *positions.lines_before(failure.problem, 3)]
    return next((problem for start in starts for problem in line_problem(positions, start)), None)


def _long_key(failure: _Failure) -> Diagnostic | None:
    """The parser takes no key of more than 1024 characters, and then sees something else than a key."""
    if "mapping values" not in failure.problem_text and "could not find" not in failure.problem_text:
        return None
    start = failure.positions.line_start(failure.context)
    line = failure.positions.line_at(start)
    match = re.search(r":( |$)", line)
    if match is None or match.start() - _indentation(line) <= 1024:
        return None
    length = match.start() - _indentation(line)
    return key_too_long(failure.positions.span(start + _indentation(line), length), length)


def _colon_in_text(failure: _Failure) -> Diagnostic | None:
    """`description: Note: this`."""
    if "mapping values" not in failure.problem_text:
        return None
    start = failure.positions.line_start(failure.problem)
    match = _ENTRY.match(failure.positions.line_at(start))
    if match is None or start + match.start("value") >= failure.problem:
        return None
    span = failure.positions.span(start + match.start("value"), len(match.group("value")))
    return error("RS149", "a text with `: ` in it needs quotes", span, "put quotes around this", hint=_quoted_hint(match))


def _quoted_hint(match: re.Match[str]) -> str:
    value = match.group("value")
    if len(value) > 60 or '"' in value or "\\" in value:
        return "put the text between quotes"
    return f'write `{match.group("key")}: "{value}"`'


def _swallowed_line(failure: _Failure) -> Diagnostic | None:
    """A line that is deeper than a finished one above, or one above that has no colon."""
    if "mapping values" not in failure.problem_text:
        return None
    positions = failure.positions
    start = positions.line_start(failure.problem)
    here = positions.between(start + _indentation(positions.line_at(start)), failure.problem)
    above = next((offset for offset in positions.lines_before(failure.problem, 2) if offset < start), None)
    if above is None:
        return None
    line = positions.line_at(above)
    span = positions.to_line_end(above + _indentation(line))
    if _ENTRY.match(line) or re.search(r":\s*(#.*)?$", line):
        return error(
            "RS150",
            "this line is indented deeper than the one above, which already has its value",
            here,
            f"indented by {_indentation(positions.line_at(start))}, the line above by {_indentation(line)}",
            hint="give the keys of one mapping the same indentation",
            related=[Related("the line above", span)],
        )
    return _no_colon(span)


def _colon_too_many(failure: _Failure) -> Diagnostic | None:
    if "mapping values" not in failure.problem_text and "unexpected ':'" not in failure.problem_text:
        return None
    hint = "put quotes around the text that the colon belongs to"
    return error("RS149", "a colon stands where no key ends", failure.positions.span(failure.problem), "this colon", hint=hint)


def _no_colon(span: Span) -> Diagnostic:
    return error(
        "RS154",
        "this line is no `key: value`",
        span,
        "a colon is missing",
        hint="write `key: value`, or indent the line if it goes on with the text above",
    )


def _simple_key(failure: _Failure) -> Diagnostic | None:
    if "could not find expected ':'" not in failure.problem_text:
        return None
    return _no_colon(failure.positions.to_line_end(failure.context))


def _complex_key(failure: _Failure) -> Diagnostic | None:
    if "mapping keys are not allowed" not in failure.problem_text:
        return None
    hint = "delete it, or put the text between quotes if it belongs to one"
    return error("RS134", "`? ` begins a list or a mapping as a key", failure.positions.span(failure.problem), "not allowed", hint=hint)


def _list_on_key_line(failure: _Failure) -> Diagnostic | None:
    if "sequence entries are not allowed" not in failure.problem_text:
        return None
    hint = "begin the list on the next line, or write it as `[one, two]`; if this is a text, put it between quotes"
    span = failure.positions.span(failure.problem)
    return error("RS150", "a list cannot begin on the line of its key", span, "a dash after a key", hint=hint)


def _quote_went_astray(failure: _Failure) -> Diagnostic | None:
    """The last text was between quotes, and something follows that does not belong there."""
    positions, read = failure.positions, failure.read
    if (
        positions.text[read.start : read.start + 1] not in {"'", '"'}
        or "expected" not in failure.problem_text
        or failure.problem < read.end
    ):
        return None
    first, last = positions.span(read.start), positions.span(max(read.end - 1, 0))
    if last.line > first.line and positions.span(failure.problem).line <= last.line + 1:
        return _never_closed(positions, read.start, Related("so it ends only here, at the next quote", last))
    if (
        positions.text[read.end : failure.problem].strip()
        or positions.span(failure.problem).line != last.line
        or failure.character in ":]}"
    ):
        return None
    quote = positions.text[read.start]
    inside = "double it (`''`)" if quote == "'" else 'write it as `\\"`'
    hint = f"to have the quote in the text, {inside}; else put the quotes around all of the text"
    label = "does not belong to the quoted text before it"
    return error("RS152", "there is something after the closing quote", failure.word(), label, hint=hint)


def _after_bracket(failure: _Failure) -> Diagnostic | None:
    positions = failure.positions
    before = positions.text[positions.line_start(failure.problem) : failure.problem].rstrip()
    if "flow" in failure.context_text or not before.endswith(("]", "}")) or failure.at_end:
        return None
    if failure.character in "]}":
        hint = "delete it, or open it with its counterpart"
        return error("RS144", f"`{failure.character}` closes nothing", failure.word(), "one too many", hint=hint)
    hint = "begin a new line, or put the whole between quotes if it is a text"
    return error("RS152", f"there is something after the closing `{before[-1]}`", failure.word(), "does not belong here", hint=hint)


def _flow(failure: _Failure) -> Diagnostic | None:
    """Inside brackets or braces."""
    if "flow" not in failure.context_text:
        return None
    positions = failure.positions
    opening = positions.text[failure.context : failure.context + 1]
    if opening not in {"[", "{"}:  # the parser names the last token instead
        start = max(positions.text.rfind(bracket, 0, failure.context + 1) for bracket in "[{")
        return _unclosed(positions, max(start, 0), []) if failure.at_end else None
    closing = "}" if opening == "{" else "]"
    here, opened = failure.word(), positions.span(failure.context)
    if failure.at_end or (here.line != opened.line and failure.character not in "]}"):
        return _unclosed(positions, failure.context, [] if failure.at_end else [Related("this is already something else", here)])
    if failure.character in "]}":
        related = [Related(f"`{opening}` was opened here", opened)]
        label = f"`{closing}` was expected"
        return error("RS144", f"`{opening}` is closed by `{failure.character}`", here, label, hint=f"write `{closing}`", related=related)
    if failure.read.plain and failure.character in ":[{\"'":
        return _text_in_flow(failure)
    hint = f"separate the entries by `, ` and end with `{closing}`"
    return error("RS144", f"`,` or `{closing}` was expected here", here, "something else stands here", hint=hint)


def _text_in_flow(failure: _Failure) -> Diagnostic:
    """`{description: Note: this}` and `{pattern: ^[a-z]$}`."""
    positions, start = failure.positions, failure.read.start
    rest = positions.line_at(start).split(", ")[0].rstrip().rstrip("}").rstrip()
    text = rest if len(rest) > failure.problem - start else positions.text[start : failure.problem + 1]
    sign = ": " if failure.character == ":" else failure.character
    hint = "put the text between quotes" if '"' in text or len(text) > 60 else f'write `"{text}"`'
    span = positions.between(start, start + len(text))
    return error("RS149", f"a text with `{sign}` in it needs quotes between braces", span, "put quotes around this", hint=hint)


def _unclosed(positions: Positions, start: int, related: list[Related]) -> Diagnostic:
    opening = positions.text[start]
    hint = f"close it with `{'}' if opening == '{' else ']'}`"
    return error("RS144", f"`{opening}` is never closed", positions.span(start), "opened here", hint=hint, related=related)


def _stray(failure: _Failure) -> Diagnostic | None:
    if failure.character and failure.character in "]}" and "expected" in failure.problem_text:
        hint = "delete it, or put the text between quotes if it is one"
        return error("RS144", f"`{failure.character}` closes nothing", failure.word(), "not opened before", hint=hint)
    if "node content" in failure.problem_text and failure.character:
        hint = "write a value, or put it between quotes if it is a text"
        return error("RS151", f"a value cannot begin with `{failure.character}`", failure.word(), "a value was expected", hint=hint)
    return None


def _indented_wrongly(failure: _Failure) -> Diagnostic | None:
    if not re.search(r"expected (key|<block end>|'-' indicator)", failure.problem_text):
        return None
    positions = failure.positions
    here, block = failure.word(), positions.span(failure.context)
    related = [Related("the block begins here", block)]
    if "'-'" in failure.problem_text or "sequence" in failure.context_text or "collection" in failure.context_text:
        hint = "begin the line with `- `, or indent it as the key that it is"
        return error("RS150", "a list goes on with something that is no item", here, "`- ` was expected", hint=hint, related=related)
    if failure.character == "-":
        hint = "put the list below a key of its own; a mapping has `key: value` lines only"
        return error("RS150", "a list item stands among the keys of a mapping", here, "a key was expected", hint=hint, related=related)
    if failure.character == ":":
        hint = "write `key: value`, or put the line between quotes if it is a text"
        return error("RS154", "a colon without a key", positions.span(failure.problem), "a key is missing before it", hint=hint)
    above = next((offset for offset in positions.lines_before(failure.problem, 2) if offset < positions.line_start(failure.problem)), None)
    if above is None:
        return None
    indent = _indentation(positions.line_at(above))
    label = f"indented by {here.column - 1}, the line above by {indent}"
    hint = "give the keys of one mapping the same indentation"
    related = [Related("the line above", positions.to_line_end(above + indent))]
    return error("RS150", "the indentation fits no block above", here, label, hint=hint, related=related)


def _after_document(failure: _Failure) -> Diagnostic | None:
    if "<document start>" not in failure.problem_text:
        return None
    hint = "a spec is one mapping: remove the closing bracket or `...` before this, or this"
    return error("RS153", "there is something after the end of the document", failure.word(), "not part of the spec", hint=hint)


def _block_scalar(failure: _Failure) -> Diagnostic | None:
    if "block scalar" not in failure.context_text:
        return None
    sign = failure.positions.text[failure.context : failure.context + 1]
    hint = f"begin the text on the next line, indented; if `{sign}` belongs to the text, put it between quotes"
    return error("RS151", f"`{sign}` begins a text on the next line", failure.word(), "cannot stand here", hint=hint)


_EXPLANATIONS: tuple[Callable[[_Failure], Diagnostic | None], ...] = (
    _directive,
    _open_quote,
    _escape,
    _tab,
    _property,
    _block_scalar,
    _reserved,
    _confusable,
    _long_key,
    _quote_went_astray,
    _colon_in_text,
    _swallowed_line,
    _colon_too_many,
    _simple_key,
    _complex_key,
    _list_on_key_line,
    _after_bracket,
    _flow,
    _stray,
    _indented_wrongly,
    _after_document,
)


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
