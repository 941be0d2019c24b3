"""Why a generated file is out of date: which part of which spec has changed since it was written, or else the generator.

The lock keeps a short digest of each part of every spec (see parts.py): those that differ from the ones of now have changed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from generator.ir import Reference, Schema, Span
from generator.lock import Lock
from generator.parts import Part
from generator.records import record

GENERATOR = "the generator"


@record
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


class Changes:
    """What has changed since the lock `known` was written, by a generator of that version."""

    def __init__(self, known: Lock, schema: Schema, parts: Mapping[str, Mapping[str, Part]], version: str) -> None:
        """`parts` are those of the specs, by path."""
        self._known = known
        self._specs = {resource.source: parts[resource.source] for resource in schema.resources}
        self._relatives = _relatives(schema)
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
            relevant = sorted(self._relatives.get(source, ())) if source is not None else sorted(changed)
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
            part = now.get(name) or (now["fields"] if name.startswith("fields.") else None)
            place = self._names[path] if part is None else Span(path, part.line, part.column, part.length)
            yield Cause(path, f"`{name.removeprefix('fields.')}` {how}", place)


def _relatives(schema: Schema) -> Mapping[str, set[str]]:
    """The specs that a file of a spec may depend on besides its own, by its path: those it refers to and those that refer to it."""
    sources = {resource.name: resource.source for resource in schema.resources}
    found: defaultdict[str, set[str]] = defaultdict(set)
    for resource in schema.resources:
        for field in resource.fields:
            if isinstance(field.type, Reference) and field.type.target != resource.name:
                found[resource.source].add(sources[field.type.target])
                found[sources[field.type.target]].add(resource.source)
    return found
