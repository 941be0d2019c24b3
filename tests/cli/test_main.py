"""The command line as a whole: exit codes, streams, and never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from generator import cli
from generator.cli import COMMANDS, main
from generator.cli.errors import CommandError, ExitCode

ROWSMITH = (sys.executable, "-m", "generator")
ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run([*ROWSMITH, *arguments], cwd=cwd, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)


def test_version_is_data_on_stdout() -> None:
    answer = run("--version")
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, f"rowsmith {cli.version()}\n", "")


def test_help_lists_every_command_with_what_it_does() -> None:
    answer = run("--help")
    assert answer.returncode == 0
    for name in COMMANDS:
        assert any(line.split()[:1] == [name] and len(line.split()) > 2 for line in answer.stdout.splitlines()), name
        assert run(name, "--help").returncode == 0


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nope"],
        ["--nope"],
        ["serve", "--port", "x"],
        ["serve", "--port", "70000"],
        ["serve", "--host", ""],
        ["token"],
        ["\udce9"],
        [""],
    ],
)
def test_wrong_usage_is_exit_code_2(arguments: list[str]) -> None:
    answer = run(*arguments)
    assert answer.returncode == 2
    assert answer.stderr
    assert "Traceback" not in answer.stdout + answer.stderr


def test_a_bug_of_ours_is_reported_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def fail(_arguments: object) -> int:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(cli, "_run", fail)
    monkeypatch.setattr(cli.tempfile, "tempdir", str(tmp_path))
    assert main([]) == 70
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Traceback" not in printed.err
    assert f"Rowsmith {cli.version()} failed" in printed.err
    assert "ZeroDivisionError: division by zero" in printed.err
    assert "please report it" in printed.err
    (report,) = tmp_path.iterdir()
    assert str(report) in printed.err
    assert "Traceback (most recent call last)" in report.read_text()


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (CommandError(ExitCode.REFUSED, "No.", "Ask."), 3, "error: No.\n\n  = hint: Ask.\n"),
        (CommandError(ExitCode.ENVIRONMENT, "No."), 4, "error: No.\n"),
        (KeyboardInterrupt(), 130, ""),
        (PermissionError(13, "Permission denied", "/etc/x"), 4, "error: Permission denied: /etc/x\n"),
        (OSError(28, "No space left on device"), 4, "error: No space left on device\n"),
        (FileNotFoundError(2, "No such file or directory", "/x"), 70, "Rowsmith"),
        (RecursionError("maximum recursion depth exceeded"), 70, "Rowsmith"),
        (MemoryError(), 70, "Rowsmith"),
    ],
)
def test_every_failure_has_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, error: BaseException, code: int, text: str
) -> None:
    def fail(_arguments: object) -> int:
        raise error

    monkeypatch.setattr(cli, "_run", fail)
    monkeypatch.setattr(cli.tempfile, "tempdir", str(tmp_path))
    assert main([]) == code
    assert text in capsys.readouterr().err


def test_a_reader_that_goes_away_is_no_reason_to_complain() -> None:
    for arguments in ("--help", "schema", "explain RS101"):
        answer = subprocess.run(
            ["bash", "-c", f"{sys.executable} -m generator {arguments} | true"], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert answer.stderr == ""


def test_an_output_that_takes_nothing_is_reported() -> None:
    with Path("/dev/full").open("w") as full:
        answer = subprocess.run([*ROWSMITH, "schema"], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert answer.returncode == 4
    assert answer.stderr.startswith("error: No space left on device")
    assert "Traceback" not in answer.stderr


def test_a_closed_output_gives_no_traceback() -> None:
    answer = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m generator --version >&- 2>&1"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in answer.stdout + answer.stderr


@pytest.mark.parametrize("locale", ["C", "tr_TR.ISO-8859-9", "nonsense"])
def test_no_locale_breaks_the_output(locale: str) -> None:
    answer = run("--help", LC_ALL=locale, PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert answer.returncode == 0
    assert answer.stdout
