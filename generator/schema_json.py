"""The JSON Schema (draft 2020-12) of a spec, for editors: completion, hover texts and marks while typing.

The keys are those of the models in spec.py and the types those of types.py. The schema accepts every valid spec; what it cannot say (a
reference to a resource that does not exist, a default that breaks a bound) is left to the compiler.
"""

from __future__ import annotations

import json
import re
from typing import Any

from pydantic import BaseModel

from generator.ir import HOOKS, Operation
from generator.spec import CheckSpec, DeprecatedSpec, EnumValueSpec, FieldSpec, PageSpec, ResourceSpec, UniqueSpec
from generator.types import (
    COMMON_KEYS,
    COMPUTED_KEYS,
    COMPUTED_TYPES,
    ITEM_NAMES,
    MAX_ITEMS,
    MAX_PRECISION,
    STORED_KEYS,
    TYPE_NAMES,
    keys_of,
    types_with,
)

type Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_NAME: Schema = {"type": "string", "minLength": 1}
_FLAG: Schema = {"type": "boolean"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_LIMIT: Schema = {"type": ["number", "string"]}
_FIELD_NAME: Schema = {"type": "string", "pattern": "^(?!.*__)[a-z][a-z0-9_]*$", "maxLength": 48}
_RESOURCE_NAME: Schema = {"type": "string", "pattern": "^[A-Z][A-Za-z0-9]*$", "maxLength": 48}
_FIELD_NAMES: Schema = {"type": "array", "items": _NAME, "minItems": 1}
_REQUIRED = {"enum": ("values",), "decimal": ("precision", "scale"), "list": ("of",), "ref": ("to",)}
"""What a type cannot do without."""

_FIELD: dict[str, tuple[Schema, str]] = {
    "type": ({"enum": list(TYPE_NAMES)}, "The type of the field."),
    "nullable": (_FLAG, "Whether the field may be null. A nullable field may be left out when a row is created."),
    "default": (
        {},
        "The value of rows that are created without one. `today`, `now` (dates, times) and `generate` (uuid) are made at that moment.",
    ),
    "description": (_TEXT, "What the field means; shown in the API's documentation."),
    "example": ({}, "An example value; shown in the API's documentation."),
    "deprecated": ({"$ref": "#/$defs/deprecated"}, "Marks the field as going away: true, a reason, or dates."),
    "renamed_from": (_NAME, "The field's former name, so that the migration renames the column instead of dropping it."),
    "min_length": (_COUNT, "The least number of characters."),
    "max_length": (_COUNT, "The greatest number of characters: 255 for string unless said, 320 for email, 2048 for url."),
    "pattern": (
        {"type": "string", "format": "regex"},
        "A regular expression that the text must match; anchor it with `^` and `$`. It runs in Pydantic and in PostgreSQL.",
    ),
    "ge": (_LIMIT, "The value is this or greater."),
    "gt": (_LIMIT, "The value is greater than this."),
    "le": (_LIMIT, "The value is this or less."),
    "lt": (_LIMIT, "The value is less than this."),
    "multiple_of": ({"type": "integer", "exclusiveMinimum": 0}, "The value is a multiple of this."),
    "precision": ({"type": "integer", "minimum": 1, "maximum": MAX_PRECISION}, "How many digits a decimal has in all."),
    "scale": ({"type": "integer", "minimum": 0, "maximum": MAX_PRECISION}, "How many of the digits stand after the point."),
    "values": (
        {
            "type": "array",
            "minItems": 1,
            "items": {"anyOf": [{"type": "string", "minLength": 1}, {"$ref": "#/$defs/enum_value"}]},
        },
        "The values of an enum, in the order in which they sort.",
    ),
    "of": ({"enum": list(ITEM_NAMES)}, "The type of a list's items, which also takes the constraints of that type."),
    "min_items": ({"type": "integer", "minimum": 0, "maximum": MAX_ITEMS}, "The least number of items."),
    "max_items": ({"type": "integer", "minimum": 1, "maximum": MAX_ITEMS}, "The greatest number of items; 100 unless said."),
    "to": (_RESOURCE_NAME, "The resource that a reference points to."),
    "on_delete": (
        {"enum": ["restrict", "cascade", "set_null"]},
        "When the row it points to is deleted: refuse (restrict), delete this row, too (cascade), or make the reference null (set_null).",
    ),
    "inverse": (_FIELD_NAME, "The name of the list of these rows below the one they point to: `/projects/{project_id}/<inverse>`."),
    "expand": (_FLAG, "Whether `expand=<field>` adds the referenced object to an answer."),
    "unique": (_FLAG, "Whether no two rows of one user have the same value."),
    "index": (_FLAG, "true: an index of its own for filters; false: no index for sorting, where `sort` would make one."),
    "filter": (_FLAG, "Whether lists can be filtered by the field."),
    "sort": (_FLAG, "Whether lists can be sorted by the field."),
    "search": (_FLAG, "Whether `q=` searches the field."),
    "read": ({"enum": ["always", "never"]}, "Whether answers have the field."),
    "write": ({"enum": ["always", "once", "never"]}, "When a client sets the field: always, once (when creating), or never."),
    "computed": (_TEXT, "An expression over other fields that gives the value."),
    "stored": (_FLAG, "Whether a computed field is a generated column of the table."),
}

_RESOURCE: dict[str, tuple[Schema, str]] = {
    "resource": (_RESOURCE_NAME, "The name of the resource in PascalCase. The file is its snake_case: LineItem is line_item.yaml."),
    "description": (_TEXT, "What a row is; shown in the API's documentation."),
    "plural": (_FIELD_NAME, "The name of the table and, with `-` for `_`, the segment of the URL. Made from the name unless said."),
    "fields": (
        {
            "type": "object",
            "minProperties": 1,
            "propertyNames": _FIELD_NAME,
            "additionalProperties": {"$ref": "#/$defs/field"},
        },
        "The fields, in order. `id`, `user_id`, `created_at`, `updated_at` and `version` are there without saying so.",
    ),
    "unique": (
        {"type": "array", "items": {"anyOf": [_FIELD_NAMES, {"$ref": "#/$defs/unique"}]}},
        "Lists of fields whose values together are unique among the rows of one user.",
    ),
    "indexes": ({"type": "array", "items": _FIELD_NAMES}, "Lists of fields that have an index together, for filters on several fields."),
    "checks": ({"type": "array", "items": {"$ref": "#/$defs/check"}}, "Rules across the fields of a row."),
    "operations": (
        {"type": "array", "items": {"enum": [operation.value for operation in Operation]}, "minItems": 1, "uniqueItems": True},
        "What the API offers: all but batch unless said.",
    ),
    "soft_delete": (_FLAG, "Whether deleted rows are kept and can be restored."),
    "concurrency": ({"enum": ["optional", "required"]}, "Whether changes must name the version they change (If-Match)."),
    "page": ({"$ref": "#/$defs/page"}, "How many rows a page of a list has."),
    "hooks": (
        {"type": "array", "items": {"enum": list(HOOKS)}, "uniqueItems": True},
        "The functions of app/extensions/<resource>.py that run before and after changes.",
    ),
    "link": (
        {"type": "array", "items": _NAME, "minItems": 2, "maxItems": 2},
        "The two references of a many-to-many link: the pair is unique and goes when either end is deleted.",
    ),
    "renamed_from": (_RESOURCE_NAME, "The resource's former name, so that the migration renames the table instead of dropping it."),
    "deprecated": ({"$ref": "#/$defs/deprecated"}, "Marks the resource as going away: true, a reason, or dates."),
    "filters": ({"type": "array", "items": {"type": "string", "pattern": "\\."}}, "Filters through references: `project.name`."),
    "upsert": (_FIELD_NAMES, "A natural key, one of `unique`, by which PUT creates or replaces a row."),
    "search_language": (_NAME, "The text-search configuration of PostgreSQL for `q=`; simple unless said."),
}

_OTHERS: dict[str, tuple[type[BaseModel], str, dict[str, tuple[Schema, str]]]] = {
    "unique": (
        UniqueSpec,
        "A unique constraint with options.",
        {
            "fields": (_FIELD_NAMES, "The fields whose values together are unique."),
            "nulls": ({"enum": ["distinct", "equal"]}, "Whether two nulls are different (distinct, the default) or the same (equal)."),
        },
    ),
    "check": (
        CheckSpec,
        "A rule across the fields of a row, checked by the API and by the database.",
        {
            "name": (_FIELD_NAME, "The name of the rule, unique in the resource."),
            "rule": (_TEXT, 'A boolean expression over the fields: "not completed or notes is not null".'),
            "message": (_TEXT, "What the API answers when the rule is broken."),
        },
    ),
    "enum_value": (
        EnumValueSpec,
        "A value of an enum with options.",
        {
            "value": ({"type": "string", "minLength": 1}, "The value itself, as it stands in requests and answers."),
            "name": (_NAME, "The name of its member in Python; made from the value unless said."),
            "description": (_TEXT, "What the value means."),
            "renamed_from": (_NAME, "The value's former text, so that the migration changes the rows that have it."),
        },
    ),
    "page": (
        PageSpec,
        "How many rows a page of a list has.",
        {
            "default": ({"type": "integer", "minimum": 1, "maximum": 1000}, "How many rows a page has when the request does not say; 20."),
            "max": ({"type": "integer", "minimum": 1, "maximum": 1000}, "The greatest `limit` of a request; 100 unless said."),
        },
    ),
}

_DEPRECATED: dict[str, tuple[Schema, str]] = {
    "reason": (_TEXT, "Why, and what to use instead."),
    "since": ({"type": "string", "format": "date"}, "The date since when it is deprecated."),
    "sunset": ({"type": "string", "format": "date"}, "The date on which it goes away."),
}


def spec_schema() -> Schema:
    """The JSON Schema of a spec."""
    definitions: Schema = {
        "field": {"anyOf": [_short_field(), {"$ref": "#/$defs/field_mapping"}], "description": "A type alone (`text?`), or a mapping."},
        "field_mapping": _object(FieldSpec, _FIELD, "A field of the resource.") | {"allOf": _rules()},
        "deprecated": {
            "anyOf": [{"type": "boolean"}, {"type": "string"}, _object(DeprecatedSpec, _DEPRECATED, "Dates of a deprecation.")],
        },
    }
    definitions |= {name: _object(model, keys, text) for name, (model, text, keys) in _OTHERS.items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Rowsmith resource",
        **_object(ResourceSpec, _RESOURCE, "One resource of a Rowsmith project."),
        "$defs": definitions,
    }


def schema_text() -> str:
    """The JSON Schema of a spec as the text of a file."""
    return json.dumps(spec_schema(), indent=2) + "\n"


def _object(model: type[BaseModel], keys: dict[str, tuple[Schema, str]], description: str) -> Schema:
    """The schema of a mapping with the keys of a model, in its order."""
    fields = model.model_fields
    return {
        "type": "object",
        "description": description,
        "properties": {name: {**keys[name][0], "description": keys[name][1]} for name in fields},
        "required": [name for name, field in fields.items() if field.is_required()],
        "additionalProperties": False,
    }


def _short_field() -> Schema:
    """A field that is a type alone; `?` makes it nullable."""
    words = [name for name in TYPE_NAMES if name not in _REQUIRED]
    pattern = rf"^({'|'.join(map(re.escape, words))}) *\??$|^ref *\( *[A-Za-z0-9_]+ *\) *\??$"
    return {"type": "string", "pattern": pattern, "examples": [*words, *(f"{word}?" for word in words)]}


def _rules() -> list[Schema]:
    """What goes with which type."""
    required = [{"if": _type_is(name), "then": {"required": list(keys)}} for name, keys in _REQUIRED.items()]
    computed: Schema = {
        "if": {"required": ["computed"]},
        "then": {"properties": {"type": {"enum": list(COMPUTED_TYPES)}}, "propertyNames": {"enum": sorted(COMPUTED_KEYS | STORED_KEYS)}},
    }
    stored: Schema = {"if": {"required": ["stored"]}, "then": {"required": ["computed"]}}
    limited = [key for key in FieldSpec.model_fields if key not in COMMON_KEYS | {"computed", "stored"}]
    return [*required, computed, stored, *({"if": {"required": [key]}, "then": _takes(key)} for key in limited)]


def _type_is(name: str) -> Schema:
    return {"properties": {"type": {"const": name}}, "required": ["type"]}


def _takes(key: str) -> Schema:
    """The types that take a key; a list takes those of its items, too."""
    types = [name for name in types_with(key) if name in TYPE_NAMES and name != "list"]
    options: list[Schema] = [{"properties": {"type": {"enum": types}}}] if types else []
    items = [of for of in ITEM_NAMES if key in keys_of("list", of)]
    if items:
        options.append({"properties": {"type": {"const": "list"}, "of": {"enum": items}}})
    return options[0] if len(options) == 1 else {"anyOf": options}
