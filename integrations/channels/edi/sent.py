"""A shipment or an order as our documents speak of it: our figures, in the words the buyer ordered in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from django.utils import timezone

from integrations.channels.edi import translate
from integrations.channels.edi.billing import Item, Whole
from integrations.channels.edi.purchase import Party, Purchase, PurchaseLine
from integrations.channels.edi.terms import EdiTerms, terms_of
from integrations.channels.news import ShipmentNews
from integrations.models import Connection, InboundMessage
from orders.models import FulfilmentOrder, Order, OrderLine, PackCheck


@dataclass(frozen=True, slots=True)
class SentLine:
    """Units of a line, with every number the article goes by: the buyer's own first, ours at least."""

    ref: str
    units: int
    unit: str
    ids: tuple[tuple[str, str], ...]
    title: str
    ordered: int
    price: Decimal

    @property
    def their_ref(self) -> str:
        """The buyer's line, without the shop it was split for."""
        return self.ref.partition("/")[0]


@dataclass(frozen=True, slots=True)
class Parcel:
    sscc: str
    tracking: str
    grams: int | None
    units: Mapping[str, int]  # line ref: units; empty where nobody noted what is in which


@dataclass(frozen=True, slots=True)
class Sent:
    """What is told of one shipment."""

    po: str
    ordered_on: date
    reference: str
    at: datetime
    carrier: str
    tracking: str
    currency: str
    lines: tuple[SentLine, ...]
    parcels: tuple[Parcel, ...]
    ship_to: Party
    buyer: Party | None
    net_days: int
    said: Purchase | None = field(repr=False)

    @property
    def units(self) -> int:
        return sum(line.units for line in self.lines)

    @property
    def are_packed(self) -> bool:
        """Whether it is known what is in which parcel."""
        return bool(self.parcels) and all(parcel.units for parcel in self.parcels)


def of_shipment(connection: Connection, news: ShipmentNews) -> tuple[Order, Sent]:
    order = Order.objects.select_related("channel").get(channel=connection.channel, channel_ref=news.order_ref)
    job = FulfilmentOrder.objects.select_related("shipment").filter(order=order, number=news.reference).first()
    terms, said = terms_of(connection), said_by_buyer(order, connection)
    shipment = getattr(job, "shipment", None)
    return order, Sent(
        po=order.po_number or order.channel_ref,
        ordered_on=timezone.localdate(order.placed_at, terms.zone),
        reference=news.reference,
        at=(shipment.shipped_at if shipment else timezone.now()).astimezone(terms.zone),
        carrier=news.carrier,
        tracking=news.tracking_number,
        currency=order.currency,
        lines=tuple(lines_of(order, dict(news.lines), said, terms)),
        parcels=tuple(_parcels(job)) if job else (),
        ship_to=_party(order, said),
        buyer=said.party("BY", "OB", "BS", "BT", "IV") if said else None,
        net_days=said.net_days if said else 0,
        said=said,
    )  # fmt: skip


def lines_of(order: Order, units: Mapping[str, int], said: Purchase | None, terms: EdiTerms) -> Iterable[SentLine]:
    theirs: dict[str, PurchaseLine] = {line.ref: line for line in said.lines} if said else {}
    for line in order.lines.select_related("item").order_by("position", "pk"):
        if not units.get(line.ref):
            continue
        known = theirs.get(line.ref) or theirs.get(line.ref.partition("/")[0])
        unit = known.unit if known and known.unit not in terms.units else ""
        yield SentLine(
            line.ref, units[line.ref], unit or "EA", _ids(line, known), line.title, line.ordered, line.unit_price
        )


def _ids(line: OrderLine, known: PurchaseLine | None) -> tuple[tuple[str, str], ...]:
    if known and known.ids:
        return known.ids
    ours = (("VN", line.sku or (line.item.sku if line.item else "")), ("UP", line.item.gtin if line.item else ""))
    return tuple((kind, code) for kind, code in ours if code)


def said_by_buyer(order: Order, connection: Connection) -> Purchase | None:
    """The order as its buyer's last whole document states it, if it came by EDI."""
    about = InboundMessage.objects.filter(connection=connection, result_kind="order", result_uid=str(order.pk))
    terms = terms_of(connection)
    found = [
        purchase
        for message in about.select_related("edit").order_by("pk")
        for purchase in translate.purchases(message.content, terms)
        if order.channel_ref == purchase.number or order.channel_ref.startswith(f"{purchase.number}/")
    ]
    whole = [each for each in found if each.purpose == "new"]
    return max(whole, key=lambda each: each.version, default=None)


def _party(order: Order, said: Purchase | None) -> Party:
    """Where the goods go: our address, and the buyer's code of the place."""
    to = order.ship_to or {}
    named = said.party("ST", "DP", "CN", "UC") if said else None
    shop = order.channel_ref.rpartition("/")[2] if order.channel_ref != (order.po_number or order.channel_ref) else ""
    lines = [to[name] for name in ("line1", "line2") if to.get(name)]
    return Party(
        "ST", to.get("company") or to.get("name", ""), (named.code if named else "") or shop, lines, to.get("city", ""),
        to.get("region", ""), to.get("postal_code", ""), to.get("country", ""),
    )  # fmt: skip


def _parcels(job: FulfilmentOrder) -> Iterable[Parcel]:
    """Its parcels, with what was scanned into each where the bench noted it."""
    packages = list(job.packages.order_by("sequence"))
    lines = list(job.lines.select_related("order_line").order_by("pk"))
    check = PackCheck.objects.filter(fulfilment=job).first()
    scanned = [parcel.get("items", {}) for parcel in check.parcels] if check else []
    if len(scanned) != len(packages):
        scanned = []
    for at, package in enumerate(packages):
        units: dict[str, int] = {}
        if len(packages) == 1:
            units = {line.order_line.ref: line.quantity for line in lines if line.quantity}
        elif scanned:
            units = _by_line(scanned[at], lines)
        yield Parcel(package.sscc, package.tracking_number, package.weight_grams, units)


def _by_line(items: Mapping[str, int], lines: Iterable[object]) -> dict[str, int]:
    """Scanned articles by the line that asks for them; an article on two lines can't be told apart, so neither is."""
    by_item: dict[str, list[str]] = {}
    for line in lines:
        by_item.setdefault(str(line.item_id), []).append(line.order_line.ref)  # type: ignore[attr-defined]
    if any(len(by_item.get(item, ())) != 1 for item in items):
        return {}
    return {by_item[item][0]: int(units) for item, units in items.items() if units}


def items_of(order: Order) -> tuple[list[Item], Whole]:
    """The order's figures as a bill shares them out."""
    lines = list(order.lines.order_by("position", "pk"))
    items = [Item(line.ref, line.ordered, line.unit_price, line.discount_total, line.tax_total) for line in lines]
    discounts = sum((line.discount_total for line in lines), Decimal(0))
    taxes = sum((line.tax_total for line in lines), Decimal(0))
    whole = Whole(
        max(order.discount_total - discounts, Decimal(0)), order.shipping_total, order.other_total,
        Decimal(0) if order.tax_included else order.tax_total - taxes,
    )  # fmt: skip
    return items, whole
