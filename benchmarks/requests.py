"""What the servers are asked, and the rows that they answer with."""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from benchmarks.load import CONNECTIONS
from generator.embedded import EmbeddedPostgres

USER = "bench"
ROWS = 500


@dataclass(frozen=True, slots=True)
class Operation:
    """One kind of request, a variant for each connection, and the status of the answers."""

    name: str
    requests: list[bytes]
    status: int


def fill(database: EmbeddedPostgres) -> None:
    """Give three users some rows."""
    database.execute(
        "rowsmith",
        f"""INSERT INTO tasks (user_id, id, created_at, updated_at, version, title, priority, completed, progress, labels, links)
              SELECT owner, gen_random_uuid(), now() - n * interval '1 minute', now(), 1, 'Task ' || n, 'normal', false, 0, '{{a}}', '{{}}'
              FROM generate_series(1, {ROWS}) AS n, unnest(ARRAY['{USER}', 'other', 'another']) AS owner;
            ANALYZE tasks""",
    )


def operations(database: EmbeddedPostgres, token: str) -> list[Operation]:
    """Every kind of request that is measured."""
    ids = database.execute("rowsmith", f"SELECT id FROM tasks WHERE user_id = '{USER}' LIMIT {CONNECTIONS}").splitlines()
    path = f"/api/{USER}/tasks"

    def request(method: str, target: str, body: dict[str, str] | None = None) -> bytes:
        content = orjson.dumps(body) if body else b""
        head = f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        if content:
            head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
        return f"{head}\r\n".encode() + content

    return [
        Operation("get", [request("GET", f"{path}/{row}") for row in ids], 200),
        Operation("list 20", [request("GET", f"{path}?limit=20")], 200),
        Operation("list 100", [request("GET", f"{path}?limit=100")], 200),
        Operation("create", [request("POST", path, {"title": "Book the van"})], 201),
        Operation("update", [request("PATCH", f"{path}/{row}", {"notes": "All of it"}) for row in ids], 200),
    ]
