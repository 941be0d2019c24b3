"""Edits of specs, drawn: what a team does to them over the years, one after the other, and the consent that `db revision` asks for."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

import yaml
from hypothesis import strategies as st

from generator.naming import plural_of, snake_case
from generator.pipeline import compile_specs
from tests.support.strategies import ENUM_VALUES, FIELDS, RESOURCES, Tree, fields, keep_together, references, resources

type Trees = dict[str, Tree]
"""The specs of a project by the name of the resource."""


def as_files(trees: Trees) -> dict[str, str]:
    """The specs by module, as YAML."""
    return {snake_case(name): yaml.safe_dump(tree, allow_unicode=True, sort_keys=False) for name, tree in trees.items()}


def is_valid(trees: Trees) -> bool:
    """Whether the compiler takes them."""
    schema, _ = compile_specs({f"resources/{module}.yaml": text.encode() for module, text in as_files(trees).items()})
    return schema is not None


@st.composite
def starts(draw: st.DrawFn) -> Trees:
    """A project to begin with."""
    names = draw(st.lists(st.sampled_from(RESOURCES), min_size=1, max_size=3, unique_by=(lambda name: name, plural_of)))
    trees = {name: draw(resources(name, names[:number])) for number, name in enumerate(names)}
    return trees if is_valid(trees) else {"Task": {"resource": "Task", "fields": {"title": "string"}}}


@st.composite
def edits(draw: st.DrawFn, trees: Trees) -> tuple[str, Trees]:
    """What was done, in words, and the specs after it. What is no valid project after a few attempts is left as it was."""
    for _ in range(4):
        name, edit = draw(st.sampled_from(_EDITS))
        for _ in range(4):
            edited = copy.deepcopy(trees)
            _forget_renames(edited)
            if edit(draw, edited) and edited != trees and is_valid(edited):
                return name, edited
    return "nothing", trees


def _forget_renames(trees: Trees) -> None:
    """What has been renamed once is called so: its old name may be used again."""
    for tree in trees.values():
        tree.pop("renamed_from", None)
        for field in tree["fields"].values():
            if isinstance(field, dict):
                field.pop("renamed_from", None)
                for value in field.get("values", ()):
                    if isinstance(value, dict):
                        value.pop("renamed_from", None)


def _resource(draw: st.DrawFn, trees: Trees) -> Tree:
    return trees[draw(st.sampled_from(sorted(trees)))]


def _long(tree: Tree, name: str) -> Tree:
    """A field in its long form, in the place of its short one."""
    field = tree["fields"][name]
    if isinstance(field, str):
        kind, nullable = field.removesuffix("?"), field.endswith("?")
        target = re.fullmatch(r"ref\((\w+)\)", kind)
        field = {"type": "ref", "to": target[1]} if target else {"type": kind}
        field |= {"nullable": True} if nullable else {}
        tree["fields"][name] = field
    return field


def _field(draw: st.DrawFn, tree: Tree, suits: Callable[[Tree], bool] = lambda _: True) -> tuple[str, Tree] | None:
    """One of a resource's fields that suits."""
    found = [name for name in tree["fields"] if suits(_long(tree, name))]
    if not found:
        return None
    name = draw(st.sampled_from(found))
    return name, tree["fields"][name]


def _field_or_new(draw: st.DrawFn, tree: Tree, suits: Callable[[Tree], bool], new: Tree) -> tuple[str, Tree]:
    """One of a resource's fields that suits; where there is none, a new one."""
    found = _field(draw, tree, suits)
    if found is None:
        found = next(name for name in FIELDS if name not in tree["fields"]), copy.deepcopy(new)
        tree["fields"][found[0]] = found[1]
    return found


def _forget(tree: Tree, name: str) -> None:
    """Take a field out of what mentions it."""
    for key in ("unique", "indexes"):
        tree[key] = [entry for entry in tree.get(key, []) if name not in (entry["fields"] if isinstance(entry, dict) else entry)]
    word = re.compile(rf"\b{re.escape(name)}\b")
    tree["checks"] = [check for check in tree.get("checks", []) if not word.search(check["rule"])]
    for key in ("unique", "indexes", "checks"):
        if not tree[key]:
            del tree[key]
    if name in tree.get("upsert", ()):
        del tree["upsert"]
    for other, field in list(tree["fields"].items()):
        if isinstance(field, dict) and word.search(str(field.get("computed", ""))):
            _drop(tree, other)


