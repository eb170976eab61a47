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
        "backroom_calls_under_way",
        "Calls under way right now, of as many as backroom_calls_at_once",
        metrics.by_sql(
            "SELECT c.code, (SELECT count(*) FROM integrations_callslot s"
            " WHERE s.connection_id = c.id AND s.until > now()) FROM integrations_connection c",
            LABELS,
        ),
        LABELS,
    )
    metrics.register(
        "backroom_calls_at_once",
        "Calls a connection may have under way",
        metrics.by_sql("SELECT code, calls_at_once FROM integrations_connection", LABELS),
        LABELS,
    )
    metrics.register(
        "backroom_connection_slow",
        "1 where a connection answers slowly, so that its work is done apart",
        metrics.by_sql(
            "SELECT c.code, coalesce(p.slow_until > now(), false)::int"
            " FROM integrations_connection c LEFT JOIN integrations_pace p ON p.connection_id = c.id",
            LABELS,
        ),
        LABELS,
    )
    metrics.register(
        "backroom_connection_breaker",
        "0 closed, 1 half open, 2 open",
        metrics.by_sql(
            "SELECT c.code, CASE b.state WHEN 'OPEN' THEN 2 WHEN 'HALF_OPEN' THEN 1 ELSE 0 END"
            " FROM integrations_connection c LEFT JOIN integrations_breaker b ON b.connection_id = c.id",
            LABELS,
        ),
        LABELS,
    )
    metrics.register(
        "backroom_connection_last_ok_seconds",
        "How long ago a connection last answered as it should",
        metrics.by_sql(
            "SELECT code, extract(epoch FROM now() - last_ok_at) FROM integrations_connection"
            " WHERE last_ok_at IS NOT NULL AND status = 'ACTIVE'",
            LABELS,
        ),
        LABELS,
    )
    metrics.register(
        "backroom_connection_live_percent",
        "How much of a connection is live: 0 in shadow, its share while partly live, 100",
        metrics.by_sql(
            "SELECT code, CASE mode WHEN 'LIVE' THEN 100 WHEN 'PART' THEN live_share ELSE 0 END"
            " FROM integrations_connection",
            LABELS,
        ),
        LABELS,
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
