"""The compatibility rules: for each its id, how grave it is, what a client sees, and what to do instead."""

from __future__ import annotations

from enum import StrEnum

from generator.records import record


class Severity(StrEnum):
    """How grave a change is for clients, the gravest first."""

    BREAKING = "breaking"
    WARNING = "warning"
    SAFE = "safe"


@record
class Rule:
    """One rule. `mirror` is the rule of the opposite change, where that is another one."""

    id: str
    severity: Severity
    sees: str
    advice: str = ""
    mirror: str = ""


_BREAKING, _WARNING, _SAFE = Severity.BREAKING, Severity.WARNING, Severity.SAFE

_KEEP = "Keep it, marked `deprecated`, until no client uses it."

_ROWS = (
    Rule("resource-removed", _BREAKING, "Each of its paths answers 404.", _KEEP, "resource-added"),
    Rule("resource-added", _SAFE, "New paths.", mirror="resource-removed"),
    Rule(
        "operation-removed", _BREAKING, "The request answers 404 or 405.", "Keep the operation until no client uses it.", "operation-added"
    ),
    Rule("operation-added", _SAFE, "A new request.", mirror="operation-removed"),
    Rule(
        "operation-renamed",
        _BREAKING,
        "Generated clients call it by another name.",
        "Keep the names of the resource and its fields.",
        "operation-renamed",
    ),
    Rule("filter-removed", _BREAKING, "Lists with the parameter answer 422.", "Keep `filter: true`.", "filter-added"),
    Rule("filter-added", _SAFE, "New parameters of lists.", mirror="filter-removed"),
    Rule(
        "filter-type-changed",
        _BREAKING,
        "Lists with values of the old type answer 422.",
        "Add a field of the new type beside it.",
        "filter-type-changed",
    ),
    Rule("search-removed", _BREAKING, "Lists with `q` answer 422.", "Keep `search: true` on a field.", "search-added"),
    Rule("search-added", _SAFE, "Lists can be searched.", mirror="search-removed"),
    Rule("search-changed", _WARNING, "`q` finds other rows, or in another order.", mirror="search-changed"),
    Rule("sort-removed", _BREAKING, "Lists sorted by it answer 422.", "Keep `sort: true`.", "sort-added"),
    Rule("sort-added", _SAFE, "A new sort key.", mirror="sort-removed"),
    Rule("order-changed", _WARNING, "Lists sorted by it come in another order.", mirror="order-changed"),
    Rule("expand-removed", _BREAKING, "Requests that expand it answer 422.", "Keep `expand: true`, or the `inverse`.", "expand-added"),
    Rule("expand-added", _SAFE, "A new expansion.", mirror="expand-removed"),
    Rule("page-max-lowered", _BREAKING, "Lists with a larger limit answer 422.", "Keep the maximum.", "page-max-raised"),
    Rule("page-max-raised", _SAFE, "Larger pages.", mirror="page-max-lowered"),
    Rule("page-default-changed", _WARNING, "Lists without a limit have another number of rows.", mirror="page-default-changed"),
    Rule("answer-field-removed", _BREAKING, "Clients that read it find nothing.", _KEEP, "answer-field-added"),
    Rule("answer-field-added", _SAFE, "A new key in answers.", mirror="answer-field-removed"),
    Rule(
        "answer-nullable",
        _BREAKING,
        "Clients meet null where there was always a value.",
        "Give it a default instead.",
        "answer-not-nullable",
    ),
    Rule("answer-not-nullable", _SAFE, "It is never null any more.", mirror="answer-nullable"),
    Rule(
        "answer-type-changed",
        _BREAKING,
        "Clients read a value of another type.",
        "Add a field of the new type beside it.",
        "answer-type-changed",
    ),
    Rule("answer-type-narrowed", _SAFE, "Its values fit the old type.", mirror="answer-type-changed"),
    Rule("answer-value-added", _WARNING, "Clients meet a value that they do not know.", mirror="answer-value-removed"),
    Rule("answer-value-removed", _SAFE, "A value that is answered no more.", mirror="answer-value-added"),
    Rule("body-field-removed", _BREAKING, "Requests with it answer 422.", _KEEP, "body-field-added"),
    Rule("body-field-added", _SAFE, "A new key, which may be left out.", mirror="body-field-removed"),
    Rule(
        "body-field-added-required",
        _BREAKING,
        "Requests without it answer 422.",
        "Give it a default, or make it nullable.",
        "body-field-removed",
    ),
    Rule(
        "body-field-required",
        _BREAKING,
        "Requests without it answer 422.",
        "Give it a default, or make it nullable.",
        "body-field-optional",
    ),
    Rule("body-field-optional", _SAFE, "It may be left out.", mirror="body-field-required"),
    Rule("body-not-nullable", _BREAKING, "Requests with null answer 422.", "Keep it nullable.", "body-nullable"),
    Rule("body-nullable", _SAFE, "It may be null.", mirror="body-not-nullable"),
    Rule(
        "body-type-changed",
        _BREAKING,
        "Requests with values of the old type answer 422.",
        "Add a field of the new type beside it.",
        "body-type-changed",
    ),
    Rule(
        "body-value-removed",
        _BREAKING,
        "Requests with the value answer 422.",
        "Keep the value until no client sends it.",
        "body-value-added",
    ),
    Rule("body-value-added", _SAFE, "One more value is taken.", mirror="body-value-removed"),
    Rule("default-changed", _BREAKING, "Requests that leave it out store another value.", "Keep the default.", "default-changed"),
    Rule(
        "constraint-tightened",
        _BREAKING,
        "Requests with values beyond it answer 422.",
        "Check it in a new field, or warn clients first.",
        "constraint-loosened",
    ),
    Rule("constraint-loosened", _SAFE, "More values are taken.", mirror="constraint-tightened"),
    Rule(
        "check-added", _BREAKING, "Requests that break the rule answer 422.", "Make sure that no client sends such values.", "check-removed"
    ),
    Rule("check-added-new", _SAFE, "Rows without the new fields are taken as before.", mirror="check-removed"),
    Rule("check-removed", _SAFE, "More rows are taken.", mirror="check-added"),
    Rule(
        "check-changed",
        _BREAKING,
        "Requests that break the new rule answer 422.",
        "Make sure that no client sends such values.",
        "check-changed",
    ),
    Rule(
        "unique-added",
        _BREAKING,
        "A second row with the same values answers 409.",
        "Make sure that no user has such rows.",
        "unique-removed",
    ),
    Rule("unique-added-new", _SAFE, "Rows without the new field are taken as before.", mirror="unique-removed"),
    Rule("unique-removed", _SAFE, "Rows with the same values are taken.", mirror="unique-added"),
    Rule("unique-changed", _BREAKING, "Rows with nulls are told apart differently.", "Keep `nulls`.", "unique-changed"),
    Rule("on-delete-changed", _BREAKING, "Deleting what it refers to does something else.", "Keep `on_delete`.", "on-delete-changed"),
    Rule(
        "upsert-key-changed",
        _BREAKING,
        "PUT on the collection finds the row to replace by another key.",
        "Keep the key until no client uses it.",
        "upsert-key-changed",
    ),
    Rule("computed-changed", _WARNING, "It is computed in another way, from the rows that are there, too.", mirror="computed-changed"),
    Rule(
        "if-match-required",
        _BREAKING,
        "Writes without If-Match answer 428.",
        "Keep `concurrency: optional` until clients send it.",
        "if-match-optional",
    ),
    Rule("if-match-optional", _SAFE, "Writes need no If-Match any more.", mirror="if-match-required"),
    Rule("deprecated", _WARNING, "Documentation and generated clients mark it as deprecated.", mirror="deprecation-ended"),
    Rule("deprecation-ended", _SAFE, "It is no longer marked as deprecated.", mirror="deprecated"),
)

RULES = {rule.id: rule for rule in _ROWS}
"""The rules by their id, in the order in which a resource's parts are compared."""
