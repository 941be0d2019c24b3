"""Valid specs of every kind compile, render the same bytes each time, are clean Python, type-check, and serve their rows.

ROWSMITH_EXAMPLES multiplies the examples: 1 takes half a minute, 20 ten of them.
"""

from __future__ import annotations

import ast
import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from generator.diagnostics import render_text
from generator.embedded import EmbeddedPostgres
from generator.ir import Schema
from generator.naming import module_of
from generator.pipeline import compile_specs, load_schema
from generator.render import render
from tests.support.contract import Document
from tests.support.database import temporary_folder
from tests.support.generated import lint, rows_as_read, serving_project, type_check_all, write_core, write_generated, write_specs
from tests.support.round_trip import RoundTrip, same
from tests.support.strategies import projects

TIMES = int(os.environ.get("ROWSMITH_EXAMPLES", "1"))
SERVED = 3 * TIMES
DETERMINISTIC = settings(
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example, HealthCheck.filter_too_much],
)


def compiled(specs: dict[str, str]) -> Schema:
    """The schema; AssertionError with the diagnostics where there is none."""
    files = {f"resources/{module}.yaml": text.encode() for module, text in specs.items()}
    schema, diagnostics = compile_specs(files)
    assert schema is not None, render_text(diagnostics, lambda path: files[path].decode())
    return schema


def drawn(count: int) -> list[dict[str, str]]:
    """So many projects, the same ones in each run."""
    found: list[dict[str, str]] = []

    @settings(DETERMINISTIC, max_examples=count, phases=[Phase.generate])
    @given(projects())
    def collect(specs: dict[str, str]) -> None:
        found.append(specs)

    collect()
    return found[-count:]


@settings(DETERMINISTIC, max_examples=30 * TIMES)
@given(projects())
def test_valid_specs_render_the_same_python_each_time(specs: dict[str, str]) -> None:
    files = render(compiled(specs))
    assert render(compiled(dict(reversed(specs.items())))) == files
    for file in files:
        compile(file.text, file.path, "exec", ast.PyCF_ONLY_AST)


@settings(DETERMINISTIC, max_examples=15 * TIMES)
@given(projects(), st.data())
def test_a_change_of_one_spec_leaves_what_does_not_depend_on_it(specs: dict[str, str], data: st.DataObject) -> None:
    before = {file.path: file for file in render(compiled(specs))}
    changed = data.draw(st.sampled_from(sorted(specs)))
    text = specs[changed]
    line = "\nfields: {" if "\nfields: {" in text else "\nfields:"
    added = "zz_added: integer?, " if line.endswith("{") else "\n  zz_added: integer?"
    after = {file.path: file for file in render(compiled({**specs, changed: text.replace(line, f"{line}{added}", 1)}))}
    assert after.keys() == before.keys()
    assert [path for path in after if after[path] != before[path]] == [f"app/models/{module_of(changed)}.py"]


def test_ruff_and_pyright_find_nothing_in_what_valid_specs_give() -> None:
    with temporary_folder() as folder:
        roots: list[Path] = []
        for number, specs in enumerate(drawn(10 * TIMES)):
            root = folder / f"project_{number}"
            write_core(root)
            write_specs(root, specs)
            write_generated(root)
            assert lint(root) == "", specs
            roots.append(root)
        assert type_check_all(folder, roots) == ""


@pytest.mark.parametrize("number", range(SERVED))
def test_valid_specs_serve_their_rows(postgres: EmbeddedPostgres, number: int) -> None:
    specs = drawn(SERVED)[number]
    with temporary_folder() as root:
        write_core(root)
        write_specs(root, specs)
        write_generated(root)
        schema, _ = load_schema(root)
        assert schema is not None
        with serving_project(postgres, root) as api:
            trip = RoundTrip(api, schema, Document(api.client.get("/openapi.json").json()))
            for resource in schema.resources:
                trip.run(resource)
            rows = rows_as_read(root, api.database)
            for identifier, row in trip.stored().items():
                assert same(row, json.loads(rows[identifier]))
            for resource in schema.resources:
                trip.end(resource)
