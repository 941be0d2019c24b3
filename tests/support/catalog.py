"""What PostgreSQL's catalog says of a database, to compare two of them."""

from __future__ import annotations

from tests.support.database import Database, OpenDatabase

_QUERIES = {
    "columns": """
        SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, coll.collname, a.attgenerated
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid LEFT JOIN pg_collation coll ON coll.oid = a.attcollation
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
        AND c.relname <> 'alembic_version'""",
    "defaults": """
        SELECT d.adrelid::regclass, a.attname, pg_get_expr(d.adbin, d.adrelid)
        FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum""",
    "constraints": """
        SELECT conrelid::regclass, conname, convalidated, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
        AND conrelid::regclass::text <> 'alembic_version'""",
    "indexes": """
        SELECT i.indrelid::regclass, i.indisvalid, pg_get_indexdef(i.indexrelid)
        FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        WHERE c.relnamespace = 'public'::regnamespace AND i.indrelid::regclass::text <> 'alembic_version'""",
    "policies": """
        SELECT polrelid::regclass, polname, polcmd, polpermissive, polroles,
               pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)
        FROM pg_policy""",
    "triggers": "SELECT tgrelid::regclass, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    "views": """
        SELECT relname, reloptions, relacl, pg_get_viewdef(oid) FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'v'""",
    "functions": """
        SELECT proname, prosecdef, proconfig, proacl, pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace""",
    "protection": """
        SELECT relname, relrowsecurity, relforcerowsecurity, relacl FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'alembic_version'""",
}


def catalog(database: Database | OpenDatabase) -> dict[str, list[str]]:
    """Columns, defaults, constraints, indexes, policies and grants, each as sorted lines."""
    rows = " UNION ALL ".join(f"SELECT '{name}', replace(row(q.*)::text, E'\n', ' ') FROM ({query}) q" for name, query in _QUERIES.items())
    found: dict[str, list[str]] = {name: [] for name in _QUERIES}
    for line in database.execute(rows).splitlines():
        name, _, fact = line.partition("|")
        found[name].append(fact)
    return {name: sorted(facts) for name, facts in found.items()}
