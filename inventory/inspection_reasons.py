"""The case of goods that came back and that nobody has looked at: money and sales wait for them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.db import connection
from django.utils import timezone
from django.utils.timezone import localtime

from exceptions import reasons
from exceptions.reasons import Column, Context, Evidence, Opening, Reason, Row
from inventory import stock_cases, weights
from inventory.models import State, StockMovement
from inventory.stock_cases import stock_of

LONG = timedelta(hours=48)
SWEPT, SHOWN = 5_000, 20

# The oldest units still there came in with the latest arrivals that add up to what is there now: first in, first out.
_WAITING = """
SELECT stock.id FROM inventory_stock stock
WHERE stock.awaiting_inspection > 0 AND stock.awaiting_inspection > coalesce((
    SELECT sum(m.quantity) FROM inventory_stockmovement m
    WHERE m.item_id = stock.item_id AND m.to_location_id = stock.location_id
        AND m.to_state = 'awaiting_inspection' AND m.occurred_at > %s
), 0) AND (%s::bigint IS NULL OR stock.id = %s)
ORDER BY stock.id LIMIT %s
"""


def _waiting(stock_id: int | None = None) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, [timezone.now() - LONG, stock_id, stock_id, SWEPT])
        return [row[0] for row in cursor.fetchall()]


def _still(uid: str) -> bool:
    return bool(_waiting(int(uid)))


def _standing() -> Iterable[str]:
    return [str(pk) for pk in _waiting()]


def _describe(uid: str) -> Opening | None:
    stock = stock_of(uid)
    if stock is None:
        return None
    return stock_cases.opening(stock, f"{stock.awaiting_inspection} units came back and wait to be looked at.")


def _evidence(uid: str) -> list[Evidence]:
    stock = stock_of(uid)
    if stock is None:
        return []
    came = StockMovement.objects.filter(
        item_id=stock.item_id, to_location_id=stock.location_id, to_state=State.AWAITING_INSPECTION
    ).order_by("-id")[:SHOWN]
    return [
        Evidence(
            f"{stock.awaiting_inspection} units wait at {stock.location.name}, some for more than two days",
            ("Came in", Column("Units", numeric=True), "Because of"),
            [
                Row(
                    (
                        f"{localtime(move.occurred_at):%d %b %Y %H:%M}",
                        str(move.quantity),
                        stock_cases.cause(move),
                    ),
                    hot=move.occurred_at < timezone.now() - LONG,
                )
                for move in came
            ],
        )
    ]


def _back(uid: str) -> int:
    stock = stock_of(uid)
    return stock.awaiting_inspection if stock else 0


def _context(uid: str) -> Context | None:
    stock = stock_of(uid)
    return stock_cases.context(stock, ("Waits", str(stock.awaiting_inspection))) if stock else None


REASONS = (
    Reason(
        code="inventory.returned_goods_wait",
        impact=weights.of_stock(_back),
        title="Returned goods wait to be looked at",
        queue="returns",
        subject_kind="stock",
        icon="undo-2",
        severity=reasons.NORMAL,
        acknowledge_minutes=4 * 60,
        resolve_minutes=24 * 60,
        description="Goods that customers sent back lie uninspected for more than two days: nobody can buy them.",
        clears="They are sellable, damaged or written off.",
        predicate=_still,
        evidence=_evidence,
        context=_context,
        standing=_standing,
        describe=_describe,
    ),
)
