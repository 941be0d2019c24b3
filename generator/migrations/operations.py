"""The operations of a revision: each knows the step that does it, what it is called, and whether it can lose data.

`step` is the call that stands in the revision, a function of app/db/migrations/steps.py with its arguments.
"""

from __future__ import annotations

from generator.migrations.database import Column, Constraint, StoredIndex, StoredSearch, Table, Twins, View
from generator.records import record
from generator.sql import quote_identifier


@record
class Step:
    """A call of a function of app/db/migrations/steps.py; its arguments are texts, or None.

    `edition` is that of app/db/guards.py where the step has one; None for the first one, which steps take by themselves.
    """

    function: str
    arguments: tuple[str | None, ...]
    edition: int | None = None


@record
class CreateTable:
    """A new table with its columns and its own constraints; references and indexes follow when every table is there."""

    table: Table

    @property
    def summary(self) -> str:
        """What it does, in a few words."""
        return f"create {self.table.name}"

    @property
    def step(self) -> Step:
        """The call that does it."""
        parts = [_definition(column) for column in self.table.columns]
        parts += [f"CONSTRAINT {one.name} {one.sql}" for one in self.table.constraints if one.kind != "foreign"]
        return Step("create_table", (self.table.name, *parts))


@record
class DropTable:
    """The end of a table and its rows."""

    table: Table

    @property
    def summary(self) -> str:
        """What it does, in a few words."""
        return f"drop {self.table.name}"

    @property
    def consent(self) -> str:
        """The name under which it has to be allowed."""
        return f"drop:{self.table.name}"

    @property
    def step(self) -> Step:
        """The call that does it."""
        return Step("drop_table", (self.table.name,))


@record
class RenameTable:
    """Another name; rows, constraints and indexes stay."""

    old: str
    new: str

    @property
    def summary(self) -> str:
        """What it does, in a few words."""
        return f"rename {self.old} to {self.new}"

    @property
    def step(self) -> Step:
        """The call that does it."""
        return Step("rename_table", (self.old, self.new))


@record
class RenameBehindView:
    """Another name, in the same moment as a view that has the old one."""

    view: View

    @property
    def summary(self) -> str:
        """What it does, in a few words."""
        return f"rename {self.view.name} to {self.view.table}, and keep a view of the old name"

    @property
    def step(self) -> Step:
        """The call that does it."""
        return Step("rename_behind_view", (self.view.name, self.view.table, *self.view.columns), _beyond_first(self.view.protection))


@record
class AddView:
    """A view of a table under the name that it had."""

    view: View

    @property
    def summary(self) -> str:
        """What it does, in a few words."""
        return f"view {self.view.table} as {self.view.name}"

    @property
    def step(self) -> Step:
        """The call that does it."""
        return Step("add_view", (self.view.name, self.view.table, *self.view.columns), _beyond_first(self.view.protection))


@record
class SearchView:
    """What searches a table by its old name, with the index that it had."""

    view: View
    search: StoredSearch

    @property
    def summary(self) -> str:
        """What it does, in a few words."""
        return f"search {self.view.name}"

    @property
    def step(self) -> Step:
        """The call that does it."""
        search = self.search
        arguments = (self.view.name, self.view.table, search.index, search.language, *search.columns)
        return Step("search_view", arguments, _beyond_first(search.edition))


@record
class DropView:
    """The end of an old name."""

    view: View

    @property
    def summary(self) -> str:
        """What it does, in a few words."""
        return f"drop the old name {self.view.name}, since {self.view.table} is its table"

    @property
    def step(self) -> Step:
        """The call that does it."""
        return Step("drop_view", (self.view.name,))


@record
class AddColumn:
    """A new column; `fill` is what the rows get that are there already."""

    table: str
    column: Column
    fill: str | None

    @property
    def summary(self) -> str:
        """What it does, in a few words."""
        return f"add {self.table}.{self.column.name}"

    @property
    def step(self) -> Step:
        """The call that does it."""
        return Step(
            "add_column", (self.table, self.column.name, self.column.type, self.column.default, None if self.column.nullable else self.fill)
        )


@record
class DropColumn:
    """The end of a column and its values."""

    table: str
    column: Column

    @property
    def summary(self) -> str:
        """What it does, in a few words."""
        return f"drop {self.table}.{self.column.name}"

    @property
    def consent(self) -> str:
        """The name under which it has to be allowed."""
        return f"drop:{self.table}.{self.column.name}"

    @property
    def step(self) -> Step:
        """The call that does it."""
        return Step("drop_column", (self.table, self.column.name))


