"""What must always be true of messages, as queries for the rows where it isn't."""

from __future__ import annotations

from core import audit


def register() -> None:
    audit.register(
        "integrations.a_message_is_the_bytes_that_came",
        "Size and SHA-256 of every message of the last week are those of its body.",
        """
        SELECT id, size, length(body) AS bytes, sha256 FROM integrations_inboundmessage
        WHERE received_at > now() - interval '7 days'
            AND (size <> length(body) OR sha256 <> encode(sha256(body), 'hex'))
        """,
    )
    audit.register(
        "integrations.what_went_through_has_its_result",
        "A processed message names an order, a stock snapshot or a movement that exists.",
        """
        SELECT m.id, m.result_kind, m.result_uid FROM integrations_inboundmessage m
        LEFT JOIN orders_order o ON m.result_kind = 'order' AND o.id::text = m.result_uid
        LEFT JOIN inventory_stocksnapshot s ON m.result_kind = 'snapshot' AND s.id::text = m.result_uid
        LEFT JOIN inventory_stockmovement g ON m.result_kind = 'movement' AND g.id::text = m.result_uid
        WHERE m.status = 'PROCESSED' AND o.id IS NULL AND s.id IS NULL AND g.id IS NULL
        """,
    )
    audit.register(
        "integrations.nothing_is_left_unread",
        "No message that is due has waited for an hour while its connection is active.",
        """
        SELECT m.id, m.connection_id, m.next_at FROM integrations_inboundmessage m
        JOIN integrations_connection c ON c.id = m.connection_id AND c.status = 'ACTIVE'
        WHERE m.status = 'RECEIVED' AND m.next_at < now() - interval '1 hour'
        """,
    )
    audit.register(
        "integrations.every_failure_is_a_case",
        "A failed message has an open case, or one a person waived or closed as a duplicate.",
        """
        SELECT m.id, m.failure_class FROM integrations_inboundmessage m
        WHERE m.status = 'FAILED' AND NOT EXISTS (
            SELECT FROM exceptions_case c
            WHERE c.reason = 'integrations.message_failed' AND c.subject_kind = 'message' AND c.subject_uid = m.id::text
                AND (c.is_open OR c.outcome IN ('WAIVED', 'DUPLICATE', 'waived', 'duplicate'))
        )
        """,
    )
