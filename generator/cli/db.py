"""`rowsmith db`: revisions of the database, in Alembic's verbs."""

from __future__ import annotations

import contextlib
import re
import shlex
from collections.abc import Generator, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from generator.cli import console
from generator.cli.console import FormatOption, OutputFormat
from generator.cli.development import read_environment
from generator.cli.errors import CommandError, ExitCode
from generator.diagnostics import Diagnostic, error
from generator.embedded import EmbeddedError
from generator.history import HistoryError, texts_with
from generator.ir import Schema
from generator.migrations import distribution
from generator.migrations.branches import ConflictError, common_ancestor, joined, repeated
from generator.migrations.change import at_once
from generator.migrations.consent import ambiguities
from generator.migrations.database import Database, database_of, load
from generator.migrations.diff import Problem
from generator.migrations.findings import of_revisions
from generator.migrations.gradual import finished, gradually
from generator.migrations.operations import Operation, consent_of
from generator.migrations.renames import renames_of
from generator.migrations.revisions import (
    STATE,
    History,
    RevisionError,
    accepted,
    heads_of,
    merge_revision,
    new_revision,
    pending,
    read_history,
    read_parents,
)
from generator.pipeline import load_schema
from generator.write import create, replace_file

if TYPE_CHECKING:
    from generator.migrations.proof import Finding
    from generator.migrations.runner import Target

commands = typer.Typer(help="Keep the database in step with the specs.", no_args_is_help=True, rich_markup_mode=None)

_REVISION = re.compile(r"[+-][0-9]{1,9}|(?!heads?[+-])\w+([+-][0-9]{1,9})?")

