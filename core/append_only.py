"""Tables whose rows are never changed: the database itself refuses, whoever asks.

A table's migration lists `append_only.refuse_changes("app_table")` after core's 0002, which makes the function.
A superuser has one way past it, `session_replication_role = replica`, to restore a backup or empty a test database.
"""

from __future__ import annotations

from django.db.migrations import RunSQL

FUNCTION = """
CREATE FUNCTION core_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'integrity_constraint_violation';
END
$$
"""


def define_function() -> RunSQL:
    return RunSQL(FUNCTION, "DROP FUNCTION core_refuse_change()")


def refuse_changes(table: str) -> RunSQL:
    """Refuse UPDATE, DELETE and TRUNCATE of `table`."""
    return RunSQL(
        f"""
        CREATE TRIGGER {table}_rows_stay BEFORE UPDATE OR DELETE ON {table}
            FOR EACH ROW EXECUTE FUNCTION core_refuse_change();
        CREATE TRIGGER {table}_stays BEFORE TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_change();
        """,
        f"DROP TRIGGER {table}_rows_stay ON {table}; DROP TRIGGER {table}_stays ON {table};",
    )
