"""What the templates lay out: everything is text that is already settled."""

from __future__ import annotations

from types import SimpleNamespace

from generator.imports import Importing, Names
from generator.records import record


@record
class Enum:
    """An enum class: its docstring and its members as (name, value literal)."""

    name: str
    doc: str
    members: tuple[tuple[str, str], ...]


@record
class Line:
    """One attribute of a class: `name: annotation` and, where there is one, ` = default`."""

    name: str
    annotation: str
    default: str | None = None

    def __str__(self) -> str:
        return f"{self.name}: {self.annotation}" + ("" if self.default is None else f" = {self.default}")


@record
class Rule:
    """A rule of `checks`: Python expression, name and message as literals."""

    expression: str
    name: str
    message: str


@record
class Body:
    """A class of a request or an answer."""

    name: str
    base: str
    doc: str
    lines: tuple[Line, ...]
    rules: tuple[Rule, ...] = ()


@record
class ComputedField:
    """A field that is calculated when a row is read: its expression in SQL for `__computed__`, and the property that has it in Python."""

    name: str
    sql: str
    annotation: str
    doc: str
    python: str


@record
class ModelModule:
    """app/models/<module>.py."""

    path: str
    header: str
    imports: tuple[str, ...]
    names: SimpleNamespace
    enums: tuple[Enum, ...]
    aliases: tuple[tuple[str, str], ...]
    table: str
    doc: str
    tablename: str
    constraints: tuple[str, ...]
    columns: tuple[Line, ...]
    computed: tuple[ComputedField, ...]
    bodies: tuple[Body, ...]


@record
class NestedList:
    """The list of the rows below one row of another resource. `statement` is the constant that finds that row, `find` what it is."""

    path: str
    function: str
    item: str
    item_type: str
    statement: str
    find: str
    column: str
    parent: str
    doc: str


@record
class LinkEnd:
    """One end of a link: its path parameter, and the constant that finds the row with it."""

    item: str
    statement: str
    find: str


@record
class Link:
    """The pair of paths of a link resource; `put` and `delete` are the statements, or "" where the spec does not allow it."""

    path: str
    ends: tuple[LinkEnd, LinkEnd]
    ends_name: str
    put: str
    put_doc: str
    delete: str
    delete_doc: str


@record
class Upsert:
    """PUT of a natural key: how it is read from the body, the statement that finds its row, and what is said of it."""

    key: str
    find: str
    doc: str


@record
class RouteModule:
    """app/routes/<plural>.py, whose imports are known when its body is written: `names` has them then.

    `hooks` are the names that the spec declares; `fixed` is what an insert gives beside the body.
    """

    path: str
    header: str
    names: Names
    importing: Importing
    resource: str
    title: str
    titles: str
    article: str
    segment: str
    item_path: str
    item: str
    item_type: str
    function: str
    functions: str
    operations: frozenset[str]
    sort: tuple[tuple[str, str], ...]
    ranked: tuple[tuple[str, str], ...]
    through: tuple[tuple[str, str], ...]
    delete: str
    present: str
    """The condition that a row is not deleted, to follow others; empty where there are no deleted rows."""
    restores: bool
    trash: tuple[tuple[str, tuple[str, ...]], ...]
    discards: bool
    """Whether a delete needs more than one statement."""
    fixed: tuple[tuple[str, str], ...]
    expansions: tuple[tuple[str, str], ...]
    nested: tuple[NestedList, ...]
    link: Link | None
    upsert: Upsert | None
    hooks: frozenset[str]
    concurrency_required: bool
    deprecated: bool
    clears: bool
    """Whether a delete sets references of other rows to null."""
    route_class: str
    beside: frozenset[str]
    """The segments of other resources below which it has routes, in a router of their own."""


@record
class ModelsIndex:
    """app/models/__init__.py: (table, module), what it exports, and (class, module) of what is imported when it is asked for."""

    path: str
    imports: tuple[str, ...]
    tables: tuple[tuple[str, str], ...]
    exports: tuple[str, ...]
    on_demand: tuple[tuple[str, str], ...]


@record
class RoutesIndex:
    """app/routes/__init__.py: the routers as it imports them, and (segment, modules) whose routers are imported when they are asked for."""

    path: str
    imports: tuple[str, ...]
    routers: tuple[str, ...]
    on_demand: tuple[tuple[str, tuple[str, ...]], ...]
