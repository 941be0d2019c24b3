"""The shape of a resource file: which keys there are and what kind of value each takes.

The nodes of a file are validated with Pydantic models. Every mistake becomes a diagnostic at the node concerned, and only the key with
the mistake is left out, so that one run reports all mistakes: `broken` says which keys were, and rules about them stay quiet. What a
value means, and whether it fits the others, is decided by fields.py and validate.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, GetPydanticSchema, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError, core_schema

from generator.diagnostics import Diagnostic, error
from generator.ir import Span
from generator.naming import closest, pascal_case
from generator.nodes import Mapping, Node, Scalar, Sequence
from generator.records import record
from generator.types import TYPE_NAMES, keys_of

MAX_DIGITS = 18
"""Digits of a whole number of a key such as `max_length`; longer ones are out of every range."""


MAX_LISTED = 8
"""Words that a message lists in full."""

MAX_FIELDS = 1_000
"""Fields of a resource; what comes after is not read."""

MAX_ENTRIES = 100
"""Entries of `unique`, `indexes` and `checks`, and values of a list of words; what comes after is not read."""

MAX_NAME = 128
"""Characters of a text that names something."""

MAX_UNKNOWN = 20
"""Unknown keys of one mapping that are reported."""


# --- values -------------------------------------------------------------------------------------------------------------------------


def describe(node: Node) -> str:
    """What a node is, for "expected …, found …"."""
    if isinstance(node, Mapping):
        return "a mapping"
    if isinstance(node, Sequence):
        return "a list"
    return {"null": "nothing", "bool": "a boolean", "int": "a number", "float": "a number", "str": "text"}[node.kind]


def _expected(expected: str, node: Node, hint: str | None = None) -> NoReturn:
    raise PydanticCustomError("expected", "{expected}", {"expected": expected, "found": describe(node), "hint": hint})


def _text(node: Node) -> str:
    if isinstance(node, Scalar) and node.kind == "str":
        return node.text
    hint = f'put it in quotes: "{node.text}"' if isinstance(node, Scalar) and node.kind != "null" else None
    _expected("text", node, hint)


def _name(node: Node) -> str:
    text = _text(node)
    if len(text) > MAX_NAME:
        raise PydanticCustomError("too_long", "a name of more than {limit} characters", {"limit": MAX_NAME})
    return text


def _flag(node: Node) -> bool:
    value = node.boolean() if isinstance(node, Scalar) else None
    if value is not None:
        return value
    meant = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false", "true": "true", "false": "false"}
    guess = meant.get(node.text.lower()) if isinstance(node, Scalar) else None
    _expected("`true` or `false`", node, f"write `{guess}`" if guess else None)


def _whole(node: Node) -> int:
    if isinstance(node, Scalar) and node.kind == "int" and re.fullmatch(r"[+-]?(0|[1-9][0-9]*)", node.text):
        if len(node.text) > MAX_DIGITS:
            raise PydanticCustomError("out_of_range", "a number beyond every limit")
        return int(node.text)
    hint = None
    if isinstance(node, Scalar):
        digits = re.sub(r"[_, ]", "", node.text).lstrip("0")
        hint = f"write `{digits}`" if re.fullmatch(r"[1-9][0-9]{0,17}", digits) else None
    _expected("a whole number", node, hint)


def _names(node: Node) -> tuple[Node, ...]:
    if isinstance(node, Sequence):
        if len(node.items) > MAX_ENTRIES:
            raise PydanticCustomError("too_many", "a list of more than {limit} entries", {"limit": MAX_ENTRIES})
        return node.items
    _expected("a list", node, f"write `[{node.text}]`" if isinstance(node, Scalar) and node.kind == "str" else None)


type _Text = Annotated[str, BeforeValidator(_text)]
type _Name = Annotated[str, BeforeValidator(_name)]
type _Flag = Annotated[bool, BeforeValidator(_flag)]
type _Whole = Annotated[int, BeforeValidator(_whole)]
type _Names = Annotated[tuple[_Name, ...], BeforeValidator(_names)]
type _Node = Annotated[Node, GetPydanticSchema(lambda _source, _handler: core_schema.any_schema())]


# --- models -------------------------------------------------------------------------------------------------------------------------


class Spec(BaseModel):
    """A mapping of a spec, with the places of its keys and values."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    if TYPE_CHECKING:  # they are no keys of the spec, and as private attributes of Pydantic they would take a microsecond to read
        node: Mapping
        """The mapping itself."""
        broken: frozenset[str]
        """The keys that were left out because of a mistake that has been reported."""

    def located(self, node: Mapping, broken: frozenset[str]) -> Self:
        """The same spec, which now knows its place."""
        vars(self).update(node=node, broken=broken)
        return self

    def has(self, key: str) -> bool:
        """Whether the key was written, well or not."""
        return self.node.key(key) is not None

    def key_span(self, key: str) -> Span:
        """The place of a key; that of the whole mapping where it is missing."""
        name = self.node.key(key)
        return self.node.span if name is None else name.span

    def value_span(self, key: str) -> Span:
        """The place of a key's value; that of the whole mapping where it is missing."""
        value = self.at(key)
        return self.node.span if value is None else value.span

    def at(self, key: str) -> Node | None:
        """The node of a key's value."""
        return self.node.get(key)

    def item_span(self, key: str, index: int) -> Span:
        """The place of one item of a key's list."""
        value = self.at(key)
        return value.items[index].span if isinstance(value, Sequence) else self.value_span(key)


