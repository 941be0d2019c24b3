"""`rowsmith new` writes a spec that passes, as it is and with its comments taken off; anything else is refused with a reason."""

from __future__ import annotations

import re
import shlex

import pytest

from generator.cli.errors import ExitCode
from tests.support.command import Folder

EVERY_TYPE = """
title:string:80 body:text size:integer big:bigint ratio:float price:decimal:10,2 done:boolean day:date at:time due_at:datetime?
key:uuid state:enum:draft,no,1st tags:list:string data:json mail:email page:url? project:ref:Project
"""


@pytest.fixture
def folder(empty: Folder) -> Folder:
    """A project with one resource."""
    empty.write("resources/project.yaml", "resource: Project\n\nfields:\n  name: string\n")
    return empty


def test_the_example_of_the_documentation(folder: Folder):
    answer = folder.rowsmith("new", "Task", "title:string", "due_at:datetime?", "project:ref(Project)")
    assert answer.code == 0
    assert answer.out == ""
    assert "+ resources/task.yaml\n" in answer.err
    assert "rowsmith generate" in answer.err
    spec = folder.file("resources/task.yaml").read_text()
    assert "# yaml-language-server: $schema=../.rowsmith/resource.schema.json\n" in spec
    assert re.search(r"^  title: +string$", spec, re.MULTILINE)
    assert re.search(r"^  due_at: +datetime\?$", spec, re.MULTILINE)
    assert re.search(r"^  project: +\{type: ref, to: Project, filter: true\}$", spec, re.MULTILINE)
    assert folder.rowsmith("generate").code == 0
    assert folder.rowsmith("check").code == 0


def test_every_type(folder: Folder):
    answer = folder.rowsmith("new", "Thing", *shlex.split(EVERY_TYPE))
    assert answer.code == 0, answer.err
    assert folder.rowsmith("generate").code == 0
    assert folder.rowsmith("fmt", "--check").code == 0


@pytest.mark.parametrize("fields", ["title:string", "size:integer", "project:Project", "data:json", "state:enum:a,b", ""])
def test_the_commented_part_passes_too(folder: Folder, fields: str):
    assert folder.rowsmith("new", "Thing", *fields.split()).code == 0
    spec = folder.file("resources/thing.yaml").read_text()
    head, _, tail = spec.partition("# What else")
    tail = "\n".join(line.removeprefix("# ") for line in tail.splitlines()[1:])
    assert "hooks:" in tail
    folder.write("resources/thing.yaml", f"{head}\n{tail}\n")
    answer = folder.rowsmith("generate")
    assert answer.code == 0, answer.err


@pytest.mark.parametrize(
    ("argument", "line"),
    [
        ("state:enum(low,high)?", "{type: enum, values: [low, high], nullable: true}"),
        ("state:enum:true,null,1,a b", '{type: enum, values: ["true", "null", "1", a b]}'),
        ("owner:Project?", "{type: ref, to: Project, nullable: true, filter: true}"),
        ("owner:ref:Project?", "{type: ref, to: Project, nullable: true, filter: true}"),
        ("tags:list(email)", "{type: list, of: email}"),
        ("price:decimal", "{type: decimal, precision: 12, scale: 2}"),
        ("code:string(8)?", "{type: string, max_length: 8, nullable: true}"),
        ("type:string", "string"),
        ("date:date?", "date?"),
        ("in_progress:boolean", "boolean"),
    ],
)
def test_how_fields_are_written(folder: Folder, argument: str, line: str):
    answer = folder.rowsmith("new", "Thing", argument)
    assert answer.code == 0, answer.err
    assert f"  {argument.partition(':')[0]}: {line}\n" in folder.file("resources/thing.yaml").read_text()


