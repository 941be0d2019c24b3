"""The long text of every diagnostic code, for `rowsmith explain CODE` and for SARIF.

How to add a code:

1. Take the next free number of its group: RS1xx files, syntax and characters; RS2xx names and references; RS3xx types and values;
   RS4xx constraints, checks and indexes; RS5xx operations, hooks and pages; RS6xx warnings; RS7xx differences that `check` finds;
   RS9xx not available in this version. A published code is never given another meaning.
2. Add an entry to `CODES` below, in the order of the codes. `title` is one line without a full stop. `meaning` says what is wrong and
   why it is refused, in two or three sentences. `wrong` and `right` are the same few lines of YAML (or shell) before and after.
3. Add a case for it to tests/errors (see the docstring of tests/errors/conftest.py).

Tests check that every code used in generator/ is documented here, that every documented one is used, and that each has a case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CodeInfo:
    """What one code means.

    `title` is one line; `meaning` is prose (paragraphs separated by blank lines); `wrong` and `right` are an example before and after
    it is mended.
    """

    title: str
    meaning: str
    wrong: str
    right: str

    @property
    def explanation(self) -> str:
        """The long text, in Markdown: the meaning, the wrong example and the mended one."""
        return f"{self.meaning}\n\nWrong:\n\n{_indented(self.wrong)}\n\nRight:\n\n{_indented(self.right)}"


def _indented(example: str) -> str:
    return "\n".join(f"    {line}" if line else "" for line in example.strip("\n").split("\n"))


CODES: Mapping[str, CodeInfo] = {
    "RS101": CodeInfo(
        title="a character that YAML or Rowsmith does not allow",
        meaning="The file holds a control character.",
        wrong="description: a\\x07b",
        right="description: ab",
    ),
}
