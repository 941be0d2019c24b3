"""`rowsmith explain CODE`: what a diagnostic means and how to mend its cause."""

from __future__ import annotations

import difflib
import re
import sys
import textwrap
from collections.abc import Iterator
from typing import Annotated

import typer

from generator.cli import console
from generator.cli.errors import CommandError, ExitCode
from generator.codes import CODES, CodeInfo

GROUPS = {
    "RS1": "Files, characters and syntax",
    "RS2": "Names and references",
    "RS3": "Types and values",
    "RS4": "Constraints, checks and indexes",
    "RS5": "Operations, hooks and pages",
    "RS6": "Warnings",
    "RS7": "What `check` finds",
    "RS8": "What `audit` finds",
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("explain")(explain)


def explain(
    code: Annotated[
        str | None, typer.Argument(metavar="CODE", help="A code such as RS203; none lists all of them.", show_default=False)
    ] = None,
) -> None:
    """Explain a diagnostic, or list all of them.

    Says what it means and shows a wrong example and the mended one.
    """
    if code is None:
        console.data("\n".join(_list(console.terminal_width(sys.stdout))) + "\n")
        return
    found = _normalized(code)
    info = CODES.get(found)
    if info is None:
        raise CommandError(ExitCode.USAGE, f"there is no code `{code}`", _suggestion(found))
    console.data("\n".join(_page(found, info, console.terminal_width(sys.stdout), console.uses_color(sys.stdout))) + "\n")


def _normalized(code: str) -> str:
    """The code in what was typed or pasted: `rs203`, `203` and `error[RS203]:` are RS203."""
    match = re.search(r"(?:rs)?[-_ ]?(\d{3})(?!\d)", code, re.IGNORECASE | re.ASCII)
    return f"RS{match.group(1)}" if match else code.strip().upper()


def _suggestion(code: str) -> str:
    close = difflib.get_close_matches(code, CODES, n=3, cutoff=0.6)
    meant = f"did you mean {' or '.join(f'`{name}`' for name in sorted(close))}? " if close else ""
    return f"{meant}`rowsmith explain` lists all codes"


def _list(width: int) -> Iterator[str]:
    separator = ""
    for prefix, heading in GROUPS.items():
        codes = sorted(code for code in CODES if code.startswith(prefix))
        if codes:
            yield f"{separator}{heading}"
            separator = "\n"
        for code in codes:
            yield textwrap.fill(CODES[code].title, width, initial_indent=f"  {code}  ", subsequent_indent=" " * 9)


def _page(code: str, info: CodeInfo, width: int, color: bool) -> Iterator[str]:
    def bold(text: str) -> str:
        return f"\x1b[1m{text}\x1b[0m" if color else text

    yield bold(f"{code}: {info.title}")
    for paragraph in info.meaning.split("\n\n"):
        yield ""
        yield textwrap.fill(paragraph, width, break_long_words=False, break_on_hyphens=False)
    for heading, example in (("Wrong", info.wrong), ("Right", info.right)):
        yield ""
        yield bold(f"{heading}:")
        yield ""
        yield from (f"    {line}".rstrip() for line in example.strip("\n").split("\n"))