class FieldSpec(Spec):
    """One field, with every key a field of any type may have."""

    type: _Name
    nullable: _Flag = False
    default: _Node | None = None
    description: _Text | None = None
    example: _Node | None = None
    deprecated: _Node | None = None
    renamed_from: _Name | None = None
    min_length: _Whole | None = None
    max_length: _Whole | None = None
    pattern: _Text | None = None
    ge: _Node | None = None
    gt: _Node | None = None
    le: _Node | None = None
    lt: _Node | None = None
    multiple_of: _Node | None = None
    precision: _Whole | None = None
    scale: _Whole | None = None
    values: _Node | None = None
    of: _Name | None = None
    min_items: _Whole | None = None
    max_items: _Whole | None = None
    to: _Name | None = None
    on_delete: Annotated[Literal["restrict", "cascade", "set_null"], BeforeValidator(_name)] = "restrict"
    inverse: _Name | None = None
    expand: _Flag = False
    unique: _Flag = False
    index: _Flag | None = None
    filter: _Flag = False
    sort: _Flag = False
    search: _Flag = False
    read: Annotated[Literal["always", "never"], BeforeValidator(_name)] = "always"
    write: Annotated[Literal["always", "once", "never"], BeforeValidator(_name)] = "always"
    computed: _Text | None = None
    stored: _Flag = False


class EnumValueSpec(Spec):
    """A value of an enum in its long form."""

    value: _Text
    name: _Name | None = None
    description: _Text | None = None
    renamed_from: _Name | None = None


class DeprecatedSpec(Spec):
    """`deprecated` in its long form."""

    reason: _Text | None = None
    since: _Text | None = None
    sunset: _Text | None = None


class UniqueSpec(Spec):
    """An entry of `unique`."""

    fields: _Names
    nulls: Annotated[Literal["distinct", "equal"], BeforeValidator(_name)] = "distinct"


class CheckSpec(Spec):
    """An entry of `checks`."""

    name: _Name
    rule: _Text
    message: _Text


class PageSpec(Spec):
    """The `page` of a resource."""

    default: _Whole | None = None
    max: _Whole | None = None


class ResourceSpec(Spec):
    """The top level of a file. The nodes of fields, constraints and so on are read one by one, by `read_resource`."""

    resource: _Name
    description: _Text | None = None
    plural: _Name | None = None
    fields: _Node
    unique: _Node | None = None
    indexes: _Node | None = None
    checks: _Node | None = None
    operations: _Names | None = None
    soft_delete: _Flag = False
    concurrency: Annotated[Literal["optional", "required"], BeforeValidator(_name)] = "optional"
    page: _Node | None = None
    hooks: _Names = ()
    link: _Names | None = None
    renamed_from: _Name | None = None
    deprecated: _Node | None = None
    filters: _Names | None = None
    upsert: _Names | None = None
    search_language: _Name = "simple"


@record
class NamedField:
    """A field with its name; `spec` is None where its shape is so wrong that nothing can be said about it."""

    name: str
    span: Span
    spec: FieldSpec | None


@record
class FieldList:
    """An entry of `unique` or `indexes`: the names of fields, with the place of each and of the whole."""

    names: tuple[tuple[str, Span], ...]
    nulls_equal: bool
    span: Span


@record
class ResourceFile:
    """A whole file in shape. What had mistakes is left out, and `incomplete` names the sections where that happened."""

    path: str
    head: ResourceSpec
    fields: tuple[NamedField, ...]
    unique: tuple[FieldList, ...]
    indexes: tuple[FieldList, ...]
    checks: tuple[CheckSpec, ...]
    page: PageSpec | None
    incomplete: frozenset[str]


