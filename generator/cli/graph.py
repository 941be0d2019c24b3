"""`rowsmith graph`: the entity-relationship diagram."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from generator.cli import console
from generator.cli.errors import ExitCode
from generator.graph.diagram import diagram_of
from generator.graph.mermaid import as_mermaid
from generator.graph.svg import as_svg
from generator.pipeline import load_schema


class GraphFormat(StrEnum):
    """How a diagram is printed."""

    MERMAID = "mermaid"
    SVG = "svg"


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(graph)


def graph(
    output: Annotated[
        GraphFormat,
        typer.Option(
            "--format",
            case_sensitive=False,
            metavar="FORMAT",
            help="How it is printed: mermaid, the text that GitHub and many editors draw; or svg, a picture.",
        ),
    ] = GraphFormat.MERMAID,
) -> None:
    """Draw the entity-relationship diagram of the specs.

    Shows the resources with their fields and keys, and the references between them: how many rows each side can have, and what becomes of
    a row when the one that it refers to is deleted. Needs no database.
    """
    schema, diagnostics = load_schema(Path.cwd())
    if schema is None:
        console.fail(ExitCode.USAGE, diagnostics, console.OutputFormat.TEXT, Path.cwd())
    diagram = diagram_of(schema)
    console.data(as_svg(diagram) if output is GraphFormat.SVG else as_mermaid(diagram))