def _drop(tree: Tree, name: str) -> None:
    del tree["fields"][name]
    _forget(tree, name)


# --- the edits ----------------------------------------------------------------------------------------------------------------------


def _add_resource(draw: st.DrawFn, trees: Trees) -> bool:
    name = draw(st.sampled_from([one for one in RESOURCES if one not in trees]))
    if len(trees) >= 4:
        return False
    trees[name] = draw(resources(name, sorted(trees)))
    return True


def _drop_resource(draw: st.DrawFn, trees: Trees) -> bool:
    name = draw(st.sampled_from(sorted(trees)))
    del trees[name]
    for tree in trees.values():
        for field in list(tree["fields"]):
            if field in tree["fields"] and _long(tree, field).get("to") == name:
                _drop(tree, field)
    return bool(trees)


def _rename_resource(draw: st.DrawFn, trees: Trees) -> bool:
    old = draw(st.sampled_from(sorted(trees)))
    new = draw(st.sampled_from([one for one in RESOURCES if one not in trees]))
    trees[new] = {**trees.pop(old), "resource": new, "renamed_from": old}
    for tree in trees.values():
        for field in tree["fields"]:
            if _long(tree, field).get("to") == old:
                tree["fields"][field]["to"] = new
    return True


def _change_plural(draw: st.DrawFn, trees: Trees) -> bool:
    tree = _resource(draw, trees)
    tree["plural"] = draw(st.sampled_from(("chores", "order", "things_2", "rows_of_it")))
    return True


def _add_field(draw: st.DrawFn, trees: Trees) -> bool:
    tree = _resource(draw, trees)
    name = draw(st.sampled_from([one for one in FIELDS if one not in tree["fields"]]))
    added = draw(fields(name)).spec
    if "default" not in added:
        added["nullable"] = True
    tree["fields"] = {name: added, **tree["fields"]} if draw(st.booleans()) else {**tree["fields"], name: added}
    return True


def _add_reference(draw: st.DrawFn, trees: Trees) -> bool:
    tree = _resource(draw, trees)
    name = draw(st.sampled_from([one for one in FIELDS if one not in tree["fields"] and one != "user"]))
    others = [one for one in trees if one != tree["resource"]]
    added = draw(references(name, others, tree["resource"], f"{snake_case(tree['resource'])}_by_{name}")).spec
    tree["fields"][name] = {**added, "nullable": True}
    return True


def _drop_field(draw: st.DrawFn, trees: Trees) -> bool:
    tree = _resource(draw, trees)
    found = _field(draw, tree)
    if found is None or len(tree["fields"]) < 2:
        return False
    _drop(tree, found[0])
    return bool(tree["fields"])


def _rename_field(draw: st.DrawFn, trees: Trees) -> bool:
    tree = _resource(draw, trees)
    found = _field(draw, tree, lambda field: "computed" not in field)
    if found is None:
        return False
    old, field = found
    new = draw(st.sampled_from([one for one in FIELDS if one not in tree["fields"] and one != "user"]))
    tree["fields"] = {new if name == old else name: one for name, one in tree["fields"].items()}
    field["renamed_from"] = old
    for key in ("unique", "indexes"):
        for entry in tree.get(key, []):
            names = entry["fields"] if isinstance(entry, dict) else entry
            names[:] = [new if name == old else name for name in names]
    if "upsert" in tree:
        tree["upsert"] = [new if name == old else name for name in tree["upsert"]]
    word = re.compile(rf'"?\b{re.escape(old)}\b"?')
    for check in tree.get("checks", []):
        check["rule"] = word.sub(f'"{new}"', check["rule"])
    for other in tree["fields"].values():
        if isinstance(other, dict) and "computed" in other:
            other["computed"] = word.sub(f'"{new}"', other["computed"])
    return True


