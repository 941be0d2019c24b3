"""Valid specs, drawn from the whole language: every type with its keys, under awkward names, and how resources hang together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from hypothesis import strategies as st

from generator.naming import plural_of, snake_case

type Tree = dict[str, Any]

RESOURCES = """
    Task Project LineItem HTTPLog Series User Order Group Class Index Date Datetime Status Address Any Field Body
    Page Select Query Session Response Request UUID Decimal Table Listing Enum Tag2 X
""".split()  # noqa: SIM905  # words read better than a list
FIELDS = """
    title notes order type match case select index date time datetime decimal uuid default limit_ str int list
    json_ text name value values row session_ desc end table user class_ from_ select_ a x1 is_done due_at check
    field column version_ created annotated a_rather_long_name_of_a_field_with_many_words_42
""".split()  # noqa: SIM905  # words read better than a list
DESCRIPTIONS = (
    "Something.",
    'It\'s "quoted" \\ and {{ braces }} {% raw %} %s {0}',
    "Ends with a backslash \\",
    'Ends with a quote "',
    '"""',
    "Ünïcode \U0001f642 and a very long sentence " + "that goes on and on, word after word, " * 4 + "until it ends.",
    "Two\nlines: with # a sign",
    "- looks: like yaml",
)
ENUM_VALUES = (
    "low",
    "high",
    "in-progress",
    "2x",
    "A+",
    "né",
    "with space",
    "it's",
    'say "x"',
    "back\\slash",
    "None",
    "class",
    "%s",
    "a:b",
    "name",
    "mro",
)
PATTERNS = (("^[a-z0-9-]+$", "abc-1"), ("^[A-Z]{2}[0-9]+$", "AB12"), ("^#[0-9a-f]{6}$", "#a1b2c3"))


@dataclass(frozen=True)
class Drawn:
    """A field: its name, its spec, and what may be done with it."""

    name: str
    spec: Tree

    @property
    def ordered(self) -> bool:
        return self.spec["type"] not in {"list", "json"}

    @property
    def constant(self) -> bool:
        """Whether it has a default that is the same for all rows."""
        return "default" in self.spec and self.spec["default"] not in ("today", "now", "generate")


def _maybe(draw: st.DrawFn, tree: Tree, key: str, values: st.SearchStrategy[Any], one_in: int = 3) -> None:
    if draw(st.integers(1, one_in)) == 1:
        tree[key] = draw(values)


def _text(draw: st.DrawFn, longest: int) -> tuple[Tree, str]:
    spec: Tree = {}
    value = draw(st.sampled_from(("", "plain", 'it\'s "x" \\ {{ y }}', "é\U0001f642", "100%_", "null", "0x1F", "no")))
    if draw(st.booleans()):
        spec["min_length"] = draw(st.integers(0, len(value)))
    if draw(st.booleans()):
        spec["max_length"] = draw(st.integers(max(len(value), spec.get("min_length", 0), 1), longest))
    return spec, value


def _number(draw: st.DrawFn, low: int, high: int) -> tuple[Tree, int]:
    value = draw(st.sampled_from((0, 1, -1, 7, low, high)) | st.integers(low, high))
    spec: Tree = {}
    if draw(st.booleans()):
        spec[draw(st.sampled_from(("ge", "gt")))] = draw(st.integers(max(low, value - 1000), value)) if value > low else low
    if "gt" in spec and spec["gt"] >= value:
        spec["ge"] = spec.pop("gt")
    if draw(st.booleans()):
        spec["le"] = draw(st.integers(value, min(high, value + 1000)))
    if draw(st.integers(1, 4)) == 1 and value % 5 == 0 and not spec:
        spec["multiple_of"] = 5
    return spec, value


