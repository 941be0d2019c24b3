"""Whatever the bytes of a spec are, they end in nodes or in diagnostics that can be printed, and formatting keeps what they say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from generator.codes import CODES
from generator.diagnostics import Diagnostic, columns, render_github, render_json, render_sarif, render_text
from generator.format import format_spec
from generator.load import Mapping, Node, Scalar, load_file, source_text

ROOT = Path(__file__).parents[2]
SPECS = [path.read_bytes() for path in sorted(ROOT.glob("resources/*.yaml"))]
BROKEN = [path.read_bytes() for path in sorted((ROOT / "tests/errors").glob("RS1*/resources/*.yaml")) if path.stat().st_size < 4096]
PIECES = [
    *(character.encode() for character in "[]{}:-'\"#&*!|>%@`?,~=<.\\\n\r\t\0 \u00a0\u202e\u200b\u2028\ufeff\uff1a漢\u0301😀"),
    *[b": ", b"- ", b"\n  ", b"\r\n", b" # c\n", b"&a ", b"*a", b"!t ", b"<<: ", b"---\n", b"...\n", b"|-\n", b">+\n", b"? ", b"''", b'""'],
    *[b"\\u", b"\\ud800", b"\\\n", b"\xff", b"\xfe", b"<<<<<<< a\n", b">>>>>>> a\n", b"null", b"no", b"0777", b"'\n", b'"\n'],
]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A spec, good or bad, in which a few places were deleted, repeated, replaced or filled with something special."""
    data = draw(st.sampled_from([*SPECS, *BROKEN]))
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, len(data)))
        end = min(len(data), at + draw(st.integers(0, 12)))
        change = draw(st.sampled_from([b"", data[at:end] * 2, *PIECES]) | st.binary(max_size=4))
        data = data[:at] + change + data[end:]
    return data


yaml_like = st.lists(st.sampled_from(PIECES) | st.sampled_from([b"a", b"b c", b"12", b" "]), max_size=30).map(b"".join)


def check(data: bytes) -> tuple[Mapping | None, tuple[Diagnostic, ...]]:
    """Load, and look at everything that can be said about the result without knowing the input."""
    loaded = load_file("resources/t.yaml", data)
    assert loaded.root is not None or loaded.diagnostics
    assert all(diagnostic.code in CODES for diagnostic in loaded.diagnostics)
    text = source_text(data)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for diagnostic in loaded.diagnostics:
        for span in (diagnostic.span, *(related.span for related in diagnostic.related)):
            assert span is not None
            assert span.length >= 1
            assert 1 <= span.line <= len(lines)
            assert 1 <= span.column <= len(lines[span.line - 1]) + 1
    shown = render_text(loaded.diagnostics, lambda _: text)
    assert all(columns(line) <= 80 for line in shown.splitlines() if " | " in line)
    assert all(character == "\n" or character.isprintable() or ord(character) > 0xFF for character in shown)
    json.loads(render_json(loaded.diagnostics))
    json.loads(render_sarif(loaded.diagnostics))
    assert render_github(loaded.diagnostics).count("\n") == len(set(loaded.diagnostics))
    return loaded.root, loaded.diagnostics


def content(node: Node) -> object:
    if isinstance(node, Mapping):
        return {key.text: content(value) for key, value in node.entries}
    if isinstance(node, Scalar):
        return (node.kind, {"null": "", "bool": node.text.lower()}.get(node.kind, node.text))
    return [content(item) for item in node.items]


@given(st.binary(max_size=200))
@example(b"\xef\xbb\xbf")
@example(b"\xff\xfe")
@example(b"\0\0\xfe\xff")
@example(b'"\\U00110000"')
def test_any_bytes(data: bytes) -> None:
    check(data)


@given(yaml_like)
def test_any_pieces_of_yaml(data: bytes) -> None:
    check(data)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(mutated())
def test_any_mutation_of_a_spec(data: bytes) -> None:
    root, diagnostics = check(data)
    result = format_spec("resources/t.yaml", data)
    if result.data is None:
        assert result.diagnostics == diagnostics
        return
    assert root is not None
    again = load_file("resources/t.yaml", result.data)
    assert again.diagnostics == ()
    assert again.root is not None
    assert content(again.root) == content(root)
    assert format_spec("resources/t.yaml", result.data).data == result.data


texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"), max_size=40
)
values = st.recursive(texts, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=12)


@given(st.dictionaries(texts, values, min_size=1, max_size=5))
def test_any_text_survives_formatting(data: dict[str, object]) -> None:
    spec = json.dumps(data, ensure_ascii=True).encode()
    loaded = load_file("t.yaml", spec)
    if loaded.root is None:  # zero-width characters in keys, and characters that YAML spells otherwise than JSON
        assert {diagnostic.code for diagnostic in loaded.diagnostics} <= {"RS117", "RS136", "RS148"}
        return
    result = format_spec("t.yaml", spec)
    assert result.data is not None
    again = load_file("t.yaml", result.data)
    assert again.root is not None
    assert content(again.root) == content(loaded.root)
    assert format_spec("t.yaml", result.data).data == result.data


@pytest.mark.parametrize("data", BROKEN)
def test_the_broken_specs(data: bytes) -> None:
    check(data)


@pytest.mark.parametrize(
    "unit", ["[", "{a: ", "- ", "? ", "a:\n ", "'", '"', "&a ", "*a ", "!a", "#", "\n", "a: b\n", "[\n", "<<: ", "a: a: ", "\t", "|\n "]
)
def test_a_mebibyte_of_the_same_ends_soon(unit: str) -> None:
    check((unit * (1024 * 1024 // len(unit))).encode())