@record
class AddComputed:
    """A generated column. It rewrites the table."""

    table: str
    column: Column

    @property
    def summary(self) -> str:
        """What it does, in a few words."""
        return f"compute {self.table}.{self.column.name}"

    @property
    def step(self) -> Step:
        """The call that does it."""
        required = "" if self.column.nullable else " NOT NULL"
        return Step("add_computed", (self.table, self.column.name, self.column.type + required, self.column.computed))


@record
class DropComputed:
    """The end of a generated column; its values can be computed again."""

    table: str
    column: Column

    @property
    def summary(self) -> str:
        """What it does, in a few words."""
        return f"compute {self.table}.{self.column.name} no more"

    @property
    def step(self) -> Step:
        """The call that does it."""
        return Step("drop_column", (self.table, self.column.name))


@record
class RenameColumn:
    """Another name; values stay."""

    table: str
    old: str
    new: str

    @property
    def summary(self) -> str:
        """What it does, in a few words."""
        return f"rename {self.table}.{self.old} to {self.new}"

    @property
    def step(self) -> Step:
        """The call that does it."""
        return Step("rename_column", (self.table, self.old, self.new))


@record
class ChangeType:
    """Another type, with its default; `using` is the value in it, as SQL. It rewrites the table."""

    table: str
    column: Column
    using: str
    loses: bool

    @property
    def summary(self) -> str:
        """What it does, in a few words."""
        return f"change the type of {self.table}.{self.column.name}"

    @property
    def consent(self) -> str | None:
        """The name under which it has to be allowed."""
        return f"change:{self.table}.{self.column.name}" if self.loses else None

    @property
    def step(self) -> Step:
        """The call that does it."""
        return Step("change_type", (self.table, self.column.name, self.column.type, self.using, self.column.default))


@record
class KeepInStep:
    """Two columns that hold the same from now on, whichever of them is written."""

    twins: Twins

    @property
    def summary(self) -> str:
        """What it does, in a few words."""
        return f"keep {self.twins.table}.{self.twins.old.name} in step with {self.twins.new.name}"

    @property
    def step(self) -> Step:
        """The call that does it."""
        twins = self.twins
        names = (twins.table, twins.old.name, twins.new.name)
        others = (twins.to_new, twins.to_old, twins.if_null, twins.if_old_null, twins.old.default)
        return Step("keep_in_step", names if others == ("{}", "{}", None, None, None) else (*names, *others))


@record
class Follow:
    """A column that has what another one has, whenever that is written."""

    twins: Twins

    @property
    def summary(self) -> str:
        """What it does, in a few words."""
        return f"let {self.twins.table}.{self.twins.new.name} follow {self.twins.old.name}"

    @property
    def step(self) -> Step:
        """The call that does it."""
        twins = self.twins
        return Step("follow", (twins.table, twins.old.name, twins.new.name, twins.to_new, twins.if_null))


@record
class CopyValues:
    """The values of a column into its twin, in the rows that are there; `back` is from the new one into the old one."""

    twins: Twins
    back: bool = False

    @property
    def summary(self) -> str:
        """What it does, in a few words."""
        source, target, _, _ = self._way
        return f"copy {self.twins.table}.{source.name} to {target.name}"

    @property
    def step(self) -> Step:
        """The call that does it."""
        source, target, convert, missing = self._way
        names = (self.twins.table, source.name, target.name)
        return Step("copy_values", names if (convert, missing) == ("{}", None) else (*names, convert, missing))

    @property
    def _way(self) -> tuple[Column, Column, str, str | None]:
        twins = self.twins
        if self.back:
            return twins.new, twins.old, twins.to_old, twins.if_old_null
        return twins.old, twins.new, twins.to_new, twins.if_null


@record
class DropTwin:
    """The end of a column whose twin has its values, and of what keeps both in step; `back` is the end of the new one."""

    twins: Twins
    back: bool = False

    @property
    def summary(self) -> str:
        """What it does, in a few words."""
        gone, stays = self._ends
        return f"drop {self.twins.table}.{gone.name}, since {stays.name} has its values"

    @property
    def step(self) -> Step:
        """The call that does it."""
        return Step("drop_twin", (self.twins.table, self._ends[0].name, self.twins.new.name))

    @property
    def _ends(self) -> tuple[Column, Column]:
        twins = self.twins
        return (twins.new, twins.old) if self.back else (twins.old, twins.new)