def _scalar(draw: st.DrawFn, kind: str) -> tuple[Tree, Any]:  # noqa: C901  # a case a type
    """The constraints of a scalar, and a value that they allow."""
    match kind:
        case "string":
            if draw(st.integers(1, 4)) == 1:
                pattern, value = draw(st.sampled_from(PATTERNS))
                return {"pattern": pattern, "max_length": 80}, value
            return _text(draw, 255)
        case "text":
            return _text(draw, 1000)
        case "integer":
            return _number(draw, -(2**31), 2**31 - 1)
        case "bigint":
            return _number(draw, -(2**53), 2**53)  # OpenAPI's numbers are floats: larger bounds would be shown inexactly
        case "float":
            return draw(st.sampled_from(({}, {"ge": 0}, {"gt": -1.5, "lt": 1e6}))), draw(st.sampled_from((0.5, 0, 12, 1.25)))
        case "decimal":
            scale = draw(st.integers(0, 6))
            precision = draw(st.integers(scale + 1, 20))
            spec: Tree = {"precision": precision, "scale": scale}
            if draw(st.booleans()):
                spec["ge"] = 0
            return spec, draw(st.sampled_from((0, 1, 5)))
        case "boolean":
            return {}, draw(st.booleans())
        case "date":
            return draw(st.sampled_from(({}, {"ge": "2000-01-01"}, {"lt": "2100-01-01"}))), "2026-02-28"
        case "time":
            return draw(st.sampled_from(({}, {"ge": "08:00:00"}, {"lt": "20:00:00"}))), "12:30:00"
        case "datetime":
            return draw(st.sampled_from(({}, {"ge": "2000-01-01T00:00:00Z"}))), "2026-02-28T12:30:00Z"
        case "uuid":
            return {}, "0190f3c2-7b1e-7c3a-9b4e-2f6d5a1c8e70"
        case "email":
            return draw(st.sampled_from(({}, {"max_length": 100}))), "ada@example.org"
        case "url":
            return draw(st.sampled_from(({}, {"max_length": 500}))), "https://example.org/a?b=c#d"
        case _:
            values = draw(st.lists(st.sampled_from(ENUM_VALUES), min_size=1, max_size=5, unique=True))
            return {"values": [_enum_value(draw, value, number) for number, value in enumerate(values)]}, values[0]


def _enum_value(draw: st.DrawFn, value: str, number: int) -> str | Tree:
    """A value, with a member's name of its own where it could collide with another one's."""
    if value in {"low", "high"} and draw(st.booleans()):
        return value
    tree: Tree = {"value": value, "name": f"value_{number}"}
    _maybe(draw, tree, "description", st.sampled_from(DESCRIPTIONS), 4)
    return tree


SCALARS = ("string", "text", "integer", "bigint", "float", "decimal", "boolean", "date", "time", "datetime", "uuid", "email", "url", "enum")
GENERATED = {"date": "today", "time": "now", "datetime": "now", "uuid": "generate"}


@st.composite
def fields(draw: st.DrawFn, name: str) -> Drawn:
    """A field of any type but a reference."""
    kind = draw(st.sampled_from((*SCALARS, "list", "json")))
    spec: Tree = {"type": kind}
    constraints: Tree = {}
    if kind == "json":
        value: Any = draw(st.sampled_from(({"a": [1, None, "x"]}, [], {}, "text", 3, True)))
    elif kind == "list":
        of = draw(st.sampled_from([one for one in SCALARS if one != "text"]))
        constraints, item = _scalar(draw, of)
        spec |= {"of": of, **constraints}
        value = [item] * draw(st.integers(0, 2))
        _maybe(draw, spec, "min_items", st.integers(0, len(value)))
        _maybe(draw, spec, "max_items", st.integers(max(len(value), 1, spec.get("min_items", 0)), 20))
    else:
        constraints, value = _scalar(draw, kind)
        spec |= constraints
    if draw(st.booleans()):
        spec["nullable"] = True
    if draw(st.integers(1, 3)) == 1:
        spec["default"] = GENERATED[kind] if kind in GENERATED and not constraints and draw(st.booleans()) else value
    elif draw(st.integers(1, 3)) == 1 and value not in ("", [], {}):
        spec["example"] = value
    _maybe(draw, spec, "description", st.sampled_from(DESCRIPTIONS))
    _maybe(draw, spec, "deprecated", st.sampled_from((True, "Use another one.", {"since": "2026-01-01", "sunset": "2027-01-01"})), 8)
    _maybe(draw, spec, "read", st.sampled_from(("always", "never")), 6)
    if "default" in spec or spec.get("nullable"):
        _maybe(draw, spec, "write", st.sampled_from(("always", "once", "never")), 4)
    else:
        _maybe(draw, spec, "write", st.sampled_from(("always", "once")), 4)
    readable = spec.get("read", "always") == "always"
    if kind != "json" and readable:
        _maybe(draw, spec, "filter", st.just(value=True), 2)
    if kind in {"string", "text"}:
        _maybe(draw, spec, "search", st.just(value=True), 3)
    if kind not in {"json", "list"} and readable:
        _maybe(draw, spec, "sort", st.just(value=True), 2)
    if kind != "json":
        _maybe(draw, spec, "index", st.just(value=True), 6)
    return Drawn(name, spec)


