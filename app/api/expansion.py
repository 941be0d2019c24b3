"""Related rows in an answer: `expand=project,parent.project`.

An expansion is one statement for all rows of an answer, and so is one of the second level: never one a row. Each statement has the owner
predicate on every table that it reads, whatever the rows refer to.
"""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import ARRAY, Text, Uuid, bindparam, cast, column, func, literal_column, select
from sqlmodel import SQLModel

from app.api.query import fields_of, refused, unknown_field
from app.db.session import JsonRow, Row, Session
from app.db.statements import OWNER, Statement, columns, looked_up, owned, present, table_of

MAX_EXPANSIONS = 10
MAX_LEVELS = 2

MAX_ROWS = 20
"""A list inside a row holds the newest so many; its nested route has all of them."""

_IDS = bindparam("ids", type_=ARRAY(Uuid))
WANTED = func.unnest(_IDS).table_valued(column("id__", Uuid)).render_derived("wanted_")  # no table: their names do not end so
_PARENT = "parent__of"  # no column: two underscores are only in those of references, before `id`


class ToOne:
    """The row that a reference of this resource leads to."""

    def __init__(self, column: str, model: type[SQLModel], shape: type[BaseModel]) -> None:
        """`column` is the reference's own; `model` and its Read schema `shape` are what it leads to."""
        self.model = model
        self.shape = shape
        self._column = column
        target = table_of(model)
        row = select(*columns(model, shape)).where(target.c.user_id == OWNER, target.c.id == WANTED.c.id__, *present(target))
        found = looked_up(row)
        self._statement = owned(select(*found.c).select_from(WANTED, found))

    async def add(self, session: Session, user_id: str, rows: Sequence[Row], name: str) -> list[Row]:
        """Give each row its related one, or None, under `name`; the related rows, each once."""
        ids = sorted({row[self._column] for row in rows} - {None})
        found = await session.fetch_all(self._statement, user_id=user_id, ids=ids) if ids else []
        by_id = {row["id"]: row for row in found}
        for row in rows:
            row[name] = by_id.get(row[self._column])
        return found


class ToMany:
    """The rows of another resource that refer to a row of this one, newest first."""

    def __init__(self, column: str, model: type[SQLModel], shape: type[BaseModel]) -> None:
        """`column` of `model` is the reference to this resource; `shape` is the Read schema of `model`."""
        self.model = model
        self.shape = shape
        child, parent = table_of(model), _parents()
        self._statement = _newest(
            select(*columns(model, shape))
            .where(child.c.user_id == OWNER, child.c[column] == parent, *present(child))
            .order_by(child.c.created_at.desc(), child.c.id.desc()),
            parent,
        )

    async def add(self, session: Session, user_id: str, rows: Sequence[Row], name: str) -> list[Row]:
        """Give each row the list of its related ones under `name`; the related rows."""
        by_id: dict[str, list[Row]] = {row["id"]: [] for row in rows}
        found = await session.fetch_all(self._statement, user_id=user_id, ids=list(by_id)) if by_id else []
        for row in found:
            by_id[row.pop(_PARENT)].append(row)
        for row in rows:
            row[name] = by_id[row["id"]]
        return found


class Linked(ToMany):
    """The rows at the other end of a many-to-many link, newest first."""

    def __init__(self, link: type[SQLModel], here: str, there: str, model: type[SQLModel], shape: type[BaseModel]) -> None:
        """`here` and `there` are the columns of `link` that refer to this resource and to `model`, whose Read schema is `shape`."""
        self.model = model
        self.shape = shape
        pair, target, parent = table_of(link), table_of(model), _parents()
        refers = select(pair.c[there]).where(pair.c.user_id == OWNER, pair.c[here] == parent, *present(pair))
        pairs = refers.correlate(parent.scalar_alias).lateral("pair_")
        row = select(*columns(model, shape)).where(target.c.user_id == OWNER, target.c.id == pairs.c[there], *present(target))
        found = looked_up(row)
        self._statement = _newest(select(*found.c).select_from(pairs, found).order_by(found.c.created_at.desc(), found.c.id.desc()), parent)


type Relation = ToOne | ToMany


def _parents() -> Any:
    """The ids of the rows to expand, as a column."""
    return func.unnest(_IDS, type_=Uuid).column_valued("parent_")  # no table: their names do not end so


def _newest(related: Any, parent: Any) -> Statement:
    """The first rows of `related` for each `parent`, with the parent's id."""
    rows = related.limit(literal_column(str(MAX_ROWS))).lateral("related")
    statement = select(cast(parent, Text).label(_PARENT), *rows.c)
    return owned(statement.order_by(rows.c.created_at.desc(), rows.c.id.desc()))


