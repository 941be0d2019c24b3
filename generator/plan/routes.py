"""The plan of app/routes/<plural>.py."""

from __future__ import annotations

from generator.imports import Importing, Names
from generator.ir import (
    Deprecation,
    EnumType,
    Field,
    Generated,
    Kind,
    Literally,
    Operation,
    Resource,
    ScalarType,
    UniqueConstraint,
)
from generator.literals import text
from generator.naming import QUERY_CLASSES, module_of, resource_classes
from generator.plan.deletions import Deletion, Incoming
from generator.plan.relations import End, Expansion, Relations, Through
from generator.plan.values import default_literal, header
from generator.plan.views import Link, LinkEnd, NestedList, RouteModule, Upsert

IMPORTED = {
    name: module
    for module, names in {
        "fastapi": "APIRouter Depends Query Request Response",
        "typing": "Annotated Any",
        "uuid": "UUID",
        "sqlalchemy": "insert update",
        "sqlmodel": "col select",
        "app.api.aggregates": "Aggregation",
        "app.api.batch": "Batch batched changes_of id_of version_of",
        "app.api.body": "given values",
        "app.api.expansion": "Expansions View",
        "app.api.links": "link_values linked unlinked",
        "app.api.listing": "Listing Parent",
        "app.api.query": "ItemQuery fields_of",
        "app.api.responses": (
            "Aggregates CONFLICT IfMatch IfNoneMatch NOT_FOUND Page RequiredIfMatch STALE UNAUTHORIZED UNCONDITIONAL "
            "UnlessMatch changed check_version created deleted found refuse versions_in versions_unlike"
        ),
        "app.api.route": "CompiledRoute",
        "app.db.session": "Change DbSession values_of",
        "app.db.trash": "Trash",
        "app.db.statements": "Inserts OWNER ROW_ID Updates columns owned placeholders version_matches",
        "app.api.upsert": "replacement upserted",
        "app.ids": "uuid7",
        "app.middleware.auth": "OwnerId verify_jwt",
    }.items()
    for name in names.split()
}
"""From where the names come that the template writes."""

ITEM_OPERATIONS = {"get", "replace", "update", "delete"}


def link_operations(resource: Resource, ends: tuple[End, End]) -> tuple[bool, bool]:
    """Whether a link has PUT and DELETE of a pair: where they need nothing but the pair, and no hook has to run."""
    hooks = {hook.name for hook in resource.hooks}
    settable = all(not field.required or field in (ends[0].field, ends[1].field) for field in resource.fields)
    settable = settable and all(end.field.write != "never" for end in ends)
    puts = Operation.CREATE in resource.operations and settable and not _hooked("create", hooks)
    return puts, Operation.DELETE in resource.operations and not _hooked("delete", hooks)


def route_module(resource: Resource, deletion: Deletion, relations: Relations) -> RouteModule:
    """The view of one routes module."""
    return _RoutePlanner(resource, deletion, relations).plan()