@st.composite
def references(draw: st.DrawFn, name: str, targets: Sequence[str], own: str, inverse: str) -> Drawn:
    """A reference to an earlier resource, or to its own."""
    target = draw(st.sampled_from((*targets, own)))
    nullable = target == own or draw(st.booleans())
    spec: Tree = {"type": "ref", "to": target}
    if nullable:
        spec["nullable"] = True
    _maybe(draw, spec, "on_delete", st.sampled_from(("restrict", "cascade", "set_null") if nullable else ("restrict", "cascade")), 2)
    _maybe(draw, spec, "inverse", st.just(inverse), 2)
    _maybe(draw, spec, "expand", st.just(value=True), 2)
    _maybe(draw, spec, "filter", st.just(value=True), 2)
    if nullable:
        _maybe(draw, spec, "write", st.sampled_from(("always", "once", "never")), 4)
    return Drawn(name, spec)


OPERATIONS = ("list", "get", "create", "replace", "update", "delete")
HOOKS = ("before_create", "after_create", "before_update", "after_update", "before_delete", "after_delete", "after_commit")


@st.composite
def resources(draw: st.DrawFn, name: str, earlier: Sequence[str]) -> Tree:
    """A resource beside earlier ones, to which it may refer."""
    names = draw(st.lists(st.sampled_from(FIELDS), min_size=1, max_size=9, unique=True))
    inverse = f"{snake_case(name)}_rows"
    drawn: list[Drawn] = []
    for number, one in enumerate(names):
        refers = one != "user" and draw(st.integers(1, 4)) == 1
        drawn.append(draw(references(one, earlier, name, f"{inverse}_{number}") if refers else fields(one)))
    tree: Tree = {"resource": name, "fields": {one.name: _spelled(draw, one.spec) for one in drawn}}
    _maybe(draw, tree, "description", st.sampled_from(DESCRIPTIONS), 2)
    _maybe(draw, tree, "deprecated", st.sampled_from((True, "Gone soon.")), 8)
    _maybe(draw, tree, "search_language", st.sampled_from(("simple", "english", "arabic")), 4)
    _maybe(draw, tree, "concurrency", st.sampled_from(("optional", "required")))
    _maybe(draw, tree, "soft_delete", st.just(value=True), 4)
    _maybe(draw, tree, "page", st.sampled_from(({"default": 5}, {"max": 30}, {"default": 3, "max": 7})))
    _maybe(draw, tree, "hooks", st.lists(st.sampled_from(HOOKS), min_size=1, unique=True), 4)
    if draw(st.integers(1, 4)) == 1:
        tree["operations"] = draw(st.lists(st.sampled_from(OPERATIONS), min_size=1, unique=True))
    _constraints(draw, tree, drawn)
    _computed(draw, tree, drawn)
    return tree


def _spelled(draw: st.DrawFn, spec: Tree) -> Tree | str:
    """A field of a type alone in its short form, some of the time."""
    bare = {key: value for key, value in spec.items() if key not in {"type", "nullable"}}
    if bare or spec["type"] in {"enum", "list", "decimal", "ref"} or draw(st.booleans()):
        return spec
    return f"{spec['type']}{'?' if spec.get('nullable') else ''}"


