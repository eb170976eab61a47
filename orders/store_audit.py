"""What must always be true of collecting at the store and of picking together."""

from __future__ import annotations

from core import audit


def register() -> None:
    audit.register(
        "orders.what_is_ready_has_a_code",
        "Work that waits for its customer stands on a ready shelf, and has not been handed over.",
        """
        SELECT work.id, work.number, waiting.handed_over_at
        FROM orders_fulfilmentorder work
        LEFT JOIN orders_collection waiting ON waiting.fulfilment_id = work.id
        WHERE work.status = 'READY' AND (waiting.id IS NULL OR waiting.handed_over_at IS NOT NULL)
        """,
    )
    audit.register(
        "orders.what_was_handed_over_was_collected",
        "What the counter handed over is collected, and nothing else is.",
        """
        SELECT work.id, work.number, work.status, waiting.handed_over_at
        FROM orders_fulfilmentorder work
        JOIN orders_collection waiting ON waiting.fulfilment_id = work.id
        WHERE (work.status = 'COLLECTED') <> (waiting.handed_over_at IS NOT NULL)
        """,
    )
    audit.register(
        "orders.only_running_walks_hold_work",
        "Work is held by a walk only while that walk goes on.",
        """
        SELECT held.id, held.batch_id, held.fulfilment_id, batch.status
        FROM orders_batchwork held
        JOIN orders_pickbatch batch ON batch.id = held.batch_id
        WHERE held.running AND batch.status <> 'OPEN'
        """,
    )
