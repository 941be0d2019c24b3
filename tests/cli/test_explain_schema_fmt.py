"""`rowsmith explain`, `rowsmith schema` and `rowsmith fmt`, as a user runs them."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path

import pytest

from generator.codes import CODES
from tests.support.command import Folder

UGLY = "resource: Task\nfields:\n    title:   {max_length: 80, type: 'string'}   # short\n"
NEAT = "resource: Task\n\nfields:\n  title: {type: string, max_length: 80}  # short\n"


@pytest.mark.parametrize("typed", ["RS203", "rs203", "203", "error[RS203]:", "RS-203"])
def test_explain(empty: Folder, typed: str):
    answer = empty.rowsmith("explain", typed)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith(f"RS203: {CODES['RS203'].title}\n\n")
    assert "\nWrong:\n\n    " in answer.out
    assert "\nRight:\n\n    " in answer.out
    assert "\x1b" not in answer.out


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_explanation_fits_the_screen(empty: Folder, code: str):
    answer = empty.rowsmith("explain", code)
    assert answer.code == 0
    assert all(len(line) <= 80 and line == line.rstrip() for line in answer.out.splitlines())


def test_explain_lists_all_codes(empty: Folder):
    answer = empty.rowsmith("explain")
    assert answer.code == 0
    assert [word for word in answer.out.split() if word in CODES] == list(CODES)
    assert all(len(line) <= 80 for line in answer.out.splitlines())


@pytest.mark.parametrize(
    ("typed", "suggestion"), [("RS239", "RS23"), ("RS02", "RS"), ("nonsense", ""), ("", ""), ("RS2039", "RS203"), ("é", "")]
)
def test_explain_of_an_unknown_code(empty: Folder, typed: str, suggestion: str):
    answer = empty.rowsmith("explain", typed)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(f"error: there is no code `{typed}`")
    assert "`rowsmith explain` lists all codes" in answer.err
    if suggestion:
        assert "did you mean" in answer.err


def test_schema(empty: Folder):
    answer = empty.rowsmith("schema")
    assert (answer.code, answer.err) == (0, "")
    assert json.loads(answer.out)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_fmt_writes_and_says_which(empty: Folder):
    empty.write("resources/task.yaml", UGLY)
    empty.write("resources/tag.yaml", NEAT.replace("Task", "Tag"))
    answer = empty.rowsmith("fmt")
    assert (answer.code, answer.out) == (0, "")
    assert answer.err == "formatted resources/task.yaml\n1 file of 2 formatted\n"
    assert empty.file("resources/task.yaml").read_text() == NEAT
    again = empty.rowsmith("fmt")
    assert (again.code, again.err) == (0, "2 files looked at, nothing to format\n")


def test_fmt_leaves_what_is_neat_untouched(empty: Folder):
    empty.write("resources/task.yaml", NEAT)
    os.utime(empty.file("resources/task.yaml"), (1, 1))
    assert empty.rowsmith("fmt").code == 0
    assert empty.file("resources/task.yaml").stat().st_mtime == 1


def test_fmt_check_names_the_file_and_writes_nothing(empty: Folder):
    empty.write("resources/task.yaml", UGLY)
    before = empty.snapshot()
    answer = empty.rowsmith("fmt", "--check")
    assert (answer.code, answer.out) == (1, "")
    assert "error[RS730]: the spec is not formatted\n  resources/task.yaml:2:1\n" in answer.err
    assert empty.snapshot() == before


@pytest.mark.parametrize("output", ["json", "sarif", "github"])
def test_fmt_check_for_programs(empty: Folder, output: str):
    empty.write("resources/task.yaml", UGLY)
    answer = empty.rowsmith("fmt", "--check", "--format", output)
    assert answer.code == 1
    assert "RS730" in answer.out
    assert "resources/task.yaml" in answer.out
    if output != "github":
        json.loads(answer.out)


def test_fmt_refuses_a_broken_file_and_formats_the_others(empty: Folder):
    empty.write("resources/task.yaml", UGLY)
    empty.write("resources/tag.yaml", "resource: [\n")
    answer = empty.rowsmith("fmt")
    assert answer.code == 2
    assert "error[RS144]: `[` is never closed\n  resources/tag.yaml:1:11\n" in answer.err
    assert empty.file("resources/tag.yaml").read_text() == "resource: [\n"
    assert empty.file("resources/task.yaml").read_text() == NEAT


def test_fmt_of_an_invalid_but_readable_spec(empty: Folder):
    empty.write("resources/task.yaml", "zzz: 1\nresource:    nonsense\n")
    assert empty.rowsmith("fmt").code == 0
    assert empty.file("resources/task.yaml").read_text() == "resource: nonsense\nzzz: 1\n"


@pytest.mark.parametrize("named", ["resources/task.yaml", "./resources/../resources/task.yaml"])
def test_fmt_of_named_files(empty: Folder, named: str):
    empty.write("resources/task.yaml", UGLY)
    empty.write("resources/tag.yaml", UGLY)
    assert empty.rowsmith("fmt", named).code == 0
    assert empty.file("resources/task.yaml").read_text() == NEAT
    assert empty.file("resources/tag.yaml").read_text() == UGLY


@pytest.mark.parametrize("named", ["resources/nothing.yaml", "task.yaml", "/etc/passwd", "resources", "resources/notes.txt", "../x.yaml"])
def test_fmt_of_what_is_no_spec(empty: Folder, named: str):
    empty.write("resources/task.yaml", UGLY)
    empty.write("resources/notes.txt", "a:   b\n")
    answer = empty.rowsmith("fmt", named)
    assert answer.code == 2
    assert f"`{named}` is no spec of this project" in answer.err
    assert empty.file("resources/task.yaml").read_text() == UGLY


def test_fmt_without_a_project(empty: Folder):
    answer = empty.rowsmith("fmt")
    assert answer.code == 2
    assert answer.err.startswith("error[RS101]: there is no folder `resources` in ")


def test_fmt_keeps_permissions_and_leaves_no_other_file(empty: Folder):
    empty.write("resources/task.yaml", UGLY)
    empty.file("resources/task.yaml").chmod(0o640)
    assert empty.rowsmith("fmt").code == 0
    assert stat.S_IMODE(empty.file("resources/task.yaml").stat().st_mode) == 0o640
    assert [path.name for path in empty.file("resources").iterdir()] == ["task.yaml"]


def test_fmt_writes_through_a_link_within_the_folder(empty: Folder):
    empty.write("resources/shared.txt", UGLY)
    empty.file("resources/task.yaml").symlink_to("shared.txt")
    assert empty.rowsmith("fmt").code == 0
    assert empty.file("resources/task.yaml").is_symlink()
    assert empty.file("resources/shared.txt").read_text() == NEAT


def test_colour_only_on_a_terminal_that_wants_it(empty: Folder, monkeypatch: pytest.MonkeyPatch):
    empty.write("resources/task.yaml", UGLY)
    assert "\x1b" not in empty.rowsmith("fmt", "--check").err
    monkeypatch.setattr("tests.support.command.main", main_on_a_terminal)
    assert "\x1b[1;31merror[RS730]\x1b[0m" in empty.rowsmith("fmt", "--check").err
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in empty.rowsmith("fmt", "--check").err
    monkeypatch.setenv("NO_COLOR", "")
    monkeypatch.setenv("TERM", "dumb")
    assert "\x1b" not in empty.rowsmith("fmt", "--check").err


def main_on_a_terminal(arguments: list[str]) -> int:
    """Run the command line as if standard error were a terminal."""
    from generator.cli import main  # noqa: PLC0415

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.stderr, "isatty", lambda: True)
        return main(arguments)


def test_the_project_folder_may_be_a_link(empty: Folder, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch):
    empty.write("resources/task.yaml", UGLY)
    link = Path(tmp_path_factory.mktemp("links")) / "project"
    link.symlink_to(empty.root)
    monkeypatch.chdir(link)
    assert empty.rowsmith("fmt", "resources/task.yaml").code == 0
    assert empty.file("resources/task.yaml").read_text() == NEAT
