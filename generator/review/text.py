"""A plan for a terminal of 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from generator.compatibility.rules import Severity
from generator.diagnostics import WIDTH
from generator.review.plan import (
    SIGNS,
    Plan,
    count,
    danger,
    deployment,
    effects,
    listed,
    outcome,
    place,
    summary,
    title,
    to_revise,
)

_RED, _YELLOW, _GREEN = 31, 33, 32
_COLORS = {Severity.BREAKING: _RED, Severity.WARNING: _YELLOW, Severity.SAFE: _GREEN, "loses data": _RED}


def as_text(plan: Plan, *, color: bool = False) -> str:
    """The plan: clients, database, code."""
    lines = [summary(plan), "", *_clients(plan, color), *_migration(plan, color)]
    if plan.files:
        lines += ["Generated files:", *(f"  {SIGNS[how]} {path}" for path, how in plan.files.items()), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _clients(plan: Plan, color: bool) -> Iterator[str]:
    for finding in plan.findings:
        yield _headed(finding.rule.severity, title(finding), color)
        yield f"  {place(finding.span, plan, gone=finding.gone)}  {finding.rule.id}"
        if finding.rule.severity is not Severity.SAFE:
            yield from _wrapped(outcome([finding], plan), indent="  ")
        yield ""


def _migration(plan: Plan, color: bool) -> Iterator[str]:
    if not plan.migration.steps and not plan.migration.problems:
        return
    yield from _wrapped(f"Migration of {count(len(plan.migration.steps), 'operation')}. {deployment(plan)}")
    yield ""
    for problem in plan.migration.problems:
        yield _headed("to settle", problem.message, color)
        yield from _wrapped(f"{problem.hint[:1].upper()}{problem.hint[1:]}.", indent="  ")
        yield ""
    for step in plan.notable:
        yield _headed(danger(step), step.summary, color)
        where = "" if step.span is None else f"{place(step.span, plan, gone=step.gone)}  "
        yield f"  {where}{step.impact.order}"
        yield from _wrapped(effects(step), indent="  ")
        yield ""
    if plan.harmless:
        told = f"harmless: {listed([step.summary for step in plan.harmless])}"
        yield from _wrapped(told)
        yield ""
    if command := to_revise(plan):
        yield from _wrapped(f"No revision has it yet: {command}")
        yield ""


def _headed(kind: str, text: str, color: bool) -> str:
    """A heading with its kind in bold colour."""
    lines = "\n".join(_wrapped(f"{kind}: {text}"))
    return lines.replace(kind, f"\x1b[1;{_COLORS.get(kind, _YELLOW)}m{kind}\x1b[0m", 1) if color else lines


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent or "  ", break_long_words=False, break_on_hyphens=False
    )
