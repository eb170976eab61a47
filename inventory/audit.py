"""What must always be true of stock, as queries for the rows where it isn't."""

from __future__ import annotations

from core import audit
from inventory.models import INSIDE

_sums = ",\n    ".join(f"coalesce(sum(delta) FILTER (WHERE state = '{state}'), 0) AS {state}" for state in INSIDE)
_differs = "\n    OR ".join(f"coalesce(ledger.{state}, 0) <> coalesce(stock.{state}, 0)" for state in INSIDE)
_columns = ", ".join(
    f"stock.{state} AS {state}_on_row, ledger.{state} AS {state}_by_movements" for state in map(str, INSIDE)
)
_values = ", ".join(f"('{state}', stock.{state})" for state in map(str, INSIDE))
_negative = " OR ".join(f"{state} < 0" for state in (*INSIDE, "reserved"))


def register() -> None:
    audit.register(
        "inventory.stock_is_the_sum_of_its_movements",
        "Every state of every stock row equals what the movements add up to.",
        f"""
        WITH step AS (
            SELECT item_id, to_location_id AS location_id, to_state AS state, quantity AS delta
            FROM inventory_stockmovement WHERE to_location_id IS NOT NULL
            UNION ALL
            SELECT item_id, from_location_id, from_state, -quantity
            FROM inventory_stockmovement WHERE from_location_id IS NOT NULL
        ), ledger AS (
            SELECT item_id, location_id,
            {_sums}
            FROM step GROUP BY item_id, location_id
        )
        SELECT item_id, location_id, {_columns}
        FROM ledger FULL JOIN inventory_stock stock USING (item_id, location_id)
        WHERE {_differs}
        """,  # noqa: S608  (built from our own column names)
    )
    audit.register(
        "inventory.reserved_is_the_sum_of_what_is_held",
        "A stock row's reserved units equal its held reservations.",
        """
        WITH held AS (
            SELECT item_id, location_id, sum(quantity) AS quantity
            FROM inventory_reservation WHERE status = 'HELD' GROUP BY item_id, location_id
        )
        SELECT item_id, location_id, stock.reserved, held.quantity AS held
        FROM held FULL JOIN inventory_stock stock USING (item_id, location_id)
        WHERE coalesce(stock.reserved, 0) <> coalesce(held.quantity, 0)
        """,
    )
    audit.register(
        "inventory.nothing_is_negative",
        "No state of a stock row is below zero.",
        f"SELECT id, item_id, location_id FROM inventory_stock WHERE {_negative}",  # noqa: S608
    )
    audit.register(
        "inventory.nothing_is_oversold",
        "No more is promised than is sellable, except where the location promises ahead.",
        """
        SELECT stock.id, item_id, location_id, sellable, reserved
        FROM inventory_stock stock JOIN inventory_location location ON location.id = stock.location_id
        WHERE reserved > sellable AND NOT location.allows_backorder
        """,
    )
    audit.register(
        "inventory.backorder_rules_are_copied_truly",
        "A stock row carries its location's rule on promising ahead.",
        """
        SELECT stock.id, location_id FROM inventory_stock stock
        JOIN inventory_location location ON location.id = stock.location_id
        WHERE stock.allows_backorder <> location.allows_backorder
        """,
    )
    audit.register(
        "inventory.a_sold_reservation_left_once",
        "A consumed reservation has exactly its movement to the customer, and no other reservation has one.",
        """
        SELECT reservation.id, reservation.status, reservation.quantity, movement.id AS movement_id,
            movement.quantity AS moved
        FROM inventory_reservation reservation
        FULL JOIN (SELECT * FROM inventory_stockmovement WHERE reservation_id IS NOT NULL) movement
            ON movement.reservation_id = reservation.id
        WHERE (reservation.status = 'CONSUMED' OR movement.id IS NOT NULL) AND (
            reservation.status IS DISTINCT FROM 'CONSUMED'
            OR (movement.item_id, movement.quantity, movement.from_location_id)
                IS DISTINCT FROM (reservation.item_id, reservation.quantity, reservation.location_id)
            OR (movement.from_state, movement.to_state) IS DISTINCT FROM ('sellable', 'customer')
        )
        """,
    )
    audit.register(
        "inventory.a_part_belongs_to_its_reservation",
        "A split-off part has ended and names the demand, line, item and location of what it was part of.",
        """
        SELECT part.id, part.split_from_id, part.status
        FROM inventory_reservation part JOIN inventory_reservation origin ON origin.id = part.split_from_id
        WHERE part.status = 'HELD' OR origin.split_from_id IS NOT NULL
            OR (part.demand_id, part.ref, part.item_id, part.location_id)
                IS DISTINCT FROM (origin.demand_id, origin.ref, origin.item_id, origin.location_id)
        """,
    )
    audit.register(
        "inventory.a_demand_has_its_reservations",
        "A demand that was met has reservations, and all it still holds became firm when it did.",
        """
        SELECT demand.id, demand.demand_uid, demand.kind
        FROM inventory_reservationdemand demand
        WHERE NOT EXISTS (SELECT FROM inventory_reservation WHERE demand_id = demand.id)
            OR EXISTS (
                SELECT FROM inventory_reservation
                WHERE demand_id = demand.id AND kind = 'SOFT' AND demand.kind = 'FIRM' AND status = 'HELD'
            )
        """,
    )
    audit.register(
        "inventory.skus_are_normalised",
        "Every SKU and alias is stored as it is compared.",
        """
        SELECT 'item' AS what, id, sku AS code FROM inventory_item WHERE sku IS NOT NFKC NORMALIZED
        UNION ALL
        SELECT 'alias', id, code FROM inventory_itemalias WHERE code IS NOT NFKC NORMALIZED
        """,
    )
    _tracked()
    _counts()
    _transfers()


