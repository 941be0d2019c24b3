"""The way of a database to a Citus cluster: every table distributed by `user_id`, while the application runs.

Citus distributes a table without stopping writes only where no reference leads from it to another table or back, so these are dropped
before and added again afterwards. What is done already is skipped, so that a conversion that was interrupted can go on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from graphlib import CycleError, TopologicalSorter

from generator.ir import Reference, Schema
from generator.migrations.database import Table, database_of
from generator.records import record
from generator.sql import quote_identifier, text_literal

FUNCTION = "become_"
"""What tells PostgreSQL the user; app/db/pool.py calls it where CITUS is true."""

BRIEF = "2s"
"""How long a statement may take that others wait for. Below it, PostgreSQL ends an autovacuum that is in the way (after a second)."""

PATIENT = "SET statement_timeout = 0; SET lock_timeout = 0"
"""For the others, which make nobody wait: they take as long as they take."""

OLDEST = "11.1"
"""The first version of Citus with create_distributed_table_concurrently."""


@record
class Link:
    """A reference: the table that has it, its name, what stands behind the name, and the table that it leads to."""

    table: str
    name: str
    sql: str
    target: str


@record
class Plan:
    """The tables, referred to before referring, and their references."""

    tables: tuple[str, ...]
    links: tuple[Link, ...]


@record
class Progress:
    """How far a database has come: its distributed tables, and its references by name, with whether each has been validated."""

    distributed: frozenset[str] = frozenset()
    links: dict[str, bool] | None = None  # None: those of a database before its conversion


NOTHING_DONE = Progress()


def plan_of(schema: Schema) -> Plan:
    """What there is to distribute of a schema."""
    tables = {table.resource: table for table in database_of(schema).tables}
    links = tuple(
        Link(resource.plural, field.type.constraint, _sql_of(tables[resource.name], field.type), tables[field.type.target].name)
        for resource in schema.resources
        for field in resource.fields
        if isinstance(field.type, Reference)
    )
    return Plan(_ordered([table.name for table in tables.values()], links), links)


def _sql_of(table: Table, reference: Reference) -> str:
    return next(one.sql for one in table.constraints if one.name == reference.constraint)


def _ordered(tables: Sequence[str], links: Iterable[Link]) -> tuple[str, ...]:
    """The tables after those that they refer to; in a circle, by name."""
    targets: dict[str, set[str]] = {table: set() for table in sorted(tables)}
    for link in links:
        if link.target != link.table:
            targets[link.table].add(link.target)
    try:
        sorter = TopologicalSorter(targets)
        sorter.prepare()
    except CycleError:
        return tuple(sorted(tables))
    found: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        found += ready
        sorter.done(*ready)
    return tuple(found)


def preparation(app_role: str, *, role_is_set: bool = False) -> list[str]:
    """The statements that let the application tell the user to every node; `role_is_set` where its role sends settings to them already.

    `set_config` stays on the node that it is called on; a SET LOCAL, which Citus passes on, takes no parameters, hence the function.
    """
    role = quote_identifier(app_role)
    body = "BEGIN EXECUTE pg_catalog.format('SET LOCAL app.user_id = %L', owner); END"
    statements = [
        f"CREATE OR REPLACE FUNCTION {FUNCTION}(owner text) RETURNS void LANGUAGE plpgsql AS $$ {body} $$",
        f"REVOKE ALL ON FUNCTION {FUNCTION}(text) FROM PUBLIC",
        f"GRANT EXECUTE ON FUNCTION {FUNCTION}(text) TO {role}",
    ]
    return statements if role_is_set else [*statements, f"ALTER ROLE {role} SET citus.propagate_set_commands = 'local'"]


type Step = tuple[str, ...]
"""A statement that may take long and runs by itself, or those of a brief transaction, from BEGIN to COMMIT."""


def conversion(plan: Plan, progress: Progress = NOTHING_DONE) -> Iterator[Step]:
    """What distributes the tables that are not distributed yet."""
    pending = [table for table in plan.tables if table not in progress.distributed]
    known = {link.name: True for link in plan.links} if progress.links is None else progress.links
    loosened = {link.name for link in plan.links if link.table != link.target and not {link.table, link.target}.isdisjoint(pending)}
    for link in plan.links:
        if link.name in loosened & known.keys():
            yield _changed(link, "ACCESS EXCLUSIVE", f"DROP CONSTRAINT {quote_identifier(link.name)}")
    first = next((table for table in plan.tables if table in progress.distributed), None)
    for table in pending:
        beside = text_literal("none" if first is None else quote_identifier(first))
        first = first or table
        yield _brief(f"SELECT citus_add_local_table_to_metadata({text_literal(quote_identifier(table))})")
        yield (
            f"SELECT create_distributed_table_concurrently({text_literal(quote_identifier(table))}, 'user_id', colocate_with => {beside})",
        )
    missing = [link for link in plan.links if link.name in loosened or link.name not in known]
    for link in missing:
        yield _changed(link, "EXCLUSIVE", f"ADD CONSTRAINT {quote_identifier(link.name)} {link.sql} NOT VALID")
    for link in plan.links:
        if link in missing or not known[link.name]:
            yield (f"ALTER TABLE {quote_identifier(link.table)} VALIDATE CONSTRAINT {quote_identifier(link.name)}",)


def _brief(*statements: str) -> Step:
    """A transaction of its own for what the application has to wait for: it is undone where one of them takes too long, as for its locks.

    A lock_timeout would not do, as no other node gets to know it.
    """
    return ("BEGIN", f"SET LOCAL statement_timeout = '{BRIEF}'", *statements, "COMMIT")


def _changed(link: Link, lock: str, change: str) -> Step:
    """A change of a reference, with all that it locks locked at once, what is referred to in front, as requests do.

    By itself it takes one lock after another, on Citus a stronger one of the same table too: a deadlock with a request that is in between.
    """
    tables = ", ".join(quote_identifier(table) for table in dict.fromkeys((link.target, link.table)))
    return _brief(f"LOCK TABLE {tables} IN {lock} MODE", f"ALTER TABLE {quote_identifier(link.table)} {change}")


# --- What has to hold before ----------------------------------------------------------------------------------------------------------

EXTENSION = "SELECT extversion FROM pg_extension WHERE extname = 'citus'"

DISTRIBUTED = "SELECT relname::text FROM pg_dist_partition JOIN pg_class ON pg_class.oid = logicalrelid WHERE partmethod = 'h'"

LINKS = """SELECT conname::text, convalidated FROM pg_constraint
 WHERE contype = 'f' AND conrelid IN (SELECT to_regclass(quote_ident(name)) FROM unnest($1::text[]) AS name)"""

ROLE_IS_SET = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1 AND 'citus.propagate_set_commands=local' = ANY (rolconfig))"


def problems_sql(tables: Sequence[str]) -> str:
    """A query for what stands in the way: `about` is cluster or table, `problem` a sentence. It needs the extension."""
    names = ", ".join(text_literal(table) for table in tables)
    return _PROBLEMS.format(names=names, function=FUNCTION, version=OLDEST, oldest=OLDEST.replace(".", ","))


def checks(tables: Sequence[str]) -> str:
    """The same as one statement that fails where something stands in the way, for psql."""
    return _CHECKS.format(extension=EXTENSION, problems=problems_sql(tables))


_CHECKS = """\
DO $check$
DECLARE found text;
BEGIN
  IF NOT EXISTS ({extension}) THEN
    RAISE EXCEPTION 'this database has no extension citus' USING HINT = 'CREATE EXTENSION citus, on every node';
  END IF;
  SELECT string_agg(problem, E'\\n') INTO found FROM ({problems}) AS problems;
  IF found IS NOT NULL THEN
    RAISE EXCEPTION USING MESSAGE = found;
  END IF;
