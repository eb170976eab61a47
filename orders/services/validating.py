"""What would become of an order if it were sent now. Nothing is written: the database itself refuses to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction

from core.actors import SYSTEM
from inventory.models import Item, Location
from orders import canonical, quantities
from orders.canonical import Address, IncomingOrder
from orders.carriage import Place
from orders.models import Account, Channel, HoldType, Method, Order, OrderLine
from orders.services import changes, hold_rules, holds, lifecycle, money, options
from orders.services.desk import Desk
from orders.services.lookups import Seen
from orders.services.options import Offer

NOT_YET = 2**62  # the id of an order that may come: later than any other, and nobody's
_PATHS: dict[str, str] = {
    HoldType.PAYMENT: "payment_state", HoldType.CREDIT: "account", HoldType.APPROVAL: "account",
    HoldType.ADDRESS: "ship_to", HoldType.PRICE: "lines", HoldType.FRAUD: "risk",
}  # fmt: skip
REFUSED, PERSON, HOLD = "refused", "needs_person", "hold"  # not taken; kept with a case; kept, but it stands still


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that isn't right: where, which rule, what it would lead to, in words."""

    path: str
    rule: str
    message: str
    leads_to: str


@dataclass(frozen=True, slots=True)
class LineOutlook:
    """A line, its item and what may be promised of it (two lines of one item share what there is)."""

    index: int
    ref: str
    sku: str
    item_id: int | None
    quantity: int
    available: int | None


@dataclass(slots=True)
class Outlook:
    """`outcome` as placing would tell it; None where the order would be refused."""

    findings: list[Finding] = field(default_factory=list)
    lines: list[LineOutlook] = field(default_factory=list)
    offer: Offer = field(default_factory=Offer)
    outcome: str | None = None
    number: str | None = None


