"""Names: how those of a spec become modules, tables, URLs, classes, enum members and constraints, and which of them are taken."""

from __future__ import annotations

import difflib
import hashlib
import keyword
import re
import unicodedata
from collections.abc import Iterable
from functools import cache, lru_cache

import inflection

MAX_NAME = 48
"""Bytes of the name of a resource or field."""

MAX_DERIVED = 50
"""Bytes of the name of a constraint or index."""

MAX_TABLE = 63
"""Bytes of a table's name: PostgreSQL's own limit."""

RESOURCE_PATTERN = re.compile(r"[A-Z][A-Za-z0-9]*")
FIELD_PATTERN = re.compile(r"[a-z][a-z0-9_]*")
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
MEMBER_PATTERN = re.compile(r"[A-Za-z][A-Za-z0-9_]*")

_MODEL_ATTRIBUTES = """
    construct copy dict from_orm json metadata model_computed_fields model_config model_construct model_copy model_dump model_dump_json
    model_extra model_fields model_fields_set model_json_schema model_parametrized_name model_post_init model_rebuild model_validate
    model_validate_json model_validate_strings parse_file parse_obj parse_raw registry schema schema_json sqlmodel_update
    update_forward_refs validate
"""
MODEL_ATTRIBUTES = frozenset(_MODEL_ATTRIBUTES.split())
"""The public attributes of SQLModel: a field of that name would hide one. A test compares them with the class itself."""

MODEL_PREFIXES = ("model_dump", "model_validate")
"""Prefixes that Pydantic protects."""

BUILT_IN_COLUMNS = ("id", "user_id", "created_at", "updated_at", "version")
DELETED_AT = "deleted_at"

QUERY_PARAMETERS = frozenset(
    {"limit", "q", "sort", "cursor", "fields", "expand", "offset", "count", "group_by", "sum", "avg", "min", "max"}
)
"""The parameters of lists and aggregates, which would hide a filter of that name."""

QUERY_CLASSES = ("Query", "ItemQuery", "Filters", "AggregateQuery", "Aggregate", "Batch", "BatchUpdate")
"""What the classes of the query strings of a resource, of its aggregates and its batches are called behind its name."""

SYSTEM_COLUMNS = frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"})
"""Columns that PostgreSQL gives every table."""

_KEYWORDS = frozenset(keyword.kwlist)


def is_keyword(name: str) -> bool:
    """Whether Python forbids the name as an identifier. Soft keywords (`type`, `match`, `case`) are fine."""
    return name in _KEYWORDS


def snake_case(name: str) -> str:
    """PascalCase as snake_case, acronyms as one word: LineItem → line_item, HTTPLog → http_log."""
    return _WORDS.sub("_", name).lower()


def pascal_case(name: str) -> str:
    """snake_case as PascalCase: due_at → DueAt."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


@cache
def plural_of(resource: str) -> str:
    """The default plural of a resource in snake_case; only the last word changes: LineItem → line_items, Series → series."""
    head, separator, last = snake_case(resource).rpartition("_")
    return f"{head}{separator}{inflection.pluralize(last)}"


def segment_of(plural: str) -> str:
    """The URL segment of a table: line_items → line-items."""
    return plural.replace("_", "-")


def module_of(name: str) -> str:
    """A name as that of a Python module: hard keywords get a trailing underscore (class → class_)."""
    return f"{name}_" if is_keyword(name) else name


def item_parameter(resource: str) -> str:
    """The path parameter of one row: task_id; `id` where that would be the owner's `user_id`."""
    name = f"{snake_case(resource)}_id"
    return "id" if name == "user_id" else name


def reference_column(field: str) -> str:
    """The column and JSON key of a reference: project → project_id."""
    return f"{field}_id"


def enum_class(resource: str, field: str) -> str:
    """The class of an enum field: Task and priority → TaskPriority; that of a field `query` is no TaskQuery, which lists have."""
    name = pascal_case(field)
    return f"{resource}{name}Enum" if name in QUERY_CLASSES else f"{resource}{name}"


