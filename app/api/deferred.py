"""Models that Pydantic builds when they are first used.

A resource has a dozen models, and a request needs one or two of them. What describes answers is needed for /openapi.json alone.
"""

import warnings
from typing import Any, override

from fastapi._compat import v2
from pydantic import BaseModel, ConfigDict, TypeAdapter
from pydantic.warnings import UnsupportedFieldAttributeWarning


class Deferred(BaseModel):
    """Base of the models of bodies, queries and answers."""

    model_config = ConfigDict(defer_build=True)


class _FastApiAdapter(TypeAdapter[Any]):  # pyright: ignore[reportGeneralTypeIssues]  # final: there is no other place for it
    """What FastAPI validates with, which then is built later as well, and without the warning that FastAPI leaves out."""

    @override
    def rebuild(self, **options: Any) -> bool | None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UnsupportedFieldAttributeWarning)
            return super().rebuild(**options)


v2.TypeAdapter = _FastApiAdapter  # pyright: ignore[reportPrivateImportUsage]  # where FastAPI looks it up
