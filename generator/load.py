"""YAML → nodes with positions.

The limits are checked on the stream of parser events, before any tree is built; nothing here recurses. Scalars are resolved the YAML 1.2
way. Anchors, aliases, merge keys and tags are errors.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import cast

import yaml
from yaml.error import Mark
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    ScalarEvent,
)

from generator.characters import MAX_REPORTS, Positions, decode, source_text
from generator.diagnostics import Diagnostic, Related, error
from generator.files import MAX_BYTES, read_specs
from generator.ir import Span
from generator.lookalikes import NAME, key_problems, value_problems
from generator.nodes import Mapping, Node, Scalar, Sequence, scalar_kind
from generator.records import record
from generator.syntax import Read, conflict_marker, directive, explain, explain_root, key_too_long, unexplained

MAX_DEPTH = 32
MAX_KEY = 128
MAX_ERRORS = 1000  # of one file; then its reading ends

__all__ = ["Loaded", "Mapping", "Node", "Scalar", "Sequence", "load_file", "read_specs", "source_text"]

_PROPERTY = re.compile(r"([&!][^\s,\[\]{}]*)[ \t]*")


@record
class Loaded:
    """One file: its root mapping, and what is wrong with it.

    `root` is None after an error of syntax or characters: then nothing is known about the content, and whoever looks up references must
    not complain that the resource of this file is missing. After a repeated key `root` holds the rest of the file, so that its further
    errors can be reported in the same run.
    """

    root: Mapping | None
    diagnostics: tuple[Diagnostic, ...]


def load_file(path: str, data: bytes) -> Loaded:
    """Read one spec. `path` is the file's name in spans. Never raises: any bytes whatever end in a root or in an error."""
    if len(data) > MAX_BYTES:
        return Loaded(None, (_too_large(path),))
    text, found = decode(path, data)
    if text is None:
        return Loaded(None, tuple(found))
    positions = Positions(path, text)
    conflict = conflict_marker(positions)
    if conflict is not None:
        return Loaded(None, (conflict,))
    builder = _Builder(positions)
    try:
        root = builder.build(events(text))
    except yaml.MarkedYAMLError as problem:
        return Loaded(None, tuple(_limited(_with_syntax_error(builder.found, explain(positions, problem, builder.read)))))
    except (yaml.YAMLError, ValueError, OverflowError) as problem:  # the last two: escapes beyond Unicode, in the parser without libyaml
        return Loaded(None, (*_limited(builder.found), unexplained(positions, str(problem))))
    return Loaded(root, tuple(_limited(builder.found)))


def _with_syntax_error(found: list[Diagnostic], last: Diagnostic) -> list[Diagnostic]:
    """The errors up to a syntax error, without it where an anchor, an alias or a tag on the same line has already explained it."""
    lines = {diagnostic.span.line for diagnostic in found if diagnostic.span and diagnostic.code in {"RS138", "RS140"}}
    return found if last.span and last.span.line in lines else [*found, last]


def _limited(found: list[Diagnostic]) -> Iterator[Diagnostic]:
    """The first few of each code: a file with a thousand anchors has one problem."""
    numbers: Counter[str] = Counter()
    for diagnostic in found:
        numbers[diagnostic.code] += 1
        if numbers[diagnostic.code] <= MAX_REPORTS:
            yield diagnostic


def _too_large(path: str) -> Diagnostic:
    return error(
        "RS107",
        "the file is larger than 1 MiB",
        Span(path, 1, 1),
        f"at most {MAX_BYTES:,} bytes are read",
        hint="a spec describes one resource: split it, or move long texts elsewhere",
    )


def events(text: str) -> Iterator[Event]:
    """The parser's events, made as they are taken; a yaml.YAMLError where the text is no YAML."""
    loader = (yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader)(text)
    take = cast("Callable[[], Event | None]", loader.get_event)  # pyright: ignore[reportUnknownMemberType] - the stubs leave it open
    return iter(take, None)  # as `yaml.parse` does, with one call an event instead of three


