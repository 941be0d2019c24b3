"""Warnings: what is legal and probably not meant."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator

from generator import naming
from generator.diagnostics import Diagnostic, warning
from generator.ir import Field, Literally, Reference, Resource, ScalarType, Schema, Span
from generator.types import SCALARS
from generator.validation.checked import CheckedResource

_SECRET_NAME = re.compile(r"(^|_)(password|passwd|passphrase|secret|token|api_?key|access_?key|private_?key|credentials?)(_|$)")
_SECRET_VALUE = re.compile(
    r"-----BEGIN |(sk|pk|rk)_(live|test)_\w|gh[pousr]_\w{20}|github_pat_|glpat-|xox[abprs]-|AKIA[0-9A-Z]{12}|AIza[\w-]{20}|eyJ[\w-]{10,}\."
)
_RANDOM_LOOKING = re.compile(r"[A-Za-z0-9+/_=-]{24,}")
MIN_ENTROPY = 4.0
"""Bits a character from which a long text without spaces looks random."""


def secret_defaults(resource: CheckedResource) -> Iterator[Diagnostic]:
    """Defaults that look like passwords or keys."""
    for field in resource.fields.values():
        default = field.default
        if not isinstance(field.type, ScalarType) or not SCALARS[field.type.kind].textual or not isinstance(default, Literally):
            continue
        value = default.value
        if isinstance(value, str) and value and _looks_secret(field, value):
            yield warning(
                "RS601",
                f"the default of field `{field.name}` looks like a secret",
                resource.specs[field.name].value_span("default"),
                "committed, generated and published in OpenAPI",
                hint="delete it; secrets belong into settings, and a hook can fill the field",
            )


def _looks_secret(field: Field, value: str) -> bool:
    if _SECRET_NAME.search(field.name) or _SECRET_VALUE.search(value):
        return True
    if not _RANDOM_LOOKING.fullmatch(value) or not re.search("[0-9]", value) or not re.search("[A-Za-z]", value):
        return False
    counts = Counter(value)
    return -sum(count / len(value) * math.log2(count / len(value)) for count in counts.values()) >= MIN_ENTROPY


def shortened_names(schema: Schema) -> Iterator[Diagnostic]:
    """Names of constraints and indexes that were too long, one warning a place of the spec."""
    for resource in schema.resources:
        places: dict[Span, list[str]] = {}
        for name, span in _derived(resource):
            if naming.is_shortened(name):
                places.setdefault(span, []).append(name)
        for span, names in places.items():
            others = f" and {len(names) - 1} more" if len(names) > 1 else ""
            yield warning(
                "RS602",
                f"the derived name `{names[0]}`{others} of `{resource.name}` had to be shortened",
                span,
                f"names of constraints and indexes have at most {naming.MAX_DERIVED} bytes",
                hint="a shorter field name, or a shorter `plural`, keeps them readable",
            )


def _derived(resource: Resource) -> Iterator[tuple[str, Span]]:
    yield resource.primary_key, resource.span
    for field in resource.fields:
        if isinstance(field.type, Reference):
            yield field.type.constraint, field.span
    for record in (*resource.unique, *resource.checks, *resource.indexes):
        yield record.name, record.span
