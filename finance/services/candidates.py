"""What of our books a payout's lines may be: the orders they name, and what these still have to be settled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Q, Sum

from core.errors import Refusal
from core.formats import money
from finance.canonical import ZERO
from finance.matching import Side
from finance.models import INCOMING, Charge, LineKind, MatchKey, MatchSide, Settlement, SettlementLine
from orders.models import Channel, Order, OrderLine, Payment, PaymentKind

# What a line's kind is in payments and in charges, and which way the money goes.
OF_PAYMENTS = {"incoming": PaymentKind.CAPTURED, "refund": PaymentKind.REFUNDED, "chargeback": PaymentKind.DISPUTED}
OF_CHARGES = {
    "incoming": ("sale", "tax", "shipping", "discount"), "refund": ("refund",), "chargeback": ("chargeback",),
    "reversal": ("chargeback",),
}  # fmt: skip
DAYS = timedelta(days=3)  # of the weakest key: amount, date and SKU
MOST_ALIKE = 200


def way(kind: str) -> str:
    """The class of a line: what it can be matched with."""
    return "incoming" if kind in INCOMING else kind


@dataclass(frozen=True, slots=True)
class Entry:
    """What an entry of the books still has to be settled, signed like a line."""

    amount: Decimal
    currency: str
    order_id: int
    payment_id: int | None = None
    charge_id: int | None = None
    refs: frozenset[str] = frozenset()
    at: datetime | None = None
    label: str = ""


@dataclass(slots=True)
class Books:
    """What one group's keys stand for. Payments have their id as key, charges its negative, an order's total 0."""

    currency: str
    lines: dict[int, SettlementLine] = field(default_factory=dict)
    entries: dict[int, Entry] = field(default_factory=dict)
    amounts: dict[int, Decimal] = field(default_factory=dict)


@dataclass(slots=True)
class Group:
    """Lines and entries of one order, one way and one currency."""

    lines: list[Side]
    entries: list[Side]
    books: Books
    currency: str
    key: str
    order_number: str
    why: str = ""
    likely: bool = True
    weak: bool = False


@dataclass(frozen=True, slots=True)
class Conflict:
    """A line whose money is in a currency that the books' entry isn't in."""

    line: SettlementLine
    booked: str


def gather(settlement: Settlement, lines: Sequence[SettlementLine]) -> tuple[list[Group], list[Conflict]]:
    """The groups to solve, by the keys in their order; and the lines whose currency is another than their entry's."""
    by_order = orders_of(lines)
    entries = _entries({order for order in by_order.values() if order})
    numbers = dict(Order.objects.filter(pk__in=set(by_order.values())).values_list("pk", "number"))
    bundles: dict[tuple[int, str], list[SettlementLine]] = defaultdict(list)
    for line in lines:
        if order := by_order.get(line.pk):
            bundles[order, way(line.kind)].append(line)
    groups, conflicts = [], []
    for (order, kind), some in bundles.items():
        made, apart = _grouped(settlement, some, entries.get((order, kind), {}), numbers.get(order, ""))
        groups += made
        conflicts += apart
    nameless = [line for line in lines if line.pk not in by_order and way(line.kind) == "incoming"]
    return [*groups, *_alike(settlement, nameless)], conflicts


def _grouped(
    settlement: Settlement, lines: list[SettlementLine], entries: dict[int, Entry], number: str
) -> tuple[list[Group], list[Conflict]]:
    """One group per currency the entries are in; a line is compared in the currency it shares with them."""
    groups: list[Group] = []
    conflicts: list[Conflict] = []
    left = list(lines)
    for currency in sorted({entry.currency for entry in entries.values()}):
        books = Books(currency)
        for line in list(left):
            amount = compared(settlement, line, currency)
            if amount is not None:
                books.lines[line.pk], books.amounts[line.pk] = line, amount
                left.remove(line)
        books.entries = {key: entry for key, entry in entries.items() if entry.currency == currency}
        if books.lines:
            sides = [Side(pk, books.amounts[pk], refs_of(line), line.at) for pk, line in books.lines.items()]
            own = [Side(key, entry.amount, entry.refs, entry.at) for key, entry in books.entries.items()]
            key, why = _key(books)
            groups.append(Group(sides, own, books, currency, key, number, why))
    if entries:
        other = next(iter(entries.values())).currency
        conflicts = [Conflict(line, other) for line in left]
    return groups, conflicts


def compared(settlement: Settlement, line: SettlementLine, currency: str) -> Decimal | None:
    """What is open of a line in that currency; None where it has no such amount."""
    whole = line.gross - line.matched - line.written_off
    if currency == settlement.currency:
        return whole
    if currency == line.presentment_currency and line.presentment_amount and line.gross:
        return (line.presentment_amount * whole / line.gross).quantize(Decimal("0.0001"))
    return None


