"""What must always be true of returned goods, for `manage.py audit_books`."""

from __future__ import annotations

from core import audit


def register() -> None:
    audit.register(
        "returns.what_came_adds_up",
        "Units received of a line are those its arrivals took in, and those that lie or lay on a bench.",
        """
        SELECT line.id, line.received, coalesce(came.units, 0) AS came, coalesce(bench.units, 0) AS bench
        FROM returns_returnline line
        LEFT JOIN (SELECT line_id, sum(quantity) AS units FROM returns_arrival GROUP BY 1) came
            ON came.line_id = line.id
        LEFT JOIN (SELECT line_id, sum(received) AS units FROM returns_onbench GROUP BY 1) bench
            ON bench.line_id = line.id
        WHERE (came.units IS NOT NULL OR bench.units IS NOT NULL)
            AND (line.received <> coalesce(came.units, 0) OR line.received <> coalesce(bench.units, 0))
        """,
    )
    audit.register(
        "returns.every_inspected_unit_was_on_the_bench",
        "Inspections of a bench row add up to the units it counts as inspected; so do placed units and dispositions.",
        """
        SELECT 'bench' AS what, bench.id, bench.inspected AS counted, coalesce(sum(seen.quantity), 0) AS found
        FROM returns_onbench bench LEFT JOIN returns_inspection seen ON seen.bench_id = bench.id
        GROUP BY bench.id HAVING bench.inspected <> coalesce(sum(seen.quantity), 0)
        UNION ALL
        SELECT 'placed', seen.id, seen.placed, coalesce(sum(placed.quantity), 0)
        FROM returns_inspection seen
        LEFT JOIN returns_disposition placed ON placed.inspection_id = seen.id AND placed.after_id IS NULL
        GROUP BY seen.id HAVING seen.placed <> coalesce(sum(placed.quantity), 0)
        UNION ALL
        SELECT 'moved on', before.id, before.moved_on, coalesce(sum(next.quantity), 0)
        FROM returns_disposition before LEFT JOIN returns_disposition next ON next.after_id = before.id
        GROUP BY before.id HAVING before.moved_on <> coalesce(sum(next.quantity), 0)
        """,
    )
    audit.register(
        "returns.every_step_of_returned_goods_is_in_the_ledger",
        "Each arrival has its stock movement, and each disposition that changed the state of its units has one.",
        """
        SELECT 'arrival' AS what, came.id FROM returns_arrival came
        WHERE NOT EXISTS (SELECT FROM inventory_stockmovement m WHERE m.key = 'return:arrival:' || came.id)
        UNION ALL
        SELECT 'disposition', placed.id
        FROM returns_disposition placed
        JOIN returns_returnline line ON line.id = placed.line_id AND line.item_id IS NOT NULL
        LEFT JOIN returns_disposition before ON before.id = placed.after_id
        WHERE placed.state <> coalesce(before.state, 'awaiting_inspection')
            AND NOT EXISTS (SELECT FROM inventory_stockmovement m WHERE m.key = 'return:disposition:' || placed.id)
        """,
    )
