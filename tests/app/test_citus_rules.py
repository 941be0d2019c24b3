"""Every statement and every table keeps to what Citus can distribute by `user_id` (docs/scaling.md), whatever the specs.

ROWSMITH_EXAMPLES multiplies the projects that are drawn.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from generator.embedded import EmbeddedPostgres
from tests.support.citus import Rules
from tests.support.database import temporary_folder
from tests.support.generated import run_python, write_core, write_generated, write_specs
from tests.support.project import rowsmith
from tests.support.strategies import projects

ROOT = Path(__file__).resolve().parents[2]
COLLECT = str(ROOT / "tests" / "support" / "sql_of_project.py")
DRAWN = int(os.environ.get("ROWSMITH_EXAMPLES", "1"))

PURGE = "function purge_"
"""What deletes kept answers and deleted rows that have had their time, owner by owner: no request calls it."""

SEARCHES = "function search_"
"""What looks words up has a statement of its own, which Citus does not run within another one. There a `q` is written out instead
(docs/decisions/0006)."""


def specs_in(folder: Path) -> dict[str, str]:
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.yaml"))}


def drawn() -> list[dict[str, str]]:
    """Some projects, the same ones in each run."""
    found: list[dict[str, str]] = []

    @settings(
        derandomize=True,
        database=None,
        deadline=None,
        max_examples=DRAWN,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    )
    @given(projects())
    def collect(specs: dict[str, str]) -> None:
        found.append(specs)

    collect()
    return found[-DRAWN:]


@pytest.fixture(scope="module")
def rules(postgres: EmbeddedPostgres) -> Rules:
    """The rules, with PostgreSQL's own word on its functions: the least steady one of a name counts."""
    query = "SELECT proname, max(provolatile::text) FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace GROUP BY 1"
    return Rules(dict(line.split("|") for line in postgres.execute("postgres", query).splitlines()))


CASES = ROOT / "tests" / "cases"
FOLDERS = {"example": ROOT / "resources", **{path.name: path / "resources" for path in sorted(CASES.iterdir()) if path.is_dir()}}


@pytest.fixture(scope="module", params=[*FOLDERS, *range(DRAWN)])
def project(request: pytest.FixtureRequest) -> Generator[Path]:
    """A project made from specs: the example's, those of tests/cases, and some that are drawn."""
    specs = drawn()[request.param] if isinstance(request.param, int) else specs_in(FOLDERS[request.param])
    with temporary_folder() as root:
        write_core(root)
        write_specs(root, specs)
        write_generated(root)
        yield root


def test_statements_and_tables_keep_the_rules(rules: Rules, project: Path) -> None:
    found = json.loads(run_python(project, COLLECT))
    assert len(found["statements"]) > 10
    for sql, owner in found["statements"].items():
        assert rules.of_statement(sql, owner) == [], sql
    problems = rules.of_changes_to_tables(found["schema"])
    assert {problem for problem in problems if not problem.startswith((SEARCHES, PURGE))} == set()


def test_revisions_keep_the_rules(rules: Rules, project: Path, postgres: EmbeddedPostgres) -> None:
    made = rowsmith(project, "db", "revision")
    assert made.returncode == 0, made.stderr
    printed = rowsmith(project, "db", "upgrade", "--sql", DATABASE_URL=postgres.dsn())
    assert printed.returncode == 0, printed.stderr
    problems = rules.of_changes_to_tables([printed.stdout])
    alembic = {problem for problem in problems if problem.startswith("alembic_version")}  # Alembic's own table, of no user
    assert {problem for problem in problems if not problem.startswith((SEARCHES, PURGE))} == alembic


