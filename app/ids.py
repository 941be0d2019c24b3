"""Ids of rows: UUIDv7, which sort by the time they were made (RFC 9562)."""

import sys

if sys.version_info >= (3, 14):
    from uuid import uuid7
else:
    from uuid_utils.compat import uuid7

__all__ = ["uuid7"]