@contextmanager
def nothing_written() -> Iterator[None]:
    """A transaction that can't write, and is undone besides."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
        yield
        transaction.set_rollback(True)


def names(
    channel: Channel | None, lines: Sequence[tuple[int, str]], *, place: str = "", account: str = ""
) -> list[Finding]:
    """Names nobody knows, of whatever of the order could be read: (index, SKU) of lines, a place, an account."""
    found = []
    known = Item.objects.resolve([sku for _, sku in lines], system=channel.code if channel else "")
    for index, sku in lines:
        if not sku:
            found.append(Finding(f"lines[{index}].sku", "missing", "A person has to say what this is.", PERSON))
        elif sku not in known:
            found.append(Finding(f"lines[{index}].sku", "unknown", "Nobody knows this SKU.", PERSON))
    if place:
        found += _place_findings(place)
    accounts = Account.objects.at(channel.pk) if channel else Account.objects.all()
    if account and not accounts.filter(code=account).exists():
        found.append(Finding("account", "unknown", "Nobody knows this account.", PERSON))
    return found


def _place_findings(code: str) -> list[Finding]:
    row = Location.objects.filter(code=code).values_list("pickup", "status").first()
    path = "pickup_location_code"
    if row is None:
        return [Finding(path, "unknown", "There is no such place.", PERSON)]
    if not row[0] or row[1] != "ACTIVE":
        return [Finding(path, "no_collection", "Nothing can be collected there now.", PERSON)]
    return []


def look_ahead(incoming: IncomingOrder, channel: Channel) -> Outlook:
    """What placing this order would find. Call it inside `nothing_written`."""
    outlook = Outlook()
    items = Item.objects.resolve([line.sku for line in incoming.lines], system=channel.code)
    known = Order.objects.filter(channel=channel, channel_ref=incoming.channel_ref).first()
    outlook.number = known.number if known else None
    outlook.outcome = _outcome(incoming, known)
    order, lines = _as_placed(incoming, channel, items)
    order.pk = known.pk if known else NOT_YET
    outlook.findings += [
        Finding(words.partition(":")[0], "totals", words.partition(": ")[2] or words, PERSON)
        for words in canonical.totals_problem(incoming)
    ]
    outlook.findings += _hold_findings(order, lines)
    wanted = _wanted(lines)
    own = _own(known)
    outlook.offer = _offer(incoming, channel, wanted)
    have = {item: units + own.get(item, 0) for item, units in outlook.offer.available.items()}
    for index, (line, said) in enumerate(zip(lines, incoming.lines, strict=True)):
        available = have.get(line.item_id) if line.item_id else None
        outlook.lines.append(LineOutlook(index, said.ref, said.sku, line.item_id, said.quantity, available))
        if line.item_id in wanted and have.get(line.item_id, 0) < wanted[line.item_id] and not order.test:
            words = f"{wanted[line.item_id]} wanted, {have.get(line.item_id, 0)} may be promised."
            outlook.findings.append(Finding(f"lines[{index}].quantity", "not_available", words, PERSON))
    return outlook


def _outcome(incoming: IncomingOrder, known: Order | None) -> str:
    if known is None:
        return "created"
    digest, kept = canonical.digest(incoming), bytes(known.source_digest)
    if (known.source_version, kept) == (incoming.version, digest):
        return "unchanged"
    return "stale" if (incoming.version, digest) < (known.source_version, kept) else "changed"


def _as_placed(incoming: IncomingOrder, channel: Channel, items: dict[str, int]) -> tuple[Order, list[OrderLine]]:
    """The order and its lines as intake would make them, without ids: nobody will save them."""
    place = Location.objects.filter(code=incoming.pickup_location_code).values_list("pk", flat=True).first()
    account = Account.objects.at(channel.pk).filter(code=incoming.account).first() if incoming.account else None
    seen = Seen(
        known=False, order_id=0, number="", version=1, source_version=-1, source_digest=b"", line_ids=[],
        items=items, nodes=[], goods={}, policies=[], pickup_location_id=place,
        account_id=account.pk if account else None,
        payment_terms=account.payment_terms if account else "",
    )  # fmt: skip
    order = Order(channel=channel, channel_ref=incoming.channel_ref)
    changes.describe(order, incoming, b"", seen)
    refunded = money.refunded(incoming.refunds)
    lines = []
    for position, said in enumerate(incoming.lines):
        line = changes.describe_line(OrderLine(order=None, ref=said.ref, ordered=0), said, position, items)
        quantities.settle(line, order_cancelled=order.source_cancelled, refunded=refunded.get(said.ref, 0))
        lines.append(line)
    order.status = lifecycle.derived_status(lines)
    return order, lines


def _hold_findings(order: Order, lines: list[OrderLine]) -> list[Finding]:
    desk = Desk(order=order, lines=lines, actor=SYSTEM, rules_stamp=hold_rules.newest_stamp())
    found = []
    for kind, needed in holds.wanted(desk).items():
        missing = _missing(order) if kind == HoldType.ADDRESS else []
        found += missing
        if not missing:
            path = _PATHS.get(kind, "")
            found += [Finding(path, kind.lower(), entry["why"], HOLD) for entry in needed.entries]
    return found


def _missing(order: Order) -> list[Finding]:
    address = Address(**order.ship_to) if order.ship_to else None
    return [
        Finding("ship_to" if part == "address" else f"ship_to.{part}", "missing", "A parcel needs it.", HOLD)
        for part in canonical.missing_parts(address)
    ]


def _wanted(lines: Sequence[OrderLine]) -> dict[int, int]:
    wanted: dict[int, int] = {}
    for line in lines:
        if line.item_id and quantities.is_physical(line) and (units := quantities.to_deliver(line)):
            wanted[line.item_id] = wanted.get(line.item_id, 0) + units
    return wanted


def _own(known: Order | None) -> dict[int, int]:
    """What nodes hold for the order already: it counts as available to it."""
    own: dict[int, int] = {}
    if known is not None:
        for item, units in known.lines.filter(allocated__gt=0, item__isnull=False).values_list("item_id", "allocated"):
            own[item] = own.get(item, 0) + units
    return own


def _offer(incoming: IncomingOrder, channel: Channel, wanted: dict[int, int]) -> Offer:
    address = incoming.ship_to
    collects = incoming.method == Method.PICKUP
    destination = None
    if address is not None and address.country and not collects:
        destination = Place(address.country, address.postal_code, address.latitude, address.longitude)
    return options.offer(
        wanted,
        channel=channel,
        destination=destination,
        collect_at={incoming.pickup_location_code} if collects and incoming.pickup_location_code else None,
        collecting=collects,
    )


def readable_lines(body: Any) -> list[tuple[int, str]]:
    """(index, SKU) of the physical lines of a body that may be no order at all."""
    lines = body.get("lines") if isinstance(body, dict) else None
    return [
        (index, canonical.sku_text(line["sku"]) if isinstance(line.get("sku"), str) else "")
        for index, line in enumerate(lines if isinstance(lines, list) else [])
        if isinstance(line, dict)
        and isinstance(line.get("sku", ""), str)
        and line.get("requires_shipping") is not False
        and line.get("gift_card") is not True
    ][: canonical.MAX_LINES]
