"""The issuer's published keys (RFC 7517): fetched when needed, cached, and kept for a while when the issuer is down."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, cast

import httpx
from jose.backends.base import Key

from app.middleware.keys import PublicKey, algorithms_for, build_key, kind_of, public_key_from_jwk

TTL = 600.0
"""Seconds a key set is used without asking the issuer again. A key that the issuer withdraws is refused after this time."""
COOLDOWN = 30.0
"""Seconds between two fetches, whatever tokens arrive."""
MAX_STALE = 3600.0
"""Seconds a key set is used when the issuer does not answer."""
TIMEOUT = 3.0
"""Seconds one fetch may take in all."""
MAX_BYTES = 256 * 1024
"""The largest key set that is read."""
MAX_CANDIDATES = 8
"""How many keys are tried for one token: those with its kid, or any where it names none."""

logger = logging.getLogger(__name__)

type KeyTable = Mapping[tuple[str | None, str], tuple[Key, ...]]
"""The keys of a set by (kid, algorithm); by (None, algorithm) those to try for a token without a kid."""


class KeysUnavailable(Exception):  # noqa: N818 - named for the state it reports; the client did nothing wrong
    """No usable key set, and the issuer does not answer; `retry_after` says in how many seconds to try again."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("the token issuer's keys cannot be fetched")
        self.retry_after = retry_after


class Candidates(NamedTuple):
    """The keys that may have signed a token, and for how many seconds from now they may vouch for it."""

    keys: tuple[Key, ...]
    valid_for: float


class JwksCache:
    """The keys at one URL. Belongs to one event loop; `close()` it there."""

    def __init__(
        self,
        url: str,
        algorithms: Sequence[str],
        *,
        ttl: float = TTL,
        cooldown: float = COOLDOWN,
        max_stale: float = MAX_STALE,
        timeout: float = TIMEOUT,
    ) -> None:
        self._url = url
        self._algorithms = tuple(algorithms)
        self._ttl = ttl
        self._cooldown = cooldown
        self._max_stale = max_stale
        self._timeout = timeout
        self._keys: KeyTable = {}
        self._fetched_at = -math.inf  # of the last success, on the monotonic clock
        self._tried_at = -math.inf
        self._failing = False
        self._fetching: asyncio.Task[None] | None = None
        self._client: httpx.AsyncClient | None = None

    async def find(self, kid: str | None, algorithm: str) -> Candidates:
        """Return the published keys with this id that fit the algorithm; none where the issuer has no such key.

        An unknown id is looked up at the issuer, as often as the cooldown allows. Raises KeysUnavailable when there is no key set
        at all, or only one older than MAX_STALE.
        """
        if self._age() >= self._ttl:
            # Stale keys answer at once while the issuer is known to be down; otherwise this waits for what it says now.
            await self._refresh(wait=not (self._failing and self._usable()))
        keys = self._keys.get((kid, algorithm), ())
        if not keys and self._fetched_at > -math.inf:
            await self._refresh()
            keys = self._keys.get((kid, algorithm), ())
        if not self._usable():
            raise KeysUnavailable(max(1, math.ceil(self._until_next_fetch())))
        return Candidates(keys, max(self._ttl - self._age(), self._until_next_fetch() if self._failing else 0.0))

    async def close(self) -> None:
        """Stop a fetch under way and close the connection to the issuer."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def _age(self) -> float:
        return time.monotonic() - self._fetched_at

    def _usable(self) -> bool:
        return self._age() < self._max_stale

    def _until_next_fetch(self) -> float:
        return max(0.0, self._tried_at + self._cooldown - time.monotonic())

    async def _refresh(self, *, wait: bool = True) -> None:
        """Fetch the key set unless the cooldown forbids it; callers that come meanwhile share the fetch under way."""
        if self._fetching is None and self._until_next_fetch() <= 0:
            self._tried_at = time.monotonic()
            self._fetching = asyncio.create_task(self._fetch())
        if wait and self._fetching is not None:
            await asyncio.shield(self._fetching)  # one caller that gives up must not stop the others' fetch

    async def _fetch(self) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                document = await self._download()
            self._keys = read_key_set(document, self._algorithms)
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the stale keys stay and the next fetch tries again
            self._failing = True
            reason = str(error) if isinstance(error, ValueError) else type(error).__name__
            logger.warning("The key set at JWT_JWKS_URL could not be read: %s", reason)
        else:
            self._failing = False
            self._fetched_at = time.monotonic()
        finally:
            self._fetching = None

    async def _download(self) -> bytes:
        if self._client is None:
            self._client = httpx.AsyncClient(follow_redirects=False, timeout=self._timeout)
        headers = {"Accept": "application/jwk-set+json, application/json", "Accept-Encoding": "identity"}
        async with self._client.stream("GET", self._url, headers=headers) as response:
            if response.status_code != 200:
                raise ValueError(f"the issuer answered with status {response.status_code}")
            if response.headers.get("Content-Encoding", "identity") != "identity":
                raise ValueError("the issuer compressed it unasked")
            document = bytearray()
            async for chunk in response.aiter_raw():
                document += chunk
                if len(document) > MAX_BYTES:
                    raise ValueError(f"it is larger than {MAX_BYTES} bytes")
        return bytes(document)


def read_key_set(document: bytes, algorithms: Sequence[str]) -> KeyTable:
    """Return the usable keys of a JWK set, built for each of the allowed `algorithms` they fit.

    Keys of other kinds, for other uses and malformed ones are left out. Raises ValueError for a document that is no JWK set.
    """
    try:
        content: object = json.loads(document)
    except (ValueError, RecursionError) as error:
        raise ValueError("it is not JSON") from error
    entries = _members(content).get("keys")
    if not isinstance(entries, list):
        raise ValueError('it has no list "keys"')  # noqa: TRY004 - the document is at fault, not a caller
    table: defaultdict[tuple[str | None, str], tuple[Key, ...]] = defaultdict(tuple)
    for entry in cast("list[object]", entries):
        for kid, algorithm, key in _usable_keys(_members(entry), algorithms):
            for name in {kid, None}:
                if len(table[name, algorithm]) < MAX_CANDIDATES:
                    table[name, algorithm] += (key,)
    return dict(table)


def _members(value: object) -> Mapping[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def _usable_keys(entry: Mapping[str, object], algorithms: Sequence[str]) -> Iterator[tuple[str | None, str, Key]]:
    """The key of one entry as (kid, algorithm, key), once for each algorithm it may verify; nothing for an entry that is no such key."""
    kid, use, operations, declared = (entry.get(name) for name in ("kid", "use", "key_ops", "alg"))
    if not (kid is None or isinstance(kid, str)) or use not in (None, "sig"):
        return
    if operations is not None and not (isinstance(operations, list) and "verify" in operations):
        return
    key = _public_key(entry)
    if key is None:
        return
    for algorithm in algorithms_for(kind_of(key), algorithms):
        if declared is None or declared == algorithm:
            yield kid, algorithm, build_key(key, algorithm)


def _public_key(entry: Mapping[str, object]) -> PublicKey | None:
    try:
        return public_key_from_jwk(entry)
    except Exception as error:  # noqa: BLE001 - one malformed key must not hide the others
        logger.debug("A published key was left out: %s", error)
        return None
