"""The order that `plan` names keeps an API working: old code on the new database, or new code on the old one, passes its tests.

The tests of a generated application are these two: the whole life of its rows, with every answer held against its specs and its OpenAPI
document, and `rowsmith audit`, which attacks each of its operations.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from generator.audit.run import audit
from generator.audit.targets import targets_of
from generator.audit.world import World
from generator.cli.development import mint_token
from generator.compatibility.compare import compare
from generator.compatibility.rules import Severity
from generator.compatibility.surface import surface
from generator.embedded import APP_ROLE, EmbeddedPostgres
from generator.ir import Schema
from generator.migrations.impact import Order
from generator.migrations.revisions import read_history, read_parents
from generator.review.forecast import forecast
from tests.support.catalog import catalog
from tests.support.contract import Document
from tests.support.database import Database, new_database
from tests.support.edits import as_files
from tests.support.example_history import history
from tests.support.generated import write_core, write_generated, write_specs
from tests.support.migrating import Project
from tests.support.project import copy_project
from tests.support.round_trip import RoundTrip
from tests.support.serving import serving
from tests.support.specs import PROJECT, spec
from tests.support.tables import TableMaker
from tests.support.tokens import SECRET

ROOT = Path(__file__).resolve().parents[2]

STATE = "state: {type: enum, values: [new, done], default: new, filter: true, sort: true}"
DOUBLE = "double: {type: bigint, computed: size * 2, stored: true, sort: true}"
NOTE = "resource: Note\nfields:\n  text: string\n  task: {type: ref, to: Task, nullable: true}\n"

SAFE = (
    {
        "task": spec(
            "title: {type: string, max_length: 20, filter: true, sort: true}",
            "size: {type: integer, ge: 0, le: 50}",
            "rule: {type: integer, default: 1, le: 9}",
            STATE,
            rest='checks: [{name: small, rule: "size < 40", message: Too big.}]\npage: {max: 50}\n',
        ),
        "project": PROJECT,
    },
    {
        "task": spec(
            "title: {type: string, max_length: 40, filter: true, sort: true, index: true}",
            "size: {type: integer, ge: 0, le: 90, sort: true, filter: true}",
            "rule: {type: integer, default: 1}",
            STATE.replace("new, done", "new, held, done"),
            "note: text?",
            "rank: {type: integer, ge: 1, default: 3, sort: true, filter: true}",
            "at: {type: datetime, default: now}",
            'tags: {type: list, of: string, default: ["a b"]}',
            "key: {type: uuid, default: generate}",
            "project: {type: ref, to: Project, nullable: true, on_delete: set_null, inverse: tasks, expand: true}",
            DOUBLE,
            rest="page: {max: 80}\nindexes: [[size, title]]\n",
        ),
        "project": PROJECT + "  summary: text?\n",
        "note": NOTE,
    },
)
"""Edits that break no client, and that are migrated first."""

MIGRATED_FIRST = (
    {"task": spec("title: string", "size: integer", "low: {type: decimal, precision: 6, scale: 2}"), "project": PROJECT},
    {"task": spec("title: string", "size: bigint", "low: {type: decimal, precision: 9, scale: 2, nullable: true}"), "project": PROJECT},
)
"""Edits that clients see, and that are migrated first all the same."""

DEPLOYED_FIRST = (
    {
        "task": spec(
            "title: {type: string, max_length: 40}",
            "size: {type: integer, le: 90}",
            "wide: bigint",
            "gone: text?",
            "rest: {type: integer, default: 1}",
            "maybe: integer?",
            STATE.replace("new, done", "new, held, done"),
            DOUBLE,
            "project: {type: ref, to: Project, nullable: true}",
        ),
        "project": PROJECT,
        "note": NOTE,
    },
    {
        "task": spec(
            "title: {type: string, max_length: 20, min_length: 2}",
            "size: {type: integer, le: 30}",
            "wide: integer",
            "maybe: {type: integer, default: 2}",
            STATE.replace("new, done", "new, done"),
            rest='checks: [{name: small, rule: "size < 20", message: Too big.}]\n',
        ),
        "project": PROJECT,
    },
)


GRADUAL = (
    {
        "task": spec(
            "title: {type: string, max_length: 40, filter: true, sort: true, search: true, unique: true}",
            "size: {type: integer, ge: 0, le: 90, default: 3, sort: true, filter: true}",
            "day: {type: date, nullable: true}",
            "number: {type: integer, ge: 0, le: 1000}",
            STATE,
            "project: {type: ref, to: Project, nullable: true, inverse: tasks, expand: true}",
            rest='checks: [{name: small, rule: "size < 80", message: Too big.}]\n',
        ),
        "project": PROJECT.replace("string", "{type: string, search: true}") + "soft_delete: true\n",
    },
    {
        "task": spec(
            "headline: {type: string, max_length: 40, filter: true, sort: true, search: true, unique: true, renamed_from: title}",
            "extent: {type: bigint, ge: 0, le: 90, default: 3, sort: true, filter: true, renamed_from: size}",
            "at: {type: datetime, nullable: true, renamed_from: day}",
            "number: {type: bigint, ge: 0, le: 1000}",
            STATE.replace("state: {", "phase: {renamed_from: state, "),
            "plan: {type: ref, to: Plan, renamed_from: project, nullable: true, inverse: tasks, expand: true}",
            rest='checks: [{name: small, rule: "extent < 80", message: Too big.}]\n',
        ),
        "plan": PROJECT.replace("string", "{type: string, search: true}").replace("Project", "Plan\nrenamed_from: Project")
        + "soft_delete: true\n",
    },
)
"""Other names and types, as `rowsmith db revision --gradual` brings them."""


def generated(root: Path, specs: dict[str, str]) -> Schema:
    """A project with its code."""
    write_core(root)
    write_specs(root, specs)
    return write_generated(root)


def run(schema: Schema, root: Path, project: Project, *, attack: bool = True) -> None:
    """The tests of an application, on a database."""
    with serving(project.database, root=root) as api:
        if attack:
            world = World(api.client, schema, lambda user, ttl: mint_token({}, SECRET, user, ttl))
            assert audit(world, targets_of(schema), lambda _number, _target: None).findings == ()
        trip = RoundTrip(api, schema, Document(api.client.get("/openapi.json").json()), most_rows=4)
        for resource in schema.resources:
            trip.run(resource)
        for resource in schema.resources:
            trip.end(resource)


@pytest.mark.parametrize("edit", [SAFE, MIGRATED_FIRST, DEPLOYED_FIRST], ids=["safe", "migrate first", "deploy first"])
def test_both_versions_work_in_the_order_that_is_named(
    edit: tuple[dict[str, str], dict[str, str]], tmp_path: Path, postgres: EmbeddedPostgres
) -> None:
    old, new = (generated(tmp_path / name, specs) for name, specs in zip(("old", "new"), edit, strict=True))
    findings = compare(surface(old), surface(new))
    found = forecast(old, new, findings)
    assert found.problems == () or edit is DEPLOYED_FIRST  # a value that goes needs another one
    assert found.order is (Order.DEPLOY_FIRST if edit is DEPLOYED_FIRST else Order.MIGRATE_FIRST)
    assert any(one.rule.severity is Severity.BREAKING for one in findings) is (edit is not SAFE)
    with new_database(postgres, tables=False) as database:
        project = Project(tmp_path / "migrated", database)
        shutil.copytree(tmp_path / "old", project.root)
        project.rowsmith("db", "revision")
        project.rowsmith("db", "upgrade")
        project.fill(30)
        if edit is not DEPLOYED_FIRST:
            write_specs(project.root, edit[1])
            project.rowsmith("db", "revision")
            project.rowsmith("db", "upgrade")
            run(old, tmp_path / "old", project)
        run(new, tmp_path / "new", project)


def test_both_versions_work_while_old_names_are_kept(tmp_path: Path, postgres: EmbeddedPostgres) -> None:
    old, new = (generated(tmp_path / name, specs) for name, specs in zip(("old", "new"), GRADUAL, strict=True))
    assert forecast(old, new, ()).order is Order.STEPS
    with new_database(postgres, tables=False) as database:
        project = Project(tmp_path / "migrated", database)
        shutil.copytree(tmp_path / "old", project.root)
        project.rowsmith("db", "revision")
        project.rowsmith("db", "upgrade")
        project.fill(30)
        write_specs(project.root, GRADUAL[1])
        project.rowsmith("db", "revision", "--gradual")
        assert forecast(old, new, (), revised=read_history(project.root).database).order is Order.MIGRATE_FIRST
        project.rowsmith("db", "upgrade")
        run(old, tmp_path / "old", project, attack=ALL)
        run(new, tmp_path / "new", project, attack=ALL)
        if ALL:
            project.rowsmith("db", "revision", "--finish")
            project.rowsmith("db", "upgrade")
            run(new, tmp_path / "new", project)


HISTORY = history()
BREAKING = {3, 4, 6}
"""The revisions of the example that give a field and a value of an enum another name, and drop a field."""
SAFE_REVISIONS = [number for number in range(2, len(HISTORY) + 1) if number not in BREAKING]
ALL = "ROWSMITH_TEST_ROWS" in os.environ
"""Whether all of them are tried (`make operations`), or the last one alone, without two thousand attacks."""


def without_purges(database: Database) -> dict[str, list[str]]:
    """The catalog without the functions that clean tables up, of which the models have the latest edition."""
    return {about: [fact for fact in facts if not fact.startswith("(purge_")] for about, facts in catalog(database).items()}


def test_the_history_is_that_of_all_revisions() -> None:
    assert len(HISTORY) == len(read_parents(ROOT))


@pytest.mark.parametrize("number", SAFE_REVISIONS if ALL else SAFE_REVISIONS[-1:])
def test_the_example_before_a_safe_revision_passes_its_tests_after_it(
    number: int, tmp_path: Path, postgres: EmbeddedPostgres, table_maker: TableMaker
) -> None:
    before, after = (as_files(trees) for trees in HISTORY[number - 2 : number])
    old, new = generated(tmp_path / "old", before), generated(tmp_path / "new", after)
    findings = compare(surface(old), surface(new))
    assert all(one.rule.severity is not Severity.BREAKING for one in findings)
    assert forecast(old, new, findings).order in {Order.MIGRATE_FIRST, Order.ANY}
    with new_database(postgres, tables=False) as database, new_database(postgres, tables=False) as models:
        project = Project(copy_project(tmp_path / "project"), database)
        project.rowsmith("db", "upgrade", list(read_parents(project.root))[number - 1])
        table_maker.make(tmp_path / "new", models.owner_dsn, APP_ROLE)
        compared = catalog if number == len(HISTORY) else without_purges
        assert compared(database) == compared(models)  # so that these are the specs that the revision was made of
        run(old, tmp_path / "old", project, attack=ALL)
