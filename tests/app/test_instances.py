"""Instances of tables that an extension makes: they have the defaults that a create has."""

from __future__ import annotations

import json

from tests.support.database import temporary_folder
from tests.support.generated import run_python, write_core, write_specs
from tests.support.project import rowsmith

SPEC = """\
resource: Note
fields:
  title: string
  key: {type: uuid, default: generate}
  maybe: {type: uuid, nullable: true, default: generate}
  day: {type: date, default: today}
  at: {type: datetime, default: now}
  clock: {type: time, default: now}
  stamp: {type: datetime, default: now, write: never}
  color: {type: string, nullable: true, default: blue}
  size: {type: integer, default: 3}
  words: {type: list, of: string, default: [a]}
  tree: {type: json, default: {a: []}}
  nothing: text?
"""

LOOK = """
import json
from app.models.note import Note

first, second = Note(title="a"), Note(title="b", color=None, size=4)
kinds = {name: type(getattr(first, name)).__name__ for name in ("key", "maybe", "day", "at", "clock", "stamp", "nothing")}
first.words.append("b")
first.tree["a"].append(1)
print(json.dumps({
    "kinds": kinds,
    "zone": str(first.at.tzinfo),
    "own": first.key != second.key,
    "first": [first.color, first.size],
    "second": [second.color, second.size, second.words, second.tree],
    "nullable": sorted(column.name for column in Note.__table__.columns if column.nullable),
}))
"""


def test_an_instance_has_every_default_of_its_spec():
    with temporary_folder() as root:
        write_core(root)
        write_specs(root, {"note": SPEC})
        answer = rowsmith(root, "generate")
        assert answer.returncode == 0, answer.stderr
        found = json.loads(run_python(root, "-c", LOOK))
    assert found == {
        "kinds": {
            "key": "UUID",
            "maybe": "UUID",
            "day": "date",
            "at": "datetime",
            "clock": "time",
            "stamp": "datetime",
            "nothing": "NoneType",
        },
        "zone": "UTC",
        "own": True,
        "first": ["blue", 3],
        "second": [None, 4, ["a"], {"a": []}],
        "nullable": ["color", "maybe", "nothing"],
    }
