"""What this app adds to /metrics: how far behind each channel's figures are."""

from __future__ import annotations

from core import metrics

LABELS = ("channel",)


def register() -> None:
    metrics.register(
        "backroom_stock_figures_waiting",
        "Figures a channel has not heard yet",
        metrics.by_sql(
            "SELECT f.channel, count(p.id) FROM inventory_channelfeed f"
            " LEFT JOIN inventory_publication p ON p.feed_id = f.id AND p.dirty_since IS NOT NULL"
            " WHERE f.active GROUP BY 1",
            LABELS,
        ),
        LABELS,
    )
    metrics.register(
        "backroom_stock_figures_lag_seconds",
        "Age of the oldest change a channel has not heard of",
        metrics.by_sql(
            "SELECT f.channel, coalesce(extract(epoch FROM now() - min(p.dirty_since)), 0)"
            " FROM inventory_channelfeed f"
            " LEFT JOIN inventory_publication p ON p.feed_id = f.id AND p.dirty_since IS NOT NULL"
            " WHERE f.active GROUP BY 1",
            LABELS,
        ),
        LABELS,
    )