def _tracked() -> None:
    audit.register(
        "inventory.lots_are_the_sum_of_their_steps",
        "What lies of a lot in each place and state equals what its movements add up to.",
        """
        WITH step AS (
            SELECT lot_id, to_location_id AS location_id, to_state AS state, lotstep.quantity AS delta
            FROM inventory_lotstep lotstep JOIN inventory_stockmovement movement ON movement.id = lotstep.movement_id
            WHERE to_location_id IS NOT NULL
            UNION ALL
            SELECT lot_id, from_location_id, from_state, -lotstep.quantity
            FROM inventory_lotstep lotstep JOIN inventory_stockmovement movement ON movement.id = lotstep.movement_id
            WHERE from_location_id IS NOT NULL
        ), ledger AS (
            SELECT lot_id, location_id, state, sum(delta) AS quantity FROM step GROUP BY 1, 2, 3
        )
        SELECT lot_id, location_id, state, stock.quantity AS on_row, ledger.quantity AS by_steps
        FROM ledger FULL JOIN inventory_lotstock stock USING (lot_id, location_id, state)
        WHERE coalesce(stock.quantity, 0) <> coalesce(ledger.quantity, 0)
        """,
    )
    audit.register(
        "inventory.tracked_units_all_have_names",
        "Of a tracked item, the lots in each place and state add up to its stock there; of others there are none.",
        f"""
        WITH named AS (
            SELECT lot.item_id, stock.location_id, stock.state, sum(stock.quantity) AS quantity
            FROM inventory_lotstock stock JOIN inventory_lot lot ON lot.id = stock.lot_id GROUP BY 1, 2, 3
        ), lying AS (
            SELECT item_id, location_id, state, quantity FROM inventory_stock stock
            CROSS JOIN LATERAL (VALUES {_values}) AS each(state, quantity)
            WHERE tracking <> 'NONE'
        )
        SELECT item_id, location_id, state, lying.quantity AS in_stock, named.quantity AS named
        FROM lying FULL JOIN named USING (item_id, location_id, state)
        WHERE coalesce(lying.quantity, 0) <> coalesce(named.quantity, 0)
        """,  # noqa: S608  (built from our own column names)
    )
    audit.register(
        "inventory.a_correction_mirrors_what_it_takes_back",
        "A compensating movement is the exact reverse of the one it names.",
        """
        SELECT back.id, back.compensates_id
        FROM inventory_stockmovement back JOIN inventory_stockmovement was ON was.id = back.compensates_id
        WHERE (back.item_id, back.quantity, back.from_state, back.to_state)
                <> (was.item_id, was.quantity, was.to_state, was.from_state)
            OR (back.from_location_id, back.to_location_id)
                IS DISTINCT FROM (was.to_location_id, was.from_location_id)
        """,
    )
    audit.register(
        "inventory.no_kit_is_stocked_or_nested",
        "A kit has no stock row and no reservation of its own, and no kit is a part.",
        """
        SELECT 'stock' AS what, stock.id FROM inventory_stock stock
        JOIN inventory_item item ON item.id = stock.item_id WHERE item.is_kit
        UNION ALL
        SELECT 'part', component.id FROM inventory_kitcomponent component
        JOIN inventory_item part ON part.id = component.part_id JOIN inventory_item kit ON kit.id = component.kit_id
        WHERE part.is_kit OR NOT kit.is_kit
        """,
    )


