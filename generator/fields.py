"""One field: from its spec to the IR's record, with all the rules that concern the field alone."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from generator import naming
from generator.diagnostics import Diagnostic, Related, error, has_errors
from generator.ir import (
    Bounds,
    Deprecation,
    EnumType,
    EnumValue,
    Field,
    FieldType,
    Generated,
    JsonType,
    JsonValue,
    Kind,
    ListType,
    Literally,
    Reference,
    ScalarType,
    Span,
)
from generator.nodes import Mapping, Node, Scalar, Sequence
from generator.patterns import pattern_diagnostics
from generator.records import record
from generator.spec import DeprecatedSpec, EnumValueSpec, FieldSpec, NamedField, read_spec
from generator.types import (
    COMPUTED_KEYS,
    COMPUTED_TYPES,
    DEFAULT_MAX_ITEMS,
    ITEM_NAMES,
    MAX_ITEMS,
    MAX_LENGTH,
    MAX_PRECISION,
    SCALARS,
    STORED_KEYS,
    TYPE_NAMES,
    keys_of,
    types_with,
)
from generator.values import MistakeError, Value, is_empty_range, literal, value_of

LIMITS = ("ge", "gt", "le", "lt")


@record
class FieldReading:
    """What came of one field: its record (None where its type is unknown or its name illegal) and what is wrong with it."""

    field: Field | None
    diagnostics: tuple[Diagnostic, ...]


def read_field(resource: str, table: str, named: NamedField) -> FieldReading:
    """Check one field of `resource` and build its record. `table` is the resource's table, for the names of constraints."""
    if named.spec is None:
        return FieldReading(None, ())
    reader = _FieldReader(resource, table, named.name, named.span, named.spec)
    field = reader.read()
    return FieldReading(field, tuple(reader.diagnostics))