# --- reading ------------------------------------------------------------------------------------------------------------------------


def read_resource(path: str, root: Node) -> tuple[ResourceFile | None, tuple[Diagnostic, ...]]:
    """The shape of the file at `path`, whose nodes are `root`, with all mistakes of its shape; None where it is not even a mapping."""
    reader = _Reader()
    head = reader.read(ResourceSpec, root, "the resource", lambda: _stand_ins(path, root))
    if head is None:
        return None, tuple(reader.diagnostics)
    file = ResourceFile(
        path=path,
        head=head,
        fields=tuple(_fields(head, reader)),
        unique=tuple(_field_lists(head, "unique", reader)),
        indexes=tuple(_field_lists(head, "indexes", reader)),
        checks=tuple(_checks(head, reader)),
        page=reader.read(PageSpec, head.page, "`page`") if head.page is not None else None,
        incomplete=frozenset(reader.incomplete),
    )
    return file, tuple(reader.diagnostics)


def _stand_ins(path: str, root: Node) -> dict[str, Node]:
    """What stands for a required key of a resource that is missing or wrong, so that the rest of the file can be checked all the same."""
    stem = PurePosixPath(path).stem
    return {"resource": Scalar.at(root.span, pascal_case(stem), "str", quoted=False), "fields": Mapping((), root.span)}


def read_spec[M: Spec](model: type[M], node: Node, subject: str) -> tuple[M | None, tuple[Diagnostic, ...]]:
    """One mapping of a spec, `subject` being its name in messages ("a value of `priority`"); None where nothing can be said about it."""
    reader = _Reader()
    return reader.read(model, node, subject), tuple(reader.diagnostics)


class _Reader:
    """Reads nodes into models and collects what is wrong with them."""

    def __init__(self) -> None:
        self.diagnostics: list[Diagnostic] = []
        self.incomplete: set[str] = set()

    def read[M: Spec](self, model: type[M], node: Node, subject: str, stand_ins: Callable[[], dict[str, Node]] = dict) -> M | None:
        if not isinstance(node, Mapping):
            message = f"{subject} must be a mapping, not {describe(node)}"
            self.diagnostics.append(error("RS303", message, node.span, "expected `key: value`"))
            return None
        values: dict[str, Any] = {key.text: value for key, value in node.entries}
        try:
            return model.model_validate(values).located(node, frozenset())
        except ValidationError as invalid:
            errors = invalid.errors(include_url=False, include_input=False)
        broken = frozenset(str(details["loc"][0]) for details in errors)
        surplus = [details for details in errors if details["type"] == "extra_forbidden"]
        unknown = [_unknown_key(details, model, node, subject) for details in surplus[:MAX_UNKNOWN]]
        self.diagnostics += [diagnostic for diagnostic, _ in unknown]
        guesses = {guess for _, guess in unknown}
        missing = [str(details["loc"][0]) for details in errors if details["type"] == "missing"]
        if missing := [key for key in model.model_fields if key in missing and key not in guesses]:
            listed = " and ".join(f"`{key}`" for key in missing)
            self.diagnostics.append(error("RS205", f"{subject} has no {listed}", node.span, f"{listed} missing"))
        others = [details for details in errors if details["type"] not in {"extra_forbidden", "missing"}]
        self.diagnostics += [_wrong_value(details, model, node) for details in others]
        try:
            kept = stand_ins() | {key: value for key, value in values.items() if key not in broken}
            return model.model_validate(kept).located(node, broken)
        except ValidationError:  # a required key is missing or wrong
            return None


def _wrong_value(details: ErrorDetails, model: type[Spec], node: Mapping) -> Diagnostic:
    """What Pydantic found wrong with the value of a known key, at the node where it did."""
    key = str(details["loc"][0])
    value = node.get(key) or node
    for step in details["loc"][1:]:
        if isinstance(step, int) and isinstance(value, Sequence):
            value = value.items[step]
    context = details.get("ctx", {})
    if details["type"] == "literal_error" and isinstance(value, Scalar):
        return unknown_word(f"`{key}`", value, literals(model, key))
    if details["type"] == "expected":
        message = f"`{key}` must be {context['expected']}, not {context['found']}"
        return error("RS303", message, value.span, f"this is {context['found']}", hint=context["hint"])
    return error("RS304", f"`{key}` is {details['msg']}", value.span, "too much")


