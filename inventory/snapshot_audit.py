"""What must be true of what other systems said, and of where they disagree."""

from __future__ import annotations

from core import audit


def register() -> None:
    audit.register(
        "inventory.snapshot_lines_add_up",
        "A snapshot counts exactly its lines, each by its outcome.",
        """
        SELECT snapshot.id, snapshot.lines_total, counted.*
        FROM inventory_stocksnapshot snapshot
        LEFT JOIN LATERAL (
            SELECT count(*) AS lines, count(*) FILTER (WHERE outcome = 'COMPARED') AS compared,
                count(*) FILTER (WHERE outcome = 'IGNORED') AS ignored,
                count(*) FILTER (WHERE outcome = 'UNRESOLVED') AS unresolved,
                count(*) FILTER (WHERE outcome = 'REFUSED') AS refused
            FROM inventory_snapshotline WHERE snapshot_id = snapshot.id
        ) counted ON true
        WHERE (snapshot.lines_total, snapshot.compared, snapshot.ignored, snapshot.unresolved, snapshot.refused)
            <> (counted.lines, counted.compared, counted.ignored, counted.unresolved, counted.refused)
        """,
    )
    audit.register(
        "inventory.a_latest_word_is_the_latest",
        "What a source last said of an item at a place is the sum of the newest snapshot's lines about it.",
        """
        WITH latest AS (
            SELECT DISTINCT ON (snapshot.source_id, line.item_id, line.location_id)
                snapshot.source_id, line.item_id, line.location_id, snapshot.id AS snapshot_id
            FROM inventory_snapshotline line JOIN inventory_stocksnapshot snapshot ON snapshot.id = line.snapshot_id
            WHERE line.outcome = 'COMPARED'
            ORDER BY snapshot.source_id, line.item_id, line.location_id, snapshot.as_of DESC, snapshot.id DESC
        )
        SELECT source_id, item_id, location_id, latest.snapshot_id, said.snapshot_id AS kept
        FROM latest FULL JOIN inventory_reportedstock said USING (source_id, item_id, location_id)
        WHERE latest.snapshot_id IS DISTINCT FROM said.snapshot_id
        """,
    )
    audit.register(
        "inventory.a_difference_is_its_states",
        "The units of a difference are the sum of its states, and one stands only where its source has said something.",
        """
        SELECT difference.id, difference.units
        FROM inventory_stockdifference difference
        CROSS JOIN LATERAL (
            SELECT sum(value::bigint) AS units FROM jsonb_each_text(difference.deltas)
        ) states
        LEFT JOIN inventory_reportedstock said USING (source_id, item_id, location_id)
        WHERE difference.units <> states.units OR said.id IS NULL
        """,
    )
