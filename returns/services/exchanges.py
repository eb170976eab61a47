"""Something else instead of money: a new order linked to the return, even, up or down; sent at once against a hold, or
when the goods were accepted.

How it ends, and how money moves then: `exchange_ends`. What leaves before its goods are back: `advance`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from core.actors import SYSTEM, Actor
from core.errors import Invalid, Problem, Refusal
from core.formats import exponent
from core.subjects import Subject
from inventory.models import Item
from inventory.services.locking import retrying
from orders import canonical
from orders.canonical import Address, Buyer, IncomingLine, IncomingOrder, IncomingPayment
from orders.models import HoldType, Order, Payment
from orders.services import holds, intake, payments
from orders.services.money import refundable
from returns import events as facts
from returns import exchanging
from returns.exchanging import Given, Sum, Wanted
from returns.models import Exchange, ExchangeStatus, RefundPlan, RefundTo, ReturnLine
from returns.services import advance, exchange_ends, exchange_holds, lifecycle
from returns.services.exchange_ends import due
from returns.services.lifecycle import ReturnDesk

ADVANCE = timedelta(days=21)  # for the goods to come, before their hold is taken
MOST_LINES = 50
NOT_ACCEPTED = "The goods were not accepted."


@dataclass(frozen=True, slots=True)
class Instead:
    """One article that goes out. Without a price it costs what the returned unit of the line cost: a size swap."""

    sku: str
    quantity: int = 1
    unit_price: Decimal | None = None


def preview(return_id: int, wanted: Sequence[Instead], *, lines: Sequence[int] | None = None) -> Sum:
    """What the exchange would be worth on both sides. Changes nothing; the same refusals as `exchange`."""
    desk = lifecycle.ReturnDesk(*_unlocked(return_id), SYSTEM)
    return _priced(desk, _given(desk, lines), wanted)[1]


def exchange(
    return_id: int, wanted: Sequence[Instead], *, lines: Sequence[int] | None = None, ahead: bool = False,
    key: str, actor: Actor, version: int | None = None,
) -> Exchange:  # fmt: skip
    """Place the order that replaces what comes back (of these lines, or all). Once per key.

    It is held until the goods are accepted; up, until the difference is paid, too. `ahead` of them it goes out as soon
    as its worth is held on the customer's payment, and not before. Locks the orders, then the return.
    Refusal("no_order"), ("exchanged"), ("refunded") where the money went back already, ("nothing_to_exchange"); an
    unknown SKU is Invalid.
    """
    if not 0 < len(key) <= 120 or not key.isprintable():
        raise Invalid([Problem("key", "required", "A key of 1 to 120 characters is needed.")], status=422)

    def work() -> Exchange:
        if (known := Exchange.objects.filter(key=key).first()) is not None:
            return _same(known, return_id)
        desk = lifecycle.open_return(return_id, version=version, actor=actor)
        if (known := Exchange.objects.filter(key=key).first()) is not None:
            return _same(known, return_id)
        given = _given(desk, lines)
        bought, worth = _priced(desk, given, wanted)
        made = _place(desk, given, bought, worth, ahead=ahead, key=key)
        desk.rma.refund_to = RefundTo.EXCHANGE
        lifecycle.save(desk, fields=("refund_to",))
        return made

    made = retrying(work)
    follow(return_id, actor=actor)
    return made


def follow(return_id: int, *, actor: Actor = SYSTEM) -> None:
    """What became of the goods decides the exchange: accepted settles it, rejected or lost ends it. Repeatable."""

    def work() -> None:
        desk = lifecycle.open_return(return_id, actor=actor)
        going = (ExchangeStatus.HELD, ExchangeStatus.PLACED, ExchangeStatus.CHARGED)
        made = Exchange.objects.select_for_update().filter(request=desk.rma, status__in=going).order_by("-pk").first()
        if made is None:
            return
        wanted = {int(each["line"]): int(each["quantity"]) for each in made.lines}
        mine = [line for line in desk.lines if line.pk in wanted]
        if all(line.accepted >= wanted[line.pk] for line in mine):
            exchange_ends.settle(desk, made)
        elif all(lifecycle.is_done(line) for line in mine) and made.status == ExchangeStatus.PLACED:
            exchange_ends.call_off(desk, made, NOT_ACCEPTED)
        elif all(lifecycle.is_done(line) for line in mine) and made.status == ExchangeStatus.HELD:
            advance.give_up(desk, made, NOT_ACCEPTED)
        lifecycle.save(desk, fields=("refund_to",))

    retrying(work)


def pay(exchange_id: int, *, reference: str, gateway: str, at: datetime | None = None, actor: Actor) -> Exchange:
    """The customer paid what is left to pay of it, at a till or by a link. Once per reference.

    Where its goods are accepted already, the new order leaves now.
    """

    def work() -> Exchange:
        made = Exchange.objects.select_related("order__channel").filter(pk=exchange_id).first()
        if made is None:
            raise Refusal("not_found", "No such exchange.", status=404)
        desk, order = lifecycle.open_return(made.request_id, actor=actor), made.order
        if not Payment.objects.filter(order=order, provider_ref=reference, kind="captured").exists():
            left = due(made)
            if left <= 0:
                raise Refusal("nothing_to_pay", "There is no difference to pay.", status=422)
            paid = IncomingPayment(ref=reference, kind="captured", amount=left, currency=made.currency,
                                   at=at or timezone.now(), gateway=gateway)  # fmt: skip
            payments.record(order.channel_ref, (canonical.check(paid),), channel=order.channel, actor=actor)
            if made.status == ExchangeStatus.SETTLED:
                exchange_ends.let_go(desk, made)
        return made

    return retrying(work)


# --- How it is placed


def _unlocked(return_id: int) -> tuple[Any, list[ReturnLine]]:
    from returns.models import ReturnRequest

    rma = ReturnRequest.objects.select_related("order", "location", "channel").filter(pk=return_id).first()
    if rma is None:
        raise Refusal("not_found", "No such return.", status=404)
    return rma, list(ReturnLine.objects.select_related("item", "order_line").filter(request=rma).order_by("position"))


def _given(desk: ReturnDesk, lines: Sequence[int] | None) -> list[tuple[ReturnLine, int]]:
    """The lines that are exchanged with their units: what is not lost, refused or called off."""
    rma = desk.rma
    if rma.order is None:
        raise Refusal("no_order", "A return without an order is refunded as store credit, not exchanged.", status=422)
    if rma.approved_at is None:
        raise Refusal("not_approved", f"{rma} waits for a person to approve it.", status_now=rma.status)
    if rma.refund_plan != RefundPlan.ON_RECEIPT:
        raise Refusal("refunded", f"{rma} is refunded already: {rma.get_refund_plan_display().lower()}.")
    if Exchange.objects.filter(request=rma).exclude(status=ExchangeStatus.CANCELLED).exists():
        raise Refusal("exchanged", f"{rma} was exchanged already.")
    if any(line.accepted for line in desk.lines) and rma.refund_to != RefundTo.EXCHANGE:
        raise Refusal("refunded", "Some of it was accepted: its refund is on its way.")
    chosen = [line for line in desk.lines if not line.unexpected and (lines is None or line.pk in lines)]
    given = [(line, line.quantity - line.gone - line.rejected) for line in chosen]
    given = [(line, units) for line, units in given if units > 0]
    if not given:
        raise Refusal("nothing_to_exchange", "Nothing of it can be exchanged any more.")
    return given


def _priced(
    desk: ReturnDesk, given: list[tuple[ReturnLine, int]], wanted: Sequence[Instead]
) -> tuple[list[tuple[Item, Instead, Wanted]], Sum]:
    if not 1 <= len(wanted) <= MOST_LINES:
        raise Invalid([Problem("items", "range", f"From 1 to {MOST_LINES} articles instead.")], status=422)
    first = given[0][0]
    known = {item.sku: item for item in Item.objects.filter(sku__in=[each.sku for each in wanted])}
    if problems := [problem for n, each in enumerate(wanted) for problem in _problems(f"items[{n}]", each, known)]:
        raise Invalid(problems, status=422)
    share = _tax_share(first)
    bought = [
        (known[x.sku], x, Wanted(x.quantity, first.unit_value if x.unit_price is None else x.unit_price, share))
        for x in wanted
    ]
    order_id, currency = desk.rma.order_id or 0, desk.rma.currency
    goods = [Given(units, line.unit_value) for line, units in given]
    digits = exponent(currency)
    return bought, exchanging.add_up(goods, [each for *_, each in bought], digits, refundable(order_id, currency))


def _problems(path: str, each: Instead, known: Mapping[str, Item]) -> list[Problem]:
    found = []
    if each.sku not in known:
        found.append(Problem(f"{path}.sku", "unknown", "No such article."))
    if each.quantity < 1:
        found.append(Problem(f"{path}.quantity", "range", "At least one."))
    if each.unit_price is not None and not 0 <= each.unit_price < 10**9:
        found.append(Problem(f"{path}.unit_price", "range", "Not less than nothing."))
    return found


def _tax_share(line: ReturnLine) -> Decimal:
    """How much of what was paid for the returned unit was tax: the best guess for what replaces it."""
    sold = line.order_line
    if sold is None or not sold.ordered or not line.unit_value:
        return Decimal(0)
    return min(sold.tax_total / sold.ordered / line.unit_value, Decimal(1))


def _place(
    desk: ReturnDesk, given: list[tuple[ReturnLine, int]], bought: list[tuple[Item, Instead, Wanted]], worth: Sum, *,
    ahead: bool, key: str,
) -> Exchange:  # fmt: skip
    rma, order = desk.rma, desk.rma.order
    assert order is not None  # noqa: S101  (asked by _given)
    ref = f"exchange:{rma.number}:{Exchange.objects.filter(request=rma).count() + 1}"
    placed = intake.place(_incoming(ref, order, bought, worth, desk), channel=order.channel, actor=desk.actor,
                          source=rma.subject)  # fmt: skip
    made = Exchange.objects.create(
        request=rma, order_id=placed.order_id, currency=rma.currency, credit=worth.credit, worth=worth.worth,
        status=ExchangeStatus.HELD if ahead else ExchangeStatus.PLACED, advance=ahead, key=key,
        lines=[{"line": line.pk, "quantity": units} for line, units in given], asked_by=desk.actor.label[:200],
        due_at=timezone.now() + ADVANCE if ahead else None,
    )  # fmt: skip
    waits = f"Waits until money is held for it: {rma} is replaced before it is back" if ahead else f"Waits for {rma}"
    holds.place(placed.order_id, kind=HoldType.MANUAL, reason=waits, actor=desk.actor)
    if ahead:
        exchange_holds.want(made, worth.worth, actor=desk.actor)
    desk.note(
        facts.EXCHANGED,
        {"exchange": made.pk, "order": placed.number, "credit": str(worth.credit), "worth": str(worth.worth),
         "difference": str(made.difference), "currency": made.currency, "advance": ahead, "kind": worth.kind},
        [(Subject("order", str(placed.order_id), placed.number), "replacement")],
    )  # fmt: skip
    return made


def _incoming(
    ref: str, order: Order, bought: list[tuple[Item, Instead, Wanted]], worth: Sum, desk: ReturnDesk
) -> IncomingOrder:
    digits = exponent(desk.rma.currency)
    lines = tuple(
        IncomingLine(
            ref=f"{n}", sku=item.sku, title=item.name[:255], quantity=asked.quantity,
            unit_price=exchanging.rounded(priced.unit_price, digits),
            tax_total=exchanging.rounded(priced.unit_price * priced.tax_share * asked.quantity, digits),
        )
        for n, (item, asked, priced) in enumerate(bought, 1)
    )  # fmt: skip
    now = timezone.now()
    return canonical.check(
        IncomingOrder(
            channel_ref=ref, placed_at=now, currency=desk.rma.currency, lines=lines, total=worth.worth,
            version=canonical.microseconds(now), tax_included=True,
            tax_total=sum((line.tax_total or Decimal(0) for line in lines), Decimal(0)),
            # Its money is still the first order's: only what moves is believed to be here.
            payment_state="authorised",
            buyer=Buyer(ref=order.buyer_ref, name=order.buyer_name, email=order.buyer_email, phone=order.buyer_phone),
            ship_to=Address(**order.ship_to) if order.ship_to else None, language=order.language,
            note=f"Instead of {desk.rma.number} from {order.number}", tags=("exchange",), test=order.test,
        )
    )  # fmt: skip


def _same(known: Exchange, return_id: int) -> Exchange:
    if known.request_id != return_id:
        raise Refusal("key_reused", "This key was used for another exchange.", key=known.key)
    return known
