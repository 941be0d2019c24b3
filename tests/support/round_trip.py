"""The whole life of rows of any resource, over HTTP, held against what the resolved schema says: the API as its spec promises it.

What is expected is worked out from the IR and from the answers alone, never from the application's own code.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from generator.ir import Field, Generated, JsonValue, Kind, Literally, Operation, Reference, Resource, ScalarType, Schema
from tests.support.contract import Document
from tests.support.matrix import BUILT_IN, Filter, filters_of, sort_keys_of
from tests.support.resources import ResourceCase, random_id
from tests.support.serving import Api
from tests.support.tokens import new_user
from tests.support.values import answered, compared, default_of, values_of

type Row = dict[str, Any]

ID = ScalarType(Kind.UUID)
MOMENT = ScalarType(Kind.DATETIME)
IDENTIFIER_PLACE = 99


@dataclass
class RoundTrip:
    """One user's rows of a served schema. `rows` are those that exist, by resource, in the order in which they were made."""

    api: Api
    schema: Schema
    document: Document
    user: str = field(default_factory=new_user)
    rows: dict[str, list[Row]] = field(default_factory=dict[str, list[Row]])
    most_rows: int = 14
    _asked: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request; its answer has passed the document, unless `fields` leaves keys out. None may be an error of the server."""
        answer = self.api.call(self.user, method, path, **options)
        assert answer.status_code < 500, f"{method} {path} {options}: {answer.text}\n{self.api.log.read_text()[-4000:]}"
        if answer.status_code != 304 and "fields" not in options.get("params", ()):
            self.document.check(answer)
        return answer

    def case(self, name: str) -> ResourceCase:
        """A resource by its name."""
        return ResourceCase(self.schema.resource(name))

    def known(self, resource: Resource) -> list[Row]:
        """The rows of a resource that exist."""
        return self.rows.setdefault(resource.name, [])

    # --- bodies -----------------------------------------------------------------------------------------------------------------

    def parent(self, field: Field, number: int) -> str | None:
        """The id of a row that a reference can refer to; of its own resource only rows that exist, so that it may be None."""
        assert isinstance(field.type, Reference)
        target = self.schema.resource(field.type.target)
        rows = self.known(target)
        if not rows and field.required:
            self.create(target, complete=False)
        return rows[number % len(rows)]["id"] if rows else None

    def body(self, resource: Resource, number: int, *, complete: bool, writable: tuple[str, ...] = ("always", "once")) -> Row:
        """A body that the resource accepts; `complete` ones have every field."""
        ruled = {column for check in resource.checks if check.rule_name for column in check.columns}
        unique = {column for constraint in resource.unique for column in constraint.columns}
        body: Row = {}
        for found in resource.fields:
            if found.write not in writable or not (complete or found.required):
                continue
            if isinstance(found.type, Reference):
                value = self.parent(found, number)
                if value is not None or found.nullable:
                    body[found.column] = value
                continue
            values = values_of(found)
            assert values, f"no value is known for {resource.name}.{found.name}"
            if found.column in ruled:
                values = [None] if found.nullable else values[: 2 if found.column in unique else 1]
            body[found.column] = values[number % len(values)]
        return body

    def conflicts(self, resource: Resource, row: Mapping[str, Any], but: str | None = None) -> bool:
        """Whether a unique constraint refuses `row` beside those that exist, but the one with the id `but`."""
        for constraint in resource.unique:
            key = [row.get(column) for column in constraint.columns]
            if None in key and not constraint.nulls_equal:
                continue
            others = [other["_all"] for other in self.known(resource) if other["id"] != but]
            if any([other.get(column) for column in constraint.columns] == key for other in others):
                return True
        return False

    # --- single rows ------------------------------------------------------------------------------------------------------------

    def create(self, resource: Resource, number: int = 0, *, complete: bool = True) -> Row | None:
        """Create a row, through the API where that is offered; None when it would break a unique constraint."""
        if Operation.CREATE not in resource.operations:
            return self.insert(resource, number)
        case = ResourceCase(resource)
        body = self.body(resource, number, complete=complete)
        before = datetime.now(UTC)
        answer = self.call("POST", case.path(self.user), json=body)
        expected = self.expected(resource, body)
        if self.conflicts(resource, expected):
            assert answer.status_code == 409, f"{body} {answer.text}"
            return None
        assert answer.status_code == 201, f"{case} {body}: {answer.text}"
        row: Row = answer.json()
        self.check_row(resource, row, expected, since=before)
        assert row["version"] == 1
        assert row["created_at"] == row["updated_at"]
        assert answer.headers["ETag"] == '"1"'
        assert answer.headers["Location"] == case.item(self.user, row["id"])
        return self.keep(resource, row, expected)

    def keep(self, resource: Resource, row: Row, expected: Row) -> Row:
        """Remember a row; `_all` has its hidden fields as well."""
        self.known(resource).append({**row, "_all": {**expected, **row}})
        return self.known(resource)[-1]

    def insert(self, resource: Resource, number: int) -> Row | None:
        """Put a row into the database of a resource that has no create."""
        body = self.body(resource, number, complete=True)
        fixed = {found.column: default_of(found) for found in resource.fields if isinstance(found.default, Literally)}
        identifier = random_id()
        made = {found.column: values_of(found)[0] for found in resource.fields if isinstance(found.default, Generated)}
        plain = [found for found in resource.fields if found.computed is None]
        row = {**{found.column: None for found in plain}, **fixed, **made, **body}
        expected = {found.column: answered(found.type, row[found.column]) for found in plain}
        if self.conflicts(resource, expected):
            return None
        moment = f"{datetime.now(UTC).isoformat(timespec='microseconds')[:-6]}Z"
        built_in = {"id": identifier, "user_id": self.user, "created_at": moment, "updated_at": moment, "version": 1}
        text = json.dumps({**row, **built_in}).replace("'", "''")
        columns = ", ".join(f'"{name}"' for name in (*row, *built_in))
        self.api.database.execute(
            f'INSERT INTO "{resource.plural}" ({columns})'
            f" SELECT {columns} FROM jsonb_populate_record(NULL::\"{resource.plural}\", '{text}'::jsonb)"
        )
        expected |= self.computed(resource, identifier)
        readable = {found.column: expected[found.column] for found in resource.fields if found.readable}
        return self.keep(resource, {**built_in, **_deletion(resource), **readable}, expected)

    def computed(self, resource: Resource, identifier: str) -> Row:
        """What the database computes for a row."""
        values: list[str] = []
        for found in resource.fields:
            if found.computed is not None:
                exact = isinstance(found.type, ScalarType) and found.type.kind is Kind.DECIMAL
                values.append(f"'{found.column}', ({found.computed.sql}){'::text' if exact else ''}")
        query = f"SELECT json_build_object({', '.join(values)}) FROM \"{resource.plural}\" WHERE id = '{identifier}'"
        return json.loads(self.api.database.execute(query)) if values else {}

    def expected(self, resource: Resource, body: Mapping[str, Any]) -> Row:
        """What a row made from `body` holds, without the defaults that are made anew each time."""
        row: Row = {}
        for found in resource.fields:
            if found.column in body:
                row[found.column] = answered(found.type, body[found.column])
            elif found.computed is None and not isinstance(found.default, Generated):
                row[found.column] = default_of(found)
        return row

    def check_row(self, resource: Resource, row: Row, expected: Mapping[str, Any], since: datetime | None = None) -> None:
        """Hold an answered row against the values that are expected of it; generated ones are held against the clock."""
        readable = {found.column: found for found in resource.fields if found.readable}
        assert list(row) == [*BUILT_IN, *_deletion(resource), *readable], f"{resource.name}: {list(row)}"
        assert row["user_id"] == self.user
        for column, found in readable.items():
            if column in expected:
                assert same(row[column], expected[column]), f"{resource.name}.{column}: {row[column]!r} is not {expected[column]!r}"
            elif since is not None and isinstance(found.type, ScalarType) and found.type.kind is Kind.DATETIME:
                assert since <= datetime.fromisoformat(row[column]) <= datetime.now(UTC)
            elif found.computed is None:
                assert row[column] is not None

    def get(self, resource: Resource, row: Row) -> None:
        """Read a row again: it is what it was; and the client that has it need not read it."""
        case = ResourceCase(resource)
        answer = self.call("GET", case.item(self.user, row["id"]))
        assert answer.status_code == 200, answer.text
        assert answer.json() == shown(row)
        assert answer.headers["ETag"] == f'"{row["version"]}"'
        again = self.call("GET", case.item(self.user, row["id"]), headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")

    def change(self, resource: Resource, row: Row, method: str, body: Row, changes: Mapping[str, Any]) -> bool:
        """Send a PUT or PATCH that sets `changes`, after it was refused for a stale version; whether it was made."""
        case = ResourceCase(resource)
        path = case.item(self.user, row["id"])
        stale = self.call(method, path, json=body, headers={"If-Match": f'"{row["version"] + 1}"'})
        assert stale.status_code == 412, f"{case} {body}: {stale.text}"
        if resource.concurrency == "required":
            assert self.call(method, path, json=body).status_code == 428
        before = datetime.now(UTC)
        answer = self.call(method, path, json=body, headers={"If-Match": f'"{row["version"]}"'})
        expected = {**row["_all"], **changes}
        if self.conflicts(resource, expected, but=row["id"]):
            assert answer.status_code == 409, answer.text
            return False
        assert answer.status_code == 200, f"{case} {method} {body}: {answer.text}"
        after: Row = answer.json()
        fresh = {found.column for found in resource.fields if isinstance(found.default, Generated) and method == "PUT"} - body.keys()
        fresh |= {found.column for found in resource.fields if found.computed is not None}
        kept = {found.column: expected[found.column] for found in resource.fields if found.column in expected and found.column not in fresh}
        kept |= {
            found.column: row["_all"].get(found.column)
            for found in resource.fields
            if found.write != "always" and found.readable and found.computed is None
        }
        self.check_row(resource, after, kept, since=before)
        assert after["id"] == row["id"]
        assert after["created_at"] == row["created_at"]
        assert after["version"] == row["version"] + bool(body or method == "PUT")
        assert answer.headers["ETag"] == f'"{after["version"]}"'
        hidden = {name: value for name, value in expected.items() if name not in after}
        row.clear()
        row.update(after, _all={**hidden, **after})
        return True

    def replace(self, resource: Resource, row: Row, number: int) -> None:
        """Replace a row, once with every field and once with those only that it needs."""
        for complete in (True, False):
            body = self.body(resource, number, complete=complete, writable=("always",))
            defaults = self.expected(resource, body)
            always = {found.column for found in resource.fields if found.write == "always"}
            self.change(resource, row, "PUT", body, {column: value for column, value in defaults.items() if column in always})

    def patch(self, resource: Resource, row: Row, number: int) -> None:
        """Change each field alone, to another value and to null; a change of nothing changes nothing."""
        path = ResourceCase(resource).item(self.user, row["id"])
        self.change(resource, row, "PATCH", {}, {})
        full = self.body(resource, number, complete=True, writable=("always",))
        for found in resource.fields:
            if found.write != "always":
                continue
            if found.column in full:
                value = full[found.column]
                self.change(resource, row, "PATCH", {found.column: value}, {found.column: answered(found.type, value)})
            ruled = any(check.rule_name and found.column in check.columns for check in resource.checks)
            if found.nullable and not ruled:
                self.change(resource, row, "PATCH", {found.column: None}, {found.column: None})
            elif not found.nullable:
                answer = self.call("PATCH", path, json={found.column: None}, headers={"If-Match": "*"})
                assert answer.status_code == 422, f"{resource.name}.{found.column} took null: {answer.text}"
                assert answer.json()["detail"][0]["loc"] == ["body", found.column]

    def delete(self, resource: Resource, row: Row) -> None:
        """Delete a row that nothing refers to, or that what refers to it lets go."""
        case = ResourceCase(resource)
        path = case.item(self.user, row["id"])
        assert self.call("DELETE", path, headers={"If-Match": f'"{row["version"] + 1}"'}).status_code == 412
        if resource.concurrency == "required":
            assert self.call("DELETE", path).status_code == 428
        held = list(self.kept_by(resource, row) if resource.soft_delete else self.held_by(resource, row))
        answer = self.call("DELETE", path, headers={"If-Match": f'"{row["version"]}"'})
        if held:
            assert answer.status_code == 409, f"{case} is referred to by {held}: {answer.text}"
            return
        assert answer.status_code == 204, answer.text
        self.forget(resource, row)
        if Operation.GET in resource.operations:
            assert self.call("GET", path).status_code == 404
        assert self.call("DELETE", path, headers={"If-Match": "*"}).status_code == 404
        if resource.soft_delete:
            self.restore(resource, row)

    def restore(self, resource: Resource, row: Row) -> None:
        """Bring a deleted row back, which nothing was deleted with, and delete it again."""
        path = ResourceCase(resource).item(self.user, row["id"])
        if Operation.LIST in resource.operations:
            trash = self.call("GET", ResourceCase(resource).path(self.user), params={"deleted_at__isnull": "false", "id": row["id"]})
            assert trash.json()["items"][0]["deleted_at"] >= row["updated_at"]
        answer = self.call("POST", f"{path}/restore", headers={"If-Match": "*"})
        assert answer.status_code == 200, answer.text
        restored = answer.json()
        assert restored["version"] >= row["version"] + 2
        plain = {found.column for found in resource.fields if not isinstance(found.type, Reference)} | {"id", "created_at", "deleted_at"}
        assert all(same(restored[name], value) for name, value in row.items() if name in plain)
        assert self.call("DELETE", path, headers={"If-Match": f'"{restored["version"]}"'}).status_code == 204

    # --- references -------------------------------------------------------------------------------------------------------------

    def referring(self, target: Resource, row: Row) -> Iterator[tuple[Resource, Field, Row]]:
        """Every reference to a row, with the row that has it."""
        for resource in self.schema.resources:
            for found in resource.fields:
                if isinstance(found.type, Reference) and found.type.target == target.name:
                    for other in list(self.known(resource)):
                        if other["_all"].get(found.column) == row["id"]:
                            yield resource, found, other

    def kept_by(self, target: Resource, row: Row) -> Iterator[str]:
        """The same of a row that stays as a deleted one: what goes with it goes first, and holds nothing any more."""
        going = [(target, row)]
        for resource, one in going:  # it grows on the way
            for child, found, other in self.referring(resource, one):
                assert isinstance(found.type, Reference)
                if found.type.on_delete == "cascade" and all(other["id"] != gone["id"] for _, gone in going):
                    going.append((child, other))
        ids = {one["id"] for _, one in going}
        for resource, one in going:
            for child, found, other in self.referring(resource, one):
                assert isinstance(found.type, Reference)
                if found.type.on_delete == "restrict" and other["id"] not in ids:
                    yield f"{child.name}.{found.name}"

    def held_by(self, target: Resource, row: Row, doomed: frozenset[str] = frozenset()) -> Iterator[str]:
        """The references that forbid to delete a row, its dependants that would go with it included."""
        doomed |= {row["id"]}
        for resource, found, other in self.referring(target, row):
            assert isinstance(found.type, Reference)
            if found.type.on_delete == "cascade" and other["id"] not in doomed:
                yield from self.held_by(resource, other, doomed)
            elif found.type.on_delete == "restrict" or (found.type.on_delete == "set_null" and len(doomed) > 1):
                yield from [f"{resource.name}.{found.name}"] if other["id"] not in doomed else []

    def forget(self, target: Resource, row: Row) -> None:
        """Take a row out of the books, with what goes with it; what referred to it has null, and another version."""
        if row not in self.known(target):
            return
        referring = list(self.referring(target, row))
        self.known(target).remove(row)
        cleared: list[str] = []
        for resource, found, other in referring:
            assert isinstance(found.type, Reference)
            if found.type.on_delete == "cascade":
                self.forget(resource, other)
            elif found.type.on_delete == "set_null" and other["id"] != row["id"]:
                other["_all"][found.column] = None
                if found.readable:
                    other[found.column] = None
                if other["id"] not in cleared and Operation.GET in resource.operations:
                    path = ResourceCase(resource).item(self.user, other["id"])
                    now = self.call("GET", path).json()
                    assert now["version"] == other["version"] + 1
                    assert now["updated_at"] > other["updated_at"]
                    other.update(version=now["version"], updated_at=now["updated_at"])
                cleared.append(other["id"])

    # --- lists ------------------------------------------------------------------------------------------------------------------

    def listed(self, resource: Resource, limit: int, **query: str) -> list[Row]:
        """All rows that a list gives, page by page."""
        path, found, cursor = ResourceCase(resource).path(self.user), list[Row](), dict[str, str]()
        while True:
            answer = self.call("GET", path, params={"limit": str(limit), **query, **cursor})
            assert answer.status_code == 200, f"{resource.name} {query}: {answer.text}"
            page = answer.json()
            assert len(page["items"]) <= limit
            found += page["items"]
            if page["next_cursor"] is None:
                assert len(found) <= len(self.known(resource)), "a row was listed twice"
                return found
            cursor = {"cursor": page["next_cursor"]}

    def lists(self, resource: Resource) -> None:
        """Every sort, page by page, and a filter of every field; descending sorts and the other operators once for each type of fields."""
        rows, case = self.known(resource), ResourceCase(resource)
        if rows and "created_at" not in rows[0]:  # rows that were put into the database: learn their times
            by_id = {row["id"]: row for row in self.listed(resource, resource.page.max)}
            for row in rows:
                self.check_row(resource, by_id[row["id"]], {name: value for name, value in row["_all"].items() if name != "id"})
                row.update(by_id[row["id"]])
                row["_all"].update(by_id[row["id"]])
        limit = max(2, len(rows) // 2)
        for key in sort_keys_of(case):
            for descending in (False, True) if self._is_new(resource, key, "sort") else (False,):
                wanted = [{"id": row["id"]} for row in self.ordered(resource, key, descending=descending)]
                assert self.listed(resource, limit, sort=f"-{key}" if descending else key, fields="id") == wanted, (
                    f"{resource.name} by {key} {descending}"
                )
        assert self.listed(resource, limit) == [shown(row) for row in self.ordered(resource, "created_at", descending=True)]
        filtered: set[str] = set()
        for found in filters_of(case):
            if not self._is_new(resource, found.column, found.operator) and found.column in filtered:
                continue
            filtered.add(found.column)
            for text, wanted in self.filtered(resource, found):
                answer = self.listed(resource, resource.page.max, fields="id", **{found.parameter: text})
                got, expected = {row["id"] for row in answer}, {row["id"] for row in wanted}
                assert got == expected, f"{resource.name} {found.parameter}={text!r}: {len(got)} rows instead of {len(expected)}"

    def _is_new(self, resource: Resource, column: str, asked: str) -> bool:
        """Whether a field of this type is asked for the first time in this way."""
        key = (repr(type_of(resource, column)), asked)
        new = key not in self._asked
        self._asked.add(key)
        return new

    def ordered(self, resource: Resource, key: str, *, descending: bool) -> list[Row]:
        """The rows in the order of a sort: nulls last in both directions, then by id in the same direction."""
        column_type = type_of(resource, key)
        rows = sorted(self.known(resource), key=lambda row: row["id"], reverse=descending)
        filled = [row for row in rows if row["_all"][key] is not None]
        filled.sort(key=lambda row: compared(column_type, row["_all"][key]), reverse=descending)
        return filled + [row for row in rows if row["_all"][key] is None]

    def filtered(self, resource: Resource, found: Filter) -> Iterator[tuple[str, list[Row]]]:
        """Texts for a filter, each with the rows that it leaves."""
        rows = self.known(resource)
        column, column_type = found.column, type_of(resource, found.column)
        if found.operator == "isnull":
            for text in ("true", "false"):
                yield text, [row for row in rows if (row["_all"][column] is None) == (text == "true")]
            return
        values = [row["_all"][column] for row in rows if row["_all"][column] is not None]
        if found.kind == "list":
            for item in [item for value in values for item in value][:2]:
                yield in_query(item), [row for row in rows if row["_all"][column] is not None and item in row["_all"][column]]
            return
        if found.operator == "in":
            chosen = values[::2][:5]
            texts = [in_query(value) for value in chosen]
            if chosen:
                yield ",".join(quoted(text) for text in texts), [row for row in rows if row["_all"][column] in chosen]
            return
        if found.operator in {"contains", "icontains", "startswith"}:
            for value in dict.fromkeys(values[1:3]):
                part = value[:3] if found.operator == "startswith" else value[1:4]
                yield part, [row for row in rows if row["_all"][column] is not None and _has(row["_all"][column], found.operator, part)]
            return
        for value in values[:1] + values[-1:]:
            pivot = compared(column_type, value)
            yield (
                in_query(value),
                [row for row in rows if _compares(compared_or_none(column_type, row["_all"][column]), found.operator, pivot)],
            )

    # --- everything ---------------------------------------------------------------------------------------------------------------

    def run(self, resource: Resource) -> None:
        """All of it for one resource."""
        operations = set(resource.operations)
        self.create(resource, complete=False)
        most = max((len(values_of(found)) for found in resource.fields if not isinstance(found.type, Reference)), default=1)
        for number in range(min(most, self.most_rows)):
            self.create(resource, number)
        rows = self.known(resource)
        assert rows
        if Operation.GET in operations:
            for row in rows:
                self.get(resource, row)
        if Operation.LIST in operations:
            self.lists(resource)
        if Operation.REPLACE in operations:
            for number, row in enumerate(rows[:1]):
                self.replace(resource, row, number + 1)
        if Operation.UPDATE in operations:
            for number, row in enumerate(rows[-1:]):
                self.patch(resource, row, number + 2)

    def end(self, resource: Resource) -> None:
        """Delete every row of a resource that can be deleted."""
        if Operation.DELETE in resource.operations and Operation.CREATE in resource.operations:
            for row in list(self.known(resource)):
                if row in self.known(resource):
                    self.delete(resource, row)

    def stored(self) -> dict[str, Row]:
        """Every row that the API answers with, by its id."""
        answers: dict[str, Row] = {}
        for resource in self.schema.resources:
            for row in self.known(resource) if Operation.GET in resource.operations else []:
                answers[row["id"]] = self.call("GET", ResourceCase(resource).item(self.user, row["id"])).json()
            if Operation.LIST in resource.operations:
                answers |= {row["id"]: row for row in self.listed(resource, resource.page.max)}
        return answers


def _deletion(resource: Resource) -> Row:
    """What tells when a row was deleted, of one that was not."""
    return {"deleted_at": None} if resource.soft_delete else {}


def shown(row: Row) -> Row:
    """A row as the API answers it."""
    return {name: value for name, value in row.items() if name != "_all"}


def same(left: JsonValue, right: JsonValue) -> bool:
    """Whether two JSON values are the same to a reader who tells 1 from 1.0 and 0.0 from -0.0."""
    return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)


def type_of(resource: Resource, column: str) -> Any:
    """The type of a column, built-in ones included."""
    built_in = {"id": ID, "created_at": MOMENT, "updated_at": MOMENT}
    return built_in.get(column) or next(found.type for found in resource.fields if found.column == column)


def in_query(value: JsonValue) -> str:
    """A value as a query string has it."""
    return value if isinstance(value, str) else json.dumps(value)


def quoted(text: str) -> str:
    """A value of an `__in` list: in double quotes where it needs them."""
    return '"' + text.replace('"', '""') + '"' if text == "" or any(sign in text for sign in ',"') else text


def compared_or_none(column_type: Any, value: JsonValue) -> Any:
    return None if value is None else compared(column_type, value)


def _has(text: str, operator: str, part: str) -> bool:
    match operator:
        case "contains":
            return part in text
        case "startswith":
            return text.startswith(part)
        case _:
            return part.lower() in text.lower()


def _compares(value: Any, operator: str, pivot: Any) -> bool:
    if operator == "ne":
        return value is None or value != pivot
    if value is None:
        return False
    return {"": value == pivot, "gt": value > pivot, "gte": value >= pivot, "lt": value < pivot, "lte": value <= pivot}[operator]