class View(NamedTuple):
    """What a request wants of a row: its `fields` (None: all of them) and what to expand, by name."""

    fields: tuple[str, ...] | None
    expanded: tuple[tuple[str, Relation, "View"], ...] = ()

    async def row(self, session: Session, statement: Statement, user_id: str, row_id: UUID) -> JsonRow | None:
        """The row that `statement` finds, as this view has it."""
        if self == WHOLE_ROWS:
            return await session.fetch_json_row(statement, user_id=user_id, id=row_id)
        row = await session.fetch_one(statement, user_id=user_id, id=row_id)
        if row is None:
            return None
        await self.expand(session, user_id, [row])
        return JsonRow.of(row, None if self.fields is None else {name: row[name] for name in self.fields})

    async def expand(self, session: Session, user_id: str, rows: Sequence[Row]) -> None:
        """Add to each row what is expanded, one statement for each name; `fields` of the rows themselves are left to the caller."""
        for name, relation, below in self.expanded:
            related = await relation.add(session, user_id, rows, name)
            await below.expand(session, user_id, related)
            if below.fields is not None:
                for row in rows:
                    row[name] = _chosen(row[name], below.fields)


def _chosen(value: Row | list[Row] | None, fields: tuple[str, ...]) -> Row | list[Row] | None:
    if isinstance(value, list):
        return [{name: row[name] for name in fields} for row in value]
    return None if value is None else {name: value[name] for name in fields}


WHOLE_ROWS = View(None)
"""Every field of the row, and nothing else."""

_expansions: dict[type[SQLModel], "Expansions"] = {}


class Expansions:
    """What the rows of one resource can be expanded by. Those of the related resources are found by their model."""

    def __init__(self, model: type[SQLModel], shape: type[BaseModel], related: Mapping[str, Relation]) -> None:
        """`related` has what each name of `expand` leads to; `shape` is the Read schema of `model`."""
        self.shape = shape
        self.related = related
        _expansions[model] = self

    def view(self, query: BaseModel) -> View:
        """What the query's `expand` and `fields` ask for; 422 with a suggestion for a name that is unknown, too deep or repeated."""
        asked: str | None = getattr(query, "expand", None)
        named: str | None = getattr(query, "fields", None)
        if asked is None:
            return WHOLE_ROWS if named is None else View(fields_of(query, self.shape))
        paths = self._paths(asked)
        if named is None:
            return _view(self.shape, self.related, paths, None)
        names = named.split(",")
        if len(set(names)) < len(names):
            raise refused("fields", "repeated_field", "A field is given more than once.")
        return _view(self.shape, self.related, paths, [tuple(name.split(".")) for name in names])

    def names(self) -> list[str]:
        """Every value that `expand` takes."""
        names = list(self.related)
        for name, relation in self.related.items():
            names += [f"{name}.{second}" for second in _related(relation.model)]
        return names

    def _paths(self, asked: str) -> list[tuple[str, ...]]:
        known = self.names()
        given = asked.split(",")
        for number, name in enumerate(given):
            if name.count(".") >= MAX_LEVELS:
                raise refused("expand", "too_deep", f"At most {MAX_LEVELS} levels can be expanded.")
            if name not in known:
                close = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean `{close[0]}`?" if close else f"there are {', '.join(sorted(self.related))}."
                raise refused("expand", "unknown_expansion", f"Unknown expansion; {hint}")
            if name in given[:number]:
                raise refused("expand", "repeated_expansion", f"`{name}` is given more than once.")
        if len(given) > MAX_EXPANSIONS:
            raise refused("expand", "too_many_expansions", f"At most {MAX_EXPANSIONS} expansions can be combined.")
        return [tuple(name.split(".")) for name in given]


def expansions_by_shape() -> dict[str, Expansions]:
    """Those of every resource, by the name of its Read schema."""
    return {expansions.shape.__name__: expansions for expansions in _expansions.values()}


def _related(model: type[SQLModel]) -> Mapping[str, Relation]:
    expansions = _expansions.get(model)
    return {} if expansions is None else expansions.related


def _view(
    shape: type[BaseModel],
    related: Mapping[str, Relation],
    paths: Sequence[tuple[str, ...]],
    fields: Sequence[tuple[str, ...]] | None,
) -> View:
    """The view of one level: `paths` and `fields` begin with its names."""
    expanded: list[tuple[str, Relation, View]] = []
    names = tuple(dict.fromkeys(path[0] for path in paths))
    for name in names:
        relation = related[name]
        below = [path[1:] for path in paths if path[0] == name and len(path) > 1]
        chosen = [field[1:] for field in fields or () if field[0] == name and len(field) > 1]
        expanded.append((name, relation, _view(relation.shape, _related(relation.model), below, chosen or None)))
    if fields is None:
        return View(None, tuple(expanded))
    for field in fields:
        if (field[0] not in shape.model_fields or len(field) > 1) and field[0] not in names:
            raise refused("fields", "unknown_field", unknown_field(".".join(field), (*shape.model_fields, *names)))
    own = tuple(field[0] for field in fields if len(field) == 1)
    return View((*own, *(name for name in names if name not in own)), tuple(expanded))