class _FieldReader:
    """Reads one field; every method reports into `diagnostics` and gives what can still be used."""

    def __init__(self, resource: str, table: str, name: str, span: Span, spec: FieldSpec) -> None:
        self.diagnostics: list[Diagnostic] = []
        self._resource = resource
        self._table = table
        self._name = name
        self._span = span
        self._spec = spec
        self._values_failed = False

    def read(self) -> Field | None:
        spec = self._spec
        if "computed" in spec.broken:
            return None
        if spec.type not in TYPE_NAMES:
            self._unknown_type("type", TYPE_NAMES)
            return None
        if spec.computed is None:
            self._illegal_keys()
        else:
            self._illegal_keys_of_computed()
            if spec.type not in COMPUTED_TYPES:
                listed = ", ".join(f"`{kind}`" for kind in COMPUTED_TYPES)
                message = f"field `{self._name}` is computed, and no expression gives a `{spec.type}`"
                self._report("RS418", message, spec.value_span("type"), "not computable", f"types of computed fields: {listed}")
                return None
        type_ = self._type()
        if type_ is None:
            return None
        nullable = spec.nullable
        column = naming.reference_column(self._name) if isinstance(type_, Reference) else self._name
        return Field(
            name=self._name,
            column=column,
            type=type_,
            nullable=nullable,
            default=self._default(type_),
            description=spec.description,
            example=self._example(type_),
            filter=spec.filter,
            sort=spec.sort,
            search=spec.search,
            readable=spec.read == "always",
            write=spec.write if spec.computed is None else "never",
            deprecated=read_deprecation(spec.deprecated, f"field `{self._name}`", self.diagnostics),
            renamed_from=spec.renamed_from,
            span=self._span,
        )

    # --- reporting --------------------------------------------------------------------------------------------------------------

    def _report(
        self, code: str, message: str, span: Span, label: str | None = None, hint: str | None = None, related: tuple[Related, ...] = ()
    ) -> None:
        self.diagnostics.append(error(code, message, span, label, hint=hint, related=related))

    def _mistake(self, key: str, mistake: MistakeError) -> None:
        code = "RS306" if mistake.wrong_type else "RS307"
        label = "wrong type" if mistake.wrong_type else "not allowed"
        self._report(code, f"`{key}` of field `{self._name}` {mistake.message}", mistake.node.span, label, mistake.hint)

    def _unknown_type(self, key: str, names: tuple[str, ...]) -> None:
        text = self._spec.type if key == "type" else str(self._spec.of)
        guess = naming.closest(text.rstrip("?").split("(")[0], (*names, *_ALIASES))
        guess = _ALIASES.get(guess, guess) if guess else None
        guess = guess if guess in names else None
        hint = f"did you mean `{guess}`?" if guess else None
        if text.endswith("?") and text[:-1] in names:
            hint = f"write `type: {text[:-1]}, nullable: true`; the `?` belongs to the short form `{self._name}: {text}`"
        elif "(" in text and guess:
            hint = f"only `ref` takes parentheses; write `{{type: {guess}, …}}` with keys"
        listed = ", ".join(f"`{name}`" for name in names)
        self._report(
            "RS301",
            f"field `{self._name}` has an unknown type `{text}`",
            self._spec.value_span(key),
            "unknown type",
            hint or f"types: {listed}",
        )

    # --- keys -------------------------------------------------------------------------------------------------------------------

    def _illegal_keys(self) -> None:
        spec = self._spec
        if spec.has("stored"):
            self._report("RS302", f"field `{self._name}` has `stored` without `computed`", spec.key_span("stored"), "not of this field")
        of = spec.of if spec.of in ITEM_NAMES else None
        legal = keys_of(spec.type, of if spec.type == "list" else None)
        for key, _ in spec.node.entries:
            name = key.text
            if name in legal or name in spec.broken or name == "stored":
                continue
            if spec.type == "list" and (of is None or name == "of"):
                continue  # what the items take is unknown
            types = types_with(name)
            hint = f"`{name}` belongs to {', '.join(types)}" if types else None
            if spec.type == "ref" and name == "default":
                hint = "a reference has no default: make it nullable, or let a hook set it"
            what = f"`list` of `{of}`" if of else f"`{spec.type}`"
            self._report("RS302", f"field `{self._name}` has the type {what}, which takes no `{name}`", key.span, "not of this type", hint)

    def _illegal_keys_of_computed(self) -> None:
        spec = self._spec
        legal = COMPUTED_KEYS | STORED_KEYS if spec.stored else COMPUTED_KEYS
        if spec.type != "decimal":
            legal -= {"precision", "scale"}
        for key, _ in spec.node.entries:
            name = key.text
            if name in legal or name in spec.broken:
                continue
            hint = "the expression gives its value, and no request"
            if name in STORED_KEYS:
                hint = "add `stored: true`: only what the table holds has an index"
            self._report("RS302", f"field `{self._name}` is computed and takes no `{name}`", key.span, "not of a computed field", hint)

    def _needs(self, example: str, *keys: str) -> bool:
        """Whether the keys that the type requires are there and in shape; reports those that are missing."""
        missing = [key for key in keys if not self._spec.has(key)]
        if missing:
            listed = " and ".join(f"`{key}`" for key in missing)
            label = f"`{self._spec.type}` needs {listed}"
            hint = f"write `{self._name}: {example}`"
            self._report("RS205", f"field `{self._name}` has no {listed}", self._spec.value_span("type"), label, hint)
        return not missing and not self._spec.broken & set(keys)

    # --- types ------------------------------------------------------------------------------------------------------------------

    def _type(self) -> FieldType | None:
        match self._spec.type:
            case "ref":
                return self._reference()
            case "json":
                return JsonType()
            case "enum":
                return self._enum()
            case "list":
                return self._list()
            case name:
                return self._scalar(Kind(name))

    def _reference(self) -> Reference | None:
        spec = self._spec
        if not self._needs("{type: ref, to: Project}", "to") or spec.to is None:
            return None
        if spec.on_delete == "set_null" and not spec.nullable and not spec.broken & {"nullable", "on_delete"}:
            self._report(
                "RS215",
                f"reference `{self._name}` has `on_delete: set_null` but is not nullable",
                spec.value_span("on_delete"),
                "there is no null to set",
                "add `nullable: true`, or choose `restrict` or `cascade`",
            )
        return Reference(
            target=spec.to,
            on_delete=spec.on_delete,
            inverse=spec.inverse,
            expand=spec.expand,
            constraint=naming.foreign_key_name(self._table, self._name),
        )

    def _enum(self) -> EnumType | None:
        if not self._needs("{type: enum, values: [low, high]}", "values"):
            return None
        values = self._enum_values()
        return EnumType(naming.enum_class(self._resource, self._name), values) if values else None

    def _list(self) -> ListType | None:
        spec = self._spec
        if not self._needs("{type: list, of: string}", "of"):
            return None
        if spec.of not in ITEM_NAMES:
            if spec.of in TYPE_NAMES:
                hint = "write `of: string`, which takes a `max_length`" if spec.of == "text" else None
                self._report("RS301", f"field `{self._name}` cannot be a list of `{spec.of}`", spec.value_span("of"), "no item type", hint)
            else:
                self._unknown_type("of", ITEM_NAMES)
            return None
        items = self._enum() if spec.of == "enum" else self._scalar(Kind(spec.of))
        if items is None:
            return None
        low = self._count("min_items", 0, MAX_ITEMS)
        high = self._count("max_items", 1, MAX_ITEMS)
        high = DEFAULT_MAX_ITEMS if high is None else high
        if low is not None and low > high:
            self._empty("min_items", "max_items", low, high, DEFAULT_MAX_ITEMS)
            low = None
        return ListType(items, low, high)

    def _scalar(self, kind: Kind) -> ScalarType | None:
        row = SCALARS[kind]
        type_ = ScalarType(kind)
        if kind is Kind.DECIMAL:
            precision, scale = self._digits()
            type_ = replace(type_, precision=precision, scale=scale)
        if row.textual:
            return replace(type_, bounds=self._lengths(kind))
        limits = {key: self._limit(kind, key) for key in LIMITS if key in row.constraints}
        bounds = Bounds(**limits, multiple_of=self._multiple_of(kind) if "multiple_of" in row.constraints else None)  # pyright: ignore[reportArgumentType]
        type_ = replace(type_, bounds=bounds)
        if is_empty_range(type_):
            keys = [key for key in (*LIMITS, "multiple_of") if self._spec.has(key)]
            listed = " and ".join(f"`{key}`" for key in keys)
            self._report("RS308", f"no value of field `{self._name}` satisfies {listed}", self._spec.value_span(keys[-1]), "contradiction")
            type_ = replace(type_, bounds=Bounds())
        return type_

    def _digits(self) -> tuple[int | None, int | None]:
        self._needs("{type: decimal, precision: 10, scale: 2}", "precision", "scale")
        precision = self._count("precision", 1, MAX_PRECISION)
        scale = self._count("scale", 0, MAX_PRECISION)
        if precision is not None and scale is not None and scale > precision:
            self._report(
                "RS308",
                f"`scale` of field `{self._name}` is {scale}, more than its `precision` of {precision}",
                self._spec.value_span("scale"),
                "more decimals than digits",
                "`precision` counts all digits, `scale` those after the point",
            )
            return None, None
        return precision, scale

    def _lengths(self, kind: Kind) -> Bounds:
        row = SCALARS[kind]
        low = self._count("min_length", 0, MAX_LENGTH)
        high = self._count("max_length", 1, MAX_LENGTH)
        high = row.max_length if high is None else high
        if low is not None and high is not None and low > high:
            self._empty("min_length", "max_length", low, high, row.max_length)
            low = None
        return Bounds(min_length=low, max_length=high, pattern=self._pattern() if "pattern" in row.constraints else None)

    def _pattern(self) -> str | None:
        node = self._spec.at("pattern")
        if self._spec.pattern is None or not isinstance(node, Scalar):
            return None
        found = pattern_diagnostics(self._spec.pattern, node.part)
        self.diagnostics += found
        return None if has_errors(found) else self._spec.pattern

    def _empty(self, low_key: str, high_key: str, low: int, high: int, usual: int | None) -> None:
        hint = f"`{high_key}` is {usual} unless it is set" if not self._spec.has(high_key) else None
        self._report(
            "RS308",
            f"`{low_key}` of field `{self._name}` is {low}, more than its `{high_key}` of {high}",
            self._spec.value_span(low_key),
            "no value satisfies both",
            hint,
        )

    def _count(self, key: str, low: int, high: int) -> int | None:
        """A whole number of a key, within its own range."""
        value: int | None = getattr(self._spec, key)
        if value is None or low <= value <= high:
            return value
        message = f"`{key}` of field `{self._name}` must be {low} to {high:,}, not {value}"
        self._report("RS309", message, self._spec.value_span(key), "out of range")
        return None

    def _limit(self, kind: Kind, key: str) -> Decimal | str | None:
        node: Node | None = getattr(self._spec, key)
        if node is None:
            return None
        try:
            value = literal(kind, node)
        except MistakeError as mistake:
            self._mistake(key, mistake)
            return None
        if isinstance(value, float) and isinstance(node, Scalar):
            return Decimal(node.text)
        return Decimal(value) if isinstance(value, int) else value  # pyright: ignore[reportReturnType]

    def _multiple_of(self, kind: Kind) -> Decimal | None:
        node = self._spec.multiple_of
        if node is None:
            return None
        value = self._limit(kind, "multiple_of")
        if isinstance(value, Decimal) and value <= 0:
            self._report("RS309", f"`multiple_of` of field `{self._name}` must be more than 0", node.span, "out of range")
            return None
        return value if isinstance(value, Decimal) else None

    # --- enums ------------------------------------------------------------------------------------------------------------------

    def _enum_values(self) -> tuple[EnumValue, ...]:
        node = self._spec.values
        subject = f"`values` of field `{self._name}`"
        if not isinstance(node, Sequence):
            self._report("RS303", f"{subject} must be a list", self._spec.value_span("values"), hint="write `values: [low, high]`")
            return ()
        if not node.items:
            self._report("RS310", f"{subject} is empty", node.span, "an enum needs a value")
            return ()
        values = [value for item in node.items for value in self._enum_value(item, subject)]
        self._values_failed = len(values) < len(node.items)
        return self._distinct_values(values)

    def _enum_value(self, node: Node, subject: str) -> list[tuple[EnumValue, Span]]:
        spec: EnumValueSpec | None = None
        scalar: Node | None = node
        if isinstance(node, Mapping):
            spec, diagnostics = read_spec(EnumValueSpec, node, f"a value of `{self._name}`")
            self.diagnostics += diagnostics
            scalar = node.get("value")
            if spec is None or scalar is None:
                return []
        if not isinstance(scalar, Scalar) or scalar.kind != "str":
            hint = f'put it in quotes: "{naming.shown(scalar.text)}"' if isinstance(scalar, Scalar) and scalar.text else None
            self._report("RS310", f"{subject} must be texts", node.span, "no text", hint)
            return []
        if not scalar.text or "\0" in scalar.text:
            what = "a value with U+0000" if scalar.text else "an empty value"
            self._report("RS310", f"{subject} has {what}", scalar.span, "no text")
            return []
        member = naming.member_name(scalar.text)
        if spec is not None and spec.name is not None:
            if not naming.MEMBER_PATTERN.fullmatch(spec.name):
                self._report(
                    "RS312", f"`{spec.name}` cannot name a member of an enum", spec.value_span("name"), hint="use letters, digits and `_`"
                )
            else:
                member = naming.shorten(spec.name.upper(), naming.MAX_NAME)
        return [(EnumValue(scalar.text, member, spec.description if spec else None, spec.renamed_from if spec else None), scalar.span)]

    def _distinct_values(self, values: list[tuple[EnumValue, Span]]) -> tuple[EnumValue, ...]:
        by_value: dict[str, Span] = {}
        by_member: dict[str, tuple[EnumValue, Span]] = {}
        kept: list[EnumValue] = []
        for value, span in values:
            if value.value in by_value:
                first = Related("the first one is here", by_value[value.value])
                self._report(
                    "RS311", f"enum `{self._name}` has the value `{naming.shown(value.value)}` twice", span, "repeated", related=(first,)
                )
                continue
            by_value[value.value] = span
            if value.member in by_member:
                other, place = by_member[value.member]
                both = f"`{naming.shown(other.value)}` and `{naming.shown(value.value)}`"
                self._report(
                    "RS312",
                    f"the values {both} of enum `{self._name}` are both named `{value.member}`",
                    span,
                    "collides",
                    f"name one of them: {{value: …, name: {value.member.lower()}_2}}",
                    (Related("the other one is here", place),),
                )
            by_member.setdefault(value.member, (value, span))
            kept.append(value)
        return tuple(kept)

    # --- values -----------------------------------------------------------------------------------------------------------------

    def _default(self, type_: FieldType) -> Literally | Generated | None:
        node = self._spec.default
        if node is None or isinstance(type_, Reference):
            return None
        if isinstance(node, Scalar) and node.kind == "null":
            if not self._spec.nullable and "nullable" not in self._spec.broken:
                message = f"`default` of field `{self._name}` is null, but the field is not nullable"
                self._report("RS306", message, node.span, "not nullable", "add `nullable: true`")
            return None
        if isinstance(type_, ScalarType) and isinstance(node, Scalar) and node.text in SCALARS[type_.kind].generated and not node.quoted:
            return Generated(node.text)  # pyright: ignore[reportArgumentType]
        value = self._value("default", type_, node)
        return None if value is None else Literally(value)

    def _example(self, type_: FieldType) -> JsonValue | Decimal:
        node = self._spec.example
        if node is None or (self._spec.nullable and isinstance(node, Scalar) and node.kind == "null"):
            return None
        return self._value("example", type_, node)

    def _value(self, key: str, type_: FieldType, node: Node) -> Value:
        try:
            return value_of(type_, node)
        except MistakeError as mistake:
            if not self._values_failed:  # it may be one of those
                self._mistake(key, mistake)
            return None