def member_name(value: str) -> str:
    """The member of an enum for a value: in-progress → IN_PROGRESS, 2x → VALUE_2X, + → VALUE_002B.

    Accents are dropped where that leaves ASCII letters; other characters separate words. A value of which nothing is left is named
    after its code points. The result is always a legal, public identifier of at most 48 characters.
    """
    plain = unicodedata.normalize("NFKD", value)
    plain = "".join(character for character in plain if not unicodedata.combining(character))
    words = re.findall(r"[A-Za-z0-9]+", re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", plain))
    member = "_".join(words).upper()
    if not member:
        member = "VALUE_" + "_".join(f"{ord(character):04X}" for character in value[:4])
    elif member[0].isdigit():
        member = f"VALUE_{member}"
    return shorten(member, MAX_NAME)


def resource_classes(resource: str) -> tuple[str, ...]:
    """The classes that are generated for every resource."""
    return (resource, f"{resource}Create", f"{resource}Replace", f"{resource}Update", f"{resource}Read")


def shorten(name: str, limit: int = MAX_DERIVED) -> str:
    """The name itself, or, where it has more than `limit` bytes, its beginning and eight digits of its SHA-256."""
    encoded = name.encode()
    if len(encoded) <= limit:
        return name
    digest = hashlib.sha256(encoded).hexdigest()[:8]
    return f"{encoded[: limit - 9].decode(errors='ignore').rstrip('_')}_{digest}"


def is_shortened(name: str) -> bool:
    """Whether a derived name ends with a hash."""
    return len(name) > MAX_DERIVED - 9 and re.search(r"_[0-9a-f]{8}$", name) is not None


def primary_key_name(table: str) -> str:
    """`pk_<table>`, shortened."""
    return shorten(f"pk_{table}")


def foreign_key_name(table: str, field: str) -> str:
    """`fk_<table>_<field>`, shortened."""
    return shorten(f"fk_{table}_{field}")


def unique_name(table: str, fields: Iterable[str]) -> str:
    """`uq_<table>_<fields>`, shortened."""
    return shorten(f"uq_{table}_{'_'.join(fields)}")


def index_name(table: str, columns: Iterable[str]) -> str:
    """`ix_<table>_<columns>`, shortened."""
    return shorten(f"ix_{table}_{'_'.join(columns)}")


def check_name(table: str, column: str, what: str) -> str:
    """`ck_<table>_<column>_<what>`, shortened."""
    return shorten(f"ck_{table}_{column}_{what}")


def rule_name(table: str, rule: str) -> str:
    """`ck_<table>_<rule>`, shortened: the CHECK of a rule of `checks`."""
    return shorten(f"ck_{table}_{rule}")


def distinguished(name: str, other: str) -> str:
    """A name that differs from `name`, for what is described by the text `other`: its beginning and eight digits of a SHA-256."""
    return shorten(f"{name}_{hashlib.sha256(other.encode()).hexdigest()[:8]}")


def closest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate that was probably meant by a misspelt name, or None. The same input gives the same answer, whatever the order.

    Nothing is guessed for names of more than 128 characters or among more than 300 candidates.
    """
    known = tuple(sorted(set(candidates)))
    return _closest(name, known) if len(name) <= MAX_GUESSED and len(known) <= MAX_CANDIDATES else None


MAX_GUESSED = 128
MAX_CANDIDATES = 300


@lru_cache(maxsize=4096)
def _closest(name: str, known: tuple[str, ...]) -> str | None:
    folded = {_folded(candidate): candidate for candidate in reversed(known)}
    wanted = _folded(name)
    if wanted in folded:
        return folded[wanted]
    matches = difflib.get_close_matches(wanted, folded, n=1, cutoff=0.6)
    return folded[matches[0]] if matches else None


def _folded(name: str) -> str:
    return name.casefold().replace("_", "").replace("-", "").replace(" ", "")


def shown(text: str) -> str:
    """A text as messages show it: cut after 60 characters."""
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


MAX_SHOWN = 60


def ascii_lookalike(name: str) -> str | None:
    """The ASCII name that a name with compatibility characters or homoglyphs looks like, or None when it is ASCII or looks like nothing."""
    if name.isascii():
        return None
    plain = unicodedata.normalize("NFKC", name).translate(_HOMOGLYPHS)
    plain = "".join(character for character in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(character))
    return plain if plain.isascii() and plain else None


_HOMOGLYPHS = str.maketrans(
    # Cyrillic, then Greek letters that most fonts draw like Latin ones.
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u04bb\u0501\u051b\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421"
    "\u0422\u0423\u0425\u0406\u0408\u0405\u03bf\u03b1\u03bd\u03b9\u03ba\u03c1\u03c5\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d"
    "\u039f\u03a1\u03a4\u03a5\u03a7",
    "aeopcyxijshdqABEKMHOPCTYXIJSoavikpuABEZHIKMNOPTYX",
)
