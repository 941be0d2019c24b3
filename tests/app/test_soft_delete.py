"""`soft_delete`: deleted rows are nowhere to be seen, can be restored, and go for good after a time."""

from __future__ import annotations

import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from generator.embedded import APP_ROLE, EmbeddedPostgres
from tests.support.database import held, temporary_folder
from tests.support.generated import serving_project, write_core, write_generated, write_specs
from tests.support.resources import random_id
from tests.support.serving import Api, serving
from tests.support.tokens import new_user

SPECS = Path(__file__).resolve().parents[1] / "cases" / "trash" / "resources"

type Row = dict[str, Any]

HOOKS = '''"""Notes what the hooks of Note are told."""

from app.models.note import Note

calls: list[str] = []


async def before_update(session, before: Note, changes: dict) -> None:
    if before.deleted_at is not None and before.text == "stays":
        from fastapi import HTTPException

        raise HTTPException(409, "This one stays where it is.")
    if before.deleted_at is not None:
        changes["text"] = f"{before.text}, restored"


async def after_update(session, before: Note, after: Note) -> None:
    calls.append(f"after_update {before.deleted_at is not None} {after.deleted_at is not None}")


async def before_delete(session, row: Note) -> None:
    calls.append("before_delete")


async def after_delete(session, row: Note) -> None:
    calls.append("after_delete")


async def after_commit(change) -> None:
    calls.append(f"{change.operation} {change.after is None}")
'''
SETUP = '''"""Shows what the hooks were told."""

from fastapi import FastAPI


def setup(app: FastAPI) -> None:
    from app.extensions import note

    @app.get("/calls")
    async def take_calls() -> list[str]:
        calls, note.calls = note.calls, []
        return calls
'''


@pytest.fixture(scope="module")
def root() -> Generator[Path]:
    with temporary_folder() as root:
        write_core(root)
        write_specs(root, {path.stem: path.read_text(encoding="utf-8") for path in SPECS.glob("*.yaml")})
        write_generated(root)
        (root / "app" / "extensions" / "note.py").write_text(HOOKS)
        (root / "app" / "extensions" / "__init__.py").write_text(SETUP)
        yield root


@pytest.fixture(scope="module")
def api(postgres: EmbeddedPostgres, root: Path) -> Generator[Api]:
    with serving_project(postgres, root, LOCK_TIMEOUT="10") as served:
        yield served


