"""What `rowsmith plan` prints: the changes that clients see and the files that change, as text, JSON or Markdown."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from generator.compatibility.compare import Finding
from generator.compatibility.rules import Severity
from generator.compatibility.waivers import Waiver
from generator.diagnostics import WIDTH

_SIGNS = {"added": "+", "changed": "~", "removed": "-"}


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that edits of the specs do. `files` says of each generated file that differs whether it is added, changed or removed."""

    against: str
    commit: str
    findings: tuple[Finding, ...]
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


def as_text(plan: Plan, *, color: bool = False) -> str:
    """The plan for a terminal of 80 columns."""
    lines = [_summary(plan), ""]
    for finding in plan.findings:
        title = "\n".join(_wrapped(f"{finding.rule.severity}: {_title(finding)}"))
        lines += [_colored(title, finding.rule.severity) if color else title, f"  {_place(finding, plan)}  {finding.rule.id}"]
        if finding.rule.severity is not Severity.SAFE:
            lines += _wrapped(f"{finding.rule.sees} {_outcome(finding, plan)}".strip(), indent="  ")
        lines.append("")
    if plan.files:
        lines += ["Generated files:", *(f"  {_SIGNS[how]} {path}" for path, how in plan.files.items()), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def as_markdown(plan: Plan) -> str:
    """The plan as a comment on a pull request: breaking changes and warnings in full, the rest folded away."""
    lines = [f"### {_summary(plan, code='`')}", ""]
    grave = [one for one in plan.findings if one.rule.severity is not Severity.SAFE]
    if grave:
        lines += ["| | change | what clients see, and what to do |", "|---|---|---|"]
        for one in grave:
            cells = (
                f"**{one.rule.severity}**",
                f"{_cell(_title(one))}<br>`{_place(one, plan)}`",
                _cell(f"{one.rule.sees} {_outcome(one, plan)}"),
            )
            lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    safe = [one for one in plan.findings if one.rule.severity is Severity.SAFE]
    lines += _folded(_count(len(safe), "safe change"), [f"- {_cell(_title(one))} (`{_place(one, plan)}`)" for one in safe])
    files = [f"- `{_SIGNS[how]} {path}`" for path, how in plan.files.items()]
    lines += _folded(_count(len(files), "generated file"), files)
    return "\n".join(lines).rstrip("\n") + "\n"


def as_json(plan: Plan) -> str:
    """The plan for programs."""
    findings = [
        {
            "rule": one.rule.id,
            "severity": one.rule.severity.value,
            "subject": one.subject,
            "detail": one.detail,
            "path": one.span.path,
            "line": one.span.line,
            "in": plan.against if one.gone else None,
            "clients": one.rule.sees,
            "advice": one.rule.advice or None,
            "fingerprint": one.fingerprint,
            "waived": waiver.reason if (waiver := plan.waiver(one)) else None,
        }
        for one in plan.findings
    ]
    files = [{"path": path, "change": how} for path, how in plan.files.items()]
    document = {"against": plan.against, "commit": plan.commit, "refused": len(plan.refused), "findings": findings, "files": files}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _summary(plan: Plan, code: str = "") -> str:
    counts = [f"{number} {severity}" for severity in Severity if (number := sum(one.rule.severity is severity for one in plan.findings))]
    what = f"{', '.join(counts)} for clients" if counts else "nothing changes for clients"
    return f"Against {code}{plan.against}{code} ({plan.commit[:8]}): {what}"


def _title(finding: Finding) -> str:
    what = finding.rule.id.replace("-", " ")
    return f"{finding.subject}: {what}" + (f" ({finding.detail})" if finding.detail else "")


def _place(finding: Finding, plan: Plan) -> str:
    where = f"{finding.span.path}:{finding.span.line}"
    return f"{where} at {plan.against}" if finding.gone else where


def _outcome(finding: Finding, plan: Plan) -> str:
    """What is to be done about a change."""
    waiver = plan.waiver(finding)
    if waiver is not None:
        return f"Waived until {waiver.until}: {waiver.reason}"
    if finding.rule.severity is not Severity.BREAKING:
        return finding.rule.advice
    expired = plan.waivers.get(finding.fingerprint)
    end = f"Its waiver ended on {expired.until}." if expired else f"Or waive {finding.fingerprint}."
    return f"{finding.rule.advice} {end}"


def _colored(title: str, severity: Severity) -> str:
    """The title with its severity in bold red, yellow or green."""
    number = {Severity.BREAKING: 31, Severity.WARNING: 33, Severity.SAFE: 32}[severity]
    return title.replace(severity, f"\x1b[1;{number}m{severity}\x1b[0m", 1)


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent or "  ", break_long_words=False, break_on_hyphens=False
    )


def _cell(text: str) -> str:
    """Text in a table of Markdown, as it stands: no sign of it means anything there."""
    return "".join(f"\\{sign}" if sign in "\\`*_{}[]<>#|~" else sign for sign in " ".join(text.split()))


def _folded(title: str, lines: Iterable[str]) -> list[str]:
    shown = list(lines)
    return ["<details>", f"<summary>{title}</summary>", "", *shown, "", "</details>", ""] if shown else []


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