def _redraw_field(draw: st.DrawFn, trees: Trees) -> bool:
    """Another type, other bounds, another default, or all of them."""
    tree = _resource(draw, trees)
    found = _field(draw, tree, lambda field: "computed" not in field and field["type"] != "ref")
    if found is None:
        return False
    drawn = draw(fields(found[0])).spec
    if drawn["type"] != found[1]["type"]:
        _forget(tree, found[0])
    tree["fields"][found[0]] = drawn
    return True


WIDER = {
    "integer": ("bigint", "string", "text"),
    "bigint": ("text",),
    "string": ("text",),
    "email": ("text",),
    "url": ("text",),
    "uuid": ("text",),
}


def _widen(draw: st.DrawFn, trees: Trees) -> bool:
    tree = _resource(draw, trees)
    found = _field(draw, tree, lambda field: field["type"] in WIDER and "computed" not in field)
    if found is None:
        return False
    name, field = found
    kept = {key: value for key, value in field.items() if key in {"nullable", "filter", "sort", "description", "read"}}
    tree["fields"][name] = {**kept, "type": draw(st.sampled_from(WIDER[field["type"]]))}
    _forget(tree, name)
    return True


def _edit_enum(draw: st.DrawFn, trees: Trees) -> bool:
    tree = _resource(draw, trees)
    _, field = _field_or_new(
        draw, tree, lambda field: "values" in field, {"type": "enum", "values": ["low", "high", "2x"], "default": "low"}
    )
    values = [value["value"] if isinstance(value, dict) else value for value in field["values"]]
    named = [{"value": value, "name": f"value_{number}"} for number, value in enumerate(values)]
    others = [one for one in ENUM_VALUES if one not in values]
    match draw(st.sampled_from(("add", "remove", "rename", "reorder"))):
        case "add":
            named.insert(draw(st.integers(0, len(named))), {"value": draw(st.sampled_from(others)), "name": "value_added"})
        case "remove":
            if len(named) < 2:
                return False
            named.pop(draw(st.integers(0, len(named) - 1)))
        case "rename":
            one = draw(st.sampled_from(named))
            one["renamed_from"] = one["value"]
            one["value"] = draw(st.sampled_from(others))
        case _:
            named.reverse()
    now = [value["value"] for value in named]
    for key in ("default", "example"):
        if key in field and field["type"] == "enum" and field[key] not in now:
            field[key] = now[0]
        elif key in field and field["type"] == "list":
            del field[key]
    if field["type"] == "list" and not field.get("nullable") and any("renamed_from" in value for value in named):
        return False
    field["values"] = named
    return True


def _toggle(draw: st.DrawFn, trees: Trees) -> bool:
    """One key of a field, on or off."""
    tree = _resource(draw, trees)
    found = _field(draw, tree)
    if found is None:
        return False
    _, field = found
    key = draw(
        st.sampled_from(("nullable", "unique", "index", "filter", "sort", "description", "default", "on_delete", "max_length", "ge"))
    )
    values: dict[str, Any] = {"description": "Another one.", "on_delete": "cascade", "max_length": 200, "ge": 0}
    if field.pop(key, None) is None:
        if key == "default":
            return False
        field[key] = values.get(key, True)
    return True


def _constrain(draw: st.DrawFn, trees: Trees) -> bool:
    """A constraint or an index over two fields, or one less."""
    tree = _resource(draw, trees)
    key = draw(st.sampled_from(("unique", "indexes", "nulls", "checks")))
    if key == "nulls":
        for number, entry in enumerate(tree.get("unique", [])):
            tree["unique"][number] = entry["fields"] if isinstance(entry, dict) else {"fields": entry, "nulls": "equal"}
        return bool(tree.get("unique"))
    if tree.pop(key, None) is not None:
        if key == "unique":
            tree.pop("upsert", None)
        return True
    if key == "checks":
        numbers = [name for name in tree["fields"] if _long(tree, name)["type"] in {"integer", "bigint", "float"}]
        if not numbers:
            return False
        name = draw(st.sampled_from(numbers))
        rule = f'"{name}" is null or "{name}" > -9000000000000000000 or "{name}" < {draw(st.integers(0, 9))}'
        tree["checks"] = [{"name": "sound", "rule": rule, "message": "It's not sound."}]
        return True
    names = draw(st.lists(st.sampled_from(sorted(tree["fields"])), min_size=2, max_size=3, unique=True)) if len(tree["fields"]) > 1 else []
    tree[key] = [names]
    return bool(names)