def refs_of(line: SettlementLine) -> frozenset[str]:
    return frozenset(filter(None, (line.payment_ref, line.refund_ref, line.line_ref, line.ref)))


def _key(books: Books) -> tuple[str, str]:
    ids = frozenset().union(*(refs_of(line) for line in books.lines.values()))
    if shared := sorted(ids & frozenset().union(*(entry.refs for entry in books.entries.values()))):
        if any(line.kind == LineKind.REFUND for line in books.lines.values()):
            return MatchKey.REFUND, f"Refund {shared[0]}"
        return MatchKey.PAYMENT, f"Payment {shared[0]}"
    name = next((line.order_ref for line in books.lines.values() if line.order_ref), "")
    return MatchKey.ORDER, f"Order {name}"


# --- Which order a line is about -----------------------------------------------------------------------------------


def orders_of(lines: Sequence[SettlementLine]) -> dict[int, int]:
    """Line -> order, by the provider's ids, then by the order's own name where only one order has it."""
    wanted = {ref for line in lines for ref in refs_of(line)}
    by_ref: dict[str, set[int]] = defaultdict(set)
    for ref, order in Payment.objects.filter(provider_ref__in=wanted).values_list("provider_ref", "order_id"):
        by_ref[ref].add(order)
    by_name = _named({line.order_ref for line in lines if line.order_ref})
    shipped = _shipped({line.shipment_ref for line in lines if line.shipment_ref})
    found: dict[int, int] = {}
    for line in lines:
        for ref in (line.payment_ref, line.refund_ref, line.line_ref, line.ref):
            if len(by_ref.get(ref, ())) == 1:
                found[line.pk] = next(iter(by_ref[ref]))
                break
        else:
            named = by_name.get(line.order_ref) or shipped.get(line.shipment_ref) or set()
            if len(named) > 1:
                named = _fitting(line, named)
            if len(named) == 1:
                found[line.pk] = next(iter(named))
    return found


def spellings(name: str) -> set[str]:
    bare = name.lstrip("#")
    return {name, bare, f"#{bare}"} if bare else set()


def _named(names: Iterable[str]) -> dict[str, set[int]]:
    """Name -> orders whose channel calls them so, or whose number it is."""
    spelt: dict[str, set[str]] = {name: spellings(name) for name in names}
    every = set().union(*spelt.values()) if spelt else set()
    if not every:
        return {}
    by_spelling: dict[str, set[int]] = defaultdict(set)
    channels = list(Channel.objects.values_list("pk", flat=True))
    for found in (
        Order.objects.filter(channel_id__in=channels, channel_ref__in=every).values_list("channel_ref", "pk"),
        Order.objects.filter(channel_number__in=every).values_list("channel_number", "pk"),
        Order.objects.filter(number__in=every).values_list("number", "pk"),
    ):
        for name, pk in found:
            by_spelling[name].add(pk)
    return {name: set().union(*(by_spelling[each] for each in spelt[name])) for name in spelt}


def _shipped(refs: Iterable[str]) -> dict[str, set[int]]:
    """Shipment -> orders, where the charges say which shipment they are of."""
    if not any(column.name == "shipment_ref" for column in Charge._meta.get_fields()):
        return {}
    found: dict[str, set[int]] = defaultdict(set)
    column = "shipment_ref"
    rows: Any = Charge.objects.filter(**{f"{column}__in": set(refs)})
    for ref, order in rows.values_list(column, "order_id"):
        found[ref].add(order)
    return found


def _fitting(line: SettlementLine, orders: set[int]) -> set[int]:
    """Of several orders of one name, those with a payment of exactly this amount."""
    amounts = {abs(line.gross), abs(line.presentment_amount or line.gross)}
    kind = OF_PAYMENTS.get(way(line.kind))
    rows = (
        Payment.objects.filter(order_id__in=orders, kind=kind, amount__in=amounts) if kind else Payment.objects.none()
    )
    return set(rows.values_list("order_id", flat=True))


# --- What their books have -----------------------------------------------------------------------------------------


