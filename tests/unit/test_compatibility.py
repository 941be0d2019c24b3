"""Every compatibility rule, in both directions: what a client sees when a spec changes, and when the change is taken back."""

from __future__ import annotations

import pytest

from generator.compatibility.compare import Finding, compare
from generator.compatibility.rules import RULES, Severity
from generator.compatibility.surface import Section, surface
from tests.support.specs import PROJECT, compiled, spec

TITLE = "title: string"
STATE = "state: {type: enum, values: [new, done], default: new}"
SORTED_STATE = STATE.replace("default", "sort: true, default")
KEYS = ("slug: {type: string, unique: true}", "code: {type: string, unique: true}")
SLUG = "slug: {type: string, filter: true, sort: true}"
REF = "project: {type: ref, to: Project, filter: true}"
SEARCHED = "a: {type: string, search: true}"
EXPANDED = "project: {type: ref, to: Project, filter: true, expand: true}"


def api(*fields: str, rest: str = "", **others: str) -> dict[str, Section]:
    schema, found = compiled(**{"task": spec(TITLE, *fields, rest=rest), "project": PROJECT, **others})
    assert schema is not None, found
    return surface(schema)


def found(old: dict[str, Section], new: dict[str, Section]) -> list[str]:
    return [f"{one.rule.id} {one.subject} {one.detail}".strip() for one in compare(old, new)]


NOTE = "resource: Note\nfields:\n  text: string\n"

