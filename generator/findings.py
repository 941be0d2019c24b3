"""What `rowsmith check` says about a comparison: one diagnostic for each difference, with its cause and the cure."""

from __future__ import annotations

import difflib
import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from generator import hooks
from generator.diagnostics import WIDTH, Diagnostic, Related, error
from generator.drift import REFUSED, Drift, FileDrift, State
from generator.ir import Resource, Schema, Span
from generator.lock import LOCK_PATH, FileKind
from generator.targets import targets_of

GENERATE = "`rowsmith generate` brings it up to date"
MANY = 40
"""Files in one state of which not each is worth a line."""
FEW = 10


def findings(root: Path, drift: Drift) -> list[Diagnostic]:
    """Everything in which the project differs from its specs: the lock, the generated files, the hooks. OSError: unreadable files."""
    found = list(drift.reading.diagnostics)
    found += of_files(drift.files, drift.schema)
    found += [_stray(path) for path in drift.strays]
    if not found and not drift.lock_is_current:
        found.append(_lock_outdated(drift))
    return [*found, *_of_hooks(root, drift)]


def of_files(files: Iterable[FileDrift], schema: Schema) -> list[Diagnostic]:
    """The findings about files, none for those that are as they should be. A missing extension file is a matter of its hooks."""
    found: list[Diagnostic] = []
    by_source = {resource.source: resource for resource in schema.resources}
    for file in files:
        resource = by_source.get(file.source) if file.source is not None else None
        match file.state:
            case State.NEW | State.MISSING if file.kind is FileKind.GENERATED or resource is None:
                found.append(_missing(file, resource))
            case State.STALE:
                found.append(_stale(file))
            case State.EDITED:
                found.append(_edited(file, resource))
            case State.UNKNOWN:
                found.append(_unknown(file))
            case State.ORPHAN | State.ORPHAN_EDITED:
                found.append(_orphan(file))
            case State.BLOCKED:
                found.append(_blocked(file))
            case _:
                pass
    return found


def _blocked(file: FileDrift) -> Diagnostic:
    message = f"`{file.path}` cannot be written: {file.problem}"
    return error("RS718", message, None, hint="move away what stands there, then run `rowsmith generate`")


def _missing(file: FileDrift, resource: Resource | None) -> Diagnostic:
    message = f"`{file.path}` is missing"
    message += " and was generated before" if file.state is State.MISSING else ""
    return error("RS710", message, resource.span if resource else None, hint="`rowsmith generate` writes it")


def _stale(file: FileDrift) -> Diagnostic:
    first, *others = file.causes
    if not first.is_spec:
        message = f"`{file.path}` is out of date: the generator changed"
        return error("RS712", message, Span(file.path, 1, 1), first.message, hint=GENERATE)
    if first.span is None:
        return error("RS711", f"`{file.path}` is out of date: `{first.subject}` was removed", Span(file.path, 1, 1), hint=GENERATE)
    related = [Related(cause.message, cause.span) for cause in others if cause.span is not None]
    generator = "".join(f"\nThe generator changed too: {cause.message}." for cause in others if not cause.is_spec)
    message = f"`{file.path}` is out of date: `{first.subject}` changed"
    return error("RS711", message, first.span, first.message, hint=f"{GENERATE}{generator}", related=related)


def _edited(file: FileDrift, resource: Resource | None) -> Diagnostic:
    line = _first_difference(file)
    if b"<<<<<<< " in (file.current or b""):
        hint = f"generated files need no merging: merge the specs, then run\n`rowsmith generate --force {file.path}`"
        return error("RS713", f"`{file.path}` holds an unresolved merge conflict", line, hint=hint)
    return error("RS713", f"`{file.path}` was edited by hand", line, "the first difference", hint=edit_hint(file, resource))


def edit_hint(file: FileDrift, resource: Resource | None) -> str:
    """Where a change that was made to a generated file belongs instead, and how to discard it there."""
    if resource is None:
        place = f"the specs, or {hooks.SETUP_PATH}"
    elif resource.hooks:
        place = f"{resource.source}, or the hooks in {hooks.extension_path(resource)}"
    else:
        place = (
            f"{resource.source}, or a hook in {hooks.extension_path(resource)}\n(declare it first, for example `hooks: [before_create]`)"
        )
    return f"move the change to {place}; then discard the edit:\n`rowsmith generate --force {file.path}`"


def _unknown(file: FileDrift) -> Diagnostic:
    message = f"`{file.path}` exists, and the lock does not say that it was generated"
    hint = f"move it away if it is yours; to replace it, run\n`rowsmith generate --force {file.path}`"
    return error("RS716", message, _first_difference(file), hint=hint)


