"""Waivers: breaking changes that a team has agreed to, each with a reason and an end, in `[tool.rowsmith]` of pyproject.toml.

[tool.rowsmith]
waivers = [{ fingerprint = "1f3a9c2b77d0", reason = "no client sends it since May", until = 2027-01-31 }]
"""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class WaiverError(Exception):
    """The waivers of pyproject.toml cannot be read; the message says what is wrong with them."""


class Waiver(BaseModel):
    """One agreed change: the fingerprint that `rowsmith plan` prints, why it may happen, and the last day on which it may."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fingerprint: Annotated[str, Field(pattern="^[0-9a-f]{12}$")]
    reason: Annotated[str, Field(min_length=1)]
    until: date


class _Settings(BaseModel):
    waivers: list[Waiver] = []


class _Tools(BaseModel):
    rowsmith: _Settings = _Settings()


class _Document(BaseModel):
    tool: _Tools = _Tools()


def read_waivers(root: Path) -> dict[str, Waiver]:
    """The waivers of a project by fingerprint, expired ones included; none without a pyproject.toml. WaiverError for what is none."""
    path = root / "pyproject.toml"
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise WaiverError(f"pyproject.toml is not TOML: {problem}") from None
    try:
        settings = _Document.model_validate(document).tool.rowsmith
    except ValidationError as invalid:
        first = invalid.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise WaiverError(f"{where} in pyproject.toml: {first['msg']}") from None
    return {waiver.fingerprint: waiver for waiver in settings.waivers}
