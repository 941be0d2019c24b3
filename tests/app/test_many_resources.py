"""An application with many resources imports them when they are asked for, and answers as one that has imported them all."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.requests import Request

from app.api import openapi_process
from app.api.openapi_process import OpenApiProcess
from app.api.segments import Segments
from app.config import load_settings
from generator.embedded import APP_ROLE, EmbeddedPostgres
from generator.plan import packages
from tests.support.database import new_database
from tests.support.generated import lint, run_python, type_check, write_core, write_generated, write_specs
from tests.support.serving import Api, serving
from tests.support.tables import TableMaker
from tests.support.tokens import SECRET, new_user

COUNT = packages.IMPORTED_AT_ONCE + 2

SPEC = """resource: Thing{number}
fields:
  title: {{type: string, max_length: 20, unique: true, filter: true, sort: true}}
"""
PART = "  whole: {type: ref, to: Thing1, inverse: parts, on_delete: restrict, filter: true}\n"
ALONE = "  other: {type: ref, to: Thing9, nullable: true, on_delete: set_null}\n"
UNKNOWN = "0190f5a0-0000-7000-8000-000000000000"
LINK = """resource: Bond
link: [left, right]
fields:
  left: {type: ref, to: Thing3, on_delete: cascade}
  right: {type: ref, to: Thing4, on_delete: cascade}
"""
EXTENSIONS = """
from fastapi import FastAPI

def setup(app: FastAPI) -> None:
    print("No part of a document.")

    @app.get("/api/{user_id}/thing7s/ours")
    async def ours(user_id: str) -> str:
        return f"ours of {user_id}"

    @app.get("/api/{user_id}/thing7s")
    async def never(user_id: str) -> str:
        return "never: the generated list is at this path"
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("many")
    write_core(folder)
    specs = {f"thing{number}": SPEC.format(number=number) for number in range(COUNT - 1)}
    specs["thing2"] += PART + "soft_delete: true\n"
    specs["thing5"] += "hooks: [before_create]\n"
    specs["thing8"] += ALONE
    specs["thing9"] += "soft_delete: true\n"
    write_specs(folder, specs | {"bond": LINK})
    write_generated(folder)
    (folder / "app/extensions/__init__.py").write_text(EXTENSIONS)
    return folder


@pytest.fixture(scope="module")
def api(root: Path, postgres: EmbeddedPostgres, table_maker: TableMaker) -> Generator[Api]:
    with new_database(postgres, tables=False) as database:
        table_maker.make(root, database.owner_dsn, APP_ROLE)
        with serving(database, root=root) as running:
            yield running


def test_only_what_has_code_of_the_project_is_imported_at_the_start(root: Path) -> None:
    source = "import sys, app.main; print(*sorted(name for name in sys.modules if name.startswith(('app.routes.', 'app.models.'))))"
    assert run_python(root, "-c", source).split() == ["app.models.thing5", "app.routes.thing5s"]


def test_a_table_is_imported_from_the_package_as_in_a_small_project(root: Path) -> None:
    assert run_python(root, "-c", "from app.models import Thing9; print(Thing9.__tablename__)").strip() == "thing9s"
    assert "has no attribute 'Thing99'" in run_python(
        root, "-c", "import app.models\ntry:\n    app.models.Thing99\nexcept AttributeError as error:\n    print(error)"
    )


def test_the_first_request_of_any_kind_is_answered(api: Api) -> None:
    """Each of these is the first that its segment gets."""
    ada, bob = new_user(), new_user()
    assert api.call(ada, "GET", f"/api/{bob}/thing10s").status_code == 403
    assert api.client.get(f"/api/{ada}/thing11s").status_code == 401
    assert api.call(ada, "DELETE", f"/api/{ada}/thing12s").status_code == 405
    assert api.call(ada, "GET", f"/api/{ada}/thing13s/no-id").status_code == 422
    made = api.call(ada, "POST", f"/api/{ada}/thing14s", json={"title": "a"})
    assert made.status_code == 201
    assert api.call(ada, "GET", made.headers["Location"]).json() == made.json()
    taken = api.call(ada, "POST", f"/api/{ada}/thing14s", json={"title": "a"})
    assert (taken.status_code, "title" in taken.text) == (409, True)


def test_a_reference_to_what_is_not_imported_yet_is_checked(api: Api) -> None:
    ada, bob = new_user(), new_user()
    assert api.call(ada, "POST", f"/api/{ada}/thing8s", json={"title": "x", "other_id": UNKNOWN}).status_code == 422
    row = api.call(bob, "POST", f"/api/{bob}/thing9s", json={"title": "x"}).json()["id"]
    assert api.call(ada, "POST", f"/api/{ada}/thing8s", json={"title": "x", "other_id": row}).status_code == 422
    assert api.call(bob, "POST", f"/api/{bob}/thing8s", json={"title": "x", "other_id": row}).status_code == 201


