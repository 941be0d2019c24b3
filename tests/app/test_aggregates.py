"""Aggregates over HTTP: what they take and refuse. That their numbers are right is for tests/properties/test_lists_agree.py."""

from __future__ import annotations

from typing import Any

import pytest

from generator.embedded import EmbeddedPostgres
from tests.support.database import new_database, temporary_folder
from tests.support.generated import serving_project, write_core, write_generated, write_specs
from tests.support.resources import case
from tests.support.serving import Api, serving
from tests.support.tokens import new_user

TASKS = case("Task")


def ask(api: Api, user: str, query: str) -> Any:
    answer = api.call(user, "GET", f"{TASKS.path(user)}/aggregate?{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def test_groups_come_in_order_with_nulls_last(api: Api) -> None:
    user = new_user()
    for priority, estimate in (("high", "1.00"), ("low", None), ("high", "2.50"), ("normal", "1.00")):
        TASKS.create(api, user, title="Pack", priority=priority, estimate=estimate)
    assert ask(api, user, "group_by=priority&count=true&sum=estimate") == [
        {"priority": "low", "count": 1, "sum_estimate": None},
        {"priority": "normal", "count": 1, "sum_estimate": "1.00"},
        {"priority": "high", "count": 2, "sum_estimate": "3.50"},
    ]
    assert ask(api, user, "group_by=estimate,priority&count=true") == [
        {"estimate": "1.00", "priority": "normal", "count": 1},
        {"estimate": "1.00", "priority": "high", "count": 1},
        {"estimate": "2.50", "priority": "high", "count": 1},
        {"estimate": None, "priority": "low", "count": 1},
    ]
    assert ask(api, user, "avg=estimate&estimate__gte=1.5") == [{"avg_estimate": "2.5"}]


def test_of_nothing(api: Api) -> None:
    user = new_user()
    assert ask(api, user, "count=true&sum=progress&max=title") == [{"count": 0, "sum_progress": None, "max_title": None}]
    assert ask(api, user, "count=true&group_by=priority") == []


@pytest.mark.parametrize(
    ("query", "location"),
    [
        ("", ["query"]),
        ("group_by=priority", ["query"]),
        ("count=false", ["query"]),
        ("count=yes", ["query", "count"]),
        ("sum=title", ["query", "sum", 0]),
        ("sum=", ["query", "sum", 0]),
        ("count=true&group_by=priority,labels", ["query", "group_by", 1]),
        ("count=true&group_by=notes", ["query", "group_by", 0]),
        ("max=user_id", ["query", "max", 0]),
        ("min=progress,progress", ["query", "min"]),
        ("min=progress&min=estimate", ["query", "min"]),
        ("count=true&limit=3", ["query", "limit"]),
        ("count=true&sort=title", ["query", "sort"]),
        ("count=true&priority=urgent", ["query", "priority"]),
        ("median=progress", ["query", "median"]),
    ],
)
def test_what_is_refused(api: Api, query: str, location: list[object]) -> None:
    user = new_user()
    answer = api.call(user, "GET", f"{TASKS.path(user)}/aggregate?{query}")
    assert answer.status_code == 422, answer.text
    assert answer.json()["detail"][0]["loc"] == location


def test_more_groups_than_an_answer_holds(postgres: EmbeddedPostgres) -> None:
    columns = "user_id, id, created_at, updated_at, version, name, weight, uses"
    with new_database(postgres) as database, serving(database) as api:
        database.execute(
            f"INSERT INTO tags ({columns}) SELECT 'ada', gen_random_uuid(), now(), now(), 1, n, 1, 0 FROM generate_series(1, 1001) AS n"
        )
        for query, status in (("group_by=name&count=true", 422), ("group_by=name&count=true&name__ne=7", 200)):
            answer = api.call("ada", "GET", f"/api/ada/tags/aggregate?{query}")
            assert answer.status_code == status
        assert len(answer.json()["items"]) == 1_000


def test_hidden_fields_are_in_no_aggregate(postgres: EmbeddedPostgres) -> None:
    spec = """
resource: Key
fields:
  secret: {type: integer, read: never, filter: true}
  min_shown: {type: integer, filter: true}
  shown: {type: integer, filter: true}
"""
    with temporary_folder() as root:
        write_core(root)
        write_specs(root, {"key": spec})
        write_generated(root)
        with serving_project(postgres, root) as api:
            path = "/api/ada/keys/aggregate"
            for parameter in ("group_by", "sum", "avg", "min", "max"):
                answer = api.call("ada", "GET", f"{path}?count=true&{parameter}=secret")
                assert answer.status_code == 422, parameter
            both = api.call("ada", "GET", f"{path}?group_by=min_shown&min=shown")
            assert (both.status_code, both.json()["detail"][0]["type"]) == (422, "ambiguous_field")


def test_openapi_names_the_fields_and_the_answers(api: Api) -> None:
    document = api.client.get("/openapi.json").json()
    operation = document["paths"]["/api/{user_id}/tags/aggregate"]["get"]
    parameters = {parameter["name"]: parameter["schema"] for parameter in operation["parameters"]}
    assert parameters["sum"]["items"]["const"] == "weight"
    assert parameters["group_by"]["items"]["enum"] == ["name", "weight"]
    properties = document["components"]["schemas"]["TagAggregate"]["properties"]
    assert properties["count"]["type"] == "integer"
    assert {"name", "weight", "sum_weight", "avg_weight", "min_created_at"} <= properties.keys()
