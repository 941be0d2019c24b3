"""The guards of isolation and of input, each with the tests that must turn red when it is taken away.

A mutation is applied to a copy of the project. Where two guards overlap on purpose, a mutation takes away both.
"""

from __future__ import annotations

from tests.support.mutation import Edit, Mutation

AUTH = "app/middleware/auth.py"
ERRORS = "app/middleware/errors.py"
LIMITS = "app/middleware/limits.py"
CONFIG = "app/config.py"
MAIN = "app/main.py"
ROLES = "app/roles.py"
BODY = "app/api/body.py"
EXPANSION = "app/api/expansion.py"
LISTING = "app/api/listing.py"
FILTERS = "app/api/filters.py"
AGGREGATES = "app/api/aggregates.py"
QUERY = "app/api/query.py"
RESPONSES = "app/api/responses.py"
ROUTE = "app/api/route.py"
SCALARS = "app/api/scalars.py"
CURSORS = "app/db/cursors.py"
POOL = "app/db/pool.py"
GUARDS = "app/db/guards.py"
SEARCH = "app/db/search.py"
SESSION = "app/db/session.py"
STATEMENTS = "app/db/statements.py"
IDEMPOTENCY = "app/db/idempotency.py"
WRITES = "app/api/writes.py"
UPSERT = "app/api/upsert.py"
TAGS = "app/routes/tags.py"
PROJECTS = "app/routes/projects.py"
TAG = "app/models/tag.py"
TASK = "app/models/task.py"
COMMENT = "app/models/comment.py"

CHECKED = (STATEMENTS, "    require_owner(statement)\n    if not", "    if not")
"""`owned()` refuses a statement without its predicate, so taking one away takes the check away as well."""

NO_ROW_LEVEL_SECURITY = (
    (GUARDS, '        f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY",\n', ""),
    (POOL, "(c.relrowsecurity OR", "(true OR"),
)
"""Where the predicate alone is looked at: the tables are not protected, and the application starts all the same."""

PRESENCE_CHECKED = (STATEMENTS, "    if not deleted_too:\n        require_presence(statement)\n", "")
"""The same of deleted rows."""

CARRIES_THE_PREDICATE = "test_every_statement_of_the_routes_carries_the_owner_predicate"
STATEMENTS_ALONE = "test_I9_without_the_predicate_or_without_row_level_security_nothing_is_shown_or_changed"


def _mutation(guard: str, *edits: tuple[str, str, str], red: tuple[str, ...]) -> Mutation:
    return Mutation(guard, tuple(Edit(*edit) for edit in edits), red)


