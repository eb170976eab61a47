"""What cases add to /metrics, asked of the database when somebody looks."""

from __future__ import annotations

from core import metrics


def register() -> None:
    metrics.register(
        "backroom_cases_open",
        "Open cases by queue (exact up to 10 000 a queue)",
        metrics.by_sql(
            """
            SELECT code, (SELECT count(*) FROM (
                SELECT 1 FROM exceptions_case WHERE is_open AND queue_id = code LIMIT 10000) AS some_of_it)
            FROM exceptions_queue
            """,
            ("queue",),
        ),
        ("queue",),
    )
    metrics.register(
        "backroom_cases_overdue",
        "Open cases past their nearest clock (up to 10 000)",
        metrics.by_sql(
            """
            SELECT count(*) FROM (
                SELECT 1 FROM exceptions_case WHERE is_open
                    AND rank <= (extract(epoch FROM now()) * 1000000)::bigint LIMIT 10000) AS some_of_it
            """
        ),
    )
    metrics.register(
        "backroom_case_sweep_lag_seconds",
        "How long the oldest clock has run out without being told",
        metrics.by_sql(
            """
            SELECT coalesce(extract(epoch FROM now() - min(next_tick)), 0) FROM exceptions_case
            WHERE next_tick IS NOT NULL AND next_tick <= now()
            """
        ),
    )
    metrics.register(
        "backroom_reasons_failing",
        "Reasons whose own check fails",
        metrics.by_sql("SELECT count(*) FROM exceptions_standingcheck WHERE failing"),
    )
