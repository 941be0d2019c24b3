"""CompiledRoute against FastAPI's own route: the same answers for the same requests, and nothing skipped."""

from typing import Annotated

import fastapi
import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException, Query, Request, Response
from fastapi.routing import APIRoute
from pydantic import ConfigDict, Field

from app.api import segments
from app.api.deferred import Deferred
from app.api.route import CompiledRoute
from app.middleware import errors

KNOWN_FASTAPI = "0.165."
"""CompiledRoute reads FastAPI's dependants; before another version is allowed here, this file has to pass with it."""


class Body(Deferred):
    model_config = ConfigDict(extra="forbid", strict=True)

    title: Annotated[str, Field(min_length=1)]
    count: int = 3


class Listed(Deferred):
    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    name: str | None = None


async def token(request: Request) -> str:
    if request.headers.get("authorization") != "Bearer ada":
        raise HTTPException(401, "No token.", headers={"WWW-Authenticate": "Bearer"})
    return "ada"


async def owner(user_id: str, subject: Annotated[str, Depends(token)]) -> str:
    if user_id != subject:
        raise HTTPException(403, "Not yours.")
    return subject


class Session:
    """Something that a dependency makes of the request."""


async def session(request: Request) -> Session:
    assert request.app
    return Session()


Owner = Annotated[str, Depends(owner)]


def application(route_class: type[APIRoute], *, dispatch: bool = False) -> FastAPI:
    router = APIRouter(prefix="/api/{user_id}/things", dependencies=[Depends(token)], route_class=route_class)

    @router.get("")
    async def list_things(user_id: Owner, request: Request, query: Annotated[Listed, Query()]) -> Response:
        assert request.url
        return Response(f"{user_id} {query.model_dump()}")

    @router.get("/{number}")
    async def get_thing(
        user_id: Owner, number: int, used: Annotated[Session, Depends(session)], if_match: Annotated[str | None, Header()] = None
    ) -> Response:
        assert isinstance(used, Session)
        return Response(f"{user_id} {number!r} {if_match}")

    @router.post("", status_code=201)
    async def create_thing(user_id: Owner, body: Body) -> Response:
        return Response(f"{user_id} {body.model_dump()}", 201)

    app = FastAPI()
    errors.install(app)
    app.include_router(router)
    if dispatch:
        segments.install(app, {})
    return app


async def answer(app: FastAPI, method: str, path: str, **options: object) -> tuple[int, str, str | None]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        response = await client.request(method, path, **options)  # pyright: ignore[reportArgumentType]
        text = response.text
        if response.status_code == 422:  # Pydantic words some errors of JSON otherwise than those of Python objects
            text = str([problem["loc"] for problem in response.json()["detail"]])
        return response.status_code, text, response.headers.get("www-authenticate")


ADA = {"authorization": "Bearer ada"}
JSON = {**ADA, "content-type": "application/json"}
REQUESTS = [
    ("GET", "/api/ada/things", {"headers": ADA}),
    ("GET", "/api/ada/things?limit=5&name=x%20y", {"headers": ADA}),
    ("GET", "/api/ada/things?limit=0", {"headers": ADA}),
    ("GET", "/api/ada/things?limit=x", {"headers": ADA}),
    ("GET", "/api/ada/things", {}),
    ("GET", "/api/bob/things", {"headers": ADA}),
    ("GET", "/api/bob/things", {}),
    ("GET", "/api/ada/things/7", {"headers": ADA | {"if-match": '"3"'}}),
    ("GET", "/api/ada/things/seven", {"headers": ADA}),
    ("POST", "/api/ada/things", {"headers": JSON, "content": b'{"title": "x"}'}),
    ("POST", "/api/ada/things", {"headers": JSON, "content": b'{"title": ""}'}),
    ("POST", "/api/ada/things", {"headers": JSON, "content": b'{"title": "x", "count": "5"}'}),
    ("POST", "/api/ada/things", {"headers": JSON, "content": b'{"title": "x", "other": 1}'}),
    ("POST", "/api/ada/things", {"headers": JSON, "content": b"[1]"}),
    ("POST", "/api/ada/things", {"headers": JSON, "content": b"{}"}),
    ("PUT", "/api/ada/things", {"headers": JSON, "content": b"{}"}),
    ("GET", "/api/ada/other", {"headers": ADA}),
    ("GET", "/elsewhere", {"headers": ADA}),
]


