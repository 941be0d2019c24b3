"""A diagram as text of Mermaid (https://mermaid.js.org), which GitHub, GitLab and many editors draw."""

from __future__ import annotations

import re
from collections.abc import Iterator

from generator.graph.diagram import EVERYWHERE, Attribute, Diagram, Entity, Relation

_WORDS = frozenset({"accdescr", "acctitle", "class", "classdef", "end", "erdiagram", "many", "one", "style", "subgraph", "to"})
"""Words that mean something to Mermaid where a name of an entity stands; upper and lower case are the same to it."""

_KEYS = frozenset({"fk", "pk", "uk"})
"""The same, where a name of an attribute stands, and there no quotes help."""

_INVISIBLE = "\u200b"
"""A space without width: before a name it keeps Mermaid from taking that for a key."""

_PLAIN = re.compile(r"[\w ,.()|/+-]", re.ASCII)


def as_mermaid(diagram: Diagram) -> str:
    """An `erDiagram`, which ends with a newline."""
    lines = ["erDiagram", f"    %% {EVERYWHERE}"]
    for entity in diagram.entities:
        lines += _entity_lines(entity)
    lines += [_relation_line(relation) for relation in diagram.relations]
    return "\n".join(lines) + "\n"


def _entity_lines(entity: Entity) -> Iterator[str]:
    name = _entity_name(entity.name)
    alias = f'["{_text(f"{entity.name} ({', '.join(entity.remarks)})")}"]' if entity.remarks else ""
    yield f"    {name}{alias} {{"
    for attribute in entity.attributes:
        yield f"        {_attribute_line(attribute)}"
    yield "    }"


def _attribute_line(attribute: Attribute) -> str:
    kind, bracket, digits = attribute.type.partition("(")  # Mermaid before version 12 has no comma there
    kind += "[]" if digits.endswith("[]") else ""
    size = [bracket + digits.removesuffix("[]")] if bracket else []
    notes = [*size, *(["nullable"] if attribute.nullable else []), *attribute.notes]
    name = f"{_INVISIBLE}{attribute.name}" if attribute.name in _KEYS else attribute.name
    keys = f" {', '.join(attribute.keys)}" if attribute.keys else ""
    return f"{kind} {name}{keys}" + (f' "{_text(", ".join(notes))}"' if notes else "")


def _relation_line(relation: Relation) -> str:
    parent, child = ("|o" if relation.is_optional else "||"), ("o|" if relation.is_single else "o{")
    label = f"{relation.name}, {relation.on_delete}"
    return f'    {_entity_name(relation.parent)} {parent}--{child} {_entity_name(relation.child)} : "{label}"'


def _entity_name(name: str) -> str:
    return f'"{name}"' if name.lower() in _WORDS else name


def _text(text: str) -> str:
    """A text between quotes: whatever could mean something to Mermaid, or to the page, as the number of its character."""
    return "".join(character if _PLAIN.match(character) else f"#{ord(character)};" for character in text)
