"""Names of a generated module: which are taken by the resource, and what each import is called there."""

from __future__ import annotations

from collections.abc import Iterable


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
        """The import statements, unsorted; the formatter sorts them."""
        return tuple(
            f"from {module} import " + ", ".join(name if name == alias else f"{name} as {alias}" for name, alias in sorted(names.items()))
            for module, names in sorted(self._imports.items())
        )

    def _free(self, name: str) -> str:
        while name in self._taken:
            name += "_"
        self._taken.add(name)
        return name