@pytest.mark.parametrize(("name", "path"), [("LineItem", "line_item"), ("HTTPLog", "http_log"), ("Series", "series"), ("Class", "class")])
def test_the_file_is_named_after_the_resource(folder: Folder, name: str, path: str):
    assert folder.rowsmith("new", name).code == 0
    assert folder.file(f"resources/{path}.yaml").is_file()
    assert folder.rowsmith("generate").code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["task"], "did you mean `Task`?"),
        (["line-item"], "did you mean `LineItem`?"),
        (["2Fast"], "did you mean `Fast`?"),
        (["..", "a:string"], "no name of a resource"),
        (["../Task"], "no name of a resource"),
        (["Täsk"], "no name of a resource"),
        (["T" * 49], "48"),
        (["Thing", "title"], "is not FIELD:TYPE"),
        (["Thing", ":string"], "no name of a field"),
        (["Thing", "dueAt:date"], "did you mean `due_at`?"),
        (["Thing", "due-at:date"], "did you mean `due_at`?"),
        (["Thing", "a\nb:string"], "no name of a field"),
        (["Thing", "title:strin"], "did you mean `title:string`?"),
        (["Thing", "title:xyz"], "the types are string, text"),
        (["Thing", "title:"], "there is no type"),
        (["Thing", "title:string?extra"], "is not FIELD:TYPE"),
        (["Thing", "a:string", "a:text"], "given twice"),
        (["Thing", "a:enum"], "'a:enum(low,high)'"),
        (["Thing", "a:enum(x,,y)"], "'a:enum(low,high)'"),
        (["Thing", "a:enum(x,x)"], "'a:enum(low,high)'"),
        (["Thing", "a:ref"], "'a:ref(Project)'"),
        (["Thing", "a:list"], "'a:list(string)'"),
        (["Thing", "a:decimal(5)"], "'a:decimal(10,2)'"),
        (["Thing", "a:decimal(five,2)"], "'a:decimal(10,2)'"),
        (["Thing", "a:boolean(1)"], "'a:boolean'"),
        (["Thing", "a:list(json)"], "json"),
        (["Thing", "metadata:string"], "reserved"),
        (["Thing", "user_id:string"], "user_id"),
        (["Thing", "class:string"], "class"),
        (["Thing", "limit:string"], "limit"),
        (["Thing", "a:ref(Projet)"], "did you mean `Project`"),
        (["Thing", "a:decimal(2,5)"], "scale"),
        (["Thing", "a:string(0)"], "max_length"),
    ],
)
def test_wrong_arguments_are_refused_with_what_would_be_right(folder: Folder, arguments: list[str], said: str):
    before = folder.snapshot()
    answer = folder.rowsmith("new", *arguments)
    assert answer.code == ExitCode.USAGE, answer.err
    assert said in answer.err
    assert folder.snapshot() == before


def test_an_existing_spec_is_not_changed(folder: Folder):
    before = folder.snapshot()
    answer = folder.rowsmith("new", "Project", "name:string")
    assert answer.code == ExitCode.REFUSED
    assert "exists already" in answer.err
    assert folder.snapshot() == before


def test_a_name_that_collides_with_another_resource(folder: Folder):
    folder.write("resources/projects.yaml", "resource: Projects\nplural: projectz\nfields:\n  name: string\n")
    folder.write("resources/project.yaml", "resource: Project\nplural: things\nfields:\n  name: string\n")
    before = folder.snapshot()
    answer = folder.rowsmith("new", "Thing", "name:string")
    assert answer.code == ExitCode.USAGE
    assert "things" in answer.err
    assert folder.snapshot() == before


def test_errors_of_other_specs_do_not_stand_in_the_way(folder: Folder):
    folder.write("resources/broken.yaml", "resource: Broken\nfields:\n  a: strin\n")
    assert folder.rowsmith("new", "Thing", "name:string").code == 0


def test_outside_of_a_project(empty: Folder):
    answer = empty.rowsmith("new", "Thing", "name:string")
    assert answer.code == ExitCode.USAGE
    assert "rowsmith init" in answer.err
    assert empty.snapshot() == {}


def test_no_arguments_is_wrong_usage(empty: Folder):
    assert empty.rowsmith("new").code == ExitCode.USAGE


def test_help_fits_80_columns(empty: Folder):
    answer = empty.rowsmith("new", "--help")
    assert answer.code == 0
    assert all(len(line) <= 80 for line in answer.out.splitlines())
