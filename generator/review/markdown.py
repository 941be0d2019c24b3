"""A plan as a comment on a pull request: what needs attention in full, the rest folded away."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from generator.compatibility.rules import Severity
from generator.review.plan import (
    SIGNS,
    Plan,
    count,
    danger,
    deployment,
    effects,
    outcome,
    place,
    summary,
    title,
    to_revise,
)


def as_markdown(plan: Plan) -> str:
    """The plan: clients, database, code."""
    return "\n".join([f"### {summary(plan, code='`')}", "", *_clients(plan), *_migration(plan), *_folds(plan)]).rstrip("\n") + "\n"


def _clients(plan: Plan) -> Iterator[str]:
    grave = [one for one in plan.findings if one.rule.severity is not Severity.SAFE]
    if grave:
        yield from ("| | change | what clients see, and what to do |", "|---|---|---|")
    for (severity, span), together in itertools.groupby(grave, lambda one: (one.rule.severity, one.span)):
        several = list(together)
        first = several[0]
        what = "; ".join([title(first), *(title(one).removeprefix(f"{first.subject}: ") for one in several[1:])])
        where = place(span, plan, gone=first.gone)
        yield _row(f"**{severity}**", f"{_cell(what)}<br>`{where}`", _prose(outcome(several, plan)))
    if grave:
        yield ""


def _migration(plan: Plan) -> Iterator[str]:
    if not plan.migration.steps and not plan.migration.problems:
        return
    yield from (f"**Migration.** {deployment(plan)}", "")
    if plan.notable or plan.migration.problems:
        yield from ("| | operation | what happens, and what to do |", "|---|---|---|")
    for problem in plan.migration.problems:
        yield _row("**to settle**", _cell(problem.message), _prose(f"{problem.hint[:1].upper()}{problem.hint[1:]}."))
    for step in plan.notable:
        where = "" if step.span is None else f"<br>`{place(step.span, plan, gone=step.gone)}`"
        order = f"{step.impact.order[:1].upper()}{step.impact.order[1:]}."
        yield _row(f"**{danger(step)}**", f"{_cell(step.summary)}{where}", _prose(f"{order} {effects(step)}"))
    if plan.notable or plan.migration.problems:
        yield ""
    if command := to_revise(plan):
        yield from (f"No revision has it yet: `{command}`", "")


def _folds(plan: Plan) -> Iterator[str]:
    safe = [one for one in plan.findings if one.rule.severity is Severity.SAFE]
    changes = [f"- {_cell(title(one))} (`{place(one.span, plan, gone=one.gone)}`)" for one in safe]
    yield from _folded(count(len(safe), "safe change"), changes)
    steps = [f"- {_cell(step.summary)}" for step in plan.harmless]
    yield from _folded(f"{count(len(steps), 'harmless operation')} of the migration", steps)
    files = [f"- `{SIGNS[how]} {path}`" for path, how in plan.files.items()]
    yield from _folded(count(len(files), "generated file"), files)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    """Text in a table of Markdown, as it stands: no sign of it means anything there."""
    return "".join(f"\\{sign}" if sign in "\\`*_{}[]<>#|~" else sign for sign in " ".join(text.splitlines()))


def _prose(text: str) -> str:
    """The same for a text in which backticks stand around code."""
    parts = text.split("`")
    return "`".join(part.replace("|", "\\|") if number % 2 else _cell(part) for number, part in enumerate(parts))


def _folded(heading: str, lines: Iterable[str]) -> list[str]:
    shown = list(lines)
    return ["<details>", f"<summary>{heading}</summary>", "", *shown, "", "</details>", ""] if shown else []
