"""A plan for programs."""

from __future__ import annotations

import json
from typing import Any

from generator.compatibility.compare import Finding
from generator.review.forecast import Step
from generator.review.plan import Plan


def as_json(plan: Plan) -> str:
    """The plan as JSON."""
    document = {
        "against": plan.against,
        "commit": plan.commit,
        "refused": len(plan.refused),
        "findings": [_finding(one, plan) for one in plan.findings],
        "migration": {
            "order": plan.migration.order,
            "revised": plan.revised,
            "operations": [_step(one, plan) for one in plan.migration.steps],
            "problems": [{"message": one.message, "hint": one.hint} for one in plan.migration.problems],
        },
        "files": [{"path": path, "change": how} for path, how in plan.files.items()],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _finding(one: Finding, plan: Plan) -> dict[str, Any]:
    waiver = plan.waiver(one)
    return {
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
        "waived": None if waiver is None else waiver.reason,
    }


def _step(one: Step, plan: Plan) -> dict[str, Any]:
    return {
        "operation": one.summary,
        "path": None if one.span is None else one.span.path,
        "line": None if one.span is None else one.span.line,
        "in": plan.against if one.gone else None,
        "lock": one.impact.lock,
        "work": one.impact.work,
        "rows": one.impact.rows or None,
        "order": one.impact.order,
        "advice": one.impact.advice or None,
        "consent": one.consent,
    }