def _unknown_key(details: ErrorDetails, model: type[Spec], node: Mapping, subject: str) -> tuple[Diagnostic, str | None]:
    """The diagnostic of a key that the model does not have, and the key that was probably meant."""
    text = str(details["loc"][0])
    name = node.key(text)
    known = tuple(model.model_fields)
    guess = _meant(text, node) if model is FieldSpec else None
    guess = guess or closest(text, known)
    hint = f"did you mean `{guess}`?" if guess else f"known keys: {', '.join(known)}"
    span = node.span if name is None else name.span
    return error("RS204", f"{subject} has an unknown key `{text}`", span, "unknown key", hint=hint), guess


def _meant(text: str, field: Mapping) -> str | None:
    type_ = field.get("type")
    legal = keys_of(type_.text) if isinstance(type_, Scalar) and type_.text in TYPE_NAMES else None
    return next((key for key in _MEANT.get(text, ()) if legal is None or key in legal), None)


_MEANT: dict[str, tuple[str, ...]] = {
    "null": ("nullable",),
    "required": ("nullable",),
    "optional": ("nullable",),
    "regex": ("pattern",),
    "minimum": ("ge", "min_length", "min_items"),
    "maximum": ("le", "max_length", "max_items"),
    "min": ("ge", "min_length", "min_items"),
    "max": ("le", "max_length", "max_items"),
    "length": ("max_length",),
    "size": ("max_length",),
    "digits": ("precision",),
    "decimal_places": ("scale",),
    "choices": ("values",),
    "options": ("values",),
    "enum": ("values",),
    "items": ("of",),
    "target": ("to",),
    "references": ("to",),
    "related_name": ("inverse",),
    "back_populates": ("inverse",),
    "readonly": ("write",),
    "read_only": ("write",),
    "immutable": ("write",),
    "write_only": ("read",),
    "hidden": ("read",),
    "comment": ("description",),
    "title": ("description",),
}
"""What other systems call the keys of a field; the first one that the type takes is meant."""


def unknown_word(subject: str, value: Scalar, words: tuple[str, ...]) -> Diagnostic:
    """The diagnostic of a value that is not one of the given words."""
    listed = ", ".join(f"`{word}`" for word in words)
    guess = next((word for word in words if word == _MEANT_WORDS.get(value.text)), None) or closest(value.text, words)
    if len(words) > MAX_LISTED:
        hint = f"did you mean `{guess}`?" if guess else f"one of {listed}"
        return error("RS305", f"{subject} cannot be `{value.text}`", value.span, "unknown word", hint=hint)
    hint = f"did you mean `{guess}`?" if guess else None
    return error("RS305", f"{subject} must be one of {listed}", value.span, f"`{value.text}` is none of them", hint=hint)


_MEANT_WORDS = {
    "nullify": "set_null",
    "null": "set_null",
    "delete": "cascade",
    "protect": "restrict",
    "no_action": "restrict",
    "read_only": "never",
    "readonly": "never",
}
"""What other systems call the words."""


def literals(model: type[Spec], key: str) -> tuple[str, ...]:
    """The words that a key takes."""
    annotation: Any = model.model_fields[key].annotation
    return tuple(str(word) for word in annotation.__args__)


# --- sections -----------------------------------------------------------------------------------------------------------------------


def _fields(head: ResourceSpec, reader: _Reader) -> list[NamedField]:
    if not isinstance(head.fields, Mapping):
        reader.diagnostics.append(
            error("RS303", f"`fields` must be a mapping, not {describe(head.fields)}", head.fields.span, "expected `name: type`")
        )
        reader.incomplete.add("fields")
        return []
    entries = head.fields.entries
    if len(entries) > MAX_FIELDS:
        message = f"the resource `{head.resource}` has {len(entries):,} fields; PostgreSQL's tables end before"
        reader.diagnostics.append(error("RS220", message, entries[MAX_FIELDS][0].span, f"more than {MAX_FIELDS:,}"))
        reader.incomplete.add("fields")
    fields: list[NamedField] = []
    for key, value in entries[:MAX_FIELDS]:
        written = expand_shorthand(value) if isinstance(value, Scalar) else value
        if isinstance(written, Scalar):
            hint = f"write `{key.text}: string` or `{key.text}: {{type: string}}`"
            found = "" if isinstance(value, Scalar) and value.kind == "null" else f", not {describe(value)}"
            reader.diagnostics.append(error("RS303", f"field `{key.text}` needs a type{found}", value.span, hint=hint))
            spec = None
        else:
            spec = reader.read(FieldSpec, written, f"field `{key.text}`")
        fields.append(NamedField(key.text, key.span, spec))
    return fields


