"""Names of a generated module: which are taken by the resource, and what each import is called there."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from functools import cache


class Names:
    """The imports of one module. A name that the resource's classes and fields or another import have taken is imported as `name_`."""

    def __init__(self, taken: Iterable[str]) -> None:
        """`taken` are the names that the module defines and those that its class bodies bind."""
        self._taken = set(taken)
        self._imports: dict[str, dict[str, str]] = {}

    def use(self, module: str, name: str, alias: str | None = None) -> str:
        """Import `name` from `module`, under `alias` where one is given; what to write where it is used."""
        imported = self._imports.setdefault(module, {})
        if name not in imported:
            imported[name] = self._free(alias or name)
        return imported[name]

    def use_own(self, module: str, name: str) -> str:
        """Import one of the resource's own classes, for which the name is kept."""
        self._imports.setdefault(module, {})[name] = name
        return name

    def builtin(self, name: str) -> str:
        """A builtin such as `str`; imported under another name where a field is called that."""
        return self.use("builtins", name) if name in self._taken else name

    def statements(self) -> tuple[str, ...]:
        """The import statements in isort's order, with an empty line between the standard library, other packages and the application."""
        lines: list[str] = []
        last = 0
        for module in sorted(self._imports, key=_place):
            section, _ = _place(module)
            if lines and section != last:
                lines.append("")
            lines += _statements(module, tuple(self._imports[module].items()))
            last = section
        return tuple(lines)

    def _free(self, name: str) -> str:
        while name in self._taken:
            name += "_"
        self._taken.add(name)
        return name


class Importing:
    """The names that a template writes: `n.select` imports `select` from the module that a table names, and is what to write for it.

    So a module imports just what its template has written; its import statements are read when its body is done.
    """

    def __init__(self, names: Names, modules: Mapping[str, str], renamed: Mapping[str, tuple[str, str]]) -> None:
        """`modules` says for each name from where it comes; `renamed` has the module and the name there of those that have another one."""
        self._names = names
        self._modules = modules
        self._renamed = renamed

    def __getattr__(self, name: str) -> str:
        """The name under which `name` is imported; AttributeError for one that the table has not."""
        if name in self._renamed:
            return self._names.use(*self._renamed[name], name)
        if name not in self._modules:
            raise AttributeError(name)
        return self._names.use(self._modules[name], name)


@cache
def _statements(module: str, names: tuple[tuple[str, str], ...]) -> list[str]:
    """One statement for the names that keep theirs and one for each other, sorted by the first name of each."""
    kept = sorted((name for name, alias in names if name == alias), key=order)
    statements = {name: f"from {module} import {name} as {alias}" for name, alias in names if name != alias}
    if kept:
        statements[kept[0]] = f"from {module} import ({', '.join(kept)})"
    return [statements[name] for name in sorted(statements, key=order)]


@cache
def _place(module: str) -> tuple[int, list[tuple[int, str]]]:
    """The key by which isort orders modules: the section, then the name."""
    package = module.partition(".")[0]
    return (2 if package == "app" else 0 if package in sys.stdlib_module_names else 1, _natural(module))


@cache
def order(name: str) -> tuple[int, list[tuple[int, str]]]:
    """The key by which isort orders names: constants, then classes, then functions; numbers inside of them by their value."""
    return (0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2, _natural(name))


@cache
def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part), part) if part.isdigit() else (-1, part) for part in re.split(r"([0-9]+)", name) if part]
