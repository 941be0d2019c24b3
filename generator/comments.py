"""A spec as a tree of entries with its comments and blank lines, for whoever rewrites the file.

The tree of nodes.py says what a spec means; this one says how it is written. Only for files that the loader accepts without an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from yaml.events import CollectionEndEvent, CollectionStartEvent, Event, MappingStartEvent, ScalarEvent

from generator.characters import Positions
from generator.load import events
from generator.nodes import ScalarKind, scalar_kind
from generator.records import record

_COMMENT = re.compile(r"#[^\r\n]*")
_HEADER_COMMENT = re.compile(r"[|>][-+0-9]*[ \t]+(#[^\r\n]*)")


@dataclass(slots=True)
class Note:
    """A comment with its `#`, and whether an empty line stands before it."""

    text: str
    blank_before: bool = False


@dataclass(slots=True)
class Token:
    """A scalar as written. `style` is empty for a plain one, else its quote, `|` or `>`; `source` is its text in the file."""

    text: str
    kind: ScalarKind
    style: str
    source: str
    start: int
    end: int


@dataclass(slots=True)
class Entry:
    """A pair of a mapping, or an item of a list (without a key), with the comments before it and behind it."""

    key: Token | None
    value: Token | Collection
    start: int
    before: list[Note] = field(default_factory=list[Note])
    trailing: str | None = None
    blank_before: bool = False


@dataclass(slots=True)
class Collection:
    """A mapping or a list. `foot` are the comments behind its last entry."""

    is_mapping: bool
    flow: bool
    start: int
    end: int
    entries: list[Entry] = field(default_factory=list[Entry])
    foot: list[Note] = field(default_factory=list[Note])

    def has_comments(self) -> bool:
        """Whether there is a comment anywhere inside."""
        return bool(self.foot) or any(
            entry.before or entry.trailing or (isinstance(entry.value, Collection) and entry.value.has_comments()) for entry in self.entries
        )


def read_tree(positions: Positions) -> Collection:
    """The root mapping of a file that loads without an error, with every comment in its place."""
    reader = _Reader(positions.text, events(positions.text))
    root = reader.read()
    if not isinstance(root, Collection):
        raise TypeError("the root of a spec is a mapping")
    for entry in _all_entries(root):
        entry.blank_before = _blank_before(positions, entry.start)
    for start, text in reader.comments():
        _attach(positions, root, _Found(start, text, positions.span(start).column, positions.begins_line(start)))
    return root


def _all_entries(collection: Collection) -> Iterator[Entry]:
    for entry in collection.entries:
        yield entry
        if isinstance(entry.value, Collection):
            yield from _all_entries(entry.value)


def _blank_before(positions: Positions, offset: int) -> bool:
    start = positions.line_start(offset)
    return start > 0 and positions.begins_line(offset) and not positions.line_at(positions.line_start(start - 1)).strip()


class _Reader:
    """Builds the tree from the parser's events."""

    def __init__(self, text: str, stream: Iterator[Event]) -> None:
        self._text = text
        self._events = (event for event in stream if isinstance(event, (ScalarEvent, CollectionStartEvent, CollectionEndEvent)))
        self._scalars: list[Token] = []

    def read(self) -> Token | Collection:
        """The node that begins with the next event."""
        return self._node(next(self._events))

    def comments(self) -> Iterator[tuple[int, str]]:
        """The comments between the scalars and behind the heads of block scalars, with their offsets."""
        position = 0
        for token in [*self._scalars, None]:
            end = len(self._text) if token is None else token.start
            for match in _COMMENT.finditer(self._text, position, end):
                yield match.start(), match.group().rstrip()
            if token is not None:
                head = _HEADER_COMMENT.match(self._text, token.start) if token.style in {"|", ">"} else None
                if head:
                    yield head.start(1), head.group(1).rstrip()
                position = token.end

    def _node(self, event: Event) -> Token | Collection:
        if isinstance(event, ScalarEvent):
            return self._scalar(event)
        is_mapping = isinstance(event, MappingStartEvent)
        collection = Collection(is_mapping, bool(getattr(event, "flow_style", False)), event.start_mark.index, event.end_mark.index)
        while not isinstance(event := next(self._events), CollectionEndEvent):
            first = self._node(event)
            if not is_mapping:
                collection.entries.append(Entry(None, first, self._item_start(collection, first.start)))
            elif isinstance(first, Token):
                collection.entries.append(Entry(first, self._node(next(self._events)), first.start))
        collection.end = event.end_mark.index if collection.flow or not collection.entries else collection.entries[-1].value.end
        return collection

    def _item_start(self, collection: Collection, start: int) -> int:
        return start if collection.flow else max(self._text.rfind("-", 0, start), 0)

    def _scalar(self, event: ScalarEvent) -> Token:
        text: str = event.value
        style: str = event.style or ""
        start, end = event.start_mark.index, max(event.start_mark.index, event.end_mark.index)
        source = self._text[start:end].rstrip()
        token = Token(text, "str" if style else scalar_kind(text), style, source, start, start + len(source))
        self._scalars.append(token)
        return token


# --- putting the comments into the tree -----------------------------------------------------------------------------------------------


@record
class _Found:
    """A comment: its offset, its text, its column, and whether it has a line of its own."""

    start: int
    text: str
    column: int
    own_line: bool


def _attach(positions: Positions, collection: Collection, found: _Found) -> None:
    """Put a comment where it belongs within a collection (and what is in it)."""
    note = Note(found.text, _blank_before(positions, found.start))
    index = sum(entry.start <= found.start for entry in collection.entries)
    following = collection.entries[index].before if index < len(collection.entries) else collection.foot
    if index == 0:
        following.append(note)
        return
    previous = collection.entries[index - 1]
    if _belongs_inside(positions, previous, found) and isinstance(previous.value, Collection):
        if not found.own_line and found.start < _first_start(previous.value):
            _behind(previous, found.text)
        else:
            _attach(positions, previous.value, found)
    elif not found.own_line and _on_its_lines(positions, previous, found):
        _behind(previous, found.text)
    elif found.start < previous.value.start:
        previous.before.append(note)
    else:
        following.append(note)


def _first_start(collection: Collection) -> int:
    """Where the content of a collection begins."""
    return collection.entries[0].start if collection.entries else collection.end


def _behind(entry: Entry, text: str) -> None:
    """Put a comment behind an entry. A second one, which only braces over several lines can have, goes behind the last one inside."""
    if entry.trailing is None:
        entry.trailing = text
    elif isinstance(entry.value, Collection) and entry.value.entries:
        _behind(entry.value.entries[-1], text)
    else:
        entry.before.append(Note(text))


def _on_its_lines(positions: Positions, entry: Entry, found: _Found) -> bool:
    first, last = positions.span(entry.start).line, positions.span(max(entry.value.end - 1, entry.start)).line
    return first <= positions.span(found.start).line <= last


def _belongs_inside(positions: Positions, entry: Entry, found: _Found) -> bool:
    """Whether a comment behind the start of an entry is part of the entry's value."""
    value = entry.value
    if not isinstance(value, Collection):
        return False
    if found.start < value.end:
        return True
    if value.flow:
        return False
    if not found.own_line:
        return positions.span(found.start).line == positions.span(max(value.end - 1, 0)).line
    inner = positions.span(value.entries[0].start).column if value.entries else 0
    return found.column >= inner > positions.span(entry.start).column
