"""The hook protocol: each hook's signature, the stub that a resource's extension file starts as, and the check of what became of it.

A hook is an async function of `app/extensions/<module>.py`, declared in the spec's `hooks` and called positionally by the generated
routes. `SIGNATURES` is the only place that says how; the stubs are written from it and the extension files are checked against it, by
reading their syntax tree: nothing of the project is imported or run.
"""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterator

from generator.diagnostics import Diagnostic, Related, error
from generator.ir import HOOKS, Hook, Resource, Schema, Span
from generator.records import record

EXTENSIONS = "app/extensions"
SETUP_PATH = f"{EXTENSIONS}/__init__.py"
_WIDTH = 140


@record
class Signature:
    """What a hook takes, in order, as (name, annotation); `{row}` in an annotation stands for the resource's table class."""

    parameters: tuple[tuple[str, str], ...]
    docstring: str


_SESSION = ("session", "Transaction")

SIGNATURES: dict[str, Signature] = {
    "before_create": Signature((_SESSION, ("row", "{row}")), "Runs before the row is inserted; what it changes in `row` is inserted."),
    "after_create": Signature((_SESSION, ("row", "{row}")), "Runs after the row was inserted, in the same transaction."),
    "before_update": Signature(
        (_SESSION, ("row", "{row}"), ("changes", "dict[str, Any]")),
        "Runs before an update: `row` is as stored, `changes` the new values by column; what it changes there is written.",
    ),
    "after_update": Signature(
        (_SESSION, ("before", "{row}"), ("row", "{row}")), "Runs after an update, in the same transaction: the row as it was and as it is."
    ),
    "before_delete": Signature((_SESSION, ("row", "{row}")), "Runs before the row is deleted."),
    "after_delete": Signature((_SESSION, ("row", "{row}")), "Runs after the row was deleted, in the same transaction."),
    "after_commit": Signature((("change", "Change[{row}]"),), "Runs once the change is committed: it can no longer be refused."),
}

_TAKEN = frozenset({"Any", "Change", "Transaction"})
"""Names that a stub imports; a resource of such a name is referred to through its module."""


def extension_path(resource: Resource) -> str:
    """Where the hooks of a resource live."""
    return f"{EXTENSIONS}/{resource.module}.py"


# --- stubs --------------------------------------------------------------------------------------------------------------------------


def stubs(schema: Schema) -> dict[str, tuple[str, str | None]]:
    """The files of app/extensions/ that the project needs, as path → (initial text, spec): each is written once, when it is absent."""
    files: dict[str, tuple[str, str | None]] = {SETUP_PATH: (SETUP_STUB, None)}
    for resource in schema.resources:
        if resource.hooks:
            files[extension_path(resource)] = (extension_stub(resource), resource.source)
    return files


def extension_stub(resource: Resource) -> str:
    """The text of a new extension file: one function for each hook that the spec declares."""
    names = [hook.name for hook in resource.hooks]
    annotations = " ".join(annotation for name in names for _, annotation in SIGNATURES[name].parameters)
    session = [name for name in ("Change", "Transaction") if re.search(rf"\b{name}\b", annotations)]
    lines = [
        f'"""Hooks of {resource.name}: this file is yours, and Rowsmith never changes it.',
        "",
        "The spec declares them; `rowsmith check` compares the signatures. To refuse a request, raise `fastapi.HTTPException` in any but",
        "`after_commit`: the transaction is rolled back.",
        '"""',
        "",
    ]
    if "Any" in annotations:
        lines += ["from typing import Any", ""]
    lines += [f"from app.db.session import {', '.join(session)}"] if session else []
    lines += [_row_import(resource)]
    for name in names:
        lines += ["", "", hook_stub(resource, name).rstrip("\n")]
    return "\n".join(lines) + "\n"


def hook_stub(resource: Resource, name: str) -> str:
    """The function that a hook of a resource starts as, with a trailing newline."""
    signature = SIGNATURES[name]
    row = _row_name(resource)
    parameters = ", ".join(f"{parameter}: {annotation.format(row=row)}" for parameter, annotation in signature.parameters)
    head = f"async def {name}({parameters}) -> None:"
    if len(head) > _WIDTH:
        head = f"async def {name}(\n    {parameters}\n) -> None:"
    return f'{head}\n    """{signature.docstring}"""\n'


