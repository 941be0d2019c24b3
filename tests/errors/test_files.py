"""What is said about specs that are no ordinary files. A repository cannot hold most of these, so they are made here."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from generator.diagnostics import Diagnostic, render_text
from generator.files import source_reader
from generator.pipeline import load_schema

SPEC = "resource: Task\nfields:\n  title: string\n"


@pytest.fixture
def project() -> Generator[Path]:
    """A project that everyone may read, with an empty folder resources."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        root.chmod(0o755)
        (root / "resources").mkdir()
        yield root


@contextmanager
def unprivileged() -> Generator[None]:
    """Without the rights of root, for which no file is unreadable."""
    user = os.geteuid()
    os.seteuid(65534 if user == 0 else user)
    try:
        yield
    finally:
        os.seteuid(user)


def only(project: Path, code: str) -> Diagnostic:
    """The one thing that is found in the project."""
    schema, diagnostics = load_schema(project)
    assert schema is None
    assert [diagnostic.code for diagnostic in diagnostics] == [code]
    assert diagnostics[0].hint
    return diagnostics[0]


def test_no_folder(tmp_path: Path) -> None:
    found = only(tmp_path, "RS101")
    assert str(tmp_path) in found.message
    assert "rowsmith init" in (found.hint or "")


def test_the_folder_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "resources").write_text("x")
    assert "is not a folder" in only(tmp_path, "RS101").message


def test_unreadable_folder(project: Path) -> None:
    (project / "resources").chmod(0)
    with unprivileged():
        assert "Permission denied" in only(project, "RS101").message


def test_unreadable_file(project: Path) -> None:
    (project / "resources/tag.yaml").write_text("resource: Tag\nfields: {name: string}\n")
    (project / "resources/task.yaml").write_text(SPEC)
    (project / "resources/task.yaml").chmod(0)
    with unprivileged():
        found = only(project, "RS102")
        assert found.label == "permission denied"
        assert render_text([found], source_reader(project)).startswith("error[RS102]: the file cannot be read\n  resources/task.yaml:1:1\n")


def test_a_directory(project: Path) -> None:
    (project / "resources/task.yaml").mkdir()
    assert only(project, "RS103").message == "resources/task.yaml is a directory, not a file"


def test_a_named_pipe_does_not_hang(project: Path) -> None:
    os.mkfifo(project / "resources/task.yaml")
    assert only(project, "RS103").message == "resources/task.yaml is a named pipe, not a file"


def test_a_socket(project: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(project / "resources/task.yaml"))
        assert only(project, "RS103").message == "resources/task.yaml is a socket, not a file"


def test_a_link_to_a_pipe_inside_the_folder(project: Path) -> None:
    os.mkfifo(project / "resources/pipe")
    (project / "resources/task.yaml").symlink_to("pipe")
    only(project, "RS103")


@pytest.mark.parametrize("target", ["/etc/passwd", "../outside.yaml", "/dev/zero", ".."])
def test_a_link_that_leaves_the_folder_is_not_read(project: Path, target: str) -> None:
    (project / "outside.yaml").write_text(SPEC)
    (project / "resources/task.yaml").symlink_to(target)
    found = only(project, "RS104")
    assert "leaves the folder" in found.message
    assert "root:" not in render_text([found], source_reader(project))


def test_a_folder_that_begins_like_resources_is_outside(project: Path) -> None:
    (project / "resources2").mkdir()
    (project / "resources2/task.yaml").write_text(SPEC)
    (project / "resources/task.yaml").symlink_to("../resources2/task.yaml")
    only(project, "RS104")


def test_a_link_to_nothing(project: Path) -> None:
    (project / "resources/task.yaml").symlink_to("nowhere.yaml")
    assert only(project, "RS104").label == "points to nowhere.yaml"


def test_a_link_to_itself(project: Path) -> None:
    (project / "resources/task.yaml").symlink_to("task.yaml")
    only(project, "RS104")


def test_a_link_within_the_folder_is_read(project: Path) -> None:
    (project / "resources/shared.txt").write_text(SPEC)
    (project / "resources/task.yaml").symlink_to("shared.txt")
    schema, diagnostics = load_schema(project)
    assert diagnostics == ()
    assert schema is not None


@pytest.mark.parametrize("name", ["task.yml", "task.YAML", "Task.Yml"])
def test_other_spellings_of_the_suffix(project: Path, name: str) -> None:
    (project / "resources" / name).write_text(SPEC)
    found = only(project, "RS105")
    assert name.rpartition(".")[0] + ".yaml" in (found.hint or "")


def test_too_large(project: Path) -> None:
    spec = project / "resources/task.yaml"
    spec.write_text(SPEC + "#" * (1024 * 1024 - len(SPEC) + 1))
    only(project, "RS107")
    spec.write_text(SPEC + "#" * (1024 * 1024 - len(SPEC)))
    assert load_schema(project)[1] == ()


def test_other_files_are_ignored(project: Path) -> None:
    (project / "resources/task.yaml").write_text(SPEC)
    for name in ("README.md", "task.yaml~", "task.yaml.orig", ".hidden.yaml", "task", "yaml"):
        (project / "resources" / name).write_text("]")
    (project / "resources/.#task.yaml").symlink_to("someone@host.1234")  # Emacs marks a file that is being edited in this way
    (project / "resources/old").mkdir()
    (project / "resources/old/tag.yaml").write_text("]")
    schema, diagnostics = load_schema(project)
    assert diagnostics == ()
    assert schema is not None
    assert [resource.name for resource in schema.resources] == ["Task"]


def test_a_name_that_is_no_text(project: Path) -> None:
    try:
        Path(os.fsdecode(os.fsencode(project) + b"/resources/t\xff\x1b[31m.yaml")).write_text(SPEC)
    except OSError:
        pytest.skip("the file system takes no such name")
    schema, diagnostics = load_schema(project)
    assert schema is None
    text = render_text(diagnostics, source_reader(project))
    assert "\x1b" not in text
    assert "resources/t<U+DCFF><U+001B>[31m.yaml" in text
