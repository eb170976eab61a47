"""What the pure rules want to know of a return that is asked for, read from orders, parcels and earlier returns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import F, Max, Q, Sum
from django.utils import timezone

from inventory.models import Item, Tracking
from orders.carriage import time_zone
from orders.models import Channel, FulfilmentLine, FulfilmentPart, FulfilmentStatus, Order, OrderLine, Tracker
from orders.services.refunds_due import value
from returns.eligibility import Around, Goods
from returns.models import ReturnLine
from returns.rules import Policy
from returns.services import standing
from returns.standing import Stands

FOUR = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Wanted:
    """One line asked for, resolved: the order's line, or an article that nothing shows an order of."""

    quantity: int
    line: OrderLine | None = None
    item: Item | None = None
    sku: str = ""
    title: str = ""
    reason: str = "UNKNOWN"
    condition: str = ""
    serials: tuple[str, ...] = ()
    unit_value: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Known:
    """Of each order line (by id): units back or on their way back, when they left and arrived, and their serials."""

    back: Mapping[int, int] = field(default_factory=dict)
    shipped: Mapping[int, datetime] = field(default_factory=dict)
    delivered: Mapping[int, datetime] = field(default_factory=dict)
    sent_serials: Mapping[int, frozenset[str]] = field(default_factory=dict)
    back_serials: Mapping[int, frozenset[str]] = field(default_factory=dict)


def around(
    policy: Policy,
    *,
    kind: str,
    proof: str,
    order: Order | None,
    channel: Channel | None,
    buyer_ref: str = "",
    buyer_email: str = "",
    country: str = "",
    agreed_by_channel: bool = False,
    promised_until: datetime | None = None,
    now: datetime | None = None,
) -> tuple[Around, Stands]:
    """What is the same for every line, and how the customer stands."""
    stands = standing.of(buyer_ref, buyer_email, channel, rules=policy.standing)
    return Around(
        now=now or timezone.now(),
        kind=kind,
        proof=proof,
        channel=channel.code if channel else "",
        country=country or str(((order.ship_to if order else None) or {}).get("country") or ""),
        standing=stands.standing,
        placed_at=order.placed_at if order else None,
        zone=time_zone(channel.time_zone) if channel else time_zone("UTC"),
        agreed_by_channel=agreed_by_channel,
        promised_until=promised_until,
    ), stands


def goods(wanted: Sequence[Wanted], order: Order | None) -> list[Goods]:
    """The lines as the rules judge them. Two of one order line are judged together: each sees the others' units."""
    known = look_up([each.line.pk for each in wanted if each.line])
    taken: dict[int, int] = defaultdict(int)
    found = []
    for each in wanted:
        found.append(_goods(each, order, known, taken[each.line.pk] if each.line else 0))
        if each.line:
            taken[each.line.pk] += each.quantity
    return found


def _goods(each: Wanted, order: Order | None, known: Known, taken: int) -> Goods:
    line, item = each.line, each.item
    common: dict[str, Any] = {
        "quantity": each.quantity,
        "sku": each.sku,
        "attributes": item.attributes if item else {},
        "unit_value": each.unit_value,
        "reason": each.reason,
        "condition": each.condition,
        "serial_tracked": item is not None and item.tracking == Tracking.SERIAL,
        "serials": each.serials,
    }
    if line is None:
        return Goods(**common)
    whole = line.unit_price * line.ordered
    return Goods(
        **common,
        left=line.fulfilled,
        back=known.back.get(line.pk, 0) + taken,
        discount_percent=(100 * line.discount_total / whole).quantize(Decimal("0.01")) if whole else Decimal(0),
        gift_card=line.gift_card,
        sent_serials=known.sent_serials.get(line.pk, frozenset()),
        back_serials=known.back_serials.get(line.pk, frozenset()),
        shipped_at=known.shipped.get(line.pk),
        delivered_at=known.delivered.get(line.pk),
    )


def unit_value(line: OrderLine, order: Order) -> Decimal:
    """What the customer paid for one, discounts and tax shared."""
    return value(line, 1, included=order.tax_included).quantize(FOUR)


def look_up(line_ids: Iterable[int]) -> Known:
    """A fixed number of queries, whatever the number of lines."""
    ids = sorted(set(line_ids))
    if not ids:
        return Known()
    back, back_serials = _back(ids)
    sent: dict[int, set[str]] = defaultdict(set)
    shares = FulfilmentLine.objects.filter(order_line__in=ids, shipped=True)
    for line_id, codes in shares.values_list("order_line_id", "codes"):
        sent[line_id].update(codes)
    parts = FulfilmentPart.objects.filter(fulfilment_line__in=shares)
    for line_id, codes in parts.values_list("fulfilment_line__order_line_id", "codes"):
        sent[line_id].update(codes)
    shipped, delivered = _moments(shares)
    return Known(back, shipped, delivered, {k: frozenset(v) for k, v in sent.items()}, back_serials)


def _back(ids: Sequence[int]) -> tuple[dict[int, int], dict[int, frozenset[str]]]:
    """Units that are back, kept although refunded, or still to come; at least those the orders floor knows of."""
    rows = ReturnLine.objects.standing().filter(order_line__in=ids)
    sums = dict(rows.values_list("order_line").annotate(units=Sum(F("quantity") - F("gone"))).order_by())
    for line_id, returned in OrderLine.objects.filter(pk__in=ids, returned__gt=0).values_list("pk", "returned"):
        sums[line_id] = max(sums.get(line_id, 0), returned)
    serials: dict[int, set[str]] = defaultdict(set)
    for line_id, codes in rows.exclude(serials=[]).filter(gone=0).values_list("order_line_id", "serials"):
        serials[line_id].update(codes)
    return sums, {k: frozenset(v) for k, v in serials.items()}


def _moments(shares: Any) -> tuple[dict[int, datetime], dict[int, datetime]]:
    """{line: when its last units left}, {line: when the last of them arrived or was collected}."""
    delivered = Q(fulfilment__packages__tracker=Tracker.DELIVERED)
    rows = (
        shares.values("order_line_id")
        .annotate(
            left_at=Max("fulfilment__shipped_at"),
            arrived_at=Max("fulfilment__packages__tracked_at", filter=delivered),
            collected_at=Max("fulfilment__shipped_at", filter=Q(fulfilment__status=FulfilmentStatus.COLLECTED)),
        )
        .order_by()
    )
    shipped, arrived = {}, {}
    for row in rows:
        if row["left_at"]:
            shipped[row["order_line_id"]] = row["left_at"]
        if last := max(filter(None, (row["arrived_at"], row["collected_at"])), default=None):
            arrived[row["order_line_id"]] = last
    return shipped, arrived
