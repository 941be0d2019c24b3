"""Names: what they may look like, which are taken, and which collide."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from generator import naming
from generator.diagnostics import Diagnostic, Related, error
from generator.ir import EnumType, ListType, Span
from generator.records import record
from generator.spec import NamedField, ResourceFile
from generator.validation.checked import CheckedResource, stem_of

RESERVED_TABLES = frozenset({"alembic_version"})


# --- resources ----------------------------------------------------------------------------------------------------------------------


def resource_name(file: ResourceFile) -> Iterator[Diagnostic]:
    """The rules of one resource's name."""
    if "resource" in file.head.broken:
        return
    name, span = file.head.resource, file.head.value_span("resource")
    if not naming.RESOURCE_PATTERN.fullmatch(name):
        guess = _pascal(name)
        hint = f"did you mean `{guess}`?" if guess else "a capital letter, then letters and digits, as in `LineItem`"
        yield error(
            "RS201", f"`{name}` is no name for a resource", span, _what_is_wrong(name, "letters and digits", small=False), hint=hint
        )
    elif naming.is_keyword(name):
        yield error("RS207", f"the resource `{name}` has the name of a Python keyword", span, "keyword", hint=f"such as `{name}Value`")
    elif len(name) > naming.MAX_NAME:
        yield error("RS201", f"the name of a resource has at most {naming.MAX_NAME} bytes", span, f"{len(name)} bytes")
    else:
        yield from _file_name(file, name, span)


def _file_name(file: ResourceFile, name: str, span: Span) -> Iterator[Diagnostic]:
    stem, module = stem_of(file.path), naming.snake_case(name)
    if stem != module:
        guess = _pascal(stem)
        other = f", or name the resource `{guess}`" if guess and naming.snake_case(guess) == stem else ""
        yield error(
            "RS208",
            f"the resource `{name}` belongs in a file `{module}.yaml`",
            span,
            f"this file is `{stem}.yaml`",
            hint=f"rename the file{other}",
        )


def plural(file: ResourceFile, table: str) -> Iterator[Diagnostic]:
    """The rules of the plural, which names the table, the routes and the URL."""
    written = file.head.plural
    span = file.head.value_span("plural") if written is not None else file.head.value_span("resource")
    if "plural" in file.head.broken:
        return
    if written is not None and (problem := _field_name_problem(written)):
        guess = naming.snake_case(re.sub(r"[^A-Za-z0-9]+", "_", written)).strip("_").lower()
        guess = re.sub("__+", "_", guess)
        hint = f"did you mean `{guess}`?" if naming.FIELD_PATTERN.fullmatch(guess) and guess != written else None
        yield error("RS211", f"`{written}` is no plural", span, problem, hint=hint)
    elif written is not None and written.endswith("_"):
        yield error("RS211", f"`{written}` is no plural", span, "ends with `_`", hint=f"write `{written.rstrip('_')}`")
    elif naming.is_keyword(table):
        yield error("RS211", f"the plural `{table}` is a Python keyword", span, "keyword", hint="set another `plural`")
    elif table.startswith("pg_") or table in RESERVED_TABLES:
        yield error("RS211", f"the table `{table}` would hide one of the database's own", span, "taken", hint="set another `plural`")
    elif len(table) > naming.MAX_TABLE:
        message = f"the plural `{table}` has {len(table)} bytes; PostgreSQL's names end at {naming.MAX_TABLE}"
        yield error("RS211", message, span, hint="set a shorter `plural`")


@record
class _Claim:
    """Who claims a name: the words for a message, and the place."""

    owner: str
    span: Span