END $check$"""

_PROBLEMS = """
WITH named AS (SELECT name, to_regclass(quote_ident(name)) AS id FROM unnest(ARRAY[{names}]) AS name),
     ours AS (SELECT name, pg_class.* FROM named JOIN pg_class ON pg_class.oid = named.id),
     owner AS (SELECT attrelid, attnum, atttypid, attnotnull FROM pg_attribute JOIN ours ON ours.oid = attrelid WHERE attname = 'user_id')
SELECT 'cluster' AS about, format('Citus %s is too old: it has to be {version} at least', extversion) AS problem FROM pg_extension
 WHERE extname = 'citus' AND string_to_array(substring(extversion FROM '^[0-9]+\\.[0-9]+'), '.')::int[] < '{{{oldest}}}'::int[]
UNION ALL SELECT 'cluster', 'the cluster has no worker: SELECT citus_add_node(host, port)'
 WHERE NOT EXISTS (SELECT FROM pg_dist_node WHERE isactive AND shouldhaveshards AND noderole = 'primary')
UNION ALL SELECT 'cluster', 'wal_level is ' || current_setting('wal_level') || ', and has to be logical, on every node'
 WHERE current_setting('wal_level') <> 'logical'
UNION ALL SELECT 'cluster', 'output_plugin_libraries does not name citus, and has to, on every node'
 WHERE current_setting('output_plugin_libraries', true) NOT LIKE '%citus%'
