"""What a project with many specs is compiled to does not depend on what an earlier run has kept of it, whatever has changed since.

With ROWSMITH_TEST_CASES, `check` is compared after every change, and not after some.
"""

from __future__ import annotations

import os
import pickle
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from generator import contained, front, memory, pipeline, render
from generator.cli import main
from generator.memory import Compiled, recall
from tests.support.command import Answer, Folder

ROOT = Path(__file__).resolve().parents[2]


APART = "resource: TagShade\nplural: ix_tags_rank\nfields: {name: string}\n"
"""A resource that nothing hangs together with, whose names an enum and an index of Tag may want."""


@dataclass
class Twice:
    """A project that is remembered, and a copy of it that is not."""

    project: Folder
    copy: Folder
    monkeypatch: pytest.MonkeyPatch
    cache: Path

    def change(self, change: Callable[[Path], object]) -> None:
        """Do the same to both."""
        for folder in (self.copy, self.project):
            change(folder.root)

    def rowsmith(self, *arguments: str) -> Answer:
        """Run a command in both; the answers and all files are the same."""
        self.monkeypatch.chdir(self.copy.root)
        self.monkeypatch.setattr(pipeline, "WORTH_IT", sys.maxsize)
        expected = self.copy.rowsmith(*arguments)
        self.monkeypatch.chdir(self.project.root)
        self.monkeypatch.setattr(pipeline, "WORTH_IT", 1)
        answer = self.project.rowsmith(*arguments)
        assert answer == expected
        assert self.project.snapshot() == self.copy.snapshot()
        return answer

    @property
    def kept(self) -> Path:
        """The file that the memory is in."""
        (file,) = (self.cache / "rowsmith/compiled").iterdir()
        return file


@pytest.fixture(scope="module")
def beginning(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example's specs, generated, beside what was kept of it."""
    folder = tmp_path_factory.mktemp("beginning")
    shutil.copytree(ROOT / "resources", folder / "project/resources")
    (folder / "project/resources/tag_shade.yaml").write_text(APART)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "WORTH_IT", 1)
        patch.setenv("XDG_CACHE_HOME", str(folder))
        patch.chdir(folder / "project")
        assert main(["generate"]) == 0
    return folder


def leave(_file: int) -> None:
    """In place of fsync: whether files reach the disk makes no difference here, and takes a third of the time."""


