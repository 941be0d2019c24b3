"""Tokens as an issuer would sign them, and as an attacker would bend them."""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

from jose import jwt

SECRET = "a-secret-for-tests-that-is-long-enough-5d8f0c"


def mint(user: str, secret: str = SECRET, algorithm: str = "HS256", headers: dict[str, Any] | None = None, **claims: Any) -> str:
    """A token of `user`, valid for an hour. `claims` are added or replace others; one that is None is left out."""
    now = int(time.time())
    payload: dict[str, Any] = {"sub": user, "iat": now, "exp": now + 3600} | claims
    return jwt.encode({name: value for name, value in payload.items() if value is not None}, secret, algorithm, headers)


def new_user(prefix: str = "user") -> str:
    """A user id that no other test uses, so that tests share a database without seeing each other's rows."""
    return f"{prefix}-{uuid4().hex[:12]}"