def _counts() -> None:
    audit.register(
        "inventory.counts_post_what_they_say",
        "The movements of a count add up, item by item, to what its lines say was posted.",
        """
        WITH moved AS (
            SELECT cause_uid, item_id,
                sum(CASE WHEN to_location_id IS NULL THEN -quantity ELSE quantity END) AS units
            FROM inventory_stockmovement WHERE cause_kind = 'count' GROUP BY cause_uid, item_id
        )
        SELECT cause_uid AS count_id, item_id, line.posted, moved.units
        FROM (SELECT count_id::text AS cause_uid, item_id, posted FROM inventory_countline) line
        FULL JOIN moved USING (cause_uid, item_id)
        WHERE coalesce(line.posted, 0) <> coalesce(moved.units, 0)
        """,
    )
    audit.register(
        "inventory.counts_name_what_they_post",
        "Lot by lot, the movements of a count add up to what was posted; the lots of a line add up to the line.",
        """
        WITH moved AS (
            SELECT cause_uid, lot.item_id, lot.code,
                sum(CASE WHEN to_location_id IS NULL THEN -step.quantity ELSE step.quantity END) AS units
            FROM inventory_stockmovement movement
            JOIN inventory_lotstep step ON step.movement_id = movement.id JOIN inventory_lot lot ON lot.id = step.lot_id
            WHERE cause_kind = 'count' GROUP BY 1, 2, 3
        ), said AS (
            SELECT line.count_id::text AS cause_uid, line.item_id, lot.code, lot.posted
            FROM inventory_countlot lot JOIN inventory_countline line ON line.id = lot.line_id
        )
        SELECT cause_uid AS count_id, item_id, code, said.posted, moved.units
        FROM said FULL JOIN moved USING (cause_uid, item_id, code)
        WHERE coalesce(said.posted, 0) <> coalesce(moved.units, 0)
        UNION ALL
        SELECT line.count_id::text, line.item_id, '', line.posted, sums.posted
        FROM inventory_countline line JOIN (
            SELECT line_id, sum(posted) AS posted, sum(difference) AS difference, coalesce(sum(counted), 0) AS counted
            FROM inventory_countlot GROUP BY line_id
        ) sums ON sums.line_id = line.id
        WHERE line.posted <> sums.posted OR line.difference <> sums.difference
            OR (line.counted IS NOT NULL AND line.counted <> sums.counted)
        """,
    )
    audit.register(
        "inventory.count_lines_follow_their_count",
        "Lines are open while their count is, and only a posted count is the latest word on an item.",
        """
        SELECT line.id, line.count_id, c.status FROM inventory_countline line
        JOIN inventory_count c ON c.id = line.count_id
        WHERE line.open <> (c.status NOT IN ('POSTED', 'CANCELLED')) OR (line.settled AND c.status <> 'POSTED')
            OR (c.status <> 'POSTED' AND line.posted <> 0)
            OR (c.status = 'POSTED' AND (line.counted IS NULL OR line.difference IS NULL))
        """,
    )


