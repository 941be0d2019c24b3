"""Specs that were drawn at random and served wrongly once."""

from __future__ import annotations

from generator.embedded import EmbeddedPostgres
from tests.support.database import temporary_folder
from tests.support.generated import lint, serving_project, write_core, write_generated, write_specs
from tests.support.tokens import new_user

SET_ONCE = """
resource: Mark
fields:
  text: {type: string, write: once}
hooks: [before_update]
"""


def test_a_replacement_of_nothing_counts_as_a_change_with_hooks_as_well(postgres: EmbeddedPostgres) -> None:
    with temporary_folder() as root:
        write_core(root)
        write_specs(root, {"mark": SET_ONCE})
        write_generated(root)
        with serving_project(postgres, root) as api:
            user = new_user()
            path = api.call(user, "POST", f"/api/{user}/marks", json={"text": "a"}).headers["Location"]
            assert api.call(user, "PATCH", path, json={}).json()["version"] == 1
            replaced = api.call(user, "PUT", path, json={})
            assert (replaced.status_code, replaced.json()["text"], replaced.json()["version"]) == (200, "a", 2)


def test_nothing_is_imported_for_a_field_that_no_body_and_no_answer_has() -> None:
    with temporary_folder() as root:
        write_core(root)
        write_specs(root, {"mark": "resource: Mark\nfields:\n  text: string\n  day: {type: date, read: never}\noperations: [list]\n"})
        write_generated(root)
        assert lint(root) == ""


BUILTINS = """
resource: Mark
fields:
  list: {type: string, default: AB12}
  int: {type: string, default: CD34}
  names: {type: list, of: string, default: []}
  notes: {type: json, default: {}}
"""


def test_fields_named_like_builtins_do_not_stand_for_them(postgres: EmbeddedPostgres) -> None:
    with temporary_folder() as root:
        write_core(root)
        write_specs(root, {"mark": BUILTINS})
        write_generated(root)
        with serving_project(postgres, root) as api:
            user = new_user()
            row = api.call(user, "POST", f"/api/{user}/marks", json={}).json()
            assert (row["names"], row["notes"]) == ([], {})
