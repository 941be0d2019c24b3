"""The OpenAPI document of an application with many resources, made by a process of its own.

It imports every resource and takes a while, in which the worker answers others; and what that needs of memory is given back.
"""

import asyncio
import gc
import os
import pickle
import sys
from asyncio.subprocess import PIPE
from contextlib import redirect_stdout

import orjson
from starlette.requests import Request
from starlette.responses import Response

from app.config import Settings

_COMMAND = ("-P", "-c", f"from {__name__} import write; write()")


class OpenApiProcess:
    """Answers /openapi.json: the first request starts the process, and all get what it has made."""

    def __init__(self, settings: Settings) -> None:
        """`settings` are those of the application whose document it is."""
        self._settings = settings
        self._document: asyncio.Task[bytes] | None = None

    async def answer(self, request: Request) -> Response:
        """The document; with the prefix at which a proxy has the application, as FastAPI adds it."""
        if self._document is None:
            self._document = asyncio.create_task(_made(self._settings))
        try:
            content = await asyncio.shield(self._document)
        except RuntimeError:
            self._document = None
            raise
        if root_path := request.scope.get("root_path", "").rstrip("/"):
            document = orjson.loads(content)
            content = orjson.dumps(document | {"servers": [{"url": root_path}, *document.get("servers", ())]})
        return Response(content, media_type="application/json")


async def _made(settings: Settings) -> bytes:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    process = await asyncio.create_subprocess_exec(sys.executable, *_COMMAND, stdin=PIPE, stdout=PIPE, env=environment)
    try:
        content, _ = await process.communicate(pickle.dumps(settings))
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode:
        raise RuntimeError(f"the process that makes the OpenAPI document ended with {process.returncode}")
    return content


def write() -> None:
    """Write the document of an application to stdout; its settings are on stdin."""
    gc.disable()  # nothing of all this becomes free before the end
    settings: Settings = pickle.load(sys.stdin.buffer)  # noqa: S301 - the application's own, from its worker
    with redirect_stdout(sys.stderr):  # for what extensions print
        from app.main import create_app  # noqa: PLC0415  # it imports this module

        document = create_app(settings).openapi()
    sys.stdout.buffer.write(orjson.dumps(document))
