"""The code of docs/extending.md: each section is a project of its own, which is checked, type-checked, served and asked."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from generator.codes import CODES
from generator.embedded import EmbeddedPostgres
from generator.hooks import SIGNATURES
from tests.support.database import new_database
from tests.support.pages import ROOT, Block, Replay, blocks, exchanges
from tests.support.project import copy_project, rowsmith
from tests.support.serving import Api, serving

PAGE = ROOT / "docs" / "extending.md"


@dataclass(frozen=True, slots=True)
class Section:
    """A section that shows code."""

    name: str
    code: Block
    yaml: Block | None
    console: Block | None

    def __str__(self) -> str:
        return self.name

    @property
    def path(self) -> str:
        """Where the code belongs, which its first line says."""
        return self.code.text.splitlines()[0].removeprefix("# ")

    def written(self, folder: Path) -> Path:
        """The example with the section's code in it."""
        root = copy_project(folder)
        (root / self.path).write_text(self.code.text, encoding="utf-8")
        return root

    def project(self, folder: Path) -> Path:
        """The example with the section's code in it, generated."""
        root, hooks = self.written(folder), self.hooks()
        if hooks:
            assert self.yaml is not None
            assert self.yaml.text == f"hooks: [{', '.join(hooks)}]\n"
            spec = root / "resources" / Path(self.path).with_suffix(".yaml").name
            text = re.sub(r"^hooks: .*\n", "", spec.read_text(encoding="utf-8"), flags=re.MULTILINE)
            spec.write_text(text + self.yaml.text, encoding="utf-8")
            run = rowsmith(root, "generate")
            assert run.returncode == 0, run.stderr
        return root

    def hooks(self) -> list[str]:
        """The hooks that the code defines."""
        return [node.name for node in ast.parse(self.code.text).body if isinstance(node, ast.AsyncFunctionDef) and node.name in SIGNATURES]


def _sections() -> list[Section]:
    found: list[Section] = []
    for code in blocks(PAGE, "python"):
        others = {block.language: block for block in blocks(PAGE, "yaml", "console") if block.section == code.section}
        found.append(Section(code.section, code, others.get("yaml"), others.get("console")))
    return found


SECTIONS = _sections()
SOUND = [section for section in SECTIONS if "stale" not in section.code.words]


@pytest.mark.parametrize("section", SOUND, ids=str)
def test_the_code_passes_check_and_does_what_the_text_says(section: Section, postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    root = section.project(tmp_path / "project")
    checked = rowsmith(root, "check")
    assert checked.returncode == 0, checked.stderr
    with new_database(postgres) as database, serving(database, PYTHONPATH=str(root)) as api:
        asked = [exchange for exchange in exchanges(PAGE) if exchange.block.section == section.name]
        replay = Replay(api)
        for exchange in asked:
            replay.run(exchange)
        if section.hooks() == ["after_commit"]:
            _comment_is_logged(api)
        else:
            assert asked


def _comment_is_logged(api: Api) -> None:
    task = api.call("demo", "POST", "/api/demo/tasks", json={"title": "Book the van"}).json()["id"]
    comment = api.call("demo", "POST", "/api/demo/comments", json={"task_id": task, "body": "Done"}).json()["id"]
    assert f"create of comment {comment}" in api.log.read_text()


@pytest.mark.slow
def test_the_code_has_the_types_it_says(tmp_path: Path) -> None:
    roots = [section.written(tmp_path / f"project{number}") for number, section in enumerate(SOUND)]
    settings = {
        "include": [f"{root.name}/app/extensions" for root in roots],
        "typeCheckingMode": "strict",
        "pythonVersion": "3.13",
        "executionEnvironments": [{"root": root.name} for root in roots],
    }
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "-p", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_a_stale_hook_is_found_as_shown(tmp_path: Path, update: bool) -> None:
    section = next(section for section in SECTIONS if "stale" in section.code.words)
    assert section.console is not None
    root = section.project(tmp_path / "project")
    run = rowsmith(root, "check")
    assert run.returncode == 1
    printed = f"$ rowsmith check\n{run.stdout}{run.stderr}"
    if update:
        PAGE.write_text(PAGE.read_text(encoding="utf-8").replace(section.console.text, printed), encoding="utf-8")
    else:
        assert printed == section.console.text


def test_the_signatures_are_the_compilers() -> None:
    rows = re.findall(r"^\| `(\w+)` \| [^|]*\| `(.*)` \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    expected = {
        name: ", ".join(f"{parameter}: {annotation.format(row='Task')}" for parameter, annotation in signature.parameters)
        for name, signature in SIGNATURES.items()
    }
    assert dict(rows) == expected


def test_the_findings_about_hooks_are_listed() -> None:
    listed = re.findall(r"^\| (RS\d+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert listed == [code for code in CODES if code.startswith("RS72")]