def test_paths_below_another_resource_are_there_from_the_first_request_on(api: Api) -> None:
    user = new_user()
    whole = api.call(user, "POST", f"/api/{user}/thing1s", json={"title": "whole"}).json()["id"]
    assert api.call(user, "GET", f"/api/{user}/thing1s/{whole}/parts").json()["items"] == []
    part = api.call(user, "POST", f"/api/{user}/thing2s", json={"title": "part", "whole_id": whole}).json()["id"]
    assert [row["id"] for row in api.call(user, "GET", f"/api/{user}/thing1s/{whole}/parts").json()["items"]] == [part]
    assert api.call(user, "DELETE", f"/api/{user}/thing1s/{whole}").status_code == 409
    left, right = (api.call(user, "POST", f"/api/{user}/thing{number}s", json={"title": "x"}).json()["id"] for number in (3, 4))
    assert api.call(user, "PUT", f"/api/{user}/thing3s/{left}/thing4s/{right}").status_code == 204


def test_extensions_stand_beside_the_routes_that_come_later(api: Api) -> None:
    user = new_user()
    assert api.call(user, "GET", f"/api/{user}/thing7s/ours").json() == f"ours of {user}"
    assert api.call(user, "GET", f"/api/{user}/thing7s").json()["items"] == []


def test_what_no_resource_has_is_not_found(api: Api) -> None:
    user = new_user()
    for path in (f"/api/{user}/things", f"/api/{user}/thing{COUNT}s", f"/api/{user}/", f"/api/{user}/app.routes.thing1s", "/nothing"):
        answer = api.call(user, "GET", path)
        assert (answer.status_code, answer.json()) == (404, {"detail": "There is nothing at this path."})


def test_what_cannot_be_imported_stays_an_error() -> None:
    segments = Segments(FastAPI(), {"things": ("app.routes.no_such_module",)})
    for _ in range(2):
        with pytest.raises(ModuleNotFoundError):
            segments.find("things")


def test_it_is_ready_when_all_tables_are_there(api: Api) -> None:
    assert api.client.get("/readyz").status_code == 200
    api.database.execute("ALTER TABLE thing20s RENAME TO away")
    assert api.client.get("/readyz").status_code == 503
    api.database.execute("ALTER TABLE away RENAME TO thing20s")


def test_the_documentation_has_all_of_them_in_order(api: Api) -> None:
    """While it is made, the worker answers others; what is asked for meanwhile is made together."""
    user = new_user()
    with ThreadPoolExecutor() as threads:
        first, second = (threads.submit(api.client.get, "/openapi.json", timeout=300) for _ in range(2))
        answers = 0
        while not first.done():
            assert api.call(user, "GET", f"/api/{user}/thing30s").status_code == 200
            answers += 1
            time.sleep(0.1)  # leaves the processors to what makes the document
        assert answers > 5
        assert second.result().json() == first.result().json()
    document = first.result().json()
    paths = list(document["paths"])
    assert paths == sorted(paths)
    assert {f"/api/{{user_id}}/thing{number}s" for number in range(COUNT - 1)} <= set(paths)
    assert "/api/{user_id}/thing7s/ours" in paths
    assert len(document["tags"]) == COUNT
    assert api.client.get("/openapi.json").json() == document


async def test_a_document_that_could_not_be_made_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    process = OpenApiProcess(load_settings({"DATABASE_URL": "postgresql://a:b@127.0.0.1/c", "JWT_SECRET": SECRET}, env_file=None))
    request = Request({"type": "http", "root_path": "/behind/"})
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(RuntimeError, match="ended with 1"):
        await process.answer(request)
    monkeypatch.setattr(sys, "executable", shutil.which("echo"))
    monkeypatch.setattr(openapi_process, "_COMMAND", ('{"paths": {}}',))
    assert json.loads(bytes((await process.answer(request)).body)) == {"paths": {}, "servers": [{"url": "/behind"}]}


def test_ruff_and_pyright_find_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "IMPORTED_AT_ONCE", 1)
    write_core(tmp_path)
    names = ("Thing1", "Thing2", "Thing10", "URL", "Series", "Log")
    specs = {name.lower(): SPEC.format(number="").replace("Thing", name) for name in names}
    write_specs(tmp_path, specs | {"thing2": specs["thing2"] + PART})
    write_generated(tmp_path)
    assert "import_module" in (tmp_path / "app/models/__init__.py").read_text()
    assert not lint(tmp_path)
    assert not type_check(tmp_path)
