"""What OpenAPI says of reads: the rows inside their rows, and what `fields` and `expand` may name.

All of it follows from the Read schemas and the expansions of the resources, so that no generated signature repeats it.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from app.api.expansion import MAX_EXPANSIONS, MAX_LEVELS, MAX_ROWS, Expansions, ToOne, expansions_by_shape

type Schema = dict[str, Any]

_REF = "#/components/schemas/"
_ROW_WITH = {1: "Related_", 2: "Expanded_"}
"""What a row with so many levels of others inside it is called; no class of a resource has an underscore."""


def describe_reads(document: dict[str, Any]) -> None:
    """Complete the operations that take `fields`; a second time changes nothing."""
    schemas: dict[str, Schema] = document["components"]["schemas"]
    known = expansions_by_shape()
    for methods in document["paths"].values():
        for operation in methods.values():
            parameters = {one["name"]: one["schema"] for one in operation.get("parameters", ()) if one["in"] == "query"}
            if "fields" in parameters:
                _describe(operation["responses"]["200"]["content"]["application/json"], parameters, schemas, known)


def _describe(answer: Schema, parameters: dict[str, Schema], schemas: dict[str, Schema], known: Mapping[str, Expansions]) -> None:
    name = _named(answer["schema"])
    read = name.removeprefix("Page_").removeprefix(_ROW_WITH[MAX_LEVELS]).removesuffix("_")
    expansions = known.get(read)
    parameters["fields"] |= _list({"$ref": f"{_REF}{_fields(read, schemas, expansions)}"})
    if expansions is None:
        return
    parameters["expand"] |= _list({"type": "string", "enum": expansions.names()}, maxItems=MAX_EXPANSIONS)
    row = _row(expansions.shape, MAX_LEVELS, schemas, known)
    if name.startswith("Page_"):
        schemas[name]["properties"]["items"]["items"] = row
    else:
        answer["schema"] = row


def _list(items: Schema, **more: Any) -> Schema:
    return {"type": "array", "items": items, "minItems": 1, "uniqueItems": True, **more}


def _named(schema: Schema) -> str:
    reference: str = schema["$ref"]
    return reference.removeprefix(_REF)


def _fields(read: str, schemas: dict[str, Schema], expansions: Expansions | None) -> str:
    """The name of the schema of what `fields` names: keys of the row, what it is expanded by, and keys of that behind a dot."""
    name = f"Fields_{read}_"
    own: Schema = {"type": "string", "enum": list(schemas[read]["properties"])}
    if expansions is None:
        schemas[name] = own
    else:
        related = "|".join(expansions.related)
        schemas[name] = {"anyOf": [own, {"type": "string", "pattern": rf"^({related})(\.[a-z][a-z0-9_]*){{0,{MAX_LEVELS}}}$"}]}
    return name


def _row(shape: type[BaseModel], levels: int, schemas: dict[str, Schema], known: Mapping[str, Expansions]) -> Schema:
    """A reference to the schema of a row that can hold others, so many levels deep."""
    read = shape.__name__
    if read not in schemas:
        schema = shape.model_json_schema(mode="serialization", ref_template=f"{_REF}{{model}}")
        schemas |= schema.pop("$defs", {})
        schemas[read] = schema
    if not levels or read not in known:
        return {"$ref": f"{_REF}{read}"}
    name = f"{_ROW_WITH[levels]}{read}_"
    if name not in schemas:
        properties: Schema = {}
        schemas[name] = {
            "description": "The row, with what `expand` adds to it.",
            "allOf": [{"$ref": f"{_REF}{read}"}, {"type": "object", "properties": properties}],
        }
        for key, relation in known[read].related.items():
            row = _row(relation.shape, levels - 1, schemas, known)
            one = {"anyOf": [row, {"type": "null"}]}
            properties[key] = one if isinstance(relation, ToOne) else {"type": "array", "items": row, "maxItems": MAX_ROWS}
    return {"$ref": f"{_REF}{name}"}
