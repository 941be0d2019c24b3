"""Cursors of a list: where the last page ended, readable and forgeable by nobody but this application."""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import orjson

from app.config import Settings

_TAG_BYTES = 16


class InvalidCursorError(ValueError):
    """The cursor was not made by this application for this user, these filters and this sort."""


class CursorSigner:
    """Signs and verifies cursors with keys that are derived from the application's secrets, so that every worker and host has the same."""

    def __init__(self, settings: Settings) -> None:
        """Derive a key from each secret of JWT_SECRET, or from DATABASE_URL where tokens are verified by public keys alone."""
        secrets = settings.jwt_secret or (settings.database_url,)
        self._keys = [hashlib.blake2b(secret.encode(), digest_size=32, person=b"rowsmith-cursor").digest() for secret in secrets]

    def sign(self, position: list[Any], context: str) -> str:
        """The cursor of `position` (JSON values), valid in `context` only."""
        payload = orjson.dumps(position, option=orjson.OPT_UTC_Z)
        return urlsafe_b64encode(_tag(self._keys[0], payload, context) + payload).rstrip(b"=").decode()

    def verify(self, cursor: str, context: str) -> list[Any]:
        """The position of a cursor; InvalidCursorError for any that `sign` did not make in the same context."""
        try:
            raw = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        except ValueError as error:
            raise InvalidCursorError from error
        canonical = urlsafe_b64encode(raw).rstrip(b"=").decode()
        tag, payload = raw[:_TAG_BYTES], raw[_TAG_BYTES:]
        if canonical != cursor or not any(hmac.compare_digest(tag, _tag(key, payload, context)) for key in self._keys):
            raise InvalidCursorError
        return orjson.loads(payload)


def _tag(key: bytes, payload: bytes, context: str) -> bytes:
    return hashlib.blake2b(payload + b"\0" + context.encode(), digest_size=_TAG_BYTES, key=key).digest()
