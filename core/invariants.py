"""What must be true of core's own tables, for `manage.py audit_books`."""

from __future__ import annotations

from core import audit, events


def register() -> None:
    audit.register(
        "core.deliveries_belong_to_an_event",
        "Every delivery and every object touched names an event that exists (no foreign key checks it)",
        """
        SELECT 'delivery' AS what, d.id, d.event_id FROM core_delivery d
        WHERE NOT EXISTS (SELECT FROM core_event e WHERE e.id = d.event_id)
        UNION ALL
        SELECT 'object', o.id, o.event_id FROM core_eventobject o
        WHERE NOT EXISTS (SELECT FROM core_event e WHERE e.id = o.event_id)
        """,
    )
    audit.register(
        "core.facts_reach_every_subscriber",
        "Every event recorded since a handler's first delivery of its type has a delivery to that handler",
        _unheard,
    )
    audit.register(
        "core.finished_deliveries_say_when",
        "A delivery has an end exactly when it isn't pending, and no lease once it has ended",
        """
        SELECT id, status, finished_at, lease_token FROM core_delivery
        WHERE (status = 'PENDING') <> (finished_at IS NULL)
            OR (status <> 'PENDING' AND lease_token IS NOT NULL)
            OR (lease_token IS NULL) <> (leased_until IS NULL)
        """,
    )
    audit.register(
        "core.dead_deliveries_were_told",
        "Every dead delivery has an event that says so, unless it was itself about a death",
        """
        SELECT d.id, d.handler, d.event_id FROM core_delivery d JOIN core_event e ON e.id = d.event_id
        WHERE d.status = 'DEAD' AND e.type <> 'delivery.dead' AND NOT EXISTS (
            SELECT FROM core_event told
            WHERE told.subject_kind = 'delivery' AND told.subject_uid = d.id::text AND told.type = 'delivery.dead'
        )
        """,
    )
    audit.register(
        "core.finished_jobs_say_when",
        "A job has an end exactly when it is over",
        """
        SELECT id, status, finished_at FROM core_job
        WHERE (status IN ('DONE', 'STOPPED', 'FAILED')) <> (finished_at IS NOT NULL)
        """,
    )


def _unheard() -> str:
    pairs = sorted({(each.name, each.type) for each in events.subscriptions()})
    if not pairs:
        return "SELECT NULL::text AS handler, NULL::bigint AS event_id WHERE false"
    values = ", ".join(f"({_text(name)}, {_text(kind)})" for name, kind in pairs)
    return f"""
        SELECT owed.handler, e.id AS event_id, e.type
        FROM (VALUES {values}) AS owed(handler, type)
        CROSS JOIN LATERAL (
            SELECT min(d.event_id) AS first FROM core_delivery d JOIN core_event f ON f.id = d.event_id
            WHERE d.handler = owed.handler AND f.type = owed.type
        ) since
        JOIN core_event e ON e.type = owed.type AND e.id >= since.first
        WHERE NOT EXISTS (SELECT FROM core_delivery d WHERE d.event_id = e.id AND d.handler = owed.handler)
    """  # noqa: S608  (names from our own code, quoted)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
