"""`rowsmith fmt`: the canonical layout of the specs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from generator.cli import console
from generator.cli.console import FormatOption, OutputFormat
from generator.cli.errors import CommandError, ExitCode
from generator.diagnostics import Diagnostic, error, has_errors
from generator.files import FOLDER, read_specs, source_text
from generator.format import format_spec
from generator.ir import Span
from generator.write import UnwritableError, replace_file


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("fmt")(fmt)


def fmt(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE", help="Specs to format; all of resources/ when none is named.", show_default=False),
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit with 1 and name the files that are not formatted.")] = False,
    output: FormatOption = OutputFormat.TEXT,
) -> None:
    """Format the specs: order of keys, indentation, quotes.

    Comments and the meaning of a spec stay as they are. A file that is not valid YAML is left alone and reported (exit code 2).
    """
    root = Path.cwd()
    specs, found = read_specs(root)
    chosen = specs if not files else {path: specs[path] for path in (_chosen(root, file, specs) for file in files)}
    diagnostics: list[Diagnostic] = [] if files else list(found)
    changed: dict[str, bytes] = {}
    for path, data in chosen.items():
        formatted = format_spec(path, data)
        diagnostics += formatted.diagnostics
        if formatted.data is not None and formatted.data != data:
            changed[path] = formatted.data
    failed = has_errors(diagnostics)
    if check:
        diagnostics += [_unformatted(path, specs[path], data) for path, data in changed.items()]
    console.report(diagnostics, output, root)
    if not check:
        _write(root, changed)
    console.say(_summary(changed, len(chosen), check=check))
    raise typer.Exit(ExitCode.USAGE if failed else ExitCode.FINDINGS if check and changed else ExitCode.FINE)


def _chosen(root: Path, file: Path, specs: dict[str, bytes]) -> str:
    """The path of a spec that was named on the command line."""
    path = file.absolute()
    name = f"{FOLDER}/{path.name}"
    if path.parent.resolve() != (root / FOLDER).resolve() or name not in specs:
        raise CommandError(ExitCode.USAGE, f"`{file}` is no spec of this project", f"name files of the folder {FOLDER} that end in .yaml")
    return name


def _unformatted(path: str, old: bytes, new: bytes) -> Diagnostic:
    """The finding of `--check`, at the first line that would change."""
    before, after = source_text(old).split("\n"), source_text(new).split("\n")
    pairs = enumerate(zip(before, after, strict=False), 1)
    line = next((number for number, (left, right) in pairs if left != right), min(len(before), len(after)))
    text = before[line - 1].rstrip("\r") if line <= len(before) else ""
    start = len(text) - len(text.lstrip())
    span = Span(path, line, start + 1, max(len(text.strip()), 1))
    return error("RS730", "the spec is not formatted", span, "the first line that differs", hint="run `rowsmith fmt`")


def _write(root: Path, changed: dict[str, bytes]) -> None:
    for path, data in changed.items():
        try:
            replace_file(root / path, data)
        except UnwritableError as problem:
            raise CommandError(ExitCode.ENVIRONMENT, problem.message, problem.hint) from problem
        console.say(f"formatted {path}")


def _summary(changed: dict[str, bytes], total: int, *, check: bool) -> str:
    if not changed:
        return f"{console.count(total, 'file')} looked at, nothing to format"
    verb = "would be formatted" if check else "formatted"
    return f"{console.count(len(changed), 'file')} of {total} {verb}"
