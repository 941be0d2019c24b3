"""Attacks that any request offers a place for: its token, its path, the ids in it."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from uuid import uuid4

from jose import jwt

from generator.audit.expectations import Attack, Probe, expect, leak, same, unchanged
from generator.audit.targets import Target
from generator.audit.world import UnprovableError, World

DAY = 86_400
PRECONDITIONS: tuple[dict[str, str], ...] = ({}, {"If-Match": '"1"'}, {"If-Match": '"999"'}, {"If-None-Match": '"1"'})


def on_requests(target: Target) -> Iterator[Attack]:
    """Those on one operation."""
    for name, token in BAD_TOKENS.items():
        yield Attack(target, f"the victim's request with {name}", _bad_token(target, token))
    yield Attack(target, "the victim's request with a token in the query", _token_in_query(target))
    yield Attack(target, "the victim's path with the attacker's token", _foreign_path(target))
    for parameter, resource in target.rows:
        for headers in PRECONDITIONS:
            precondition = "".join(f" and {name}: {value}" for name, value in headers.items())
            yield Attack(target, f"the victim's {resource.name} in the path{precondition}", _foreign_id(target, parameter, headers))


def _unsigned(world: World) -> str:
    payload = world.victim.token.split(".")[1]
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).rstrip(b"=").decode()
    return f"{header}.{payload}."


def _tampered(world: World) -> str:
    header, _, signature = world.attacker.token.split(".")
    return f"{header}.{world.victim.token.split('.')[1]}.{signature}"


def _forged(world: World) -> str:
    return jwt.encode(jwt.get_unverified_claims(world.victim.token), secrets.token_urlsafe(48), "HS256")


BAD_TOKENS: Mapping[str, Callable[[World], str | None]] = {
    "no token": lambda _: None,
    "an expired token": lambda world: world.mint(world.victim.user, -DAY),
    "a token that somebody else signed": _forged,
    "an unsigned token": _unsigned,
    "the attacker's token with the victim's claims": _tampered,
}
"""Tokens of the victim that must be refused."""


def _bad_token(target: Target, make: Callable[[World], str | None]) -> Probe:
    def probe(world: World) -> str | None:
        answer = world.ask(target, by=make(world), of=world.victim.user, body=world.body(target, world.victim))
        return expect(answer, 401) or unchanged(world, target)

    return probe


def _token_in_query(target: Target) -> Probe:
    def probe(world: World) -> str | None:
        query = {"access_token": world.victim.token}
        return expect(world.ask(target, by=None, body=world.body(target, world.victim), query=query), 401)

    return probe


def _foreign_path(target: Target) -> Probe:
    def probe(world: World) -> str | None:
        victim, attacker, nobody = world.victim, world.attacker, f"nobody-{uuid4().hex}"
        ids = {name: world.row_for(target, victim, resource) for name, resource in target.rows}
        body = world.body(target, victim)
        answer = world.ask(target, by=attacker, of=victim.user, ids=ids, body=body)
        other = world.ask(target, by=attacker, of=nobody, ids=ids, body=body)
        return expect(answer, 403) or same(answer, other, "the path of a user who does not exist") or unchanged(world, target)

    return probe


def _foreign_id(target: Target, parameter: str, headers: Mapping[str, str]) -> Probe:
    resource = dict(target.rows)[parameter]

    def probe(world: World) -> str | None:
        if resource.name not in world.victim.rows:
            raise UnprovableError(f"the victim has no {resource.name}")
        body = world.body(target, world.attacker)
        foreign = world.ask(
            target, by=world.attacker, ids={parameter: world.row_for(target, world.victim, resource)}, body=body, headers=headers
        )
        absent = world.ask(target, by=world.attacker, ids={parameter: str(uuid4())}, body=body, headers=headers)
        if target.kind != "unlink":  # which is repeatable: 204, whether there was a link or not
            broken = expect(foreign, 404)
            if broken:
                return broken
        return same(foreign, absent, "the id of a row that does not exist") or leak(world, foreign) or unchanged(world, target)

    return probe
