"""The rules that SQL must keep so that Citus can distribute every table by `user_id`, checked on PostgreSQL's own parse tree.

Each rule is one that Citus enforces, or that keeps a request on one node. The messages say what breaks it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pglast.ast
from pglast import enums, parse_sql

ast: Any = pglast.ast
"""The nodes of parse trees. Their types allow None for every attribute, also where PostgreSQL's grammar has none."""

OWNER = "user_id"
LONGEST_NAME = 50
"""Citus adds the number of the shard to names of tables, indexes and constraints; PostgreSQL cuts names after 63 bytes."""
LONGEST_COLUMN = 63
SERIAL = {"serial", "bigserial", "smallserial", "serial2", "serial4", "serial8"}

IMMUTABLE, STABLE, VOLATILE = "i", "s", "v"

TRIGGERS = (ast.CreateTrigStmt, ast.CreateEventTrigStmt, ast.RuleStmt)
TYPES = (ast.CreateEnumStmt, ast.CreateSeqStmt, ast.CreateDomainStmt, ast.CompositeTypeStmt)
ALLOWED_ALTERATIONS = {
    enums.AlterTableType.AT_AddColumn,
    enums.AlterTableType.AT_DropColumn,
    enums.AlterTableType.AT_ColumnDefault,
    enums.AlterTableType.AT_SetNotNull,
    enums.AlterTableType.AT_DropNotNull,
    enums.AlterTableType.AT_AlterColumnType,
    enums.AlterTableType.AT_AddConstraint,
    enums.AlterTableType.AT_ValidateConstraint,
    enums.AlterTableType.AT_DropConstraint,
    enums.AlterTableType.AT_EnableRowSecurity,
}
"""What Citus' own list of supported subcommands names, as far as we use it."""


