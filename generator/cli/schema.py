"""`rowsmith schema`: the JSON Schema of a spec, for editors."""

from __future__ import annotations

import typer

from generator.cli import console
from generator.schema_json import schema_text


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("schema")(schema)


def schema() -> None:
    """Print the JSON Schema of a spec, for editors.

    It gives them completion and hover texts. `rowsmith generate` keeps it in .rowsmith/resource.schema.json, where the first line of a
    spec points.
    """
    console.data(schema_text())