def _transfers() -> None:
    audit.register(
        "inventory.what_is_in_transit_has_its_transfer",
        "A transfer's units are in transit from shipping until they are received or a discrepancy is settled.",
        """
        WITH moved AS (
            SELECT cause_uid, item_id, sum(
                CASE WHEN to_state = 'in_transit_in' THEN quantity ELSE 0 END
                - CASE WHEN from_state = 'in_transit_in' THEN quantity ELSE 0 END
            ) AS units
            FROM inventory_stockmovement WHERE cause_kind = 'transfer' GROUP BY cause_uid, item_id
        ), owed AS (
            SELECT line.transfer_id::text AS cause_uid, line.item_id, CASE
                WHEN transfer.status = 'IN_TRANSIT' THEN line.shipped
                ELSE coalesce((
                    SELECT sum(quantity) FROM inventory_transferdiscrepancy d
                    WHERE d.transfer_id = line.transfer_id AND d.item_id = line.item_id AND d.kind = 'SHORT'
                        AND d.resolution = ''
                ), 0) END AS units
            FROM inventory_transferline line JOIN inventory_transfer transfer ON transfer.id = line.transfer_id
        )
        SELECT cause_uid AS transfer_id, item_id, owed.units, moved.units AS moved
        FROM owed FULL JOIN moved USING (cause_uid, item_id)
        WHERE coalesce(owed.units, 0) <> coalesce(moved.units, 0)
        """,
    )
    audit.register(
        "inventory.discrepancies_are_the_difference",
        "A received transfer has a discrepancy for exactly the lines and lots that arrived otherwise than sent.",
        """
        WITH part AS (
            SELECT line.transfer_id, line.item_id, '' AS code, line.shipped, line.received
            FROM inventory_transferline line JOIN inventory_item item ON item.id = line.item_id
            WHERE NOT EXISTS (SELECT FROM inventory_transferlot WHERE line_id = line.id)
            UNION ALL
            SELECT line.transfer_id, line.item_id, lot.code, lot.shipped, lot.received
            FROM inventory_transferlot lot JOIN inventory_transferline line ON line.id = lot.line_id
        )
        SELECT part.transfer_id, part.item_id, part.code, shipped, received, d.kind, d.quantity
        FROM part
        JOIN inventory_transfer transfer ON transfer.id = part.transfer_id
            AND transfer.status IN ('RECEIVED', 'DISCREPANT')
        LEFT JOIN inventory_transferdiscrepancy d
            ON d.transfer_id = part.transfer_id AND d.item_id = part.item_id AND d.code = part.code
        WHERE abs(received + CASE WHEN d.booked THEN 0 ELSE coalesce(d.quantity, 0) END - shipped)
                <> coalesce(d.quantity, 0)
            OR (d.kind = 'SHORT' AND received > shipped)
            OR (d.kind <> 'SHORT' AND received < shipped)
        """,
    )
    audit.register(
        "inventory.transfers_name_what_they_bring",
        "The lots of a transfer's line add up to the line, on every step of its way.",
        """
        SELECT line.id, line.transfer_id, line.item_id
        FROM inventory_transferline line JOIN inventory_item item ON item.id = line.item_id
        LEFT JOIN (
            SELECT line_id, sum(picked) AS picked, sum(shipped) AS shipped, sum(found) AS found,
                sum(damaged) AS damaged, sum(received) AS received
            FROM inventory_transferlot GROUP BY line_id
        ) lots ON lots.line_id = line.id
        WHERE lots.line_id IS NOT NULL AND (line.picked, line.shipped, line.found, line.damaged, line.received)
            <> (lots.picked, lots.shipped, lots.found, lots.damaged, lots.received)
        """,
    )
    audit.register(
        "inventory.a_discrepant_transfer_has_a_discrepancy",
        "A transfer is discrepant exactly while a discrepancy of it stands.",
        """
        SELECT transfer.id, transfer.status FROM inventory_transfer transfer
        WHERE (transfer.status = 'DISCREPANT') <> EXISTS (
            SELECT FROM inventory_transferdiscrepancy WHERE transfer_id = transfer.id AND resolution = ''
        )
        """,
    )
