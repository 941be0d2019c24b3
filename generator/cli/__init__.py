"""The command line: `rowsmith`, which is also `python -m generator`.

Each module of this package is one command and registers itself; `main` runs one and turns whatever happens into an exit code.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module, metadata
from pathlib import Path
from typing import Annotated

import typer

from generator.cli.errors import CommandError, ExitCode

COMMANDS = ("init", "new", "generate", "check", "fmt", "plan", "db", "graph", "serve", "token", "audit", "schema", "explain", "upgrade")
"""In the order of --help. Each is a module of this package, which is loaded when the command is run: all of them take a second."""

BARE = (["generate"], ["check"])
"""What is run the most: it needs no parser of options, which takes .15 s to load."""

ENVIRONMENT_ERRNOS = frozenset(
    {errno.EACCES, errno.EDQUOT, errno.EIO, errno.EISDIR, errno.EMFILE, errno.ENFILE, errno.ENOSPC, errno.ENOTDIR, errno.EPERM, errno.EROFS}
)
"""Failures of the file system that are the machine's and not ours."""


def version() -> str:
    """The version of the installed compiler, or `0+unknown` when it runs without having been installed."""
    try:
        return metadata.version("rowsmith")
    except metadata.PackageNotFoundError:
        return "0+unknown"


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"rowsmith {version()}")
        raise typer.Exit


def _options(
    _version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and end.")] = False,
) -> None:
    """Compiles YAML resource specs into a FastAPI backend that you own."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line with `arguments` (default: those of the process) and return its exit code. Never raises."""
    _make_output_unfailing()
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except CommandError as error:
        code = _report(error)
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
    except BrokenPipeError:
        _discard_output()
        code = ExitCode.FINDINGS
    except OSError as error:
        code = _report(_environment_error(error) if error.errno in ENVIRONMENT_ERRNOS else _bug(error))
    except Exception as error:  # noqa: BLE001 - the boundary: whatever it is, the user gets a report and no traceback
        code = _report(_bug(error))
    return code


@cache
def _command_line(commands: Sequence[str]) -> Callable[..., object]:
    """The function that runs a command line with these commands, which are loaded once."""
    app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, callback=_options)
    for command in commands:
        import_module(f"{__name__}.{command}").register(app)
    return typer.main.get_command(app).main


def _run(arguments: Sequence[str] | None) -> int:
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given in BARE:
        return _run_bare(given[0])
    commands = (given[0],) if given and given[0] in COMMANDS else () if given == ["--version"] else COMMANDS
    try:
        _command_line(commands)(args=given, prog_name="rowsmith")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else ExitCode.FINE
    return ExitCode.FINE


def _run_bare(command: str) -> int:
    try:
        getattr(import_module(f"{__name__}.{command}"), command)()
    except typer.Exit as end:
        return end.exit_code
    return ExitCode.FINE


def _make_output_unfailing() -> None:
    """Characters that the terminal's encoding lacks are escaped instead of raising."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _discard_output() -> None:
    """Point standard output at nothing, so that the interpreter's last flush does not complain about a closed pipe."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _report(error: CommandError) -> int:
    with contextlib.suppress(OSError):
        print(error, file=sys.stderr)  # noqa: T201 - the last word, which must not depend on anything that may have failed
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        return error.exit_code
    _discard_output()
    return error.exit_code


def _environment_error(error: OSError) -> CommandError:
    where = f": {error.filename}" if error.filename else ""
    return CommandError(ExitCode.ENVIRONMENT, f"{error.strerror}{where}", "make room or give access, then run the command again")


def _bug(error: Exception) -> CommandError:
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno} in {frames[-1].name})" if frames else ""
    message = f"Rowsmith {version()} failed in a way that it should not: {type(error).__name__}: {error}{place}"
    details = _write_bug_report(error)
    attach = f" Attach {details}, and" if details else " Please add"
    hint = f"this is a bug of Rowsmith: please report it in an issue of its repository.{attach} the specs that cause it."
    return CommandError(ExitCode.BUG, message, hint)


def _write_bug_report(error: Exception) -> Path | None:
    """Write the traceback to a file and return its path; None when no file can be written."""
    import platform  # noqa: PLC0415 - takes a while to load

    text = "".join(
        [
            f"rowsmith {version()}, Python {platform.python_version()}, {platform.platform()}\n",
            f"arguments: {' '.join(sys.argv[1:])}\n\n",
            *traceback.format_exception(error),
        ]
    )
    with contextlib.suppress(OSError, RecursionError):
        handle, name = tempfile.mkstemp(prefix="rowsmith-bug-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
        return Path(name)
    return None