@dataclass(slots=True)
class _Open:
    """A collection whose end has not been seen yet.

    In a mapping, `awaits_value` says that a key has been read; `key` is then that key, or None when the pair is left out of the tree.
    """

    start: CollectionStartEvent
    span: Span
    is_mapping: bool
    items: list[Node] = field(default_factory=list["Node"])
    entries: list[tuple[Scalar, Node]] = field(default_factory=list[tuple[Scalar, "Node"]])
    keys: dict[str, Scalar] = field(default_factory=dict[str, Scalar])
    key: Scalar | None = None
    awaits_value: bool = False


class _Builder:
    """Builds the tree of one file from its events and collects what is wrong with it."""

    def __init__(self, positions: Positions) -> None:
        self.found: list[Diagnostic] = []
        self._positions = positions
        self._open: list[_Open] = []
        self._document: Span | None = None
        self._root: Node | None = None
        self._usable = True
        self._last: tuple[ScalarEvent, int] | None = None

    def build(self, events: Iterable[Event]) -> Mapping | None:
        """The root mapping, or None where the errors found leave nothing to go on with."""
        for event in events:
            if len(self.found) > MAX_ERRORS:
                return None
            match event:  # the frequent ones first
                case ScalarEvent():
                    self._scalar(event)
                case CollectionStartEvent():
                    if not self._begin_collection(event):
                        return None
                case CollectionEndEvent():
                    self._end_collection(event)
                case AliasEvent():
                    self._alias(event)
                case DocumentStartEvent():
                    if not self._begin_document(event):
                        return None
                case _:
                    pass
        if not self._usable:
            return None
        if isinstance(self._root, Mapping):
            return self._root
        self._report(explain_root(self._positions, self._root))
        return None

    def _report(self, *diagnostics: Diagnostic) -> None:
        """Note errors after which the tree says something else than was meant."""
        self.found += diagnostics
        self._usable = self._usable and not diagnostics

    def _begin_document(self, event: DocumentStartEvent) -> bool:
        start = event.start_mark.index
        if self._document is not None:
            self.found.append(
                error(
                    "RS132",
                    "the file holds more than one YAML document",
                    self._positions.span(start, 3),
                    "a second document begins here",
                    hint="one file describes one resource: move this part into a file of its own",
                    related=[Related("the first document begins here", self._document)],
                )
            )
            return False
        self._document = self._positions.to_line_end(start)
        if event.tags or event.version not in {None, (1, 2)}:
            self.found.append(directive(self._positions))
        return True

    def _begin_collection(self, event: CollectionStartEvent) -> bool:
        span = self._span(event.start_mark, event.start_mark, self._properties(event))
        self._open.append(_Open(event, span, isinstance(event, MappingStartEvent)))
        if len(self._open) <= MAX_DEPTH:
            return True
        self.found.append(
            error(
                "RS137",
                f"the file is nested more than {MAX_DEPTH} levels deep",
                span,
                f"level {MAX_DEPTH + 1} begins here",
                hint="a spec needs five levels at most; look for brackets that are never closed",
            )
        )
        return False

    def _end_collection(self, event: CollectionEndEvent) -> None:
        closed = self._open.pop()
        span = closed.span
        if closed.start.flow_style:
            span = self._span(closed.start.start_mark, event.end_mark, closed.start.start_mark.index)
        elif closed.entries:
            span = closed.entries[0][0].span
        self._add(Mapping(tuple(closed.entries), span) if closed.is_mapping else Sequence(tuple(closed.items), span))

    def _scalar(self, event: ScalarEvent) -> None:
        text: str = event.value
        plain = not event.style  # libyaml says "" and the parser in Python None
        start = self._properties(event)
        kind = scalar_kind(text) if plain else "str"
        first, last = event.start_mark, event.end_mark
        if first.line == last.line and first.index == start:  # the usual case, without a search for the line
            path = self._positions.path
            scalar = Scalar(text, kind, not plain, path, first.line + 1, first.column + 1, last.index - start or 1)
        else:
            scalar = Scalar.at(self._positions.between(start, max(last.index, start)), text, kind, quoted=not plain)
        self._last = event, start
        parent = self._open[-1] if self._open else None
        is_key = parent is not None and parent.is_mapping and not parent.awaits_value
        if not NAME.fullmatch(text) or (is_key and scalar.kind != "str"):
            end = max(last.index, start)
            self._report(*(key_problems(self._positions, scalar, start) if is_key else value_problems(self._positions, scalar, start, end)))
        self._add(scalar)

    @property
    def read(self) -> Read:
        """The last scalar."""
        if self._last is None:
            return Read()
        event, start = self._last
        return Read(start, max(event.end_mark.index, start), not event.style)

    def _span(self, first: Mark, last: Mark, start: int) -> Span:
        """The place of what begins at the offset `start`, after its properties, and ends before `last`."""
        if first.line == last.line and first.index == start:
            return Span(self._positions.path, first.line + 1, first.column + 1, last.index - start or 1)
        return self._positions.between(start, max(last.index, start))

    def _alias(self, event: AliasEvent) -> None:
        span = self._positions.between(event.start_mark.index, event.end_mark.index)
        self._report(
            error(
                "RS138",
                f"the alias `*{event.anchor}` is not allowed",
                span,
                "aliases and anchors are not part of the spec language",
                hint=f'write the value out; if this is a text, put it between quotes: "*{event.anchor}"',
            )
        )
        self._add(Scalar.at(span, "", "str", quoted=True))

    def _properties(self, event: CollectionStartEvent | ScalarEvent) -> int:
        """Report the anchor and the tag of a node; gives the offset at which the node itself begins."""
        offset = event.start_mark.index
        if event.anchor is None and event.tag is None:
            return offset
        while match := _PROPERTY.match(self._positions.text, offset):
            self._report(self._property(match.group(1), self._positions.span(offset, len(match.group(1)))))
            offset = match.end()
        return offset

    def _property(self, text: str, span: Span) -> Diagnostic:
        if text.startswith("&"):
            return error(
                "RS138",
                f"the anchor `{text}` is not allowed",
                span,
                "aliases and anchors are not part of the spec language",
                hint="delete it, and write the value out where it is repeated; if it begins a text, put the text between quotes",
            )
        return error(
            "RS140",
            f"the tag `{text}` is not allowed",
            span,
            "tags are not part of the spec language",
            hint="delete it; if it begins a text, put the text between quotes",
        )

    def _add(self, node: Node) -> None:
        if not self._open:
            self._root = node
            return
        parent = self._open[-1]
        if not parent.is_mapping:
            parent.items.append(node)
        elif parent.awaits_value:
            if parent.key is not None:
                parent.entries.append((parent.key, node))
            parent.awaits_value = False
        else:
            parent.key = self._checked_key(parent, node)
            parent.awaits_value = True

    def _checked_key(self, parent: _Open, node: Node) -> Scalar | None:
        """The key, or None (and an error) where its pair has no place in the tree."""
        if not isinstance(node, Scalar):
            if self.found and self.found[-1].code == "RS134":
                self.found.pop()  # a part of this key, as in `{{ name }}`
            self._report(
                error(
                    "RS134",
                    f"a {'list' if isinstance(node, Sequence) else 'mapping'} cannot be a key",
                    node.span,
                    "used as a key",
                    hint="keys are plain names; a text with brackets or braces needs quotes",
                )
            )
            return None
        if node.text == "<<" and not node.quoted:
            self._report(
                error(
                    "RS139",
                    "merge keys are not allowed",
                    node.span,
                    "`<<` copies the keys of another mapping",
                    hint="write the keys out; YAML 1.2 no longer has merge keys",
                )
            )
            return None
        if len(node.text) > MAX_KEY:
            self._report(key_too_long(node.span, len(node.text)))
            return None
        first = parent.keys.setdefault(node.text, node)
        if first is not node:
            self.found.append(
                error(
                    "RS133",
                    f"the key `{node.text}` is repeated",
                    node.span,
                    "the second one",
                    hint="keep one of the two",
                    related=[Related("the first one is here", first.span)],
                )
            )
            return None
        return node
