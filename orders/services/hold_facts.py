"""An order as the hold rules see it, with what lies beyond it read on demand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.db.models import Q

from orders import quantities
from orders.canonical import Address
from orders.holding import About, Earlier, Finding, Line, ListPrice
from orders.models import Order, OrderLine, OrderStatus, PriceListEntry

MOST = 50  # earlier orders a rule looks at
Predicate = Callable[[Order, list[OrderLine]], Any]


class Beyond:
    """What lies beyond the order: each answer is read once."""

    def __init__(self, order: Order, lines: Sequence[OrderLine], predicates: Mapping[str, Predicate]):
        self.order, self.lines, self.predicates = order, list(lines), predicates
        self._earlier: dict[str, list[Earlier]] = {}
        self._prices: dict[str, ListPrice] | None = None

    def known(self, kind: str) -> Finding | None:
        predicate = self.predicates.get(kind)
        said = predicate(self.order, self.lines) if predicate else None
        if not said:
            return None
        return said if isinstance(said, Finding) else Finding(str(said), key=f"{kind}:{said}", firm=True)

    def earlier(self, same: str, hours: int) -> list[Earlier]:
        """Orders of the same e-mail, address or card that came in before this one, newest first.

        Only earlier ones, so that of two alike orders the second is held and not both.
        """
        if same not in self._earlier:
            self._earlier[same] = self._read(same)
        since = self.order.placed_at - timedelta(hours=hours)
        return [each for each in self._earlier[same] if each.placed_at >= since]

    def _read(self, same: str) -> list[Earlier]:
        order = self.order
        email = order.buyer_email
        matching = {
            "email": Q(buyer_email__in={email, email.lower()}) if email else None,
            "address": Q(address_key=order.address_key) if order.address_key else None,
            "card": Q(card_ref=order.card_ref) if order.card_ref else None,
        }[same]
        if matching is None:
            return []
        rows = list(
            Order.objects.filter(matching, pk__lt=order.pk, placed_at__lte=order.placed_at, test=False)
            .exclude(status=OrderStatus.CANCELLED)
            .order_by("-pk")
            .values("pk", "number", "placed_at", "total", "currency")[:MOST]
        )
        goods: dict[int, dict[str, int]] = {row["pk"]: {} for row in rows}
        if rows:
            lines = OrderLine.objects.filter(order__in=list(goods), ordered__gt=0)
            for order_id, sku, ordered, cancelled in lines.values_list("order_id", "sku", "ordered", "cancelled"):
                goods[order_id][sku] = goods[order_id].get(sku, 0) + ordered - cancelled
        return [
            Earlier(
                row["number"], row["placed_at"], row["total"], row["currency"],
                tuple(sorted((sku, units) for sku, units in goods[row["pk"]].items() if units)),
            )
            for row in rows
        ]  # fmt: skip

    def prices(self) -> dict[str, ListPrice]:
        if self._prices is None:
            order = self.order
            rows = PriceListEntry.objects.filter(
                Q(valid_to__isnull=True) | Q(valid_to__gt=order.placed_at),
                channel=order.channel_id,
                sku__in={line.sku for line in self.lines if line.sku},
                currency=order.currency,
                valid_from__lte=order.placed_at,
            )
            self._prices = {
                sku: ListPrice(price, tolerance)
                for sku, price, tolerance in rows.values_list("sku", "price", "tolerance")
            }
        return self._prices


def about(
    order: Order, lines: Sequence[OrderLine], predicates: Mapping[str, Predicate], changed: frozenset[str] = frozenset()
) -> About:
    return About(
        world=Beyond(order, lines, predicates),
        channel=order.channel.code,
        method=order.method,
        currency=order.currency,
        total=order.total,
        lines=tuple(
            Line(line.ref, line.sku, line.title, line.ordered - line.cancelled, line.unit_price) for line in lines
        ),
        email=order.buyer_email,
        card=order.card_ref,
        ship_to=Address(**order.ship_to) if order.ship_to else None,
        bill_to=Address(**order.bill_to) if order.bill_to else None,
        tags=frozenset(order.tags),
        risk=order.risk,
        changed=changed,
        physical=any(quantities.is_physical(line) for line in lines),
    )
