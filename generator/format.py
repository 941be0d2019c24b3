"""The canonical text of a spec: same meaning, same comments, one layout.

Keys stand in the order of the documentation's example; a field is one line where it fits, a block where it does not; quotes stand only
where they are needed. The result is read again and compared with the original before anyone sees it.
"""

from __future__ import annotations

from collections.abc import Iterator

from generator.characters import Positions, decode
from generator.comments import Collection, Entry, Token, read_tree
from generator.diagnostics import Diagnostic, columns, has_errors
from generator.load import load_file
from generator.nodes import Mapping, Node, Scalar
from generator.records import record
from generator.style import block_lines, scalar_text

WIDTH = 120
MAX_ALIGNED = 24  # longer names do not push the values of their neighbours to the right

type Path = tuple[str, ...]
"""Where a collection stands: the keys that lead to it; `*` for the names of fields and for items."""

_RESOURCE = """
    resource renamed_from description deprecated plural link fields unique upsert indexes checks filters search_language operations
    soft_delete concurrency page hooks
"""
_FIELD = """
    type to of values computed stored precision scale pattern min_length max_length ge gt le lt multiple_of min_items max_items read write
    nullable default on_delete inverse unique index search filter sort expand description example deprecated renamed_from
"""
_KEYS: dict[Path, tuple[str, ...]] = {
    (): tuple(_RESOURCE.split()),
    ("fields", "*"): tuple(_FIELD.split()),
    ("fields", "*", "values", "*"): ("value", "name", "description", "renamed_from"),
    ("fields", "*", "deprecated"): ("reason", "since", "sunset"),
    ("deprecated",): ("reason", "since", "sunset"),
    ("unique", "*"): ("fields", "nulls"),
    ("checks", "*"): ("name", "rule", "message"),
    ("page",): ("default", "max"),
}
_ALWAYS_BLOCKS = frozenset({(), ("fields",), ("unique",), ("indexes",), ("checks",)})


@record
class Formatted:
    """The canonical text of a spec, or None and the errors for which it cannot be had."""

    data: bytes | None
    diagnostics: tuple[Diagnostic, ...]


class MeaningChangedError(Exception):
    """The canonical text would mean something else, or lose a comment: a bug of the formatter."""


def format_spec(path: str, data: bytes) -> Formatted:
    """The canonical text of one spec. `path` is for diagnostics only. Line ends stay as in the first line.

    Raises MeaningChangedError rather than give a text that says something else.
    """
    loaded = load_file(path, data)
    text, _ = decode(path, data)
    if loaded.root is None or text is None or has_errors(loaded.diagnostics):
        return Formatted(None, loaded.diagnostics)
    result = "".join(f"{line}\n" for line in _file(read_tree(Positions(path, text.replace("\r\n", "\n")))))
    again = load_file(path, result.encode())
    if again.root is None or _meaning(again.root) != _meaning(loaded.root) or _comments(text) != _comments(result):
        raise MeaningChangedError(path)
    return Formatted((result.replace("\n", "\r\n") if _ends_in_crlf(text) else result).encode(), ())


def _ends_in_crlf(text: str) -> bool:
    return "\r" in text.partition("\n")[0]


def _meaning(node: Node) -> object:
    """What a node says, whatever the order of keys and the spelling of null and booleans."""
    if isinstance(node, Mapping):
        return {key.text: _meaning(value) for key, value in node.entries}
    if isinstance(node, Scalar):
        return (node.kind, {"null": "", "bool": node.text.lower()}.get(node.kind, node.text))
    return [_meaning(item) for item in node.items]


def _comments(text: str) -> list[str]:
    tree = read_tree(Positions("", text.replace("\r\n", "\n")))
    return sorted(_notes(tree))


def _notes(collection: Collection) -> Iterator[str]:
    for entry in collection.entries:
        yield from (note.text for note in entry.before)
        if entry.trailing:
            yield entry.trailing
        if isinstance(entry.value, Collection):
            yield from _notes(entry.value)
    yield from (note.text for note in collection.foot)


# --- layout ---------------------------------------------------------------------------------------------------------------------------


def _file(root: Collection) -> Iterator[str]:
    """The lines of the file. Comments at its head stay there, whatever key comes first."""
    if not root.entries:
        yield from ("{}", *(note.text for note in root.foot))
        return
    first = root.entries[0]
    head = Entry(None, root, 0, first.before, blank_before=first.blank_before)
    first.before, first.blank_before = [], False
    yield from _lead(head, 0, blank=False)
    yield from _block(root, 0, ())


def _block(collection: Collection, indent: int, path: Path) -> Iterator[str]:
    """The lines of a collection in block form."""
    entries = _in_order(collection, path)
    pads = _pads(entries, indent) if path == ("fields",) else {}
    previous: Entry | None = None
    for entry in entries:
        _hoist(entry, path)
        yield from _lead(entry, indent, blank=previous is not None and (_blank_in_source(entry) or _parted(previous, entry, path)))
        if entry.key is None:
            yield from _item(entry, indent, path)
        else:
            yield from _pair(entry, entry.key, indent, path, pads.get(entry.start, 0))
        previous = entry
    for note in collection.foot:
        if note.blank_before:
            yield ""
        yield " " * indent + note.text


