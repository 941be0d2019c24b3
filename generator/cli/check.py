"""`rowsmith check`: whether app/ is what the specs give, and why not."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from generator import cli
from generator.cli import console
from generator.cli.console import FormatOption, OutputFormat
from generator.cli.errors import CommandError, ExitCode
from generator.cli.remembered import answer_for, knows_any, remember, state_of
from generator.exclusion import RefusedError, project_lock
from generator.lock import FileKind
from generator.parallel import beside


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(check)


def check(
    warn_as_error: Annotated[bool, typer.Option("--warn-as-error", help="Treat warnings about specs as errors.")] = False,
    output: FormatOption = OutputFormat.TEXT,
) -> None:
    """Check that app/ is what the specs give.

    Finds invalid specs (exit code 2), and generated files that are out of date, left over, missing or edited by hand, hooks that are
    missing, unknown or have a stale signature, and changes of specs that no revision has (exit code 1), each with its cause. Writes
    nothing and needs no database.
    """
    root = Path.cwd()
    try:
        with project_lock(root, shared=True, waiting=lambda: console.say("waiting for another run of rowsmith to end …")):
            raise typer.Exit(_check(root, output, warn_as_error))
    except RefusedError as refusal:
        raise CommandError(ExitCode.REFUSED, refusal.message, refusal.hint) from refusal


def _check(root: Path, output: OutputFormat, warnings_are_errors: bool) -> ExitCode:
    version = cli.version()
    if knows_any():
        state = state_of(root, version)
        if state is not None and (answer := answer_for(state)) is not None:
            console.report((), output, root)
            console.say(answer)
            return ExitCode.FINE
    else:  # nothing has been checked yet, and all is to be compiled
        with beside(partial(state_of, root, version)) as waiting:
            import generator.front  # noqa: PLC0415 - takes a while to load  # pyright: ignore[reportUnusedImport]
            import generator.render  # noqa: PLC0415, F401 - as above  # pyright: ignore[reportUnusedImport]

            state = waiting()
    from generator.drift import compare  # noqa: PLC0415 - the compiler takes a while to load
    from generator.findings import findings  # noqa: PLC0415 - as above
    from generator.migrations.findings import of_revisions  # noqa: PLC0415 - as above
    from generator.pipeline import compile_project  # noqa: PLC0415 - as above

    build = compile_project(root)
    code = console.exit_code_of(build.diagnostics, warnings_are_errors=warnings_are_errors)
    if build.schema is None or code is not ExitCode.FINE:
        console.report(build.diagnostics, output, root)
        return ExitCode.USAGE
    drift = compare(root, build, version)
    found = [*findings(root, drift), *of_revisions(root, build.schema)]
    console.report([*build.diagnostics, *found], output, root)
    if found:
        return ExitCode.FINDINGS
    generated = sum(file.kind is FileKind.GENERATED for file in drift.files)
    answer = f"app/ is up to date: {console.count(len(build.schema.resources), 'resource')}, {console.count(generated, 'generated file')}"
    console.say(answer)
    if state is not None and not build.diagnostics and state == state_of(root, version):
        remember(state, answer)
    return ExitCode.FINE