@dataclass(frozen=True, slots=True)
class Rules:
    """`volatility` says of each function whether it is immutable (i), stable (s) or volatile (v), as pg_proc has it."""

    volatility: Mapping[str, str]

    # --- Statements -------------------------------------------------------------------------------------------------------------

    def of_statement(self, sql: str, owner: int | None = None) -> list[str]:
        """What a statement of a request breaks.

        `owner` is the number of the parameter that is the user, where the statement is one for Citus and does not tell it by itself.
        """
        parsed = parse_sql(sql)
        if len(parsed) != 1:
            return [f"{len(parsed)} statements in one"]
        told = _owner_parameter(parsed[0].stmt)
        if owner is not None and told is not None:
            return ["sets the user, which does not reach a worker"]
        inserts = (node for node in _walk(parsed[0].stmt) if owner is not None and isinstance(node, ast.InsertStmt))
        values = ["a subquery among the values of an insert" for one in inserts if _has(one.selectStmt, ast.SubLink)]
        return [*values, *self._of_query(parsed[0].stmt, frozenset(), owner or told)]

    def _of_query(self, query: Any, known: frozenset[str], owner: int | None) -> Iterator[str]:
        """`known` are the common table expressions in sight: they are checked where they are defined."""
        clause: Any = getattr(query, "withClause", None)
        for expression in clause.ctes if clause else ():
            yield from self._of_query(expression.ctequery, known | ({expression.ctename} if clause.recursive else frozenset()), owner)
            known |= {expression.ctename}
        if isinstance(query, ast.SelectStmt) and query.larg:
            yield from self._of_query(query.larg, known, owner)
            yield from self._of_query(query.rarg, known, owner)
        yield from self._of_tables(query, known, owner)
        if isinstance(query, ast.InsertStmt):
            yield from self._of_insert(query, owner)
        if isinstance(query, ast.UpdateStmt):
            yield from self._of_changes("UPDATE", query.targetList, query.whereClause, STABLE)
        if isinstance(query, ast.DeleteStmt):
            yield from self._of_changes("DELETE", (), query.whereClause, STABLE)
        if not isinstance(query, ast.SelectStmt):
            yield from (f"RETURNING calls {name}, which is not immutable" for name in self._calls(_returned(query), IMMUTABLE))
        for below in _queries_below(query):
            yield from self._of_query(below, known, owner)

    def _of_tables(self, query: Any, known: frozenset[str], owner: int | None) -> Iterator[str]:
        if isinstance(query, ast.InsertStmt):
            return
        tables = [table for table in _tables(query) if table.relname not in known]
        owned = {name for condition in _conditions(query) for name in _owned_by(condition, owner)}
        for table in tables:
            name = table.alias.aliasname if table.alias else table.relname
            if name not in owned and not (len(tables) == 1 and "" in owned):
                yield f"{table.relname}: no `{name}.{OWNER} = ` the owner"

    def _of_insert(self, query: Any, owner: int | None) -> Iterator[str]:
        names = [column.name for column in query.cols or ()]
        rows: Sequence[Any] = getattr(query.selectStmt, "valuesLists", None) or ()
        if OWNER not in names or not rows or any(_parameter(row[names.index(OWNER)]) != owner for row in rows):
            yield f"insert into {query.relation.relname}: {OWNER} is not the owner"
        conflict = query.onConflictClause
        if conflict is None:
            return
        arbiters = [element.name for element in conflict.infer.indexElems or ()] if conflict.infer else []
        if arbiters[:1] != [OWNER]:
            yield f"ON CONFLICT does not begin with {OWNER}: {arbiters}"
        yield from self._of_changes("DO UPDATE", conflict.targetList or (), conflict.whereClause, IMMUTABLE)

    def _of_changes(self, what: str, targets: Iterable[Any], where: Any, most: str) -> Iterator[str]:
        for target in targets:
            if target.name == OWNER:
                yield f"{what} sets {OWNER}"
        changed = [target.val for target in targets]
        for name in self._calls([changed, where], most):
            yield f"{what} calls {name}, which is not {'immutable' if most == IMMUTABLE else 'stable'}"
        for call in _walk([changed, where]):
            if isinstance(call, ast.FuncCall) and self._kind(call) == STABLE and _has(call.args, ast.ColumnRef):
                yield f"{what} calls {_name(call)}, which is only stable, with a column"

    def _calls(self, nodes: Any, most: str) -> Iterator[str]:
        """The functions that are less steady than `most`."""
        allowed = {IMMUTABLE: {IMMUTABLE}, STABLE: {IMMUTABLE, STABLE}}[most]
        for node in _walk(nodes):
            if isinstance(node, ast.FuncCall) and self._kind(node) not in allowed:
                yield _name(node)
            if isinstance(node, ast.SQLValueFunction) and STABLE not in allowed:
                yield node.op.name

    def _kind(self, call: Any) -> str:
        return self.volatility.get(_name(call), VOLATILE)

    # --- Tables -----------------------------------------------------------------------------------------------------------------

    def of_changes_to_tables(self, statements: Iterable[str]) -> list[str]:
        """What the statements break that make or change tables, taken together: a constraint may use an index of an earlier one."""
        found: list[str] = []
        unique_indexes: dict[str, list[str]] = {}
        for sql in statements:
            for statement in _parsed(sql):
                if isinstance(statement, ast.IndexStmt) and statement.unique:
                    unique_indexes[statement.idxname] = [element.name for element in statement.indexParams]
                found += _of_change(statement, unique_indexes)
        return found


def _parsed(sql: str) -> Iterator[Any]:
    """The statements, and those of a block that has nothing but statements."""
    for parsed in parse_sql(sql):
        statement: Any = parsed.stmt
        if isinstance(statement, ast.DoStmt):
            body: str = next(one.arg.sval for one in statement.args or () if one.defname == "as")
            yield from _parsed(body.strip().removeprefix("BEGIN").removesuffix("END"))
        else:
            yield statement


