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
    "RS701": CodeInfo(
        title="the lock is damaged",
        meaning=(
            "app/rowsmith.lock says which files of app/ were generated, and from which specs. A line of it cannot be read, so that a "
            "generated file may look like one that was edited by hand. Nothing in the lock needs to be mended by hand."
        ),
        wrong="$ head -1 app/rowsmith.lock\nrowsmith.lo",
        right="$ git checkout app/rowsmith.lock    # where it was good once\n$ rowsmith generate",
    ),
    "RS702": CodeInfo(
        title="the lock has an unresolved merge conflict",
        meaning=(
            "Two branches changed the specs, and git could not merge app/rowsmith.lock. It needs no resolving: merge the specs, then "
            "generate. Until then both sides of the conflict count as known."
        ),
        wrong="<<<<<<< HEAD\napp/models/task.py generated resources/task.yaml 81f0…\n=======",
        right="$ git checkout --theirs app/models app/routes\n$ rowsmith generate\n$ git add app",
    ),
    "RS703": CodeInfo(
        title="the lock was written by a newer Rowsmith",
        meaning="Its format is one that this version does not know, so that going on could overwrite files that it knows and we do not.",
        wrong="$ rowsmith --version    # older than your colleague's",
        right="$ pip install --upgrade rowsmith\n$ rowsmith generate",
    ),
    "RS704": CodeInfo(
        title="the lock is missing or out of date",
        meaning=(
            "The generated files are current, but app/rowsmith.lock does not say so: it was not committed with them, or a merge left it "
            "behind. Without it, hand edits cannot be told from generated text."
        ),
        wrong="$ git add app/models app/routes",
        right="$ rowsmith generate\n$ git add app",
    ),
    "RS710": CodeInfo(
        title="a generated file is missing",
        meaning="A spec gives a file that is not there: the spec is new, the file was deleted, or it was not committed.",
        wrong="$ rm app/models/task.py",
        right="$ rowsmith generate",
    ),
    "RS711": CodeInfo(
        title="a generated file is out of date: a spec changed",
        meaning=(
            "The file was generated from an earlier state of the spec. The place shown is the part of the spec that has changed since; "
            "further changed parts follow as notes."
        ),
        wrong="$ edit resources/task.yaml    # and nothing else",
        right="$ edit resources/task.yaml\n$ rowsmith generate",
    ),
    "RS712": CodeInfo(
        title="a generated file is out of date: the generator changed",
        meaning=(
            "No spec that the file depends on has changed since it was generated, but this Rowsmith writes it differently. Generate in a "
            "commit of its own, so that the change can be reviewed apart from changes of specs."
        ),
        wrong="$ pip install --upgrade rowsmith    # and nothing else",
        right="$ pip install --upgrade rowsmith\n$ rowsmith generate",
    ),
    "RS713": CodeInfo(
        title="a generated file was edited by hand",
        meaning=(
            "The file is neither what the specs give now nor what was generated last. The next run would lose the edit, so `generate` "
            "refuses it. What the spec language can say belongs into the spec, everything else into a hook in app/extensions/, or into "
            "`setup()` of app/extensions/__init__.py."
        ),
        wrong="# app/routes/tasks.py\nasync def create_task(...):\n    send_mail(...)    # added by hand",
        right=(
            "# resources/task.yaml\nhooks: [after_commit]\n\n"
            "# app/extensions/task.py\nasync def after_commit(change: Change[Task]) -> None:\n    send_mail(...)"
        ),
    ),
    "RS714": CodeInfo(
        title="a generated file is left over",
        meaning="The spec that it came from is gone, or gives another file now. As nobody has edited it, `generate` deletes it.",
        wrong="$ rm resources/task.yaml    # and nothing else",
        right="$ rm resources/task.yaml\n$ rowsmith generate",
    ),
    "RS715": CodeInfo(
        title="a generated file is left over, and was edited by hand",
        meaning="The spec that it came from is gone, but the file holds an edit that deleting it would lose.",
        wrong="$ rm resources/task.yaml\n$ rowsmith generate",
        right="$ rm resources/task.yaml\n$ rowsmith generate --force app/models/task.py",
    ),
    "RS716": CodeInfo(
        title="a file stands where a generated one belongs",
        meaning="The lock does not know the file, so it may be yours. It is neither overwritten nor deleted.",
        wrong="$ touch app/models/task.py\n$ rowsmith new Task title:string\n$ rowsmith generate",
        right="$ mv app/models/task.py app/extensions/\n$ rowsmith generate",
    ),
    "RS717": CodeInfo(
        title="a file says that it was generated, but nothing knows it",
        meaning=(
            "A file in app/models/ or app/routes/ bears the header of a generated file, but no spec gives it and the lock does not "
            "know it: it was copied, or its resource was removed while the lock was lost. It is not deleted for you."
        ),
        wrong="$ cp app/models/task.py app/models/task_copy.py",
        right="$ rm app/models/task_copy.py",
    ),
    "RS718": CodeInfo(
        title="something that is no file stands where a generated one belongs",
        meaning="It is a folder, a named pipe, or a symbolic link that leads out of the project. Nothing is written through it.",
        wrong="$ ln -s /etc/hosts app/models/task.py",
        right="$ rm app/models/task.py\n$ rowsmith generate",
    ),
    "RS720": CodeInfo(
        title="a declared hook is not defined",
        meaning=(
            "The spec declares a hook that its extension file does not define, so the generated routes would fail on import. The file is "
            "yours and is not changed for you: the hint shows the function to add."
        ),
        wrong="hooks: [before_create, after_commit]    # and only before_create in app/extensions/task.py",
        right="async def after_commit(change: Change[Task]) -> None:\n    ...",
    ),
    "RS721": CodeInfo(
        title="a function looks like a hook but is none",
        meaning="Its name is no hook's, so it would never run. Give it a hook's name, or, where it is a helper, another one.",
        wrong="async def before_crate(session: Transaction, row: Task) -> None: ...",
        right="async def before_create(session: Transaction, row: Task) -> None: ...",
    ),
    "RS722": CodeInfo(
        title="a hook is defined but not declared",
        meaning="Only the hooks that a spec declares are called: this one would never run.",
        wrong="hooks: [before_create]    # and after_commit in app/extensions/task.py",
        right="hooks: [before_create, after_commit]",
    ),
    "RS723": CodeInfo(
        title="a hook has a stale signature",
        meaning="The generated routes call a hook with its arguments in order. Names, annotations and `async` must be those of the hint.",
        wrong="async def before_update(session: Transaction, row: Task) -> None: ...",
        right="async def before_update(session: Transaction, row: Task, changes: dict[str, Any]) -> None: ...",
    ),
    "RS724": CodeInfo(
        title="an extension file is missing",
        meaning="The spec declares hooks, but the file that defines them is not there.",
        wrong="$ rm app/extensions/task.py",
        right="$ rowsmith generate    # creates it once, with a stub for each hook",
    ),
    "RS725": CodeInfo(
        title="an extension file is not valid Python",
        meaning="Its hooks cannot be compared with the spec, and the application would not start.",
        wrong="async def before_create(session, row)\n    ...",
        right="async def before_create(session: Transaction, row: Task) -> None:\n    ...",
    ),
    "RS726": CodeInfo(
        title="an extension file belongs to no resource",
        meaning="It was created for a resource that no spec defines any more. It is yours, so it is never deleted for you.",
        wrong="$ rm resources/task.yaml\n$ rowsmith generate",
        right="$ rm resources/task.yaml app/extensions/task.py\n$ rowsmith generate",
    ),
}
