"""Errors of the running application that need no body: paths, methods, ids, disconnects."""

from __future__ import annotations

import re
import socket
import time

import pytest

from tests.support.serving import Api
from tests.support.tokens import new_user


@pytest.mark.parametrize("path", ["/", "/nothing", "/api", "/api/x", "/api/x/nothing", "/api/x/tags/", "/api/x/tags/1/2/3", "//", "/%00"])
def test_an_unknown_path_is_404_for_everyone(api: Api, path: str) -> None:
    assert api.client.get(path).json() == {"detail": "There is nothing at this path."}
    assert api.client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/api/x/tags", "GET, POST"),
        ("OPTIONS", "/api/x/tags", "GET, POST"),
        ("POST", "/api/x/tags/1", "DELETE, GET, PATCH, PUT"),
        ("POST", "/healthz", "GET, HEAD"),
        ("DELETE", "/openapi.json", "GET, HEAD"),
    ],
)
def test_405_names_every_method_of_the_path(api: Api, method: str, path: str, allow: str) -> None:
    answer = api.client.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == allow
    assert method in answer.json()["detail"]


@pytest.mark.parametrize("accept", ["application/json", "application/problem+json"])
@pytest.mark.parametrize(
    ("path", "status"), [("/nothing", 404), ("/api/x/tags", 401), ("/api/{user}/tags?limit=x", 422), ("/api/{user}x/tags", 403)]
)
def test_every_error_has_the_accepted_form_and_an_id(api: Api, accept: str, path: str, status: int) -> None:
    user = new_user()
    headers = {} if status == 401 else api.headers(user)
    answer = api.client.get(path.format(user=user), headers={**headers, "Accept": accept})
    assert answer.status_code == status
    assert answer.headers["content-type"] == accept
    assert re.fullmatch("[0-9a-f]{16}", answer.headers["x-request-id"])
    if accept.endswith("problem+json"):
        problem = answer.json()
        assert problem["status"] == status
        assert isinstance(problem["detail"], str)
        assert problem["instance"] == f"urn:request:{answer.headers['x-request-id']}"
    else:
        assert set(answer.json()) == {"detail"}


def test_a_client_that_leaves_amid_its_body_is_no_error(api: Api) -> None:
    user = new_user()
    host, port = api.url.removeprefix("http://").split(":")
    head = f"POST /api/{user}/tags HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.token_for(user)}\r\nContent-Type: application/json\r\n"
    for _ in range(20):
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(f'{head}Content-Length: 100\r\n\r\n{{"name":'.encode())
            time.sleep(0.01)
    assert api.call(user, "GET", f"/api/{user}/tags").json()["items"] == []
    time.sleep(0.2)
    log = api.log.read_text()
    assert "Traceback" not in log
    assert "ERROR" not in log
    assert log.count(" 499 ") >= 20
