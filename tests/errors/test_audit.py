"""What `audit` says, to the letter, about a project with a hole and about one whose rows it cannot make."""

from __future__ import annotations

import re
from collections.abc import Generator
from pathlib import Path

import pytest

from generator.cli import main
from tests.support.database import temporary_folder
from tests.support.project import rowsmith

HERE = Path(__file__).parent
SPEC, ROUTES = "resources/task.yaml", "app/routes/tasks.py"


@pytest.fixture
def project() -> Generator[Path]:
    """A new project, as `init` makes it."""
    with temporary_folder() as folder:
        assert main(["init", str(folder / "project")]) == 0
        assert rowsmith(folder / "project", "generate").returncode == 0
        yield folder / "project"


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


def compare(text: str, case: str, update: bool) -> None:
    """Compare with expected.txt, but for what differs from one run to the next."""
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "ID", text)
    text = re.sub(r"audit-[0-9a-f]{12}-", "audit-RUN-", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]*Z?", "TIME", text)
    expected = HERE / case / "expected.txt"
    if update:
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")


def test_a_new_project_holds_and_a_hole_in_it_is_shown(project: Path, update: bool) -> None:
    fine = rowsmith(project, "audit")
    assert (fine.returncode, fine.stderr.splitlines()[-1][:7]) == (0, "All of "), fine.stderr
    assert re.search(r"^get_task +\d+  held$", fine.stdout, re.MULTILINE)
    replace(project / ROUTES, "async def get_task(\n    user_id: OwnerId,", "async def get_task(\n    user_id: str,")
    broken = rowsmith(project, "audit")
    assert broken.returncode == 1
    assert re.search(r"^get_task +\d+  1 got through$", broken.stdout, re.MULTILINE)
    compare(broken.stderr, "RS801_attack", update)


def test_what_cannot_be_proven_is_no_success(project: Path, update: bool) -> None:
    with (project / SPEC).open("a", encoding="utf-8") as spec:
        spec.write("checks:\n  - {name: seven, rule: length(title) = 7, message: Titles have seven letters.}\n")
    assert rowsmith(project, "generate").returncode == 0
    answer = rowsmith(project, "audit")
    assert answer.returncode == 1
    compare(answer.stderr, "RS802_not_proven", update)