def _hoist(item: Entry, path: Path) -> None:
    """Move the comments at the very beginning of an item, which would part it from its dash, before the item."""
    if item.key is None and isinstance(item.value, Collection) and item.value.entries:
        first = _in_order(item.value, (*path, "*"))[0]
        _hoist(first, (*path, "*"))
        item.before, first.before, first.blank_before = [*item.before, *first.before], [], False


def _blank_in_source(entry: Entry) -> bool:
    return entry.before[0].blank_before if entry.before else entry.blank_before


def _parted(previous: Entry, entry: Entry, path: Path) -> bool:
    """Whether an empty line belongs between two entries: around the fields of a resource."""
    return not path and any(pair.key is not None and pair.key.text == "fields" for pair in (previous, entry))


def _lead(entry: Entry, indent: int, *, blank: bool) -> Iterator[str]:
    """The empty line and the comments before an entry."""
    if blank:
        yield ""
    for number, note in enumerate(entry.before):
        if number and note.blank_before:
            yield ""
        yield " " * indent + note.text
    if entry.before and entry.blank_before:
        yield ""


def _in_order(collection: Collection, path: Path) -> list[Entry]:
    known = {key: number for number, key in enumerate(_KEYS.get(path, ()))}
    if not collection.is_mapping or not known:
        return collection.entries
    return sorted(collection.entries, key=lambda entry: known.get(entry.key.text, len(known)) if entry.key else 0)


def _pads(entries: list[Entry], indent: int) -> dict[int, int]:
    """By how many spaces the values of fields move to the right, so that those on lines in succession stand below each other.

    Keyed by the start of the entry. A field that needs several lines, an empty line or a comment ends a run. Whether a field fits on a
    line is decided before: what is moved may become a little wider.
    """
    pads: dict[int, int] = {}
    run: dict[int, int] = {}
    for entry in entries:
        alone = entry.key is None or not _is_one_line(entry, indent)
        if alone or entry.before or entry.blank_before:
            pads |= _filled_up(run)
            run = {}
        width = columns(scalar_text(entry.key, flow=False)) if entry.key else 0
        if not alone and width <= MAX_ALIGNED:
            run[entry.start] = width
    return pads | _filled_up(run)


def _filled_up(run: dict[int, int]) -> dict[int, int]:
    widest = max(run.values(), default=0)
    return {start: widest - width for start, width in run.items()}


def _is_one_line(entry: Entry, indent: int) -> bool:
    if isinstance(entry.value, Token):
        return block_lines(entry.value, WIDTH) is None
    text = _inline(entry.value, ("fields", "*"))
    return text is not None and _fits(f"{' ' * indent}{scalar_text(entry.key, flow=False) if entry.key else ''}: {text}")


def _item(entry: Entry, indent: int, path: Path) -> Iterator[str]:
    """The lines of an item of a list."""
    dash, path = " " * indent + "- ", (*path, "*")
    if isinstance(entry.value, Token):
        yield from _scalar(entry.value, dash, entry.trailing, indent, None)
        return
    text = _inline(entry.value, path)
    if text is not None and _fits(dash + text):
        yield _with_comment(dash + text, entry.trailing)
        return
    if entry.trailing:
        yield " " * indent + entry.trailing
    lines = list(_block(entry.value, indent + 2, path))
    yield dash + lines[0][indent + 2 :]
    yield from lines[1:]


def _pair(entry: Entry, key: Token, indent: int, path: Path, pad: int) -> Iterator[str]:
    """The lines of a key and its value."""
    name = scalar_text(key, flow=False)
    head = f"{' ' * indent}{name}:"
    if isinstance(entry.value, Token):
        yield from _scalar(entry.value, head + " " * (pad + 1), entry.trailing, indent, key.text)
        return
    inner = (*path, "*" if path == ("fields",) else key.text)
    text = _inline(entry.value, inner)
    if text is not None and (not entry.value.entries or _fits(f"{head} {text}")):
        yield _with_comment(f"{head} {' ' * pad}{text}", entry.trailing)
        return
    yield _with_comment(head, entry.trailing)
    yield from _block(entry.value, indent + 2, inner)


def _scalar(token: Token, head: str, comment: str | None, indent: int, key: str | None) -> Iterator[str]:
    """The lines of a scalar behind its key or dash."""
    lines = block_lines(token, WIDTH - indent - 2)
    if lines is None:
        yield _with_comment(head + scalar_text(token, flow=False, key=key), comment)
        return
    yield _with_comment(head.rstrip() + " " + lines[0], comment)
    yield from (" " * (indent + 2) + line if line else "" for line in lines[1:])


def _inline(collection: Collection, path: Path) -> str | None:
    """A collection on one line between brackets or braces; None where it cannot be one or belongs into a block."""
    if collection.has_comments() or (path in _ALWAYS_BLOCKS and collection.entries):
        return None
    parts: list[str] = []
    for entry in _in_order(collection, path):
        value, key = entry.value, entry.key.text if entry.key else None
        if isinstance(value, Collection):
            text = _inline(value, (*path, key or "*"))
        else:
            text = None if block_lines(value, WIDTH) else scalar_text(value, flow=True, key=key)
        if text is None:
            return None
        parts.append(text if entry.key is None else f"{scalar_text(entry.key, flow=True)}: {text}")
    return f"{{{', '.join(parts)}}}" if collection.is_mapping else f"[{', '.join(parts)}]"


def _fits(line: str) -> bool:
    return columns(line) <= WIDTH


def _with_comment(line: str, comment: str | None) -> str:
    return f"{line}  {comment}" if comment else line