def collisions(resources: Iterable[CheckedResource]) -> Iterator[Diagnostic]:
    """Tables and classes that two resources, or two fields of one, claim."""
    tables: dict[str, _Claim] = {}
    classes: dict[str, _Claim] = {}
    for resource in resources:
        head = resource.file.head
        place = head.value_span("plural") if head.plural is not None else head.value_span("resource")
        claim = _Claim(f"the resource `{resource.name}`", place)
        other = tables.setdefault(resource.table, claim)
        if other is not claim:
            yield _collision(f"the table `{resource.table}`", claim, other, "set another `plural`")
        named = _Claim(claim.owner, head.value_span("resource"))
        own = naming.resource_classes(resource.name)
        for name in own:
            other = classes.setdefault(name, named)
            if other is not named:
                yield _collision(f"the class `{name}`", named, other, "rename one of the two")
                break
        yield from _enum_collisions(resource, classes)


def _enum_collisions(resource: CheckedResource, classes: dict[str, _Claim]) -> Iterator[Diagnostic]:
    for field in resource.fields.values():
        type_ = field.type.of if isinstance(field.type, ListType) else field.type
        if isinstance(type_, EnumType):
            claim = _Claim(f"the enum `{field.name}` of `{resource.name}`", field.span)
            other = classes.setdefault(type_.class_name, claim)
            if other is not claim:
                yield _collision(f"the class `{type_.class_name}`", claim, other, "rename one of the two")


def _collision(what: str, claim: _Claim, other: _Claim, hint: str) -> Diagnostic:
    related = (Related(f"{other.owner} claims it here", other.span),)
    return error("RS209", f"{claim.owner} and {other.owner} both claim {what}", claim.span, "taken", hint=hint, related=related)


def repeated_resources(files: Iterable[ResourceFile]) -> Iterator[tuple[ResourceFile, ResourceFile]]:
    """Files whose resource another file describes as well, with that other file: the one of the right name, else the first by path."""
    by_name: dict[str, list[ResourceFile]] = {}
    for file in sorted(files, key=lambda file: file.path):
        if "resource" not in file.head.broken:
            by_name.setdefault(file.head.resource, []).append(file)
    for name, same in by_name.items():
        keeper = next((file for file in same if stem_of(file.path) == naming.snake_case(name)), same[0])
        yield from ((file, keeper) for file in same if file is not keeper)


def repeated_resource(file: ResourceFile, keeper: ResourceFile) -> Diagnostic:
    """The diagnostic of a file that describes the resource of another file."""
    guess = _pascal(stem_of(file.path))
    return error(
        "RS209",
        f"two files describe the resource `{file.head.resource}`",
        file.head.value_span("resource"),
        "taken",
        hint=f"did you mean `{guess}`?" if guess and guess != file.head.resource else "rename one of the two, or delete it",
        related=(Related("the other one is here", keeper.head.value_span("resource")),),
    )


# --- fields -------------------------------------------------------------------------------------------------------------------------


def field_names(file: ResourceFile) -> Iterator[Diagnostic]:
    """The rules of the names of one resource's fields."""
    if not file.fields:
        if not file.head.broken & {"fields"} and "fields" not in file.incomplete:
            yield error("RS220", f"the resource `{file.head.resource}` has no fields", file.head.key_span("fields"), "empty")
        return
    for named in file.fields:
        problem = name_problem(named.name, "field", named.span, soft_delete=file.head.soft_delete)
        if problem is not None:
            yield problem
        elif _is_reference(named) and named.name == "user":
            yield error(
                "RS206",
                "a reference cannot be named `user`",
                named.span,
                "its column would be `user_id`, the owner's",
                hint="name it after its role: `assignee`, `member`, `contact`",
            )
    yield from _column_collisions(file)


def legal_field(named: NamedField, soft_delete: bool) -> bool:
    """Whether a field's name is legal."""
    return name_problem(named.name, "field", named.span, soft_delete=soft_delete) is None and not (
        _is_reference(named) and named.name == "user"
    )


def _is_reference(named: NamedField) -> bool:
    return named.spec is not None and named.spec.type == "ref"


