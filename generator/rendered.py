"""What is rendered: the generated files, by themselves and by resource."""

from __future__ import annotations

from generator.records import record


@record
class RenderedFile:
    """One generated file: its path below the project with `/`, its text, and the spec it comes from (None: from all of them)."""

    path: str
    text: str
    source: str | None


@record
class Modules:
    """The two modules of a resource; `beside` are the segments of others below which it has routes too."""

    resource: str
    model: RenderedFile
    routes: RenderedFile
    beside: frozenset[str]
