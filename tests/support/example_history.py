"""The specs of the example before each of its revisions: today's, with one revision after the other taken back."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import yaml

from tests.support.edits import Trees

RESOURCES = Path(__file__).resolve().parents[2] / "resources"


def _before_0013(_trees: Trees) -> None:
    """Another edition of what guards rows."""


def _before_0012(trees: Trees) -> None:
    """What the compiler has indexed in another way since: without `link` and `inverse` there are the indexes that there were."""
    tree = trees["TaskTag"]
    del tree["link"]
    for end in ("task", "tag"):
        tree["fields"][end]["on_delete"] = "cascade"
    tree["unique"] = [["task", "tag"]]
    for resource, field in (("Comment", "task"), ("Task", "project"), ("Task", "parent")):
        del trees[resource]["fields"][field]["inverse"]


def _before_0011(trees: Trees) -> None:
    del trees["Comment"]["search_language"], trees["Comment"]["fields"]["source"]


def _before_0010(trees: Trees) -> None:
    del trees["Project"]["soft_delete"]


def _before_0009(trees: Trees) -> None:
    for resource, field in (("Comment", "body"), ("Project", "name"), ("Task", "title")):
        del trees[resource]["fields"][field]["search"]


def _before_0008(trees: Trees) -> None:
    added = {
        "Project": ("is_open", "color", "starts_on", "ends_on", "budget", "homepage"),
        "Tag": ("weight", "uses"),
        "Task": ("estimate", "slug", "labels", "links", "checklist", "reminder_time", "remaining", "parent"),
    }
    for resource, fields in added.items():
        for field in fields:
            del trees[resource]["fields"][field]
    del trees["Project"]["checks"], trees["Task"]["unique"]
    trees["Task"]["filters"].remove("parent.completed")


def _before_0007(trees: Trees) -> None:
    del trees["Comment"], trees["TaskTag"]


def _before_0006(trees: Trees) -> None:
    del trees["Task"]["checks"], trees["Task"]["indexes"]
    trees["Task"]["fields"]["state"] = {"type": "enum", "values": ["todo", "started", "done"], "default": "todo"}


def _before_0005(trees: Trees) -> None:
    del trees["Task"]["fields"]["completed"], trees["Task"]["fields"]["progress"]


def _before_0004(trees: Trees) -> None:
    trees["Task"]["fields"]["priority"] |= {"values": ["low", "urgent"], "default": "low"}
    trees["Project"]["fields"]["status"]["values"].remove("on-hold")


def _before_0003(trees: Trees) -> None:
    fields = trees["Task"]["fields"]
    trees["Task"]["fields"] = {"name": fields.pop("title"), **fields}


def _before_0002(trees: Trees) -> None:
    del trees["Project"], trees["Task"]["fields"]["project"], trees["Task"]["filters"]


_BACK: tuple[Callable[[Trees], None], ...] = (
    _before_0002,
    _before_0003,
    _before_0004,
    _before_0005,
    _before_0006,
    _before_0007,
    _before_0008,
    _before_0009,
    _before_0010,
    _before_0011,
    _before_0012,
    _before_0013,
)


def history() -> list[Trees]:
    """The specs that each revision leads to, the first one first."""
    specs = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(RESOURCES.glob("*.yaml"))]
    found: list[Trees] = [{tree["resource"]: tree for tree in specs}]
    for take_back in reversed(_BACK):
        found.append(copy.deepcopy(found[-1]))
        take_back(found[-1])
    return found[::-1]
