"""`rowsmith graph`, as a user runs it, and what its output is made of."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.support.command import Folder

ROOT = Path(__file__).resolve().parents[2]
SVG = "{http://www.w3.org/2000/svg}"
PICTURE = ROOT / "docs" / "example.svg"

ORDER = """\
resource: Order
description: "What <b>is</b> \\"sent\\" & \\x07 paid."
fields:
  customer: {type: ref, to: One, on_delete: cascade}
  invoice:  {type: ref, to: Invoice, nullable: true, on_delete: set_null, unique: true}
  before:   {type: ref, to: Order, nullable: true}
  pk:       {type: enum, values: [new, "50 %", '%%{init: {}}%%', "a \\"b\\"; #1"]}
  total:    {type: decimal, precision: 8, scale: 2, nullable: true}
  sizes:    {type: list, of: decimal, precision: 4, scale: 1}
  place:    string
unique:
  - [customer, place]
soft_delete: true
"""

MERMAID = """\
erDiagram
    %% Every table has user_id besides, first in its keys and references, and created_at, updated_at and version.
    Invoice {
        uuid id PK
        integer number
        integer twice "computed"
    }
    "One" {
        uuid id PK
        string name
    }
    Order["Order (keeps deleted rows)"] {
        uuid id PK
        uuid customer_id FK "unique with place"
        uuid invoice_id FK, UK "nullable"
        uuid before_id FK "nullable"
        enum \u200bpk "new | 50 #37; | #37;#37;#123;init#58; #123;#125;#125;#37;#37; | a #34;b#34;#59; #35;1"
        decimal total "(8,2), nullable"
        decimal[] sizes "(4,1)"
        string place "unique with customer_id"
    }
    "One" ||--o{ Order : "customer, cascade"
    Invoice |o--o| Order : "invoice, set null"
    Order |o--o{ Order : "before, restrict"
"""
"""Mermaid's own parser reads it as it is meant: three entities, thirteen attributes, three relations."""

LINE = re.compile(
    r"erDiagram|    %% [^%]*|    }"
    r'|    (\w+|"\w+")(\["[\w ,()]+"\])? \{'
    r'|        [a-z]+(\[\])? \u200b?(?!(?:pk|fk|uk)\b)[a-z_0-9]+( (PK|FK|UK)(, UK)?)?( "[^"%\\;`{}<>]*(#\d+;[^"%\\;`{}<>]*)*")?'
    r'|    (\w+|"\w+") (\|\||\|o)--(o\{|o\|) (\w+|"\w+") : "[a-z_0-9]+, (restrict|cascade|set null)"'
)
"""Every form that a line of a diagram has."""


@pytest.fixture
def orders(empty: Folder) -> Folder:
    """Resources with names and values that mean something to Mermaid or XML."""
    empty.write("resources/order.yaml", ORDER)
    empty.write("resources/one.yaml", "resource: One\nfields:\n  name: string\n")
    empty.write("resources/invoice.yaml", "resource: Invoice\nfields:\n  number: integer\n  twice: {type: integer, computed: number * 2}\n")
    return empty


def test_mermaid(orders: Folder) -> None:
    answer = orders.rowsmith("graph")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out == MERMAID


def texts_of(svg: str) -> list[str]:
    return [text for element in ET.fromstring(svg).iter(f"{SVG}text") if (text := "".join(element.itertext()))]


def test_svg(orders: Folder) -> None:
    answer = orders.rowsmith("graph", "--format", "svg")
    assert (answer.code, answer.err) == (0, "")
    texts = texts_of(answer.out)
    for shown in (
        "Order",
        "keeps deleted rows",
        "customer_id",
        "FK UK",
        "decimal(8,2)?",
        "decimal(4,1)[]",
        "cascade",
        "set null",
        "restrict",
    ):
        assert texts.count(shown) == 1, shown
    told = [title.text for title in ET.fromstring(answer.out).iter(f"{SVG}title")]
    assert 'What <b>is</b> "sent" & \ufffd paid.' in told
    assert 'new | 50 % | %%{init: {}}%% | a "b"; #1' in told
    assert "<b>" not in answer.out


def test_what_refers_to_nothing_is_drawn_as_well(specs: Folder) -> None:
    assert {"Project", "Task"} <= set(texts_of(specs.rowsmith("graph", "--format", "svg").out))


@pytest.mark.parametrize("name", ["torture", "trash", "lists"])
def test_awkward_names(empty: Folder, name: str) -> None:
    for path in sorted((ROOT / "tests/cases" / name / "resources").glob("*.yaml")):
        empty.write(f"resources/{path.name}", path.read_text(encoding="utf-8"))
    mermaid = empty.rowsmith("graph")
    assert mermaid.code == 0
    assert [line for line in mermaid.out.splitlines() if not LINE.fullmatch(line)] == []
    svg = empty.rowsmith("graph", "--format", "svg")
    assert svg.code == 0
    entities = re.findall(r'^    "?(\w+)"?(?:\[.*\])? \{$', mermaid.out, re.MULTILINE)
    assert set(entities) <= set(texts_of(svg.out))
    assert len(re.findall(" : ", mermaid.out)) == svg.out.count('class="word"')


def test_a_spec_that_is_wrong(empty: Folder) -> None:
    empty.write("resources/task.yaml", "resource: Task\nfields:\n  project: {type: ref, to: Projet}\n")
    answer = empty.rowsmith("graph")
    assert (answer.code, answer.out) == (2, "")
    assert "RS203" in answer.err


def test_a_format_that_there_is_not(specs: Folder) -> None:
    answer = specs.rowsmith("graph", "--format", "png")
    assert (answer.code, answer.out) == (2, "")
    assert "'mermaid', 'svg'" in answer.err


def test_the_picture_of_the_docs_is_current(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], update: bool) -> None:
    monkeypatch.chdir(ROOT)
    svg = Folder(ROOT, capsys).rowsmith("graph", "--format", "svg").out
    if update:
        PICTURE.write_text(svg, encoding="utf-8")
    assert PICTURE.read_text(encoding="utf-8") == svg
