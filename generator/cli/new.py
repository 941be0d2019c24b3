"""`rowsmith new`: the spec of a new resource."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from generator import naming
from generator.cli import console
from generator.cli.console import FormatOption, OutputFormat
from generator.cli.errors import CommandError, ExitCode
from generator.diagnostics import Diagnostic, has_errors
from generator.draft import DraftError, read_fields, read_resource_name, spec_text
from generator.exclusion import RefusedError
from generator.files import FOLDER, source_reader
from generator.format import format_spec
from generator.pipeline import load_schema
from generator.write import UnwritableError, create


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(new)


def new(
    resource: Annotated[str, typer.Argument(metavar="RESOURCE", help="The name, such as Task or LineItem.", show_default=False)],
    fields: Annotated[list[str] | None, typer.Argument(metavar="FIELD:TYPE", help="The fields.", show_default=False)] = None,
    output: FormatOption = OutputFormat.TEXT,
) -> None:
    """Write the commented spec of a new resource into resources/.

    FIELD:TYPE is, for example, title:string, due_at:datetime?, price:decimal:10,2, priority:enum:low,high or project:ref:Project.
    A `?` makes the field nullable. Parentheses work too, quoted for the shell: 'project:ref(Project)?'.
    """
    root = Path.cwd()
    try:
        name = read_resource_name(resource)
        text = spec_text(name, read_fields(fields or ()))
    except DraftError as wrong:
        raise CommandError(ExitCode.USAGE, wrong.message, wrong.hint) from wrong
    path = f"{FOLDER}/{naming.snake_case(name)}.yaml"
    if (root / path).exists():
        raise CommandError(ExitCode.REFUSED, f"`{path}` exists already, and was not changed", "edit it, or choose another name")
    data = format_spec(path, text.encode()).data or text.encode()
    _check(root, path, data, output)
    try:
        create(root, {path: data})
    except RefusedError as refusal:
        raise CommandError(ExitCode.REFUSED, refusal.message, refusal.hint) from refusal
    except UnwritableError as problem:
        raise CommandError(ExitCode.ENVIRONMENT, problem.message, problem.hint) from problem
    console.say(f"+ {path}")
    console.say(
        f"Edit it, then run `rowsmith generate`; `rowsmith serve` serves /api/{{user_id}}/{naming.segment_of(naming.plural_of(name))}."
    )


def _check(root: Path, path: str, data: bytes, output: OutputFormat) -> None:
    """Compile the spec with those that are there. Ends the command when it does not pass, before anything is written."""
    _, diagnostics = load_schema(root, {path: data})
    concerning = [found for found in diagnostics if _concerns(found, path)]
    if not has_errors(concerning):
        return
    on_disk = source_reader(root)
    text = data.decode()
    console.report(concerning, output, lambda place: text if place == path else on_disk(place))
    console.say("nothing was written")
    raise typer.Exit(ExitCode.USAGE)


def _concerns(found: Diagnostic, path: str) -> bool:
    """Whether a diagnostic is about a spec, or about no file at all (there is no folder of specs)."""
    places = [found.span, *(related.span for related in found.related)]
    return found.span is None or any(place is not None and place.path == path for place in places)