@record
class Swap:
    """A column that takes the name and the place of the one that it follows.

    `names` are those of its constraints and indexes, each with the one that they get.
    """

    twins: Twins
    names: tuple[tuple[str, str], ...]

    @property
    def summary(self) -> str:
        """What it does, in a few words."""
        return f"let {self.twins.table}.{self.twins.new.name} take the place of {self.twins.old.name}"

    @property
    def step(self) -> Step:
        """The call that does it."""
        names = (name for pair in self.names for name in pair)
        return Step("swap", (self.twins.table, self.twins.old.name, self.twins.new.name, *names))


@record
class ChangeDefault:
    """What a row without a value gets from now on; None: nothing."""

    table: str
    column: Column

    @property
    def summary(self) -> str:
        """What it does, in a few words."""
        return f"change the default of {self.table}.{self.column.name}"

    @property
    def step(self) -> Step:
        """The call that does it."""
        return Step("set_default", (self.table, self.column.name, self.column.default))


@record
class Require:
    """No nulls from now on; `fill` takes the place of those that are there. None: there must be none, as where all are `filled` already."""

    table: str
    column: Column
    fill: str | None
    filled: bool = False

    @property
    def summary(self) -> str:
        """What it does, in a few words."""
        return f"require {self.table}.{self.column.name}"

    @property
    def step(self) -> Step:
        """The call that does it."""
        return Step("require", (self.table, self.column.name, self.fill))


@record
class AllowNull:
    """Nulls are fine from now on."""

    table: str
    column: Column

    @property
    def summary(self) -> str:
        """What it does, in a few words."""
        return f"allow null in {self.table}.{self.column.name}"

    @property
    def step(self) -> Step:
        """The call that does it."""
        return Step("allow_null", (self.table, self.column.name))


@record
class ReplaceValue:
    """Every row with one value of an enum gets another one."""

    table: str
    column: str
    old: str
    new: str
    loses: bool

    @property
    def summary(self) -> str:
        """What it does, in a few words."""
        return f"replace {self.old} by {self.new} in {self.table}.{self.column}"

    @property
    def consent(self) -> str | None:
        """The name under which it has to be allowed."""
        return f"drop:{self.table}.{self.column}.{self.old}" if self.loses else None

    @property
    def step(self) -> Step:
        """The call that does it."""
        return Step("replace_value", (self.table, self.column, self.old, self.new))


@record
class AddConstraint:
    """A new constraint, or another meaning of one (`replaces`): rows are checked without keeping anybody from writing."""

    table: str
    constraint: Constraint
    replaces: bool = False

    @property
    def summary(self) -> str:
        """What it does, in a few words."""
        return f"{'change' if self.replaces else 'add'} {self.constraint.name}"

    @property
    def step(self) -> Step:
        """The call that does it."""
        function = "add_unique" if self.constraint.kind == "unique" else "add_constraint"
        return Step(function, (self.table, self.constraint.name, self.constraint.sql))


@record
class DropConstraint:
    """The end of a constraint."""

    table: str
    name: str

    @property
    def summary(self) -> str:
        """What it does, in a few words."""
        return f"drop {self.name}"

    @property
    def step(self) -> Step:
        """The call that does it."""
        return Step("drop_constraint", (self.table, self.name))


@record
class RenameConstraint:
    """Another name for the same constraint."""

    table: str
    old: str
    new: str

    @property
    def summary(self) -> str:
        """What it does, in a few words."""
        return f"rename {self.old} to {self.new}"

    @property
    def step(self) -> Step:
        """The call that does it."""
        return Step("rename_constraint", (self.table, self.old, self.new))


@record
class AddIndex:
    """A new index, built while others write."""

    table: str
    index: StoredIndex

    @property
    def summary(self) -> str:
        """What it does, in a few words."""
        return f"add {self.index.name}"

    @property
    def step(self) -> Step:
        """The call that does it."""
        return Step("add_unique_index" if self.index.unique else "add_index", (self.index.name, self.table, self.index.sql))


@record
class DropIndex:
    """The end of an index."""

    name: str

    @property
    def summary(self) -> str:
        """What it does, in a few words."""
        return f"drop {self.name}"

    @property
    def step(self) -> Step:
        """The call that does it."""
        return Step("drop_index", (self.name,))


