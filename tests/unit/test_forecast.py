"""What `plan` says about the migration of each kind of edit: who waits, which rows are at risk, and when it is run."""

from __future__ import annotations

import pytest

from generator.compatibility.compare import compare
from generator.compatibility.surface import surface
from generator.migrations import operations
from generator.migrations.database import database_of
from generator.migrations.diff import difference
from generator.migrations.editions import Editions
from generator.migrations.gradual import gradually
from generator.migrations.impact import Lock, Order, Work
from generator.migrations.renames import renames_of
from generator.review.forecast import Forecast, forecast
from tests.support.specs import PROJECT, compiled, spec

STATE = "state: {type: enum, values: [new, done], default: new}"
REF = "project: {type: ref, to: Project, nullable: true}"

CASES: dict[str, tuple[tuple[str, ...], tuple[str, ...], Order, str]] = {
    "a nullable field": ((), ("a: text?",), Order.MIGRATE_FIRST, "AddColumn"),
    "a field with a default": ((), ("a: {type: integer, default: 1}",), Order.MIGRATE_FIRST, "AddColumn"),
    "a reference": ((), (REF,), Order.MIGRATE_FIRST, "AddConstraint"),
    "an index": (("a: integer",), ("a: {type: integer, sort: true}",), Order.ANY, "AddIndex"),
    "no index": (("a: {type: integer, sort: true}",), ("a: integer",), Order.ANY, "DropIndex"),
    "a search": (("a: text",), ("a: {type: text, search: true}",), Order.MIGRATE_FIRST, "SetSearch"),
    "no search": (("a: {type: text, search: true}",), ("a: text",), Order.DEPLOY_FIRST, "DropSearch"),
    "a looser bound": (("a: {type: integer, le: 5}",), ("a: {type: integer, le: 9}",), Order.MIGRATE_FIRST, "AddConstraint"),
    "no bound": (("a: {type: integer, le: 5}",), ("a: integer",), Order.MIGRATE_FIRST, "DropConstraint"),
    "a tighter bound": (("a: {type: integer, le: 9}",), ("a: {type: integer, le: 5}",), Order.DEPLOY_FIRST, "AddConstraint"),
    "a value": ((STATE,), (STATE.replace("done", "held, done"),), Order.MIGRATE_FIRST, "AddConstraint"),
    "another value": (
        (STATE,),
        (STATE.replace("done", "{value: ended, renamed_from: done}"),),
        Order.STEPS,
        "ReplaceValue",
    ),
    "no field": (("a: text?",), (), Order.DEPLOY_FIRST, "DropColumn"),
    "no required field": (("a: integer",), (), Order.STEPS, "DropColumn"),
    "another name": (("a: text?",), ("b: {type: text, nullable: true, renamed_from: a}",), Order.STEPS, "RenameColumn"),
    "a wider type": (("a: integer",), ("a: bigint",), Order.MIGRATE_FIRST, "ChangeType"),
    "a narrower type": (("a: bigint",), ("a: integer",), Order.DEPLOY_FIRST, "ChangeType"),
    "another type": (("a: integer",), ("a: string",), Order.STEPS, "ChangeType"),
    "nullable": (("a: integer",), ("a: integer?",), Order.MIGRATE_FIRST, "AllowNull"),
    "not nullable": (("a: integer?",), ("a: {type: integer, default: 1}",), Order.DEPLOY_FIRST, "Require"),
    "another default": ((STATE,), (STATE.replace("default: new", "default: done"),), Order.ANY, "ChangeDefault"),
    "unique": (("a: integer",), ("a: {type: integer, unique: true}",), Order.DEPLOY_FIRST, "AddConstraint"),
    "unique no more": (("a: {type: integer, unique: true}",), ("a: integer",), Order.MIGRATE_FIRST, "DropConstraint"),
    "computed": (("a: integer",), ("a: integer", "b: {type: bigint, computed: a * 2, stored: true}"), Order.MIGRATE_FIRST, "AddComputed"),
    "computed no more": (
        ("a: integer", "b: {type: bigint, computed: a * 2, stored: true}"),
        ("a: integer",),
        Order.DEPLOY_FIRST,
        "DropComputed",
    ),
    "a delete that cascades": ((REF,), (REF.replace("nullable", "on_delete: cascade, nullable"),), Order.DEPLOY_FIRST, "AddConstraint"),
}


def predicted(old: tuple[str, ...], new: tuple[str, ...]) -> Forecast:
    (before, _), (after, found) = (compiled(task=spec("title: string", *fields), project=PROJECT) for fields in (old, new))
    assert before is not None
    assert after is not None, found
    return forecast(before, after, compare(surface(before), surface(after)))


@pytest.mark.parametrize("name", CASES)
def test_the_order_keeps_both_versions_working(name: str) -> None:
    old, new, order, _ = CASES[name]
    found = predicted(old, new)
    assert found.order is order
    assert found.problems == ()
    assert all(step.span is not None for step in found.steps)


