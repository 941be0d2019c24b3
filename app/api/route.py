"""The route class of generated routers: FastAPI's dependency solving, done once at import.

FastAPI interprets a handler's signature anew for each request. `CompiledRoute` reads it once and makes a short list of steps from it: the
dependencies in FastAPI's order, the path, the query, the body, the call. It understands what generated handlers use — async dependencies
that take the request, path parameters, headers and other dependencies; one query model; one body model — and hands every other signature
to FastAPI's own handler, as it does when `app.dependency_overrides` is set. Handlers return a Response.

The order of answers differs from FastAPI's on purpose: dependencies (401, 403) come before anything else of the request is looked at.
"""

from collections.abc import Awaitable, Callable, Coroutine
from inspect import Parameter, iscoroutinefunction, signature
from typing import Any, cast

from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from fastapi.routing import _effective_route_context_var as effective_route  # pyright: ignore[reportPrivateUsage]  # the only way to see the dependencies that include_router() adds
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from app.api.body import header, read_body, validate_body
from app.api.query import NoQuery, parse_query
from app.api.writes import METHODS, with_writes

type Handler = Callable[[Request], Coroutine[Any, Any, Response]]
type Values = dict[str, Any]


class UnknownSignatureError(Exception):
    """The signature has something that `CompiledRoute` leaves to FastAPI."""


class CompiledRoute(APIRoute):
    """An APIRoute whose handler solves simple signatures without FastAPI's interpreter."""

    def get_route_handler(self) -> Handler:
        """The request handler: compiled where the signature allows it, FastAPI's own otherwise."""
        fastapi_handler = super().get_route_handler()
        included = effective_route.get()
        route = included if included is not None and included.original_route is self else self
        dependant: Dependant = route.dependant
        body_model, query_model = _body_model(dependant), _query_model(dependant)

        async def checked_fastapi_handler(request: Request) -> Response:
            body = None if body_model is None else await read_body(request)
            if query_model is not None:
                parse_query(query_model, request)
            if body is not None and body.problem is not None:
                raise body.problem
            return await fastapi_handler(request)

        try:
            compiled_handler = _compile(dependant, checked_fastapi_handler)
        except UnknownSignatureError:
            return self.finished(self._writing(checked_fastapi_handler))
        handler = self.finished(self._writing(compiled_handler))
        cast("Any", route).compiled_handler = handler  # for whoever needs nothing of what FastAPI has around it
        return handler

    def finished(self, handler: Handler) -> Handler:
        """What subclasses put around a handler."""
        return handler

    def _writing(self, handler: Handler) -> Handler:
        return with_writes(handler) if METHODS.intersection(self.methods or ()) else handler


type _Source = Any
"""Where an argument comes from: a path parameter's name (its value is text), the dependency whose result it is, or `Request`."""


def _compile(dependant: Dependant, fastapi_handler: Handler) -> Handler:
    """A handler that calls `dependant.call` with its arguments; UnknownSignatureError when `fastapi_handler` has to do it."""
    if not iscoroutinefunction(dependant.call) or not _is_plain(dependant):
        raise UnknownSignatureError
    call = cast("Callable[..., Awaitable[Response]]", dependant.call)
    calls: dict[Callable[..., Awaitable[Any]], tuple[_Source, ...]] = {}
    results = tuple(_add_dependencies(dependant, calls).items())
    steps = tuple(calls.items())
    path = tuple((field.name, field.alias, _validator(field)) for field in dependant.path_params)
    headers = tuple((field.name, field.alias.lower().encode()) for field in dependant.header_params)
    query_name, query_model = _only(dependant.query_params, NoQuery)
    body_name, body_model = _only(dependant.body_params, None)

    async def compiled_handler(request: Request) -> Response:
        if request.scope["app"].dependency_overrides:
            return await fastapi_handler(request)
        given: dict[str, str] = request.scope["path_params"]
        solved: dict[_Source, Any] = {Request: request, **given}
        for function, sources in steps:
            solved[function] = await function(*[solved[source] for source in sources])
        values: Values = {name: solved[source] for name, source in results}
        body = None if body_model is None else await read_body(request)  # 413, 415 and 400 come before any 422
        for name, alias, validate in path:
            values[name] = validate(given[alias])
        if query_name is not None:
            values[query_name] = parse_query(query_model, request)
        elif request.scope["query_string"]:
            parse_query(query_model, request)
        for name, alias in headers:
            values[name] = header(request, alias)
        if body is not None and body_model is not None and body_name is not None:
            values[body_name] = validate_body(body_model, body)
        return await call(**values)

    return compiled_handler


