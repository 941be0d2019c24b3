"""The first text of a spec, from the arguments of `rowsmith new`: `title:string`, `due_at:datetime?` and the like."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from generator import naming
from generator.ir import Kind
from generator.nodes import scalar_kind
from generator.records import record
from generator.types import SCALARS

TYPES = (*(str(kind) for kind in Kind), "enum", "list", "json", "ref")
NAME_FIELD = "name:string"
"""The field of a resource for which none was named."""

_ARGUMENT = re.compile(r"([^:]*):([^(:?]*)(?:\((.*)\)|:([^?]*))?(\?)?", re.DOTALL)
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_ -]*[A-Za-z0-9]|[A-Za-z]")


class DraftError(Exception):
    """An argument that gives no spec. `hint` says how it should read."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@record
class DraftField:
    """One field: its name, its type, what stands in parentheses behind it, and whether it may be null."""

    name: str
    type: str
    arguments: tuple[str, ...]
    nullable: bool


def read_resource_name(name: str) -> str:
    """Check the name of a resource. DraftError: it is none."""
    if naming.RESOURCE_PATTERN.fullmatch(name):
        return name
    words = "".join(word[:1].upper() + word[1:] for word in re.findall(r"[A-Za-z0-9]+", name)).lstrip("0123456789")
    better = f"did you mean `{words}`?" if naming.RESOURCE_PATTERN.fullmatch(words) else "for example `Task` or `LineItem`"
    raise DraftError(f"`{name}` is no name of a resource: it needs letters and digits, and begins with a capital", better)


def read_fields(arguments: Sequence[str]) -> tuple[DraftField, ...]:
    """Read FIELD:TYPE arguments. DraftError: the first that cannot be read, or a name that comes twice."""
    fields: list[DraftField] = []
    for argument in arguments or (NAME_FIELD,):
        field = _read_field(argument)
        if field.name in {other.name for other in fields}:
            raise DraftError(f"field `{field.name}` is given twice", "give each field once")
        fields.append(field)
    return tuple(fields)


def _read_field(argument: str) -> DraftField:
    match = _ARGUMENT.fullmatch(argument)
    if match is None:
        raise DraftError(f"`{argument}` is not FIELD:TYPE", "for example `title:string`, `due_at:datetime?` or 'project:ref(Project)'")
    name, kind, parenthesised, after_colon, optional = match.groups()
    if not naming.FIELD_PATTERN.fullmatch(name):
        better = naming.snake_case(re.sub(r"[^A-Za-z0-9]+", "_", name)).strip("_")
        hint = (
            f"did you mean `{better}`?" if naming.FIELD_PATTERN.fullmatch(better) else "small letters, digits and `_`, for example `due_at`"
        )
        raise DraftError(f"`{name}` is no name of a field", hint)
    given = parenthesised if parenthesised is not None else after_colon
    arguments = tuple(part.strip() for part in given.split(",")) if given else ()
    if naming.RESOURCE_PATTERN.fullmatch(kind) and not arguments:
        kind, arguments = "ref", (kind,)
    _check_type(argument, name, kind, arguments)
    return DraftField(name, kind, arguments, optional is not None)


def _check_type(argument: str, name: str, kind: str, arguments: tuple[str, ...]) -> None:
    if kind not in TYPES:
        near = naming.closest(kind, TYPES)
        hint = f"did you mean `{name}:{near}`?" if near else f"the types are {', '.join(TYPES)}"
        raise DraftError(f"`{argument}`: there is no type `{kind}`", hint)
    form, fits = _forms(kind, arguments)
    if not fits:
        raise DraftError(f"`{argument}`: `{kind}` does not go with what follows it", f"write it as '{name}:{form}'")


def _forms(kind: str, arguments: tuple[str, ...]) -> tuple[str, bool]:
    """How a type is written with its arguments, and whether these are so."""
    numbers = all(re.fullmatch(r"[0-9]{1,8}", argument) for argument in arguments)
    match kind:
        case "ref":
            return "ref(Project)", len(arguments) == 1
        case "enum":
            return "enum(low,high)", bool(arguments) and "" not in arguments and len(set(arguments)) == len(arguments)
        case "list":
            return "list(string)", len(arguments) == 1
        case "decimal":
            return "decimal(10,2)", numbers and len(arguments) in {0, 2}
        case "string" | "text" | "email" | "url":
            return f"{kind}(80)", numbers and len(arguments) <= 1
        case _:
            return kind, not arguments


# --- the text -----------------------------------------------------------------------------------------------------------------------


def spec_text(resource: str, fields: Sequence[DraftField]) -> str:
    """A commented spec; what its comments show passes too once their `#` is removed."""
    text = next((field.name for field in fields if field.type in {"string", "text"}), None)
    ordered = next((field.name for field in fields if field.type in SCALARS and SCALARS[Kind(field.type)].ordered), None)
    lines = [
        "# yaml-language-server: $schema=../.rowsmith/resource.schema.json",
        "# After a change: `rowsmith generate`, then commit this file and app/ together.",
        f"resource: {resource}",
        f"description: Says in a sentence what {_article(resource)} is; the documentation of the API shows it.",
        "",
        "# Each row also has, without saying so: id, user_id, created_at, updated_at and version.",
        "fields:",
        *(f"  {field.name}: {_value(field)}" for field in fields),
        "",
        "# What else a spec can say; remove the `#` of what you need.",
        *([f"# unique: [[{ordered}]]  # within the rows of one user", f"# indexes: [[{ordered}]]"] if ordered else []),
        *([f'# checks: [{{name: {text}_given, rule: "length({text}) > 0", message: Say the {_words(text)}.}}]'] if text else []),
        "# operations: [list, get, create, replace, update, delete]",
        "# concurrency: required  # clients must send If-Match",
        "# page: {default: 20, max: 100}",
        "# hooks: [before_create, after_commit]  # functions of yours, in app/extensions/",
    ]
    return "\n".join(lines) + "\n"


def _value(field: DraftField) -> str:
    keys = _keys(field)
    if not keys:
        return f"{field.type}{'?' if field.nullable else ''}"
    if field.nullable:
        keys = [*keys, "nullable: true"]
    return f"{{type: {field.type}, {', '.join(keys)}}}"


def _keys(field: DraftField) -> list[str]:
    """The keys of a field beside its type, for those that cannot be written as a type alone."""
    match field.type:
        case "ref":
            return [f"to: {field.arguments[0]}", "filter: true"]
        case "enum":
            return [f"values: [{', '.join(_quoted(value) for value in field.arguments)}]"]
        case "list":
            return [f"of: {_quoted(field.arguments[0])}"]
        case "decimal":
            precision, scale = field.arguments or ("12", "2")
            return [f"precision: {precision}", f"scale: {scale}"]
        case _:
            return [f"max_length: {length}" for length in field.arguments]


def _quoted(text: str) -> str:
    plain = _PLAIN.fullmatch(text) and scalar_kind(text) == "str"
    return text if plain else json.dumps(text, ensure_ascii=False)


def _words(name: str) -> str:
    return name.replace("_", " ").strip()


def _article(resource: str) -> str:
    words = _words(naming.snake_case(resource))
    return f"{'an' if words[0] in 'aeio' else 'a'} {words}"
