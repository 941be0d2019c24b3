"""docs/compatibility.md: the rules as they are, and the plan that it shows as it is printed. `--update` rewrites both."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from generator.cli import main
from generator.compatibility.rules import RULES
from tests.support.command import TASK
from tests.support.pages import ROOT, blocks

PAGE = ROOT / "docs/compatibility.md"
NOTE = "resource: Note\nfields:\n  text: string\n"


def test_every_rule_is_listed(update: bool) -> None:
    rows = "\n".join(
        ["| rule | | what clients see |", "|---|---|---|", *(f"| `{one.id}` | {one.severity} | {one.sees} |" for one in RULES.values())]
    )
    text = PAGE.read_text(encoding="utf-8")
    wanted = re.sub(r"\| rule \|.*", lambda _: f"{rows}\n", text, flags=re.DOTALL)
    if update:
        PAGE.write_text(wanted, encoding="utf-8")
    assert update or text == wanted


def test_the_plan_that_is_shown(tmp_path: Path, update: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    (block,) = (block for block in blocks(PAGE, "text") if block.text.startswith("$ rowsmith plan --against main\n"))
    monkeypatch.chdir(tmp_path)
    task = tmp_path / "resources/task.yaml"
    task.parent.mkdir()
    task.write_text(TASK, encoding="utf-8")
    git = ("git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false")
    for command in (("init", "--initial-branch=main"), ("add", "."), ("commit", "-m", "The spec")):
        subprocess.run((*git, *command), check=True, capture_output=True)
    task.write_text(TASK.replace("max_length: 200", "max_length: 20"), encoding="utf-8")
    (tmp_path / "resources/note.yaml").write_text(NOTE, encoding="utf-8")
    main(["plan", "--against", "main"])
    printed = re.sub(r"\([0-9a-f]{8}\)", "(4f7c0f22)", f"$ rowsmith plan --against main\n{capsys.readouterr().out}")
    if update:
        PAGE.write_text(PAGE.read_text(encoding="utf-8").replace(block.text, printed), encoding="utf-8")
    assert update or printed == block.text
