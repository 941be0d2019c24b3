"""What `check` says about each way in which app/ can differ from the specs, to the letter.

A test for each code from RS700 on: the project is generated, something happens to it, and `rowsmith check` is compared with
tests/errors/NAME/expected.txt (`--update` rewrites it).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.command import PROJECT, TASK, Folder

HERE = Path(__file__).parent
LOCK = "app/rowsmith.lock"
MODEL = "app/models/task.py"
HOOKS = "app/extensions/task.py"
VERSIONS = "app/db/migrations/versions"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Folder:
    """A generated project of two resources, of which Task has a hook; its specs are formatted."""
    monkeypatch.chdir(tmp_path)
    folder = Folder(tmp_path, capsys)
    folder.write("resources/project.yaml", PROJECT)
    folder.write("resources/task.yaml", f"{TASK}hooks: [before_create]\n")
    assert folder.rowsmith("fmt").code == 0
    assert folder.rowsmith("generate").code == 0
    assert folder.rowsmith("check").code == 0
    return folder


def damage_lock(project: Folder) -> None:
    project.write(LOCK, project.file(LOCK).read_text() + "app/routes/tas\n")


def conflict_in_lock(project: Folder) -> None:
    first, *rest = project.file(LOCK).read_text().splitlines(keepends=True)
    project.write(LOCK, "".join([first, "<<<<<<< HEAD\n", rest[0], "=======\n", rest[0], ">>>>>>> other\n", *rest[1:]]))


def newer_lock(project: Folder) -> None:
    first, _, rest = project.file(LOCK).read_text().partition("\n")
    project.write(LOCK, f"{first.replace('1', '99')}\n{rest}")


def no_lock(project: Folder) -> None:
    project.file(LOCK).unlink()


def missing_file(project: Folder) -> None:
    project.file(MODEL).unlink()


def changed_spec(project: Folder) -> None:
    project.replace("resources/task.yaml", "max_length: 200", "max_length: 100")


def changed_generator(project: Folder) -> None:
    old = project.file(MODEL).read_bytes()
    new = old.replace(b"class TaskRead", b"class  TaskRead")
    assert new != old
    project.file(MODEL).write_bytes(new)
    project.replace(LOCK, hashlib.sha256(old).hexdigest(), hashlib.sha256(new).hexdigest())


def edit_by_hand(project: Folder) -> None:
    project.write(MODEL, "# mine\n" + project.file(MODEL).read_text())


def removed_spec(project: Folder) -> None:
    project.file("resources/project.yaml").unlink()


def removed_spec_of_an_edited_file(project: Folder) -> None:
    removed_spec(project)
    project.write("app/models/project.py", "# mine\n" + project.file("app/models/project.py").read_text())


def own_file_in_the_way(project: Folder) -> None:
    project.write("app/models/tag.py", "TAGS = []\n")
    project.write("resources/tag.yaml", "resource: Tag\n\nfields:\n  name: string\n")


def copy_of_a_generated_file(project: Folder) -> None:
    project.write("app/models/copy.py", project.file(MODEL).read_text())


def folder_in_the_way(project: Folder) -> None:
    project.file(MODEL).unlink()
    project.file(MODEL).mkdir()
    project.write(f"{MODEL}/x", "")


def hook_not_defined(project: Folder) -> None:
    project.replace(HOOKS, "async def before_create(", "async def _before_create(")


def misspelt_hook(project: Folder) -> None:
    project.file(HOOKS).write_text(project.file(HOOKS).read_text() + "\n\nasync def after_creat() -> None:\n    pass\n")


def undeclared_hook(project: Folder) -> None:
    project.file(HOOKS).write_text(project.file(HOOKS).read_text() + "\n\nasync def after_create() -> None:\n    pass\n")


def stale_hook(project: Folder) -> None:
    project.replace(HOOKS, "async def before_create(", "def before_create(")


def no_hooks_file(project: Folder) -> None:
    project.file(HOOKS).unlink()


def broken_hooks_file(project: Folder) -> None:
    project.write(HOOKS, "async def before_create(:\n    pass\n")


def hooks_of_nothing(project: Folder) -> None:
    project.replace("resources/task.yaml", "resource: Task", "resource: Todo")
    project.file("resources/task.yaml").rename(project.file("resources/todo.yaml"))
    assert project.rowsmith("generate").code == 0


def no_revision(project: Folder) -> None:
    assert project.rowsmith("db", "revision").code == 0
    project.replace("resources/task.yaml", "max_length: 200", "max_length: 100")
    assert project.rowsmith("generate").code == 0


def two_heads(project: Folder) -> None:
    assert project.rowsmith("db", "revision").code == 0
    (first,) = project.file(VERSIONS).glob("*.py")
    source = first.read_text()
    project.write(f"{VERSIONS}/0001_other.py", re.sub("^revision = .*", 'revision = "0123456789ab"', source, flags=re.MULTILINE))


def edited_revision(project: Folder) -> None:
    assert project.rowsmith("db", "revision", "-m", "Begin").code == 0
    project.replace("app/db/migrations/versions/0001_begin.py", "max_length", "longest")


CASES: dict[str, Callable[[Folder], None]] = {
    "RS701_lock_damaged": damage_lock,
    "RS702_lock_conflict": conflict_in_lock,
    "RS703_lock_newer": newer_lock,
    "RS704_lock_missing": no_lock,
    "RS710_file_missing": missing_file,
    "RS711_spec_changed": changed_spec,
    "RS712_generator_changed": changed_generator,
    "RS713_edited": edit_by_hand,
    "RS714_left_over": removed_spec,
    "RS715_left_over_and_edited": removed_spec_of_an_edited_file,
    "RS716_own_file": own_file_in_the_way,
    "RS717_copied": copy_of_a_generated_file,
    "RS718_folder": folder_in_the_way,
    "RS720_hook_not_defined": hook_not_defined,
    "RS721_hook_misspelt": misspelt_hook,
    "RS722_hook_undeclared": undeclared_hook,
    "RS723_hook_stale": stale_hook,
    "RS724_hooks_missing": no_hooks_file,
    "RS725_hooks_broken": broken_hooks_file,
    "RS726_hooks_of_nothing": hooks_of_nothing,
    "RS740_no_revision": no_revision,
    "RS741_two_heads": two_heads,
    "RS742_revision_edited": edited_revision,
}


@pytest.mark.parametrize("name", CASES)
def test_check_says_why(name: str, project: Folder, update: bool) -> None:
    CASES[name](project)
    answer = project.rowsmith("check")
    expected = HERE / name / "expected.txt"
    if update:
        expected.parent.mkdir(exist_ok=True)
        expected.write_text(answer.err, encoding="utf-8")
    assert answer.err == expected.read_text(encoding="utf-8")
    assert f"error[{name.partition('_')[0]}]: " in answer.err
    assert (answer.code, answer.out) == (1, "")


def test_check_of_the_layout(project: Folder, update: bool) -> None:
    project.replace("resources/task.yaml", "notes: text?", "notes:   'text?'")
    answer = project.rowsmith("fmt", "--check")
    expected = HERE / "RS730_not_formatted" / "expected.txt"
    if update:
        expected.parent.mkdir(exist_ok=True)
        expected.write_text(answer.err, encoding="utf-8")
    assert answer.err == expected.read_text(encoding="utf-8")
    assert (answer.code, answer.out) == (1, "")


@pytest.mark.parametrize(("name", "path"), [("RS750_core_edited", "app/ids.py"), ("RS751_core_left_over", "app/api/old.py")])
def test_upgrade_says_what_it_leaves(name: str, path: str, project: Folder, update: bool) -> None:
    old = hashlib.sha256(b"OLD = True\n").hexdigest()
    project.write(LOCK, f"{project.file(LOCK).read_text()}{path} core - {old}\n")
    project.write(path, "OURS = True\n")
    answer = project.rowsmith("upgrade")
    start = answer.err.index("error[")
    said = answer.err[start : answer.err.index("\n\n---", start)] + "\n"
    expected = HERE / name / "expected.txt"
    if update:
        expected.parent.mkdir(exist_ok=True)
        expected.write_text(said, encoding="utf-8")
    assert said == expected.read_text(encoding="utf-8")
    assert answer.code == 3
