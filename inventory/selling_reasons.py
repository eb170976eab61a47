"""The case of goods that were sold although the books did not have them."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from core import events
from core.actors import Actor
from core.errors import Refusal
from core.models import Event
from core.subjects import Subject
from exceptions.models import ActionRun
from exceptions.reasons import Action, Cell, Column, Context, Evidence, Opening, Reason, Row
from exceptions.services import cases
from inventory import lens, stock_cases, weights
from inventory.events import SURPLUS_ACCEPTED, SURPLUS_DOUBTED
from inventory.models import State, Stock, StockMovement
from inventory.services.selling import BEYOND
from inventory.stock_cases import stock_of

SWEPT, SHOWN = 10_000, 20


def _found_by_sales(stock: Stock) -> Any:
    """Units that came into the books only because a sale took them, and that nobody has explained since.

    Explained means: the place was counted afterwards, or a person said that the books had been wrong.
    """
    counted = stock_cases.last_counted(stock)
    accepted = _accepted_until(stock)
    found = StockMovement.objects.filter(
        item_id=stock.item_id, to_location_id=stock.location_id, from_state=State.FOUND, key__startswith="sold:"
    )
    if counted is not None:
        found = found.filter(recorded_at__gt=counted)
    return found.filter(id__gt=accepted).order_by("id")


def _accepted_until(stock: Stock) -> int:
    """The last movement a person has explained, as far as nobody took that back."""
    said = Event.objects.filter(
        subject_kind="stock", subject_uid=str(stock.pk), type__in=(SURPLUS_ACCEPTED, SURPLUS_DOUBTED)
    )
    last = said.order_by("-pk").values_list("data", flat=True).first()
    return int(last["until"]) if last else 0


def _unexplained(uid: str) -> bool:
    stock = stock_of(uid)
    return stock is not None and _found_by_sales(stock).exists()


def _evidence(uid: str) -> list[Evidence]:
    stock = stock_of(uid)
    if stock is None:
        return []
    found = list(_found_by_sales(stock)[: SHOWN + 1])
    before = StockMovement.objects.filter(item_id=stock.item_id).filter(
        Q(from_location_id=stock.location_id) | Q(to_location_id=stock.location_id)
    )
    others = before.exclude(key__startswith="sold:").order_by("-id")[:SHOWN]
    units = f"{sum(m.quantity for m in found)}{' or more' if len(found) > SHOWN else ''}"
    columns = ("Happened", "Recorded", Column("Units", numeric=True), "Because of")
    return [
        Evidence(
            f"{units} units were sold that the books did not have free",
            columns,
            [Row(_cells(movement), hot=True) for movement in found[:SHOWN]],
            empty="A count or a person has explained them.",
        ),
        Evidence(
            "What else moved it lately: a missing receipt shows here as a gap",
            (*columns, "From", "To"),
            [Row((*_cells(m), State(m.from_state).label, State(m.to_state).label)) for m in others],
            empty="Nothing but sales ever moved it.",
        ),
    ]


def _cells(movement: StockMovement) -> tuple[Cell | str, ...]:
    return (
        f"{movement.occurred_at:%d %b %Y %H:%M}",
        f"{movement.recorded_at:%d %b %Y %H:%M}",
        str(movement.quantity),
        stock_cases.cause(movement),
    )


def _units(uid: str) -> int:
    stock = stock_of(uid)
    return sum(_found_by_sales(stock).values_list("quantity", flat=True)) if stock else 0


def _context(uid: str) -> Context | None:
    stock = stock_of(uid)
    return stock_cases.context(stock, ("Promised", str(stock.reserved))) if stock else None


def _describe(uid: str) -> Opening | None:
    stock = stock_of(uid)
    return stock_cases.opening(stock, "More was sold than the books had free.") if stock else None


def _standing() -> Iterable[str]:
    with connection.cursor() as cursor:
        cursor.execute(_STANDING, [SURPLUS_ACCEPTED, SURPLUS_DOUBTED, SWEPT])
        return [str(row[0]) for row in cursor.fetchall()]


_STANDING = """
WITH found AS (
    SELECT item_id, to_location_id AS location_id, max(id) AS last, max(recorded_at) AS at FROM inventory_stockmovement
    WHERE from_state = 'found' AND starts_with(key, 'sold:') GROUP BY 1, 2
), counted AS (
    SELECT line.item_id, line.location_id, max(done.posted_at) AS at
    FROM inventory_countline line JOIN inventory_count done ON done.id = line.count_id AND done.status = 'POSTED'
    GROUP BY 1, 2
), accepted AS (
    SELECT DISTINCT ON (subject_uid) subject_uid, (data ->> 'until')::bigint AS last FROM core_event
    WHERE type IN (%s, %s) AND subject_kind = 'stock' ORDER BY subject_uid, id DESC
)
SELECT stock.id FROM found
JOIN inventory_stock stock USING (item_id, location_id)
LEFT JOIN counted USING (item_id, location_id)
LEFT JOIN accepted ON accepted.subject_uid = stock.id::text
WHERE found.last > coalesce(accepted.last, 0) AND (counted.at IS NULL OR found.at > counted.at)
ORDER BY stock.id LIMIT %s
"""


@transaction.atomic
def _accept(uid: str, *, actor: Actor) -> str:
    stock = Stock.objects.select_for_update(no_key=True, of=("self",)).select_related("item", "location").get(pk=uid)
    subject = Subject("stock", uid, stock_cases.label(stock))
    found = list(_found_by_sales(stock).values_list("id", "quantity"))
    units = sum(quantity for _, quantity in found)
    until = max((movement_id for movement_id, _ in found), default=0)
    before = _accepted_until(stock)
    events.record(SURPLUS_ACCEPTED, subject, actor=actor, data={"units": units, "until": until, "before": before})
    cases.recheck(subject, cause=f"{actor.label} says the books were wrong.", actor=actor)
    return f"The books were {units} units short; they stand as they are now."


@transaction.atomic
def _doubt(run: ActionRun, *, actor: Actor) -> str:
    """The surplus counts as unexplained again, as far as what was accepted before goes."""
    uid = run.case.subject_uid
    stock = Stock.objects.select_for_update(no_key=True, of=("self",)).select_related("item", "location").get(pk=uid)
    subject = Subject("stock", uid, stock_cases.label(stock))
    said = Event.objects.filter(subject_kind="stock", subject_uid=uid, type__in=(SURPLUS_ACCEPTED, SURPLUS_DOUBTED))
    last = said.order_by("-pk").first()
    if last is None or last.type != SURPLUS_ACCEPTED or last.recorded_at > run.created_at:
        raise Refusal("judged_again", "Somebody has judged this surplus again since.")
    data = {"units": last.data["units"], "until": last.data.get("before", 0)}
    events.record(SURPLUS_DOUBTED, subject, actor=actor, data=data)
    return f"The {data['units']} units wait for an explanation again."


def _accepted_value(uid: str) -> tuple[Decimal, str] | None:
    stock = stock_of(uid)
    if stock is None or stock.item.unit_cost is None:
        return None
    units = sum(_found_by_sales(stock).values_list("quantity", flat=True))
    return stock.item.unit_cost * units, stock.item.cost_currency


def _preview_accept(uid: str) -> list[tuple[str, str]]:
    stock = stock_of(uid)
    if stock is None:
        return []
    units = sum(_found_by_sales(stock).values_list("quantity", flat=True))
    return [("Units the books had missed", str(units)), ("Sellable stays", str(stock.sellable))]


def _count(uid: str, *, actor: Actor) -> str:
    return stock_cases.have_counted(uid, "how many there are", actor=actor)


SOLD_BEYOND = Reason(
    code=BEYOND,
    impact=weights.of_stock(_units),
    title="Sold more than the books had",
    queue="stock",
    subject_kind="stock",
    icon="boxes",
    acknowledge_minutes=4 * 60,
    resolve_minutes=24 * 60,
    description="A till sold units the books did not have free. The sale stands; the books gained what was missing. "
    "Either a receipt was not booked, or an earlier count was wrong, or promised goods were sold.",
    clears="The place is counted, or a person says that the books had been wrong.",
    predicate=_unexplained,
    evidence=_evidence,
    context=_context,
    standing=_standing,
    describe=_describe,
    actions=(
        Action(
            code="count",
            title="Have it counted",
            detail="The place goes on selling while it is counted.",
            permission="inventory.request_count",
            run=_count,
            rehearsed=True,
            undo=lens.call_off_count,
            primary=True,
        ),
        Action(
            code="accept",
            title="The books were wrong",
            detail="The goods were there all along. Nothing moves; the surplus counts as explained.",
            permission="inventory.change_stock",
            run=_accept,
            rehearsed=True,
            amount=_accepted_value,
            stake="what the surplus units cost",
            undo=_doubt,
            preview=_preview_accept,
        ),
        Action(code="open", title="Open the item", href=stock_cases.page),
    ),
)

REASONS = (SOLD_BEYOND,)