def _of_change(statement: Any, unique_indexes: Mapping[str, list[str]]) -> Iterator[str]:
    match statement:
        case ast.CreateStmt():
            yield from _of_table(statement)
        case ast.AlterTableStmt():
            for command in statement.cmds:
                yield from _of_alteration(statement.relation.relname, command, unique_indexes)
        case ast.IndexStmt():
            yield from _too_long(statement.idxname)
            if statement.unique and statement.indexParams[0].name != OWNER:
                yield f"unique index {statement.idxname} does not begin with {OWNER}"
        case ast.CreatePolicyStmt():
            if _has([statement.qual, statement.with_check], ast.SubLink):
                yield f"policy of {statement.table.relname} has a subquery"
        case ast.RenameStmt(renameType=enums.ObjectType.OBJECT_TABCONSTRAINT):
            yield f"{statement.relation.relname}: renames a constraint"
        case ast.RenameStmt():
            column = statement.renameType == enums.ObjectType.OBJECT_COLUMN
            yield from _too_long(statement.newname, LONGEST_COLUMN if column else LONGEST_NAME)
        case ast.CreateFunctionStmt():
            yield f"function {statement.funcname[-1].sval}"
        case _ if isinstance(statement, (*TRIGGERS, *TYPES)):
            yield type(statement).__name__
        case _:
            pass


def _of_table(statement: Any) -> Iterator[str]:
    name = statement.relation.relname
    yield from _too_long(name)
    columns = [part for part in statement.tableElts if isinstance(part, ast.ColumnDef)]
    constraints = [part for part in statement.tableElts if isinstance(part, ast.Constraint)]
    owner = next((column for column in columns if column.colname == OWNER), None)
    if owner is None or _type(owner) != "text" or not any(_kind_of(one) == "CONSTR_NOTNULL" for one in owner.constraints or ()):
        yield f"{name}: {OWNER} is not text NOT NULL"
    if not any(_kind_of(one) == "CONSTR_PRIMARY" for one in constraints):
        yield f"{name}: no primary key of its own line"
    for column in columns:
        yield from _of_column(name, column)
    for constraint in constraints:
        yield from _of_constraint(name, constraint, {})


def _of_column(table: str, column: Any) -> Iterator[str]:
    yield from _too_long(column.colname, LONGEST_COLUMN)
    if _type(column) in SERIAL:
        yield f"{table}.{column.colname}: serial"
    for constraint in column.constraints or ():
        kind = _kind_of(constraint)
        if kind == "CONSTR_IDENTITY":
            yield f"{table}.{column.colname}: identity"
        if kind in {"CONSTR_PRIMARY", "CONSTR_UNIQUE", "CONSTR_FOREIGN"}:
            yield f"{table}.{column.colname}: a key without {OWNER}"
        calls = {_name(node) for node in _walk(constraint.raw_expr) if isinstance(node, ast.FuncCall)}
        if kind == "CONSTR_DEFAULT" and "nextval" in calls:
            yield f"{table}.{column.colname}: a sequence"


def _of_constraint(table: str, constraint: Any, unique_indexes: Mapping[str, list[str]]) -> Iterator[str]:
    name = constraint.conname or ""
    yield from _too_long(name) if name else iter([f"{table}: a constraint without a name"])
    match _kind_of(constraint):
        case "CONSTR_PRIMARY" | "CONSTR_UNIQUE":
            keys = unique_indexes[constraint.indexname] if constraint.indexname else [key.sval for key in constraint.keys]
            if keys[0] != OWNER:
                yield f"{name} does not begin with {OWNER}"
        case "CONSTR_EXCLUSION":
            if not any(element.name == OWNER and operator[-1].sval == "=" for element, operator in constraint.exclusions):
                yield f"{name} does not have {OWNER} WITH ="
        case "CONSTR_FOREIGN":
            own, other = ([key.sval for key in keys] for keys in (constraint.fk_attrs, constraint.pk_attrs))
            if own[0] != OWNER or other != [OWNER, "id"]:
                yield f"{name} is no reference ({OWNER}, x_id) to ({OWNER}, id)"
            if constraint.fk_del_action not in {"a", "c"} or constraint.fk_upd_action != "a":
                yield f"{name}: neither CASCADE nor NO ACTION"
        case _:
            pass


def _of_alteration(table: str, command: Any, unique_indexes: Mapping[str, list[str]]) -> Iterator[str]:
    if command.subtype not in ALLOWED_ALTERATIONS:
        yield f"{table}: {command.subtype.name}"
    if command.name == OWNER:
        yield f"{table}: {OWNER} changes"
    if isinstance(command.def_, ast.Constraint):
        yield from _of_constraint(table, command.def_, unique_indexes)
    if isinstance(command.def_, ast.ColumnDef) and command.subtype == enums.AlterTableType.AT_AddColumn:
        yield from _of_column(table, command.def_)


