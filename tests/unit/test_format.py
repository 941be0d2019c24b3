"""The canonical layout of specs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from generator import format as format_module
from generator.format import MeaningChangedError, format_spec

ROOT = Path(__file__).parents[2]


def formatted(text: str) -> str:
    """The canonical text; formatting it again changes nothing."""
    result = format_spec("t.yaml", text.encode())
    assert result.diagnostics == ()
    assert result.data is not None
    assert format_spec("t.yaml", result.data).data == result.data
    return result.data.decode()


CANONICAL = """\
# yaml-language-server: $schema=../.rowsmith/resource.schema.json
resource: Task  # PascalCase; the file is task.yaml
description: Something to get done.
plural: tasks

fields:
  title:    {type: string, min_length: 1, max_length: 200, search: true, sort: true}
  notes:    text?  # shorthand
  priority: {type: enum, values: [low, normal, high], default: normal, filter: true, sort: true}
  slug:     {type: string, pattern: "^[a-z0-9-]+$", max_length: 80, write: once, nullable: true, filter: true}

  # after an empty line
  project:   {type: ref, to: Project, nullable: true, on_delete: set_null, filter: true, expand: true}
  completed: {type: boolean, default: false, filter: true}

unique:
  - [project, slug]  # always within the owner
indexes:
  - [completed, due_at]
checks:
  - {name: done_has_notes, rule: "not completed or notes is not null", message: Say how it ended.}
operations: [list, get, create, replace, update, delete, batch]
soft_delete: false
concurrency: optional
page: {default: 20, max: 100}
hooks: [before_create, after_commit]
"""


def test_a_canonical_file_stays_as_it_is() -> None:
    assert formatted(CANONICAL) == CANONICAL


def test_the_same_content_in_another_layout_ends_in_the_same_bytes() -> None:
    other = """
---
# yaml-language-server: $schema=../.rowsmith/resource.schema.json

hooks:
- before_create
- 'after_commit'
page:
    max: 100
    default: 20
concurrency: "optional"
soft_delete: False
operations: [ list,get , create,
   replace, update, delete, batch ]
checks:
-   message: 'Say how it ended.'
    name: "done_has_notes"
    rule: not completed or notes is not null
indexes: [[completed, due_at]]
unique:
- - project
  - slug   # always within the owner
fields: {title: {sort: true, search: true, max_length: 200, min_length: 1, type: 'string'}}
plural: tasks
description: Something
  to get
  done.
resource: Task   # PascalCase; the file is task.yaml
"""
    result = formatted(other)
    assert result.startswith(
        "# yaml-language-server: $schema=../.rowsmith/resource.schema.json\n\nresource: Task  # PascalCase; the file is task.yaml\n"
    )
    assert "  title: {type: string, min_length: 1, max_length: 200, search: true, sort: true}\n" in result
    assert result[result.index("indexes:") :] == CANONICAL[CANONICAL.index("indexes:") :]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("a: 'text'", "a: text"),
        ('a: "it\'s"', "a: it's"),
        ("a: 'say \"hi\"'", 'a: say "hi"'),
        ("a: '\"hi\" he said'", "a: '\"hi\" he said'"),
        ("a: '^\\d+$'", "a: ^\\d+$"),
        ("pattern: '^\\d+$'", "pattern: '^\\d+$'"),
        ("pattern: ^[a-z]$", 'pattern: "^[a-z]$"'),
        ("a: '5'", 'a: "5"'),
        ("a: 5", "a: 5"),
        ("a: 'true'", 'a: "true"'),
        ("a: True", "a: true"),
        ("a: ~", "a: null"),
        ("a:", "a: null"),
        ("a: 'null'", 'a: "null"'),
        ("a: ''", 'a: ""'),
        ("a: ' x'", 'a: " x"'),
        ("a: 'x '", 'a: "x "'),
        ("a: 'x: y'", 'a: "x: y"'),
        ("a: 'x #y'", 'a: "x #y"'),
        ("a: 'x:y#z'", "a: x:y#z"),
        ("a: '- x'", 'a: "- x"'),
        ("a: '-x'", 'a: "-x"'),
        ("a: '@x'", 'a: "@x"'),
        ("a: '<<'", 'a: "<<"'),
        ("a: 'no'", 'a: "no"'),
        ("a: no", "a: no"),
        ("a: '12:30'", 'a: "12:30"'),
        ("a: 12:30", "a: 12:30"),
        ("a: '2024-01-01'", 'a: "2024-01-01"'),
        ("a: 0777", "a: 0777"),
        ("a: '1_000'", 'a: "1_000"'),
        ("a: 1.50", "a: 1.50"),
        ("a: [ 'x, y' , '[z]', 'w' ]", 'a: ["x, y", "[z]", w]'),
        ('a: "tab\\there"', 'a: "tab\\there"'),
        ('a: "a\\u00a0b\\u2028c\\u200bd"', 'a: "a\\xA0b\\u2028c\\u200Bd"'),
        ('a: "“x”"', 'a: "“x”"'),
        ("a: caf\u00e9 漢字 😀", "a: caf\u00e9 漢字 😀"),
        ("'a b': c", "a b: c"),
        ("'5': c", '"5": c'),
        ("a: []", "a: []"),
        ("a: {}", "a: {}"),
        ("fields: {}", "fields: {}"),
        ("fields:\n  a: {b: }", "fields:\n  a: {b: null}"),
    ],
)
def test_scalars(given: str, wanted: str) -> None:
    assert formatted(f"{given}\n") == f"{wanted}\n"


def test_a_field_that_does_not_fit_is_a_block() -> None:
    line = "  a: {type: string, description: " + "x" * 86 + "}\n"
    assert len(line) == 121
    assert formatted(f"fields:\n{line}") == f"fields:\n{line}"
    longer = line.replace("xxx", "xxxx", 1)
    assert formatted(f"fields:\n{longer}") == f"fields:\n  a:\n    type: string\n    description: {'x' * 87}\n"


def test_only_neighbours_are_aligned_and_long_names_push_nobody() -> None:
    long = "a_name_of_more_than_twenty_four_letters"
    text = f"fields:\n  a:  text\n  bcd: text\n\n  efghi: text\n  {long}: text\n  # comment\n  j: text\n  kl: text\n"
    assert formatted(text) == text.replace("a:  text", "a:   text").replace("j: text", "j:  text")


def test_unknown_keys_come_last_and_the_order_of_data_is_kept() -> None:
    text = "zebra: 1\nresource: Task\napple: 2\nfields:\n  b: {type: json, default: {z: 1, a: 2}}\n  a: text\n"
    assert formatted(text) == ("resource: Task\n\nfields:\n  b: {type: json, default: {z: 1, a: 2}}\n  a: text\n\nzebra: 1\napple: 2\n")


def test_comments_stay_where_they_belong() -> None:
    text = """\
