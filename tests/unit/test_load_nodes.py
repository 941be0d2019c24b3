"""What a valid file is read as: nodes, kinds and places."""

from __future__ import annotations

from decimal import Decimal

import pytest

from generator.ir import Span
from generator.load import Mapping, Node, Scalar, Sequence, load_file


def load(text: str | bytes) -> Mapping:
    loaded = load_file("t.yaml", text.encode() if isinstance(text, str) else text)
    assert loaded.diagnostics == ()
    assert loaded.root is not None
    return loaded.root


def value(text: str) -> Scalar:
    node = load(f"a: {text}\n").get("a")
    assert isinstance(node, Scalar)
    return node


def plain(node: Node) -> object:
    """The content without places and kinds."""
    if isinstance(node, Mapping):
        return {key.text: plain(item) for key, item in node.entries}
    return node.text if isinstance(node, Scalar) else [plain(item) for item in node.items]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *((text, "null") for text in ("null", "Null", "NULL", "~")),
        *((text, "bool") for text in ("true", "True", "TRUE", "false", "False", "FALSE")),
        *((text, "int") for text in ("0", "-1", "+12", "0777", "0o17", "0x1F", "9" * 5000)),
        *((text, "float") for text in ("1.5", ".5", "5.", "-1e3", "1.0E-6", ".inf", "-.Inf", ".nan", ".NaN")),
        *((text, "str") for text in ("no", "No", "NO", "yes", "on", "off", "y", "n", "nUll", "tRue")),
        *((text, "str") for text in ("12:30", "1:2:3", "2024-01-01", "2024-01-01T00:00:00Z", "1_000", "0b1", "0x", "1e", ".", "=")),
        *((text, "str") for text in ('"5"', "'true'", "'null'", '""', "''")),
    ],
)
def test_scalars_are_read_as_yaml_1_2_says(text: str, kind: str) -> None:
    assert value(text).kind == kind


def test_yaml_1_1_traps_are_texts_as_keys_too() -> None:
    root = load("no: 1\non: 2\n12:30: 3\n2024-01-01: 4\ny: 5\n")
    assert [(key.text, key.kind) for key, _ in root.entries] == [(text, "str") for text in ("no", "on", "12:30", "2024-01-01", "y")]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5", Decimal(5)),
        ("-0.10", Decimal("-0.10")),
        ("1e3", Decimal(1000)),
        ("9" * 5000, Decimal("9" * 5000)),
        ("0." + "3" * 5000, Decimal("0." + "3" * 5000)),
        *((text, None) for text in ("0777", "1_000", ".inf", ".nan", "0x10", "0o7", '"5"', "true", "1e9999999", "-.5e1234567")),
    ],
)
def test_numbers_are_exact_and_only_what_all_readers_agree_on(text: str, number: Decimal | None) -> None:
    assert value(text).number() == number


def test_booleans() -> None:
    assert (value("True").boolean(), value("false").boolean(), value("no").boolean(), value("'true'").boolean()) == (
        True,
        False,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("a plain text, with:colons inside?", "a plain text, with:colons inside?"),
        ("a #b", "a"),
        ("'it''s'", "it's"),
        (r'"a\tb\u00e9\U0001F600\x41\"\\"', 'a\tbé😀A"\\'),
        ("|\n  one\n  two\n", "one\ntwo\n"),
        (">-\n  one\n  two\n\n  three\n", "one two\nthree"),
        ("one\n  two\n  three", "one two three"),
        ('"one\n  two\\\n   three"', "one twothree"),
        ("👨\u200d👩 and \u0645\u06cc\u200c\u062e", "👨\u200d👩 and \u0645\u06cc\u200c\u062e"),
    ],
)
def test_texts(text: str, content: str) -> None:
    assert value(text).text == content


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffa: b\n",
        "a: b",
        "a: b\r\n",
        "---\na: b\n",
        "---\na: b\n...\n",
        "# c\na: b # d\n# e\n",
        "{a: b}",
        "? a\n: b\n",
        "a:\tb\n",
        '"a": b\n',
    ],
)
def test_spellings_of_one_pair(text: str) -> None:
    assert plain(load(text)) == {"a": "b"}