def _row_name(resource: Resource) -> str:
    return f"models.{resource.name}" if resource.name in _TAKEN else resource.name


def _row_import(resource: Resource) -> str:
    if resource.name in _TAKEN:
        return f"from app.models import {resource.module} as models"
    return f"from app.models.{resource.module} import {resource.name}"


SETUP_STUB = '''"""What this project adds to the generated API: this file is yours, and Rowsmith never changes it."""

from fastapi import FastAPI


def setup(app: FastAPI) -> None:
    """Add routers and middleware of your own to `app`; called once, after the generated routes were added."""
'''


# --- check --------------------------------------------------------------------------------------------------------------------------


def check_extension(resource: Resource, data: bytes | None) -> list[Diagnostic]:
    """Compare the content of a resource's extension file (None: there is none) with the hooks that its spec declares."""
    path = extension_path(resource)
    if data is None:
        return [_file_missing(resource, path)] if resource.hooks else []
    try:
        module = ast.parse(data)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as problem:
        return [_unparsable(path, problem)]
    bound = _bound_names(module)
    declared = {hook.name: hook for hook in resource.hooks}
    findings: list[Diagnostic] = []
    for name, hook in declared.items():
        if name not in bound:
            findings.append(_hook_missing(resource, hook, path))
        elif isinstance(node := bound[name], ast.FunctionDef | ast.AsyncFunctionDef):
            findings += _stale(resource, hook, node, path)
    for name, node in bound.items():
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and name not in declared:
            findings += _undeclared(resource, name, node, path)
    return findings


def check_leftover(path: str, resources: Schema) -> Diagnostic:
    """The finding about an extension file whose resource no spec defines any more."""
    modules = {resource.module: resource for resource in resources.resources}
    stem = path.rsplit("/", 1)[-1].removesuffix(".py")
    near = difflib.get_close_matches(stem, sorted(modules), 1)
    hint = "it is yours, so it is never deleted for you: delete it, or move what it holds"
    if near:
        renamed = modules[near[0]]
        hint = f"was the resource renamed to `{renamed.name}`? Then move its hooks to {extension_path(renamed)}; otherwise delete it"
    return error("RS726", f"`{path}` holds the hooks of a resource that no spec defines", Span(path, 1, 1), hint=hint)


def _bound_names(module: ast.Module) -> dict[str, ast.stmt]:
    """The names that a module binds at its top level, with the last statement that does; `if` and `try` are looked into."""
    bound: dict[str, ast.stmt] = {}
    for node in _top_level(module.body):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                bound[node.name] = node
            case ast.Import() | ast.ImportFrom():
                bound.update({alias.asname or alias.name.partition(".")[0]: node for alias in node.names})
            case ast.Assign():
                bound.update({target.id: node for target in node.targets if isinstance(target, ast.Name)})
            case ast.AnnAssign(target=ast.Name(id=name)):
                bound[name] = node
            case _:
                pass
    return bound


def _top_level(statements: list[ast.stmt]) -> Iterator[ast.stmt]:
    for node in statements:
        yield node
        match node:
            case ast.If():
                yield from _top_level([*node.body, *node.orelse])
            case ast.Try():
                handlers = [statement for handler in node.handlers for statement in handler.body]
                yield from _top_level([*node.body, *handlers, *node.orelse, *node.finalbody])
            case _:
                pass


def _stale(resource: Resource, hook: Hook, node: ast.FunctionDef | ast.AsyncFunctionDef, path: str) -> list[Diagnostic]:
    wrong = _difference(node, resource, SIGNATURES[hook.name])
    if wrong is None:
        return []
    return [
        error(
            "RS723",
            f"hook `{hook.name}` of {resource.name} has a stale signature",
            hook.span,
            wrong,
            hint=f"its signature is\n\n{_shown(resource, hook.name)}",
            related=[Related(f"`{hook.name}` is defined here", _function_span(node, path))],
        )
    ]