def _orphan(file: FileDrift) -> Diagnostic:
    place = Span(file.path, 1, 1)
    gone = f"no spec gives it any more (it came from `{file.source}`)" if file.source else "no spec gives it any more"
    if file.state is State.ORPHAN:
        return error("RS714", f"`{file.path}` is left over", place, gone, hint="`rowsmith generate` deletes it")
    hint = f"keep what you need of it elsewhere, then delete it:\n`rowsmith generate --force {file.path}`"
    return error("RS715", f"`{file.path}` is left over, and was edited by hand", place, gone, hint=hint)


def _stray(path: str) -> Diagnostic:
    message = f"`{path}` says that it was generated, but neither the specs nor the lock know it"
    return error("RS717", message, Span(path, 1, 1), hint="delete it if nothing needs it")


def _lock_outdated(drift: Drift) -> Diagnostic:
    if drift.reading.text is None:
        return error("RS704", f"`{LOCK_PATH}` is missing", None, hint="`rowsmith generate` writes it; commit it with app/")
    message = f"`{LOCK_PATH}` does not say what was generated from which specs"
    return error("RS704", message, Span(LOCK_PATH, 1, 1), hint="`rowsmith generate` writes it anew; commit it with app/")


def _first_difference(file: FileDrift) -> Span:
    """The first line on disk that differs from what the specs give."""
    current = (file.current or b"").decode("utf-8", errors="replace").replace("\r\n", "\n").split("\n")
    wanted = (file.wanted or "").split("\n")
    pairs = enumerate(zip(current, wanted, strict=False), 1)
    number = next((number for number, (ours, theirs) in pairs if ours != theirs), min(len(current), len(wanted)) + 1)
    number = min(number, len(current))
    line = current[number - 1]
    return Span(file.path, number, 1 + len(line) - len(line.lstrip()), max(len(line.strip()), 1))


def _of_hooks(root: Path, drift: Drift) -> Iterator[Diagnostic]:
    read = targets_of(root)
    for resource in drift.schema.resources:
        target = read(hooks.extension_path(resource))
        if target.problem is None:
            yield from hooks.check_extension(resource, target.data)
    sources = {resource.source for resource in drift.schema.resources}
    for entry in drift.wanted.files.values():
        if entry.kind is FileKind.YOURS and entry.source is not None and entry.source not in sources:
            yield hooks.check_leftover(entry.path, drift.schema)


def summary(drift: Drift, forced: Collection[str] = ()) -> list[str]:
    """A line or two for each file that `generate` writes or deletes: a sign, the path, and why. Of many that are alike, the first few."""
    files = (*drift.changed, *drift.blocked)
    alike = Counter(file.state for file in files)
    seen: Counter[State] = Counter()
    lines: list[str] = []
    for file in files:
        seen[file.state] += 1
        sign, reason = _sign_and_reason(file, file.path in forced)
        if alike[file.state] <= MANY or seen[file.state] <= FEW or file.state in {*REFUSED, State.BLOCKED}:
            lines.append(_summary_line(sign, reason, file.path))
        elif seen[file.state] == alike[file.state]:
            lines.append(f"{sign} … {alike[file.state] - FEW:,} more")
    return lines


def _summary_line(sign: str, reason: str, path: str) -> str:
    line = f"{sign} {path}  ({reason})"
    return line if len(line) <= WIDTH else f"{sign} {path}\n    ({reason})"


def _sign_and_reason(file: FileDrift, forced: bool) -> tuple[str, str]:
    match file.state:
        case State.NEW:
            return "+", "new; yours from now on" if file.kind is FileKind.YOURS else "new"
        case State.MISSING:
            return "+", "was missing"
        case State.STALE:
            return "~", _short_cause(file)
        case State.ORPHAN:
            return "-", "its resource is gone"
        case _ if forced:
            return "~" if file.wanted is not None else "-", f"{file.state}; forced"
        case _:
            return "!", file.problem or file.state


def _short_cause(file: FileDrift) -> str:
    first = file.causes[0]
    if not first.is_spec:
        return "the generator changed"
    if first.span is None:
        return f"{first.subject} was removed"
    what = first.message.replace("it was", "was")
    more = f" and {len(file.causes) - 1} more" if len(file.causes) > 1 else ""
    return f"{first.span.path}:{first.span.line} {what}{more}"


def project_path(root: Path, path: str) -> str:
    """A path of the command line, relative to the current folder or absolute, as the lock writes it."""
    return Path(os.path.relpath(path or root, root)).as_posix()


def closest_path(path: str, drift: Drift) -> str | None:
    """The file of app/ that was probably meant by a path that names none."""
    near = difflib.get_close_matches(path, [file.path for file in drift.files], 1)
    return near[0] if near else None
