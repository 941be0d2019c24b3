"""The specs of the documentation compile, or are wrong in the way that the text shows; its tables are the compiler's."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import server
from app.api import expansion, listing, query, scalars
from generator.diagnostics import Diagnostic, render_text
from generator.ir import HOOKS
from generator.naming import snake_case
from generator.pipeline import compile_specs
from generator.spec import FieldSpec, ResourceSpec
from generator.types import COMMON_KEYS, RANGE, SCALARS, TYPE_NAMES, keys_of, types_with
from tests.support.matrix import OPERATORS
from tests.support.pages import PAGES, ROOT, Block, blocks

OTHERS = {name: f"resource: {name}\nfields:\n  name: string\n" for name in ("Project", "Task", "Tag")}
"""What the specs of the documentation may refer to."""

AROUND = """\
resource: Task
fields:
  title: string
  notes: text?
  completed: {type: boolean, default: false}
  progress: {type: integer, default: 0}
  due_at: datetime?
  slug: string?
  project: ref(Project)?
"""
"""The resource that snippets of a resource's keys belong to."""

SPEC_PAGE = ROOT / "docs" / "spec.md"


def _yaml_blocks() -> Iterator[tuple[Block, Block | None]]:
    """Each YAML block, with the block after it."""
    for page in PAGES:
        found = blocks(page)
        for block, after in itertools.zip_longest(found, found[1:]):
            if block.language == "yaml" and "excerpt" not in block.words:
                yield block, after


def _files(text: str) -> dict[str, str]:
    """The specs of a project in which a block is one of the files, or a part of one."""
    keys = re.findall(r"^([a-z_]+):", text, re.MULTILINE)
    if "resource" in keys:
        name = re.search(r"^resource: (\w+)", text, re.MULTILINE)
        assert name
        return {**OTHERS, name[1]: text}
    if set(keys) <= set(ResourceSpec.model_fields):
        return {**OTHERS, "Task": AROUND + text}
    fields = "".join(f"  {line}\n" for line in text.splitlines())
    return {**OTHERS, "Sample": f"resource: Sample\nfields:\n{fields}"}


def _compiled(text: str) -> tuple[tuple[Diagnostic, ...], dict[str, str]]:
    files = {f"resources/{snake_case(name)}.yaml": content for name, content in _files(text).items()}
    return compile_specs({path: content.encode() for path, content in files.items()})[1], files


@pytest.mark.parametrize(("block", "after"), [pytest.param(*pair, id=str(pair[0])) for pair in _yaml_blocks()])
def test_a_spec_compiles_or_is_wrong_as_shown(block: Block, after: Block | None) -> None:
    found, files = _compiled(block.text)
    text = render_text(found, files.get)
    if after is not None and after.language == "text" and re.match(r"(error|warning)\[RS", after.text):
        assert text == after.text
    else:
        assert text == ""


def _table(page: Path, *heads: str) -> list[list[str]]:
    """The cells of the table whose first headings are `heads`, line by line."""
    lines = page.read_text(encoding="utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {' | '.join(heads)} |"))
    rows: list[list[str]] = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return rows


def _names(cell: str) -> list[str]:
    return re.findall(r"`([a-z_]+)`", cell)


def test_the_types_are_the_compilers() -> None:
    rows = _table(SPEC_PAGE, "type")
    assert sorted(_names(row[0])[0] for row in rows) == sorted(TYPE_NAMES)
    for name, _, sql, own in rows:
        kind = _names(name)[0]
        documented = set(_names(own))
        assert documented == keys_of(kind) - COMMON_KEYS - {"default", "filter", "index", "sort", "unique"}, kind
        scalar = next((row for row in SCALARS.values() if row.kind.value == kind), None)
        if scalar is not None:
            assert sql == f"`{scalar.sql}`".replace("{", "").replace("}", ""), kind
            assert scalar.max_length is None or f"`max_length` ({scalar.max_length})" in own, kind


def test_every_key_is_documented() -> None:
    fields = {name for row in _table(SPEC_PAGE, "key") for name in _names(row[0])}
    assert fields == set(ResourceSpec.model_fields)
    text = SPEC_PAGE.read_text(encoding="utf-8").split("### Keys of a field", 1)[1]
    rows = [re.split(r"(?<!\\)\|", line) for line in text.split("\n\n")[1].splitlines()[2:]]
    assert {name for row in rows for name in _names(row[1])} == set(FieldSpec.model_fields)
    for row in rows:
        for key in _names(row[1]):
            if key in COMMON_KEYS or key == "stored":
                continue
            assert _types_of(row[3]) >= set(types_with(key)), key
            if row[3].strip().startswith("all but"):
                assert _types_of(row[3]) == set(types_with(key)), key


def _types_of(cell: str) -> set[str]:
    cell = cell.strip().replace("numbers", "integer, bigint, float, decimal")
    named = {word for word in re.findall(r"[a-z]+", cell) if word in TYPE_NAMES}
    return set(TYPE_NAMES) - named if cell.startswith("all") else named


def test_every_hook_is_documented() -> None:
    text = SPEC_PAGE.read_text(encoding="utf-8") + (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    assert [hook for hook in HOOKS if f"`{hook}`" not in text] == []


def test_the_operators_are_the_compilers() -> None:
    page = ROOT / "docs" / "http.md"
    groups = [("",), ("ne",), ("in",), RANGE, ("contains",), ("icontains", "startswith")]
    documented: dict[str, set[str]] = {}
    for row in _table(page, "type", "`=`"):
        operators = {operator for cell, group in zip(row[1:], groups, strict=True) if cell for operator in group}
        documented |= dict.fromkeys(row[0].split(", "), operators)
    expected = {kind.value: set(row.operators) for kind, row in SCALARS.items()}
    expected |= {name: set(OPERATORS.get(name, ())) for name in ("enum", "ref", "list", "json")}
    assert documented == expected


@pytest.mark.parametrize(
    "claim",
    [
        f"takes up to {query.MAX_LIST_VALUES} values",
        f"At most {query.MAX_FILTERS} filters in a request",
        f"at most {query.MAX_OFFSET:,}",
        f"counts up to {listing.COUNTED:,}",
        f"holds its newest {expansion.MAX_ROWS} rows",
        f"at most {scalars.MAX_JSON_LEVELS} levels and {scalars.MAX_JSON_BYTES // 1024} KiB",
        f"headers are larger than {server.MAX_UNPARSED_BYTES // 1024} KiB",
    ],
)
def test_the_limits_are_the_applications(claim: str) -> None:
    assert claim in (ROOT / "docs" / "http.md").read_text(encoding="utf-8")


def test_the_limits_in_words_are_the_applications() -> None:
    assert (listing.MAX_SORT_KEYS, expansion.MAX_EXPANSIONS, expansion.MAX_LEVELS) == (5, 10, 2)