# head

# of resource
resource: Task
fields:   # of fields
  # of b, 1

  # of b, 2
  b: {     # behind b
    # of max_length
    max_length: 3,   # behind max_length
    type: string }   # behind type

  a:
      type: enum   # behind enum
      values:
        # of x
        - x    # behind x
        # end of values
      # end of a
  # end of fields
# of plural
plural: tasks # behind plural
checks:
- # of the check
  name: a
  # of rule
  rule: b
  message: c
# end
"""
    assert (
        formatted(text)
        == """\
# head

# of resource
resource: Task
# of plural
plural: tasks  # behind plural

fields:  # of fields
  # of b, 1

  # of b, 2
  b:  # behind b
    type: string  # behind type
    # of max_length
    max_length: 3  # behind max_length

  a:
    type: enum  # behind enum
    values:
      # of x
      - x  # behind x
      # end of values
    # end of a
  # end of fields

checks:
  # of the check
  - name: a
    # of rule
    rule: "b"
    message: c
# end
"""
    )


@pytest.mark.parametrize(
    "text", ["a: 'x # y'\n", "a: x#y\n", 'a: "#"\n', "a: |\n  # no comment\n  b # nor this\n", "a: >-\n  # no comment\n"]
)
def test_what_looks_like_a_comment_in_a_text_is_none(text: str) -> None:
    assert "#" in formatted(text)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("description: |\n    one\n      two\n\n    three\n", "description: |\n  one\n    two\n\n  three\n"),
        ("description: >-\n    one\n    two\n\n    three\n", "description: >-\n  one\n  two\n\n  three\n"),
        ("description: |  # comment\n  one\n", "description: |  # comment\n  one\n"),
        ("description: |\n  one", "description: |-\n  one\n"),
        ("description: |2\n    one\n", 'description: "  one\\n"\n'),
        ("description: |+\n  one\n\n", 'description: "one\\n\\n"\n'),
        ("description: |\n  one \n", 'description: "one \\n"\n'),
        ("description: one\n  two\n\n  three\n", "description: |-\n  one two\n  three\n"),
        ("description: " + "word " * 30 + "\n  end\n", "description: >-\n  " + "word " * 22 + "word\n  " + "word " * 7 + "end\n"),
        ("description: " + "word " * 40 + "end\n", "description: " + "word " * 40 + "end\n"),
    ],
)
def test_texts_of_several_lines(given: str, wanted: str) -> None:
    assert formatted(given) == wanted


def test_line_ends_of_windows_stay_and_a_mark_goes() -> None:
    result = format_spec("t.yaml", "\ufeffresource:  Task\r\ndescription: |\r\n  one\r\n  two\r\n".encode())
    assert result.data == b"resource: Task\r\ndescription: |\r\n  one\r\n  two\r\n"


@pytest.mark.parametrize("text", ["a: [", "a: 1\na: 2\n", "", "- a\n", "a: *b\n", "a: \u202eb\n", "a: “b”\n"])
def test_what_is_not_valid_is_refused_with_its_errors(text: str) -> None:
    result = format_spec("t.yaml", text.encode())
    assert result.data is None
    assert result.diagnostics


def test_an_error_of_the_formatter_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def lossy(_root: object) -> Iterable[str]:
        return ["a: 2"]

    monkeypatch.setattr(format_module, "_file", lossy)
    with pytest.raises(MeaningChangedError):
        format_spec("t.yaml", b"a: 1\n")


def test_a_lost_comment_is_an_error_of_the_formatter(monkeypatch: pytest.MonkeyPatch) -> None:
    def lossy(_root: object) -> Iterable[str]:
        return ["a: 1"]

    monkeypatch.setattr(format_module, "_file", lossy)
    with pytest.raises(MeaningChangedError):
        format_spec("t.yaml", b"a: 1 # x\n")


@pytest.mark.parametrize("path", sorted(ROOT.glob("resources/*.yaml")), ids=lambda path: path.name)
def test_the_example_can_be_formatted(path: Path) -> None:
    formatted(path.read_text(encoding="utf-8"))
