"""Why a generated file is out of date: which part of which spec has changed since it was written, or else the generator.

The lock keeps a short digest of each part of every spec: each field, and each other key. They are made from what the YAML says, not from
what the compiler makes of it, so that a new version of the compiler never looks like a change of a spec.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from generator import nodes
from generator.ir import Reference, Schema, Span
from generator.lock import Lock
from generator.nodes import Node, Scalar

GENERATOR = "the generator"


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason why a file is out of date.

    `subject` is the spec that changed, or "the generator"; `message` says what of it, as a phrase with a verb. `span` is the place in the
    spec; None when the generator changed or the spec is gone.
    """

    subject: str
    message: str
    span: Span | None = None

    @property
    def is_spec(self) -> bool:
        """Whether a spec has changed, rather than the generator."""
        return self.subject != GENERATOR


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a spec: the digest of what it says, and the place of its key."""

    digest: str
    span: Span


def parts_of(spec: Node) -> dict[str, Part]:
    """The parts of a spec: `fields.<name>` for a field, `fields` for their order, the key for everything else."""
    parts: dict[str, Part] = {}
    for key, value in spec.entries if isinstance(spec, nodes.Mapping) else ():
        if key.text == "fields" and isinstance(value, nodes.Mapping):
            parts["fields"] = Part(_digest([name.text for name, _ in value.entries]), key.span)
            for name, field in value.entries:
                parts[f"fields.{name.text}"] = Part(_digest(_field_meaning(field)), name.span)
        else:
            parts[key.text] = Part(_digest(meaning(value)), key.span)
    return parts


def meaning(node: Node) -> object:
    """What a node says, whatever its place, the order of keys and the spelling of null and booleans; its `repr` is that of all equals."""
    if isinstance(node, nodes.Mapping):
        return sorted((key.text, repr(meaning(value))) for key, value in node.entries)
    if isinstance(node, Scalar):
        return (node.kind, {"null": "", "bool": node.text.lower()}.get(node.kind, node.text))
    return [meaning(item) for item in node.items]


def _field_meaning(field: Node) -> object:
    """As `meaning`, with the short form `text?` read as the mapping that it stands for."""
    if not isinstance(field, Scalar):
        return meaning(field)
    entries = [("type", repr(("str", field.text.removesuffix("?"))))]
    return [("nullable", repr(("bool", "true"))), *entries] if field.text.endswith("?") else entries


def _digest(content: object) -> str:
    return hashlib.sha256(repr(content).encode("utf-8", "surrogatepass")).hexdigest()[:8]


class Changes:
    """What has changed since the lock `known` was written, by a generator of that version."""

    def __init__(self, known: Lock, schema: Schema, specs: Mapping[str, Node], version: str) -> None:
        self._known = known
        self._schema = schema
        self._specs = {resource.source: parts_of(specs[resource.source]) for resource in schema.resources}
        self._names = {resource.source: resource.span for resource in schema.resources}
        self._version = version
        self._found: dict[str, tuple[Cause, ...]] | None = None

    @property
    def digests(self) -> dict[str, dict[str, str]]:
        """The digests of all parts of all specs, as the lock keeps them."""
        return {path: {name: part.digest for name, part in parts.items()} for path, parts in self._specs.items()}

    def causes(self, source: str | None) -> tuple[Cause, ...]:
        """Why a file of `source` (None: of all specs) is out of date: the spec's own changes first; never empty."""
        changed = self._by_spec()
        own = changed.get(source, ()) if source is not None else ()
        if not own:
            relevant = self._relatives(source) if source is not None else sorted(changed)
            own = tuple(cause for path in relevant for cause in changed.get(path, ()))
        return own + self._of_generator(bool(own))

    def _of_generator(self, explained: bool) -> tuple[Cause, ...]:
        before = self._known.generator
        if before is not None and before != self._version:
            return (Cause(GENERATOR, f"Rowsmith {before} wrote it, this is {self._version}"),)
        return () if explained else (Cause(GENERATOR, "no spec that it depends on has changed"),)

    def _by_spec(self) -> dict[str, tuple[Cause, ...]]:
        if self._found is None:
            removed = {path: (Cause(path, "it was removed"),) for path in self._known.specs if path not in self._specs}
            found = {path: tuple(self._of_spec(path, parts)) for path, parts in self._specs.items()}
            self._found = removed | {path: causes for path, causes in found.items() if causes}
        return self._found

    def _of_spec(self, path: str, now: Mapping[str, Part]) -> Iterator[Cause]:
        before = self._known.specs.get(path)
        if before is None:
            yield Cause(path, "it was added", self._names[path])
            return
        names = [name for name in now if before.get(name) != now[name].digest] + [name for name in before if name not in now]
        if any(name.startswith("fields.") for name in names):
            names = [name for name in names if name != "fields"]  # a field that comes or goes changes the order too
        for name in names:
            how = "was added" if name not in before else "was removed" if name not in now else "changed"
            place = now[name].span if name in now else now["fields"].span if name.startswith("fields.") else self._names[path]
            yield Cause(path, f"`{name.removeprefix('fields.')}` {how}", place)

    def _relatives(self, source: str) -> list[str]:
        """The specs that a file of `source` may depend on besides its own: those it refers to and those that refer to it."""
        references = [
            (resource.source, self._schema.resource(field.type.target).source)
            for resource in self._schema.resources
            for field in resource.fields
            if isinstance(field.type, Reference)
        ]
        return sorted({other for pair in references if source in pair for other in pair} - {source})