def _entries(orders: set[int]) -> dict[tuple[int, str], dict[int, Entry]]:
    """(order, way) -> what is left of its payments; of its charges where it has no payment of that way, and of its
    total where it has neither."""
    found: dict[tuple[int, str], dict[int, Entry]] = defaultdict(dict)
    seen: set[tuple[int, str]] = set()
    of_kind = {str(kind): name for name, kind in OF_PAYMENTS.items()}
    payments = list(Payment.objects.filter(order_id__in=orders, kind__in=of_kind, amount__gt=0))
    spent = _spent("payment", [payment.pk for payment in payments])
    for payment in payments:
        name = of_kind[payment.kind]
        seen.add((payment.order_id, name))
        sign = 1 if name == "incoming" else -1
        left = sign * payment.amount - spent.get(payment.pk, ZERO)
        if left:
            found[payment.order_id, name][payment.pk] = Entry(
                left, payment.currency, payment.order_id, payment_id=payment.pk, at=payment.at,
                refs=frozenset(filter(None, (payment.provider_ref, payment.parent_ref))), label=payment.provider_ref,
            )  # fmt: skip
    _from_charges(orders, seen, found)
    _from_totals(orders, seen, found)
    return found


def _spent(name: str, ids: Sequence[int]) -> dict[int, Decimal]:
    rows = MatchSide.objects.filter(**{f"{name}_id__in": ids}, live=True).values(f"{name}_id")
    return dict(rows.annotate(spent=Sum("booked")).values_list(f"{name}_id", "spent"))


def _from_charges(orders: set[int], seen: set[tuple[int, str]], found: dict[tuple[int, str], dict[int, Entry]]) -> None:
    names = {kind: name for name, kinds in OF_CHARGES.items() if name != "reversal" for kind in kinds}
    charges = [
        charge
        for charge in Charge.objects.filter(order_id__in=orders, kind__in=names)
        if (charge.order_id, _way_of(charge, names)) not in seen
    ]
    spent = _spent("charge", [charge.pk for charge in charges])
    for charge in charges:
        name = _way_of(charge, names)
        left = charge.amount - spent.get(charge.pk, ZERO)
        refs = (getattr(charge, ref, "") for ref in ("provider_ref", "refund_ref", "shipment_ref"))
        if left:
            found[charge.order_id, name][-charge.pk] = Entry(
                left, charge.currency, charge.order_id, charge_id=charge.pk, refs=frozenset(filter(None, refs)),
                at=getattr(charge, "occurred_at", None) or charge.recorded_at, label=charge.kind,
            )  # fmt: skip
        seen.add((charge.order_id, f"charged {names[charge.kind]}"))


def _way_of(charge: Charge, names: dict[str, str]) -> str:
    """What a bank took is a chargeback, what it gave back a reversal: both are charges of one kind."""
    name = names[charge.kind]
    return "reversal" if name == "chargeback" and charge.amount > 0 else name


def _from_totals(orders: set[int], seen: set[tuple[int, str]], found: dict[tuple[int, str], dict[int, Entry]]) -> None:
    bare = [pk for pk in orders if not {(pk, "incoming"), (pk, "charged incoming")} & seen]
    rows = Order.objects.filter(pk__in=bare, total__gt=0).values_list("pk", "total", "currency", "placed_at", "number")
    sides = MatchSide.objects.filter(order_id__in=bare, payment=None, charge=None, live=True, booked__gt=0)
    spent = dict(sides.values("order_id").annotate(spent=Sum("booked")).values_list("order_id", "spent"))
    for pk, total, currency, at, number in rows:
        if left := total - spent.get(pk, ZERO):
            found[pk, "incoming"][0] = Entry(left, currency, pk, at=at, label=number)


# --- The weakest key -----------------------------------------------------------------------------------------------


def _alike(settlement: Settlement, lines: Sequence[SettlementLine]) -> list[Group]:
    """Lines that name no order we know: a payment of the amount, of about the day, of an order with the SKU. Where
    exactly one is like exactly one it is suggested, never confirmed."""
    dated = [line for line in lines if line.at is not None and line.gross > 0][:MOST_ALIKE]
    if not dated:
        return []
    first, last = min(line.at for line in dated), max(line.at for line in dated)  # type: ignore[type-var]
    amounts = {line.gross for line in dated}
    rows = Payment.objects.filter(
        kind=PaymentKind.CAPTURED, currency=settlement.currency, amount__in=amounts, at__gte=first - DAYS,  # type: ignore[operator]
        at__lte=last + DAYS,  # type: ignore[operator]
    ).select_related("order")[: MOST_ALIKE * 5]  # fmt: skip
    payments = list(rows)
    taken = set(_spent("payment", [payment.pk for payment in payments]))
    skus = _skus(dated, payments)
    claims: dict[int, list[Payment]] = {}
    for line in dated:
        claims[line.pk] = [each for each in payments if each.pk not in taken and _is_like(line, each, skus)]
    wanted = [each.pk for some in claims.values() for each in some]
    return [
        _weak(settlement, line, claims[line.pk][0])
        for line in dated
        if len(claims[line.pk]) == 1 and wanted.count(claims[line.pk][0].pk) == 1
    ]


