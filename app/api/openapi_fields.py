"""The fields of models, as FastAPI's OpenAPI document asks for them.

FastAPI makes a field, with a type adapter of its own, for each field of a model and again for each subclass, and describes it again for
each route. A list and its aggregate have a hundred filters, most of which they share with each other, and many with all resources.
"""

from functools import cache
from inspect import get_annotations
from types import SimpleNamespace
from typing import Any, cast

from fastapi._compat import v2
from fastapi.dependencies import utils
from fastapi.openapi import utils as openapi
from pydantic import BaseModel

type Fields = list[v2.ModelField]

_make_fields, _fields_of_routes = v2.get_model_fields, openapi.get_fields_from_routes


def share_fields() -> None:
    """Let FastAPI make each field once, where it is defined, and describe it once."""
    v2.get_model_fields = utils.get_cached_model_fields = _fields_of  # pyright: ignore[reportPrivateImportUsage]  # where it is looked up
    openapi.get_fields_from_routes = _distinct_fields_of_routes


@cache  # without a limit: the fields are looked up by identity
def _fields_of(model: type[BaseModel]) -> Fields:
    here = get_annotations(model)
    made: dict[str, v2.ModelField] = {}
    for base in reversed(model.__mro__[1:]):
        if issubclass(base, BaseModel):
            for field in _fields_of(base):
                inherited = model.model_fields.get(field.name)
                if inherited is not None and inherited.annotation is field.field_info.annotation and field.name not in here:
                    made[field.name] = field
    own = {name: field for name, field in model.model_fields.items() if name not in made}
    made |= {field.name: field for field in _make_fields(cast("Any", SimpleNamespace(model_fields=own, model_config=model.model_config)))}
    return [made[name] for name in model.model_fields]


def _distinct_fields_of_routes(routes: Any) -> Fields:
    return list(dict.fromkeys(_fields_of_routes(routes)))
