import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import MetaData
from sqlmodel import Field, SQLModel

from generator import naming


@pytest.mark.parametrize(
    ("name", "snake", "plural", "parameter"),
    [
        ("Task", "task", "tasks", "task_id"),
        ("LineItem", "line_item", "line_items", "line_item_id"),
        ("HTTPLog", "http_log", "http_logs", "http_log_id"),
        ("UserHTTP", "user_http", "user_https", "user_http_id"),
        ("OAuth2Token", "o_auth2_token", "o_auth2_tokens", "o_auth2_token_id"),
        ("A", "a", "as", "a_id"),
        ("Series", "series", "series", "series_id"),
        ("Status", "status", "statuses", "status_id"),
        ("Address", "address", "addresses", "address_id"),
        ("Person", "person", "people", "person_id"),
        ("SalesPerson", "sales_person", "sales_people", "sales_person_id"),
        ("User", "user", "users", "id"),
        ("Class", "class", "classes", "class_id"),
    ],
)
def test_names_of_a_resource(name: str, snake: str, plural: str, parameter: str) -> None:
    assert naming.snake_case(name) == snake
    assert naming.plural_of(name) == plural
    assert naming.item_parameter(name) == parameter


@pytest.mark.parametrize(
    ("value", "member"),
    [
        ("low", "LOW"),
        ("in-progress", "IN_PROGRESS"),
        ("inProgress", "IN_PROGRESS"),
        ("2x", "VALUE_2X"),
        ("A+", "A"),
        ("  spaced  out ", "SPACED_OUT"),
        ("Café", "CAFE"),
        ("+", "VALUE_002B"),
        ("日本", "VALUE_65E5_672C"),
        ("__class__", "CLASS"),
        ("None", "NONE"),
    ],
)
def test_members_of_enums(value: str, member: str) -> None:
    assert naming.member_name(value) == member


@given(st.text(min_size=1))
def test_every_value_has_a_public_identifier(value: str) -> None:
    member = naming.member_name(value)
    assert member.isidentifier()
    assert member.isascii()
    assert not member.startswith("_")
    assert member == member.upper() or naming.is_shortened(member)
    assert len(member) <= naming.MAX_NAME


@given(st.from_regex(naming.RESOURCE_PATTERN, fullmatch=True))
def test_snake_case_gives_the_name_of_a_field(name: str) -> None:
    assert naming.FIELD_PATTERN.fullmatch(naming.snake_case(name))
    assert "__" not in naming.snake_case(name)


def test_keywords_are_those_of_python_without_the_soft_ones() -> None:
    assert all(naming.is_keyword(name) for name in ("class", "None", "async", "lambda"))
    assert not any(naming.is_keyword(name) for name in ("type", "match", "case", "_", "print", "select", "order"))
    assert naming.module_of("class") == "class_"
    assert naming.module_of("task") == "task"


def test_reserved_attributes_are_those_of_sqlmodel() -> None:
    class Apart(SQLModel):
        metadata = MetaData()  # not among the tables of the application

    class Table(Apart, table=True):
        row: int = Field(primary_key=True)

    public = {name for name in (*dir(SQLModel), *dir(Table(row=1))) if not name.startswith("_")} - {"row", "Field"}
    # SQLAlchemy keeps `registry` on the declarative base, where a field would hide it.
    assert public | {"registry"} == naming.MODEL_ATTRIBUTES


def test_long_names_are_shortened_with_a_hash_and_differ() -> None:
    long = [naming.index_name("international_shipments", [f"declaration_of_the_origin_{number}"]) for number in range(3)]
    assert len(set(long)) == 3
    assert all(len(name) <= naming.MAX_DERIVED and naming.is_shortened(name) for name in long)
    assert naming.index_name("tasks", ["due_at", "id"]) == "ix_tasks_due_at_id"
    assert not naming.is_shortened("ix_tasks_due_at_id")
    assert naming.shorten("x" * 50) == "x" * 50
    assert len(naming.shorten("é" * 50).encode()) <= 50


@pytest.mark.parametrize(
    ("name", "candidates", "guess"),
    [
        ("max_lenght", ["max_length", "min_length"], "max_length"),
        ("maxLength", ["max_length", "min_length"], "max_length"),
        ("project", ["Project", "Task"], "Project"),
        ("Projet", ["Task", "Project"], "Project"),
        ("zebra", ["Task", "Project"], None),
        ("x", [], None),
    ],
)
def test_what_was_meant(name: str, candidates: list[str], guess: str | None) -> None:
    assert naming.closest(name, candidates) == guess
    assert naming.closest(name, reversed(candidates)) == guess


@pytest.mark.parametrize(
    ("name", "plain"), [("t\u0430sk", "task"), ("\uff54itle", "title"), ("café", "cafe"), ("task", None), ("日本", None)]
)
def test_lookalikes(name: str, plain: str | None) -> None:
    assert naming.ascii_lookalike(name) == plain