def _too_long(name: str, most: int = LONGEST_NAME) -> Iterator[str]:
    if len(name.encode()) > most:
        yield f"{name} has more than {most} bytes"


def _type(column: Any) -> str:
    return column.typeName.names[-1].sval


def _kind_of(constraint: Any) -> str:
    return constraint.contype.name


# --- Reading a parse tree -------------------------------------------------------------------------------------------------------


def _walk(node: Any) -> Iterator[Any]:
    """A node and those below it."""
    if isinstance(node, list | tuple):
        for one in node:
            yield from _walk(one)
    elif isinstance(node, ast.Node):
        yield node
        for name in node:
            yield from _walk(getattr(node, name))


def _has(nodes: Any, kind: type[Any]) -> bool:
    return any(isinstance(node, kind) for node in _walk(nodes))


def _queries_below(query: Any) -> Iterator[Any]:
    """The subqueries of a query, those of its common table expressions and of a union apart."""

    def below(node: Any) -> Iterator[Any]:
        if isinstance(node, list | tuple):
            for one in node:
                yield from below(one)
        elif isinstance(node, ast.SelectStmt):
            yield node
        elif isinstance(node, ast.Node) and not isinstance(node, ast.WithClause):
            for name in node:
                yield from below(getattr(node, name))

    for name in query:
        if name not in {"withClause", "larg", "rarg"}:
            yield from below(getattr(query, name))


def _tables(query: Any) -> list[Any]:
    """The tables that a query itself reads or changes."""
    found: list[Any] = []
    items: list[Any] = [*(getattr(query, "fromClause", None) or ()), *(getattr(query, "usingClause", None) or ())]
    items += [query.relation] if isinstance(query, ast.UpdateStmt | ast.DeleteStmt) else []
    while items:
        item = items.pop()
        if isinstance(item, ast.JoinExpr):
            items += [item.larg, item.rarg]
        elif isinstance(item, ast.RangeVar):
            found.append(item)
    return found


def _conditions(query: Any) -> Iterator[Any]:
    """What WHERE and the ON of inner joins ask, without the ANDs."""
    items: list[Any] = [query.whereClause] if query.whereClause else []
    joins: list[Any] = list(getattr(query, "fromClause", None) or ())
    while joins:
        join = joins.pop()
        if isinstance(join, ast.JoinExpr):
            joins += [join.larg, join.rarg]
            if join.jointype == enums.JoinType.JOIN_INNER and join.quals:
                items.append(join.quals)
    while items:
        item = items.pop()
        if isinstance(item, ast.BoolExpr) and item.boolop == enums.BoolExprType.AND_EXPR:
            items += item.args
        else:
            yield item


def _owned_by(condition: Any, owner: int | None) -> Iterator[str]:
    """The table, or "" for the only one, that `condition` gives to the owner."""
    if isinstance(condition, ast.A_Expr) and condition.name[-1].sval == "=" and isinstance(condition.lexpr, ast.ColumnRef):
        names = [part.sval for part in condition.lexpr.fields if isinstance(part, ast.String)]
        if names[-1] == OWNER and owner is not None and _parameter(condition.rexpr) == owner:
            yield names[0] if len(names) > 1 else ""


def _owner_parameter(statement: Any) -> int | None:
    """The number of the parameter that the statement tells PostgreSQL as the user."""
    for node in _walk(statement):
        if isinstance(node, ast.FuncCall) and _name(node) == "set_config" and node.args[0].val.sval == "app.user_id":
            return _parameter(node.args[1])
    return None


def _parameter(node: Any) -> int | None:
    while isinstance(node, ast.TypeCast | ast.CollateClause):
        node = node.arg
    return node.number if isinstance(node, ast.ParamRef) else None


def _returned(query: Any) -> Any:
    clause = getattr(query, "returningClause", None)
    return clause.exprs if clause is not None else getattr(query, "returningList", None)


def _name(call: Any) -> str:
    return call.funcname[-1].sval
