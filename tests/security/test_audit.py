"""`rowsmith audit` attacks every route, finds nothing in the example, and finds each guard that is taken away."""

from __future__ import annotations

from dataclasses import dataclass

import httpx
import pytest

from app.config import load_settings
from app.main import create_app
from generator.audit.run import audit
from generator.audit.served import application
from generator.audit.targets import Target, targets_of
from generator.audit.world import World
from generator.cli.development import mint_token
from generator.embedded import EmbeddedPostgres
from tests.security import mutations_isolation, mutations_tokens
from tests.support.database import new_database, temporary_folder
from tests.support.mutation import mutated_project
from tests.support.resources import SCHEMA
from tests.support.serving import Api
from tests.support.tokens import SECRET

TARGETS = {target.name: target for target in targets_of(SCHEMA)}

GUARDS = {str(mutation): mutation for mutation in (*mutations_isolation.MUTATIONS, *mutations_tokens.MUTATIONS)}
NO_POLICY = "row-level security is enabled"


@dataclass(frozen=True, slots=True)
class Removal:
    """Guards that are taken away together (of two layers that each hold alone, both), and the operation where it must be noticed."""

    guards: tuple[str, ...]
    operation: str

    def __str__(self) -> str:
        return f"{self.operation} without: {', '.join(self.guards)}"


REMOVALS = [
    Removal(("the user in the path is the caller",), "get_tag"),
    Removal(("a handler takes the verified user",), "delete_tag"),
    Removal(("the signature is verified",), "list_tags"),
    Removal(("an expired token is refused",), "list_tags"),
    Removal(("the predicate of a read", NO_POLICY), "get_tag"),
    Removal(("the predicate of a list", NO_POLICY), "list_tags"),
    Removal(("the predicate of an update", NO_POLICY), "update_tag"),
    Removal(("the predicate of a delete", NO_POLICY), "delete_tag"),
    Removal(("the predicate of an aggregate",), "aggregate_tags"),
    Removal(("a reference stays with its owner",), "create_comment"),
    Removal(("a unique value is unique for its owner",), "create_tag"),
    Removal(("a cursor belongs to its user",), "list_tags"),
    Removal(("unknown keys are refused",), "create_tag"),
    Removal(("a kept answer is its user's, whom the query and the policy ask for",), "create_tag"),
]


def ignore(_number: int, _target: Target) -> None:
    """No progress is shown."""


def test_every_route_is_attacked() -> None:
    settings = load_settings({"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "JWT_SECRET": SECRET}, env_file=None)
    described = create_app(settings).openapi()["paths"]
    routes = {
        (method.upper(), path, operation["operationId"])
        for path, operations in described.items()
        for method, operation in operations.items()
        if path.startswith("/api/")
    }
    assert {(target.method, target.path, target.name) for target in TARGETS.values()} == routes


def test_nothing_gets_through_where_every_guard_is_in_place(api: Api) -> None:
    targets = [TARGETS[name] for name in sorted({removal.operation for removal in REMOVALS})]
    with httpx.Client(base_url=api.url, timeout=30) as client:
        found = audit(World(client, SCHEMA, lambda user, ttl: mint_token({}, SECRET, user, ttl)), targets, ignore)
    assert not found.findings
    assert all(outcome.attacks >= 10 for outcome in found.outcomes)


@pytest.mark.parametrize("removal", REMOVALS, ids=str)
def test_the_audit_notices_a_guard_that_is_gone(postgres: EmbeddedPostgres, removal: Removal) -> None:
    with mutated_project() as root, temporary_folder() as folder, new_database(postgres, tables=False) as database:
        for guard in removal.guards:
            GUARDS[guard].apply(root)
        with (
            application(root, folder, database.owner_dsn, database.app_dsn) as served,
            httpx.Client(base_url=served.url, timeout=30) as client,
        ):
            world = World(client, SCHEMA, lambda user, ttl: mint_token({}, served.secret, user, ttl))
            found = audit(world, [TARGETS[removal.operation]], ignore)
    assert any(outcome.broken for outcome in found.outcomes), found
