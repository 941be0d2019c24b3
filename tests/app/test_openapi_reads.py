"""What OpenAPI says of lists and rows: parameters as narrow as the spec, and what `expand` adds to a row."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from generator.ir import Operation
from tests.support.plain import expansions
from tests.support.resources import RESOURCES, SCHEMA
from tests.support.serving import Api
from tests.support.tokens import new_user

type Document = dict[str, Any]

READS = {f"list_{case.resource.plural}": case for case in RESOURCES} | {f"get_{case.resource.module}": case for case in RESOURCES}


@pytest.fixture(scope="module")
def document(api: Api) -> Document:
    return api.client.get("/openapi.json").json()


def operation(document: Document, name: str) -> dict[str, Any]:
    found = [one for methods in document["paths"].values() for one in methods.values() if one["operationId"] == name]
    assert len(found) == 1
    return found[0]


def parameters(document: Document, name: str) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in operation(document, name)["parameters"]}


def closed(document: Document, name: str) -> Draft202012Validator:
    """The schema of an operation's 200, whose rows and those right inside them have no keys but the ones that it names."""
    schema = operation(document, name)["responses"]["200"]["content"]["application/json"]["schema"]
    shut = {
        name: {**one, "unevaluatedProperties": False} if name.startswith(("Expanded_", "Related_")) else one
        for name, one in document["components"]["schemas"].items()
    }
    return Draft202012Validator({**schema, "components": {"schemas": shut}})


def test_parameters_have_the_limits_of_the_spec(document: Document) -> None:
    tasks = parameters(document, "list_tasks")
    assert (tasks["limit"]["schema"]["minimum"], tasks["limit"]["schema"]["maximum"]) == (1, 100)
    assert parameters(document, "list_tags")["limit"]["schema"]["maximum"] == 200
    assert tasks["offset"]["schema"]["maximum"] == 10_000
    assert tasks["progress__gte"]["schema"]["maximum"] == 2**31 - 1
    assert tasks["priority__in"]["schema"]["items"] == {"$ref": "#/components/schemas/TaskPriority"}
    assert tasks["project_id__in"]["schema"]["items"]["format"] == "uuid"
    assert tasks["title__in"]["schema"]["type"] == "string"  # its values may have commas, which stand in quotes


def test_if_match_is_required_where_the_spec_says_so(document: Document) -> None:
    for case in RESOURCES:
        for one in ("replace", "update", "delete"):
            if Operation(one) in case.resource.operations:
                header = parameters(document, f"{one}_{case.resource.module}")["if-match"]
                assert header["required"] == (case.resource.concurrency == "required"), case
                assert set(header["schema"]) <= {"type", "title", "description"}


def test_texts_of_a_kind_have_their_format_and_length_in_lists_and_alone(document: Document) -> None:
    schemas = document["components"]["schemas"]
    for shape in ("TaskCreate", "TaskRead"):
        items = schemas[shape]["properties"]["links"]["items"]
        assert (items["format"], items["maxLength"]) == ("uri", 2048)
        assert schemas[shape]["properties"]["labels"]["items"]["maxLength"] == 40
    author = schemas["CommentCreate"]["properties"]["author_email"]
    author = author.get("anyOf", [author])[0]
    assert (author["format"], author["maxLength"]) == ("email", 320)


@pytest.mark.parametrize("name", READS)
def test_parameters_name_what_there_is(document: Document, name: str) -> None:
    case = READS[name]
    known = parameters(document, name)
    row = document["components"]["schemas"][f"{case.resource.name}Read"]["properties"]
    fields = document["components"]["schemas"][known["fields"]["schema"]["items"]["$ref"].rpartition("/")[2]]
    assert list(row) == (fields.get("enum") or fields["anyOf"][0]["enum"])
    related = expansions(SCHEMA, case.resource)
    assert ("expand" in known) == bool(related)
    if related:
        assert sorted(known["expand"]["schema"]["items"]["enum"]) == sorted(".".join(path) for path in related)
    if name.startswith("list"):
        keys = [field.column for field in case.resource.fields if field.sort] + ["created_at", "updated_at", "id"]
        assert known["sort"]["schema"]["items"]["enum"] == [f"{sign}{key}" for key in keys for sign in ("", "-")]


def test_a_list_of_values_is_one_parameter(document: Document) -> None:
    for methods in document["paths"].values():
        for one in methods.values():
            for parameter in one["parameters"]:
                if parameter["in"] == "query" and parameter["schema"].get("type") == "array":
                    assert (parameter["style"], parameter["explode"]) == ("form", False)


def test_every_keyword_is_one_of_json_schema(document: Document) -> None:
    known = {*Draft202012Validator.VALIDATORS, "title", "description", "default", "examples", "deprecated"} | {"format"}
    names: set[str] = set()

    def collect(schema: Any) -> None:
        if isinstance(schema, dict):
            names.update(schema)
            for key in ("items", "additionalProperties"):
                collect(schema.get(key))
            for part in (*schema.get("properties", {}).values(), *schema.get("anyOf", ()), *schema.get("allOf", ())):
                collect(part)

    for schema in document["components"]["schemas"].values():
        collect(schema)
    for methods in document["paths"].values():
        for one in methods.values():
            for parameter in one["parameters"]:
                collect(parameter["schema"])
    assert names <= known


def test_expanded_rows_are_as_described(api: Api, document: Document) -> None:
    user = new_user()

    def post(collection: str, **body: Any) -> str:
        answer = api.call(user, "POST", f"/api/{user}/{collection}", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    project = post("projects", name="House")
    parent = post("tasks", title="parent", project_id=project)
    task = post("tasks", title="child", project_id=project, parent_id=parent)
    post("comments", task_id=task, body="Done?")
    post("task-tags", task_id=task, tag_id=post("tags", name="urgent"))
    for case in RESOURCES:
        for path in expansions(SCHEMA, case.resource):
            expand = {"expand": ".".join(path)}
            page = api.call(user, "GET", case.path(user), params=expand).json()
            closed(document, f"list_{case.resource.plural}").validate(page)
            one = api.call(user, "GET", case.item(user, page["items"][-1]["id"]), params=expand).json()
            closed(document, f"get_{case.resource.module}").validate(one)


def test_a_wrong_row_inside_a_row_is_not_as_described(api: Api, document: Document) -> None:
    """The schema says something: a related row that lacks a key, a list that is too long, or no list at all breaks it."""
    user = new_user()
    row = api.call(user, "POST", f"/api/{user}/tasks", json={"title": "t"}).json()
    validator = closed(document, "get_task")
    assert validator.is_valid(row)
    assert validator.is_valid({**row, "parent": {**row, "parent": row}, "subtasks": [row] * 20})
    related = ({"parent": {"title": "t"}}, {"subtasks": [row] * 21}, {"subtasks": None}, {"parent": {**row, "subtasks": [{}]}})
    for wrong in (*related, {"project": row}, {"nothing": row}):
        assert not validator.is_valid(row | wrong), wrong
