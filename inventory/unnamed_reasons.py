"""The case of tracked units that were sold without anybody saying which."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import connection

from core.actors import Actor
from core.models import Event
from core.subjects import Subject
from exceptions.reasons import Action, Cell, Column, Evidence, Opening, Reason, Row
from inventory import lens, stock_cases, weights
from inventory.events import SOLD_UNNAMED
from inventory.models import Stock
from inventory.services.unnamed_sales import UNNAMED
from inventory.stock_cases import stock_of

SWEPT, SHOWN = 10_000, 20


def _unsaid(stock: Stock) -> Any:
    """Such sales since the item was last counted here."""
    counted = stock_cases.last_counted(stock)
    found = Event.objects.filter(type=SOLD_UNNAMED, subject_kind="stock", subject_uid=str(stock.pk))
    return (found.filter(recorded_at__gt=counted) if counted else found).order_by("-pk")


def _holds(uid: str) -> bool:
    stock = stock_of(uid)
    return stock is not None and _unsaid(stock).exists()


def _evidence(uid: str) -> list[Evidence]:
    stock = stock_of(uid)
    found = list(_unsaid(stock)[:SHOWN]) if stock else []
    return [
        Evidence(
            "Sales that did not say which units left",
            ("Happened", Column("Units", numeric=True), "Because of"),
            [Row((f"{e.occurred_at:%d %b %Y %H:%M}", str(e.data["units"]), _cause(e.data)), hot=True) for e in found],
            empty="A count has named them since.",
        )
    ]


def _cause(data: dict[str, Any]) -> Cell:
    label = data["cause_label"] or data["cause"]
    return Cell(label, Subject(data["cause_kind"], data["cause"], label))


def _units(uid: str) -> int:
    stock = stock_of(uid)
    return sum(event.data["units"] for event in _unsaid(stock)) if stock else 0


def _describe(uid: str) -> Opening | None:
    stock = stock_of(uid)
    return stock_cases.opening(stock, "Units were sold, and nobody said which.") if stock else None


def _standing() -> Iterable[str]:
    with connection.cursor() as cursor:
        cursor.execute(_STANDING, [SOLD_UNNAMED, SWEPT])
        return [str(row[0]) for row in cursor.fetchall()]


def _count(uid: str, *, actor: Actor) -> str:
    return stock_cases.have_counted(uid, "which are left", actor=actor)


_STANDING = """
SELECT stock.id FROM (
    SELECT subject_uid::bigint AS id, max(recorded_at) AS at FROM core_event
    WHERE type = %s AND subject_kind = 'stock' GROUP BY 1
) told
JOIN inventory_stock stock ON stock.id = told.id
WHERE NOT EXISTS (
    SELECT FROM inventory_countline line JOIN inventory_count done ON done.id = line.count_id AND done.status = 'POSTED'
    WHERE line.item_id = stock.item_id AND line.location_id = stock.location_id AND done.posted_at >= told.at
)
ORDER BY stock.id LIMIT %s
"""

SOLD_UNNAMED_REASON = Reason(
    code=UNNAMED,
    impact=weights.of_stock(_units),
    title="Sold without saying which units",
    queue="stock",
    subject_kind="stock",
    icon="scan-line",
    acknowledge_minutes=4 * 60,
    resolve_minutes=24 * 60,
    description="A till sold units of an article whose units are told apart, and named no lot or serial number. The "
    "sale stands; the books still have the units, because nobody knows which of them left.",
    clears="The item is counted there, lot by lot or serial by serial.",
    predicate=_holds,
    evidence=_evidence,
    standing=_standing,
    describe=_describe,
    actions=(
        Action(
            code="count",
            title="Have it counted",
            detail="What isn't found leaves the books under its number.",
            permission="inventory.request_count",
            run=_count,
            rehearsed=True,
            undo=lens.call_off_count,
            primary=True,
        ),
        Action(code="open", title="Open the item", href=stock_cases.page),
    ),
)

REASONS = (SOLD_UNNAMED_REASON,)
