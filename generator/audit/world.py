"""The two users of an audit, their rows, and the requests that they send."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx

from generator.audit.targets import Target, references_of
from generator.ir import Operation, Reference, Resource, Schema
from generator.samples import NoSampleError, sample_body, sample_value

type Mint = Callable[[str, int], str]
"""Makes a token: of a user, valid for so many seconds."""

type Row = dict[str, Any]

VOLATILE = {"date", "x-request-id", "server"}
"""Headers that differ from one answer to the next."""


class UnprovableError(Exception):
    """A request that its own user may send does not succeed, so that a refusal of somebody else's would prove nothing."""


@dataclass(slots=True)
class Party:
    """One user: its token, and two rows of each resource."""

    user: str
    token: str
    rows: dict[str, list[Row]] = field(default_factory=dict[str, list[Row]])
    bodies: dict[str, Row] = field(default_factory=dict[str, Row])
    """What the first row of each resource was made of."""
    deleted: dict[str, str] = field(default_factory=dict[str, str])
    """The id of a row that was deleted and is kept, of each resource that keeps them."""


class World:
    """An API with a victim and an attacker, both with rows of their own.

    Whoever makes one calls `populate`, and `clear` in the end, which deletes every row that was made.
    """

    def __init__(self, client: httpx.Client, schema: Schema, mint: Mint) -> None:
        """`client` has the address of the API as its base."""
        self.client = client
        self.schema = schema
        self.mint = mint
        run = secrets.token_hex(6)
        self.victim, self.attacker = (self._party(f"audit-{run}-{role}") for role in ("victim", "attacker"))
        self.sent = 0
        self._made: list[tuple[Party, Resource, str]] = []
        self._numbers = itertools.count(secrets.randbelow(1_000_000) + 1)
        self._kept: dict[tuple[str, str], Row] = {}

    def _party(self, user: str) -> Party:
        return Party(user, self.mint(user, 3600))

    # --- requests

    def send(
        self,
        method: str,
        path: str,
        *,
        token: str | None,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Send one request; no Authorization header where there is no token."""
        self.sent += 1
        authorization = {} if token is None else {"Authorization": f"Bearer {token}"}
        return self.client.request(method, path, params=query, json=body, headers={**authorization, **(headers or {})})

    def ask(
        self,
        target: Target,
        *,
        by: Party | str | None,
        of: str | None = None,
        ids: Mapping[str, str] | None = None,
        body: Any = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Send a request for an operation.

        Args:
            target: The operation.
            by: Whose token it carries; a text is sent as the token, None sends none.
            of: The user in the path; without it, whoever sends the request.
            ids: The ids in the path, by parameter; without one, the sender's own row.
            body: The JSON body.
            query: The query string.
            headers: Further headers; If-Match: * goes with what needs one.
        """
        user = of if of is not None else by.user if isinstance(by, Party) else self.victim.user
        owner = by if isinstance(by, Party) else self.victim
        values = {name: (ids or {}).get(name) or self.row_for(target, owner, resource) for name, resource in target.rows}
        path = target.path.format(**{name: quote(value, safe="") for name, value in {"user_id": user, **values}.items()})
        precondition = {"If-Match": "*"} if target.needs_precondition else {}
        token = by.token if isinstance(by, Party) else by
        return self.send(target.method, path, token=token, query=query, body=body, headers={**precondition, **(headers or {})})

    # --- rows

    def own(self, party: Party, resource: Resource) -> str:
        """The id of a row of a user; one of nobody where none could be made."""
        rows = party.rows.get(resource.name)
        return str(rows[0]["id"]) if rows else str(uuid4())

    def row_for(self, target: Target, party: Party, resource: Resource) -> str:
        """The id of a user's row that the operation is meant for: a deleted one, where it restores."""
        return party.deleted.get(resource.name, self.own(party, resource)) if target.kind == "restore" else self.own(party, resource)

    def foreign_ids(self) -> Iterator[str]:
        """The ids of the victim's rows."""
        yield from self.victim.deleted.values()
        for rows in self.victim.rows.values():
            yield from (str(row["id"]) for row in rows)

    def populate(self) -> dict[str, str]:
        """Two rows of each resource for both users. Why none could be made, by resource."""
        failed: dict[str, str] = {}
        for resource in self.schema.resources:
            for party in (self.victim, self.attacker):
                try:
                    self._populate(party, resource)
                except UnprovableError as reason:
                    failed[resource.name] = str(reason)
        self._kept = {(resource.name, row["id"]): row for resource, row in self._victims_rows()}
        return failed

    def _populate(self, party: Party, resource: Resource) -> None:
        while len(party.rows.get(resource.name, ())) < 2:
            row, body = self._create(party, resource, frozenset())
            party.rows.setdefault(resource.name, []).append(row)
            party.bodies.setdefault(resource.name, body)
        if resource.soft_delete and Operation.DELETE in resource.operations:
            deleted = self.new(party, resource)
            self._delete(party, resource, deleted)
            party.deleted[resource.name] = deleted

    def _create(self, party: Party, resource: Resource, above: frozenset[str]) -> tuple[Row, Row]:
        """A new row, and the body that made it: with all that a body can have, or with what it must have where rules forbid more."""
        told = ""
        for optional in (True, False):
            body = self.new_body(party, resource, optional=optional, above=above)
            answer = self._send_create(party, resource, body)
            if answer.is_success:
                row: Row = answer.json()
                self._made.append((party, resource, row["id"]))
                return row, body
            told = f"{answer.status_code} {answer.text[:300]}"
        raise UnprovableError(f"no {resource.name} could be created: {told}")

    def _send_create(self, party: Party, resource: Resource, body: Row) -> httpx.Response:
        path = f"/api/{quote(party.user, safe='')}/{resource.segment}"
        if Operation.CREATE in resource.operations:
            return self.send("POST", path, token=party.token, body=body)
        if resource.upsert is None:
            raise UnprovableError(f"no {resource.name} could be created: it has no operation that creates one")
        return self.send("PUT", path, token=party.token, body=body, headers={"If-None-Match": "*"})

    def new_body(self, party: Party, resource: Resource, *, optional: bool = False, above: frozenset[str] = frozenset()) -> Row:
        """A body that creates one more row, with new rows to refer to. UnprovableError where none is known."""
        above |= {resource.name}
        parents: dict[str, str] = {}
        for reference, target in references_of(self.schema, resource):
            if reference.required or (optional and target.name not in above):
                parents[reference.column] = self._create(party, target, above)[0]["id"]
        try:
            return dict(sample_body(resource, next(self._numbers), parents, optional=optional))
        except NoSampleError as error:
            raise UnprovableError(f"no {resource.name} could be created: {error}; give the field an example") from error

    def body(self, target: Target, party: Party) -> Any:
        """A body that the operation takes from this user; None for one without."""
        resource = target.resource
        match target.kind:
            case "create":
                return self.new_body(party, resource)
            case "replace" | "upsert":
                given = party.bodies.get(resource.name) or self.new_body(party, resource)
                once = {one.column for one in resource.fields if one.write == "once"} if target.kind == "replace" else set[str]()
                return {name: value for name, value in given.items() if name not in once}
            case "update":
                return self._change(resource)
            case "batch":
                return {"update": [self._element(party, resource)]} if Operation.UPDATE in resource.operations else {}
            case _:
                return None

    def new(self, party: Party, resource: Resource) -> str:
        """The id of a new row of a user."""
        return self._create(party, resource, frozenset())[0]["id"]

    def _element(self, party: Party, resource: Resource) -> Row:
        """An element of a batch that changes the user's own row."""
        row_id = self.own(party, resource)
        change = {"id": row_id, **self._change(resource)}
        if resource.concurrency != "required":
            return change
        path = f"/api/{quote(party.user, safe='')}/{resource.segment}/{row_id}"
        return {**change, "version": self.send("GET", path, token=party.token).json().get("version", 1)}

    def _change(self, resource: Resource) -> Row:
        """A change that breaks no unique constraint."""
        unique = {column for constraint in resource.unique for column in constraint.columns}
        for one in resource.fields:
            if one.write == "always" and one.column not in unique and not isinstance(one.type, Reference):
                try:
                    return {one.column: sample_value(one)}
                except NoSampleError:
                    continue
        return {}

    # --- what became of the victim

    def damage(self, resource: Resource | None = None) -> str | None:
        """How the victim's rows (of one resource, or all) are no longer what they were, or None. What is found is found once."""
        found = {(one.name, row["id"]): row for one, row in self._victims_rows(resource)}
        expected = {key: row for key, row in self._kept.items() if resource is None or key[0] == resource.name}
        for key, row in expected.items():
            if found.get(key) != row:
                what = "is gone" if key not in found else "has changed"
                self._kept = {kept: one for kept, one in self._kept.items() if kept not in expected} | found
                return f"{key[0]} {key[1]} of the victim {what}"
        return None

    def _victims_rows(self, resource: Resource | None = None) -> Iterator[tuple[Resource, Row]]:
        for one in self.schema.resources if resource is None else (resource,):
            path = f"/api/{quote(self.victim.user, safe='')}/{one.segment}"
            for row in self.victim.rows.get(one.name, ()):
                if Operation.GET in one.operations:
                    answer = self.send("GET", f"{path}/{row['id']}", token=self.victim.token)
                    if answer.status_code == 200:
                        yield one, answer.json()
                elif Operation.LIST in one.operations:
                    answer = self.send("GET", path, token=self.victim.token, query={"id": row["id"]})
                    yield from ((one, item) for item in answer.json().get("items", ()))

    def clear(self) -> None:
        """Delete every row that was made, those that refer to others first."""
        for party, resource, row_id in reversed(self._made):
            if Operation.DELETE in resource.operations:
                self._delete(party, resource, row_id)

    def _delete(self, party: Party, resource: Resource, row_id: str) -> None:
        path = f"/api/{quote(party.user, safe='')}/{resource.segment}/{row_id}"
        self.send("DELETE", path, token=party.token, headers={"If-Match": "*"})

    def note(self, party: Party, resource: Resource, answer: httpx.Response) -> None:
        """Remember a row that an attack has made, so that `clear` deletes it."""
        if answer.is_success and answer.content:
            self._made.append((party, resource, answer.json()["id"]))


def shape(answer: httpx.Response) -> tuple[int, str, dict[str, str]]:
    """What two answers can be told apart by."""
    return answer.status_code, answer.text, {name: value for name, value in answer.headers.items() if name not in VOLATILE}
