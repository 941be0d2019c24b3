"""docs/migrations.md: the gradual revision that it shows, as it is printed. `--update` rewrites it."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.cli import main
from tests.support.generated import write_specs
from tests.support.pages import ROOT, blocks
from tests.support.specs import spec

PAGE = ROOT / "docs/migrations.md"
FIELD = "title: {type: string, max_length: 200, sort: true}"


def test_the_gradual_revision_that_is_shown(
    tmp_path: Path, update: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (block,) = (block for block in blocks(PAGE, "text") if block.text.startswith("$ rowsmith db revision --gradual\n"))
    monkeypatch.chdir(tmp_path)
    write_specs(tmp_path, {"task": spec(FIELD)})
    main(["db", "revision"])
    write_specs(tmp_path, {"task": spec(FIELD.replace("title: {", "headline: {renamed_from: title, "))})
    capsys.readouterr()
    main(["db", "revision", "--gradual"])
    printed = f"$ rowsmith db revision --gradual\n{capsys.readouterr().err}"
    if update:
        PAGE.write_text(PAGE.read_text(encoding="utf-8").replace(block.text, printed), encoding="utf-8")
    assert update or printed == block.text