UNION ALL SELECT 'cluster', 'citus.shard_replication_factor is ' || current_setting('citus.shard_replication_factor') || ', and has to be 1'
 WHERE current_setting('citus.shard_replication_factor', true) <> '1'
UNION ALL SELECT 'cluster', 'the function {function} is not there: `rowsmith db distribute --prepare --apply` makes it'
 WHERE to_regprocedure('{function}(text)') IS NULL
UNION ALL SELECT 'table', format('%I is not there: `rowsmith db upgrade` makes it', name) FROM named WHERE id IS NULL
UNION ALL SELECT 'table', format('%I: user_id is not text NOT NULL', name) FROM ours
 WHERE NOT EXISTS (SELECT FROM owner WHERE attrelid = ours.oid AND atttypid = 'text'::regtype AND attnotnull)
UNION ALL SELECT 'table', format('%I: the key %s does not begin with user_id', name, indexrelid::regclass)
 FROM ours JOIN pg_index ON indrelid = ours.oid
 WHERE (indisunique OR indisexclusion) AND NOT EXISTS (SELECT FROM owner WHERE attrelid = ours.oid AND attnum = indkey[0])
UNION ALL SELECT 'table', format('%I: the reference %I does not lead to rows of the same user', name, conname)
 FROM ours JOIN pg_constraint ON conrelid = ours.oid
 WHERE contype = 'f' AND NOT EXISTS (SELECT FROM owner AS own, owner AS other WHERE own.attrelid = conrelid AND own.attnum = conkey[1]
                                       AND other.attrelid = confrelid AND other.attnum = confkey[1])
UNION ALL SELECT 'table', format('%I: %s refers to it with %I, and is none of the tables to distribute', name, conrelid::regclass, conname)
 FROM ours JOIN pg_constraint ON confrelid = ours.oid WHERE contype = 'f' AND conrelid NOT IN (SELECT oid FROM ours)
UNION ALL SELECT 'table', format('%I has the trigger %I', name, tgname) FROM ours JOIN pg_trigger ON tgrelid = ours.oid
 WHERE NOT tgisinternal
UNION ALL SELECT 'table', format('%I: row-level security is %s', name, CASE WHEN relforcerowsecurity THEN 'forced' ELSE 'off' END)
 FROM ours WHERE relforcerowsecurity OR NOT relrowsecurity
UNION ALL SELECT 'table', format('%I: the policy %I has a subquery', name, polname) FROM ours JOIN pg_policy ON polrelid = ours.oid
 WHERE concat(polqual, polwithcheck) LIKE '%SUBLINK%'
UNION ALL SELECT 'table', format('%I has neither a primary key nor another replica identity', name) FROM ours
 WHERE relreplident = 'n' OR (relreplident = 'd' AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = ours.oid AND indisprimary))
UNION ALL SELECT 'table', format('%I.%I takes its numbers from a sequence', name, attname)
 FROM ours JOIN pg_attribute ON attrelid = ours.oid LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
 WHERE attnum > 0 AND NOT attisdropped AND (attidentity <> '' OR pg_get_expr(adbin, adrelid) LIKE '%nextval(%')"""
