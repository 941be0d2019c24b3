"""`rowsmith generate`: bring app/ in line with the specs."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer

from generator import cli
from generator.cache import compiler_state
from generator.cli import console
from generator.cli.console import FormatOption, OutputFormat
from generator.cli.errors import CommandError, ExitCode
from generator.cli.remembered import answer_for, remember
from generator.drift import Drift, FileDrift, State, compare, hand_edit, unified
from generator.exclusion import RefusedError, project_lock
from generator.files import FOLDER
from generator.findings import closest_path, of_files, project_path, summary
from generator.migrations.findings import of_revisions
from generator.pipeline import compile_project
from generator.records import record
from generator.write import UnwritableError, apply, refresh

NEWER_LOCK = "RS703"
NO_REVISION = "RS740"
EDITOR_SCHEMA = ".rowsmith/resource.schema.json"  # where the first line of a spec points
SHOWN = 60  # lines of a hand edit that are printed
QUIET = 200  # milliseconds without a further change before `--watch` runs
POLL = 500  # milliseconds after which `--watch` looks at the specs although nobody said that they changed


@record
class _Options:
    diff: bool
    dry_run: bool
    forced: tuple[str, ...]
    warnings_are_errors: bool
    output: OutputFormat

    @property
    def writes(self) -> bool:
        return not (self.diff or self.dry_run)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(generate)


def generate(
    diff: Annotated[bool, typer.Option("--diff", help="Print what would change as a unified diff, and write nothing.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say which files would change, and write nothing.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Run again whenever a spec changes, until Ctrl+C.")] = False,
    force: Annotated[list[str] | None, typer.Option(metavar="PATH", help="Overwrite this hand-edited file; may be repeated.")] = None,
    warn_as_error: Annotated[bool, typer.Option("--warn-as-error", help="Treat warnings about specs as errors.")] = False,
    output: FormatOption = OutputFormat.TEXT,
) -> None:
    """Render app/ from the specs in resources/.

    Only files that differ are written. A generated file that was edited by hand is never overwritten unless --force names it. Hooks in
    app/extensions/ are created once and then left alone.
    """
    root = Path.cwd()
    options = _Options(diff, dry_run, tuple(project_path(root, path) for path in force or ()), warn_as_error, output)
    if watch:
        if not options.writes:
            raise CommandError(ExitCode.USAGE, "--watch writes, so it does not go with --diff or --dry-run")
        _watch(root, options)
    else:
        raise typer.Exit(run(root, options))


def run(root: Path, options: _Options) -> ExitCode:
    """Compile, compare and write once. Raises CommandError where no finding can say what is wrong."""
    try:
        with project_lock(root, shared=not options.writes, waiting=lambda: console.say("waiting for another run of rowsmith to end …")):
            return _run(root, options)
    except RefusedError as refusal:
        raise CommandError(ExitCode.REFUSED, refusal.message, refusal.hint) from refusal
    except UnwritableError as problem:
        raise CommandError(ExitCode.ENVIRONMENT, problem.message, problem.hint) from problem


def _run(root: Path, options: _Options) -> ExitCode:
    build = compile_project(root)
    code = console.exit_code_of(build.diagnostics, warnings_are_errors=options.warnings_are_errors)
    if build.schema is None or code is not ExitCode.FINE:
        console.report(build.diagnostics, options.output, root)
        console.say("nothing was written")
        return ExitCode.USAGE
    drift = compare(root, build, cli.version())
    if any(found.code == NEWER_LOCK for found in drift.reading.diagnostics):
        console.report(drift.reading.diagnostics, options.output, root)
        return ExitCode.REFUSED
    _check_forced(options.forced, drift)
    if options.diff:
        console.data("".join(unified(file) for file in drift.changed))
    refused = [file for file in (*drift.refused, *drift.blocked) if file.path not in options.forced or file.state is State.BLOCKED]
    if refused:
        console.report([*build.diagnostics, *of_files(refused, drift.schema)], options.output, root)
        _show_refused(refused, options)
        return ExitCode.REFUSED
    console.report(build.diagnostics, options.output, root)
    written = apply(root, drift, options.forced) if options.writes else bool(drift.changed)
    if options.writes:
        _refresh_editor_schema(root / EDITOR_SCHEMA)
    _say_what_happened(drift, options, written)
    if options.writes and any(found.code == NO_REVISION for found in of_revisions(root, drift.schema)):
        console.say("no revision brings the database there yet: `rowsmith db revision` writes one")
    return ExitCode.FINE


def _refresh_editor_schema(path: Path) -> None:
    """Bring the schema for editors up to date. It is remembered which one is, since to load what makes it takes a while."""
    with contextlib.suppress(OSError):
        if answer_for(_state_of_schema(path.read_bytes())) is not None:
            return
    from generator.schema_json import schema_text  # noqa: PLC0415 - as said

    text = schema_text().encode()
    refresh(path, text)
    with contextlib.suppress(OSError):
        remember(_state_of_schema(text), "the schema of this compiler")


def _state_of_schema(text: bytes) -> str:
    return sha256(compiler_state(cli.version()).encode() + text).hexdigest()


def _check_forced(forced: Sequence[str], drift: Drift) -> None:
    known = {file.path for file in drift.files}
    for path in forced:
        if path not in known:
            near = closest_path(path, drift)
            hint = f"did you mean `--force {near}`?" if near else "only a file that is generated can be forced"
            raise CommandError(ExitCode.USAGE, f"--force: no spec gives a file `{path}`", hint)


def _show_refused(refused: Sequence[FileDrift], options: _Options) -> None:
    """Show the edits themselves, so that they can be moved to where they belong."""
    if options.output is OutputFormat.TEXT and not options.diff:
        for file in refused:
            if file.state is not State.BLOCKED:
                lines = hand_edit(file).splitlines()
                console.say()
                console.say("\n".join(lines[:SHOWN]))
                if len(lines) > SHOWN:
                    console.say(f"… {len(lines) - SHOWN} more lines; `rowsmith generate --diff` prints them all")
    console.say()
    console.say("nothing was written" if options.writes else "`rowsmith generate` would write nothing")


def _say_what_happened(drift: Drift, options: _Options, written: bool) -> None:
    for line in summary(drift, options.forced):
        console.say(line)
    if not options.writes:
        console.say(f"{console.count(len(drift.changed), 'file')} would change, nothing was written")
    elif drift.changed:
        unchanged = sum(file.state is State.UNCHANGED for file in drift.files)
        console.say(f"{console.count(len(drift.changed), 'file')} changed, {unchanged} unchanged")
    elif written:
        console.say("app/ was up to date; its lock was written anew")
    else:
        console.say(f"app/ is up to date: {console.count(len(drift.files), 'file')}")


# --- watching -----------------------------------------------------------------------------------------------------------------------


def _watch(root: Path, options: _Options) -> None:
    """Run now and after every change of the specs, until interrupted. A run that fails is reported, and the next change gets another."""
    from watchfiles import watch  # noqa: PLC0415 - only this option needs it

    folder = root / FOLDER
    if not folder.is_dir():
        raise CommandError(ExitCode.USAGE, f"there is no folder `{FOLDER}` to watch", "`rowsmith init` makes a project")
    seen = _state(folder)
    _run_watched(root, options)
    console.say(f"watching {FOLDER}/ (Ctrl+C ends)")
    while True:
        with contextlib.suppress(OSError):  # the folder is gone for the moment: a checkout of another branch, say
            # The events only wake us up: what counts is whether the specs differ from those of the last run, so that none is missed.
            for _ in watch(folder, debounce=QUIET, step=50, rust_timeout=POLL, yield_on_timeout=True, recursive=False):
                if (now := _state(folder)) != seen:
                    seen = now
                    _run_watched(root, options)
        time.sleep(POLL / 1000)


def _state(folder: Path) -> dict[str, tuple[int, int]]:
    """The specs with their sizes and times of change. OSError: the folder is gone."""
    found: dict[str, tuple[int, int]] = {}
    for path in folder.iterdir():
        with contextlib.suppress(OSError):
            if path.suffix == ".yaml":
                status = path.stat()
                found[path.name] = (status.st_size, status.st_mtime_ns)
    return found


def _run_watched(root: Path, options: _Options) -> None:
    """One run whose failure is reported and does not end the watching."""
    try:
        run(root, options)
    except CommandError as error:
        console.say(str(error))
    except OSError as error:
        console.say(f"error: {error.strerror or error}{f': {error.filename}' if error.filename else ''}")
