"""Ids of rows: UUIDv7, which sort by the time they were made (RFC 9562)."""

from uuid import UUID

import uuid_utils
from asyncpg.pgproto import pgproto


def uuid7() -> UUID:
    """A new id, of the class that asyncpg has for its own: the standard library's takes twice the time to make and to send."""
    return pgproto.UUID(uuid_utils.uuid7().bytes)
