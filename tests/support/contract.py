"""Answers held against the OpenAPI document that the application serves."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from functools import lru_cache
from typing import Any
from uuid import UUID

import httpx
from jsonschema import Draft202012Validator, FormatChecker

FORMATS = FormatChecker(())


@FORMATS.checks("date", ValueError)
def _date(value: Any) -> bool:
    return not isinstance(value, str) or date.fromisoformat(value).isoformat() == value


@FORMATS.checks("time-local", ValueError)
def _time(value: Any) -> bool:
    return not isinstance(value, str) or time.fromisoformat(value).isoformat() == value


@FORMATS.checks("date-time", ValueError)
def _date_time(value: Any) -> bool:
    return not isinstance(value, str) or (value.endswith("Z") and datetime.fromisoformat(value).isoformat() == f"{value[:-1]}+00:00")


@FORMATS.checks("uuid", ValueError)
def _uuid(value: Any) -> bool:
    return not isinstance(value, str) or str(UUID(value)) == value


@FORMATS.checks("email")
def _email(value: Any) -> bool:
    return not isinstance(value, str) or re.fullmatch(r"[^@\s]+@[^@\s]+", value) is not None


@FORMATS.checks("uri")
def _uri(value: Any) -> bool:
    return not isinstance(value, str) or re.fullmatch(r"[a-z]+://\S+", value) is not None


class Document:
    """The served document; formats are checked in the one spelling that answers have."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._paths = [
            (re.compile(re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(path))), path)
            for path in sorted(document["paths"], key=lambda path: "{" in path)
        ]
        self._validator = lru_cache(maxsize=None)(self._compile)

    def check(self, answer: httpx.Response) -> None:
        """AssertionError unless the document has the operation, the status of its answer, and a schema that the body satisfies."""
        path = next(name for pattern, name in self._paths if pattern.fullmatch(answer.url.raw_path.decode().partition("?")[0]))
        validator = self._validator(path, answer.request.method.lower(), str(answer.status_code))
        if validator is None:
            assert answer.content == b""
            return
        problems = [f"{problem.json_path}: {problem.message}" for problem in validator.iter_errors(answer.json())]
        assert not problems, f"{answer.request.method} {path} {answer.status_code}: {problems[:5]}"

    def _compile(self, path: str, method: str, status: str) -> Draft202012Validator | None:
        responses = self._document["paths"][path][method]["responses"]
        assert status in responses, f"{method} {path} does not say that it answers {status}"
        content = responses[status].get("content")
        if content is None:
            return None
        schema = {**content["application/json"]["schema"], "components": self._document["components"]}
        return Draft202012Validator(schema, format_checker=FORMATS)