PAIRS = {
    "resource-removed": (api(note=NOTE), api(), "resource-removed Note /notes"),
    "resource-added": (api(), api(note=NOTE), "resource-added Note /notes"),
    "operation-removed": (
        api(),
        api(rest="operations: [list, get, create, update]\n"),
        "operation-removed delete_task (DELETE /tasks/{id})",
    ),
    "operation-added": (
        api(rest="operations: [list, get]\n"),
        api(rest="operations: [list, get, delete]\n"),
        "operation-added delete_task",
    ),
    "filter-removed": (api("slug: {type: uuid, filter: true}"), api("slug: uuid"), "filter-removed Task.slug slug, slug__ne, slug__in"),
    "filter-added": (api("slug: uuid"), api("slug: {type: uuid, filter: true}"), "filter-added Task.slug slug, slug__ne, slug__in"),
    "filter-type-changed": (
        api("a: {type: uuid, filter: true}"),
        api("a: {type: date, filter: true}"),
        "filter-type-changed Task.a a: uuid → date",
    ),
    "search-removed": (api(SEARCHED), api("a: string"), "search-removed Task q"),
    "search-added": (api("a: string"), api(SEARCHED), "search-added Task q"),
    "search-changed": (
        api(SEARCHED, "b: string"),
        api(SEARCHED, "b: {type: string, search: true}", rest="search_language: english\n"),
        "search-changed Task q a → a, b in english",
    ),
    "sort-removed": (api("a: {type: date, sort: true}"), api("a: date"), "sort-removed Task.a a"),
    "sort-added": (api("a: date"), api("a: {type: date, sort: true}"), "sort-added Task.a a"),
    "order-changed": (
        api(SORTED_STATE),
        api(SORTED_STATE.replace("new, done", "done, held, new")),
        "order-changed Task.state new, done → done, new",
    ),
    "expand-removed": (api(EXPANDED), api(REF), "expand-removed Task.project_id project"),
    "expand-added": (api(REF), api(EXPANDED), "expand-added Task.project_id project"),
    "page-max-lowered": (api(), api(rest="page: {max: 50}\n"), "page-max-lowered Task 100 → 50"),
    "page-max-raised": (api(), api(rest="page: {max: 500}\n"), "page-max-raised Task 100 → 500"),
    "page-default-changed": (api(), api(rest="page: {default: 10}\n"), "page-default-changed Task 20 → 10"),
    "answer-field-removed": (api(SLUG), api(), "answer-field-removed Task.slug"),
    "answer-field-added": (api(), api(SLUG), "answer-field-added Task.slug"),
    "answer-nullable": (api("a: date"), api("a: date?"), "answer-nullable Task.a"),
    "answer-not-nullable": (api("a: date?"), api("a: date"), "answer-not-nullable Task.a"),
    "answer-type-changed": (api("a: date"), api("a: uuid"), "answer-type-changed Task.a date → uuid"),
    "answer-type-narrowed": (api("a: bigint"), api("a: integer"), "answer-type-narrowed Task.a bigint → integer"),
    "answer-value-added": (api(STATE), api(STATE.replace("done", "done, gone")), "answer-value-added Task.state gone"),
    "answer-value-removed": (api(STATE.replace("done", "done, gone")), api(STATE), "answer-value-removed Task.state gone"),
    "body-field-removed": (
        api("a: date?"),
        api("a: {type: date, write: never, nullable: true}"),
        "body-field-removed Task.a in POST, PUT, PATCH",
    ),
    "body-field-added": (api(), api("a: date?"), "body-field-added Task.a in POST, PUT, PATCH"),
    "body-field-added-required": (api(), api("a: date"), "body-field-added-required Task.a in POST, PUT"),
    "body-field-required": (api("a: {type: date, default: today}"), api("a: date"), "body-field-required Task.a in POST, PUT"),
    "body-field-optional": (api("a: date"), api("a: {type: date, default: today}"), "body-field-optional Task.a in POST, PUT"),
    "body-not-nullable": (api("a: date?"), api("a: date"), "body-not-nullable Task.a in POST, PUT, PATCH"),
    "body-nullable": (api("a: date"), api("a: date?"), "body-nullable Task.a in POST, PUT, PATCH"),
    "body-type-changed": (api("a: date"), api("a: datetime"), "body-type-changed Task.a date → datetime in POST, PUT, PATCH"),
    "body-value-removed": (api(STATE.replace("done", "done, gone")), api(STATE), "body-value-removed Task.state gone in POST, PUT, PATCH"),
    "body-value-added": (api(STATE), api(STATE.replace("done", "done, gone")), "body-value-added Task.state gone in POST, PUT, PATCH"),
    "default-changed": (
        api(STATE),
        api(STATE.replace("default: new", "default: done")),
        "default-changed Task.state new → done in POST, PUT",
    ),
    "constraint-tightened": (
        api("a: {type: string, max_length: 20}"),
        api("a: {type: string, max_length: 10}"),
        "constraint-tightened Task.a max_length 20 → 10 in POST, PUT, PATCH",
    ),
    "constraint-loosened": (
        api("a: {type: integer, ge: 0}"),
        api("a: {type: integer, ge: -5}"),
        "constraint-loosened Task.a ge 0 → -5 in POST, PUT, PATCH",
    ),
    "check-added": (api("a: integer"), api("a: integer", rest='checks: [{name: c, rule: "a > 1", message: No.}]\n'), "check-added Task c"),
    "check-added-new": (
        api(),
        api("a: integer?", "b: integer?", rest='checks: [{name: c, rule: "a is null or b is null or a < b", message: No.}]\n'),
        "check-added-new Task c",
    ),
    "check-removed": (
        api("a: integer", rest='checks: [{name: c, rule: "a > 1", message: No.}]\n'),
        api("a: integer"),
        "check-removed Task c",
    ),
    "check-changed": (
        api("a: integer", rest='checks: [{name: c, rule: "a > 1", message: No.}]\n'),
        api("a: integer", rest='checks: [{name: c, rule: "a > 2", message: No.}]\n'),
        "check-changed Task c",
    ),
    "unique-added": (api(SLUG), api(SLUG, rest="unique: [[title, slug]]\n"), "unique-added Task (title, slug)"),
    "unique-added-new": (
        api(),
        api("code: {type: string, nullable: true}", rest="unique: [[title, code]]\n"),
        "unique-added-new Task (title, code)",
    ),
    "unique-removed": (api(SLUG, rest="unique: [[title, slug]]\n"), api(SLUG), "unique-removed Task (title, slug)"),
    "unique-changed": (
        api("a: date?", rest="unique: [[title, a]]\n"),
        api("a: date?", rest="unique: [{fields: [title, a], nulls: equal}]\n"),
        "unique-changed Task (title, a) nulls distinct → nulls equal",
    ),
    "on-delete-changed": (
        api(REF),
        api(REF.replace("to: Project", "to: Project, on_delete: cascade")),
        "on-delete-changed Task.project_id restrict → cascade",
    ),
    "upsert-key-changed": (
        api(*KEYS, rest="upsert: [slug]\n"),
        api(*KEYS, rest="upsert: [code]\n"),
        "upsert-key-changed Task upsert slug → code",
    ),
    "computed-changed": (
        api("a: integer", "b: {type: bigint, computed: a * 2}"),
        api("a: integer", "b: {type: bigint, computed: a * 3}"),
        "computed-changed Task.b",
    ),
    "if-match-required": (api(), api(rest="concurrency: required\n"), "if-match-required Task"),
    "if-match-optional": (api(rest="concurrency: required\n"), api(), "if-match-optional Task"),
    "deprecated": (api("a: date?"), api("a: {type: date, nullable: true, deprecated: true}"), "deprecated Task.a"),
    "deprecation-ended": (api("a: {type: date, nullable: true, deprecated: true}"), api("a: date?"), "deprecation-ended Task.a"),
    "operation-renamed": (
        api(note=NOTE),
        api(memo=NOTE.replace("Note", "Memo") + "plural: notes\n"),
        "operation-renamed get_memo (GET /notes/{id}) was get_note",
    ),
}


