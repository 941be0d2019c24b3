"""Full-text search: `q` over the fields with `search: true`, from an index in which each user's words stand by themselves.

Row-level security keeps `@@` out of index conditions, because it is not leakproof: the application's role would read every row of its user
and take it apart. So a function of the tables' owner looks the words up. It answers ids and ranks of the user's rows alone, and whoever
asks joins them to the table, where the owner predicate and row-level security hold as for every list (docs/decisions/0006).

In the index each word is preceded by its owner, `5f3a…/book`: the work of a search depends on the rows of its user, and on nobody else's.
"""

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import REAL, Boolean, Index, Table, Text, TextClause, Uuid, bindparam, column, text
from sqlalchemy.sql.functions import Function

from app.db.statements import OWNER

LONGEST = 30_000
"""So many characters of a row are searched, shared evenly by its fields: a tsvector has an end (1 MiB)."""

EXPECTED = 100
"""Rows that the planner takes a search to find: few enough to look each of them up by its id."""

_OTHERS = r"!-/:-@[-`{-~"
"""What ASCII has beside letters, digits and spaces, as a class of regular expressions: it separates words, whatever PostgreSQL's parser
would make of `example.com/a-b`."""

_BETWEEN = rf"[{_OTHERS}]|[^\s{_OTHERS}]{{255}}[^\s{_OTHERS}]*"
"""What stands between words; a longer one than 254 characters, which a tsvector would have no room for, counts as that."""

_WEIGHTS = "ABCD"


@dataclass(frozen=True, slots=True)
class Search:
    """What `q` looks at: the columns of a table, those that count most in front, in a text search configuration of PostgreSQL."""

    language: str
    columns: tuple[str, ...]

    @property
    def words(self) -> str:
        """The words of a row, as SQL; beside those of the language as they are written, which is what somebody who types begins with."""
        vectors: list[str] = []
        for number, name in enumerate(self.columns):
            written = f"coalesce(left({_quote(name)}, {LONGEST // len(self.columns)}), '')"
            words = f"regexp_replace({written}, '{_BETWEEN}', ' ', 'g')"
            for language in dict.fromkeys((self.language, "simple")):
                vector = f"to_tsvector('pg_catalog.{language}', {words})"
                vectors.append(vector if len(self.columns) == 1 else f"setweight({vector}, '{_WEIGHTS[min(number, 3)]}')")
        return " || ".join(vectors)

    def index_sql(self) -> str:
        """What stands behind the table's name where the index is created."""
        return f"USING gin (({self._key}))"

    @property
    def _key(self) -> str:
        return _keyed(f"strip({self.words})", "user_id", "tsvector")

    def _query(self, words: str, beginning: str) -> str:
        """A tsquery for words, and for one that may be the beginning of one."""
        last = f"coalesce(nullif(plainto_tsquery('pg_catalog.simple', {beginning})::text, '') || ':*', '')::tsquery"
        if self.language != "simple":
            last = f"(plainto_tsquery('pg_catalog.{self.language}', {beginning}) || {last})"
        return f"plainto_tsquery('pg_catalog.{self.language}', {words}) && {last}"

    def written_out(self, table: str) -> TextClause:
        """What the function answers, as a query of the user's rows. It has no use of the index, and takes each of them apart."""
        words, query = _literally(self.words), _literally(self._query("{words}", "{beginning}"))
        query = query.format(words=":search_words", beginning=":search_beginning")
        rank = f"CASE WHEN :search_ranked THEN ts_rank({words}, {query}) END"
        rows = f"SELECT id AS id__, {rank} AS rank__ FROM {_literally(_quote(table))} WHERE user_id = :user_id AND ({words}) @@ ({query})"  # noqa: S608  # a quoted name, and SQL of this module
        return text(rows).bindparams(OWNER, *_PARAMETERS)

    def function_sql(self, table: str, app_role: str) -> list[str]:
        """The statements that make the function which the application searches `table` with.

        `$user` is not in its path, and no function of a caller can get into it. No column or table has a name like those that end with an
        underscore.
        """
        user = "current_setting('app.user_id', true)"
        matches = f"{self._key} @@ {_keyed('asked_.query__', user, 'tsquery')}"
        signature = f"{_quote(function_of(table))}(text, text, boolean)"
        return [
            f"""CREATE OR REPLACE FUNCTION {_quote(function_of(table))}(words text, beginning text, ranked boolean)
  RETURNS TABLE (id__ uuid, rank__ real) LANGUAGE sql STABLE SECURITY DEFINER ROWS {EXPECTED} SET search_path = public, pg_temp AS $search$
WITH asked_ AS MATERIALIZED (SELECT {self._query("words", "beginning")} AS query__, ranked AS ranked__)
SELECT found_.id, CASE WHEN ranked__ THEN ts_rank({self.words}, query__) END
FROM asked_, LATERAL (SELECT * FROM {_quote(table)} WHERE {matches} OFFSET 0) AS found_
WHERE found_.user_id = {user}
$search$""",  # noqa: S608  # quoted names, and SQL of this module
            f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC",
            f"GRANT EXECUTE ON FUNCTION {signature} TO {_quote(app_role)}",
        ]


def drop_function_sql(table: str) -> str:
    """The statement that takes the function away, if there is one."""
    return f"DROP FUNCTION IF EXISTS {_quote(function_of(table))}(text, text, boolean)"


def search_index(name: str, language: str, *columns: str) -> Index:
    """The index of a table whose `columns` are searched; it says so to those who ask `search_of`."""
    search = Search(language, columns)
    key = search.index_sql().removeprefix("USING gin (").removesuffix(")")
    return Index(name, text(_literally(key)), postgresql_using="gin", info={"search": search})


def search_of(table: Table) -> Search | None:
    """What is searched of a table; None where nothing is."""
    return next((index.info["search"] for index in table.indexes if "search" in index.info), None)


_PARAMETERS = (bindparam("search_words", type_=Text), bindparam("search_beginning", type_=Text), bindparam("search_ranked", type_=Boolean))


class _Lookup(Function[Any]):
    """The call of the function that searches a table. `written_out` is what stands in its place on Citus."""

    inherit_cache = True

    def __init__(self, table: Table) -> None:
        super().__init__(function_of(table.name), *_PARAMETERS)
        search = search_of(table)
        self.written_out = None if search is None else search.written_out(table.name)


def found_in(table: Table) -> Any:
    """The rows of a table that a search finds, as a FROM with the columns `id__` and `rank__`.

    The parameters are those of `asked`, and `search_ranked`: whether ranks are wanted. No table has a name that ends as that of this FROM.
    """
    return _Lookup(table).table_valued(column("id__", Uuid), column("rank__", REAL), name="searched_")


def asked(q: str) -> dict[str, str]:
    """The parameters that a search has for `q`: its words, and the last one, which may be the beginning of one."""
    *words, beginning = [word for word in re.split(rf"[\s{_OTHERS}]", q, flags=re.ASCII) if word] or [""]
    return {"search_words": " ".join(words), "search_beginning": beginning}


def function_of(table: str) -> str:
    """The name of the function that searches a table."""
    return f"search_{table}"


def _keyed(words: str, owner: str, sql_type: str) -> str:
    """Words (a tsvector without positions, or a tsquery) with their owner before each. None of them holds a quote."""
    return f"replace(' ' || ({words})::text, ' ''', ' ''' || to_hex(hashtextextended({owner}, 0)) || '/')::{sql_type}"


def _literally(sql: str) -> str:
    """SQL as `text` takes it, with colons that name no parameter."""
    return sql.replace(":", "\\:")


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