_ALIASES = {
    "str": "string",
    "varchar": "string",
    "char": "string",
    "int": "integer",
    "int32": "integer",
    "number": "integer",
    "smallint": "integer",
    "int64": "bigint",
    "long": "bigint",
    "double": "float",
    "real": "float",
    "numeric": "decimal",
    "money": "decimal",
    "bool": "boolean",
    "timestamp": "datetime",
    "timestamptz": "datetime",
    "guid": "uuid",
    "array": "list",
    "object": "json",
    "jsonb": "json",
    "dict": "json",
    "uri": "url",
    "reference": "ref",
    "foreign_key": "ref",
}
"""What other systems call the types."""


def read_deprecation(node: Node | None, subject: str, diagnostics: list[Diagnostic]) -> Deprecation | None:
    """`deprecated: true | reason | {since, sunset}`; what is wrong with it goes to `diagnostics`."""
    if node is None:
        return None
    if isinstance(node, Mapping):
        spec, found = read_spec(DeprecatedSpec, node, f"`deprecated` of {subject}")
        diagnostics += found
        if spec is None:
            return None
        dates: dict[str, Any] = {}
        for key in ("since", "sunset"):
            value = spec.at(key)
            if value is None or key in spec.broken:
                continue
            try:
                dates[key] = literal(Kind.DATE, value)
            except MistakeError as mistake:
                diagnostics.append(error("RS306", f"`{key}` of {subject} {mistake.message}", value.span, "wrong type", hint=mistake.hint))
        if "since" in dates and "sunset" in dates and dates["sunset"] < dates["since"]:
            message = f"the sunset of {subject} comes before it is deprecated"
            diagnostics.append(error("RS308", message, spec.value_span("sunset"), "before `since`"))
        return Deprecation(reason=spec.reason, since=dates.get("since"), sunset=dates.get("sunset"))
    if isinstance(node, Scalar) and node.kind == "bool":
        return Deprecation() if node.boolean() else None
    if isinstance(node, Scalar) and node.kind == "str" and node.text:
        return Deprecation(reason=node.text)
    message = f"`deprecated` of {subject} must be `true`, a reason, or {{since, sunset}}"
    diagnostics.append(error("RS303", message, node.span, hint="write `deprecated: true`"))
    return None