def test_every_rule_has_its_pair() -> None:
    assert PAIRS.keys() == RULES.keys()


@pytest.mark.parametrize("rule", list(RULES))
def test_a_change_is_found_and_so_is_the_change_back(rule: str) -> None:
    old, new, expected = PAIRS[rule]
    assert any(line.startswith(expected) for line in found(old, new)), found(old, new)
    mirror = RULES[rule].mirror
    assert mirror
    assert any(line.startswith(f"{mirror} ") for line in found(new, old)), found(new, old)


def test_nothing_is_found_where_nothing_changed() -> None:
    assert found(api(SLUG, EXPANDED, STATE), api(SLUG, EXPANDED, STATE)) == []


def test_what_clients_cannot_see_is_no_change() -> None:
    moved = api(
        STATE, "slug: {type: string, filter: true, sort: true, index: true}", rest="hooks: [after_commit]\nindexes: [[title, slug]]\n"
    )
    assert found(api(SLUG, STATE), moved) == []


def test_a_value_that_is_added_changes_no_order() -> None:
    assert not any(line.startswith("order-") for line in found(api(SORTED_STATE), api(SORTED_STATE.replace("new,", "new, held,"))))


def test_a_wider_text_type_only_loosens() -> None:
    assert [line.partition(" ")[0] for line in found(api("a: email"), api("a: text"))] == ["constraint-loosened"] * 2


def test_soft_delete_adds_what_its_end_takes_away() -> None:
    plain, kept = api(), api(rest="soft_delete: true\n")
    what = ["field Task.deleted_at", "filter Task deleted_at__isnull", "operation restore_task (POST /tasks/{id}/restore)"]
    for old, new, how in ((plain, kept, "added"), (kept, plain, "removed")):
        assert sorted(found(old, new)) == sorted(
            f"{'answer-' if kind == 'field' else ''}{kind}-{how} {rest}" for kind, _, rest in (one.partition(" ") for one in what)
        )


@pytest.mark.parametrize(
    ("field", "unique"),
    [
        ("code: {type: date, default: today}", "[title, code]"),  # all rows of a day have the same one
        ("code: {type: string, nullable: true}", "{fields: [title, code], nulls: equal}"),
        ("code: {type: string, nullable: true, write: never}", "[title, slug]"),
    ],
)
def test_rows_of_old_clients_can_be_the_same_in_a_new_unique(field: str, unique: str) -> None:
    lines = found(api(SLUG), api(SLUG, field, rest=f"unique: [{unique}]\n"))
    assert any(line.startswith("unique-added ") for line in lines), lines


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        (("a: integer?", "b: integer?"), "a is not null or b is not null"),  # one of both is needed
        (("a: integer?", "b: integer?"), "not (a is null and b is null)"),
        (("a: integer?", "b: integer?"), "(a is null) <> (b is null)"),
        (("a: {type: integer, default: 1}", "b: integer?"), "a > b"),  # a row that is changed meets what a new client has written
        (("b: integer?",), "length(title) > b"),
    ],
)
def test_old_clients_can_break_a_rule_about_new_fields(fields: tuple[str, ...], rule: str) -> None:
    lines = found(api(), api(*fields, rest=f'checks: [{{name: c, rule: "{rule}", message: No.}}]\n'))
    assert "check-added Task c" in lines


def test_the_gravest_comes_first() -> None:
    severities = [one.rule.severity for one in compare(api("a: date", STATE), api("b: date?", STATE.replace("done", "gone")))]
    assert severities == sorted(severities, key=list(Severity).index)
    assert set(severities) == set(Severity)


def test_a_fingerprint_names_one_change() -> None:
    def first(limit: int) -> Finding:
        return compare(api("a: {type: string, max_length: 20}"), api(f"a: {{type: string, max_length: {limit}}}"))[0]

    assert first(10).fingerprint == first(10).fingerprint != first(9).fingerprint


def test_what_is_gone_is_shown_where_it_was() -> None:
    (finding, *_) = [one for one in compare(api(SLUG), api()) if one.rule.id == "answer-field-removed"]
    assert finding.gone
    assert (finding.span.path, finding.span.line) == ("resources/task.yaml", 4)
