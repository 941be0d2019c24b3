"""The README is followed to the letter, in a copy of the repository, by somebody who has never seen the project."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from generator.cli import COMMANDS
from tests.support.database import temporary_folder
from tests.support.pages import PAGES, ROOT, Block, blocks
from tests.support.project import free_port

README = ROOT / "README.md"
START_TIMEOUT = 60.0

LAUNCHER = """\
#!/bin/sh
PYTHONPATH='{root}' exec '{python}' -m {module} "$@"
"""


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("git") is None or shutil.which("make") is None or shutil.which("curl") is None, reason="the README needs them"
)
def test_five_minutes() -> None:
    steps = [block for block in blocks(README) if block.section.startswith("Five minutes")]
    field = next(block.text for block in steps if block.language == "yaml" and not block.text.startswith("resource:"))
    finding = next(block.text for block in steps if block.language == "text")
    check, generate, revise, requests, another = (block for block in steps if block.language == "sh")
    with temporary_folder() as folder:
        project = Project(folder / "rowsmith")
        with project.served() as said:
            curl = next(line for line in said.splitlines() if line.startswith("curl "))
            assert project.run(curl).stdout.startswith("HTTP/1.1 201 ")

        spec = project.root / "resources" / "task.yaml"
        spec.write_text(re.sub(r"^  notes: .*\n", lambda found: f"{found[0]}  {field}", spec.read_text(), flags=re.MULTILINE))
        checked = project.run(check.text)
        assert checked.returncode == 1
        assert finding in checked.stderr
        difference = project.run(generate.text)
        assert difference.returncode == 0, difference.stderr
        assert re.findall(r"^diff --git a/(\S+)", difference.stdout, re.MULTILINE) == ["app/models/task.py", "app/routes/tasks.py"]
        assert len(re.findall(r"^[+-](?![+-])", difference.stdout, re.MULTILINE)) < 40
        assert project.run(check.text).returncode == 1  # no revision has the change yet
        revised = project.run(revise.text)
        assert revised.returncode == 0, revised.stderr
        assert project.run(check.text).returncode == 0

        with project.served():
            first, listed, refused = _json_lines(project.run(requests.text.replace("8000", str(project.port))).stdout)
            assert (first["title"], first["effort"]) == ("Book the van", 5)
            assert [row["id"] for row in listed["items"]] == [first["id"]]
            assert refused["detail"][0]["msg"] in README.read_text(encoding="utf-8")
            token = project.run(".venv/bin/rowsmith token --user demo").stdout.strip()
            every = project.run(f"curl -s http://127.0.0.1:{project.port}/api/demo/tasks -H 'Authorization: Bearer {token}'")
            assert sorted(row["effort"] for row in json.loads(every.stdout)["items"]) == [1, 5]

        added = project.run(another.text)
        assert added.returncode == 0, added.stderr
        with project.served():
            answer = project.run(f"curl -s http://127.0.0.1:{project.port}/api/demo/invoices -H 'Authorization: Bearer {token}'")
            assert json.loads(answer.stdout)["items"] == []


def _json_lines(text: str) -> list[dict[str, list[dict[str, str]]]]:
    """The JSON documents that stand one after the other."""
    decoder = json.JSONDecoder()
    found: list[dict[str, list[dict[str, str]]]] = []
    while text.strip():
        document, end = decoder.raw_decode(text.strip())
        found.append(document)
        text = text.strip()[end:]
    return found


class Project:
    """A clone of the repository as `make install` leaves it, its commands on a port of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.port = free_port()
        root.mkdir()
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
        )
        for path in filter(None, listed.stdout.split("\0")):
            if (ROOT / path).is_file() and not path.startswith("tests/"):
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / path, root / path)
        self.run("git init -q && git add -A && git -c user.name=ada -c user.email=ada@example.org commit -qm example")
        programs = root / ".venv" / "bin"
        programs.mkdir(parents=True)
        for name, module in (("rowsmith", "generator"), ("python", "")):
            launcher = programs / name
            launcher.write_text(LAUNCHER.format(root=root, python=sys.executable, module=module).replace("-m  ", ""))
            launcher.chmod(0o755)
        state = r"cat pyproject.toml requirements-dev.txt .python-version tools/install.sh | cksum; printf '%s\n' " + '"$PWD"'
        stamp = self.run(f"state=$({state}); printf '%s\\n' \"$state\" > .venv/.installed")
        assert stamp.returncode == 0, stamp.stderr

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run lines of shell in the project."""
        return subprocess.run(
            ["sh", "-c", script],
            cwd=self.root,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "HOME": str(self.root.parent), "PORT": str(self.port), "GIT_PAGER": "cat"}

    @contextmanager
    def served(self) -> Generator[str]:
        """`make serve`, ended with Ctrl+C; the value is what it has said when the API answers."""
        log = self.root.parent / "serve.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["make", "serve"],
                cwd=self.root,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            deadline = time.monotonic() + START_TIMEOUT
            while not re.search(r"^curl .*\n", log.read_text(), re.MULTILINE):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
            yield log.read_text()
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
                assert process.wait(60) in {0, -signal.SIGINT}, log.read_text()  # make itself may end by the signal


def _excerpts(language: str) -> list[Block]:
    return blocks(README, language)


def test_the_excerpt_of_the_spec_is_the_files() -> None:
    spec = (ROOT / "resources" / "task.yaml").read_text(encoding="utf-8")
    excerpts = [block.text for block in _excerpts("yaml") if block.text.startswith("resource:")]
    assert excerpts
    assert [text for text in excerpts if f"\n{text}" not in spec] == []


def test_the_excerpts_of_code_are_the_files() -> None:
    code = [path.read_text(encoding="utf-8") for path in (ROOT / "app").rglob("*.py")]
    assert _excerpts("python")
    assert [str(block) for block in _excerpts("python") if not any(f"\n{block.text}" in text for text in code)] == []


def test_every_command_is_named() -> None:
    text = README.read_text(encoding="utf-8")
    assert [command for command in COMMANDS if f"`rowsmith {command}" not in text] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if re.match(r"https?://", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^a-z0-9 _-]", "", heading.lower()).replace(" ", "-") for heading in headings}, target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_page_is_linked_from_the_readme(page: Path) -> None:
    assert page == README or f"docs/{page.name}" in README.read_text(encoding="utf-8")
