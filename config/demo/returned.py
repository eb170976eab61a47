"""The demo's returns in every stage, and the refunds that come of them, by the services people work with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from core import actors, outbox
from core.actors import SYSTEM, Actor
from core.errors import Invalid, Refusal
from core.models import User
from inventory.models import Item, Location
from orders.canonical import IncomingPayment
from orders.models import Order, PaymentInstruction, PaymentRoute
from orders.services import instructions, payments
from returns.models import OnBench, RefundTo, ReturnRequest
from returns.services import dispositions, exchanges, inspection, receiving, refunds, rejected, requests
from returns.services.asking import Asked, AskedLine
from returns.services.exchanges import Instead
from returns.services.inspection import Seen
from returns.services.receiving import Found

CHANNEL, GATEWAY = "web-uk", "shopify_payments"
HOME_BY = "dispatch-48"  # makes its labels here, so one is there at once
ENOUGH = 26  # paid and sent orders, of which the stories are told
# How far each got, why it comes back and in the customer's own words, how it was worn, how the money goes back.
STORIES = (
    ("asked", "UNWANTED", "Wore it once, the lining scratches", "USED", RefundTo.ORIGINAL),
    ("asked", "TOO_SMALL", "Two washes and it is a size smaller", "USED", RefundTo.ORIGINAL),
    ("approved", "TOO_LARGE", "Swims on me, size down please", "NEW", RefundTo.ORIGINAL),
    ("approved", "DAMAGED", "The parcel was wet through", "", RefundTo.ORIGINAL),
    ("received", "COLOUR", "Greener than on the picture", "NEW", RefundTo.ORIGINAL),
    ("received", "STYLE", "Not for me", "OPENED", RefundTo.STORE_CREDIT),
    ("inspected", "TOO_SMALL", "Runs small", "NEW", RefundTo.ORIGINAL),
    ("inspected", "UNWANTED", "Bought two, kept one", "NEW", RefundTo.STORE_CREDIT),
    ("inspected", "DEFECTIVE", "The zip came off on the first day", "", RefundTo.ORIGINAL),
    ("kept", "UNWANTED", "Not my colour after all", "USED", RefundTo.ORIGINAL),
    ("home", "UNWANTED", "No longer needed", "USED", RefundTo.ORIGINAL),
    ("packed", "STYLE", "Looked different online", "USED", RefundTo.ORIGINAL),
    ("scrapped", "DEFECTIVE", "The seam came open", "", RefundTo.ORIGINAL),
    ("rejected", "UNWANTED", "Bought by mistake", "USED", RefundTo.ORIGINAL),
    ("exchanged", "TOO_SMALL", "The same in the next size please", "NEW", RefundTo.EXCHANGE),
)
# What an inspector wrote for the customer, and what the customer said when asked: their goods, so their word.
REJECTED = {
    "kept": ("Washed, the label is cut out", "By telephone: keep it, I don't want it back"),
    "home": ("Worn outside: grass stains at the hem", ""),
    "packed": ("Smells of smoke", ""),
    "scrapped": ("Burnt by an iron, not a fault of the making", "By e-mail: throw it away, please"),
    "rejected": ("Taken in by a tailor", ""),
}


def make(say: Callable[[str], None]) -> None:
    """Safe to repeat: where there are returns, they are left as they are."""
    depot = Location.objects.filter(code="DC-WAKEFIELD").first()
    if depot is None or ReturnRequest.objects.exists():
        return
    paid = list(_paid())
    sana, chen, helen = (
        actors.person(User.objects.get(email=f"{name}@harrowvale.example")) for name in ("service", "chen", "finance")
    )
    made = 0
    for story, order in zip(STORIES, paid, strict=False):
        try:
            _tell(order, *story, depot=depot, sana=sana, chen=chen)
            made += 1
        except (Refusal, Invalid) as no:
            say(f"{order}: {no}")
    _waiting(paid[len(STORIES) :], sana)
    outbox.drain("default")
    _paid_back(helen)
    outbox.drain("default")
    say(f"{made} returns in every stage, and what they give back")


def _paid() -> Iterator[Order]:
    """Sent orders of the last weeks whose payment the shop has captured."""
    sent = Order.objects.filter(
        channel__code=CHANNEL, lines__fulfilled__gt=0, placed_at__gt=timezone.now() - timedelta(days=27)
    )
    for order in sent.select_related("channel").distinct().order_by("-placed_at")[:ENOUGH]:
        PaymentRoute.objects.get_or_create(channel=order.channel, gateway=GATEWAY, defaults={"via": "CHANNEL"})
        captured = IncomingPayment(
            ref=f"pay-{order.channel_ref}", kind="captured", amount=order.total, currency=order.currency,
            at=order.placed_at + timedelta(minutes=1), gateway=GATEWAY,
        )  # fmt: skip
        payments.record(order.channel_ref, [captured], channel=order.channel, actor=SYSTEM)
        yield order
    outbox.drain("default")


def _tell(
    order: Order, stage: str, reason: str, words: str, condition: str, to: str, *, depot: Location, sana: Actor,
    chen: Actor,
) -> None:  # fmt: skip
    line = order.lines.filter(fulfilled__gt=0, item__tracking="NONE").order_by("position").first()
    if line is None:
        return
    asked = AskedLine(quantity=1, line=line.ref, reason=reason, reason_text=words, condition=condition)
    rma = requests.request(Asked(lines=(asked,), order_id=order.pk, refund_to=to), actor=sana)
    if stage == "asked":
        return
    if rma.waits_for_approval:
        rma = requests.approve(rma.pk, location_id=depot.pk, override="Agreed by telephone", actor=sana)
    if stage == "exchanged":
        exchanges.exchange(rma.pk, [Instead(_other(line.item).sku)], key=f"demo:{rma.pk}", actor=sana)
    if stage == "approved":
        return
    place = (rma.location or depot).pk
    receiving.receive(rma.pk, Found(line.sku), location_id=place, key=f"demo:in:{rma.pk}", actor=chen)
    if stage == "received":
        return
    bench = OnBench.objects.get(line__request=rma)
    if stage in REJECTED:
        _reject(bench, stage, sana=sana, chen=chen)
        return
    grade = "C" if reason == "DEFECTIVE" else "A"
    ruled = dispositions.propose(line.item, grade, line.unit_price).kind
    inspection.inspect(bench.pk, Seen(grade, disposition=ruled), key=f"demo:look:{rma.pk}", actor=chen)
    outbox.drain("default")


def _reject(bench: OnBench, stage: str, *, sana: Actor, chen: Actor) -> None:
    """Not what we take back: what becomes of it is the customer's to say, and one of them hasn't yet."""
    note, word = REJECTED[stage]
    seen = inspection.inspect(bench.pk, Seen("D", "REJECTED", note=note), key=f"demo:rejected:{bench.pk}", actor=chen)
    key = f"demo:{stage}:{seen.pk}"
    if stage == "kept":
        rejected.keep(seen.pk, words=word, key=key, actor=sana)
        dispositions.dispose(seen.pk, "OUTLET", key=f"{key}:outlet", actor=chen)
    elif stage == "scrapped":
        rejected.scrap(seen.pk, words=word, key=key, actor=sana)
    elif stage in {"home", "packed"}:
        back = rejected.give_back(seen.pk, service=HOME_BY, key=key, actor=sana)
        if stage == "home":
            rejected.handed_over(back.pk, actor=chen)
    outbox.drain("default")


def _other(item: Any) -> Item:
    """The same article in another size, else anything at all."""
    style = item.sku.rsplit("-", 1)[0]
    alike = Item.objects.filter(sku__startswith=f"{style}-").exclude(pk=item.pk)
    return alike.order_by("pk").first() or Item.objects.exclude(pk=item.pk).order_by("pk")[0]


def _waiting(orders: list[Order], sana: Actor) -> None:
    """One refund above what a person may give alone, one small one out of goodwill."""
    by_worth = sorted(orders, key=lambda order: order.total or 0)
    if not by_worth:
        return
    for order, share, why in (
        (by_worth[-1], None, "Never arrived, says the carrier"),
        (by_worth[0], "4.00", "Came late"),
    ):
        lines = [
            refunds.Line(line.pk, 0 if share else line.ordered, Decimal(share) if share else None)
            for line in order.lines.order_by("position")[: 1 if share else None]
        ]
        refunds.decide_for_order(order.pk, lines, cause=f"demo:{order.number}", why=why, actor=sana)


def _paid_back(helen: Actor) -> None:
    """Finance has paid in the shop's back office what was wanted there, all but the newest."""
    wanted = PaymentInstruction.objects.filter(kind="REFUND", status="WANTED", via="CHANNEL").order_by("pk")
    for row in list(wanted)[:-1]:
        instructions.confirm(row.pk, reference=f"re-{row.pk}", actor=helen)
