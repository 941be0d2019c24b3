"""The fields of models, as FastAPI's OpenAPI document asks for them.

FastAPI makes a field, with a type adapter of its own, for each field of a model and again for each subclass, and describes it again for
each route. A list and its aggregate have a hundred filters, most of which they share with each other and with those of other resources.
"""

from functools import cache
from types import SimpleNamespace
from typing import Any, cast

from fastapi._compat import v2
from fastapi.dependencies import utils
from fastapi.openapi import utils as openapi
from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo

type Fields = list[v2.ModelField]

_make_fields, _fields_of_routes = v2.get_model_fields, openapi.get_fields_from_routes
_made: dict[Any, v2.ModelField] = {}


def share_fields() -> None:
    """Let FastAPI make equal fields once, and describe them once."""
    v2.get_model_fields = utils.get_cached_model_fields = _fields_of  # pyright: ignore[reportPrivateImportUsage]  # where it is looked up
    openapi.get_fields_from_routes = _distinct_fields_of_routes


@cache  # without a limit: the fields are looked up by identity
def _fields_of(model: type[BaseModel]) -> Fields:
    return [_field(name, field, model.model_config) for name, field in model.model_fields.items()]


def _field(name: str, field: FieldInfo, config: ConfigDict) -> v2.ModelField:
    # `repr` tells apart what is equal and yet described otherwise: 1 and 1.0, or the same values in another order.
    key = name, field.annotation, repr(field), repr(config)
    try:
        found = _made.get(key)
    except TypeError:  # something in it has no hash
        return _make(name, field, config)
    if found is None:
        found = _made[key] = _make(name, field, config)
    return found


def _make(name: str, field: FieldInfo, config: ConfigDict) -> v2.ModelField:
    return _make_fields(cast("Any", SimpleNamespace(model_fields={name: field}, model_config=config)))[0]


def _distinct_fields_of_routes(routes: Any) -> Fields:
    return list(dict.fromkeys(_fields_of_routes(routes)))
