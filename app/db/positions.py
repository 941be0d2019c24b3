"""How far the database had come when a client wrote: what a client is given, so that it reads its own writes.

The text is encrypted: a position in the log would tell one user how much others write.
"""

import hashlib
import time
from base64 import urlsafe_b64encode

import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from app.config import Settings

LIFETIME = 300
"""Seconds for which a client's last write counts. A copy that is further behind than that is one to repair."""

UNKNOWN = 2**63 - 1
"""The position of a write where it could not be asked for: no copy ever has it, so that the client reads from the primary."""


class Positions:
    """Makes the tokens of positions, and reads them, with keys that every process and host derives from the same secrets."""

    def __init__(self, settings: Settings) -> None:
        secrets = settings.jwt_secret or (settings.database_url,)
        keys = (hashlib.blake2b(secret.encode(), digest_size=32, person=b"rowsmith-places").digest() for secret in secrets)
        self._fernet = MultiFernet([Fernet(urlsafe_b64encode(key)) for key in keys])

    def token(self, position: int) -> str:
        """What a client sends with its reads to see what was written up to `position`."""
        return self._fernet.encrypt(orjson.dumps([int(time.time()) + LIFETIME, position])).decode()

    def read(self, token: bytes) -> int | None:
        """The position of a token; None for one that has had its time, and UNKNOWN for one that is none of ours."""
        try:
            until, position = orjson.loads(self._fernet.decrypt(token))
        except InvalidToken:
            return UNKNOWN
        return position if time.time() < until else None
