"""`rowsmith schema`: the JSON Schema of a spec, for editors."""

from __future__ import annotations

import json

import typer

from generator.cli import console
from generator.schema_json import spec_schema


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("schema")(schema)


def schema() -> None:
    """Print the JSON Schema of a spec, for completion and hover texts in editors.

    Keep it where the first line of a spec points: rowsmith schema > .rowsmith/resource.schema.json
    """
    console.data(json.dumps(spec_schema(), indent=2) + "\n")