def _only[M](fields: list[Any], missing: M) -> tuple[str | None, type[BaseModel] | M]:
    """The one field's name and model; UnknownSignatureError for several fields, or one that is no model."""
    if not fields:
        return None, missing
    model = _model(fields)
    if model is None:
        raise UnknownSignatureError
    return fields[0].name, model


def _add_dependencies(dependant: Dependant, calls: dict[Callable[..., Awaitable[Any]], tuple[_Source, ...]]) -> dict[str, _Source]:
    """Add the calls of `dependant`'s dependencies, each once, in FastAPI's order; the sources of its own parameters that these give."""
    found: dict[str, _Source] = {} if dependant.request_param_name is None else {dependant.request_param_name: Request}
    for dependency in dependant.dependencies:
        function = cast("Callable[..., Awaitable[Any]]", dependency.call)
        if function not in calls:
            sources = _add_dependencies(dependency, calls)
            if (
                not _is_async(function)
                or not _is_plain(dependency)
                or dependency.query_params
                or dependency.body_params
                or dependency.header_params
            ):
                raise UnknownSignatureError
            if not dependency.use_cache or any(field.field_info.annotation is not str for field in dependency.path_params):
                raise UnknownSignatureError
            sources |= {field.name: field.alias for field in dependency.path_params}
            calls[function] = tuple(_source(parameter, sources) for parameter in signature(function).parameters.values())
        if dependency.name is not None:
            found[dependency.name] = function
    return found


def _source(parameter: Parameter, sources: dict[str, _Source]) -> _Source:
    """Where the argument for a parameter comes from, which has to have its place."""
    if parameter.kind is not Parameter.POSITIONAL_OR_KEYWORD or parameter.name not in sources:
        raise UnknownSignatureError
    return sources[parameter.name]


def _is_plain(dependant: Dependant) -> bool:
    """Whether it takes nothing but what `_compile` knows how to get."""
    return not (
        dependant.cookie_params
        or dependant.websocket_param_name
        or dependant.http_connection_param_name
        or dependant.response_param_name
        or dependant.background_tasks_param_name
        or dependant.security_scopes_param_name
    )


def _is_async(function: Any) -> bool:
    return iscoroutinefunction(function) or iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004  # its type is wanted, not whether it is callable


def _model(fields: list[Any]) -> type[BaseModel] | None:
    annotation = fields[0].field_info.annotation if len(fields) == 1 else None
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _body_model(dependant: Dependant) -> type[BaseModel] | None:
    return _model(dependant.body_params)


def _query_model(dependant: Dependant) -> type[BaseModel] | None:
    return _model(dependant.query_params) if dependant.query_params else NoQuery


def _validator(field: Any) -> Callable[[str], Any]:
    annotation, location = field.field_info.annotation, ("path", field.alias)
    if annotation is str and not field.field_info.metadata:
        return lambda value: value
    adapter: TypeAdapter[Any] = TypeAdapter(annotation)

    def validated(value: str) -> Any:
        try:
            return adapter.validate_strings(value)
        except ValidationError as error:
            problems = error.errors(include_url=False, include_input=False)
            raise RequestValidationError([{**problem, "loc": location} for problem in problems]) from None

    return validated
