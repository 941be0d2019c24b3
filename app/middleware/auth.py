"""Who is calling: the two dependencies every generated route has.

`verify_jwt` answers 401 unless the request carries one valid bearer token; `verify_user_match` answers 403 unless the user in the
path is that token's subject. Both come before anything else of the request is looked at.
"""

import logging
from collections.abc import Iterable
from typing import Annotated

from fastapi import Depends, HTTPException, Path, Request
from fastapi.openapi.models import HTTPBearer as BearerScheme
from fastapi.security.base import SecurityBase

from app.middleware.jwks import KeysUnavailable
from app.middleware.tokens import InvalidToken, TokenVerifier

logger = logging.getLogger(__name__)


class BearerAuth(SecurityBase):
    """A dependency that returns the subject of the request's bearer token; OpenAPI knows it as `bearerAuth`."""

    def __init__(self) -> None:
        self.model = BearerScheme(bearerFormat="JWT", description="The access token of the signed-in user.")
        self.scheme_name = "bearerAuth"

    async def __call__(self, request: Request) -> str:
        """Return the token's subject. Raises HTTPException: 401 without a valid token, 503 when the issuer's keys cannot be had."""
        scope = request.scope
        verifier: TokenVerifier = scope["app"].state.tokens
        token = _bearer_token(scope["headers"])
        return verifier.cached(token) or await _verify(verifier, token)


def _bearer_token(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The token of the only Authorization header there may be."""
    values = [value for name, value in headers if name == b"authorization"]
    if len(values) != 1:
        problem = "Send one Authorization header, not several." if values else "Send an access token: Authorization: Bearer TOKEN."
        raise HTTPException(401, problem, {"WWW-Authenticate": "Bearer"})
    scheme, _, token = values[0].partition(b" ")
    if scheme.lower() != b"bearer" or not token:
        raise HTTPException(401, "Send the access token as Authorization: Bearer TOKEN.", {"WWW-Authenticate": "Bearer"})
    return token.strip(b" ").decode("latin-1")


async def _verify(verifier: TokenVerifier, token: str) -> str:
    try:
        return await verifier.verify(token)
    except InvalidToken as error:
        logger.debug("A token was refused: %s", error)
        raise HTTPException(401, error.detail, {"WWW-Authenticate": 'Bearer error="invalid_token"'}) from error
    except KeysUnavailable as error:
        detail = "The token cannot be checked now, because its issuer does not answer. Try again later."
        raise HTTPException(503, detail, {"Retry-After": str(error.retry_after)}) from error


verify_jwt = BearerAuth()


async def verify_user_match(
    user_id: Annotated[str, Path(description="The signed-in user: the subject of the access token.")],
    subject: Annotated[str, Depends(verify_jwt)],
) -> str:
    """Return the user, who is the one in the path and the token's subject. Raises HTTPException 403 for every other user alike."""
    if user_id != subject:
        raise HTTPException(403, "This path belongs to another user: the user in it must be the subject of your access token.")
    return subject


OwnerId = Annotated[str, Depends(verify_user_match)]
"""The signed-in user, as a parameter of a route under `/api/{user_id}`."""
