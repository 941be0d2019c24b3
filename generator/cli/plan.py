"""`rowsmith plan`: what the edits of the specs do to the clients of the API, to the database and to the generated code."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from generator.cli import console
from generator.cli.errors import CommandError, ExitCode
from generator.compatibility.compare import compare
from generator.compatibility.surface import surface
from generator.compatibility.waivers import WaiverError, read_waivers
from generator.history import HistoryError, Version, text_at, version_at
from generator.ir import Schema
from generator.migrations.editions import GUARDS, editions_in, editions_of
from generator.migrations.revisions import History, RevisionError, pending, read_history
from generator.pipeline import compile_project, compile_specs
from generator.render import RenderedFile, render
from generator.review.document import as_json
from generator.review.forecast import NOTHING, forecast
from generator.review.markdown import as_markdown
from generator.review.plan import Plan
from generator.review.text import as_text


class PlanFormat(StrEnum):
    """How a plan is printed."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(plan)


def plan(
    against: Annotated[str, typer.Option(metavar="REF", help="The git branch, tag or commit to compare with.")] = "HEAD",
    output: Annotated[
        PlanFormat,
        typer.Option(
            "--format", case_sensitive=False, metavar="FORMAT", help="How it is printed: text, json or markdown (for a pull request)."
        ),
    ] = PlanFormat.TEXT,
) -> None:
    """Say what the edits of the specs do.

    Compares the specs with those of a git commit: what clients of the API will see, the gravest first, what the migration does to a live
    database and when it is run, and which generated files change. Breaking changes end with exit code 1 unless pyproject.toml waives
    them. Writes nothing.
    """
    root = Path.cwd()
    try:
        old, waivers = version_at(root, against), read_waivers(root)
    except HistoryError as problem:
        code = ExitCode.USAGE if problem.is_usage else ExitCode.ENVIRONMENT
        raise CommandError(code, problem.message, problem.hint) from problem
    except WaiverError as problem:
        raise CommandError(ExitCode.USAGE, str(problem), "docs/compatibility.md shows how a waiver is written") from problem
    build = compile_project(root)
    if build.schema is None:
        console.fail(ExitCode.USAGE, build.diagnostics, console.OutputFormat.TEXT, root)
    before = _schema_of(old, against)
    found = compare(surface(before), surface(build.schema))
    history = _history(root)
    editions = editions_in(text_at(root, old.commit, GUARDS)), editions_of(root)
    result = Plan(
        against=against,
        commit=old.commit,
        findings=found,
        migration=forecast(before, build.schema, found, editions, history.database if history is not None else NOTHING),
        revised=None if history is None else not pending(build.schema, history),
        files=_changed(render(before), build.files),
        waivers=waivers,
        today=datetime.now(UTC).date(),
    )
    match output:
        case PlanFormat.TEXT:
            console.data(as_text(result, color=console.uses_color(sys.stdout)))
        case PlanFormat.JSON:
            console.data(as_json(result))
        case PlanFormat.MARKDOWN:
            console.data(as_markdown(result))
    if result.refused:
        raise typer.Exit(ExitCode.FINDINGS)


def _history(root: Path) -> History | None:
    """The revisions; None where there are none, or `rowsmith check` has to say what is wrong with them."""
    try:
        history = read_history(root)
    except RevisionError:
        return None
    return None if history.head is None else history


def _schema_of(version: Version, reference: str) -> Schema:
    """What the specs of an earlier version meant, as this compiler reads them."""
    if not version.specs:
        return Schema(())
    schema, diagnostics = compile_specs(version.specs, version.plurals)
    if schema is None:
        console.say(f"The specs of {reference} are not valid for this version of the compiler:\n")
        console.fail(
            ExitCode.USAGE,
            diagnostics,
            console.OutputFormat.TEXT,
            lambda path: version.specs.get(path, b"").decode(errors="replace") or None,
        )
    return schema


def _changed(before: tuple[RenderedFile, ...], after: tuple[RenderedFile, ...]) -> dict[str, str]:
    old, new = ({file.path: file.text for file in files} for files in (before, after))
    changes = {
        path: "added" if path not in old else "removed" if path not in new else "changed" for path in sorted(old.keys() | new.keys())
    }
    return {path: how for path, how in changes.items() if old.get(path) != new.get(path)}