def _constraints(draw: st.DrawFn, tree: Tree, drawn: Sequence[Drawn]) -> None:
    """Unique constraints, indexes and checks over the fields, none of which says what another one says."""
    ordered = [one for one in drawn if one.ordered and one.spec["type"] != "text"]
    pairs: set[tuple[str, ...]] = set()
    if len(ordered) >= 2:
        for key in ("unique", "indexes"):
            if draw(st.integers(1, 3)) == 1:
                pair = tuple(
                    one.name for one in draw(st.lists(st.sampled_from(ordered), min_size=2, max_size=2, unique_by=lambda one: one.name))
                )
                if tuple(sorted(pair)) not in pairs:
                    pairs.add(tuple(sorted(pair)))
                    equal = key == "unique" and draw(st.integers(1, 4)) == 1
                    tree[key] = [{"fields": list(pair), "nulls": "equal"}] if equal else [list(pair)]
    alone = [
        one
        for one in ordered
        if not one.constant and one.spec["type"] not in {"boolean", "enum", "ref"} and isinstance(tree["fields"][one.name], dict)
    ]
    if alone and draw(st.integers(1, 3)) == 1:
        tree["fields"][draw(st.sampled_from(alone)).name]["unique"] = True
    numbers = [
        one
        for one in drawn
        if one.spec["type"] in {"integer", "bigint", "float"} and one.spec.get("write") != "never" and one.spec.get("nullable")
    ]
    if numbers and draw(st.integers(1, 2)) == 1:
        name = draw(st.sampled_from(numbers)).name
        tree["checks"] = [
            {"name": "sane", "rule": f"{name} is null or {name} >= -9000000000000000000 or {name} < 5", "message": "It's not sane."}
        ]


def _computed(draw: st.DrawFn, tree: Tree, drawn: Sequence[Drawn]) -> None:
    """A field that is computed from one of the others, stored or not."""
    texts = [one for one in drawn if one.spec["type"] in {"text", "enum"}]
    tests = [one for one in drawn if one.spec.get("nullable")]
    options: list[Tree] = [
        {"type": "text", "computed": f'upper("{one.name}")', "nullable": bool(one.spec.get("nullable"))} for one in texts
    ]
    options += [{"type": "boolean", "computed": f'"{one.name}" is null'} for one in tests]
    if options and draw(st.integers(1, 2)) == 1:
        spec = draw(st.sampled_from(options))
        if draw(st.booleans()):
            spec["stored"] = True
            _maybe(draw, spec, "filter", st.just(value=True), 2)
            _maybe(draw, spec, "sort", st.just(value=True), 2)
        tree["fields"][draw(st.sampled_from(("computed", "property", "rules", "zz_made")))] = spec


def keep_together(trees: Sequence[Tree]) -> None:
    """Give `soft_delete` to what is deleted with rows that have it."""
    kept = {tree["resource"] for tree in trees if tree.get("soft_delete")}
    changed = True
    while changed:
        changed = False
        for tree in trees:
            specs = [spec for spec in tree["fields"].values() if isinstance(spec, dict)]
            targets = {spec["to"] for spec in specs if spec.get("on_delete") == "cascade"}
            targets |= {spec.removeprefix("ref(").removesuffix(")") for spec in tree["fields"].values() if "link" in tree}
            if tree["resource"] not in kept and targets & kept:
                tree["soft_delete"] = changed = True
                kept.add(tree["resource"])


@st.composite
def projects(draw: st.DrawFn, most: int = 5) -> dict[str, str]:
    """The specs of a project by module, as YAML."""
    names = draw(st.lists(st.sampled_from(RESOURCES), min_size=1, max_size=most, unique_by=(lambda name: name, plural_of)))
    trees = [draw(resources(name, names[:number])) for number, name in enumerate(names)]
    if len(names) >= 2 and draw(st.integers(1, 3)) == 1:
        trees.append(
            {"resource": "Joined", "fields": {"left": f"ref({names[0]})", "right_": f"ref({names[1]})"}, "link": ["left", "right_"]}
        )
    keep_together(trees)
    flow = draw(st.sampled_from((None, False)))
    write: Callable[[Tree], str] = lambda tree: yaml.safe_dump(tree, allow_unicode=True, sort_keys=False, default_flow_style=flow)  # noqa: E731
    return {snake_case(tree["resource"]): write(tree) for tree in trees}