def _difference(node: ast.FunctionDef | ast.AsyncFunctionDef, resource: Resource, signature: Signature) -> str | None:
    """The first thing in which a function differs from its hook's signature, as a phrase; None when it is as it must be."""
    if not isinstance(node, ast.AsyncFunctionDef):
        return "it must be `async def`"
    arguments = node.args
    if arguments.vararg or arguments.kwarg or arguments.kwonlyargs:
        return "it takes arguments that no caller passes"
    given = [*arguments.posonlyargs, *arguments.args]
    expected = [name for name, _ in signature.parameters]
    if [argument.arg for argument in given] != expected:
        return f"its parameters must be `{', '.join(expected)}`"
    annotations = [
        (argument.annotation, annotation.format(row=resource.name))
        for argument, (_, annotation) in zip(given, signature.parameters, strict=True)
    ]
    for name, (annotation, wanted) in zip(expected, annotations, strict=True):
        if annotation is None or _plain(annotation) != wanted:
            return f"parameter `{name}` must be annotated `{wanted}`"
    return "it must return `None`" if node.returns is not None and _plain(node.returns) != "None" else None


def _plain(annotation: ast.expr) -> str:
    """An annotation as text, without quotes and without the modules in front of names: `models.Task` is `Task`."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        try:
            annotation = ast.parse(annotation.value, mode="eval").body
        except (SyntaxError, ValueError):
            return annotation.value
    return re.sub(r"\b(?:[A-Za-z_]\w*\.)+(?=[A-Za-z_])", "", ast.unparse(annotation))


def _undeclared(resource: Resource, name: str, node: ast.FunctionDef | ast.AsyncFunctionDef, path: str) -> list[Diagnostic]:
    here = [Related(f"`{name}` is defined here", _function_span(node, path))]
    span = resource.hooks[0].span if resource.hooks else resource.span
    if name in HOOKS:
        listed = ", ".join(hook for hook in HOOKS if hook == name or hook in {declared.name for declared in resource.hooks})
        message = f"hook `{name}` of {resource.name} never runs: the spec does not declare it"
        return [error("RS722", message, span, hint=f"add it to {resource.source}:\n\nhooks: [{listed}]", related=here)]
    near = difflib.get_close_matches(name, HOOKS, 1, 0.8)
    looks_like_one = isinstance(node, ast.AsyncFunctionDef) and name.startswith(("before_", "after_"))
    if name.startswith("_") or not (near or looks_like_one):
        return []
    hint = f"did you mean `{near[0]}`?" if near else f"the hooks are {', '.join(HOOKS)}; a helper should have another name"
    return [error("RS721", f"`{name}` in `{path}` is no hook and never runs", span, hint=hint, related=here)]


def _function_span(node: ast.FunctionDef | ast.AsyncFunctionDef, path: str) -> Span:
    prefix = len("async def ") if isinstance(node, ast.AsyncFunctionDef) else len("def ")
    return Span(path, node.lineno, node.col_offset + 1 + prefix, len(node.name))


def _shown(resource: Resource, name: str) -> str:
    """A hook's stub for a hint: one parameter a line, so that it stays narrow."""
    row = _row_name(resource)
    parameters = "".join(f"    {parameter}: {annotation.format(row=row)},\n" for parameter, annotation in SIGNATURES[name].parameters)
    return f'async def {name}(\n{parameters}) -> None:\n    """{SIGNATURES[name].docstring}"""'


def _file_missing(resource: Resource, path: str) -> Diagnostic:
    hook = resource.hooks[0]
    message = f"`{path}` is missing, and {resource.source} declares hooks"
    return error("RS724", message, hook.span, hint="`rowsmith generate` creates it with a stub for each hook")


def _hook_missing(resource: Resource, hook: Hook, path: str) -> Diagnostic:
    return error(
        "RS720",
        f"hook `{hook.name}` of {resource.name} is declared but not defined",
        hook.span,
        f"no `{hook.name}` in `{path}`",
        hint=f"the file is yours, so it is not changed for you: add to it\n\n{_shown(resource, hook.name)}",
    )


def _unparsable(path: str, problem: Exception) -> Diagnostic:
    line, reason = 1, "it is nested too deeply"
    column = 1
    if isinstance(problem, SyntaxError):
        line, column, reason = problem.lineno or 1, problem.offset or 1, problem.msg
    elif isinstance(problem, ValueError):
        reason = str(problem)
    return error(
        "RS725", f"`{path}` is not valid Python: {reason}", Span(path, max(line, 1), max(column, 1)), hint="mend it, then run this again"
    )