_SHORTHAND = re.compile(r"(?P<type>[a-z]+)\s*(?:\(\s*(?P<to>[A-Za-z0-9_]*)\s*\))?\s*(?P<nullable>\?)?")


def expand_shorthand(value: Scalar) -> Node:
    """`text?` or `ref(Project)` as the mapping that it stands for; the scalar itself where it is no text."""
    if value.kind != "str":
        return value
    match = _SHORTHAND.fullmatch(value.text)
    if match is None or (match["to"] is not None and match["type"] != "ref"):
        return Mapping(((_part(value, 0, 0, "type"), value),), value.span)
    entries: list[tuple[Scalar, Node]] = [(_part(value, 0, 0, "type"), _part(value, *match.span("type")))]
    if match["to"] is not None:
        entries.append((_part(value, *match.span("to"), "to"), _part(value, *match.span("to"))))
    if match["nullable"]:
        entries.append((_part(value, *match.span("nullable"), "nullable"), _part(value, *match.span("nullable"), "true", "bool")))
    return Mapping(tuple(entries), value.span)


def _part(scalar: Scalar, start: int, end: int, text: str | None = None, kind: Literal["bool", "str"] = "str") -> Scalar:
    """A piece of a scalar as a scalar of its own, which may stand for another text."""
    return Scalar.at(scalar.part(start, end - start), scalar.text[start:end] if text is None else text, kind, quoted=False)


def _items(head: ResourceSpec, key: str, reader: _Reader) -> tuple[Node, ...]:
    """The items of a key that is a list of mappings or lists."""
    value = head.at(key)
    if value is None or key in head.broken:
        return ()
    if isinstance(value, Sequence):
        return _limited(head, key, value, reader).items
    hint = f"write `- [{value.text}]`" if isinstance(value, Scalar) and value.kind == "str" and key != "checks" else None
    reader.diagnostics.append(
        error("RS303", f"`{key}` must be a list, not {describe(value)}", value.span, f"this is {describe(value)}", hint=hint)
    )
    reader.incomplete.add(key)
    return ()


def _limited(head: ResourceSpec, key: str, value: Sequence, reader: _Reader) -> Sequence:
    if len(value.items) <= MAX_ENTRIES:
        return value
    message = f"`{key}` of `{head.resource}` has {len(value.items):,} entries, more than {MAX_ENTRIES}"
    reader.diagnostics.append(error("RS404", message, value.items[MAX_ENTRIES].span, "one too many"))
    reader.incomplete.add(key)
    return Sequence(value.items[:MAX_ENTRIES], value.span)


def _field_lists(head: ResourceSpec, key: Literal["unique", "indexes"], reader: _Reader) -> list[FieldList]:
    lists: list[FieldList] = []
    for item in _items(head, key, reader):
        entry = _field_list(item, key, reader)
        if entry is None:
            reader.incomplete.add(key)
        else:
            lists.append(entry)
    return lists


def _field_list(item: Node, key: str, reader: _Reader) -> FieldList | None:
    subject = f"an entry of `{key}`"
    if isinstance(item, Mapping) and key == "unique":
        spec = reader.read(UniqueSpec, item, subject)
        if spec is None:
            return None
        listed = tuple((name, spec.item_span("fields", index)) for index, name in enumerate(spec.fields))
        return FieldList(listed, spec.nulls == "equal", spec.key_span("fields"))
    if not isinstance(item, Sequence):
        hint = f"write `- [{item.text}]`" if isinstance(item, Scalar) and item.kind == "str" else None
        reader.diagnostics.append(
            error("RS303", f"{subject} must be a list of fields, not {describe(item)}", item.span, f"this is {describe(item)}", hint=hint)
        )
        return None
    names: list[tuple[str, Span]] = []
    for node in item.items:
        if not isinstance(node, Scalar) or node.kind != "str":
            reader.diagnostics.append(
                error("RS303", f"{subject} must be a list of fields, not of {describe(node)}", node.span, f"this is {describe(node)}")
            )
            return None
        if len(node.text) > MAX_NAME:
            reader.diagnostics.append(error("RS304", f"{subject} has a name of more than {MAX_NAME} characters", node.span, "too much"))
            return None
        names.append((node.text, node.span))
    return FieldList(tuple(names), nulls_equal=False, span=item.span)


def _checks(head: ResourceSpec, reader: _Reader) -> list[CheckSpec]:
    checks = [reader.read(CheckSpec, item, "an entry of `checks`") for item in _items(head, "checks", reader)]
    if None in checks:
        reader.incomplete.add("checks")
    return [check for check in checks if check is not None]