def _skus(lines: Sequence[SettlementLine], payments: Sequence[Payment]) -> set[tuple[int, str]]:
    wanted = {line.sku for line in lines if line.sku}
    rows = OrderLine.objects.filter(order_id__in={p.order_id for p in payments}).filter(
        Q(sku__in=wanted) | Q(item__sku__in=wanted)
    )
    return {
        pair
        for order, one, two in rows.values_list("order_id", "sku", "item__sku")
        for pair in ((order, one), (order, two))
    }


def _is_like(line: SettlementLine, payment: Payment, skus: set[tuple[int, str]]) -> bool:
    near = line.at is not None and abs(payment.at - line.at) <= DAYS
    return payment.amount == line.gross and near and (not line.sku or (payment.order_id, line.sku) in skus)


def _weak(settlement: Settlement, line: SettlementLine, payment: Payment) -> Group:
    books = Books(settlement.currency, {line.pk: line}, amounts={line.pk: line.gross - line.matched - line.written_off})
    entry = Entry(payment.amount, payment.currency, payment.order_id, payment_id=payment.pk, at=payment.at)
    books.entries[payment.pk] = entry
    why = f"The only payment of {money(payment.amount, payment.currency)} within {DAYS.days} days" + (
        f", with {line.sku}" if line.sku else ""
    )
    return Group(
        [Side(line.pk, books.amounts[line.pk], at=line.at)], [Side(payment.pk, payment.amount, at=payment.at)], books,
        settlement.currency, MatchKey.LIKENESS, payment.order.number, why, weak=True,
    )  # fmt: skip


# --- What a person chose -------------------------------------------------------------------------------------------


def chosen(
    settlement: Settlement, lines: Sequence[SettlementLine], payments: Sequence[int], charges: Sequence[int]
) -> Books:
    """The lines and entries a person named, with what is open of each. Refuses what is settled or in two currencies."""
    rows = list(Payment.objects.filter(pk__in=payments)) if payments else []
    of_charges = list(Charge.objects.filter(pk__in=charges)) if charges else []
    if len(rows) != len(set(payments)) or len(of_charges) != len(set(charges)):
        raise Refusal("unknown_entry", "There is no such entry in the books.", status=404)
    currencies = {each.currency for each in [*rows, *of_charges]}
    if len(currencies) != 1:
        raise Refusal("two_currencies", "Choose entries of one currency.", status=422)
    books = Books(currencies.pop())
    for line in lines:
        amount = compared(settlement, line, books.currency)
        if not amount:
            raise Refusal("nothing_left", f"Row {line.row} has nothing left in {books.currency}.", status=422)
        books.lines[line.pk], books.amounts[line.pk] = line, amount
    spent, charged = _spent("payment", list(payments)), _spent("charge", list(charges))
    for payment in rows:
        sign = 1 if payment.kind == PaymentKind.CAPTURED else -1
        books.entries[payment.pk] = Entry(
            sign * payment.amount - spent.get(payment.pk, ZERO),
            payment.currency,
            payment.order_id,
            payment_id=payment.pk,
        )
    for charge in of_charges:
        left = charge.amount - charged.get(charge.pk, ZERO)
        books.entries[-charge.pk] = Entry(left, charge.currency, charge.order_id, charge_id=charge.pk)
    if any(not entry.amount for entry in books.entries.values()):
        raise Refusal("settled", "That entry is settled already.")
    return books


def near(settlement: Settlement, line: SettlementLine, user: Any, words: str = "") -> list[dict[str, Any]]:
    """What a person may want to match a line with: what its order has, what they search for, or what is like it."""
    orders = set(orders_of([line]).values())
    if words:
        orders = set().union(*_named([words]).values(), orders if words == line.order_ref else set())
        orders |= set(Payment.objects.filter(provider_ref=words).values_list("order_id", flat=True))
    mine = set(Order.objects.for_user(user).filter(pk__in=orders).values_list("pk", flat=True))
    numbers = dict(Order.objects.filter(pk__in=mine).values_list("pk", "number"))
    every = _entries(mine)
    return [
        {
            "payment": entry.payment_id, "charge": entry.charge_id, "amount": entry.amount, "currency": entry.currency,
            "order": numbers[order], "order_id": order, "label": entry.label, "at": entry.at,
        }
        for (order, kind), entries in every.items()
        for entry in entries.values()
        if kind == way(line.kind) and (entry.payment_id or entry.charge_id)
    ][:50]  # fmt: skip
