"""PostgreSQL writes the rows of a list exactly as the Read schema and the other routes do."""

from __future__ import annotations

import json

from app.db.statements import Inserts
from app.models.task import TaskCreate, TaskRead
from tests.support.database import Database
from tests.support.serving import Api

USER = "json-rows"
TEXTS = [
    "plain",
    'quotes " and \\ and /',
    "\\u0000 spelled",
    "\x01\x08\x0b\x1f\x7f",
    "line\nbreak\r\ttab",
    "é ü 漢字 🎈 \u2028 \ufeff",
    "</script>",
    "'; --",
]
MOMENTS = [
    "0001-01-01T00:00:00Z",
    "0999-12-31T23:59:59.999999Z",
    "1969-07-20T20:17:40.5Z",
    "2026-03-29T02:30:00+02:00",
    "2026-06-30T12:00:00.000001Z",
    "2026-06-30T12:00:00.100000Z",
    "9999-12-31T23:59:59.999999Z",
]
TIMES = ["00:00:00", "23:59:59.999999", "12:30:00.012345", "12:30:00.5", "00:00:00.000001"]
DOCUMENTS = [{"b": [1, 1.0, 1e20, -0.5, "\n\u2028", None, True], "a": {}}, "text", [], 7, [[[]]], {"": {'"': "\\"}}]
ESTIMATES = ["0", "0.00", "9999.99", "0.10", 12, "7"]


def test_the_rows_of_a_list_are_those_of_the_other_routes(own_api: Api, database: Database) -> None:
    path = f"/api/{USER}/tasks"
    for number in range(24):
        body = {
            "title": f"{TEXTS[number % len(TEXTS)]} {number}",
            "notes": TEXTS[-1 - number % len(TEXTS)] if number % 3 else None,
            "due_at": MOMENTS[number % len(MOMENTS)],
            "reminder_time": TIMES[number % len(TIMES)] if number % 4 else None,
            "checklist": DOCUMENTS[number % len(DOCUMENTS)],
            "estimate": ESTIMATES[number % len(ESTIMATES)] if number % 5 else None,
            "priority": ("low", "normal", "high")[number % 3],
            "completed": number % 2 == 0,
            "progress": 100 if number % 2 == 0 else number,
            "labels": TEXTS[: number % 4],
        }
        created = own_api.call(USER, "POST", path, json=body)
        assert created.status_code == 201, created.text
    database.execute("UPDATE tasks SET updated_at = '2026-01-02 03:04:05Z' WHERE progress = 100")

    every = ",".join(TaskRead.model_fields)
    for order in ("sort=id", "sort=-due_at,title", "sort=-priority&limit=7", "sort=id&offset=3", "completed=true&sort=progress"):
        listed = own_api.call(USER, "GET", f"{path}?{order}")
        field_by_field = own_api.call(USER, "GET", f"{path}?{order}&fields={every}")
        assert listed.status_code == field_by_field.status_code == 200
        assert listed.content == field_by_field.content
    rows = own_api.call(USER, "GET", f"{path}?limit=100")
    assert len(rows.json()["items"]) == 24
    for row in rows.json()["items"]:
        alone = own_api.call(USER, "GET", f"{path}/{row['id']}").content
        assert json.loads(alone) == row
        assert alone in rows.content
        assert json.loads(TaskRead.model_validate_json(alone).model_dump_json()) == row


def test_pages_of_such_rows_meet(own_api: Api) -> None:
    path = f"/api/{USER}/tasks"
    for number in range(9):
        own_api.call(USER, "POST", path, json={"title": f"T{number % 4}", "due_at": MOMENTS[number % 3] if number % 2 else None})
    for order in ("sort=due_at", "sort=-due_at", "sort=title", "sort=priority", "sort=-created_at"):
        whole = [row["id"] for row in own_api.call(USER, "GET", f"{path}?{order}").json()["items"]]
        found: list[str] = []
        cursor = ""
        while True:
            page = own_api.call(USER, "GET", f"{path}?{order}&limit=2{cursor}").json()
            found += [row["id"] for row in page["items"]]
            if page["next_cursor"] is None:
                break
            cursor = f"&cursor={page['next_cursor']}"
        assert found == whole


def test_what_is_not_sent_has_its_default(own_api: Api) -> None:
    """Each set of fields has a statement of its own, up to a number; the others share one. No row tells which it was."""
    path = f"/api/{USER}-defaults/tasks"
    defaults = TaskCreate(title="T").model_dump(mode="json")
    values = {
        "notes": "n",
        "priority": "high",
        "progress": 7,
        "labels": ["a", "b"],
        "links": ["https://example.org/a"],
        "checklist": {"a": [1]},
        "due_at": MOMENTS[3],
        "estimate": "1.50",
        "reminder_time": TIMES[2],
    }
    names = sorted(values)
    sets = [names[:number] for number in range(len(names) + 1)] + [[*names[number:], "slug"] for number in range(len(names) + 1)]
    assert len(sets) > Inserts.MOST
    for number, chosen in enumerate(sets):
        sent = {"title": "T", **{name: {**values, "slug": f"s-{number}"}[name] for name in chosen}}
        as_they_are = own_api.call(f"{USER}-defaults", "POST", path, json=sent)
        in_full = own_api.call(f"{USER}-defaults", "POST", path, json={**defaults, **sent, "slug": None})
        assert (as_they_are.status_code, in_full.status_code) == (201, 201), (as_they_are.text, in_full.text)
        one, other = as_they_are.json(), in_full.json()
        assert {**one, "slug": None} == {**other, **{name: one[name] for name in ("id", "created_at", "updated_at")}}
        assert own_api.call(f"{USER}-defaults", "GET", f"{path}/{one['id']}").json() == one