def test_places_count_characters_from_one() -> None:
    root = load('\ufeffé: "漢字"\n😀😀: {a: [x,  yz]}\r\nlast:\n  - |\n    text\n  - deep:\n      er: 5\n')
    assert [key.span for key, _ in root.entries] == [Span("t.yaml", 1, 1, 1), Span("t.yaml", 2, 1, 2), Span("t.yaml", 3, 1, 4)]
    first, second, last = (node for _, node in root.entries)
    assert first.span == Span("t.yaml", 1, 4, 4)
    assert second.span == Span("t.yaml", 2, 5, 13)
    assert isinstance(second, Mapping)
    flow = second.get("a")
    assert isinstance(flow, Sequence)
    assert flow.span == Span("t.yaml", 2, 9, 8)
    assert flow.items[1].span == Span("t.yaml", 2, 14, 2)
    assert isinstance(last, Sequence)
    assert last.span == Span("t.yaml", 4, 3, 1)
    assert last.items[0].span == Span("t.yaml", 4, 5, 1)
    deep = last.items[1]
    assert isinstance(deep, Mapping)
    assert deep.span == Span("t.yaml", 6, 5, 4)
    assert deep.get("deep") == Mapping(
        ((Scalar("er", "str", False, "t.yaml", 7, 7, 2), Scalar("5", "int", False, "t.yaml", 7, 11, 1)),),
        Span("t.yaml", 7, 7, 2),
    )


def test_the_place_of_a_missing_value_is_behind_its_colon() -> None:
    node = load("a:\nb: c\n").get("a")
    assert node == Scalar("", "null", False, "t.yaml", 1, 3, 1)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("abc def", (1, 8)),
        ('"abc def"', (1, 9)),
        ("'abc def'", (1, 9)),
        ('"\\u0061bc def"', (1, 4)),
        ("'ab''c def'", (1, 4)),
        ("abc\n  def", (1, 4)),
    ],
)
def test_a_part_of_a_text_is_found_where_no_escape_hides_it(text: str, part: tuple[int, int]) -> None:
    node = value(text)
    span = node.part(4, 3)
    assert (span.line, span.column) == part
    assert span.length == (3 if part[1] > 4 else node.span.length)


def test_a_part_never_leaves_the_text() -> None:
    node = value("abc")
    assert node.part(1, 100).length == 2
    assert node.part(3, 1).length == 1
    assert node.part(4, 1) == node.span


def test_get_and_key() -> None:
    root = load("a: 1\nb: 2\n")
    assert root.get("b") is root.entries[1][1]
    assert root.key("b") is root.entries[1][0]
    assert root.get("c") is None
    assert root.key("c") is None


@pytest.mark.parametrize("depth", [1, 31])
def test_the_greatest_nesting(depth: int) -> None:
    node: Node | None = load("a: " + "[" * depth + "]" * depth).get("a")
    for _ in range(depth - 1):
        assert isinstance(node, Sequence)
        node = node.items[0]
    assert isinstance(node, Sequence)


def test_the_longest_key() -> None:
    assert load("k" * 128 + ": v").entries[0][0].text == "k" * 128


def test_after_a_repeated_key_the_rest_is_still_there() -> None:
    loaded = load_file("t.yaml", b"a: 1\nb: 2\na: 3\nc: 4\n")
    assert loaded.root is not None
    assert plain(loaded.root) == {"a": "1", "b": "2", "c": "4"}
    assert [diagnostic.code for diagnostic in loaded.diagnostics] == ["RS133"]


@pytest.mark.parametrize("text", ["a: “x”\n", "a: *b\n", "a: &b c\n", "a: !t b\n", "[a]: b\n", "a: [\n", "a\x00: b\n", "true: x\n"])
def test_after_other_errors_nothing_is_known(text: str) -> None:
    loaded = load_file("t.yaml", text.encode())
    assert loaded.root is None
    assert loaded.diagnostics


def test_plain_python_parser_agrees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yaml.__with_libyaml__", False)
    assert plain(load('a: [1, "b", {c: d}]\nb: |\n  x\n')) == {"a": ["1", "b", {"c": "d"}], "b": "x\n"}
    for text, code in (('a: "\\ud800"', "RS148"), ('a: "\\U00110000"', "RS159"), ("a: [", "RS144"), ("a:\n\tb: c", "RS142")):
        found = load_file("t.yaml", text.encode())
        assert found.root is None
        assert [diagnostic.code for diagnostic in found.diagnostics] == [code]