OWNED = "SELECT set_config('app.user_id', $1, true)"
BROKEN_STATEMENTS = {
    "two statements": "SELECT 1; SELECT 2",
    "no owner": "SELECT id FROM tasks WHERE id = $1",
    "a value that is not the owner's": f"WITH o AS ({OWNED}) SELECT id FROM tasks WHERE user_id = $2",
    "owner or": f"WITH o AS ({OWNED}) SELECT id FROM tasks WHERE user_id = $1 OR true",
    "another one's": f"WITH o AS ({OWNED}) SELECT 1 FROM tasks, projects p WHERE p.user_id = $1",
    "a join": f"WITH o AS ({OWNED}) SELECT 1 FROM tasks t JOIN projects p ON p.id = t.project_id WHERE t.user_id = $1",
    "an outer join": f"WITH o AS ({OWNED}) SELECT 1 FROM tasks t LEFT JOIN projects p ON p.user_id = $1 WHERE t.user_id = $1",
    "a subquery": f"WITH o AS ({OWNED}) SELECT 1 FROM tasks WHERE user_id = $1 AND project_id IN (SELECT id FROM projects)",
    "a lateral": f"WITH o AS ({OWNED}) SELECT 1 FROM o, LATERAL (SELECT 1 FROM tasks) AS t",
    "a union": f"WITH o AS ({OWNED}) SELECT 1 FROM tasks WHERE user_id = $1 UNION ALL SELECT 1 FROM tasks",
    "a table named like its expression": f"WITH o AS ({OWNED}), tasks AS (SELECT 1 FROM tasks) SELECT 1 FROM tasks",
    "an insert": f"WITH o AS ({OWNED}) INSERT INTO tasks (user_id, id) VALUES ($2, $1)",
    "an upsert by id": f"WITH o AS ({OWNED}) INSERT INTO tasks (user_id, id) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING",
    "an upsert with now": f"WITH o AS ({OWNED}) INSERT INTO tasks (user_id, id) VALUES ($1, $2) ON CONFLICT (user_id, id)"
    " DO UPDATE SET updated_at = now()",
    "an upsert with current_timestamp": f"WITH o AS ({OWNED}) INSERT INTO tasks (user_id, id) VALUES ($1, $2) ON CONFLICT (user_id, id)"
    " DO UPDATE SET updated_at = CURRENT_TIMESTAMP",
    "an upsert that moves": f"WITH o AS ({OWNED}) INSERT INTO tasks (user_id, id) VALUES ($1, $2) ON CONFLICT (user_id, id)"
    " DO UPDATE SET user_id = excluded.user_id",
    "an update that moves": f"WITH o AS ({OWNED}), c AS (UPDATE tasks SET user_id = $2 WHERE user_id = $1) SELECT 1",
    "a volatile update": f"WITH o AS ({OWNED}) UPDATE tasks SET id = gen_random_uuid() WHERE user_id = $1",
    "a volatile condition": f"WITH o AS ({OWNED}) DELETE FROM tasks WHERE user_id = $1 AND random() < 0.5",
    "a stable function of a column": f"WITH o AS ({OWNED}) UPDATE tasks SET title = to_char(due_at, 'YYYY') WHERE user_id = $1",
    "now in RETURNING": f"WITH o AS ({OWNED}) UPDATE tasks SET title = 'x' WHERE user_id = $1 RETURNING now()",
    "an update of another's": f"WITH o AS ({OWNED}) UPDATE tasks SET title = 'x' FROM projects p WHERE tasks.user_id = $1",
}

