"""The plan of app/models/<module>.py."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace

from generator.columns import default_sql
from generator.imports import Names
from generator.ir import (
    Bounds,
    CheckConstraint,
    Computed,
    EnumType,
    Field,
    FieldType,
    Generated,
    Index,
    IndexKey,
    JsonType,
    JsonValue,
    Kind,
    ListType,
    Literally,
    Operation,
    Reference,
    Resource,
    ScalarType,
    Search,
    UniqueConstraint,
)
from generator.literals import docstring, literal, text
from generator.naming import DELETED_AT, QUERY_CLASSES, pascal_case, resource_classes
from generator.plan.aggregates import Aggregates, aggregates_of
from generator.plan.relations import Relations
from generator.plan.values import decimal_argument, default_literal, described, header, operators
from generator.plan.views import Body, ComputedField, Enum, Line, ModelModule, Rule
from generator.sql import PRESENT, quote_identifier
from generator.types import SCALARS


def model_module(resource: Resource, tables: Mapping[str, str], relations: Relations) -> ModelModule:
    """The view of one models module; `tables` has the table of each resource, `relations` are those of this one."""
    return _ModelPlanner(resource, tables, relations).plan()


class _ModelPlanner:
    def __init__(self, resource: Resource, tables: Mapping[str, str], relations: Relations) -> None:
        self.tables = tables
        self.expansions = relations.expansions
        self.through = relations.through
        self.resource = resource
        enums = [_enum_of(field.type) for field in resource.fields]
        classes = {
            resource.name,
            *(f"{resource.name}{suffix}" for suffix in QUERY_CLASSES),
            *resource_classes(resource.name),
            *(enum.class_name for enum in enums if enum),
        }
        columns = {field.column for field in resource.fields}
        self._classes = classes
        self._aliases: dict[str, str] = {}
        taken = classes | columns | {f"{resource.name}{pascal_case(field.column)}" for field in resource.fields}
        self.names = Names(taken)

    def plan(self) -> ModelModule:
        """Everything in the order in which the module defines it, so that imports are those that are used."""
        resource, names = self.resource, self.names
        # Columns of the table.
        columns = (*self._deletion(), *(self._column(field) for field in resource.fields if field.is_column))
        computed = tuple(self._computed(field, field.computed) for field in resource.fields if field.computed and not field.is_column)
        creates, replaces = Operation.CREATE in resource.operations, Operation.REPLACE in resource.operations
        changes = replaces or Operation.UPDATE in resource.operations
        bodies: list[Body] = []
        always = [field for field in resource.fields if field.write == "always"]
        once = [field for field in resource.fields if field.write == "once"]
        written = [*(always if creates or changes else ()), *(once if creates else ())]
        annotations = {field.column: self._wire(field) for field in resource.fields if field.readable or field in written}
        body_base = names.use("app.api.body", "Body") if creates or changes else ""
        if replaces:
            lines = tuple(self._input(field, annotations) for field in always)
            doc = f"What a replacement of a {resource.name} sends; a missing field gets its default."
            bodies.append(Body(f"{resource.name}Replace", body_base, docstring(doc, indent=4), lines, self._rules(always)))
        if creates:
            inherits = replaces
            fields = once if inherits else always + once
            lines = tuple(self._input(field, annotations) for field in fields)
            rules = tuple(rule for rule in self._rules(always + once) if not inherits or rule not in self._rules(always))
            base = f"{resource.name}Replace" if inherits else body_base
            bodies.append(
                Body(f"{resource.name}Create", base, docstring(f"What a new {resource.name} is made of.", indent=4), lines, rules)
            )
        if Operation.UPDATE in resource.operations:
            unset = names.use("app.api.scalars", "unset") if always else ""
            lines = tuple(
                Line(
                    field.column,
                    self._nullable(annotations[field.column], field),
                    f"{self._field()}(default_factory={unset}{_flag(field)})",
                )
                for field in always
            )
            doc = f"The changes to a {resource.name}: a missing field stays as it is."
            bodies.append(Body(f"{resource.name}Update", body_base, docstring(doc, indent=4), lines))
        if Operation.BATCH in resource.operations:
            bodies += self._batch()
        deleted_at = (Line(DELETED_AT, f"{names.use('datetime', 'datetime')} | None"),) if resource.soft_delete else ()
        readable = tuple(
            Line(
                field.column,
                self._nullable(annotations[field.column], field),
                f"{self._field()}(deprecated=True)" if field.deprecated else None,
            )
            for field in resource.fields
            if field.readable
        )
        read_base = names.use("app.api.body", "Read")
        doc = docstring(f"A {resource.name} as it is answered.", indent=4)
        bodies.append(Body(f"{resource.name}Read", read_base, doc, (*deleted_at, *readable)))
        if Operation.LIST in resource.operations:
            bodies += self._queries()
        if self.expansions and Operation.GET in resource.operations:
            doc = docstring(f"What the answer with one {resource.name} is to hold.", indent=4)
            item_base = names.use("app.api.query", "ItemQuery")
            bodies.append(Body(f"{resource.name}ItemQuery", item_base, doc, (self._expand(),)))
        used = {"OwnedTable": names.use("app.db.table", "OwnedTable")}
        if computed:
            used["property"] = names.builtin("property")
        if any(body.rules for body in bodies):
            for module, name in (("pydantic", "model_validator"), ("typing", "Self"), ("app.api.body", "broken_rule")):
                used[name] = names.use(module, name)
        enums = tuple(self._enums())
        if enums:
            used["StrEnum"] = names.use("enum", "StrEnum")
        constraints = tuple(self._constraints())
        return ModelModule(
            path=f"app/models/{resource.module}.py",
            header=header(resource),
            names=SimpleNamespace(**used),
            enums=enums,
            aliases=tuple(self._aliases.items()),
            table=resource.name,
            doc=docstring(described(resource.description, resource.deprecated) or resource.name, indent=4),
            tablename=text(resource.plural),
            constraints=constraints,
            columns=columns,
            computed=computed,
            bodies=tuple(bodies),
            imports=names.statements(),
        )

    def enum(self, name: str) -> str:
        """Enums are defined in the module itself."""
        return name

    def _deletion(self) -> Iterator[Line]:
        """The column that says when a row was deleted, where deleted rows stay for a while."""
        if self.resource.soft_delete:
            made = f"{self.names.use('app.db.table', 'deletion_time')}()"
            yield Line(DELETED_AT, f"{self.names.use('datetime', 'datetime')} | None", made)

    # --- the table ------------------------------------------------------------------------------------------------------------------

    def _column(self, field: Field) -> Line:
        column = self.names.use("app.db.table", "column")
        annotation = self._python(field.type)
        default = ""
        match field.default:
            case Literally(value=value):
                default = f", default={default_literal(field.type, value, self)}"
            case Generated():
                default = f", default_factory={self._generator(field)}"
            case None if field.computed is not None:
                default = f", computed={text(field.computed.sql)}"
            case None:
                pass
        stored = default_sql(field)
        if stored is not None:
            default += f", server_default={text(stored)}"
        return Line(field.column, f"{annotation} | None" if field.nullable else annotation, f"{column}({self._sql(field.type)}{default})")

    def _computed(self, field: Field, computed: Computed) -> ComputedField:
        for name in computed.imports:
            self.names.use_own("app.api", name)
        annotation = self._python(field.type)
        return ComputedField(
            name=field.column,
            sql=f"{self.names.use('app.db.table', 'computed')}({text(field.column)}, {text(computed.sql)}, {self._sql(field.type)})",
            annotation=f"{annotation} | None" if field.nullable else annotation,
            doc=docstring(described(field.description, field.deprecated) or f"Computed: {field.name}.", indent=8),
            python=computed.python,
        )

    def _python(self, field_type: FieldType) -> str:
        """The Python type of a value that comes from the database."""
        match field_type:
            case ScalarType(kind=kind):
                return self._scalar(kind)
            case EnumType(class_name=name):
                return name
            case ListType(of=of):
                return f"{self.names.builtin('list')}[{self._python(of)}]"
            case JsonType():
                return self.names.use("typing", "Any")
            case Reference():
                return self.names.use("uuid", "UUID")

    def _scalar(self, kind: Kind) -> str:
        row = SCALARS[kind]
        if not row.imports:
            return self.names.builtin(row.python)
        module = row.imports[0].split()[1]
        return self.names.use(module, row.python)

    def _sql(self, field_type: FieldType) -> str:
        """The SQLAlchemy type as an expression."""
        match field_type:
            case ScalarType(kind=Kind.DATETIME):
                return self.names.use("app.db.table", "TIMESTAMP")
            case ScalarType(kind=kind, precision=precision, scale=scale):
                if SCALARS[kind].textual:
                    return self.names.use("app.db.table", "TEXT")
                name, parenthesis, _ = SCALARS[kind].sqlalchemy.partition("(")
                local = self.names.use("sqlalchemy", name)
                return f"{local}({precision}, {scale})" if parenthesis else local
            case EnumType():
                return self.names.use("app.db.table", "TEXT")
            case ListType(of=of):
                return f"{self.names.use('sqlalchemy', 'ARRAY')}({self._sql(of)})"
            case JsonType():
                return self.names.use("sqlalchemy.dialects.postgresql", "JSONB")
            case Reference():
                return self.names.use("sqlalchemy", "Uuid")

    def _constraints(self) -> Iterator[str]:
        resource, names = self.resource, self.names
        yield f'{names.use("sqlalchemy", "PrimaryKeyConstraint")}("user_id", "id", name={text(resource.primary_key)})'
        for field in resource.fields:
            if isinstance(field.type, Reference):
                yield self._foreign_key(field.column, field.type)
        for unique in resource.unique if resource.soft_delete else ():
            yield self._present_unique(unique)
        for unique in resource.unique if not resource.soft_delete else ():
            nulls = ", postgresql_nulls_not_distinct=True" if unique.nulls_equal else ""
            columns = ", ".join(text(column) for column in ("user_id", *unique.columns))
            yield f"{names.use('sqlalchemy', 'UniqueConstraint')}({columns}, name={text(unique.name)}{nulls})"
        for check in resource.checks:
            yield self._check(check)
        for index in resource.indexes:
            yield self._index(index)
        if resource.search is not None:
            search = ", ".join(map(text, (resource.search.index, resource.search.language, *resource.search.columns)))
            yield f"{names.use('app.db.search', 'search_index')}({search})"

    def _present_unique(self, unique: UniqueConstraint) -> str:
        """A unique constraint of the rows that are not deleted."""
        columns = ", ".join(text(column) for column in ("user_id", *unique.columns))
        nulls = ", postgresql_nulls_not_distinct=True" if unique.nulls_equal else ""
        where = f", postgresql_where={self.names.use('app.db.table', 'expression')}({text(PRESENT)})"
        return f"{self.names.use('sqlalchemy', 'Index')}({text(unique.name)}, {columns}, unique=True{nulls}{where})"

    def _foreign_key(self, column: str, reference: Reference) -> str:
        target = self.tables[reference.target]
        on_delete = ', ondelete="CASCADE"' if reference.on_delete == "cascade" else ""
        constraint = self.names.use("sqlalchemy", "ForeignKeyConstraint")
        columns, targets = f'["user_id", {text(column)}]', f"[{text(target + '.user_id')}, {text(target + '.id')}]"
        return f"{constraint}({columns}, {targets}, name={text(reference.constraint)}{on_delete})"

    def _check(self, check: CheckConstraint) -> str:
        on = f", on={text(check.column)}" if check.column else ""
        return f"{self.names.use('app.db.table', 'check')}({text(check.name)}, {text(check.sql)}, {text(check.message)}{on})"

    def _index(self, index: Index) -> str:
        keys = ", ".join(self._index_key(key) for key in index.keys)
        method = "" if index.method == "btree" else f", postgresql_using={text(index.method)}"
        where = f", postgresql_where={self.names.use('app.db.table', 'expression')}({text(index.where)})" if index.where else ""
        return f"{self.names.use('sqlalchemy', 'Index')}({text(index.name)}, {keys}{method}{where})"

    def _index_key(self, key: IndexKey) -> str:
        if not key.is_expression and not key.descending_nulls_last:
            return text(key.sql)
        sql = f"({key.sql})" if key.is_expression else quote_identifier(key.sql)
        if key.descending_nulls_last:
            sql += " DESC" if key.sql == "id" else " DESC NULLS LAST"
        return f"{self.names.use('app.db.table', 'expression')}({text(sql)})"

    # --- enums and types of the wire ------------------------------------------------------------------------------------------------

    def _enums(self) -> Iterator[Enum]:
        seen: set[str] = set()
        for field in self.resource.fields:
            enum = _enum_of(field.type)
            if enum is None or enum.class_name in seen:
                continue
            seen.add(enum.class_name)
            described = [f"{value.member}: {value.description}" for value in enum.values if value.description]
            doc = f"Values of `{field.name}`." + (" " + "; ".join(described) if described else "")
            yield Enum(enum.class_name, docstring(doc, indent=4), tuple((value.member, literal(value.value)) for value in enum.values))

    def _field(self) -> str:
        return self.names.use("pydantic", "Field")

    def _wire(self, field: Field) -> str:
        """The annotation of the field's value in bodies and answers, without `| None`: an alias where it has constraints or words."""
        metadata = self._metadata(field)
        if not metadata:
            return self._wire_type(field.type)
        alias = f"{self.resource.name}{pascal_case(field.column)}"
        while alias in self._classes or alias in self._aliases:
            alias += "_"
        self._aliases[alias] = self._annotated(field.type, metadata)
        return alias

    def _annotated(self, field_type: FieldType, arguments: list[str]) -> str:
        """The annotation of a type whose `Field(…)` has these arguments; what reads its text stands behind them."""
        annotated, field = self.names.use("typing", "Annotated"), f"{self._field()}({', '.join(arguments)})"
        match field_type:
            case ScalarType(kind=Kind.DECIMAL as kind):
                return f"{annotated}[{self._scalar(kind)}, {field}, {self._exact(field_type)}]"
            case ScalarType(kind=kind, bounds=bounds) if kind in _READERS and _has_limits(bounds):
                return f"{annotated}[{self._scalar(kind)}, {field}, {self.names.use('app.api.scalars', _READERS[kind])}]"
            case ScalarType(kind=kind) if kind in _CHECKS:
                return f"{annotated}[{self._scalar(kind)}, {field}, {self.names.use('app.api.scalars', _CHECKS[kind])}]"
            case _:
                return f"{annotated}[{self._wire_type(field_type)}, {field}]"

    def _exact(self, scalar: ScalarType) -> str:
        return f"{self.names.use('app.api.scalars', 'Exact')}({scalar.precision}, {scalar.scale})"

    def _wire_type(self, field_type: FieldType) -> str:
        match field_type:
            case ScalarType(kind=kind):
                special = {Kind.DATE: "Date", Kind.TIME: "Time", Kind.DATETIME: "DateTime", Kind.EMAIL: "Email", Kind.URL: "Url"}.get(kind)
                if special:
                    return self.names.use("app.api.scalars", special)
                if kind is Kind.DECIMAL:
                    return f"{self.names.use('typing', 'Annotated')}[{self._scalar(kind)}, {self._exact(field_type)}]"
                return self._scalar(kind)
            case EnumType(class_name=name):
                return name
            case ListType(of=of):
                constraints = self._bounds(of)
                item = self._annotated(of, constraints) if constraints else self._wire_type(of)
                return f"{self.names.builtin('list')}[{item}]"
            case JsonType():
                return self.names.use("app.api.scalars", "Json")
            case Reference():
                return self.names.use("uuid", "UUID")

    def _metadata(self, field: Field) -> list[str]:
        """The arguments of `Field(…)`: the constraints and the words of a field."""
        arguments = self._bounds(field.type)
        if words := described(field.description, field.deprecated):
            arguments.append(f"description={text(words)}")
        if field.example is not None:
            arguments.append(f"examples=[{literal(_json_example(field))}]")
        return arguments

    def _bounds(self, field_type: FieldType) -> list[str]:
        match field_type:
            case ListType(min_items=min_items, max_items=max_items):
                return ([f"min_length={min_items}"] if min_items else []) + [f"max_length={max_items}"]
            case ScalarType() as scalar:
                return self._scalar_bounds(scalar)
            case _:
                return []

    def _scalar_bounds(self, scalar: ScalarType) -> list[str]:
        bounds, row = scalar.bounds, SCALARS[scalar.kind]
        arguments: list[str] = []
        if scalar.kind is Kind.FLOAT:
            arguments.append("allow_inf_nan=False")
        if bounds.min_length:
            arguments.append(f"min_length={bounds.min_length}")
        maximum = bounds.max_length if bounds.max_length is not None else row.max_length
        if maximum is not None:
            arguments.append(f"max_length={maximum}")
        if bounds.pattern is not None:
            arguments.append(f"pattern={text(bounds.pattern)}")
        limits = {name: getattr(bounds, name) for name in ("ge", "gt", "le", "lt")}
        if row.range is not None:  # what the column can hold, where the spec does not ask for less
            if limits["ge"] is None and limits["gt"] is None:
                limits["ge"] = Decimal(row.range[0])
            if limits["le"] is None and limits["lt"] is None:
                limits["le"] = Decimal(row.range[1])
        arguments += [f"{name}={self._limit(scalar.kind, value)}" for name, value in limits.items() if value is not None]
        if bounds.multiple_of is not None:
            arguments.append(f"multiple_of={literal(bounds.multiple_of)}")
        return arguments

    def _limit(self, kind: Kind, value: Decimal | str) -> str:
        if isinstance(value, str):
            return f"{self._scalar(kind)}.fromisoformat({text(value)})"
        if kind is Kind.DECIMAL:
            return f"{self._scalar(kind)}({decimal_argument(value)})"
        return literal(value)

    # --- bodies ---------------------------------------------------------------------------------------------------------------------

    def _nullable(self, annotation: str, field: Field) -> str:
        return f"{annotation} | None" if field.nullable else annotation

    def _input(self, field: Field, annotations: dict[str, str]) -> Line:
        annotation = self._nullable(annotations[field.column], field)
        default = self._default(field)
        if field.deprecated:
            arguments = ([default] if default is not None else []) + ["deprecated=True"]
            return Line(field.column, annotation, f"{self._field()}({', '.join(arguments)})")
        return Line(field.column, annotation, default)

    def _default(self, field: Field) -> str | None:
        match field.default:
            case Generated():
                factory = f"default_factory={self._generator(field)}"
                return factory if field.deprecated else f"{self._field()}({factory})"
            case Literally(value=value):
                written = default_literal(field.type, value, self)
                if isinstance(value, (list, dict)):
                    factory = f"default_factory={self._factory(field.type, written)}"
                    return factory if field.deprecated else f"{self._field()}({factory})"
                return f"default={written}" if field.deprecated else written
            case None:
                if not field.nullable:
                    return None
                return "default=None" if field.deprecated else "None"

    def _generator(self, field: Field) -> str:
        """What makes the default of a field anew for each row: `today`, `now` or `generate`."""
        how = field.default.how if isinstance(field.default, Generated) else ""
        made = {"today": "today", "generate": "random_uuid"}.get(how, "now" if _kind(field) is Kind.DATETIME else "time_of_day")
        return self.names.use("app.api.scalars", made)

    def _factory(self, field_type: FieldType, written: str) -> str:
        """What makes a default list or object anew for each row."""
        if written == "[]":
            return self.names.use("app.api.scalars", "empty_list")
        if written == "{}":
            return self.names.builtin("dict")
        return f"{self.names.use('app.api.scalars', 'copies')}({written})" if isinstance(field_type, JsonType) else f"lambda: {written}"

    def _rules(self, fields: list[Field]) -> tuple[Rule, ...]:
        available = {field.column for field in fields}
        rules: list[Rule] = []
        for check in self.resource.checks:
            if check.rule_python is not None and available.issuperset(check.columns):
                for name in check.rule_imports:
                    self.names.use_own("app.api", name)
                rules.append(Rule(check.rule_python, text(check.rule_name or check.name), text(check.message)))
        return tuple(rules)

    def _batch(self) -> Iterator[Body]:
        """What a batch sends: the parts whose operations there are."""
        name, operations, body = self.resource.name, self.resource.operations, self.names.use("app.api.body", "Body")
        uuid, required = self.names.use("uuid", "UUID"), self.resource.concurrency == "required"
        elements: dict[str, str] = {}
        if Operation.CREATE in operations:
            elements["create"] = f"{name}Create"
        if Operation.UPDATE in operations:
            elements["update"] = f"{name}BatchUpdate"
            whole = self.names.builtin("int")
            version = Line("version", f"{self.names.use('typing', 'Annotated')}[{whole}, {self._field()}(ge=1)]")
            if not required:
                version = Line("version", f"{version.annotation} | None", "None")
            doc = docstring(f"A change of the {name} with this id, at this version.", indent=4)
            yield Body(f"{name}BatchUpdate", f"{name}Update", doc, (Line("id", uuid), version))
        if Operation.DELETE in operations:
            target = self.names.use("app.api.batch", "Target")
            elements["delete"] = target if required else f"{uuid} | {target}"
        maker, most = self.names.builtin("list"), self.names.use("app.api.batch", "MAX_ELEMENTS")
        lines = tuple(
            Line(part, f"{maker}[{element}]", f"{self._field()}(default_factory={maker}[{element}], max_length={most})")
            for part, element in elements.items()
        )
        yield Body(f"{name}Batch", body, docstring(f"Changes of {self.resource.plural} that are made together.", indent=4), lines)

    def _queries(self) -> Iterator[Body]:
        """The query strings of the list and of its aggregates, and what the latter answer."""
        name, plural = self.resource.name, self.resource.plural
        filters = [
            line for field in self.resource.fields if field.filter for line in self._filters(field.column, field.type, operators(field))
        ]
        for one in self.through:
            nullable = one.field.nullable or one.end.field.nullable
            filters += self._filters(one.name, _without_class(one.field.type), operators(replace(one.field, nullable=nullable)))
        if self.resource.search is not None:
            filters.insert(0, self._search(self.resource.search))
        if self.resource.soft_delete:
            filters.insert(0, self._trashed())
        doc = docstring(f"Filters of {plural}.", indent=4)
        yield Body(f"{name}Filters", self.names.use("app.api.query", "Filters"), doc, tuple(filters))
        doc = docstring(f"Paging, sorting and filters of a list of {plural}.", indent=4)
        yield Body(f"{name}Query", f"{name}Filters, {self.names.use('app.api.query', 'ListQuery')}", doc, self._paging())
        aggregates = aggregates_of(self.resource)
        doc = docstring(f"What to calculate of the {plural} that match the filters.", indent=4)
        base = f"{name}Filters, {self.names.use('app.api.query', 'AggregateQuery')}"
        yield Body(f"{name}AggregateQuery", base, doc, tuple(self._named(one.parameter, one.columns) for one in aggregates))
        doc = docstring(f"What was asked for of a group of {plural}.", indent=4)
        yield Body(f"{name}Aggregate", f"{self.names.use('typing', 'TypedDict')}, total=False", doc, tuple(self._answers(aggregates)))

    def _trashed(self) -> Line:
        """The parameter that asks for deleted rows."""
        annotated, flag = self.names.use("typing", "Annotated"), self.names.use("app.api.scalars", "Flag")
        words = "`false`: the deleted rows, in place of those that there are."
        return Line(f"{DELETED_AT}__isnull", f"{annotated}[{flag} | None, {self._field()}(description={text(words)})]", "None")

    def _named(self, parameter: str, columns: Sequence[str]) -> Line:
        """A parameter that takes names of fields."""
        names, literals = self.names.use("app.api.query", "Names"), ", ".join(map(text, columns))
        return Line(parameter, f"{names}[{self.names.use('typing', 'Literal')}[{literals}]] | None", "None")

    def _answers(self, aggregates: Sequence[Aggregates]) -> Iterator[Line]:
        """The keys that a group can have, each once."""
        lines = {"count": Line("count", self.names.builtin("int"))}
        for one in aggregates:
            for column in one.columns:
                key = column if one.parameter == "group_by" else f"{one.parameter}_{column}"
                lines.setdefault(key, Line(key, self._aggregated(one.parameter, column)))
        yield from lines.values()

    def _aggregated(self, parameter: str, column: str) -> str:
        """The type of an answer: null where no row of the group has a value."""
        field = next((field for field in self.resource.fields if field.column == column), None)
        if field is None:  # a built-in column
            return f"{self.names.use('datetime', 'datetime')} | None"
        if parameter == "group_by":
            return self._nullable(self._python(field.type), field)
        kind = _kind(field)
        if kind is Kind.DECIMAL or (kind is Kind.BIGINT and parameter == "sum"):
            return f"{self.names.use('decimal', 'Decimal')} | None"
        return f"{self.names.builtin('float') if parameter == 'avg' else self._python(field.type)} | None"

    def _paging(self) -> tuple[Line, ...]:
        lines: list[Line] = []
        if sortable := [text(field.column) for field in self.resource.fields if field.sort]:
            annotated, optional = self.names.use("typing", "Annotated"), f"{self.names.builtin('str')} | None"
            words, keys = (self.names.use("app.api.query", name) for name in ("SORT", "SortKeys"))
            lines.append(Line("sort", f"{annotated}[{optional}, {words}, {keys}({', '.join(sortable)})]", "None"))
        page = self.resource.page
        if (page.default, page.max) != (20, 100):
            arguments = [f"ge=1, le={page.max}", 'description="Rows a page."']
            lines.append(Line("limit", self._whole(arguments), str(page.default)))
        if self.expansions:
            lines.append(self._expand())
        return tuple(lines)

    def _whole(self, arguments: list[str]) -> str:
        """An integer of a query string, whose `Field(…)` has these arguments."""
        annotated, reader = self.names.use("typing", "Annotated"), self.names.use("app.api.query", "WHOLE")
        return f"{annotated}[{self.names.builtin('int')}, {self._field()}({', '.join(arguments)}), {reader}]"

    def _search(self, search: Search) -> Line:
        """The parameter `q`, which says what it searches."""
        names = ", ".join(f"`{column}`" for column in search.columns)
        words = f"Words to find in {names}: all of them, the last one as the beginning of a word."
        annotated, optional = self.names.use("typing", "Annotated"), f"{self.names.builtin('str')} | None"
        limit = f"max_length={self.names.use('app.api.query', 'MAX_SEARCH')}"
        return Line("q", f"{annotated}[{optional}, {self._field()}({limit}, description={text(words)})]", "None")

    def _expand(self) -> Line:
        """The parameter `expand`, which says what it takes."""
        names = ", ".join(f"`{expansion.name}`" for expansion in self.expansions)
        lists = " Lists hold their newest 20 rows." if any(expansion.kind != "one" for expansion in self.expansions) else ""
        words = f"Comma-separated: {names}; a dot leads one level on.{lists}"
        annotated, optional = self.names.use("typing", "Annotated"), f"{self.names.builtin('str')} | None"
        return Line("expand", f"{annotated}[{optional}, {self._field()}(description={text(words)})]", "None")

    def _filters(self, parameter: str, field_type: FieldType, known: Sequence[str]) -> Iterator[Line]:
        """The parameters of one filter, one for each of its operators (`known`)."""
        value = self._query_type(field_type)
        for operator in known:
            name = f"{parameter}__{operator}" if operator else parameter
            match operator:
                case "in":
                    yield Line(name, f"{self.names.use('app.api.query', 'Values')}[{value}] | None", "None")
                case "isnull":
                    yield Line(name, f"{self.names.use('app.api.scalars', 'Flag')} | None", "None")
                case _:
                    yield Line(name, f"{value} | None", "None")

    def _query_type(self, field_type: FieldType) -> str:
        match field_type:
            case ListType(of=of):
                return self._query_type(of)
            case ScalarType(kind=kind) if kind in {Kind.EMAIL, Kind.URL}:
                return f"{self.names.use('typing', 'Annotated')}[{self.names.builtin('str')}, {self._field()}(min_length=1)]"
            case ScalarType(kind=Kind.BOOLEAN):
                return self.names.use("app.api.scalars", "Flag")
            case ScalarType(kind=kind) if SCALARS[kind].range is not None:
                low, high = SCALARS[kind].range or (0, 0)
                return self._whole([f"ge={low}, le={high}"])
            case ScalarType(kind=Kind.FLOAT):
                return self.names.use("app.api.query", "Number")
            case EnumType(class_name="", values=values):
                return f"{self.names.use('typing', 'Literal')}[{', '.join(text(value.value) for value in values)}]"
            case _:
                return self._wire_type(field_type)


