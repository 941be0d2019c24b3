"""`rowsmith init`: a new project."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Annotated

import typer

from generator import cli
from generator.cli import console
from generator.cli.errors import CommandError, ExitCode
from generator.exclusion import RefusedError
from generator.scaffold import IncompleteError, project_files, project_name
from generator.write import UnwritableError, create


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(init)


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where; it is made when it is not there.", show_default="here")] = Path(),
) -> None:
    """Start a new project in a folder of its own.

    It gets an example spec, the core of the application, tests and a CI workflow. A file that is there already is never changed.
    """
    root = Path(os.path.abspath(folder))  # noqa: PTH100 - links are not resolved: the name counts
    if root.exists() and not root.is_dir():
        raise CommandError(ExitCode.REFUSED, f"`{folder}` is not a folder", "move it away, or choose another name")
    try:
        files = project_files(project_name(root.name), cli.version())
        create(root, files)
    except IncompleteError as broken:
        raise CommandError(ExitCode.ENVIRONMENT, f"this installation of Rowsmith is not complete: {broken}", "install it again") from broken
    except RefusedError as refusal:
        raise CommandError(ExitCode.REFUSED, refusal.message, refusal.hint) from refusal
    except UnwritableError as problem:
        raise CommandError(ExitCode.ENVIRONMENT, problem.message, problem.hint) from problem
    console.say(f"{console.count(len(files), 'file')} in {root}; resources/task.yaml is an example of a spec. Next:")
    console.say()
    if root != Path.cwd():
        console.say(f"  cd {shlex.quote(str(folder))}")
    console.say("  rowsmith generate   # writes app/models and app/routes")
    console.say("  rowsmith serve      # serves them on an embedded PostgreSQL")
