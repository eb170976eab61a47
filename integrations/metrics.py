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
        "backroom_calls_last_hour",
        "Calls made to a connection within the last hour, by how they failed (empty: they didn't)",
        metrics.by_sql(
            "SELECT c.code, call.failure_class, count(*) FROM integrations_outboundcall call"
            " JOIN integrations_connection c ON c.id = call.connection_id"
            " WHERE call.at > now() - interval '1 hour' GROUP BY 1, 2",
            ("connection", "failure"),
        ),
        ("connection", "failure"),
    )
    metrics.register(
        "backroom_feed_age_seconds",
        "How long ago a feed that is read was last read to its end, or was made",
        metrics.by_sql(
            "SELECT c.code, f.name, extract(epoch FROM now() - coalesce(f.ok_at, f.asked_at, f.next_at))"
            " FROM integrations_feedstate f JOIN integrations_connection c ON c.id = f.connection_id"
            " WHERE f.active AND c.status = 'ACTIVE'",
            ("connection", "feed"),
        ),
        ("connection", "feed"),
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
