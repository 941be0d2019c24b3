"""What PostgreSQL's catalog says of a database: a fact a line, so that two databases can be held against each other."""

from __future__ import annotations

import asyncpg

from generator.migrations.database import Database
from generator.records import record

_FACTS = """
SELECT 'table ' || c.relname, CASE WHEN c.relrowsecurity THEN 'row-level security' ELSE 'no row-level security' END
       || CASE WHEN c.relforcerowsecurity THEN ', forced' ELSE '' END
FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
UNION ALL
SELECT 'column ' || c.relname || '.' || a.attname, concat_ws(' ',
       format_type(a.atttypid, a.atttypmod),
       'COLLATE ' || (SELECT quote_ident(l.collname) FROM pg_collation l WHERE l.oid = a.attcollation AND l.oid <> t.typcollation),
       CASE WHEN a.attnotnull THEN 'NOT NULL' END,
       CASE WHEN a.attgenerated = 's' THEN 'GENERATED ALWAYS AS (' || pg_get_expr(d.adbin, d.adrelid) || ') STORED'
            WHEN d.adbin IS NOT NULL THEN 'DEFAULT ' || pg_get_expr(d.adbin, d.adrelid) END)
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT 'constraint ' || r.relname || '.' || c.conname,
       pg_get_constraintdef(c.oid) || CASE WHEN c.convalidated THEN '' ELSE ' (not validated)' END
FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid WHERE c.connamespace = 'public'::regnamespace AND c.contype <> 'n'
UNION ALL
SELECT 'index ' || r.relname || '.' || i.relname, pg_get_indexdef(x.indexrelid) || CASE WHEN x.indisvalid THEN '' ELSE ' (not valid)' END
FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class r ON r.oid = x.indrelid
WHERE i.relnamespace = 'public'::regnamespace
UNION ALL
SELECT 'policy ' || r.relname || '.' || p.polname, concat_ws(' ', p.polcmd::text, CASE WHEN p.polpermissive THEN 'permissive' END,
       'USING ' || pg_get_expr(p.polqual, p.polrelid), 'WITH CHECK ' || pg_get_expr(p.polwithcheck, p.polrelid))
FROM pg_policy p JOIN pg_class r ON r.oid = p.polrelid WHERE r.relnamespace = 'public'::regnamespace
UNION ALL
SELECT 'rights on ' || r.relname, string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type)
FROM pg_class r, aclexplode(r.relacl) a JOIN pg_roles o ON o.oid = a.grantee
WHERE r.relnamespace = 'public'::regnamespace AND r.relkind IN ('r', 'p') AND o.rolname = $1 AND a.grantee <> r.relowner GROUP BY r.relname
UNION ALL
SELECT 'view ' || c.relname, concat_ws(' ', array_to_string(c.reloptions, ', '), pg_get_viewdef(c.oid), (
       SELECT string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type) FROM aclexplode(c.relacl) a JOIN pg_roles o ON o.oid = a.grantee
       WHERE o.rolname = $1 AND a.grantee <> c.relowner))
FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'v'
UNION ALL
SELECT 'trigger ' || r.relname || '.' || t.tgname, pg_get_triggerdef(t.oid)
FROM pg_trigger t JOIN pg_class r ON r.oid = t.tgrelid WHERE r.relnamespace = 'public'::regnamespace AND NOT t.tgisinternal
UNION ALL
SELECT 'function ' || p.proname, pg_get_functiondef(p.oid)
       || CASE WHEN has_function_privilege($1, p.oid, 'EXECUTE') THEN '' ELSE ' (no right)' END
FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
"""

VERSION_TABLE = "alembic_version"
TWIN = "_twin_"
"""How triggers and functions end that keep columns in step (app/db/migrations/steps.py)."""


@record
class Catalog:
    """The facts by what they are about: `column tasks.title` → `text NOT NULL`."""

    facts: dict[str, str]

    @property
    def is_empty(self) -> bool:
        """Whether there is no table."""
        return not self.facts


@record
class CatalogDifference:
    """One fact in which two databases differ; None where one of them has nothing of the kind."""

    about: str
    first: str | None
    second: str | None


async def read_catalog(dsn: str, app_role: str) -> Catalog:
    """The catalog of a database, with the rights of the application's role. Alembic's own table is left out."""
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        rows = await connection.fetch(_FACTS, app_role)
    finally:
        await connection.close()
    own = (f" {VERSION_TABLE}", f" {VERSION_TABLE}.")
    return Catalog({about: fact for about, fact in rows if not (about.endswith(own[0]) or own[1] in about)})


def without_kept(catalog: Catalog, database: Database) -> Catalog:
    """The catalog as it will be once what is kept for the version of the application before is dropped."""
    gone: set[str] = set()
    for view in database.views:
        gone |= {f"view {view.name}", f"function purge_{view.name}", f"function search_{view.name}"}
        gone |= {f"index {view.table}.{view.search.index}"} if view.search is not None else set()
    for one in database.kept:
        gone.add(f"column {one.name}")
        gone.update(
            f"{kind} {one.twins.table}.{part.name}" for kind in ("constraint", "index") for part in (*one.constraints, *one.indexes)
        )
    facts = {about: fact for about, fact in catalog.facts.items() if about not in gone and not about.endswith(TWIN)}
    return Catalog(facts)


def compare(first: Catalog, second: Catalog) -> tuple[CatalogDifference, ...]:
    """The facts in which two databases differ, sorted."""
    names = sorted(first.facts.keys() | second.facts.keys())
    pairs = ((name, first.facts.get(name), second.facts.get(name)) for name in names)
    return tuple(CatalogDifference(name, one, other) for name, one, other in pairs if one != other)