def _column_collisions(file: ResourceFile) -> Iterator[Diagnostic]:
    """A field `project_id` beside a reference `project`."""
    order = {named.name: position for position, named in enumerate(file.fields)}
    for named in file.fields:
        column = naming.reference_column(named.name)
        if _is_reference(named) and column in order:
            other = file.fields[order[column]]
            second, first = (other, named) if order[column] > order[named.name] else (named, other)
            yield error(
                "RS210",
                f"the reference `{named.name}` and the field `{column}` are the same column",
                second.span,
                "taken",
                hint=f"the reference makes the column `{column}` itself: drop the other one, or rename it",
                related=(Related("the other one is here", first.span),),
            )


def name_problem(name: str, what: str, span: Span, *, soft_delete: bool = False) -> Diagnostic | None:
    """What is wrong with the name of a field or of something that is named like one (`what`: "field", "inverse"), or None."""
    problem = _field_name_problem(name)
    if problem:
        guess = _snake(name)
        hint = f"did you mean `{guess}`?" if guess else "a small letter, then small letters, digits and `_`, as in `due_at`"
        hint = None if len(name) > naming.MAX_NAME else hint
        return error("RS202", f"`{name}` is no name for {_article(what)}", span, problem, hint=hint)
    if naming.is_keyword(name):
        return error("RS207", f"the {what} `{name}` has the name of a Python keyword", span, "keyword", hint=f"write `{name}_`")
    reason = _reserved(name, soft_delete=soft_delete)
    if reason:
        hint = "every resource has it without saying so" if name in naming.BUILT_IN_COLUMNS else f"write `{name}_`, or choose another word"
        return error("RS206", f"the name `{name}` is reserved", span, reason, hint=hint)
    return None


def _reserved(name: str, *, soft_delete: bool) -> str | None:
    if name in naming.BUILT_IN_COLUMNS or (soft_delete and name == naming.DELETED_AT):
        return "a built-in column"
    if name in naming.MODEL_ATTRIBUTES or name.startswith(naming.MODEL_PREFIXES):
        return "an attribute of SQLModel"
    if name in naming.QUERY_PARAMETERS:
        return "a parameter of lists"
    if name in naming.SYSTEM_COLUMNS:
        return "a system column of PostgreSQL"
    return None


def _field_name_problem(name: str) -> str | None:
    if not naming.FIELD_PATTERN.fullmatch(name):
        return _what_is_wrong(name, "small letters, digits and `_`")
    if "__" in name:
        return "has `__` inside"
    if len(name.encode()) > naming.MAX_NAME:
        return f"has {len(name.encode())} bytes, more than {naming.MAX_NAME}"
    return None


def _what_is_wrong(name: str, allowed: str, *, small: bool = True) -> str:
    foreign = next((character for character in name if not character.isascii()), None)
    if foreign is not None:
        return f"`{foreign}` is U+{ord(foreign):04X}, no ASCII letter"
    if name[:1] == "_" or name[:1].isdigit():
        return f"begins with `{name[0]}`, not with a letter"
    if not small and name[:1].islower():
        return "begins with a small letter"
    return f"only {allowed}" if name else "empty"


def _article(what: str) -> str:
    return f"an {what}" if what[0] in "aeiou" else f"a {what}"


def _snake(name: str) -> str | None:
    """The field name that was probably meant."""
    ascii_name = naming.ascii_lookalike(name) or name
    guess = re.sub(r"_+", "_", naming.snake_case(re.sub(r"[^A-Za-z0-9]+", "_", ascii_name))).strip("_")
    return guess if not _field_name_problem(guess) and not _reserved(guess, soft_delete=False) and guess != name else None


def _pascal(name: str) -> str | None:
    """The resource name that was probably meant."""
    ascii_name = naming.ascii_lookalike(name) or name
    guess = naming.pascal_case(re.sub(r"[^A-Za-z0-9]+", "_", ascii_name).strip("_"))
    return guess if naming.RESOURCE_PATTERN.fullmatch(guess) and len(guess) <= naming.MAX_NAME and guess != name else None