_READERS = {Kind.DATE: "FULL_DATE", Kind.TIME: "PARTIAL_TIME", Kind.DATETIME: "DATE_TIME"}
"""What reads the text of a date or time, in app.api.scalars."""

_CHECKS = {Kind.EMAIL: "EMAIL", Kind.URL: "URL"}
"""What checks a text, in app.api.scalars."""


def _has_limits(bounds: Bounds) -> bool:
    return any(limit is not None for limit in (bounds.ge, bounds.gt, bounds.le, bounds.lt))


def _without_class(field_type: FieldType) -> FieldType:
    """The type with enums that are written out: two modules cannot import their classes from each other."""
    match field_type:
        case EnumType():
            return replace(field_type, class_name="")
        case ListType(of=EnumType() as enum):
            return replace(field_type, of=replace(enum, class_name=""))
        case _:
            return field_type


def _enum_of(field_type: FieldType) -> EnumType | None:
    match field_type:
        case EnumType():
            return field_type
        case ListType(of=EnumType() as enum):
            return enum
        case _:
            return None


def _kind(field: Field) -> Kind | None:
    return field.type.kind if isinstance(field.type, ScalarType) else None


def _flag(field: Field) -> str:
    return ", deprecated=True" if field.deprecated else ""


def _json_example(field: Field) -> JsonValue:
    """The example as it stands in JSON: decimals as text."""
    if isinstance(field.example, Decimal):
        return format(field.example, "f")
    return field.example