@pytest.fixture
def twice(beginning: Path, empty: Folder, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Twice:
    """The example's specs, generated and remembered."""
    monkeypatch.setattr(pipeline, "WORTH_IT", 1)
    monkeypatch.setattr(os, "fsync", leave)
    elsewhere, cache = tmp_path_factory.mktemp("elsewhere"), tmp_path_factory.mktemp("cache")
    for root in (empty.root, elsewhere):
        shutil.copytree(beginning / "project", root, dirs_exist_ok=True)
    shutil.copytree(beginning / "rowsmith", cache / "rowsmith")
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    both = Twice(empty, Folder(elsewhere, empty.capture), monkeypatch, cache)
    both.kept.rename(memory._path(empty.root))
    return both


def edit(name: str, old: str, new: str) -> Callable[[Path], object]:
    """A change of one spec."""

    def change(root: Path) -> None:
        path = root / "resources" / f"{name}.yaml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    return change


def every(old: str, new: str) -> Callable[[Path], object]:
    """A change of all specs that hold a text."""

    def change(root: Path) -> None:
        for path in (root / "resources").iterdir():
            path.write_text(path.read_text().replace(old, new))

    return change


def after(*changes: Callable[[Path], object]) -> Callable[[Path], object]:
    """Several changes at once."""
    return lambda root: [change(root) for change in changes]


def added(name: str, text: str) -> Callable[[Path], object]:
    """A spec more."""
    return lambda root: (root / "resources" / f"{name}.yaml").write_text(text)


CHANGES: dict[str, Callable[[Path], object]] = {
    "nothing": lambda _: None,
    "a field": edit("task", "  notes:     text?", "  notes:     text?\n  extra:     integer?"),
    "a field less": edit("task", "  notes:     text?\n", ""),
    "a description": edit("project", "Something with an end", "Anything with an end"),
    "places alone": edit("task", "fields:", "# of a task\n\nfields:"),
    "several specs": after(edit("tag", "max_length: 40", "max_length: 41"), edit("comment", "max_length: 200", "max_length: 201")),
    "a field behind a filter": edit("project", "max_length: 120", "max_length: 121"),
    "a field behind a filter less": edit("task", "  completed: {type: boolean, default: false, filter: true}\n", ""),
    "an enum": edit("tag", "\nconcurrency", "  hue: {type: enum, values: [light, dark], default: dark}\n\nconcurrency"),
    "an enum that another resource is called like": edit(
        "tag", "\nconcurrency", "  shade: {type: enum, values: [light, dark], default: dark}\n\nconcurrency"
    ),
    "an enum with the name of a class": edit(
        "task", "  notes:     text?", "  notes:     text?\n  tag: {type: enum, values: [a, b], default: a}"
    ),
    "an index": edit("tag", "\nconcurrency", "  place: {type: integer, index: true}\n\nconcurrency"),
    "an index that another table is called like": edit("tag", "\nconcurrency", "  rank: {type: integer, index: true}\n\nconcurrency"),
    "an index less": edit("project", "starts_on: {type: date, nullable: true, filter: true, sort: true}", "starts_on: date?"),
    "uniqueness": edit("tag", "default: 1.0", "unique: true"),
    "no search": edit("comment", "max_length: 10000, search: true", "max_length: 10000"),
    "a reference's target": after(every("to: Task,", "to: Project,"), edit("task", "parent.completed", "parent.status")),
    "a reference more": edit("comment", "  body:", "  project: {type: ref, to: Project, nullable: true, inverse: remarks}\n  body:"),
    "a reference that must not be null": edit("task", "to: Project, nullable: true, on_delete: set_null", "to: Project"),
    "a circle": after(
        edit("task", "to: Project, nullable: true, on_delete: set_null", "to: Project"),
        edit("project", "  summary:   text?", "  summary:   text?\n  first: {type: ref, to: Task}"),
    ),
    "an unknown target": edit("comment", "to: Task", "to: Tusk"),
    "what a delete does": edit("comment", "on_delete: cascade", "on_delete: restrict"),
    "an inverse": edit("comment", "inverse: comments", "inverse: remarks"),
    "an inverse that a field of the target has": edit("task", "  notes:     text?", "  comments:  text?"),
    "an inverse less": edit("comment", "inverse: comments, ", ""),
    "no expansion": edit("task", "inverse: tasks, filter: true, expand: true", "inverse: tasks, filter: true"),
    "no link": edit("task_tag", "link: [task, tag]\n", ""),
    "the link's other order": edit("task_tag", "link: [task, tag]", "link: [tag, task]"),
    "two links at one path": added(
        "tagging",
        "resource: Tagging\nlink: [task, tag]\noperations: [list]\nfields:\n  task: {type: ref, to: Task}\n  tag: {type: ref, to: Tag}\n",
    ),
    "no row is read": edit("comment", "search_language: english", "operations: [create]"),
    "deleted rows stay": after(edit("comment", "search_language: english", "soft_delete: true")),
    "deleted rows go": edit("project", "soft_delete: true\n", ""),
    "rows that stay, and those that go with them": edit("task", "\nhooks:", "\nsoft_delete: true\nhooks:"),
    "a hook": edit("tag", "concurrency: required", "hooks: [before_create]\nconcurrency: required"),
    "a hook less": edit("task", "hooks: [before_update]", "page: {max: 50}"),
    "a plural": edit("tag", "fields:", "plural: labels\nfields:"),
    "a plural that is taken": edit("tag", "fields:", "plural: tasks\nfields:"),
    "a table with the name of an index": added("ix", "resource: Ix\nplural: ix_tags_created_at\nfields: {name: string}\n"),
    "indexes of one name": added("name", "resource: Name\nplural: projects_name\nfields: {id_desc: {type: string, sort: true}}\n"),
    "a warning": edit("tag", "\nconcurrency", "  api_key: {type: string, default: sk-live-4eC39HqLyjWDarjtT1zdp7dc}\n\nconcurrency"),
    "a spec more": added("word", "resource: Word\nfields:\n  tag: {type: ref, to: Tag, inverse: words}\n"),
    "a spec less": lambda root: (root / "resources/task_tag.yaml").unlink(),
    "a spec less that others refer to": lambda root: (root / "resources/tag.yaml").unlink(),
    "a spec of another name": after(
        lambda root: (root / "resources/tag.yaml").rename(root / "resources/label.yaml"),
        every("resource: Tag\n", "resource: Label\nrenamed_from: Tag\n"),
        every("to: Tag,", "to: Label,"),
    ),
    "a file of another name": lambda root: (root / "resources/tag.yaml").rename(root / "resources/tog.yaml"),
    "no YAML": edit("tag", "fields:", "fields: ]"),
    "a suffix": lambda root: (root / "resources/tag.yaml").rename(root / "resources/tag.yml"),
    "a hand edit": lambda root: (root / "app/models/tag.py").write_text("MINE = 1\n"),
    "other line ends": lambda root: [
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n")) for path in (root / "app/models").iterdir()
    ],
    "an output less": lambda root: (root / "app/routes/tags.py").unlink(),
    "an output that is a link": lambda root: (
        (root / "app/models/tag.py").rename(root / "app/aside.py") and (root / "app/models/tag.py").symlink_to("../aside.py")
    ),
    "no output": lambda root: shutil.rmtree(root / "app"),
    "no lock": lambda root: (root / "app/rowsmith.lock").unlink(),
    "a frozen plural": lambda root: (root / "app/rowsmith.lock").write_text(
        (root / "app/rowsmith.lock").read_text().replace("plural Tag tags", "plural Tag labels")
    ),
}


CHECKED = set(CHANGES) if "ROWSMITH_TEST_CASES" in os.environ else {"nothing", "a field", "a hook less", "a warning", "a suffix", "no lock"}
"""After which changes `check` is compared as well, which takes as long once more."""


@pytest.mark.parametrize("change", CHANGES)
def test_after_a_change_the_same_is_generated(twice: Twice, change: str):
    twice.change(CHANGES[change])
    twice.rowsmith("generate")
    if change in CHECKED:
        twice.rowsmith("check")


@pytest.mark.parametrize("change", ["a field", "an enum with the name of a class", "an unknown target", "a spec more"])
def test_another_process_compiles_the_same(twice: Twice, monkeypatch: pytest.MonkeyPatch, change: str):
    monkeypatch.setattr(contained, "FRONT", "what is not loaded yet")
    monkeypatch.setattr(os, "process_cpu_count", lambda: 2)
    twice.change(CHANGES[change])
    twice.rowsmith("generate")


TAGGING = "  task: {type: ref, to: Task, on_delete: cascade}\n  tag: {type: ref, to: Tag, on_delete: cascade}\n"

LATER: dict[str, tuple[Callable[[Path], object], Callable[[Path], object]]] = {
    "an inverse that another resource has taken": (
        added("other", "resource: Other\nfields:\n  project: {type: ref, to: Project, inverse: others}\n"),
        edit("other", "inverse: others", "inverse: tasks"),
    ),
    "a former name that another resource has": (
        added("other", "resource: Other\nfields: {name: string}\n"),
        edit("other", "fields:", "renamed_from: Comment\nfields:"),
    ),
    "a second link of two ends": (
        added("other", f"resource: Other\noperations: [list]\nfields:\n{TAGGING}"),
        edit("other", "operations: [list]", "operations: [list, create]\nlink: [task, tag]"),
    ),
    "a second path of two ends": (
        added("other", f"resource: Other\nlink: [task, tag]\noperations: [list]\nfields:\n{TAGGING}"),
        edit("other", "operations: [list]", "operations: [list, create]"),
    ),
    "a name of an index that another resource may have now": (
        after(
            added("alpha", "resource: Alpha\nplural: a\nfields:\n  b_c: {type: integer, index: true}\n"),
            added("beta", "resource: Beta\nplural: a_b\nfields:\n  c: {type: integer, index: true}\n"),
        ),
        edit("alpha", ", index: true", ""),
    ),
}


@pytest.mark.parametrize("change", LATER)
def test_after_a_later_change_the_same_is_generated(twice: Twice, change: str):
    for step in LATER[change]:
        twice.change(step)
        twice.rowsmith("generate")


def test_what_was_done_is_undone(twice: Twice):
    before = twice.project.snapshot()
    twice.change(edit("task", "  notes:     text?", "  notes:     string"))
    twice.rowsmith("generate")
    twice.change(edit("task", "  notes:     string", "  notes:     text?"))
    twice.rowsmith("generate")
    assert twice.project.snapshot() == before


# --- what is compiled at all ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The resources whose modules are rendered from here on."""
    names: list[str] = []
    really = render._unformatted

    def noted(shown: render.Shown) -> render.Modules:
        names.append(shown.resource.name)
        return really(shown)

    monkeypatch.setattr(render, "_unformatted", noted)
    return names


def test_only_what_depends_on_a_change_is_rendered(twice: Twice, rendered: list[str]):
    assert twice.project.rowsmith("check").code == 0
    assert rendered == []
    twice.change(edit("comment", "max_length: 200", "max_length: 201"))
    assert twice.project.rowsmith("generate").code == 0
    assert sorted(rendered) == ["Comment", "Task"]  # a task is answered with its comments
    rendered.clear()
    (twice.project.root / "app/models/tag.py").unlink()
    assert twice.project.rowsmith("generate").code == 0
    assert rendered == ["Tag"]


def test_only_a_changed_spec_and_its_neighbours_are_read(twice: Twice, monkeypatch: pytest.MonkeyPatch):
    read: list[set[str]] = []
    really = front.compile_front

    def noted(specs: Mapping[str, bytes], plurals: Mapping[str, str], unread: Iterable[str] = ()) -> Compiled:
        read.append(set(specs))
        return really(specs, plurals, unread)

    monkeypatch.setattr(front, "compile_front", noted)
    assert twice.project.rowsmith("check").code == 0
    twice.change(edit("comment", "max_length: 200", "max_length: 201"))
    assert twice.project.rowsmith("generate").code == 0
    assert read == [{"resources/comment.yaml", "resources/task.yaml"}]


# --- what is kept ---------------------------------------------------------------------------------------------------------------------


def _other_compiler(kept: Path) -> None:
    head, _, body = kept.read_bytes().partition(b"\n")
    name, state, digest = head.split(b" ")
    kept.write_bytes(b" ".join((name, state[::-1], digest)) + b"\n" + body)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda kept: kept.write_bytes(b""),
    "cut off": lambda kept: kept.write_bytes(kept.read_bytes()[:-1]),
    "another byte": lambda kept: kept.write_bytes(kept.read_bytes()[:-9] + b"!" + kept.read_bytes()[-8:]),
    "something else": lambda kept: kept.write_bytes(b"nothing known\n"),
    "of another compiler": _other_compiler,
    "a folder": lambda kept: kept.unlink() or kept.mkdir(),
    "a link": lambda kept: kept.rename(kept.with_name("aside")) and kept.symlink_to(kept.with_name("aside")),
    "that others may write": lambda kept: kept.chmod(0o622),
    "gone": lambda kept: kept.unlink(),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_memory_that_is_none(twice: Twice, damage: str):
    root = twice.project.root
    assert recall(root).specs
    DAMAGES[damage](twice.kept)
    assert recall(root) == memory.Memory()
    twice.change(edit("tag", "max_length: 40", "max_length: 41"))
    assert twice.rowsmith("generate").code == 0


def test_nothing_is_called_that_a_memory_names(twice: Twice, tmp_path: Path):
    class Evil:
        def __reduce__(self) -> tuple[Callable[..., object], tuple[str, ...]]:
            return os.mkdir, (str(tmp_path / "evil"),)

    body = pickle.dumps(Evil())
    twice.kept.write_bytes(memory._head(body) + b"\n" + body)
    assert recall(twice.project.root) == memory.Memory()
    assert not (tmp_path / "evil").exists()


def test_nobody_else_can_read_or_write_it(twice: Twice):
    assert twice.kept.stat().st_mode & 0o777 == 0o600
    assert twice.kept.parent.stat().st_mode & 0o077 == 0


def test_where_nothing_can_be_kept_nothing_is_missing(twice: Twice):
    shutil.rmtree(twice.cache / "rowsmith")
    (twice.cache / "rowsmith").write_text("")
    twice.change(edit("tag", "max_length: 40", "max_length: 41"))
    assert twice.rowsmith("generate").code == 0
    assert twice.rowsmith("check").code == 0


def test_of_few_specs_nothing_is_kept(twice: Twice, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pipeline, "WORTH_IT", 50)
    twice.kept.unlink()
    assert twice.project.rowsmith("generate").code == 0
    assert not list((twice.cache / "rowsmith/compiled").iterdir())


def test_only_the_last_projects_are_kept(twice: Twice, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(memory, "MOST", 2)
    for number in range(3):
        memory.remember(twice.project.root / str(number), memory.Memory())
    assert len(list((twice.cache / "rowsmith/compiled").iterdir())) == 2
    assert recall(twice.project.root) == memory.Memory()