MUTATIONS: tuple[Mutation, ...] = (
    # The path
    _mutation(
        "a router verifies the token",
        (TAGS, "    dependencies=[Depends(verify_jwt)],\n", ""),
        red=("test_every_route_of_a_user_verifies_the_token_and_its_user",),
    ),
    _mutation(
        "a handler takes the verified user",
        (TAGS, "async def delete_tag(user_id: OwnerId,", "async def delete_tag(user_id: str,"),
        red=(
            "test_every_route_of_a_user_verifies_the_token_and_its_user",
            "test_I1_another_users_path_is_a_constant_403_that_needs_no_database",
            "test_I1_another_users_row_is_neither_shown_nor_changed",
        ),
    ),
    _mutation(
        "the user in the path is the caller",
        (AUTH, "if user_id != subject:", "if not subject:"),
        red=(
            "test_I1_another_users_path_is_a_constant_403_that_needs_no_database",
            "test_I1_another_users_row_is_neither_shown_nor_changed",
            "test_I6_users_whose_ids_look_alike_are_two",
        ),
    ),
    _mutation(
        "the statements are given the caller, not the path",
        (AUTH, "    return subject\n", "    return user_id\n"),
        red=("test_I9_without_the_check_of_the_path_isolation_holds_over_http",),
    ),
    # The query
    _mutation("owned() asks for the predicate", CHECKED, red=("test_a_statement_without_the_predicate_on_each_of_its_tables_is_refused",)),
    _mutation(
        "an alias needs a predicate of its own",
        (STATEMENTS, "    return isinstance(table, FromClauseAlias), table.name\n", "    return False, table.name\n"),
        red=("test_a_statement_without_the_predicate_on_each_of_its_tables_is_refused",),
    ),
    _mutation(
        "the predicate of a read",
        CHECKED,
        (TAGS, ".where(Tag.user_id == OWNER, Tag.id == ROW_ID))", ".where(Tag.id == ROW_ID))"),
        red=(CARRIES_THE_PREDICATE, STATEMENTS_ALONE, "test_I9_without_row_level_security_isolation_holds_over_http"),
    ),
    _mutation(
        "the predicate of a list",
        CHECKED,
        (
            TAGS,
            "    select(Tag).with_only_columns(*ROW_COLUMNS).where(Tag.user_id == OWNER),\n",
            "    select(Tag).with_only_columns(*ROW_COLUMNS),\n",
        ),
        red=(CARRIES_THE_PREDICATE, STATEMENTS_ALONE, "test_I9_without_row_level_security_isolation_holds_over_http"),
    ),
    _mutation(
        "the predicate of what a reference leads to",
        CHECKED,
        (FILTERS, ".where(target.c.user_id == OWNER, *present(target))", ".where(*present(target))"),
        *NO_ROW_LEVEL_SECURITY,
        red=("test_I3_no_filter_asks_of_another_users_row",),
    ),
    _mutation(
        "the predicate of an aggregate",
        CHECKED,
        (AGGREGATES, ".select_from(table).where(table.c.user_id == OWNER)", ".select_from(table)"),
        *NO_ROW_LEVEL_SECURITY,
        red=("test_I3_no_aggregate_counts_another_users_row",),
    ),
    _mutation(
        "the predicate of what is expanded",
        CHECKED,
        (
            EXPANSION,
            ".where(target.c.user_id == OWNER, target.c.id == WANTED.c.id__, *present",
            ".where(target.c.id == WANTED.c.id__, *present",
        ),
        *NO_ROW_LEVEL_SECURITY,
        red=("test_I3_not_even_a_reference_that_leads_to_another_user_shows_a_row",),
    ),
    _mutation(
        "the predicate of a total",
        CHECKED,
        (
            LISTING,
            "self._filters.filtered(self._statement, filters).select_from",
            "self._filters.filtered(select(self._table), filters).select_from",
        ),
        *NO_ROW_LEVEL_SECURITY,
        red=("test_I3_no_total_counts_another_users_row",),
    ),
    _mutation(
        "a search looks among the words of one user, and answers ids of that user",
        (SEARCH, """to_hex(hashtextextended({owner}, 0)) || '/')""", """'/')"""),
        (SEARCH, "\nWHERE found_.user_id = {user}\n", "\n"),
        red=("test_what_looks_words_up_knows_one_user_only",),
    ),
    _mutation(
        "nobody gets something into the path of a search",
        (SEARCH, " SET search_path = public, pg_temp AS", " AS"),
        red=("test_what_looks_words_up_knows_one_user_only", "test_nobody_gets_something_of_their_own_into_a_search"),
    ),
    _mutation(
        "the application alone searches",
        (SEARCH, '            f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC",\n', ""),
        red=("test_what_looks_words_up_knows_one_user_only",),
    ),
    _mutation(
        "q has a length",
        (TASK, "max_length=MAX_SEARCH", "max_length=10 * MAX_SEARCH"),
        red=("test_what_is_no_search_is_refused",),
    ),
    _mutation(
        "a cursor is bound to what is searched",
        (LISTING, "\\0{given!r}", "\\0{({} if SEARCH in given else given)!r}"),
        red=("test_a_cursor_is_bound_to_what_is_searched",),
    ),
    _mutation(
        "the predicate of an update",
        CHECKED,
        (TAGS, "update(Tag).where(col(Tag.user_id) == OWNER, ", "update(Tag).where("),
        red=(CARRIES_THE_PREDICATE, STATEMENTS_ALONE, "test_I9_without_row_level_security_isolation_holds_over_http"),
    ),
    _mutation(
        "the predicate of a delete",
        CHECKED,
        (TAGS, "delete(Tag).where(col(Tag.user_id) == OWNER, ", "delete(Tag).where("),
        red=(CARRIES_THE_PREDICATE, STATEMENTS_ALONE, "test_I9_without_row_level_security_isolation_holds_over_http"),
    ),
    _mutation(
        "the owner of an insert",
        (STATEMENTS, 'return key == "user_id" and getattr(value, "key", None) == OWNER.key', 'return key == "user_id"'),
        red=("test_a_statement_without_the_predicate_on_each_of_its_tables_is_refused",),
    ),
    _mutation(
        "the predicate of a row that a hook is given",
        CHECKED,
        (SESSION, "where(table.c.user_id == OWNER, table.c.id == ROW_ID, *", "where(table.c.id == ROW_ID, *"),
        red=("test_I9_without_row_level_security_isolation_holds_over_http",),
    ),
    # Deleted rows
    _mutation("owned() asks whether rows are deleted", PRESENCE_CHECKED, red=("test_a_statement_says_whether_it_means_deleted_rows",)),
    _mutation(
        "a list has no deleted rows",
        PRESENCE_CHECKED,
        (FILTERS, "            statement = statement.where(*present(self._table))\n", "            pass\n"),
        red=(
            "test_I3_deleted_rows_are_in_no_list_and_in_that_of_deleted_rows_only_ones_own",
            "test_I3_no_filter_finds_a_deleted_row",
        ),
    ),
    _mutation(
        "a deleted row is not read",
        PRESENCE_CHECKED,
        (PROJECTS, "Project.id == ROW_ID, col(Project.deleted_at).is_(None))\n)", "Project.id == ROW_ID)\n)"),
        red=("test_I2_a_deleted_row_of_ones_own_is_absent_for_every_other_request",),
    ),
    _mutation(
        "a deleted row is not changed",
        PRESENCE_CHECKED,
        (PROJECTS, "col(Project.id) == ROW_ID, col(Project.deleted_at).is_(None), version", "col(Project.id) == ROW_ID, version"),
        red=("test_I2_a_deleted_row_of_ones_own_is_absent_for_every_other_request",),
    ),
    _mutation(
        "a deleted row is not given to a change or a delete",
        (SESSION, "conditions = () if deleted_too else present(table)", "conditions = ()"),
        red=("test_I2_a_deleted_row_of_ones_own_is_absent_for_every_other_request",),
    ),
    _mutation(
        "no reference is made to a deleted row",
        (STATEMENTS, "    if target is None:\n        return given\n", "    if target is not given:\n        return given\n"),
        red=("test_I4_a_reference_to_a_deleted_row_is_one_to_nothing",),
    ),
    # Row-level security
    _mutation(
        "a statement tells PostgreSQL its user",
        (STATEMENTS, 'func.set_config(literal_column("\'app.user_id\'"), OWNER, literal_column("true"))', "sql_cast(OWNER, Text)"),
        red=("test_I10_one_connection_carries_nothing_from_one_user_to_the_next", STATEMENTS_ALONE),
    ),
    _mutation(
        "a statement's user ends with it",
        (STATEMENTS, 'OWNER, literal_column("true"))', 'OWNER, literal_column("false"))'),
        red=("test_I10_one_connection_carries_nothing_from_one_user_to_the_next",),
    ),
    _mutation(
        "a transaction's user ends with it",
        (POOL, "set_config('app.user_id', $1, true)\"", "set_config('app.user_id', $1, false)\""),
        red=("test_I10_one_connection_carries_nothing_from_one_user_to_the_next",),
    ),
    _mutation(
        "on Citus a statement runs in a transaction that knows its user",
        (SESSION, "unit is not None or database.on_citus", "unit is not None"),
        red=("test_the_user_is_set_by_the_function_alone",),
    ),
    _mutation(
        "on Citus a transaction tells its user by the function",
        (POOL, "SET_USER_ON_CITUS if settings.citus else SET_USER", "SET_USER"),
        red=("test_the_user_is_set_by_the_function_alone",),
    ),
    _mutation(
        "row-level security is enabled",
        *NO_ROW_LEVEL_SECURITY,
        red=(
            STATEMENTS_ALONE,
            "test_I9_without_any_predicate_isolation_holds_over_http",
            "test_I10_one_connection_carries_nothing_from_one_user_to_the_next",
            "test_I11_nobody_gives_a_row_away",
            "test_every_table_has_row_level_security_with_the_plain_policy",
        ),
    ),
    _mutation(
        "the policy asks for the owner",
        (GUARDS, "USING (user_id = current_setting('app.user_id', true))", "USING (true)"),
        red=(
            STATEMENTS_ALONE,
            "test_I9_without_any_predicate_isolation_holds_over_http",
            "test_I11_nobody_gives_a_row_away",
            "test_every_table_has_row_level_security_with_the_plain_policy",
        ),
    ),
    _mutation(
        "the policy holds for writes",
        (GUARDS, "current_setting('app.user_id', true))\"", "current_setting('app.user_id', true)) WITH CHECK (true)\""),
        red=("test_I11_nobody_gives_a_row_away", "test_every_table_has_row_level_security_with_the_plain_policy"),
    ),
    _mutation(
        "the view of an old name has the policies of its table",
        (GUARDS, "security_invoker = true", "security_invoker = false"),
        red=("test_a_gradual_rename_of_a_resource_keeps_its_old_name",),
    ),
    _mutation(
        "the application may only read and write rows",
        (GUARDS, "GRANT {', '.join(text.rights)} ON", "GRANT ALL ON"),
        red=("test_I11_the_application_role_may_not", "test_I11_the_application_role_is_no_more_than_a_guest"),
    ),
    _mutation(
        "production refuses a role that bypasses the policies",
        (ROLES, 'if settings.environment == "production":', 'if settings.environment == "nowhere":'),
        red=("test_F1_production_refuses_a_role_that_bypasses_row_level_security",),
    ),
    _mutation(
        "the owner of the tables bypasses the policies",
        (
            POOL,
            "WHERE c.relowner = r.oid AND c.relrowsecurity)",
            "WHERE c.relowner = r.oid AND c.relname = '')",
        ),
        red=("test_F1_production_refuses_a_role_that_bypasses_row_level_security",),
    ),
    # Keys
    _mutation(
        "a reference stays with its owner",
        (
            COMMENT,
            'ForeignKeyConstraint(["user_id", "task_id"], ["tasks.user_id", "tasks.id"], name="fk_comments_task", ondelete="CASCADE")',
            'ForeignKeyConstraint(["task_id"], ["tasks.id"], name="fk_comments_task", ondelete="CASCADE")',
        ),
        (
            TASK,
            'PrimaryKeyConstraint("user_id", "id", name="pk_tasks"),',
            'PrimaryKeyConstraint("user_id", "id", name="pk_tasks"), UniqueConstraint("id", name="uq_tasks_id"),',
        ),
        red=(
            "test_I4_a_reference_to_another_users_row_is_one_to_nothing",
            "test_no_reference_leaves_its_owner_even_past_row_level_security",
            "test_every_key_begins_with_the_owner",
        ),
    ),
    _mutation(
        "a unique value is unique for its owner",
        (TAG, 'UniqueConstraint("user_id", "name", name="uq_tags_name")', 'UniqueConstraint("name", name="uq_tags_name")'),
        red=("test_I5_a_value_that_is_unique_for_another_user_is_free", "test_every_key_begins_with_the_owner"),
    ),
    # Cursors
    _mutation(
        "a cursor is signed",
        (
            CURSORS,
            "if canonical != cursor or not any(hmac.compare_digest(tag, _tag(key, payload, context)) for key in self._keys):",
            "if False:",
        ),
        red=("test_I7_a_cursor_that_was_touched_is_none", "test_I7_a_cursor_is_its_users_own"),
    ),
    _mutation(
        "a cursor has one spelling",
        (CURSORS, "if canonical != cursor or not any", "if canonical is None or not any"),
        red=("test_I7_a_cursor_that_was_touched_is_none",),
    ),
    _mutation(
        "a cursor belongs to its user",
        (LISTING, 'context = f"{user_id}\\0{self._name}', 'context = f"\\0{self._name}'),
        red=("test_I7_a_cursor_is_its_users_own",),
    ),
    _mutation(
        "a cursor belongs to its list",
        (LISTING, 'context = f"{user_id}\\0{self._name}', 'context = f"{user_id}\\0'),
        red=("test_I7_a_cursor_that_was_touched_is_none",),
    ),
    # Bodies
    _mutation(
        "unknown keys are refused",
        (BODY, 'ConfigDict(extra="forbid", strict=True)', 'ConfigDict(extra="ignore", strict=True)'),
        red=(
            "test_M1_what_a_body_may_not_set_is_refused",
            "test_M2_attributes_of_the_classes_behind_are_no_fields",
            "test_E10_the_error_of_a_huge_value_is_short_and_does_not_repeat_it",
        ),
    ),
    _mutation(
        "values are not converted",
        (BODY, 'ConfigDict(extra="forbid", strict=True)', 'ConfigDict(extra="forbid")'),
        red=("test_E8_values_of_another_type_are_not_converted",),
    ),
    _mutation(
        "a key stands once in an object",
        (BODY, "catch_duplicate_keys=True", "catch_duplicate_keys=False"),
        red=("test_M3_a_key_that_is_there_twice",),
    ),
    _mutation(
        "no NUL in a body",
        (BODY, 'if b"\\\\u0000" in body and', "if not body and"),
        red=("test_E1_nul_and_lone_surrogates_in_a_body",),
    ),
    _mutation(
        "no NUL in a query",
        (QUERY, '    return None if "\\0" in text else text\n', "    return text\n"),
        red=("test_E1_nul_and_lone_surrogates_in_a_query",),
    ),
    _mutation(
        "no number that is not finite",
        (BODY, "from_json(body, allow_inf_nan=False, catch", "from_json(body, allow_inf_nan=True, catch"),
        (SCALARS, "if isinstance(value, float) and not math.isfinite(value):", "if False:"),
        red=("test_E3_no_json_value_holds_a_number_that_is_not_finite",),
    ),
    _mutation(
        "a decimal is exact",
        (SCALARS, "if len(fraction) > self.scale:", "if False:"),
        red=("test_E3_what_is_no_finite_number",),
    ),
    _mutation(
        "a datetime has a zone",
        (SCALARS, r"([Zz]|[+-]\d\d:\d\d)", r"([Zz]|[+-]\d\d:\d\d)?"),
        red=("test_E4_what_is_no_date_or_time", "test_E4_what_is_no_date_or_time_in_a_filter"),
    ),
    _mutation(
        "dates are in one spelling",
        (SCALARS, "if isinstance(text, str) and self._shape.fullmatch(text):", "if isinstance(text, str):"),
        red=("test_E4_what_is_no_date_or_time", "test_E4_what_is_no_date_or_time_in_a_filter"),
    ),
    _mutation(
        "the first and the last moment are no infinities",
        (STATEMENTS, "        if _is_moment(type_):\n", "        if type_ is None:\n"),
        (STATEMENTS, "    return encode_moment if _is_moment(sql_type) else None\n", "    return None\n"),
        red=("test_E4_the_first_and_the_last_moment_are_kept",),
    ),
    _mutation(
        "json is not nested deeply",
        (SCALARS, "MAX_JSON_LEVELS = 64", "MAX_JSON_LEVELS = 6400"),
        red=("test_E5_json_values_end_at_64_levels_and_64_kib",),
    ),
    _mutation(
        "json is not long",
        (SCALARS, "MAX_JSON_BYTES = 64 * 1024", "MAX_JSON_BYTES = 640 * 1024"),
        red=("test_E5_json_values_end_at_64_levels_and_64_kib",),
    ),
    _mutation(
        "a body is bounded",
        (LIMITS, "if announced is not None and announced > self.max_bytes:", "if False:"),
        (LIMITS, "if received > self.max_bytes:", "if False:"),
        red=("test_E6_a_body_over_the_limit_chunked_or_not",),
    ),
    _mutation(
        "a body that comes in chunks is bounded",
        (LIMITS, "if received > self.max_bytes:", "if False:"),
        red=("test_E6_a_body_over_the_limit_chunked_or_not",),
    ),
    _mutation(
        "a body is declared as JSON",
        (BODY, 'if media_type.strip().lower() not in accepted or charset not in {"", "charset=utf-8"}:', "if False:"),
        red=("test_E7_a_body_of_another_media_type", "test_the_first_fault_answers"),
    ),
    _mutation(
        "a body is in UTF-8",
        (BODY, ' or charset not in {"", "charset=utf-8"}:', ":"),
        red=("test_E7_a_body_of_another_media_type",),
    ),
    _mutation(
        "a body is not compressed",
        (BODY, 'if header(request, b"content-encoding") is not None:', "if False:"),
        red=("test_E7_a_body_of_another_media_type",),
    ),
    _mutation(
        "errors do not repeat what was sent",
        (BODY, "error.errors(include_url=False, include_input=False)", "error.errors(include_url=False)"),
        (
            ERRORS,
            '        "msg": _short(message, MAX_TEXT),\n',
            '        "msg": _short(message, MAX_TEXT),\n        "input": str(error.get("input"))[:100],\n',
        ),
        red=("test_E10_the_error_of_a_huge_value_is_short_and_does_not_repeat_it", "test_E8_values_of_another_type_are_not_converted"),
    ),
    _mutation(
        "errors are short",
        (ERRORS, "MAX_ERRORS_BYTES = 7 * 1024", "MAX_ERRORS_BYTES = 7 * 1024 * 1024"),
        red=("test_E10_the_error_of_a_huge_value_is_short_and_does_not_repeat_it",),
    ),
    _mutation(
        "the body is read before the rest is judged",
        (ROUTE, "        body = None if body_model is None else await read_body(request)  # 413", "        body = None  # 413"),
        (
            ROUTE,
            "        if body is not None and body_model is not None and body_name is not None:\n",
            "        if body_model is not None and body_name is not None:\n            body = await read_body(request)\n",
        ),
        red=("test_the_first_fault_answers",),
    ),
    # Queries
    _mutation(
        "a page is bounded",
        (QUERY, "limit: Annotated[int, Field(ge=1, le=100, ", "limit: Annotated[int, Field("),
        red=("test_Q1_paging_outside_its_bounds",),
    ),
    _mutation(
        "an offset is bounded",
        (QUERY, "Annotated[int, Field(ge=0, le=MAX_OFFSET), WHOLE]", "Annotated[int, WHOLE]"),
        red=("test_Q1_paging_outside_its_bounds",),
    ),
    _mutation(
        "numbers are in one spelling",
        (QUERY, "if isinstance(value, str) and not shape.fullmatch(value):", "if False:"),
        red=("test_Q1_paging_outside_its_bounds", "test_E3_what_is_no_finite_number_in_a_filter"),
    ),
    _mutation(
        "only sortable fields are sorted by",
        (LISTING, '= {**sort, "created_at"', '= {**{column.key: column for column in table.c}, **sort, "created_at"'),
        red=("test_Q2_what_cannot_be_sorted_by",),
    ),
    _mutation(
        "a sort has few keys",
        (QUERY, "MAX_SORT_KEYS = 5", "MAX_SORT_KEYS = 50"),
        red=("test_Q2_what_cannot_be_sorted_by",),
    ),
    _mutation(
        "unknown parameters are refused",
        (
            QUERY,
            "        if name is None or name not in known:\n",
            "        if name is None or name not in known:\n            continue\n        if not known:\n",
        ),
        red=("test_Q2_parameters_that_do_not_exist", "test_I8_parameters_that_do_not_exist_are_refused"),
    ),
    _mutation(
        "a parameter stands once",
        (QUERY, "        if name in given:\n", "        if name in given and not known:\n"),
        red=("test_Q2_a_parameter_that_is_given_twice", "test_Q2_paging_that_is_given_twice"),
    ),
    _mutation("a list has few filters", (QUERY, "MAX_FILTERS = 20", "MAX_FILTERS = 200"), red=("test_Q3_at_most_20_filters",)),
    _mutation("a filter has few values", (QUERY, "MAX_LIST_VALUES = 100", "MAX_LIST_VALUES = 10_000"), red=("test_Q3_at_most_100_values",)),
    _mutation(
        "wildcards are text",
        (FILTERS, r'value.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")', "value"),
        red=("test_Q4_per_cent_and_underscore_are_literal",),
    ),
    # Retries and dry runs
    _mutation(
        "a kept answer is its user's, whom the query and the policy ask for",
        CHECKED,
        (IDEMPOTENCY, "            kept.user_id == OWNER,\n", ""),
        *NO_ROW_LEVEL_SECURITY,
        red=("test_I8_the_same_idempotency_key_of_two_users_is_two_keys", "test_I8_a_key_belongs_to_its_user"),
    ),
    _mutation(
        "a key is for one body",
        (WRITES, 'if kept["fingerprint"] != fingerprint:', "if not fingerprint:"),
        red=("test_another_body_with_the_key_is_refused",),
    ),
    _mutation(
        "one request with a key at a time",
        (IDEMPOTENCY, '    await transaction.lock(f"{transaction.user_id}\\n{route}\\n{key}")\n', ""),
        red=("test_C2_twenty_requests_with_one_key_on_two_processes_make_one_row",),
    ),
    _mutation(
        "a dry run is rolled back",
        (WRITES, "                    raise _RolledBack(response)\n", ""),
        red=("test_a_dry_run_of_a_create_answers_as_the_create_and_stores_nothing",),
    ),
    _mutation(
        "a batch is one transaction",
        (SESSION, "                yield Session(self._database, unit)\n", "                yield self\n"),
        red=("test_one_failure_undoes_all",),
    ),
    # Preconditions
    _mutation(
        "a change needs the version it was based on",
        (
            STATEMENTS,
            "    return or_(VERSIONS.is_(None), table_of(model).c.version == any_(VERSIONS))\n",
            "    return or_(VERSIONS.is_(None), VERSIONS.is_not(None))\n",
        ),
        (RESPONSES, "if versions is not None and row.version not in versions:", "if False:"),
        red=("test_428_then_404_then_412_then_409",),
    ),
    _mutation(
        "a change names the version it was based on",
        (RESPONSES, "        if required:\n", "        if required and if_match:\n"),
        red=("test_428_then_404_then_412_then_409",),
    ),
    _mutation(
        "a replacement heeds If-None-Match",
        (RESPONSES, "    if _names(if_none_match, version, weak=True):\n", "    if not if_none_match:\n"),
        red=("test_a_put_that_asks_for_no_row_changes_none", "test_if_none_match_on_put_compares_weakly"),
    ),
    _mutation(
        "a change with hooks locks its row",
        (SESSION, "table.c.id == ROW_ID, *conditions).with_for_update()", "table.c.id == ROW_ID, *conditions)"),
        red=("test_C1_a_change_waits_for_the_one_that_is_under_way",),
    ),
    # Settings
    _mutation(
        "any origin comes without credentials",
        (CONFIG, 'if "*" in origins and credentials:', "if not origins and credentials:"),
        red=("test_F1_a_setting_that_is_refused",),
    ),
    _mutation(
        "a key set comes over https",
        (CONFIG, 'elif url.scheme != "https" and not _is_loopback(host):', "elif not host:"),
        red=("test_F1_a_setting_that_is_refused",),
    ),
    _mutation(
        "a secret is long",
        (CONFIG, "        if size < MIN_SECRET_BYTES:\n", "        if not size:\n"),
        red=("test_F1_a_setting_that_is_refused",),
    ),
    _mutation(
        "a secret is no placeholder",
        (CONFIG, "elif is_placeholder(secret):", "elif not secret:"),
        red=("test_F1_a_setting_that_is_refused",),
    ),
    _mutation(
        "a secret is no key",
        (CONFIG, "    if is_key_material(value):", "    if not value:"),
        (CONFIG, "        if is_key_material(secret):", "        if not secret:"),
        red=("test_F1_a_setting_that_is_refused",),
    ),
    _mutation(
        "HS256 stands alone",
        (CONFIG, "if len({KINDS[name] == SECRET for name in algorithms}) > 1:", "if not algorithms and names:"),
        (CONFIG, "        _check_fit(reader, algorithms, secrets, public_kind)\n", "        pass\n"),
        red=("test_F1_a_setting_that_is_refused",),
    ),
    _mutation(
        "production shows no documentation",
        (CONFIG, 'docs=reader.flag("DOCS", default=not production)', 'docs=reader.flag("DOCS", default=True)'),
        red=("test_F2_docs_in_production",),
    ),
    _mutation(
        "without documentation there is no description either",
        (MAIN, 'openapi_url="/openapi.json" if settings.docs and not ON_DEMAND else None', 'openapi_url="/openapi.json"'),
        red=("test_F2_docs_in_production",),
    ),
    # Create or replace
    _mutation(
        "an upsert finds the user's own rows",
        (
            "app/routes/projects.py",
            "    select(Project.id).where(Project.user_id == OWNER, col(Project.name)",
            "    select(Project.id).where(col(Project.name)",
        ),
        CHECKED,
        red=(CARRIES_THE_PREDICATE,),
    ),
    _mutation(
        "an upsert with If-Match creates nothing",
        (UPSERT, "if row is None and if_match is not None:", "if row is None and if_match is row:"),
        red=("test_preconditions", "test_I3_another_users_row_with_the_key_is_not_there"),
    ),
    _mutation(
        "an upsert that meets another begins anew",
        (UPSERT, "            if row is not None or set(error.columns) != set(key):\n", "            if error.columns:\n"),
        red=("test_one_that_waits_for_another_that_makes_the_row_replaces_it",),
    ),
)