TABLE = "CREATE TABLE t (user_id text NOT NULL, id uuid, CONSTRAINT pk PRIMARY KEY (user_id, id), {})"
LONG = "x" * 51
BROKEN_TABLES = {
    "no owner": "CREATE TABLE t (id uuid, CONSTRAINT pk PRIMARY KEY (id))",
    "a nullable owner": "CREATE TABLE t (user_id text, id uuid, CONSTRAINT pk PRIMARY KEY (user_id, id))",
    "an owner of another type": "CREATE TABLE t (user_id uuid NOT NULL, id uuid, CONSTRAINT pk PRIMARY KEY (user_id, id))",
    "id first": "CREATE TABLE t (user_id text NOT NULL, id uuid, CONSTRAINT pk PRIMARY KEY (id, user_id))",
    "unique alone": TABLE.format("CONSTRAINT u UNIQUE (name)"),
    "a unique column": TABLE.format("name text UNIQUE"),
    "a short reference": TABLE.format("CONSTRAINT f FOREIGN KEY (p_id) REFERENCES p (id)"),
    "set null": TABLE.format("CONSTRAINT f FOREIGN KEY (user_id, p_id) REFERENCES p (user_id, id) ON DELETE SET NULL"),
    "restrict": TABLE.format("CONSTRAINT f FOREIGN KEY (user_id, p_id) REFERENCES p (user_id, id) ON DELETE RESTRICT"),
    "on update": TABLE.format("CONSTRAINT f FOREIGN KEY (user_id, p_id) REFERENCES p (user_id, id) ON UPDATE CASCADE"),
    "an exclusion of all users": TABLE.format("CONSTRAINT e EXCLUDE USING gist (during WITH &&)"),
    "serial": TABLE.format("n bigserial"),
    "identity": TABLE.format("n bigint GENERATED ALWAYS AS IDENTITY"),
    "a sequence": TABLE.format("n bigint DEFAULT nextval('s')"),
    "a long table": f"CREATE TABLE {LONG} (user_id text NOT NULL, CONSTRAINT pk PRIMARY KEY (user_id))",
    "a long constraint": TABLE.format(f"CONSTRAINT {LONG} CHECK (true)"),
    "a long index": f"CREATE INDEX {LONG} ON t (user_id)",
    "a unique index": "CREATE UNIQUE INDEX i ON t (id)",
    "a unique index as a constraint": "CREATE UNIQUE INDEX i ON t (id); ALTER TABLE t ADD CONSTRAINT i UNIQUE USING INDEX i",
    "a constraint that is added": "ALTER TABLE t ADD CONSTRAINT u UNIQUE (id)",
    "a column that is added": "ALTER TABLE t ADD COLUMN n serial",
    "another type of owner": "ALTER TABLE t ALTER COLUMN user_id TYPE varchar",
    "force": "ALTER TABLE t FORCE ROW LEVEL SECURITY",
    "a policy with a subquery": "CREATE POLICY p ON t USING (user_id = (SELECT current_setting('app.user_id', true)))",
    "a policy that checks by a subquery": "CREATE POLICY p ON t USING (true) WITH CHECK (user_id IN (SELECT 'a'))",
    "a policy in a block": "DO $$BEGIN DROP POLICY p ON t; CREATE POLICY p ON t USING (user_id IN (SELECT 'a')); END$$",
    "an enum": "CREATE TYPE colour AS ENUM ('red')",
    "a trigger": "CREATE TRIGGER g BEFORE INSERT ON t EXECUTE FUNCTION f()",
    "a function": "CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "a rename of a constraint": "ALTER TABLE t RENAME CONSTRAINT a TO b",
    "a long new name": f"ALTER TABLE t RENAME TO {LONG}",
}


@pytest.mark.parametrize("sql", BROKEN_STATEMENTS.values(), ids=BROKEN_STATEMENTS)
def test_a_statement_that_breaks_a_rule_is_noticed(rules: Rules, sql: str) -> None:
    assert len(rules.of_statement(sql)) == 1


ALONE = [
    BROKEN_STATEMENTS["no owner"],
    "SELECT id FROM tasks",
    "SELECT id FROM tasks WHERE user_id = $2",
    "INSERT INTO tasks (user_id, project_id) VALUES ($1, (SELECT id FROM projects WHERE user_id = $1))",
]


@pytest.mark.parametrize("sql", ALONE)
def test_a_statement_for_citus_that_breaks_a_rule_is_noticed(rules: Rules, sql: str) -> None:
    assert rules.of_statement("SELECT id FROM tasks WHERE user_id = $1", 1) == []
    assert len(rules.of_statement(sql, 1)) == 1


@pytest.mark.parametrize("sql", BROKEN_TABLES.values(), ids=BROKEN_TABLES)
def test_a_table_that_breaks_a_rule_is_noticed(rules: Rules, sql: str) -> None:
    assert len(set(rules.of_changes_to_tables([sql]))) in {1, 2}  # an index, and the constraint made from it