def test_every_operation_has_its_case() -> None:
    resources = {"CreateTable", "DropTable", "RenameTable", "PurgeDeleted", "StopPurging", "DropDeleted", "Protect"}  # below
    follow = {"RenameConstraint", "RenameIndex"}  # beside RenameColumn
    beside = {"KeepInStep", "Follow", "CopyValues", "Swap", "DropTwin", "RenameBehindView", "AddView", "SearchView", "DropView"}
    every = {one.__name__ for one in operations.Operation.__value__.__args__} - beside  # tests/app/test_gradual.py
    assert {operation for *_, operation in CASES.values()} | resources | follow == every


def test_an_index_stays_until_the_one_that_takes_its_place_is_there() -> None:
    """An index of a large table takes minutes to build, in which lists would read all rows of their users."""

    def steps(old: str, new: str, fields: str = "b: integer", then: str = "b: integer") -> list[str]:
        (before, _), (after, _) = (compiled(task=spec("a: integer", *more, rest=rest)) for more, rest in (((fields,), old), ((then,), new)))
        assert before is not None
        assert after is not None
        found = difference(database_of(before), database_of(after), renames_of(after, database_of(before))).operations
        return [one.summary for one in found]

    one, other = "indexes:\n  - [a]\n", "indexes:\n  - [b]\n"
    assert steps(one, other) == ["add ix_tasks_b", "drop ix_tasks_a"]
    assert steps(one, "") == ["drop ix_tasks_a"]
    assert steps(other, one, then="b: bigint")[0] == "drop ix_tasks_b"  # what it is made of changes


def test_resources() -> None:
    one, _ = compiled(task=spec("title: string"))
    two, _ = compiled(task=spec("title: string"), project=PROJECT)
    other, _ = compiled(task=spec("title: string"), plan=PROJECT.replace("Project", "Plan\nrenamed_from: Project"))
    assert one is not None
    assert two is not None
    assert other is not None
    assert forecast(one, two, ()).order is Order.MIGRATE_FIRST
    assert forecast(two, one, ()).order is Order.DEPLOY_FIRST
    renamed = forecast(two, other, ())
    assert renamed.order is Order.STEPS
    (told,) = (step for step in renamed.steps if step.summary == "rename projects to plans")
    assert "stop the old one, migrate, start the new one" in told.impact.advice


def test_a_rename_that_a_revision_has_made_gradual() -> None:
    (before, _), (after, _) = (
        compiled(task=spec("title: string", field), project=PROJECT) for field in ("a: text?", CASES["another name"][1][0])
    )
    assert before is not None
    assert after is not None
    old, new = database_of(before), database_of(after)
    revised = gradually(old, new, renames_of(after, old), {}).target
    assert [one.name for one in revised.kept] == ["tasks.a"]
    found = forecast(before, after, (), revised=revised)
    assert found.order is Order.MIGRATE_FIRST
    assert all(step.span is not None for step in found.steps)
    assert [step.summary for step in found.steps if not step.is_harmless] == ["copy tasks.a to b"]
    assert forecast(before, after, ()).order is Order.STEPS


def test_soft_delete() -> None:
    plain, _ = compiled(task=spec("title: string"))
    kept, _ = compiled(task=spec("title: string", rest="soft_delete: true\n"))
    assert plain is not None
    assert kept is not None
    assert forecast(plain, kept, ()).order is Order.MIGRATE_FIRST
    ended = forecast(kept, plain, ())
    assert ended.order is Order.STEPS
    assert "every deleted row is lost for good" in {step.impact.rows for step in ended.steps}


def test_another_edition_of_what_guards_rows() -> None:
    specs, _ = compiled(task=spec("title: {type: string, search: true}", rest="soft_delete: true\n"))
    assert specs is not None
    found = forecast(specs, specs, (), (Editions(), Editions(2, 2, 2)))
    told = ["protect 2 tables (edition 2)", "search tasks.title (edition 2)", "purge deleted rows of tasks (edition 2)"]
    assert [step.summary for step in found.steps] == told
    assert found.order is Order.MIGRATE_FIRST
    assert [step.is_harmless for step in found.steps] == [False, True, True]
    assert forecast(specs, specs, (), (Editions(2, 2, 2), Editions(2, 2, 2))).steps == ()


def test_the_most_dangerous_comes_first() -> None:
    steps = predicted(("a: text?", "b: integer"), ("b: {type: bigint, le: 5}", "c: integer?")).steps
    assert [step.summary for step in steps[:2]] == ["drop tasks.a", "add ck_tasks_b_le"]
    assert steps[0].gone
    assert (steps[0].consent, steps[0].impact.rows) == ("drop:tasks.a", "every value of it is lost")
    assert (steps[2].impact.lock, steps[2].impact.work) == (Lock.LONG, Work.REWRITE)
    assert steps[-1].is_harmless


def test_a_random_default_rewrites_the_table() -> None:
    (step, *_) = predicted((), ("a: {type: uuid, default: generate}",)).steps
    assert (step.impact.lock, step.impact.work, step.is_harmless) == (Lock.LONG, Work.REWRITE, False)
