"""The lock: what is written is read again, and no damage whatever ends in a traceback or in a write outside app/."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.lock import LOCK_PATH, FileKind, Lock, LockedFile, digest, frozen_plurals, parse_lock, read_lock, render_lock

A, B = "a" * 64, "b" * 64

LOCK = Lock(
    "0.1.0",
    {"Task": "tasks", "Series": "series"},
    {"resources/task.yaml": {"fields.title": "0123abcd", "page": "89abcdef"}},
    {
        "app/routes/tasks.py": LockedFile("app/routes/tasks.py", FileKind.GENERATED, "resources/task.yaml", (A,)),
        "app/models/__init__.py": LockedFile("app/models/__init__.py", FileKind.GENERATED, None, (B,)),
        "app/extensions/task.py": LockedFile("app/extensions/task.py", FileKind.YOURS, "resources/task.yaml", ()),
        "app/main.py": LockedFile("app/main.py", FileKind.CORE, None, (A,)),
    },
)

TEXT = f"""\
rowsmith.lock 1
generator 0.1.0
plural Series series
plural Task tasks
spec resources/task.yaml fields.title=0123abcd page=89abcdef
app/extensions/task.py yours resources/task.yaml -
app/main.py core - {A}
app/models/__init__.py generated - {B}
app/routes/tasks.py generated resources/task.yaml {A}
"""


def test_the_text_is_sorted_and_says_path_kind_source_and_hash():
    assert render_lock(LOCK) == TEXT


def test_what_is_written_is_read_again():
    reading = parse_lock(TEXT)
    assert reading.lock == LOCK
    assert reading.diagnostics == ()


def test_line_ends_and_a_byte_order_mark_of_a_checkout_make_no_difference():
    assert parse_lock("\ufeff" + TEXT.replace("\n", "\r\n")).lock == LOCK
    assert digest(b"a\r\nb\r\n") == digest(b"a\nb\n") != digest(b"a\nb")


def test_no_lock_is_an_empty_one(tmp_path: Path):
    reading = read_lock(tmp_path)
    assert (reading.lock, reading.text, reading.diagnostics) == (Lock(), None, ())


def test_a_merge_conflict_is_reported_at_its_line_and_both_sides_count():
    conflict = TEXT.replace(
        f"app/routes/tasks.py generated resources/task.yaml {A}\n",
        "<<<<<<< HEAD\n"
        f"app/routes/tasks.py generated resources/task.yaml {A}\n"
        "=======\n"
        f"app/routes/tasks.py generated resources/task.yaml {B}\n"
        f"app/routes/words.py generated resources/word.yaml {B}\n"
        ">>>>>>> other\n",
    )
    reading = parse_lock(conflict)
    assert [(found.code, found.span and found.span.line) for found in reading.diagnostics] == [("RS702", 9)]
    assert "rowsmith generate" in (reading.diagnostics[0].hint or "")
    assert reading.lock.files["app/routes/tasks.py"].digests == (A, B)
    assert "app/routes/words.py" in reading.lock.files


def test_both_hashes_of_an_interrupted_run_survive_being_written():
    files = {"app/models/task.py": LockedFile("app/models/task.py", FileKind.GENERATED, None, (A, B))}
    assert parse_lock(render_lock(Lock(files=files))).lock.files == files


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "app/models/task.py generated resources/task.yaml",  # cut off
        f"app/models/task.py written resources/task.yaml {A}",
        f"app/models/task.py generated resources/task.yaml {A[:-1]}",
        f"app/models/task.py generated resources/task.yaml {A.upper()}",
        f"../outside.py generated - {A}",
        f"app/../outside.py generated - {A}",
        f"/etc/passwd generated - {A}",
        f"app/models/../../../etc/passwd generated - {A}",
        f"app\\models generated - {A}",
        f"app/models/.hidden generated - {A}",
        f"app/models/task.py generated /etc/passwd {A}",
        f"app/models/task.py generated resources/../x.yaml {A}",
        f"app/models/ta\u202esk.py generated - {A}",
        "plural Task ../x",
        "plural task tasks",
        "plural Task",
        "spec resources/task.yaml fields.title",
        "generator 1\x1b[31m",
        "\x00\x00\x00\x00",
    ],
)
def test_a_damaged_line_is_reported_and_the_others_still_count(line: str):
    reading = parse_lock(TEXT + line + "\n")
    assert [(found.code, found.span and found.span.line) for found in reading.diagnostics] == [("RS701", 10)]
    assert reading.lock == LOCK


def test_several_damaged_lines_are_one_finding():
    (finding,) = parse_lock(TEXT + "x\ny\nz\n").diagnostics
    assert "3 lines" in finding.message


def test_a_lock_without_its_first_line_is_damaged_but_read():
    reading = parse_lock(TEXT.removeprefix("rowsmith.lock 1\n"))
    assert [found.code for found in reading.diagnostics] == ["RS701"]
    assert reading.lock.files == LOCK.files


def test_a_lock_cut_anywhere_is_read_as_far_as_it_goes():
    for end in range(len(TEXT)):
        for path, entry in parse_lock(TEXT[:end]).lock.files.items():
            assert entry == LOCK.files[path]


def test_a_lock_of_a_newer_format_is_not_guessed_at():
    reading = parse_lock(TEXT.replace("rowsmith.lock 1", "rowsmith.lock 2"))
    assert [found.code for found in reading.diagnostics] == ["RS703"]
    assert reading.lock == Lock()


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"\x00" * 100, b"", b"\n\n", b"rowsmith.lock 1\r"])
def test_bytes_that_are_no_lock_are_a_finding_or_nothing(tmp_path: Path, data: bytes):
    path = tmp_path / LOCK_PATH
    path.parent.mkdir()
    path.write_bytes(data)
    reading = read_lock(tmp_path)
    assert reading.lock == Lock()
    assert all(found.code == "RS701" for found in reading.diagnostics)


def test_a_folder_in_the_place_of_the_lock_is_no_lock(tmp_path: Path):
    (tmp_path / LOCK_PATH).mkdir(parents=True)
    assert read_lock(tmp_path).lock == Lock()


def test_frozen_plurals_are_read_without_the_rest(tmp_path: Path):
    assert frozen_plurals(tmp_path) == {}
    (tmp_path / "app").mkdir()
    (tmp_path / LOCK_PATH).write_text(TEXT + "damaged\n")
    assert frozen_plurals(tmp_path) == {"Task": "tasks", "Series": "series"}


@given(st.text(max_size=300))
def test_no_text_raises(text: str):
    parse_lock(text)
    parse_lock("rowsmith.lock 1\n" + text)
