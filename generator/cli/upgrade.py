"""`rowsmith upgrade`: the core of app/ as this version of Rowsmith has it."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from generator import cli
from generator.cli import console
from generator.cli.console import FormatOption, OutputFormat
from generator.cli.errors import CommandError, ExitCode
from generator.drift import FileDrift, State, unified
from generator.exclusion import RefusedError, project_lock
from generator.findings import project_path
from generator.lock import LOCK_PATH
from generator.scaffold import BESIDE_APP, IncompleteError, core_files, is_origin
from generator.upgrade import Upgrade, findings_of, upgrade_of
from generator.write import UnwritableError, apply

SHOWN = 40
"""Lines of a difference that are printed."""

_SIGNS = {State.NEW: "+ {}  (new)", State.MISSING: "+ {}  (was missing)", State.ORPHAN: "- {}  (no part of the core any more)"}


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(upgrade)


def upgrade(
    diff: Annotated[bool, typer.Option("--diff", help="Print what would change as a unified diff, and write nothing.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say which files would change, and write nothing.")] = False,
    force: Annotated[
        list[str] | None, typer.Option("--force", metavar="PATH", help="Overwrite or delete this hand-edited file; may be repeated.")
    ] = None,
    keep: Annotated[
        list[str] | None, typer.Option("--keep", metavar="PATH", help="Count this hand-edited file as merged; may be repeated.")
    ] = None,
    output: FormatOption = OutputFormat.TEXT,
) -> None:
    """Bring the core of app/ to this version of Rowsmith.

    Core files that are as Rowsmith wrote them are rewritten, added or deleted. One that was edited by hand is shown and left as it is (exit
    code 3), unless the core has not changed it. Everything else of app/ is left alone: run `rowsmith generate` afterwards.
    """
    root = Path.cwd()
    forced, kept = ([project_path(root, path) for path in paths or ()] for paths in (force, keep))
    writes = not diff and not dry_run
    try:
        with project_lock(root, shared=not writes, waiting=lambda: console.say("waiting for another run of rowsmith to end …")):
            found, beside = _compare(root, forced, kept)
            if diff:
                console.data("".join(unified(file) for file in (*found.drift.changed, *found.left)))
            if writes:
                apply(root, found.drift, forced)
    except IncompleteError as broken:
        raise CommandError(ExitCode.ENVIRONMENT, f"this installation of Rowsmith is not complete: {broken}", "install it again") from broken
    except RefusedError as refusal:
        raise CommandError(ExitCode.REFUSED, refusal.message, refusal.hint) from refusal
    except UnwritableError as problem:
        raise CommandError(ExitCode.ENVIRONMENT, problem.message, problem.hint) from problem
    _say_what_happened(found, beside, writes=writes)
    console.report(findings_of(found), output, root)
    if output is OutputFormat.TEXT and not diff:
        _show(found.left)
    if found.left:
        raise typer.Exit(ExitCode.REFUSED)


def _compare(root: Path, forced: Sequence[str], kept: Sequence[str]) -> tuple[Upgrade, list[str]]:
    """The upgrade, and the files beside app/ that differ from this version's."""
    if not (root / LOCK_PATH).is_file():
        hint = "change to a project's folder, or make one: rowsmith init"
        raise CommandError(ExitCode.USAGE, f"there is no project in {root}: {LOCK_PATH} is missing", hint)
    if is_origin(root):
        raise CommandError(
            ExitCode.USAGE, "this is Rowsmith's own repository: its core is written by hand", "upgrade projects made from it"
        )
    files = core_files()
    core = {path: data for path, data in files.items() if path.startswith("app/")}
    before = upgrade_of(root, core)
    for option, paths in (("--force", forced), ("--keep", kept)):
        for path in paths:
            if path not in {file.path for file in before.left}:
                hint = f"these were: {', '.join(file.path for file in before.left)}" if before.left else "no core file was"
                raise CommandError(ExitCode.USAGE, f"{option}: `{path}` is no core file that was edited and has changed", hint)
    found = upgrade_of(root, core, forced=forced, kept=kept)
    beside = [path for path in BESIDE_APP if not (root / path).is_file() or (root / path).read_bytes() != files[path]]
    return found, beside


def _say_what_happened(found: Upgrade, beside: Sequence[str], *, writes: bool) -> None:
    changed = found.drift.changed
    for file in changed:
        console.say(_SIGNS.get(file.state, "~ {}").format(file.path))
    what = f"{console.count(len(changed), 'core file')} {'changed' if writes else 'would change, nothing was written'}"
    console.say(f"{what}: Rowsmith {cli.version()}" if changed else f"the core is that of Rowsmith {cli.version()}")
    if beside:
        console.say(f"yours to compare with this version's, as a new project has them: {', '.join(beside)}")
    if writes and changed:
        console.say("next: `rowsmith generate`, and `rowsmith db revision` in a project with revisions")


def _show(left: Sequence[FileDrift]) -> None:
    """What this version has instead of each file that was left."""
    for file in left:
        before = (file.current or b"").decode("utf-8", errors="replace").splitlines()
        after = (file.wanted or "").splitlines()
        lines = list(difflib.unified_diff(before, after, f"{file.path} (yours)", f"{file.path} (this version's)", lineterm=""))
        console.say()
        console.say("\n".join(lines[:SHOWN]))
        if len(lines) > SHOWN:
            console.say(f"… {len(lines) - SHOWN} more lines; `rowsmith upgrade --diff` prints them all")
