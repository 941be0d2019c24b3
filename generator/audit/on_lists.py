"""Attacks in the query string: of lists, of one row, of aggregates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

import httpx

from generator.audit.expectations import Attack, Probe, expect, leak
from generator.audit.targets import Target
from generator.audit.world import Row, UnprovableError, World
from generator.ir import EnumType, ListType, Reference, Resource, ScalarType


def on_lists(target: Target) -> Iterator[Attack]:
    """Those on a list: sorts, counts, cursors, searches and filters."""
    page = {"limit": str(target.resource.page.max)}
    yield Attack(target, "a list of everything", _leaks_nothing(target, page))
    for name in ("created_at", "updated_at", "id", *(field.column for field in target.resource.fields if field.sort)):
        for direction in ("", "-"):
            yield Attack(target, f"sort={direction}{name}", _leaks_nothing(target, {**page, "sort": f"{direction}{name}"}))
    for how in ("exact", "estimated"):
        yield Attack(target, f"count={how}", _total(target, how))
    if not target.rows:
        yield Attack(target, "the cursor of a page of the victim's", _foreign_cursor(target))
    if target.resource.soft_delete:
        yield Attack(target, "a list of what is deleted", _leaks_nothing(target, {**page, "deleted_at__isnull": "false"}))
    if any(field.search for field in target.resource.fields):
        yield Attack(target, "a search for the victim's words", _foreign_words(target))
    yield from _on_filters(target, {})


def on_aggregates(target: Target) -> Iterator[Attack]:
    """Those on aggregates: what they count, and filters with every group."""
    grouped = [
        field.column
        for field in target.resource.fields
        if field.filter and field.readable and isinstance(field.type, ScalarType | EnumType | Reference)
    ]
    yield Attack(target, "a count of everything", _counts(target))
    yield from _on_filters(target, {"count": "true"} | ({"group_by": ",".join(grouped)} if grouped else {}))


def on_expansions(target: Target) -> Iterator[Attack]:
    """Those on what rows are expanded by."""
    for expansion in target.relations.expansions:
        yield Attack(target, f"expand={expansion.name}", _leaks_nothing(target, {"expand": expansion.name}))


def _on_filters(target: Target, extra: Mapping[str, str]) -> Iterator[Attack]:
    filtered = [field for field in target.resource.fields if field.filter and field.readable]
    columns = {field.column: f"{field.column}__contains" if isinstance(field.type, ListType) else field.column for field in filtered}
    for column, parameter in {"id": "id", **columns}.items():
        yield Attack(
            target, f"{parameter} of the victim's rows", _foreign_filter(target, column, {**extra, parameter: ""}, target.resource)
        )
    for one in target.relations.through:
        probe = _foreign_filter(target, one.field.column, {**extra, one.name: ""}, one.end.target)
        yield Attack(target, f"{one.name} of the victim's rows", probe)


def _foreign_filter(target: Target, column: str, query: Mapping[str, str], resource: Resource) -> Probe:
    """`query` with the value that the victim's rows of `resource` have in `column`, where it has none."""

    def probe(world: World) -> str | None:
        for row in world.victim.rows.get(resource.name, ()):
            value = _text(row.get(column))
            if value is None:
                continue
            answer = world.ask(target, by=world.attacker, query={name: given or value for name, given in query.items()})
            broken = expect(answer, 200) or leak(world, answer)
            if broken is None and value in set(world.foreign_ids()) and (found := _found(target, answer)):
                broken = f"it found {found} rows by the victim's id"
            if broken is not None:
                return broken
        return None

    return probe


def _found(target: Target, answer: httpx.Response) -> int:
    """How many rows an answer lists or counts; aggregates without groups answer that there are none."""
    items = answer.json()["items"]
    return sum(item["count"] for item in items) if target.kind == "aggregate" else len(items)


def _text(value: Any) -> str | None:
    """A value of a row as a filter takes it; of a list its first element."""
    if isinstance(value, list):
        return _text(next(iter(cast("list[Any]", value)), None))
    return str(value).lower() if isinstance(value, bool) else None if value is None else str(value)


def _leaks_nothing(target: Target, query: Mapping[str, str]) -> Probe:
    def probe(world: World) -> str | None:
        answer = world.ask(target, by=world.attacker, query=query)
        return expect(answer, 200) or leak(world, answer)

    return probe


def _total(target: Target, how: str) -> Probe:
    def probe(world: World) -> str | None:
        answer = world.ask(target, by=world.attacker, query={"count": how, "limit": str(target.resource.page.max)})
        broken = expect(answer, 200)
        if broken is None and answer.json()["next_cursor"] is None and answer.json()["total"] != len(answer.json()["items"]):
            broken = f"its total is {answer.json()['total']}, and the attacker has {len(answer.json()['items'])} rows"
        return broken

    return probe


def _counts(target: Target) -> Probe:
    def probe(world: World) -> str | None:
        answer = world.ask(target, by=world.attacker, query={"count": "true"})
        broken = expect(answer, 200)
        if broken is not None:
            return broken
        counted, own = answer.json()["items"][0]["count"], len(_all_rows(world, target))
        return None if counted == own else f"it counts {counted} rows, and the attacker has {own}"

    return probe


def _all_rows(world: World, target: Target) -> list[Row]:
    """Every row of the attacker's that its list has, page by page."""
    path, rows, cursor = target.path.removesuffix("/aggregate").format(user_id=world.attacker.user), list[Row](), None
    while True:
        query = {"limit": str(target.resource.page.max)} | ({"cursor": cursor} if cursor else {})
        page = world.send("GET", path, token=world.attacker.token, query=query).json()
        rows += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return rows


def _foreign_cursor(target: Target) -> Probe:
    def probe(world: World) -> str | None:
        page = world.ask(target, by=world.victim, query={"limit": "1"})
        cursor = page.json().get("next_cursor") if page.status_code == 200 else None
        if not isinstance(cursor, str):
            raise UnprovableError("the victim's list has no second page")
        middle = len(cursor) // 2
        tampered = cursor[:middle] + ("A" if cursor[middle] != "A" else "B") + cursor[middle + 1 :]
        for given in (cursor, tampered):
            answer = world.ask(target, by=world.attacker, query={"limit": "1", "cursor": given})
            broken = expect(answer, 422) or leak(world, answer)
            if broken:
                return broken
        return None

    return probe


def _foreign_words(target: Target) -> Probe:
    def probe(world: World) -> str | None:
        fields = [field for field in target.resource.fields if field.search]
        for row in world.victim.rows.get(target.resource.name, ()):
            for text in filter(None, (row.get(field.column) for field in fields)):
                answer = world.ask(target, by=world.attacker, query={"q": str(text)[:100]})
                broken = expect(answer, 200) or leak(world, answer)
                if broken is not None:
                    return broken
        return None

    return probe