Sql = Annotated[bool, typer.Option("--sql", help="Print the SQL instead of running it.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(commands, name="db")


@commands.command()
def revision(
    message: Annotated[
        str | None, typer.Option("--message", "-m", metavar="TEXT", help="What it does; without it, its operations are named.")
    ] = None,
    allow: Annotated[
        list[str] | None, typer.Option("--allow", metavar="OPERATION", help="What may lose data, such as drop:tasks.label; repeatable.")
    ] = None,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why that is allowed; it is noted in the revision.")
    ] = "no reason given",
    replace: Annotated[
        list[str] | None,
        typer.Option("--replace", metavar="OLD=NEW", help="What rows get whose value is gone: tasks.priority.urgent=high; repeatable."),
    ] = None,
    empty: Annotated[bool, typer.Option("--empty", help="Write one even without a change, for steps of your own.")] = False,
    gradual: Annotated[
        bool,
        typer.Option("--gradual", help="Rename fields and change types while applications run."),
    ] = False,
    finish: Annotated[bool, typer.Option("--finish", help="Drop the old names that --gradual has kept for them.")] = False,
    edited: Annotated[
        bool, typer.Option("--edited", help="Write none: note that edits of revisions are meant, which have run nowhere.")
    ] = False,
) -> None:
    """Write the revision that brings the database to the specs.

    Compares the specs with the state that the last revision leads to, and needs no database. What can lose data is refused (exit code 3)
    until it is allowed by its own name.
    """
    root = Path.cwd()
    schema, history = _schema(root), _history(root)
    if edited:
        replace_file(root / STATE, accepted(root, history).encode())
        console.say(f"noted: {', '.join(history.edited)}" if history.edited else "no revision was edited")
        return
    if finish:
        if not (history.database.kept or history.database.views):
            console.say("no revision keeps an old name")
            return
        found = finished(history.database)
    else:
        renames, replacements = renames_of(schema, history.database), dict(_replacement(one) for one in replace or ())
        change = gradually if gradual else at_once
        found = change(history.database, database_of(schema, history.editions), renames, replacements)
    problems = [*found.problems, *ambiguities(found.upgrade, allow or ())]
    if problems:
        raise CommandError(ExitCode.USAGE, *_told(problems))
    consents = _consents(found.upgrade, set(allow or ()))
    if not found.upgrade and not empty:
        console.say("the revisions are up to date with the specs")
        return
    made = new_revision(history, found.target, found.upgrade, found.downgrade, message, dict.fromkeys(consents, reason))
    create(root, {made.path: made.text.encode()})
    replace_file(root / STATE, made.state.encode())
    for one in found.upgrade:
        console.say(f"  {one.summary}")
    console.say(f"\nWrote {made.path}. Read it and commit it; `rowsmith db upgrade` runs it.")
    if found.target.kept or found.target.views:
        console.say(_kept(found.target))


@commands.command()
def merge() -> None:
    """Join the revisions of two branches.

    Writes a revision that comes after both, and changes neither: every database gets what it lacks, in whichever order it had them. The
    states that both lead to are read from git. Refused (exit code 3) where both change the same thing.
    """
    root = Path.cwd()
    parents = _parents(root)
    heads = heads_of(parents)
    if len(heads) < 2:
        console.say("the revisions have one head: there is nothing to join")
        return
    base = common_ancestor(parents, heads)
    before = _state_of(root, base) if base else Database()
    together, *others = states = [_state_of(root, head) for head in heads]
    try:
        for other in others:
            together = joined(before, together, other)
    except ConflictError as conflict:
        hint = "keep one of the revisions; where the other has run, `rowsmith db downgrade -1`; then delete it, restore the first one's\n"
        hint += f"{STATE}, and run `rowsmith db revision`: it writes the rest anew, on top"
        raise CommandError(ExitCode.REFUSED, f"the branches change the same: {', '.join(conflict.subjects)}", hint) from conflict
    made = merge_revision(root, heads, together, repeated(before, states, together))
    create(root, {made.path: made.text.encode()})
    replace_file(root / STATE, made.state.encode())
    console.say(f"Wrote {made.path}, which comes after {' and '.join(heads)}. Commit it with {STATE}.")


def _parents(root: Path) -> dict[str, tuple[str, ...]]:
    try:
        return read_parents(root)
    except RevisionError as problem:
        raise CommandError(ExitCode.USAGE, problem.message, problem.hint) from problem


def _state_of(root: Path, revision: str) -> Database:
    """The database that a revision leads to, as it was committed with it."""
    try:
        for text in texts_with(root, STATE, f'"revision": "{revision}"'):
            with contextlib.suppress(ValueError):
                state = load(text)
                if state.revision == revision:
                    return state.database
    except HistoryError as problem:
        raise CommandError(ExitCode.ENVIRONMENT, problem.message, problem.hint) from problem
    hint = "fetch the branch that it comes from, with its history (`git fetch --unshallow`)"
    raise CommandError(ExitCode.ENVIRONMENT, f"git has no {STATE} of revision {revision}", hint)


@commands.command()
def upgrade(to: Annotated[str, typer.Argument(metavar="REVISION", help="How far: an id, +1, or head.")] = "head", sql: Sql = False) -> None:
    """Bring the database to a revision.

    It is the database of MIGRATION_DATABASE_URL or DATABASE_URL; without them, the embedded one.
    """
    from generator.migrations import proof, runner  # noqa: PLC0415 - Alembic and its driver take a while to load

    root, to = Path.cwd(), _revision(to, sql=sql)
    _history(root)
    with _database(root, offline=sql) as target:
        if not sql and (at := proof.adopt(root, target)):
            console.say(f"The tables of the database are those of {at}, which is noted now.")
        runner.upgrade(root, target, to, sql=sql)
        if not sql:
            console.say(f"The database is at {runner.current(target) or 'base'}.")


@commands.command(context_settings={"ignore_unknown_options": True})  # -1 is a revision
def downgrade(to: Annotated[str, typer.Argument(metavar="REVISION", help="How far back: an id, -1, or base.")], sql: Sql = False) -> None:
    """Take revisions back.

    What a revision has added is dropped with its data; what it has dropped comes back without it.
    """
    from generator.migrations import runner  # noqa: PLC0415 - Alembic and its driver take a while to load

    root, to = Path.cwd(), _revision(to, sql=sql)
    _history(root)
    with _database(root, offline=sql) as target:
        runner.downgrade(root, target, to, sql=sql)
        if not sql:
            console.say(f"The database is at {runner.current(target) or 'base'}.")


def _revision(to: str, *, sql: bool) -> str:
    """A revision as Alembic takes it, or two with a colon between, as it takes them for --sql."""
    first, colon, last = to.partition(":")
    if not all(_REVISION.fullmatch(one) for one in ((first, last) if sql and colon else (to,))):
        hint = "write an id, head, base, +1 or -1; `rowsmith db status` says which revisions there are"
        raise CommandError(ExitCode.USAGE, f"`{to}` is no revision", hint)
    return to


@commands.command()
def status() -> None:
    """Say which revision the database is at, and what is missing.

    Ends with exit code 1 when the database lacks revisions, or the specs have changes that no revision has.
    """
    from generator.migrations import runner  # noqa: PLC0415 - as above

    root = Path.cwd()
    schema, history = _schema(root), _history(root)
    changes = pending(schema, history)
    with _database(root) as target:
        at = runner.current(target)
        missing = runner.missing(root, at)
    lines = [f"database   {at or 'base'}", f"revisions  {history.head or 'none'}", f"specs      {_changes(changes)}"]
    console.data("\n".join(lines) + "\n")
    if changes:
        console.say("\n`rowsmith db revision` writes a revision for the changes of the specs.")
    if history.database.kept or history.database.views:
        console.say(f"\n{_kept(history.database)}")
    if missing:
        console.say(f"\nThe database lacks {console.count(len(missing), 'revision')}; `rowsmith db upgrade` runs what is missing.")
    if changes or missing:
        raise typer.Exit(ExitCode.FINDINGS)


@commands.command()
def check(output: FormatOption = OutputFormat.TEXT) -> None:
    """Prove that revisions lead to the models and keep every row.

    Runs each revision up, down and up again on a PostgreSQL of its own, over rows that it makes, and compares its catalog at the end with
    that of the models. Ends with exit code 1 and the differences where something does not hold.
    """
    from generator.migrations import proof  # noqa: PLC0415 - as above

    root = Path.cwd()
    schema = _schema(root, output)
    unsound = [one for one in of_revisions(root, schema) if one.code != "RS742"]  # an edited one is proven as it is
    if any(one.code == "RS741" for one in unsound):
        console.fail(ExitCode.FINDINGS, unsound, output, root)
    if read_history(root).head is None:
        console.say("there are no revisions to check; `rowsmith db revision` writes the first one")
        console.report((), output, root)
        return
    try:
        with proof.scratch() as server:
            found = proof.prove(root, server, console.progress)
    except proof.ModelsError as problem:
        message = f"the tables of app/models cannot be made: {problem}"
        raise CommandError(ExitCode.FINDINGS, message, "mend that; `rowsmith check` says whether the code is current") from problem
    except EmbeddedError as problem:
        raise CommandError(ExitCode.ENVIRONMENT, problem.message, problem.hint) from problem
    for note in found.notes:
        console.say(f"note: {note}")
    for finding in found.findings if output is OutputFormat.TEXT else ():
        console.data(_told_finding(finding))
    unproven = [] if output is OutputFormat.TEXT else [one for finding in found.findings for one in _as_diagnostics(finding)]
    console.report([*unproven, *unsound], output, root)
    if found.findings or unsound:
        raise typer.Exit(ExitCode.FINDINGS)
    console.say(f"{console.count(found.revisions, 'revision')}: up, down and up again, every row kept, and the end is that of the models")


def _as_diagnostics(finding: Finding) -> Iterator[Diagnostic]:
    """A finding for programs: each fact in which two databases differ by itself."""
    hint = "`rowsmith db check` shows all of it; what is missing goes into a revision: rowsmith db revision --empty"
    if not finding.differences:
        yield error("RS743", finding.message, None, hint=hint)
    for one in finding.differences:
        facts = ", ".join(f"{side}: {fact or 'nothing'}" for side, fact in zip(finding.sides, (one.first, one.second), strict=True))
        yield error("RS743", f"{finding.message}: {one.about} ({facts})", None, hint=hint)


@commands.command()
def distribute(
    prepare: Annotated[
        bool, typer.Option("--prepare", help="The first part alone: what the application needs before CITUS is set to true.")
    ] = False,
    run: Annotated[bool, typer.Option("--apply", help="Run it instead of printing it.")] = False,
) -> None:
    """Distribute the tables over a Citus cluster.

    Prints SQL for psql, with the checks in front. Reads and writes go on meanwhile, but references between tables are dropped until the
    end: what refers to a row that is deleted in between is found then, and has to be mended. With --apply it runs from here; run again,
    it goes on where it stopped.
    """
    root = Path.cwd()
    plan = distribution.plan_of(_schema(root))
    if run:
        _distribute(root, plan, prepare=prepare)
        return
    with _database(root, offline=True) as target:
        statements = (
            distribution.preparation(target.app_role)
            if prepare
            else [distribution.checks(plan.tables), distribution.PATIENT, *chain.from_iterable(distribution.conversion(plan))]
        )
    hint = (
        "afterwards restart the application with CITUS=true"
        if prepare
        else "what is canceled due to its timeout did not get its locks: run the rest again, from its BEGIN"
    )
    console.data("\n".join([f"-- For psql; {hint}.", "\\set ON_ERROR_STOP on", *(f"{statement};" for statement in statements)]) + "\n")


def _distribute(root: Path, plan: distribution.Plan, *, prepare: bool) -> None:
    from generator.migrations import distributor  # noqa: PLC0415 - as above

    with _database(root) as target:
        if prepare:
            distributor.prepare(target, _shown)
            console.say("Set CITUS=true and restart the application; then run `rowsmith db distribute --apply`.")
            return
        found = distributor.problems(target, plan)
        for _, problem in found:
            console.data(f"{problem}\n")
        if found:
            of_cluster = any(about == "cluster" for about, _ in found)
            raise typer.Exit(ExitCode.ENVIRONMENT if of_cluster else ExitCode.FINDINGS)
        distributor.convert(target, plan, _shown)
        console.say(f"{console.count(len(plan.tables), 'table')} distributed by user_id.")


def _shown(statement: str) -> None:
    console.say(f"{statement};")


def _told_finding(finding: Finding) -> str:
    """A finding with the facts in which two databases differ, one under the other."""
    lines = [f"{finding.message}{':' if finding.differences else ''}"]
    width = max(map(len, finding.sides)) + 2
    for one in finding.differences:
        lines.append(f"  {one.about}")
        lines += [f"    {side:<{width}}{fact or 'nothing'}" for side, fact in zip(finding.sides, (one.first, one.second), strict=True)]
    return "\n".join(lines) + "\n"


def _schema(root: Path, output: OutputFormat = OutputFormat.TEXT) -> Schema:
    schema, diagnostics = load_schema(root)
    if schema is None:
        console.fail(ExitCode.USAGE, diagnostics, output, root)
    return schema


def _history(root: Path) -> History:
    try:
        return read_history(root)
    except RevisionError as problem:
        raise CommandError(ExitCode.USAGE, problem.message, problem.hint) from problem


@contextlib.contextmanager
def _database(root: Path, *, offline: bool = False) -> Generator[Target]:
    from generator.migrations.runner import MigrationError, target_of  # noqa: PLC0415 - as above

    try:
        with target_of(root, read_environment(root), offline=offline) as target:
            yield target
    except MigrationError as problem:
        code = ExitCode.REFUSED if problem.is_data else ExitCode.USAGE if problem.is_usage else ExitCode.ENVIRONMENT
        raise CommandError(code, problem.message, problem.hint) from problem
    except EmbeddedError as problem:
        raise CommandError(ExitCode.ENVIRONMENT, problem.message, problem.hint) from problem


def _consents(operations: tuple[Operation, ...], allowed: set[str]) -> list[str]:
    """The operations that can lose data, each of which has been allowed."""
    needed = sorted({name for one in operations if (name := consent_of(one)) is not None})
    refused = [name for name in needed if name not in allowed]
    if refused:
        hint = "if that is meant: rowsmith db revision " + " ".join(f"--allow {shlex.quote(name)}" for name in refused)
        raise CommandError(ExitCode.REFUSED, f"the revision would lose data: {', '.join(refused)}", hint)
    unknown = sorted(allowed.difference(needed))
    if unknown:
        hint = f"these can: {', '.join(needed)}" if needed else "nothing in this revision can"
        raise CommandError(ExitCode.USAGE, f"--allow {unknown[0]}: that is nothing in this revision that can lose data", hint)
    return needed


def _replacement(text: str) -> tuple[tuple[str, str, str], str]:
    """`table.column.old=new`."""
    place, _, new = text.partition("=")
    parts = place.split(".", 2)
    if not new or len(parts) != 3:
        raise CommandError(ExitCode.USAGE, f"`--replace {text}` is no replacement", "write it as --replace tasks.priority.urgent=high")
    return (parts[0], parts[1], parts[2]), new


def _told(problems: list[Problem]) -> tuple[str, str]:
    """Every problem in one message, with the hint of the last one."""
    *others, last = problems
    told = [f"{one.message}\n\n  = hint: {one.hint}\n\nerror: " for one in others]
    return "".join(told) + last.message, last.hint


def _kept(database: Database) -> str:
    """Which old names are there beside the new ones, and what ends that."""
    pairs = [(view.name, view.table) for view in database.views] + [(one.name, one.twins.new.name) for one in database.kept]
    names = ", ".join(f"{old} (now {new})" for old, new in pairs)
    return f"Kept for what runs of the old version: {names}.\nOnce that has ended: rowsmith db revision --finish"


def _changes(operations: tuple[Operation, ...]) -> str:
    return f"{console.count(len(operations), 'change')} without a revision" if operations else "up to date"
