"""Projects made from any specs, as `rowsmith init` and `rowsmith generate` make them: linted, type-checked and served."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from generator.diagnostics import render_text
from generator.embedded import APP_ROLE, EmbeddedPostgres
from generator.hooks import stubs
from generator.ir import Schema
from generator.pipeline import compile_project
from generator.scaffold import core_files
from tests.support.database import Database, new_database
from tests.support.project import environment
from tests.support.serving import Api, serving

ROOT = Path(__file__).resolve().parents[2]

GENERATED = ("app/models", "app/routes", "app/extensions")
"""What the compiler writes into a project."""

CREATE_TABLES = "import asyncio, sys; from app.db.schema import create_schema; asyncio.run(create_schema(*sys.argv[1:]))"

READ_ROWS = """
import asyncio, json, sys
import asyncpg
import app.models
from app.db.table import OwnedTable

async def main(dsn):
    connection = await asyncpg.connect(dsn)
    await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
    answers = {}
    for table in OwnedTable.__subclasses__():
        read = getattr(sys.modules[table.__module__], table.__name__ + "Read")
        computed = "".join(', %s AS "%s"' % (label.element, label.name) for label in table.__computed__)
        for record in await connection.fetch('SELECT *%s FROM "%s"' % (computed, table.__tablename__)):
            row = {name: record[name] for name in read.model_fields}
            answers[str(record["id"])] = read.model_validate(row).model_dump_json()
    print(json.dumps(answers))

asyncio.run(main(sys.argv[1]))
"""


def write_specs(root: Path, specs: Mapping[str, str]) -> None:
    """Write specs by module (`task`) into resources/, in place of those that are there."""
    folder = root / "resources"
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.yaml"):
        path.unlink()
    for module, text in specs.items():
        (folder / f"{module}.yaml").write_text(text, encoding="utf-8")


def write_core(root: Path) -> None:
    """Copy the core of the application, as `rowsmith init` does."""
    for path, data in core_files().items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)


def write_generated(root: Path) -> Schema:
    """Compile the specs of a project and write what `rowsmith generate` would; AssertionError when they have an error."""
    build = compile_project(root)
    assert build.schema is not None, render_text(build.diagnostics, lambda path: (root / path).read_text(encoding="utf-8"))
    for file in build.files:
        (root / file.path).parent.mkdir(parents=True, exist_ok=True)
        (root / file.path).write_text(file.text, encoding="utf-8")
    for path, (text, _) in stubs(build.schema).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return build.schema


def lint(root: Path) -> str:
    """What ruff finds in the generated code under this repository's own rules, its format included; empty when nothing."""
    ruff = [sys.executable, "-m", "ruff"]
    settings = ["--config", str(ROOT / "pyproject.toml"), "--no-cache"]
    return _output([*ruff, "check", *settings, "--quiet", "--output-format=concise", *GENERATED], root) + _output(
        [*ruff, "format", *settings, "--quiet", "--diff", *GENERATED], root
    )


def type_check(root: Path) -> str:
    """What pyright finds in the generated code in strict mode; empty when nothing."""
    return type_check_all(root, [root])


def type_check_all(folder: Path, roots: Sequence[Path]) -> str:
    """What pyright finds in the generated code of several projects within a folder, each of them with a package `app` of its own."""
    settings = {
        "include": [str((root / path).relative_to(folder)) for root in roots for path in GENERATED if (root / path).exists()],
        "executionEnvironments": [{"root": str(root.relative_to(folder)), "extraPaths": [str(root.relative_to(folder))]} for root in roots],
        "typeCheckingMode": "strict",
        "pythonVersion": "3.13",
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--outputjson", "-p", "pyrightconfig.json"]
    report = json.loads(subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=1800).stdout)
    assert report["summary"]["filesAnalyzed"] > 0
    return "\n".join(
        f"{Path(found['file']).relative_to(folder.resolve())}:{found['range']['start']['line'] + 1}: {found['message']}"
        for found in report["generalDiagnostics"]
    )


def _output(command: list[str], root: Path) -> str:
    result = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=120)
    assert result.returncode in {0, 1}, result.stderr
    return result.stdout + (result.stderr if result.returncode else "")


def run_python(root: Path, *arguments: str) -> str:
    """The output of Python in a project, with every warning an error; AssertionError when it fails."""
    result = subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        cwd=root,
        env=environment(PYTHONPATH=str(root)),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@contextmanager
def serving_project(server: EmbeddedPostgres, root: Path, **settings: str) -> Generator[Api]:
    """Serve a project on a database of its own, with its tables."""
    with new_database(server, tables=False) as database:
        run_python(root, "-c", CREATE_TABLES, database.owner_dsn, APP_ROLE)
        with serving(database, root=root, **settings) as api:
            yield api


def rows_as_read(root: Path, database: Database) -> dict[str, Any]:
    """Every stored row by its id, as the JSON text that its Read schema makes of the database's own values."""
    return json.loads(run_python(root, "-c", READ_ROWS, database.superuser_dsn))
