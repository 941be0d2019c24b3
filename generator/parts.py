"""The parts of a spec, each field and each other key, with a short digest of what it says: the lock keeps them.

They are made from what the YAML says, not from what the compiler makes of it, so that a new version of the compiler never looks like a
change of a spec.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from generator import nodes
from generator.nodes import Node, Scalar


class Part(NamedTuple):
    """A part of a spec: the digest of what it says, and the place of its key."""

    digest: str
    line: int
    column: int
    length: int


def parts_of(spec: Node) -> dict[str, Part]:
    """The parts of a spec: `fields.<name>` for a field, `fields` for their order, the key for everything else."""
    parts: dict[str, Part] = {}
    for key, value in spec.entries if isinstance(spec, nodes.Mapping) else ():
        if key.text == "fields" and isinstance(value, nodes.Mapping):
            parts["fields"] = _part([name.text for name, _ in value.entries], key)
            for name, field in value.entries:
                parts[f"fields.{name.text}"] = _part(_field_meaning(field), name)
        else:
            parts[key.text] = _part(meaning(value), key)
    return parts


def meaning(node: Node) -> object:
    """What a node says, whatever its place, the order of keys and the spelling of null and booleans; its `repr` is that of all equals."""
    if isinstance(node, nodes.Mapping):
        return sorted((key.text, repr(meaning(value))) for key, value in node.entries)
    if isinstance(node, Scalar):
        return (node.kind, "" if node.kind == "null" else node.text.lower() if node.kind == "bool" else node.text)
    return [meaning(item) for item in node.items]


def _field_meaning(field: Node) -> object:
    """As `meaning`, with the short form `text?` read as the mapping that it stands for."""
    if not isinstance(field, Scalar):
        return meaning(field)
    entries = [("type", repr(("str", field.text.removesuffix("?"))))]
    return [("nullable", repr(("bool", "true"))), *entries] if field.text.endswith("?") else entries


def _part(content: object, key: Scalar) -> Part:
    digest = hashlib.sha256(repr(content).encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return Part(digest, key.line, key.column, key.length)
