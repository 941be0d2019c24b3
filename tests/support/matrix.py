"""The matrix of the acceptance catalogue: every operation of every resource, built from the specs.

@pytest.mark.parametrize("call", CALLS, ids=str)
def test_something(api, call):
    answer = call.send(api, as_user="mallory", of_user="ada", row_id=random_id())
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from generator.ir import EnumType, Field, JsonType, Kind, ListType, Operation, Reference, ScalarType, Schema
from generator.plan.relations import relations_of
from tests.support.resources import RESOURCES, ResourceCase, random_id
from tests.support.resources import case as named
from tests.support.serving import Api

METHODS = {
    Operation.LIST: "GET",
    Operation.GET: "GET",
    Operation.CREATE: "POST",
    Operation.REPLACE: "PUT",
    Operation.UPDATE: "PATCH",
    Operation.DELETE: "DELETE",
}
ON_COLLECTION = {Operation.LIST, Operation.CREATE}
WITH_BODY = {Operation.CREATE, Operation.REPLACE, Operation.UPDATE}
BUILT_IN = ("id", "user_id", "created_at", "updated_at", "version")


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One operation of one resource."""

    case: ResourceCase
    operation: Operation

    def __str__(self) -> str:
        return f"{self.operation} {self.case}"

    @property
    def method(self) -> str:
        return METHODS[self.operation]

    @property
    def on_collection(self) -> bool:
        return self.operation in ON_COLLECTION

    @property
    def has_body(self) -> bool:
        return self.operation in WITH_BODY

    @property
    def template(self) -> str:
        """The path as the application's routes have it."""
        item = "" if self.on_collection else f"/{{{self.case.resource.item_param}}}"
        return f"/api/{{user_id}}/{self.case.resource.segment}{item}"

    def path(self, user: str, row_id: str | None = None) -> str:
        """The path of one request; `row_id` is only used where the operation is one of a row."""
        return self.case.path(user) if self.on_collection else self.case.item(user, row_id or random_id())

    def body(self, api: Api, user: str, **overrides: Any) -> dict[str, Any]:
        """A body that the operation accepts, with its parents created for `user`; empty for operations without one."""
        if not self.has_body:
            return {}
        if self.operation is Operation.UPDATE:
            return self.case.change() | overrides
        return self.writable(self.case.body(api, user, **overrides), overrides)

    def writable(self, body: Mapping[str, Any], kept: Mapping[str, Any] = {}) -> dict[str, Any]:
        """`body` without what only a create may set, unless it is in `kept`."""
        once = {field.column for field in self.case.resource.fields if field.write == "once"}
        return {name: value for name, value in body.items() if self.operation is Operation.CREATE or name not in once or name in kept}

    def headers(self, version: str = "*") -> dict[str, str]:
        """What the operation needs besides the token: If-Match where the resource demands it."""
        writes = self.operation in {Operation.REPLACE, Operation.UPDATE, Operation.DELETE}
        return {"If-Match": version} if writes and self.case.resource.concurrency == "required" else {}

    def fields(self) -> list[Field]:
        """The fields that its body takes."""
        allowed = {"always", "once"} if self.operation is Operation.CREATE else {"always"}
        return [field for field in self.case.resource.fields if field.write in allowed] if self.has_body else []

    def send(
        self,
        api: Api,
        *,
        as_user: str,
        of_user: str | None = None,
        row_id: str | None = None,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> httpx.Response:
        """Send it with the token of `as_user` to a path of `of_user` (default: the same); options as of `Api.call`."""
        user = as_user if of_user is None else of_user
        return api.call(as_user, self.method, self.path(user, row_id), headers={**self.headers(), **(headers or {})}, **options)


CALLS = [Call(case, operation) for case in RESOURCES for operation in METHODS if case.has(operation)]
"""Every operation of every resource of the example."""


def calls_of(*operations: Operation) -> list[Call]:
    """Those of these operations."""
    return [call for call in CALLS if call.operation in operations]


BODIES = calls_of(*WITH_BODY)
"""Those that take a body."""

ITEMS = [call for call in CALLS if not call.on_collection]
"""Those of one row."""


def scalar(field: Field) -> ScalarType | None:
    """The scalar of a field, or of the items of a list; None for others."""
    kind = field.type.of if isinstance(field.type, ListType) else field.type
    return kind if isinstance(kind, ScalarType) else None


def is_kind(field: Field, *kinds: Kind) -> bool:
    """Whether the field is a plain scalar (no list) of one of these kinds."""
    return isinstance(field.type, ScalarType) and field.type.kind in kinds


@dataclass(frozen=True, slots=True)
class FieldCall:
    """One field of the body of one call."""

    call: Call
    field: Field

    def __str__(self) -> str:
        return f"{self.call}.{self.field.column}"


def fields_of(*kinds: Kind, calls: list[Call] = BODIES) -> list[FieldCall]:
    """Every plain field of these kinds in every body."""
    return [FieldCall(call, field) for call in calls for field in call.fields() if is_kind(field, *kinds)]


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter parameter of one list."""

    case: ResourceCase
    column: str
    operator: str
    """"" for equality."""
    kind: str
    """A `Kind`, or enum, ref, list."""

    @property
    def parameter(self) -> str:
        return f"{self.column}__{self.operator}" if self.operator else self.column

    def __str__(self) -> str:
        return f"{self.case}.{self.parameter}"


EQUALITY, RANGES, MATCHES = ("", "ne", "in"), ("gt", "gte", "lt", "lte"), ("contains", "icontains", "startswith")
OPERATORS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys((Kind.STRING, Kind.TEXT), EQUALITY + MATCHES),
    **dict.fromkeys((Kind.INTEGER, Kind.BIGINT, Kind.FLOAT, Kind.DECIMAL, Kind.DATE, Kind.TIME, Kind.DATETIME), EQUALITY + RANGES),
    **dict.fromkeys((Kind.BOOLEAN, Kind.URL), ("", "ne")),
    **dict.fromkeys((Kind.UUID, Kind.EMAIL, "enum", "ref"), EQUALITY),
    "list": ("contains",),
}
"""The operators of each type, as the contract has them; `isnull` comes on top where a field is nullable."""


def kind_of(field: Field) -> str:
    """The key of `OPERATORS` for a field; json has none."""
    match field.type:
        case ScalarType(kind=kind):
            return kind
        case EnumType():
            return "enum"
        case Reference():
            return "ref"
        case ListType():
            return "list"
        case JsonType():
            return "json"


def filters_of(case: ResourceCase) -> list[Filter]:
    """Every filter that the list of a resource has."""
    columns = [(field.column, kind_of(field), field.nullable) for field in case.resource.fields if field.filter]
    columns += [("id", Kind.UUID, False), ("created_at", Kind.DATETIME, False), ("updated_at", Kind.DATETIME, False)]
    return [
        Filter(case, column, operator, kind)
        for column, kind, nullable in columns
        for operator in (*OPERATORS[kind], *(["isnull"] if nullable else []))
    ]


def filters_through(schema: Schema, case: ResourceCase) -> list[Filter]:
    """Every filter through a reference that the list of a resource has."""
    return [
        Filter(case, one.name, operator, kind_of(one.field))
        for one in relations_of(schema)[case.resource.name].through
        for operator in (*OPERATORS[kind_of(one.field)], *(["isnull"] if one.field.nullable or one.end.field.nullable else []))
    ]


FILTERS = [found for case in RESOURCES if case.has(Operation.LIST) for found in filters_of(case)]
"""Every filter of every list."""


def sort_keys_of(case: ResourceCase) -> list[str]:
    """Every name that the list of a resource can be sorted by."""
    return [field.column for field in case.resource.fields if field.sort] + ["created_at", "updated_at", "id"]


@dataclass(frozen=True, slots=True)
class NestedList:
    """The list of `case` below the rows that one of its references leads to."""

    case: ResourceCase
    field: Field

    def __str__(self) -> str:
        return f"{self.case}.{self.field.column}"

    @property
    def parent(self) -> ResourceCase:
        """What the reference leads to."""
        assert isinstance(self.field.type, Reference)
        return named(self.field.type.target)

    @property
    def inverse(self) -> str:
        """What the parent calls the rows, in paths and in `expand`."""
        assert isinstance(self.field.type, Reference)
        assert self.field.type.inverse is not None
        return self.field.type.inverse

    @property
    def template(self) -> str:
        """The path as the application's routes have it."""
        return f"/api/{{user_id}}/{self.parent.resource.segment}/{{{self.parent.resource.item_param}}}/{self.inverse}"

    def path(self, user: str, parent_id: str) -> str:
        """The path of one request."""
        return f"{self.parent.item(user, parent_id)}/{self.inverse}"


NESTED = [
    NestedList(case, field)
    for case in RESOURCES
    if case.has(Operation.LIST)
    for field in case.resource.fields
    if isinstance(field.type, Reference) and field.type.inverse
]
"""Every nested list."""


@dataclass(frozen=True, slots=True)
class AggregateCall:
    """The aggregates of a resource."""

    case: ResourceCase

    def __str__(self) -> str:
        return str(self.case)

    @property
    def template(self) -> str:
        """The path as the application's routes have it."""
        return f"/api/{{user_id}}/{self.case.resource.segment}/aggregate"

    def path(self, user: str) -> str:
        """The path of one request."""
        return f"{self.case.path(user)}/aggregate"


AGGREGATES = [AggregateCall(case) for case in RESOURCES if case.has(Operation.LIST)]
"""Those of every list."""


SEARCHES = [case for case in RESOURCES if case.has(Operation.LIST) and any(field.search for field in case.resource.fields)]
"""The resources whose lists can be searched."""

BATCHES = [case for case in RESOURCES if case.has(Operation.BATCH)]
"""The resources that can be changed many at once."""

UPSERTS = [case for case in RESOURCES if case.resource.upsert]
"""The resources that can be put by their natural key."""


RESTORES = [case for case in RESOURCES if case.resource.soft_delete and case.has(Operation.DELETE)]
"""The resources whose deleted rows can be restored."""


type End = tuple[str, ResourceCase]
"""A column of a link, and the resource that it leads to."""


@dataclass(frozen=True, slots=True)
class LinkCall:
    """PUT or DELETE of the pair of a link."""

    case: ResourceCase
    method: str

    def __str__(self) -> str:
        return f"{self.method} {self.case}"

    @property
    def ends(self) -> tuple[End, End]:
        """The link's two references, each with what it leads to."""
        assert self.case.resource.link is not None
        one, other = (next(field for field in self.case.resource.fields if field.name == name) for name in self.case.resource.link)
        assert isinstance(one.type, Reference)
        assert isinstance(other.type, Reference)
        return (one.column, named(one.type.target)), (other.column, named(other.type.target))

    @property
    def template(self) -> str:
        """The path as the application's routes have it."""
        return "/api/{user_id}" + "".join(f"/{end.resource.segment}/{{{column}}}" for column, end in self.ends)

    def path(self, user: str, one: str, other: str) -> str:
        """The path of one request."""
        (_, first), (_, second) = self.ends
        return f"{first.item(user, one)}/{second.resource.segment}/{other}"


LINKS = [LinkCall(case, method) for case in RESOURCES if case.resource.link for method in ("PUT", "DELETE")]
"""Both calls of every link."""

EXPANSIONS = [
    (named("Task"), name) for name in ("project", "parent", "comments", "subtasks", "tags", "parent.project", "subtasks.comments")
] + [
    (named("Project"), "tasks"),
    (named("Project"), "tasks.tags"),
    (named("Comment"), "task"),
    (named("Comment"), "task.project"),
    (named("Tag"), "tasks"),
]
"""Names of `expand` with what they stand on: each kind at each level."""
