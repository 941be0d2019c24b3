"""The smallest application behind the two dependencies, for tests about tokens and nothing else."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
from fastapi import FastAPI

from app.config import Settings, load_settings
from app.middleware.auth import OwnerId
from app.middleware.jwks import JwksCache
from app.middleware.tokens import TokenVerifier
from tests.support.asgi_server import serve

SECRET = secrets.token_urlsafe(48)
DATABASE_URL = "postgresql://nobody@127.0.0.1:1/none"


def settings(**values: str) -> Settings:
    """Settings as the environment would give them; the leeway is that of the defaults."""
    return load_settings({"DATABASE_URL": DATABASE_URL, **values}, env_file=None)


@dataclass
class Guarded:
    """A running application with one route, `/api/{user_id}/notes`, and how often a request came as far as its handler."""

    application: FastAPI
    client: httpx.Client
    reached: int = 0

    def get(
        self, token: str | bytes | None, user: str = "alice", query: str = "", headers: Sequence[tuple[str, str]] = ()
    ) -> httpx.Response:
        """Ask for the notes of `user` with this token in the Authorization header, or none."""
        sent: list[tuple[bytes, bytes]] = [(name.encode(), value.encode()) for name, value in headers]
        if token is not None:
            sent.append((b"Authorization", b"Bearer " + (token.encode() if isinstance(token, str) else token)))
        return self.client.get(f"/api/{quote(user, safe='')}/notes{query}", headers=sent)

    def status(self, token: str | bytes | None, user: str = "alice") -> int:
        """The status of the answer to `get`."""
        return self.get(token, user).status_code


@contextmanager
def guarded(jwks: Mapping[str, float] | None = None, **values: str) -> Generator[Guarded]:
    """Serve the application with these settings (HS256 and SECRET unless they name a key); `jwks` sets times of its key set."""
    if not any(name in values for name in ("JWT_SECRET", "JWT_PUBLIC_KEY", "JWT_JWKS_URL")):
        values = {"JWT_SECRET": SECRET, **values}
    chosen = settings(**values)
    cache = JwksCache(chosen.jwt_jwks_url, chosen.jwt_algorithms, **jwks) if jwks and chosen.jwt_jwks_url else None
    verifier = TokenVerifier(chosen, cache)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        yield
        await verifier.close()

    application = FastAPI(lifespan=lifespan)
    application.state.tokens = verifier

    @application.get("/api/{user_id}/notes")
    async def list_notes(user_id: OwnerId) -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction] - called through its route
        running.reached += 1
        return {"user": user_id}

    with serve(application) as url, httpx.Client(base_url=url, timeout=20, trust_env=False) as client:
        running = Guarded(application, client)
        yield running