class _RoutePlanner:
    def __init__(self, resource: Resource, deletion: Deletion, relations: Relations) -> None:
        self.resource = resource
        self.relations = relations
        self.deletion = deletion if Operation.DELETE in resource.operations else Deletion()
        self._deleted = [resource for one in self.deletion.references for resource in (one.child, one.parent)]
        enums = [field.type.class_name for field in resource.fields if isinstance(field.type, EnumType)]
        taken = {
            resource.name,
            *(f"{resource.name}{suffix}" for suffix in QUERY_CLASSES),
            *resource_classes(resource.name),
            *enums,
            *(other.name for other in self._deleted),
        }
        verbs = ("create", "get", "replace", "update", "delete", "restore", "upsert")
        functions = {
            f"list_{resource.plural}",
            f"aggregate_{resource.plural}",
            f"batch_{resource.plural}",
            *(f"{verb}_{_function(resource)}" for verb in verbs),
        }
        self.names = Names(taken | functions)

    def enum(self, name: str) -> str:
        """Enums come from the resource's models module."""
        return self._model(name)

    def _model(self, name: str) -> str:
        return self._class(self.resource, name)

    def _class(self, resource: Resource, name: str) -> str:
        """Import one of a resource's own classes; they keep their names."""
        return self.names.use_own(f"app.models.{resource.module}", name)

    def plan(self) -> RouteModule:
        """The module's parts, in its order."""
        resource = self.resource
        name = resource.name
        operations = {operation.value for operation in resource.operations}
        self._model(name)
        self._model(f"{name}Read")
        for operation, suffix in (
            ("create", "Create"),
            ("replace", "Replace"),
            ("update", "Update"),
            ("list", "Query"),
            ("list", "AggregateQuery"),
            ("list", "Aggregate"),
        ):
            if operation in operations:
                self._model(f"{name}{suffix}")
        if self.relations.expansions and "get" in operations:
            self._model(f"{name}ItemQuery")
        if "batch" in operations:
            self._model(f"{name}Batch")
        hooks = {hook.name for hook in resource.hooks}
        sort = tuple((text(field.column), self._sort(field)) for field in resource.fields if field.sort) if "list" in operations else ()
        ranked = (
            tuple((text(field.column), self._sort(field)) for field in resource.fields if _is_grouped_enum(field))
            if "list" in operations
            else ()
        )
        through = tuple((text(one.name), self._behind(one)) for one in self.relations.through)
        fixed = (
            tuple((field.column, self._fixed(field)) for field in resource.fields if field.write == "never" and field.computed is None)
            if "create" in operations
            else ()
        )
        discards = resource.soft_delete and (bool(self.deletion.references) or _hooked("delete", hooks))
        delete = self._delete() if "delete" in operations and not discards else ""
        expansions = tuple((text(expansion.name), self._expansion(expansion)) for expansion in self.relations.expansions)
        nested = tuple(self._nested(parent) for parent in self.relations.parents)
        link = self._link(self.relations.link) if self.relations.link else None
        words = resource.module.rstrip("_").replace("_", " ")
        return RouteModule(
            path=f"app/routes/{module_of(resource.plural)}.py",
            header=header(resource),
            names=self.names,
            importing=Importing(self.names, IMPORTED, {"hooks": ("app.extensions", resource.module)}),
            resource=name,
            title=words,
            titles=resource.plural.replace("_", " "),
            article="an" if words[0] in "aeiou" else "a",
            segment=resource.segment,
            item_path=resource.item_param,
            item="row_id" if resource.item_param == "id" else resource.item_param,
            item_type=self._item_id(resource) if operations & ITEM_OPERATIONS else "",
            function=_function(resource),
            functions=resource.plural,
            operations=frozenset(operations),
            sort=sort,
            ranked=ranked,
            through=through,
            delete=delete,
            present=self._present(resource),
            restores=resource.soft_delete and "delete" in operations,
            trash=self._trash() if resource.soft_delete and "delete" in operations else (),
            discards=discards,
            fixed=fixed,
            expansions=expansions,
            nested=nested,
            link=link,
            upsert=self._upsert(resource.upsert) if resource.upsert is not None else None,
            hooks=frozenset(hooks),
            concurrency_required=resource.concurrency == "required",
            deprecated=resource.deprecated is not None,
            clears=bool(self.deletion.clears or self.deletion.purges) and not resource.soft_delete,
            route_class=self._route_class(),
            beside=self._beside(link),
        )

    def _route_class(self) -> str:
        """The class of the routes: one that says in headers when the resource or a field of it goes, where the spec has dates."""
        arguments = [f"{name}={text(day)}" for name, day in zip(("since", "sunset"), _dates(self.resource.deprecated), strict=True) if day]
        dated = [(field.column, _dates(field.deprecated)) for field in self.resource.fields if any(_dates(field.deprecated))]
        if dated:
            written = ", ".join(f"{text(name)}: ({', '.join(text(day) if day else 'None' for day in days)})" for name, days in dated)
            arguments.append(f"fields={{{written}}}")
        if not arguments:
            return self.names.use("app.api.route", "CompiledRoute")
        return f"{self.names.use('app.api.deprecation', 'deprecated_route')}({', '.join(arguments)})"

    def _related(self, resource: Resource, name: str) -> str:
        """Import a class of a resource that this one is related to."""
        if resource is self.resource or (name == resource.name and any(resource is other for other in self._deleted)):
            return self._class(resource, name)
        return self.names.use(f"app.models.{resource.module}", name)

    def _present(self, resource: Resource) -> str:
        """The condition that a row is not deleted, to follow others; empty where there are no deleted rows."""
        return f", {self.names.use('sqlmodel', 'col')}({resource.name}.deleted_at).is_(None)" if resource.soft_delete else ""

    def _trash(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """What becomes of those that refer to a deleted row: the arguments of `Trash`."""
        self.names.use("app.db.trash", "Trash")
        deletion = self.deletion
        kinds = (("cascades", deletion.cascades), ("clears", deletion.clears), ("restricts", deletion.restricts))
        return tuple((kind, tuple(map(self._reference, references))) for kind, references in kinds if references)

    def _reference(self, one: Incoming) -> str:
        child, parent = (self._class(resource, resource.name) for resource in (one.child, one.parent))
        return f"({child}, {text(one.field.column)}, {parent})"

    def _upsert(self, key: UniqueConstraint) -> Upsert:
        name, names = self.resource.name, self.names
        equal = ".is_not_distinct_from" if key.nulls_equal else " == "
        conditions = [f"{name}.user_id == {names.use('app.db.statements', 'OWNER')}"]
        for column in key.columns:
            given = f"{names.use('sqlalchemy', 'bindparam')}({text(column)})"
            held = f"{names.use('sqlmodel', 'col')}({name}.{column})"
            conditions.append(f"{held}{equal}({given})" if key.nulls_equal else f"{held}{equal}{given}")
        words = self.resource.module.rstrip("_").replace("_", " ")
        listed = " and ".join(f"`{column}`" for column in key.columns)
        read = ", ".join(f"{text(column)}: body.{column}" for column in key.columns)
        columns = ", ".join(text(column) for column in key.columns)
        return Upsert(
            key=f"{{{read}}}" if key.nulls_equal else f"{names.use('app.api.upsert', 'key_of')}(body, {columns})",
            find=f"{names.use('sqlmodel', 'select')}({name}.id).where({', '.join(conditions)}{self._present(self.resource)})",
            doc=f"Create the {words} with this {listed}, or replace it.",
        )

    def _behind(self, one: Through) -> str:
        """A filter through a reference: the reference, and the column behind it."""
        target = self._related(one.end.target, one.end.target.name)
        return f"({self.resource.name}.{one.end.field.column}, {target}.{one.field.column})"

    def _expansion(self, expansion: Expansion) -> str:
        """What an expansion leads to."""
        target = expansion.target
        classes = f"{self._related(target, target.name)}, {self._related(target, f'{target.name}Read')}"
        if expansion.link is not None:
            link = self._related(expansion.link, expansion.link.name)
            columns = f"{text(expansion.column)}, {text(expansion.there)}"
            return f"{self.names.use('app.api.expansion', 'Linked')}({link}, {columns}, {classes})"
        kind = self.names.use("app.api.expansion", "ToOne" if expansion.kind == "one" else "ToMany")
        return f"{kind}({text(expansion.column)}, {classes})"

    def _beside(self, link: Link | None) -> frozenset[str]:
        """The segments of the resources below whose rows there are routes of this one."""
        targets = [parent.target for parent in self.relations.parents]
        if link is not None and self.relations.link is not None:
            targets.append(self.relations.link[0].target)
        return frozenset(target.segment for target in targets)

    def _nested(self, parent: End) -> NestedList:
        """The list below the rows of a reference's target."""
        target = parent.target
        words, titles = target.module.rstrip("_").replace("_", " "), (parent.inverse or "").replace("_", " ")
        return NestedList(
            path=text(f"/{target.segment}/{{{target.item_param}}}/{parent.inverse}"),
            function=f"list_{parent.inverse}_of_{target.module.rstrip('_')}",
            item="row_id" if target.item_param == "id" else target.item_param,
            item_type=self._item_id(target),
            statement=f"PARENT_{parent.field.name.upper()}",
            find=self._find(target),
            column=text(parent.field.column),
            parent=text(target.name),
            doc=f"List the {titles} of {'an' if words[0] in 'aeiou' else 'a'} {words}.",
        )

    def _link(self, ends: tuple[End, End]) -> Link | None:
        """The paths of a link."""
        puts, deletes = link_operations(self.resource, ends)
        if not puts and not deletes:
            return None
        first, second = ends[0].target, ends[1].target
        titles = [end.target.module.rstrip("_").replace("_", " ") for end in ends]
        a, b = (f"{'an' if title[0] in 'aeiou' else 'a'} {title}" for title in titles)
        return Link(
            path=text(f"/{first.segment}/{{{ends[0].field.column}}}/{second.segment}/{{{ends[1].field.column}}}"),
            ends=(self._link_end(ends[0]), self._link_end(ends[1])),
            ends_name=text(f"{first.name} or {second.name}"),
            put=self._put_link(ends) if puts else "",
            put_doc=f"Link {a} to {b}; what is linked already stays as it is.",
            delete=self._delete_link(ends) if deletes else "",
            delete_doc=f"Take the link between {a} and {b} away, if there is one.",
        )

    def _link_end(self, end: End) -> LinkEnd:
        return LinkEnd(end.field.column, f"FIND_{end.field.name.upper()}", self._find(end.target))

    def _put_link(self, ends: tuple[End, End]) -> str:
        name, insert = self.resource.name, self.names.use("sqlalchemy.dialects.postgresql", "insert", "insert_or_keep")
        unique = ", ".join(text(column) for column in ("user_id", *self._pair(ends)))
        values = f"{self.names.use('app.db.statements', 'placeholders')}({name})"
        returned = f"{self.names.use('sqlmodel', 'col')}({name}.id)"
        where = f", index_where={self._present(self.resource).removeprefix(', ')}" if self.resource.soft_delete else ""
        return f"{insert}({name}).values({values}).on_conflict_do_nothing(index_elements=[{unique}]{where}).returning({returned})"

    def _pair(self, ends: tuple[End, End]) -> tuple[str, ...]:
        """The columns of the unique constraint of a link, in its order."""
        columns = {end.field.column for end in ends}
        return next(unique.columns for unique in self.resource.unique if set(unique.columns) == columns)

    def _delete_link(self, ends: tuple[End, End]) -> str:
        name, col, bind = self.resource.name, self.names.use("sqlmodel", "col"), self.names.use("sqlalchemy", "bindparam")
        owner = f"{col}({name}.user_id) == {self.names.use('app.db.statements', 'OWNER')}"
        pair = ", ".join(f"{col}({name}.{end.field.column}) == {bind}({text(end.field.column)})" for end in ends)
        if self.resource.soft_delete and self.deletion.references:  # the delete of a row sees to what refers to it
            return f"{self.names.use('sqlmodel', 'select')}({name}.id).where({owner}, {pair}{self._present(self.resource)})"
        return f"{self._gone()}.where({owner}, {pair}{self._present(self.resource)}).returning({col}({name}.id))"

    def _find(self, target: Resource) -> str:
        """The statement that finds a row of another resource by its id."""
        name = self._related(target, target.name)
        owner, row = (self.names.use("app.db.statements", bind) for bind in ("OWNER", "ROW_ID"))
        present = self._present(target)
        return f"{self.names.use('sqlmodel', 'select')}({name}.id).where({name}.user_id == {owner}, {name}.id == {row}{present})"

    def _item_id(self, resource: Resource) -> str:
        """The type of the item parameter; `{id}`, which would hide a builtin, gets another name in Python."""
        uuid = self.names.use("uuid", "UUID")
        if resource.item_param != "id":
            return uuid
        return f'{self.names.use("typing", "Annotated")}[{uuid}, {self.names.use("fastapi", "Path")}(alias="id")]'

    def _sort(self, field: Field) -> str:
        column = f"{self.resource.name}.{field.column}"
        if isinstance(field.type, EnumType):
            return f"{self.names.use('app.api.listing', 'Ranked')}({column}, {self._model(field.type.class_name)})"
        return column

    def _fixed(self, field: Field) -> str:
        """What an insert writes into a column that no request may set."""
        match field.default:
            case Generated(how=how):
                time_of_day = isinstance(field.type, ScalarType) and field.type.kind is Kind.TIME
                function = {"today": "today", "generate": "random_uuid"}.get(how, "time_of_day" if time_of_day else "now")
                return f"{self.names.use('app.api.scalars', function)}()"
            case Literally(value=value):
                return default_literal(field.type, value, self)
            case None:
                return "None"

    def _delete(self) -> str:
        """The statement of a delete, with the arguments of `owned` behind it."""
        name, use = self.resource.name, self.names.use
        if not self.deletion.references:
            owner = f"{use('sqlmodel', 'col')}({name}.user_id) == {use('app.db.statements', 'OWNER')}"
            row = f"{use('sqlmodel', 'col')}({name}.id) == {use('app.db.statements', 'ROW_ID')}"
            conditions = f"{owner}, {row}{self._present(self.resource)}, {use('app.db.statements', 'version_matches')}({name})"
            return f"{self._gone()}.where({conditions}).returning({use('sqlmodel', 'col')}({name}.id))"
        cleared, purged = (
            ", ".join(f"({self._class(one.child, one.child.name)}, {text(one.field.column)})" for one in references)
            for references in (self.deletion.clears, self.deletion.purges)
        )
        arguments = ", ".join((name, *([cleared] if cleared else []), *([f"purging=[{purged}]"] if purged else [])))
        too = ", deleted_too=True" if any(one.child.soft_delete for one in self.deletion.clears) else ""
        return f"{use('app.db.statements', 'delete_and_clear')}({arguments}){too}"

    def _gone(self) -> str:
        """The beginning of a statement that deletes rows, whether they stay for a while or not."""
        name, use = self.resource.name, self.names.use
        if not self.resource.soft_delete:
            return f"{use('sqlalchemy', 'delete')}({name})"
        return f"{use('sqlalchemy', 'update')}({name}).values({use('app.db.statements', 'discarded')}({name}))"


def _dates(deprecation: Deprecation | None) -> tuple[str | None, str | None]:
    """Since when and until when, as far as the spec says it."""
    return (None, None) if deprecation is None else (deprecation.since, deprecation.sunset)


def _is_grouped_enum(field: Field) -> bool:
    """Whether aggregates can be grouped by an enum, whose values have an order."""
    return field.filter and field.readable and isinstance(field.type, EnumType)


def _function(resource: Resource) -> str:
    """How the names of a resource's handlers end: `create_` and this."""
    return resource.module.rstrip("_")


def _hooked(operation: str, hooks: set[str]) -> bool:
    verb = {"replace": "update"}.get(operation, operation)
    return bool(hooks & {f"before_{verb}", f"after_{verb}", "after_commit"})
