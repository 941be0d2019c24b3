"""The documentation as data: its fenced blocks, and the requests and answers among them.

Answers are compared with what the text shows. Whatever differs from run to run stands for itself: an id or a cursor of the text is
bound to the one of the answer where it first appears, and has to be that one from then on; times of rows only have to be times. An
object that ends with `…` shows some of its keys.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.support.serving import Api

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))

USER = "demo"
"""Who sends the requests of the documentation."""

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
REST = "…"


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: `language` and `words` are its info string, `line` is where it opens, `section` the heading above it."""

    page: Path
    line: int
    section: str
    language: str
    words: tuple[str, ...]
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks(page: Path, *languages: str) -> list[Block]:
    """The fenced blocks of a page, in order; of some languages where they are given."""
    return [block for block in _read(page) if not languages or block.language in languages]


def _read(page: Path) -> Iterator[Block]:
    section = ""
    lines = page.read_text(encoding="utf-8").splitlines()
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        if re.match(r"#{1,3} ", line):
            section = line.lstrip("# ")
        opening = re.match(r"( *)```(.*)$", line)
        if not opening:
            continue
        start = number
        while lines[number] != f"{opening[1]}```":
            number += 1
        language, *words = opening[2].split() or [""]
        yield Block(page, start, section, language, tuple(words), textwrap.dedent("\n".join(lines[start:number])) + "\n")
        number += 1


# --- exchanges ----------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Message:
    """A request or an answer as the text shows it."""

    start: str
    headers: dict[str, str]
    body: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer."""

    block: Block
    request: Message
    answer: Message

    def __str__(self) -> str:
        return str(self.block)


def exchanges(page: Path) -> list[Exchange]:
    """The pairs of `http` blocks of a page, in order. A request of `http anonymous` carries no token."""
    found = blocks(page, "http")
    pairs = list(zip(found[::2], found[1::2], strict=True))
    for asked, answered in pairs:
        assert not asked.text.startswith("HTTP/"), f"{asked} is an answer without its request"
        assert answered.text.startswith("HTTP/1.1 "), f"{asked} is a request without an answer"
    return [Exchange(asked, _message(asked.text), _message(answered.text)) for asked, answered in pairs]


def _message(text: str) -> Message:
    head, _, body = text.partition("\n\n")
    start, *lines = head.strip().splitlines()
    return Message(start, dict(line.split(": ", 1) for line in lines), body.strip())


@dataclass(slots=True)
class Replay:
    """Sends the requests of one page, one after the other, and compares the answers."""

    api: Api
    bound: dict[str, str] = field(default_factory=dict[str, str])

    def run(self, exchange: Exchange) -> None:
        """Send the request; AssertionError where the answer is not the one of the text."""
        answer = self.send(exchange)
        where = f"{exchange.block}: {exchange.request.start}\n{answer.status_code} {answer.text}"
        assert f"HTTP/1.1 {answer.status_code} {answer.reason_phrase}" == exchange.answer.start, where
        if exchange.answer.body:
            self._compare_body(exchange.answer.body, answer, where)
        else:
            assert not answer.content or answer.headers["content-type"] != "application/json", where
        for name, value in exchange.answer.headers.items():
            if name != "X-Request-ID":
                assert answer.headers.get(name) == self._actual(value), f"{name}: {where}"

    def send(self, exchange: Exchange) -> httpx.Response:
        """Send the request with the token of `USER`, and as JSON where the text does not say otherwise."""
        request = exchange.request
        method, target = request.start.split(" ", 1)
        headers = {name: self._actual(value) for name, value in request.headers.items()}
        if "anonymous" not in exchange.block.words:
            headers = {**self.api.headers(USER), **headers}
        if request.body:
            headers = {"Content-Type": "application/json", **headers}
        return self.api.client.request(method, self._actual(target), headers=headers, content=self._actual(request.body) or None)

    def _actual(self, text: str) -> str:
        for shown, actual in self.bound.items():
            text = text.replace(shown, actual)
        return text

    def _compare_body(self, shown: str, answer: httpx.Response, where: str) -> None:
        if "json" not in answer.headers["content-type"]:
            for line in shown.splitlines():
                assert line in answer.text.splitlines(), where
            return
        shown = re.sub(rf"{REST}(?=\s*}})", f'"{REST}": 0', shown)
        self._compare(json.loads(shown), answer.json(), "", where)

    def _compare(self, shown: Any, actual: Any, key: str, where: str) -> None:
        if isinstance(shown, dict) and isinstance(actual, dict):
            names = [name for name in shown if name != REST]
            assert names == (list(actual) if REST not in shown else [name for name in actual if name in shown]), where
            for name in names:
                self._compare(shown[name], actual[name], name, where)
        elif isinstance(shown, list) and isinstance(actual, list):
            assert len(shown) == len(actual), where
            for one, other in zip(shown, actual, strict=True):
                self._compare(one, other, key, where)
        elif key in {"created_at", "updated_at"}:
            assert MOMENT.fullmatch(str(shown)), where
            assert MOMENT.fullmatch(str(actual)), where
        elif isinstance(shown, str) and isinstance(actual, str) and self._varies(key, shown, actual):
            assert self.bound.setdefault(shown, actual) == actual, where
        else:
            assert (type(shown), shown) == (type(actual), actual), where

    @staticmethod
    def _varies(key: str, shown: str, actual: str) -> bool:
        """Whether it is an id of a row or of a request, or a cursor: both sides have one, and nothing says which."""
        return (
            key.endswith("_cursor")
            or (shown.startswith("urn:request:") and actual.startswith("urn:request:"))
            or bool(UUID.fullmatch(shown) and UUID.fullmatch(actual))
        )