@record
class RenameIndex:
    """Another name for the same index."""

    old: str
    new: str

    @property
    def summary(self) -> str:
        """What it does, in a few words."""
        return f"rename {self.old} to {self.new}"

    @property
    def step(self) -> Step:
        """The call that does it."""
        return Step("rename_index", (self.old, self.new))


@record
class SetSearch:
    """What `q` searches from now on. Its index is built while others write."""

    table: str
    search: StoredSearch

    @property
    def summary(self) -> str:
        """What it does, in a few words."""
        return f"search {', '.join(f'{self.table}.{column}' for column in self.search.columns)}{_told(self.search.edition)}"

    @property
    def step(self) -> Step:
        """The call that does it."""
        arguments = (self.table, self.search.index, self.search.language, *self.search.columns)
        return Step("set_search", arguments, _beyond_first(self.search.edition))


@record
class DropSearch:
    """The end of searching a table."""

    table: str
    search: StoredSearch

    @property
    def summary(self) -> str:
        """What it does, in a few words."""
        return f"search {self.table} no more"

    @property
    def step(self) -> Step:
        """The call that does it."""
        return Step("drop_search", (self.table, self.search.index))


@record
class PurgeDeleted:
    """What purges the deleted rows of a table after a while; `referring` are the columns whose rows keep one from going."""

    table: str
    referring: tuple[str, ...]
    edition: int = 1

    @property
    def summary(self) -> str:
        """What it does, in a few words."""
        return f"purge deleted rows of {self.table}{_told(self.edition)}"

    @property
    def step(self) -> Step:
        """The call that does it."""
        return Step("purge_deleted", (self.table, *self.referring), _beyond_first(self.edition))


@record
class StopPurging:
    """The end of that."""

    table: str

    @property
    def summary(self) -> str:
        """What it does, in a few words."""
        return f"purge no rows of {self.table}"

    @property
    def step(self) -> Step:
        """The call that does it."""
        return Step("stop_purging", (self.table,))


@record
class DropDeleted:
    """The end of the deleted rows of a table, which would be there again without the column that says so.

    `referring` are the columns of deleted rows that refer to them, and go with them.
    """

    table: str
    referring: tuple[str, ...]

    @property
    def summary(self) -> str:
        """What it does, in a few words."""
        return f"drop deleted rows of {self.table}"

    @property
    def step(self) -> Step:
        """The call that does it."""
        return Step("drop_deleted", (self.table, *self.referring))


@record
class Protect:
    """Another edition of row-level security and of the application's rights on some tables."""

    tables: tuple[str, ...]
    edition: int

    @property
    def summary(self) -> str:
        """What it does, in a few words."""
        return f"protect {self.tables[0] if len(self.tables) == 1 else f'{len(self.tables)} tables'} (edition {self.edition})"

    @property
    def step(self) -> Step:
        """The call that does it."""
        return Step("protect", self.tables, self.edition)


type Operation = (
    CreateTable
    | DropTable
    | RenameTable
    | RenameBehindView
    | AddView
    | SearchView
    | DropView
    | AddColumn
    | DropColumn
    | AddComputed
    | DropComputed
    | RenameColumn
    | ChangeType
    | KeepInStep
    | Follow
    | CopyValues
    | DropTwin
    | Swap
    | ChangeDefault
    | Require
    | AllowNull
    | ReplaceValue
    | AddConstraint
    | DropConstraint
    | RenameConstraint
    | AddIndex
    | DropIndex
    | RenameIndex
    | SetSearch
    | DropSearch
    | PurgeDeleted
    | StopPurging
    | DropDeleted
    | Protect
)


def consent_of(operation: Operation) -> str | None:
    """The name under which an operation that can lose data has to be allowed; None for one that cannot."""
    match operation:
        case DropTable() | DropColumn() | ChangeType() | ReplaceValue():
            return operation.consent
        case _:
            return None


def _beyond_first(edition: int) -> int | None:
    return edition if edition > 1 else None


def _told(edition: int) -> str:
    return f" (edition {edition})" if edition > 1 else ""


def _definition(column: Column) -> str:
    """A column in CREATE TABLE."""
    default = f" DEFAULT {column.default}" if column.default is not None else ""
    if column.computed is not None:
        default = f" GENERATED ALWAYS AS ({column.computed}) STORED"
    return f"{quote_identifier(column.name)} {column.type}{default}{'' if column.nullable else ' NOT NULL'}"
