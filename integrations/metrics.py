"""What this app adds to /metrics: what waits, what failed, how connections are."""

from __future__ import annotations

from core import metrics

LABELS = ("connection",)


def register() -> None:
    metrics.register(
        "backroom_messages_unfinished",
        "Messages by connection and status that are not over",
        metrics.by_sql(
            "SELECT c.code, lower(m.status), count(*) FROM integrations_inboundmessage m"
            " JOIN integrations_connection c ON c.id = m.connection_id"
            " WHERE m.status IN ('RECEIVED', 'FAILED') GROUP BY 1, 2",
            ("connection", "status"),
        ),
        ("connection", "status"),
    )
    metrics.register(
        "backroom_messages_lag_seconds",
        "Age of the oldest message that is due and has not been processed",
        metrics.by_sql(
            "SELECT c.code, extract(epoch FROM now() - min(m.next_at)) FROM integrations_inboundmessage m"
            " JOIN integrations_connection c ON c.id = m.connection_id AND c.status = 'ACTIVE'"
            " WHERE m.status = 'RECEIVED' AND m.next_at <= now() GROUP BY 1",
            LABELS,
        ),
        LABELS,
    )
    metrics.register(
        "backroom_connection_up",
        "1 where a connection is active, healthy or untried, and its breaker closed",
        metrics.by_sql(
            "SELECT c.code,"
            " (c.status = 'ACTIVE' AND c.health <> 'TROUBLED' AND coalesce(b.state, 'CLOSED') = 'CLOSED')::int"
            " FROM integrations_connection c LEFT JOIN integrations_breaker b ON b.connection_id = c.id",
            LABELS,
        ),
        LABELS,
    )
    metrics.register(
        "backroom_hook_signatures_refused",
        "Deliveries refused for their signature since the connection was made",
        metrics.by_sql("SELECT code, refused_signatures FROM integrations_connection", LABELS),
        LABELS,
    )