@pytest.mark.parametrize(("method", "path", "options"), REQUESTS)
async def test_the_same_answer_as_fastapi(method: str, path: str, options: dict[str, object]) -> None:
    expected = await answer(application(APIRoute), method, path, **options)
    assert await answer(application(CompiledRoute), method, path, **options) == expected
    dispatched = await answer(application(CompiledRoute, dispatch=True), method, path, **options)
    assert dispatched[0] == expected[0]
    if expected[0] not in {404, 405}:
        assert dispatched == expected


async def test_a_token_is_asked_for_before_the_body_is_read() -> None:
    options = {"headers": {"content-type": "application/json"}, "content": b"{broken"}
    assert (await answer(application(CompiledRoute), "POST", "/api/ada/things", **options))[0] == 401
    assert (await answer(application(CompiledRoute), "POST", "/api/bob/things", headers=JSON, content=b"{broken"))[0] == 403
    assert (await answer(application(CompiledRoute), "POST", "/api/ada/things", headers=JSON, content=b"{broken"))[0] == 400


@pytest.mark.parametrize("content", [b'{"title": "x", "title": "y"}', b'{"title": "a\\u0000"}', b'{"title": "x", "count": NaN}'])
async def test_a_body_stays_strict_under_overrides(content: bytes) -> None:
    app = application(CompiledRoute)

    async def somebody() -> str:
        return "ada"

    app.dependency_overrides[token] = somebody
    assert (await answer(app, "POST", "/api/ada/things", headers=JSON, content=content))[0] == 422
    assert (await answer(app, "GET", "/api/ada/things?limit=1&limit=2"))[0] == 422


async def test_overrides_are_used() -> None:
    app = application(CompiledRoute, dispatch=True)

    async def somebody() -> str:
        return "eve"

    app.dependency_overrides[token] = somebody
    assert (await answer(app, "GET", "/api/eve/things"))[0] == 200


async def teapot(request: Request) -> None:
    assert request
    raise HTTPException(418)


@pytest.mark.parametrize("dispatch", [False, True])
async def test_dependencies_of_routers_are_never_skipped(dispatch: bool) -> None:
    inner = APIRouter(prefix="/api/{user_id}/things", route_class=CompiledRoute)

    @inner.get("")
    async def things(user_id: Owner) -> Response:
        return Response(user_id)

    for where in ("router", "include", "nested", "app"):
        app = FastAPI(dependencies=[Depends(teapot)] if where == "app" else None)
        match where:
            case "router":
                guarded = APIRouter(dependencies=[Depends(teapot)])
                guarded.include_router(inner)
                app.include_router(guarded)
            case "include":
                app.include_router(inner, dependencies=[Depends(teapot)])
            case "nested":
                outer = APIRouter()
                outer.include_router(inner, dependencies=[Depends(teapot)])
                app.include_router(outer)
            case _:
                app.include_router(inner)
        if dispatch:
            segments.install(app, {})
        assert (await answer(app, "GET", "/api/ada/things", headers=ADA))[0] == 418, where


async def test_signatures_beyond_its_own_are_left_to_fastapi() -> None:
    router = APIRouter(prefix="/api/{user_id}/odd", route_class=CompiledRoute)
    closed: list[str] = []

    async def resource() -> object:  # a generator dependency
        yield "open"
        closed.append("closed")

    @router.get("")
    def odd(user_id: str, opened: Annotated[str, Depends(resource)], page: int = 1) -> dict[str, object]:
        return {"user": user_id, "opened": opened, "page": page}

    app = FastAPI()
    app.include_router(router)
    assert await answer(app, "GET", "/api/ada/odd?page=2") == (200, '{"user":"ada","opened":"open","page":2}', None)
    assert closed == ["closed"]


async def test_all_methods_of_a_path_are_allowed() -> None:
    transport = httpx.ASGITransport(application(CompiledRoute, dispatch=True))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        response = await client.delete("/api/ada/things", headers=ADA)
    assert response.status_code == 405
    assert {method.strip() for method in response.headers["allow"].split(",")} == {"GET", "POST"}


def test_the_openapi_document_is_fastapis() -> None:
    assert application(CompiledRoute, dispatch=True).openapi() == application(APIRoute).openapi()


def test_this_version_of_fastapi_is_known() -> None:
    assert fastapi.__version__.startswith(KNOWN_FASTAPI), "run this file with the new version, then change KNOWN_FASTAPI"