class Client:
    """One user's requests."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.user = new_user()

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        options = {} if body is None else {"json": body}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.api.call(self.user, method, f"/api/{self.user}/{path}", headers=named, **options)

    def send(self, request: tuple[Any, ...]) -> httpx.Response:
        return self.ask(*request)

    def make(self, path: str, **body: Any) -> Row:
        answer = self.ask("POST", path, body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def delete(self, path: str, expected: int = 204) -> None:
        answer = self.ask("DELETE", path, If_Match="*")
        assert answer.status_code == expected, answer.text

    def restore(self, path: str, expected: int = 200) -> Row:
        answer = self.ask("POST", f"{path}/restore", If_Match="*")
        assert answer.status_code == expected, answer.text
        return answer.json()

    def names(self, path: str, key: str = "name") -> list[str]:
        answer = self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        return sorted(row[key] for row in answer.json()["items"])

    def tree(self) -> tuple[Row, Row, Row]:
        """A folder with a document with a note."""
        folder = self.make("folders", name="A")
        document = self.make("documents", title="Plan", slug="plan", folder_id=folder["id"])
        return folder, document, self.make("notes", text="Look", document_id=document["id"])


@pytest.fixture
def client(api: Api) -> Client:
    return Client(api)


# --- one row ------------------------------------------------------------------------------------------------------------------------


def test_a_deleted_row_answers_as_one_that_never_was(client: Client) -> None:
    folder = client.make("folders", name="A")
    assert folder["deleted_at"] is None
    client.delete(f"folders/{folder['id']}")
    body = {"name": "B"}
    for method, path, sent in (
        ("GET", "folders/{}", None),
        ("PUT", "folders/{}", body),
        ("PATCH", "folders/{}", body),
        ("PATCH", "folders/{}", {}),
        ("DELETE", "folders/{}", None),
        ("GET", "folders/{}/subfolders", None),
    ):
        answers = [client.ask(method, path.format(identifier), sent) for identifier in (folder["id"], random_id())]
        assert answers[0].status_code == answers[1].status_code == 404, (method, path)
        assert answers[0].content == answers[1].content
    answer = client.ask("PATCH", f"folders/{folder['id']}", body, If_Match='"1"')
    assert answer.status_code == 404
    assert "etag" not in answer.headers
    assert client.ask("PUT", f"folders/{folder['id']}", body, If_None_Match="*").status_code == 404


def test_a_deleted_row_is_in_no_list_count_or_aggregate_unless_it_is_asked_for(client: Client) -> None:
    kept, gone = client.make("folders", name="kept", size=1), client.make("folders", name="gone", size=2)
    client.delete(f"folders/{gone['id']}")
    for query in ("", "?deleted_at__isnull=true", "?size__gte=1", f"?id__in={kept['id']},{gone['id']}", "?sort=-name", "?limit=1"):
        assert client.names(f"folders{query}") == ["kept"], query
    assert client.ask("GET", "folders?limit=1").json()["next_cursor"] is None
    for count in ("exact", "estimated"):
        assert client.ask("GET", f"folders?count={count}").json()["total"] == 1
    assert client.ask("GET", "folders/aggregate?count=true&sum=size").json()["items"] == [{"count": 1, "sum_size": 1}]
    trash = client.ask("GET", "folders?deleted_at__isnull=false&count=exact").json()
    assert [row["name"] for row in trash["items"]] == ["gone"]
    assert trash["total"] == 1
    assert trash["items"][0]["deleted_at"] == trash["items"][0]["updated_at"] > gone["updated_at"]
    assert trash["items"][0]["version"] == 2
    asked = client.ask("GET", "folders/aggregate?deleted_at__isnull=false&count=true&sum=size").json()["items"]
    assert asked == [{"count": 1, "sum_size": 2}]


def test_a_page_of_deleted_rows_leads_to_the_next_one_and_its_cursor_to_no_other_list(client: Client) -> None:
    for name in "abc":
        client.delete(f"folders/{client.make('folders', name=name)['id']}")
    page = client.ask("GET", "folders?deleted_at__isnull=false&limit=2&sort=name").json()
    assert [row["name"] for row in page["items"]] == ["a", "b"]
    following = client.ask("GET", f"folders?deleted_at__isnull=false&limit=2&sort=name&cursor={page['next_cursor']}").json()
    assert [row["name"] for row in following["items"]] == ["c"]
    assert client.ask("GET", f"folders?limit=2&sort=name&cursor={page['next_cursor']}").status_code == 422


def test_a_restored_row_is_what_it_was_at_a_new_version(client: Client) -> None:
    folder = client.make("folders", name="A", size=3)
    client.delete(f"folders/{folder['id']}")
    answer = client.ask("POST", f"folders/{folder['id']}/restore")
    assert answer.status_code == 200
    row = answer.json()
    assert answer.headers["etag"] == '"3"'
    assert row == {**folder, "version": 3, "updated_at": row["updated_at"]}
    assert row["updated_at"] > folder["updated_at"]
    assert client.ask("GET", f"folders/{folder['id']}").json() == row
    assert client.names("folders?deleted_at__isnull=false") == []


def test_a_row_that_is_not_deleted_is_restored_to_what_it_is(client: Client) -> None:
    folder = client.make("folders", name="A")
    assert client.restore(f"folders/{folder['id']}") == folder
    assert client.ask("POST", f"folders/{folder['id']}/restore", If_Match='"7"').status_code == 412


def test_restore_of_nobodys_and_of_somebody_elses_row_are_one_404(client: Client) -> None:
    other = Client(client.api)
    folder = other.make("folders", name="A")
    other.delete(f"folders/{folder['id']}")
    answers = [client.ask("POST", f"folders/{identifier}/restore") for identifier in (folder["id"], random_id())]
    assert answers[0].status_code == answers[1].status_code == 404
    assert answers[0].content == answers[1].content
    assert other.names("folders?deleted_at__isnull=false") == ["A"]
    assert client.names("folders?deleted_at__isnull=false") == []


def test_restore_takes_if_match(client: Client) -> None:
    folder, document, note = client.tree()
    client.delete(f"notes/{note['id']}")
    assert client.ask("POST", f"notes/{note['id']}/restore").status_code == 428
    stale = client.ask("POST", f"notes/{note['id']}/restore", If_Match='"1"')
    assert stale.status_code == 412
    assert stale.headers["etag"] == '"2"'
    assert client.ask("POST", f"notes/{note['id']}/restore", If_Match='"2"').status_code == 200
    client.delete(f"folders/{folder['id']}")
    assert client.ask("POST", f"folders/{folder['id']}/restore", If_Match='"1"').status_code == 412
    assert client.ask("GET", f"documents/{document['id']}").status_code == 404


def test_a_unique_value_is_free_while_its_row_is_deleted_and_restore_finds_it_taken(client: Client) -> None:
    first = client.make("folders", name="A")
    client.delete(f"folders/{first['id']}")
    second = client.make("folders", name="A")
    answer = client.ask("POST", f"folders/{first['id']}/restore")
    assert answer.status_code == 409
    assert answer.json() == {"detail": "Another row has the same `name`."}
    client.delete(f"folders/{second['id']}")
    assert client.restore(f"folders/{first['id']}")["name"] == "A"
    assert client.ask("POST", "folders", {"name": "A"}).status_code == 409
    assert client.ask("POST", f"folders/{second['id']}/restore").status_code == 409


def test_nulls_that_are_equal_are_so_among_rows_that_are_not_deleted(client: Client) -> None:
    folder = client.make("folders", name="A")
    first = client.make("documents", title="One", folder_id=folder["id"])
    assert client.ask("POST", "documents", {"title": "Two", "folder_id": folder["id"]}).status_code == 409
    client.delete(f"documents/{first['id']}")
    client.make("documents", title="Two", folder_id=folder["id"])
    client.restore(f"documents/{first['id']}", 409)


def test_an_upsert_by_the_key_of_a_deleted_row_creates_another_one(client: Client) -> None:
    first = client.ask("PUT", "folders", {"name": "A", "size": 1})
    client.delete(f"folders/{first.json()['id']}")
    assert client.ask("PUT", "folders", {"name": "A", "size": 2}, If_Match="*").status_code == 412
    second = client.ask("PUT", "folders", {"name": "A", "size": 2})
    assert second.status_code == 201
    assert second.json()["id"] != first.json()["id"]
    assert client.ask("PUT", "folders", {"name": "A", "size": 3}).status_code == 200


def test_a_batch_deletes_and_fails_as_a_whole(client: Client) -> None:
    one, other = client.make("folders", name="A"), client.make("folders", name="B")
    answer = client.ask("POST", "folders/batch", {"create": [{"name": "C"}], "delete": [one["id"], one["id"]]})
    assert answer.status_code == 404
    assert client.names("folders") == ["A", "B"]
    answer = client.ask("POST", "folders/batch", {"delete": [one["id"], {"id": other["id"], "version": 1}]})
    assert answer.json() == {"create": [], "update": [], "delete": [one["id"], other["id"]]}
    assert client.names("folders") == []
    assert client.names("folders?deleted_at__isnull=false") == ["A", "B"]
    assert client.ask("POST", "folders/batch", {"update": [{"id": one["id"], "size": 9}]}).status_code == 404


def test_a_dry_run_deletes_and_restores_nothing(client: Client) -> None:
    folder, document, _ = client.tree()
    answer = client.ask("DELETE", f"folders/{folder['id']}", Prefer="tx=rollback")
    assert answer.status_code == 204
    assert client.ask("GET", f"documents/{document['id']}").status_code == 200
    client.delete(f"folders/{folder['id']}")
    answer = client.ask("POST", f"folders/{folder['id']}/restore", Prefer="tx=rollback")
    assert (answer.status_code, answer.json()["deleted_at"]) == (200, None)
    assert client.names("folders") == []


def test_restore_with_an_idempotency_key_is_carried_out_once(client: Client) -> None:
    folder = client.make("folders", name="A")
    client.delete(f"folders/{folder['id']}")
    first = client.ask("POST", f"folders/{folder['id']}/restore", Idempotency_Key="a")
    client.delete(f"folders/{folder['id']}")
    again = client.ask("POST", f"folders/{folder['id']}/restore", Idempotency_Key="a")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == first.json()
    assert client.names("folders") == []
    short = client.ask("POST", f"folders/{folder['id']}/restore", Prefer="return=minimal")
    assert (short.status_code, short.content, short.headers["etag"]) == (204, b"", '"5"')


# --- what refers to it --------------------------------------------------------------------------------------------------------------


def test_what_cascades_is_deleted_at_the_same_time_and_restored_together(client: Client) -> None:
    folder, document, note = client.tree()
    below = client.make("folders", name="B", parent_id=folder["id"])
    deeper = client.make("folders", name="C", parent_id=below["id"])
    label = client.make("labels", name="x")
    assert client.ask("PUT", f"documents/{document['id']}/labels/{label['id']}").status_code == 204
    earlier = client.make("documents", title="Earlier", slug="earlier", folder_id=deeper["id"])
    client.delete(f"documents/{earlier['id']}")
    client.delete(f"folders/{folder['id']}")
    everything = ("folders", "documents", "notes", "document-labels")
    for path in everything:
        assert client.ask("GET", path).json()["items"] == [], path
    deleted = [row for path in everything for row in client.ask("GET", f"{path}?deleted_at__isnull=false").json()["items"]]
    assert len(deleted) == 7
    together = {row["id"] for row in deleted if row["id"] != earlier["id"]}
    assert len({row["deleted_at"] for row in deleted if row["id"] in together}) == 1
    client.restore(f"folders/{folder['id']}")
    assert {row["id"] for path in everything for row in client.ask("GET", path).json()["items"]} == together
    assert client.ask("GET", f"documents/{document['id']}?expand=labels").json()["labels"][0]["id"] == label["id"]
    assert client.ask("GET", f"notes/{note['id']}").json()["version"] == 3
    assert client.restore(f"documents/{earlier['id']}")["title"] == "Earlier"


def test_a_circle_is_deleted_and_restored(client: Client) -> None:
    one = client.make("folders", name="A")
    other = client.make("folders", name="B", parent_id=one["id"])
    assert client.ask("PATCH", f"folders/{one['id']}", {"parent_id": other["id"]}).status_code == 200
    itself = client.make("folders", name="C", parent_id=one["id"])
    assert client.ask("PATCH", f"folders/{itself['id']}", {"parent_id": itself["id"]}).status_code == 200
    client.delete(f"folders/{itself['id']}")
    client.delete(f"folders/{other['id']}")
    assert client.names("folders") == []
    client.restore(f"folders/{one['id']}")
    client.restore(f"folders/{itself['id']}")
    assert client.names("folders") == ["A", "B", "C"]


def test_what_cascades_is_not_restored_without_what_it_refers_to(client: Client) -> None:
    folder, document, note = client.tree()
    client.delete(f"folders/{folder['id']}")
    for path, column in ((f"documents/{document['id']}", "folder_id"), (f"notes/{note['id']}", "document_id")):
        answer = client.ask("POST", f"{path}/restore", If_Match="*")
        assert answer.status_code == 409, answer.text
        assert f"`{column}`" in answer.json()["detail"]
    client.restore(f"folders/{folder['id']}")
    assert client.ask("GET", f"notes/{note['id']}").status_code == 200


def test_a_value_that_a_child_finds_taken_keeps_its_parent_deleted(client: Client) -> None:
    parent = client.make("folders", name="A")
    child = client.make("folders", name="B", parent_id=parent["id"])
    client.delete(f"folders/{parent['id']}")
    client.make("folders", name="B")
    client.restore(f"folders/{parent['id']}", 409)
    assert client.names("folders?deleted_at__isnull=false") == ["A", "B"]
    assert client.ask("GET", f"folders/{child['id']}").status_code == 404


def test_restrict_asks_for_rows_that_are_not_deleted(client: Client) -> None:
    folder, document, _ = client.tree()
    signature = client.make("signatures", name="Ada", document_id=document["id"])
    for path in (f"documents/{document['id']}", f"folders/{folder['id']}"):
        answer = client.ask("DELETE", path)
        assert answer.status_code == 409
        assert answer.json()["detail"] == "Rows of signatures still refer to this one. Delete or change them first."
    assert client.names("folders") == ["A"]
    client.delete(f"signatures/{signature['id']}")
    about = client.make("documents", title="About it", slug="about", folder_id=folder["id"], about_id=document["id"])
    client.delete(f"documents/{document['id']}", 409)
    client.delete(f"documents/{about['id']}")
    client.delete(f"documents/{document['id']}")
    client.restore(f"documents/{about['id']}", 409)
    client.restore(f"documents/{document['id']}")
    client.restore(f"documents/{about['id']}")
    client.delete(f"folders/{folder['id']}")  # both go, and the one refers to the other
    client.restore(f"folders/{folder['id']}")
    assert client.names("documents", "title") == ["About it", "Plan"]


def test_set_null_clears_the_reference_and_restore_does_not_bring_it_back(client: Client) -> None:
    folder, document, _ = client.tree()
    bookmark = client.make("bookmarks", name="Mine", document_id=document["id"])
    client.delete(f"folders/{folder['id']}")
    cleared = client.ask("GET", f"bookmarks/{bookmark['id']}?expand=document").json()
    assert (cleared["document_id"], cleared["document"], cleared["version"]) == (None, None, 2)
    client.restore(f"folders/{folder['id']}")
    assert client.ask("GET", f"bookmarks/{bookmark['id']}").json()["document_id"] is None


def test_a_reference_to_a_deleted_row_is_one_to_nothing(client: Client) -> None:
    folder, document, note = client.tree()
    bookmark = client.make("bookmarks", name="Mine")
    other = client.make("documents", title="Other", slug="other", folder_id=folder["id"])
    client.delete(f"documents/{document['id']}")
    requests = [
        ("POST", "notes", {"text": "x"}, "document_id"),
        ("POST", "signatures", {"name": "x"}, "document_id"),
        ("POST", "bookmarks", {"name": "x"}, "document_id"),
        ("PATCH", f"bookmarks/{bookmark['id']}", {}, "document_id"),
        ("PUT", f"bookmarks/{bookmark['id']}", {"name": "x"}, "document_id"),
        ("PATCH", f"documents/{other['id']}", {}, "about_id"),
    ]
    for method, path, body, column in requests:
        answers = [client.ask(method, path, {**body, column: identifier}) for identifier in (document["id"], random_id())]
        assert answers[0].status_code == answers[1].status_code == 422, (method, path, answers[0].text)
        assert answers[0].content == answers[1].content
        assert answers[0].json()["detail"][0]["loc"] == ["body", column]
    client.delete(f"folders/{folder['id']}")
    answer = client.ask("POST", "folders/batch", {"create": [{"name": "B"}, {"name": "C", "parent_id": folder["id"]}]})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "create", 1, "parent_id"]
    assert client.ask("PUT", "folders", {"name": "D", "parent_id": folder["id"]}).status_code == 422
    assert client.ask("POST", "notes", {"text": "x", "document_id": note["id"]}).status_code == 422


def test_deleted_rows_are_absent_behind_references_and_in_expansions(client: Client) -> None:
    folder, document, note = client.tree()
    second = client.make("notes", text="Second", document_id=document["id"])
    client.delete(f"notes/{note['id']}")
    shown = client.ask("GET", f"documents/{document['id']}?expand=notes,folder.documents").json()
    assert [row["id"] for row in shown["notes"]] == [second["id"]]
    assert [row["id"] for row in shown["folder"]["documents"]] == [document["id"]]
    assert client.names(f"documents/{document['id']}/notes", "text") == ["Second"]
    client.delete(f"folders/{folder['id']}")
    trash = "documents?deleted_at__isnull=false"
    assert client.ask("GET", f"{trash}&expand=folder,notes").json()["items"][0]["folder"] is None
    assert client.ask("GET", f"{trash}&expand=folder,notes").json()["items"][0]["notes"] == []
    assert client.names(f"{trash}&folder_id={folder['id']}", "title") == ["Plan"]
    for absent in ("folder__name=A", "folder__size__gte=0"):
        assert client.names(f"{trash}&{absent}", "title") == [], absent
    assert client.names(f"{trash}&folder__name__ne=A", "title") == ["Plan"]
    counted = client.ask("GET", "documents/aggregate?deleted_at__isnull=false&folder__name=A&count=true").json()
    assert counted["items"] == [{"count": 0}]


def test_a_link_to_a_deleted_row_is_none(client: Client) -> None:
    _, document, _ = client.tree()
    label = client.make("labels", name="x")
    pair = f"documents/{document['id']}/labels/{label['id']}"
    assert client.ask("PUT", pair).status_code == 204
    assert client.ask("PUT", pair).status_code == 204
    assert len(client.ask("GET", "document-labels").json()["items"]) == 1
    assert client.ask("DELETE", pair).status_code == 204
    assert client.ask("DELETE", pair).status_code == 204
    assert client.ask("GET", f"documents/{document['id']}?expand=labels").json()["labels"] == []
    assert client.ask("PUT", pair).status_code == 204  # a new one, beside the deleted one
    assert len(client.ask("GET", "document-labels?deleted_at__isnull=false").json()["items"]) == 1
    client.delete(f"documents/{document['id']}")
    assert client.ask("PUT", pair).status_code == client.ask("DELETE", pair).status_code == 404
    assert client.ask("GET", f"labels/{label['id']}?expand=documents").json()["documents"] == []
    client.delete(f"labels/{label['id']}")  # which stays for nobody: its links go for good
    assert client.ask("GET", "document-labels?deleted_at__isnull=false").json()["items"] == []


def test_deleted_rows_do_not_keep_what_goes_for_good(client: Client) -> None:
    label, other = client.make("labels", name="x"), client.make("labels", name="y")
    claim = client.make("claims", text="One", label_id=label["id"], other_id=label["id"])
    second = client.make("claims", text="Two", label_id=other["id"], other_id=label["id"])
    client.delete(f"labels/{label['id']}", 409)
    client.delete(f"claims/{claim['id']}")
    client.delete(f"claims/{second['id']}")
    client.delete(f"labels/{label['id']}")
    assert client.ask("POST", f"claims/{claim['id']}/restore").status_code == 404
    assert client.restore(f"claims/{second['id']}")["other_id"] is None


def test_hooks_run_with_delete_and_restore(client: Client) -> None:
    _, _, note = client.tree()
    client.api.client.get("/calls")
    client.delete(f"notes/{note['id']}")
    assert client.api.client.get("/calls").json() == ["before_delete", "after_delete", "delete True"]
    assert client.restore(f"notes/{note['id']}")["text"] == "Look, restored"
    assert client.api.client.get("/calls").json() == ["after_update True False", "update False"]
    client.restore(f"notes/{note['id']}")
    assert client.api.client.get("/calls").json() == []
    stays = client.make("notes", text="stays", document_id=note["document_id"])
    client.delete(f"notes/{stays['id']}")
    client.restore(f"notes/{stays['id']}", 409)
    assert client.names("notes?deleted_at__isnull=false", "text") == ["stays"]


# --- at the same moment -------------------------------------------------------------------------------------------------------------

PARENTS = {"notes": "document_id", "bookmarks": "document_id", "signatures": "document_id", "document_labels": "document_id"}
KEPT = {"notes", "document_labels"}


def orphans(api: Api) -> dict[str, str]:
    """Rows that are not deleted and refer to a deleted document, by table."""
    found: dict[str, str] = {}
    for table, column in PARENTS.items():
        present = " AND c.deleted_at IS NULL" if table in KEPT else ""
        join = f"JOIN documents d ON d.user_id = c.user_id AND d.id = c.{column} AND d.deleted_at IS NOT NULL"
        found[table] = api.database.execute(f"SELECT count(*) FROM {table} c {join} WHERE true{present}").strip()
    return found


def test_C5_no_reference_is_made_to_a_row_while_it_is_deleted(client: Client) -> None:
    folder = client.make("folders", name="A")
    label = client.make("labels", name="x")
    with ThreadPoolExecutor(8) as pool:
        for number in range(15):
            document = client.make("documents", title="Plan", slug=f"plan-{number}", folder_id=folder["id"])
            bookmark = client.make("bookmarks", name="Mine")
            item = f"documents/{document['id']}"
            requests: list[tuple[Any, ...]] = [
                ("POST", "notes", {"text": "x", "document_id": document["id"]}),
                ("PATCH", item, {"title": "Other"}),
                ("DELETE", item),
                ("POST", "bookmarks", {"name": "x", "document_id": document["id"]}),
                ("PATCH", f"bookmarks/{bookmark['id']}", {"document_id": document["id"]}),
                ("PUT", f"{item}/labels/{label['id']}"),
                ("POST", "notes", {"text": "y", "document_id": document["id"]}),
                *([("POST", "signatures", {"name": "x", "document_id": document["id"]})] if number % 3 == 0 else []),
            ]
            answers = list(pool.map(client.send, requests[number % 5 :] + requests[: number % 5]))
            assert {answer.status_code for answer in answers} <= {200, 201, 204, 404, 409, 422}, [answer.text for answer in answers]
    assert set(orphans(client.api).values()) == {"0"}


def test_C5_a_change_does_not_bring_a_deleted_row_back(client: Client) -> None:
    with ThreadPoolExecutor(4) as pool:
        for number in range(10):
            folder = client.make("folders", name=f"A{number}")
            item = f"folders/{folder['id']}"
            requests = [("PATCH", item, {"size": 1}), ("DELETE", item), ("PUT", item, {"name": f"B{number}"}), ("DELETE", item)]
            statuses = [answer.status_code for answer in pool.map(client.send, requests)]
            assert sorted(statuses[1::2]) == [204, 404]
            assert client.ask("GET", item).status_code == 404
    assert client.names("folders") == []


def test_C5_what_is_restored_is_not_left_below_a_deleted_row(client: Client) -> None:
    with ThreadPoolExecutor(3) as pool:
        for _ in range(10):
            folder, document, note = client.tree()
            client.delete(f"notes/{note['id']}")
            ends = [
                pool.submit(client.ask, "POST", f"notes/{note['id']}/restore", If_Match="*"),
                pool.submit(client.ask, "DELETE", f"documents/{document['id']}"),
                pool.submit(client.ask, "POST", f"notes/{note['id']}/restore", If_Match="*"),
            ]
            assert {end.result().status_code for end in ends} <= {200, 204, 409}
            client.delete(f"folders/{folder['id']}")
    assert set(orphans(client.api).values()) == {"0"}


def test_C5_a_reference_that_waits_for_a_delete_finds_the_row_gone(client: Client) -> None:
    _, document, _ = client.tree()
    answer = held(
        client.api.database,
        lambda: client.ask("POST", "notes", {"text": "x", "document_id": document["id"]}),
        f"SELECT id FROM documents WHERE id = '{document['id']}' FOR UPDATE",
        f"UPDATE documents SET deleted_at = now() WHERE id = '{document['id']}'",
    )
    assert answer.status_code == 422, answer.text


def test_C5_a_delete_that_waits_for_a_reference_takes_it_along(client: Client) -> None:
    folder, document, _ = client.tree()
    columns = "user_id, id, created_at, updated_at, version, text, document_id"
    insert = f"INSERT INTO notes ({columns}) VALUES ('{client.user}', gen_random_uuid(), now(), now(), 1, 'late', '{document['id']}')"
    answer = held(client.api.database, lambda: client.ask("DELETE", f"folders/{folder['id']}"), insert)
    assert answer.status_code == 204
    assert client.names("notes?deleted_at__isnull=false", "text") == ["Look", "late"]
    assert client.names("notes", "text") == []


# --- the end ------------------------------------------------------------------------------------------------------------------------


def age(client: Client, days: int) -> None:
    """Make what a user has deleted so many days older."""
    for table in ("folders", "documents", "notes", "document_labels", "claims"):
        moved = f"deleted_at = deleted_at - interval '{days} days'"
        client.api.database.execute(f"UPDATE {table} SET {moved} WHERE user_id = '{client.user}' AND deleted_at IS NOT NULL")


def everything(client: Client) -> dict[str, int]:
    tables = ("folders", "documents", "notes", "document_labels", "claims")
    counts = [client.api.database.execute(f"SELECT count(*) FROM {table} WHERE user_id = '{client.user}'") for table in tables]
    return {table: int(count) for table, count in zip(tables, counts, strict=True)}


def filled(client: Client) -> tuple[Row, Row]:
    """Two trees of rows; the first one is deleted."""
    trees: list[Row] = []
    for name in ("gone", "kept"):
        folder = client.make("folders", name=name)
        below = client.make("folders", name=f"{name} below", parent_id=folder["id"])
        document = client.make("documents", title=name, folder_id=below["id"])
        client.make("notes", text=name, document_id=document["id"])
        label = client.make("labels", name=name)
        client.ask("PUT", f"documents/{document['id']}/labels/{label['id']}")
        trees.append(folder)
    client.delete(f"folders/{trees[0]['id']}")
    return trees[0], trees[1]


def test_deleted_rows_go_for_good_after_their_time_and_nothing_else(client: Client, root: Path) -> None:
    """Folders have a field `days`, documents one `at_most`: no value of a row is taken for what the function is asked."""
    other, young = Client(client.api), Client(client.api)
    for one in (client, other, young):
        filled(one)
    age(client, 31)
    age(other, 30 * 24)
    age(young, 29)
    with serving(client.api.database, root=root):
        deadline = time.monotonic() + 20
        while sum(everything(client).values()) + sum(everything(other).values()) > 10:
            assert time.monotonic() < deadline, (everything(client), everything(other))
            time.sleep(0.1)
    for one in (client, other):
        assert everything(one) == {"folders": 2, "documents": 1, "notes": 1, "document_labels": 1, "claims": 0}
        assert one.names("folders") == ["kept", "kept below"]
    assert everything(young) == {"folders": 4, "documents": 2, "notes": 2, "document_labels": 2, "claims": 0}


def test_what_purges_takes_nothing_that_is_young_or_referred_to_whatever_it_is_asked(client: Client) -> None:
    while sum([purge(client, table, 1) for table in ("notes", "document_labels", "documents", "folders")]):
        pass  # what other tests have aged
    gone, _ = filled(client)
    before = everything(client)
    for days in (-5, 0, 1):
        assert purge(client, "folders", days) == purge(client, "notes", days) == 0
    age(client, 2)
    assert purge(client, "folders", 1) == 0  # there are rows below
    client.api.database.execute(f"UPDATE notes SET deleted_at = NULL WHERE user_id = '{client.user}'")  # what must never be
    assert purge(client, "documents", 1) == purge(client, "notes", 1) == 0
    assert everything(client) == before
    assert gone["name"] in client.names("folders?deleted_at__isnull=false")


def test_a_circle_of_old_rows_goes_and_one_that_a_row_still_needs_stays(client: Client) -> None:
    while sum([purge(client, table, 1) for table in ("notes", "document_labels", "documents", "folders")]):
        pass  # what other tests have aged
    circles: list[list[str]] = []
    for name in ("gone", "young", "needed"):
        ids: list[str] = []
        for number in range(3):
            ids.append(client.make("folders", name=f"{name} {number}", **({"parent_id": ids[-1]} if ids else {}))["id"])
        assert client.ask("PATCH", f"folders/{ids[0]}", {"parent_id": ids[-1]}).status_code == 200
        circles.append(ids)
    client.make("folders", name="gone below", parent_id=circles[0][1])
    client.make("documents", title="x", folder_id=circles[2][1])
    for ids in circles:
        client.delete(f"folders/{ids[0]}")
    age(client, 2)
    client.api.database.execute(f"UPDATE folders SET deleted_at = now() WHERE id = '{circles[1][2]}'")  # what must never be
    client.api.database.execute(f"UPDATE documents SET deleted_at = NULL WHERE user_id = '{client.user}'")  # nor this
    while purge(client, "folders", 1):
        pass
    left = client.api.database.execute(f"SELECT name FROM folders WHERE user_id = '{client.user}' ORDER BY name").splitlines()
    assert left == [f"{name} {number}" for name in ("needed", "young") for number in range(3)]


def test_a_circle_of_references_that_restrict_goes_as_well(client: Client) -> None:
    folder = client.make("folders", name="A")
    one = client.make("documents", title="One", slug="one", folder_id=folder["id"])
    other = client.make("documents", title="Other", slug="other", folder_id=folder["id"], about_id=one["id"])
    assert client.ask("PATCH", f"documents/{one['id']}", {"about_id": other["id"]}).status_code == 200
    client.delete(f"folders/{folder['id']}")
    age(client, 2)
    while sum([purge(client, table, 1) for table in ("documents", "folders")]):
        pass
    assert everything(client)["documents"] == everything(client)["folders"] == 0


def purge(client: Client, table: str, days: int) -> int:
    """What the application's role can make the function do."""
    answer = client.api.database.execute(f"SET ROLE {APP_ROLE}; SELECT purge_{table}(1000, {days})")
    return int(answer.splitlines()[-1])
