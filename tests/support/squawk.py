"""What squawk, a linter of migrations, finds in the SQL of revisions, under its default rules."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Exempt:
    """A rule that is wrong here: for which statements, and why."""

    rule: str
    statement: str  # a pattern
    reason: str


_ASKED_FOR = (
    "the spec says so, `db revision` asks for consent or `renamed_from`, and `plan` tells what clients see and the order of deployment"
)

EXEMPT = (
    Exempt("prefer-text-field", r"CREATE TABLE alembic_version", "Alembic's own table, whose ids never grow"),
    Exempt(
        "prefer-bigint-over-int",
        r"CREATE TABLE|ADD COLUMN|ALTER COLUMN",
        "a field is 32 bits wide where the spec says `integer`; `version` counts edits of a row",
    ),
    Exempt(
        "ban-drop-constraint",
        r'"\w+_new_"|DROP CONSTRAINT IF EXISTS|DROP CONSTRAINT "\w+_required_"',
        "a constraint is built beside the one whose place it takes, or the spec says it no more; IF EXISTS repeats an interrupted upgrade",
    ),
    Exempt(
        "renaming-object", r"RENAME CONSTRAINT|ALTER INDEX", "nothing but the revisions and the messages of the API goes by their names"
    ),
    Exempt("renaming-object", r"ALTER TABLE IF EXISTS \S+ RENAME TO", _ASKED_FOR),
    Exempt("renaming-table", r"RENAME TO", _ASKED_FOR),
    Exempt("renaming-column", r"RENAME COLUMN", _ASKED_FOR),
    Exempt("ban-drop-column", r"DROP COLUMN", _ASKED_FOR),
    Exempt("ban-drop-table", r"DROP TABLE", _ASKED_FOR),
    Exempt("ban-drop-function", r'DROP FUNCTION IF EXISTS "(search|purge)_', "nobody but the application of the same specs calls it"),
    Exempt("ban-drop-function", r'DROP FUNCTION IF EXISTS "\w+_twin_"', "nothing but the trigger calls it that has gone before"),
    Exempt("ban-drop-view", r"DROP VIEW", "it is the old name of a table, kept until `db revision --finish` is asked for"),
    Exempt("changing-column-type", r"ALTER COLUMN .* TYPE", "docs/migrations.md says what it costs, and `plan` before it is written"),
    Exempt("ban-drop-default", r"DROP DEFAULT", "it is set again in the new type by the same statement, or the spec has none any more"),
    Exempt("ban-drop-not-null", r"DROP NOT NULL", _ASKED_FOR),
    Exempt(
        "adding-field-with-default",
        r"GENERATED ALWAYS AS|gen_random_uuid",
        "a computed value has to be computed for the rows that are there; `plan` says that it rewrites them",
    ),
    Exempt(
        "adding-field-with-default",
        r"DEFAULT (-[\d.e+-]+(::double precision)?|\(now\(\) AT TIME ZONE 'UTC'\)::(date|time))( NOT NULL)?;",
        "a negative number is a constant, and so is the moment within a statement: PostgreSQL does not rewrite the table",
    ),
    Exempt(
        "prefer-robust-stmts",
        r"(ADD|RENAME|VALIDATE) CONSTRAINT|RENAME COLUMN|CREATE TABLE alembic_version",
        "PostgreSQL has no IF EXISTS for it; the step looks into the catalog before, or drops what an interrupted run has left",
    ),
    Exempt(
        "prefer-robust-stmts",
        r"ENABLE ROW LEVEL SECURITY|(SET|DROP) (DEFAULT|NOT NULL)|ALTER COLUMN .* TYPE|ALTER TABLE IF EXISTS \S+ RENAME TO",
        "it can be repeated as it is",
    ),
)


def findings(sql: str) -> list[str]:
    """What squawk finds, but for `EXEMPT`: each with its rule and the statement."""
    squawk = Path(sys.executable).with_name("squawk")
    answer = subprocess.run(
        [squawk, "--pg-version", "18", "--reporter", "json", "--stdin-filepath", "revision.sql"],
        input=sql,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert answer.returncode in {0, 1}, answer.stderr
    lines = sql.splitlines()
    found: list[str] = []
    for one in json.loads(answer.stdout):
        statement = _statement(lines, one["line"])
        if not any(one["rule_name"] == exempt.rule and re.search(exempt.statement, statement, re.DOTALL) for exempt in EXEMPT):
            found.append(f"{one['rule_name']}: {one['message']}\n  {statement}")
    return found


def _statement(lines: list[str], line: int) -> str:
    """The statement that a line is in."""
    first = line
    while first > 0 and lines[first - 1].strip():
        first -= 1
    last = line
    while last < len(lines) - 1 and lines[last].strip():
        last += 1
    return "\n".join(lines[first : last + 1]).strip()
