"""What the migration of an edit does to a live database, operation by operation, the most dangerous first."""

from __future__ import annotations

from collections.abc import Iterable

from generator.compatibility.compare import Finding
from generator.ir import Reference, Schema, Span
from generator.migrations.change import Change, at_once
from generator.migrations.consent import ambiguities
from generator.migrations.database import FIRST, Database, database_of
from generator.migrations.diff import Problem
from generator.migrations.editions import Editions
from generator.migrations.gradual import gradually
from generator.migrations.impact import Direction, Impact, Lock, Order, Work, impact_of
from generator.migrations.operations import AddColumn, AddConstraint, DropConstraint, Operation, consent_of
from generator.migrations.places import place_of
from generator.migrations.renames import Renames, renamed, renames_of
from generator.records import record

NOTHING = Database()

_TIGHTER = {
    "constraint-tightened",
    "check-added",
    "check-changed",
    "unique-added",
    "unique-changed",
    "body-value-removed",
    "body-type-changed",
    "on-delete-changed",
}
_LOOSER = {"constraint-loosened", "check-removed", "unique-removed", "body-value-added"}


@record
class Step:
    """One operation: what it does, and where in the specs it comes from (`gone`: in the old ones)."""

    summary: str
    impact: Impact
    consent: str | None
    span: Span | None
    gone: bool = False

    @property
    def is_harmless(self) -> bool:
        """Whether nobody waits for long, no row is at risk, and it can be run before the new version is deployed."""
        quick = self.impact.lock is not Lock.LONG and self.impact.work is not Work.UPDATE
        return quick and not self.impact.rows and self.impact.order in {Order.ANY, Order.MIGRATE_FIRST}


@record
class Forecast:
    """The steps of the migration, and what has to be settled before there can be a revision."""

    steps: tuple[Step, ...]
    problems: tuple[Problem, ...]

    @property
    def order(self) -> Order:
        """When the migration is run as a whole; STEPS where parts of it want different times."""
        orders = {step.impact.order for step in self.steps} - {Order.ANY}
        if len(orders) > 1:
            return Order.STEPS
        return next(iter(orders), Order.ANY)


def forecast(
    before: Schema,
    after: Schema,
    findings: Iterable[Finding],
    editions: tuple[Editions, Editions] = (FIRST, FIRST),
    revised: Database = NOTHING,
) -> Forecast:
    """The migration from one version of the specs to another.

    `findings` are those of the API (they say what a constraint lets through), `editions` those of what guards rows, before and after, and
    `revised` is what the revisions lead to: where it keeps old names, they rename gradually.
    """
    old, new = database_of(before, editions[0]), database_of(after, editions[1])
    renames = renames_of(after, old)
    found = _change(old, new, renames, revised)
    rules: dict[str, set[str]] = {}
    for one in findings:
        rules.setdefault(one.subject, set()).add(one.rule.id)
    types = {(table.name, column.name): column.type for table in renamed(old, new, renames).tables for column in table.columns}
    columns = {(one.table, one.column.name): one.column for one in found.upgrade if isinstance(one, AddColumn)}
    changed = {one.constraint.name for one in found.upgrade if isinstance(one, AddConstraint)}
    steps: list[Step] = []
    for one in found.upgrade:
        impact = impact_of(one, types, columns, _direction(one, before, after, rules, changed))
        steps.append(_step(one, impact, before, after))
    return Forecast(tuple(sorted(steps, key=_danger)), (*found.problems, *ambiguities(found.upgrade, ())))


def _change(old: Database, new: Database, renames: Renames, revised: Database) -> Change:
    """The migration, gradual where a revision has made it so."""
    names = {one.twins.old.name for one in revised.kept} | {view.name for view in revised.views}
    if names.intersection(column.name for table in old.tables for column in (table, *table.columns)):
        beside = gradually(old, new, renames, {})
        if not beside.problems:
            return beside
    return at_once(old, new, renames, {})


def _step(operation: Operation, impact: Impact, before: Schema, after: Schema) -> Step:
    place = place_of(operation, after)
    if place is None:
        return Step(operation.summary, impact, consent_of(operation), place_of(operation, before), gone=True)
    return Step(operation.summary, impact, consent_of(operation), place)


def _danger(step: Step) -> tuple[bool, bool, bool, int]:
    """What loses data first, then what rows can stop, what makes others wait, and what needs an order."""
    order = [Order.STEPS, Order.DEPLOY_FIRST, Order.MIGRATE_FIRST, Order.ANY]
    return step.consent is None, not step.impact.rows, step.impact.lock is not Lock.LONG, order.index(step.impact.order)


def _direction(operation: Operation, before: Schema, after: Schema, rules: dict[str, set[str]], changed: set[str]) -> Direction:
    """What a constraint that comes, goes or changes does to what may be written."""
    match operation:
        case AddConstraint():
            name, schema = operation.constraint.name, after
        case DropConstraint() if operation.name not in changed:
            name, schema = operation.name, before
        case _:
            return Direction.SAME
    found = rules.get(_subject(operation.table, name, schema), set())
    tighter, looser = bool(found & _TIGHTER), bool(found & _LOOSER)
    if tighter and looser:
        return Direction.BOTH
    return Direction.TIGHTER if tighter else Direction.LOOSER if looser else Direction.SAME


def _subject(table: str, name: str, schema: Schema) -> str:
    """What findings call the thing that a constraint is about."""
    for resource in schema.resources:
        if resource.plural != table:
            continue
        for check in resource.checks:
            if check.name == name:
                return f"{resource.name} {check.rule_name}" if check.rule_name is not None else f"{resource.name}.{check.column}"
        for unique in resource.unique:
            if unique.name == name:
                return f"{resource.name} ({', '.join(unique.columns)})"
        for field in resource.fields:
            if isinstance(field.type, Reference) and field.type.constraint == name:
                return f"{resource.name}.{field.column}"
    return ""