def _compute(draw: st.DrawFn, trees: Trees) -> bool:
    """A computed field more, another expression, stored from now on or no more, or one less."""
    tree = _resource(draw, trees)
    made = [name for name in tree["fields"] if "computed" in _long(tree, name)]
    if made:
        field = tree["fields"][made[0]]
        how = draw(st.sampled_from(("drop", "store", "another")))
        if how == "drop":
            _drop(tree, made[0])
        elif how == "store":
            if field.pop("stored", False):
                for key in ("filter", "sort", "index", "unique"):
                    field.pop(key, None)
                _forget(tree, made[0])
            else:
                field["stored"] = True
        else:
            field["computed"] = field["computed"].replace("upper(", "lower(").replace("= 1", "= 2")
        return True
    name, field = _field_or_new(draw, tree, lambda field: field["type"] in {"text", "enum", "integer"}, {"type": "integer", "default": 1})
    expression = f'"{name}" = 1' if field["type"] == "integer" else f'upper("{name}")'
    spec: Tree = {"type": "boolean" if field["type"] == "integer" else "text", "computed": expression}
    stored = {"stored": True} if draw(st.integers(1, 3)) > 1 else {}
    tree["fields"]["zz_made"] = {**spec, **stored, "nullable": bool(field.get("nullable"))}
    return True


def _search(draw: st.DrawFn, trees: Trees) -> bool:
    """One searched field more or less, or another language."""
    tree = _resource(draw, trees)
    _, field = _field_or_new(
        draw, tree, lambda field: field["type"] in {"string", "text"} and "computed" not in field, {"type": "text", "nullable": True}
    )
    if any("search" in _long(tree, name) for name in tree["fields"]) and draw(st.booleans()):
        tree["search_language"] = draw(st.sampled_from(("simple", "english", "turkish", "arabic")))
        return True
    if field.pop("search", None) is None:
        field["search"] = True
    return True


def _soft_delete(draw: st.DrawFn, trees: Trees) -> bool:
    """Deleted rows are kept, or no more; what is deleted with them as well."""
    kept = [tree for tree in trees.values() if tree.get("soft_delete")]
    if kept and draw(st.booleans()):
        for tree in kept if draw(st.booleans()) else [draw(st.sampled_from(kept))]:
            del tree["soft_delete"]
    else:
        _resource(draw, trees)["soft_delete"] = True
    keep_together(list(trees.values()))
    return True


def _upsert(draw: st.DrawFn, trees: Trees) -> bool:
    """A natural key, which is unique, or none any more."""
    tree = _resource(draw, trees)
    if tree.pop("upsert", None) is not None:
        return True
    if not tree.get("unique"):
        one, _ = _field_or_new(draw, tree, lambda field: field["type"] in {"string", "integer"}, {"type": "integer", "nullable": True})
        other, _ = _field_or_new(draw, tree, lambda field: field["type"] in {"uuid", "date", "ref"}, {"type": "date", "nullable": True})
        tree["unique"] = [[one, other]]
    entry = tree["unique"][0]
    tree["upsert"] = list(entry["fields"] if isinstance(entry, dict) else entry)
    tree.pop("operations", None)
    return True


_EDITS: tuple[tuple[str, Callable[[st.DrawFn, Trees], bool]], ...] = (
    ("add a resource", _add_resource),
    ("drop a resource", _drop_resource),
    ("rename a resource", _rename_resource),
    ("change a plural", _change_plural),
    ("add a field", _add_field),
    ("add a field", _add_field),
    ("add a reference", _add_reference),
    ("drop a field", _drop_field),
    ("rename a field", _rename_field),
    ("rename a field", _rename_field),
    ("redraw a field", _redraw_field),
    ("redraw a field", _redraw_field),
    ("widen a field", _widen),
    ("edit an enum", _edit_enum),
    ("edit an enum", _edit_enum),
    ("toggle a key", _toggle),
    ("toggle a key", _toggle),
    ("constrain", _constrain),
    ("compute", _compute),
    ("compute", _compute),
    ("search", _search),
    ("search", _search),
    ("soft delete", _soft_delete),
    ("upsert", _upsert),
)
