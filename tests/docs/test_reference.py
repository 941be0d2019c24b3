"""Nothing is left out: commands with their help, exit codes, formats, diagnostics and settings are documented, each as it is.

`pytest tests/docs --update` rewrites the help texts and the list of diagnostics.
"""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from app.config import Settings
from generator.cli import COMMANDS, main
from generator.cli.console import OutputFormat
from generator.cli.errors import ExitCode
from generator.cli.explain import GROUPS
from generator.codes import CODES
from tests.support.command import PROJECT, TASK
from tests.support.pages import PAGES, ROOT, Block, blocks
from tests.support.project import environment

DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def changed_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose specs have changed since its application was generated."""
    root = tmp_path_factory.mktemp("documented")
    (root / "resources").mkdir()
    (root / "resources/task.yaml").write_text(TASK, encoding="utf-8")
    (root / "resources/project.yaml").write_text(PROJECT, encoding="utf-8")
    with contextlib.chdir(root):
        assert main(["generate"]) == ExitCode.FINE
    (root / "resources/task.yaml").write_text(f"{TASK}  place: string?\n", encoding="utf-8")
    return root


def _commands() -> Iterator[Block]:
    for page in PAGES:
        yield from (block for block in blocks(page, "console") if "extended" not in block.words)


@pytest.mark.parametrize("block", list(_commands()), ids=str)
def test_commands_print_what_the_text_shows(
    block: Block, changed_project: Path, tmp_path: Path, update: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = block.text.splitlines()[0]
    if command.startswith("$ rowsmith "):
        monkeypatch.chdir(changed_project)
        monkeypatch.setenv("COLUMNS", "80")
        for name in ("HOST", "PORT", "WORKERS"):
            monkeypatch.delenv(name, raising=False)
        main(command.split()[2:])
        output = "".join(capsys.readouterr())
    else:
        output = _refusal(command, tmp_path)
    printed = f"{command}\n{output}"
    if update:
        page = block.page.read_text(encoding="utf-8")
        block.page.write_text(page.replace(f"```console\n{block.text}```", f"```console\n{printed}```"), encoding="utf-8")
    else:
        assert printed == block.text


def _refusal(command: str, folder: Path) -> str:
    """What the application prints when it does not start: `$ NAME=value … python -m app`."""
    assignments = re.fullmatch(r"\$ ((?:[A-Z_]+=\S+ )*)python -m app", command)
    assert assignments
    settings = dict(assignment.split("=", 1) for assignment in assignments[1].split())
    run = subprocess.run(
        [sys.executable, "-m", "app"],
        cwd=folder,
        env={**environment(), **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == ExitCode.USAGE
    return run.stdout + run.stderr


def test_the_help_of_every_command_is_shown() -> None:
    shown = {block.text.splitlines()[0] for block in blocks(DOCS / "commands.md", "console")}
    assert [name for name in COMMANDS if f"$ rowsmith {name} --help" not in shown] == []


def test_every_exit_code_and_format_is_documented() -> None:
    page = (DOCS / "commands.md").read_text(encoding="utf-8")
    assert [int(code) for code in re.findall(r"^\| ([0-9]+) \|", page, re.MULTILINE)] == sorted(code.value for code in ExitCode)
    assert re.findall(r"^\| `([a-z]+)` \|", page, re.MULTILINE) == [format_.value for format_ in OutputFormat]


def test_every_diagnostic_is_listed(update: bool) -> None:
    lines = [
        "# Diagnostics",
        "",
        "Every finding has a code. `rowsmith explain CODE` says what one means, with a wrong example and the",
        "mended one.",
        "",
    ]
    for group, title in GROUPS.items():
        lines += [f"## {title}", "", "| code | means |", "|---|---|"]
        lines += [f"| {code} | {info.title} |" for code, info in CODES.items() if code.startswith(group)]
        lines += [""]
    text = "\n".join(lines)
    page = DOCS / "diagnostics.md"
    if update:
        page.write_text(text, encoding="utf-8")
    assert page.read_text(encoding="utf-8") == text
    assert all(f"| {code} |" in text for code in CODES)


SERVER_SETTINGS = {"HOST": "127.0.0.1", "PORT": "8000", "WORKERS": "1", "FORWARDED_ALLOW_IPS": ""}
"""What `python -m app` reads besides the application's own settings, with the defaults."""

BY_ENVIRONMENT = {"DOCS", "LOG_FORMAT", "SHUTDOWN_DELAY"}
"""Settings whose default depends on ENVIRONMENT."""


def test_every_setting_is_documented_with_its_default() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| ([^|]*)\|", (DOCS / "production.md").read_text(encoding="utf-8"), re.MULTILINE)
    documented = {name: default.strip("` ") for name, default in rows}
    assert len(documented) == len(rows)
    defaults = {
        field.name.upper(): _shown(None if field.default is MISSING else field.default) for field in fields(Settings)
    } | SERVER_SETTINGS
    assert documented.keys() == defaults.keys()
    assert documented.keys() == set(re.findall(r"^# ([A-Z_]+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE))
    for name, default in defaults.items():
        if name not in BY_ENVIRONMENT:
            assert documented[name] == default, name


def _shown(default: object) -> str:
    match default:
        case None | ():
            return ""
        case bool():
            return str(default).lower()
        case float():
            return f"{default:g}"
        case _:
            return str(default)
