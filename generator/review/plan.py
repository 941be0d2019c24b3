"""Everything that an edit of the specs does, in one record, and the words that its printed forms share."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from datetime import date

from generator.compatibility.compare import Finding
from generator.compatibility.rules import Severity
from generator.compatibility.waivers import Waiver
from generator.ir import Span
from generator.migrations.impact import Lock, Order, Work
from generator.records import record
from generator.review.forecast import Forecast, Step

SIGNS = {"added": "+", "changed": "~", "removed": "-"}

_ONE_BY_ONE = "In steps: the lines marked so say how."
_DEPLOYMENT = {
    Order.ANY: "Migrate before or after the deployment.",
    Order.MIGRATE_FIRST: "Migrate first, then deploy: the running version works on the new tables.",
    Order.DEPLOY_FIRST: "Deploy first, then migrate: the new version works on the old tables, and the running one not on the new ones.",
    Order.STEPS: "In two changes: what is to be migrated first now, and the rest once that is deployed.",
}


@record
class Plan:
    """Everything that edits of the specs do.

    `files` says of each generated file that differs whether it is added, changed or removed. `revised` is whether the revisions of the
    project have all of it; None where the project has none.
    """

    against: str
    commit: str
    findings: tuple[Finding, ...]
    migration: Forecast
    revised: bool | None
    files: Mapping[str, str]
    waivers: Mapping[str, Waiver]
    today: date

    def waiver(self, finding: Finding) -> Waiver | None:
        """The waiver under which a change may happen today."""
        waiver = self.waivers.get(finding.fingerprint)
        return waiver if waiver is not None and waiver.until >= self.today else None

    @property
    def refused(self) -> tuple[Finding, ...]:
        """The breaking changes that no waiver allows."""
        return tuple(one for one in self.findings if one.rule.severity is Severity.BREAKING and self.waiver(one) is None)

    @property
    def harmless(self) -> tuple[Step, ...]:
        """The steps of the migration that need no attention."""
        return tuple(step for step in self.migration.steps if step.is_harmless)

    @property
    def notable(self) -> tuple[Step, ...]:
        """The steps of the migration that need attention, the most dangerous first."""
        return tuple(step for step in self.migration.steps if not step.is_harmless)


def summary(plan: Plan, code: str = "") -> str:
    """The plan in a line; `code` stands around the reference."""
    counts = [f"{number} {severity}" for severity in Severity if (number := sum(one.rule.severity is severity for one in plan.findings))]
    what = f"{', '.join(counts)} for clients" if counts else "nothing changes for clients"
    return f"Against {code}{plan.against}{code} ({plan.commit[:8]}): {what}"


def title(finding: Finding) -> str:
    """What changed."""
    what = finding.rule.id.replace("-", " ")
    return f"{finding.subject}: {what}" + (f" ({finding.detail})" if finding.detail else "")


def place(span: Span, plan: Plan, *, gone: bool) -> str:
    """Where it stands in the specs."""
    where = f"{span.path}:{span.line}"
    return f"{where} at {plan.against}" if gone else where


def outcome(findings: Sequence[Finding], plan: Plan) -> str:
    """What clients see of changes of one thing, and what is to be done about them."""
    said = [one.rule.sees for one in findings]
    for one in findings:
        waiver, expired = plan.waiver(one), plan.waivers.get(one.fingerprint)
        if waiver is not None:
            said.append(f"Waived until {waiver.until}: {waiver.reason}.")
        else:
            said.append(one.rule.advice)
            said += [f"Its waiver ended on {expired.until}."] if expired is not None else []
    open_ones = [one.fingerprint for one in findings if one in plan.refused and one.fingerprint not in plan.waivers]
    said += [f"Or waive {' and '.join(open_ones)}."] if open_ones else []
    return " ".join(dict.fromkeys(sentence for sentence in said if sentence))


def deployment(plan: Plan) -> str:
    """When the migration is run."""
    if any(step.impact.order is Order.STEPS for step in plan.migration.steps):
        return _ONE_BY_ONE
    return _DEPLOYMENT[plan.migration.order]


def danger(step: Step) -> str:
    """Why a step needs attention."""
    if step.consent is not None:
        return "loses data"
    if step.impact.rows:
        return "rows at risk"
    return "locks" if step.impact.lock is Lock.LONG else "order"


def effects(step: Step) -> str:
    """What a step does, and what is to be done about it."""
    parts = [step.impact.rows, "" if step.impact.work is Work.NONE else step.impact.work, step.impact.lock]
    told = "; ".join(part for part in parts if part)
    sentences = [f"{told[:1].upper()}{told[1:]}."]
    if step.impact.advice:
        sentences.append(step.impact.advice)
    if step.consent is not None:
        sentences.append(f"If that is meant: `--allow {shlex.quote(step.consent)}`.")
    return " ".join(sentences)


def to_revise(plan: Plan) -> str:
    """What is to be done so that the migration can be run; empty where nothing is."""
    if plan.migration.problems or plan.revised is not False:
        return ""
    consents = "".join(f" --allow {shlex.quote(step.consent)}" for step in plan.migration.steps if step.consent is not None)
    return f"rowsmith db revision{consents}"


def count(number: int, noun: str) -> str:
    """A number with its noun."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def listed(names: list[str], most: int = 3) -> str:
    """Some names, and how many more there are."""
    return ", ".join([*names[:most], *([f"{len(names) - most} more"] if len(names) > most else [])])
