"""Everything that may happen to goods and money after a sale, each as one step by chance: sold, shipped, sent back,
exchanged, refunded, charged back, settled. The walk plays the payment provider too: it answers late, twice, or not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from random import Random

from django.db import transaction

from core import outbox
from core.actors import SYSTEM, Actor
from core.errors import Invalid, NotYet, Refusal
from finance.models import Match, Settlement
from finance.services import matches, settlements
from inventory.models import Location
from orders.canonical import IncomingPayment
from orders.models import Channel, FulfilmentLine, FulfilmentOrder, Order, Payment, PaymentInstruction, PaymentKind
from orders.services import changing, fulfilment, instruction_answers, instructions, payments
from returns.models import Disposition, Inspection, OnBench, RefundDecision, ReturnLine, ReturnRequest
from returns.services import dispositions, exchanges, inspection, receiving, refunds, requests
from returns.services.asking import Asked, AskedLine
from returns.services.exchanges import Instead
from returns.services.inspection import Seen
from returns.services.receiving import Found
from tests.factories.orders import LEEDS, PLACED_AT, incoming_line, place

ANNA, BEN = Actor("PERSON", "71", "Anna Bench"), Actor("PERSON", "72", "Ben Ledger")
SKUS = ("A", "B")
PRICES = {"A": "19.99", "B": "7.50"}
Step = Callable[[Random], object]
_refs = count(1)


def _one(by: Random, rows: object) -> object:
    return by.choice(list(rows))  # type: ignore[call-overload]


def sell(by: Random) -> Order:
    """An order of one or two lines, discounted or not, paid in one or two parts."""
    n = next(_refs)
    lines = [
        incoming_line(
            sku, units, PRICES[sku], discount_total=by.choice([Decimal(0), Decimal("1.01")]),
            tax_total=by.choice([Decimal(0), Decimal("0.77")]),
        )
        for sku in by.sample(SKUS, by.randint(1, 2)) for units in [by.randint(1, 3)]
    ]  # fmt: skip
    goods = sum((line.unit_price * line.quantity - line.discount_total + line.tax_total for line in lines), Decimal(0))
    shipping = by.choice([Decimal(0), Decimal("4.95")])
    total, first = goods + shipping, by.choice([None, Decimal("5.00")])
    parts = [total] if first is None or first >= total else [first, total - first]
    return place(
        *lines, channel_ref=f"F-{n}", total=total, shipping_total=shipping,
        discount_total=sum((line.discount_total for line in lines), Decimal(0)),
        tax_total=sum((line.tax_total for line in lines), Decimal(0)),
        payments=[_paid(f"ch_{n}_{part}", "captured", amount) for part, amount in enumerate(parts)], ship_to=LEEDS,
    )  # fmt: skip


def ship(by: Random) -> object:
    """Some work, as far towards the door as one pair of hands takes it."""
    job = _one(by, FulfilmentOrder.objects.active().order_by("pk"))
    if job.status in {"OPEN", "ACCEPTED"}:
        fulfilment.start_pick(job.pk, actor=SYSTEM)
    for line in FulfilmentLine.objects.filter(fulfilment=job, quantity__gt=0).select_related("item"):
        if line.picked < line.quantity:
            fulfilment.pick(job.pk, code=line.item.sku, quantity=line.quantity - line.picked, actor=SYSTEM)
    if FulfilmentOrder.objects.get(pk=job.pk).status == "PICKED":
        fulfilment.pack(job.pk, actor=SYSTEM)
    return fulfilment.ship(job.pk, actor=SYSTEM)


def send_back(by: Random) -> object:
    order = _one(by, Order.objects.order_by("pk"))
    line = _one(by, order.lines.filter(fulfilled__gt=0).order_by("pk"))
    wanted = AskedLine(quantity=by.randint(1, line.ordered), line=line.ref, reason="UNWANTED")
    return requests.request(Asked(lines=(wanted,), order_id=order.pk), actor=ANNA)


def agree(by: Random) -> object:
    rma = _one(by, ReturnRequest.objects.filter(status="OPEN").order_by("pk"))
    return requests.approve(
        rma.pk, refund_plan=by.choice(["ON_RECEIPT", "ON_RECEIPT", "INSTANT", "KEEP_IT"]),
        location_id=Location.objects.get(code="SHOP").pk, fee=by.choice([Decimal(0), Decimal("3.50")]),
        override="They are a good customer", actor=BEN,
    )  # fmt: skip


def call_off(by: Random) -> object:
    if by.random() < 0.7:
        raise Refusal("not_now", "They think about it.")
    return requests.cancel(_one(by, ReturnRequest.objects.order_by("pk")).pk, reason="Kept it", actor=ANNA)


def come_back(by: Random) -> object:
    """What was announced, less, more, or another article."""
    waiting = ReturnLine.objects.filter(request__status="OPEN", request__approved_at__isnull=False)
    line = _one(by, waiting.filter(reception__in=("AWAITING", "IN_TRANSIT", "RECEIVED")).order_by("pk"))
    other = by.random() < 0.15
    found = Found(by.choice(SKUS) if other else line.sku, by.choice([1, 1, 2]), unexpected=other)
    return receiving.receive(
        line.request_id, found, location_id=Location.objects.get(code="SHOP").pk, key=_key(by), actor=ANNA
    )


def close_box(by: Random) -> object:
    if by.random() < 0.7:
        raise Refusal("not_now", "There is more in it.")
    rma = _one(by, ReturnRequest.objects.filter(status="OPEN").order_by("pk"))
    return receiving.finish(rma.pk, location_id=Location.objects.get(code="SHOP").pk, actor=ANNA)


def look(by: Random) -> object:
    waiting = _one(by, OnBench.objects.order_by("pk"))
    seen = Seen(
        by.choice("ABCDE"), verdict=by.choice(["ACCEPTED", "ACCEPTED", "REJECTED", "REVIEW"]),
        quantity=by.randint(1, 2), disposition=by.choice(["", "RESTOCK", "SCRAP", "QUARANTINE"]),
    )  # fmt: skip
    return inspection.inspect(waiting.pk, seen, key=_key(by), actor=by.choice([ANNA, BEN]))


def judge(by: Random) -> object:
    seen = _one(by, Inspection.objects.filter(verdict="REVIEW").order_by("pk"))
    return inspection.decide(seen.pk, by.choice(["ACCEPTED", "REJECTED"]), note="Looked again", actor=BEN)


def dispose(by: Random) -> object:
    seen = _one(by, Inspection.objects.order_by("pk"))
    after = by.choice([None, *Disposition.objects.filter(inspection=seen).values_list("pk", flat=True)])
    kind = by.choice(["RESTOCK", "OUTLET", "REFURBISH", "RETURN_TO_VENDOR", "QUARANTINE", "SCRAP", "MISSING"])
    return dispositions.dispose(seen.pk, kind, after=after, key=_key(by), actor=BEN)


def exchange(by: Random) -> object:
    rma = _one(by, ReturnRequest.objects.filter(order__isnull=False).order_by("pk"))
    wanted = [Instead(by.choice(SKUS), by.randint(1, 2), by.choice([None, Decimal("12.00"), Decimal("30.00")]))]
    return exchanges.exchange(rma.pk, wanted, ahead=by.random() < 0.3, key=_key(by), actor=ANNA)


def goodwill(by: Random) -> object:
    """Money back without goods, asked for by service; sometimes for far more than there is."""
    order = _one(by, Order.objects.order_by("pk"))
    amount = Decimal(by.choice(["0.01", "5.00", "25.00", "400.00"]))
    return instructions.refund(order.pk, amount, cause=f"goodwill:{_key(by)}", why="Late", actor=ANNA)


def refund_lines(by: Random) -> object:
    order = _one(by, Order.objects.order_by("pk"))
    line = _one(by, order.lines.order_by("pk"))
    return refunds.decide_for_order(
        order.pk, {line.pk: by.randint(1, 2)}, cause=f"desk:{order.pk}:{by.randint(1, 4)}", actor=ANNA
    )


def release(by: Random) -> object:
    decision = _one(by, RefundDecision.objects.filter(status="WAITING").order_by("pk"))
    return refunds.release(decision.pk, approver=BEN, actor=BEN)


def provider_answers(by: Random) -> object:
    """It was asked, and does it, refuses it, or says nothing yet; and says it again."""
    row = _one(by, PaymentInstruction.objects.order_by("pk"))
    if not instruction_answers.sending(row.pk, actor=SYSTEM):
        return None
    if by.random() < 0.15:
        return instruction_answers.failed(row.pk, code="declined", reason="The bank says no", actor=SYSTEM)
    for _ in range(by.choice([0, 1, 1, 2])):
        instruction_answers.done(row.pk, ref=f"re_{row.pk}", at=PLACED_AT + timedelta(days=1), actor=SYSTEM)
    return None


@transaction.atomic
def provider_tells(by: Random) -> object:
    """Of a refund we asked for, or of one somebody made at the provider's own desk; more than once."""
    payment = _one(by, Payment.objects.filter(kind=PaymentKind.CAPTURED).select_related("order").order_by("pk"))
    asked = PaymentInstruction.objects.filter(kind="REFUND", status__in=("SENT", "DONE"), tender__isnull=False)
    rows = list(asked.select_related("tender__order").order_by("pk"))
    if rows and by.random() < 0.5:
        row = by.choice(rows)
        payment = row.tender
        told = _paid(f"re_{row.pk}", "refunded", row.amount, parent=payment.provider_ref)
    else:
        _alone_with(payment)
        left = max(instructions.refundable(payment.order_id, "GBP"), Decimal(0))
        amount = min(left, payment.amount, Decimal(by.choice(["1.00", "2.50"])))
        if amount <= 0:
            raise Refusal("nothing_left", "There is nothing to give back.")
        told = _paid(f"desk_{by.getrandbits(32)}", "refunded", amount, parent=payment.provider_ref)
    return _tell(payment.order, told)


@transaction.atomic
def charge_back(by: Random) -> object:
    payment = _one(by, Payment.objects.filter(kind=PaymentKind.CAPTURED).select_related("order").order_by("pk"))
    kind = by.choice(["disputed", "chargeback", "reinstated"])
    if kind == "reinstated" and not payment.order.payments.filter(kind__in=("disputed", "chargeback")).exists():
        raise Refusal("nothing_left", "No bank holds anything.")
    _alone_with(payment)
    held = max(instructions.refundable(payment.order_id, "GBP"), Decimal(0))
    amount = min(payment.amount, held) if kind != "reinstated" else Decimal("1.00")
    if amount <= 0:
        raise Refusal("nothing_left", "There is nothing to take.")
    told = _paid(f"dp_{payment.pk}_{kind}", kind, amount, parent=payment.provider_ref)
    return _tell(payment.order, told)


def settle(by: Random) -> object:
    """A payout of what was paid and given back so far, sometimes a cent off, sometimes the same file again."""
    rows = list(Payment.objects.filter(kind__in=("captured", "refunded")).select_related("order").order_by("pk"))
    chosen = [row for row in rows if row.pk % 3 == by.randint(0, 2)] or rows[:1]
    if not chosen:
        raise Refusal("nothing_left", "Nothing was paid.")
    ref = f"po_{by.randint(1, 5)}_{len(rows)}"
    cent = Decimal("0.01") if by.random() < 0.2 else Decimal(0)
    head = "balance_transaction_id,created_utc,available_on_utc,currency,gross,fee,net,reporting_category,source_id,"
    lines = [head + "description,automatic_payout_id,automatic_payout_effective_at"]
    for row in chosen:
        sign = 1 if row.kind == "captured" else -1
        gross, fee = sign * row.amount + cent, Decimal("0.20") if sign > 0 else Decimal(0)
        kind = "charge" if sign > 0 else "refund"
        lines.append(
            f"txn_{ref}_{row.pk},2026-03-03 10:00:00,2026-03-05 00:00:00,gbp,{gross},{fee},{gross - fee},{kind},"
            f"{row.provider_ref},Order {row.order.channel_ref},{ref},2026-03-06 00:00:00"
        )
        cent = Decimal(0)
    made = settlements.import_("stripe", f"{ref}.csv", "\n".join([*lines, ""]).encode(), actor=BEN)
    for pk in made.settlements:
        matches.match(pk, actor=BEN)
    return made


def unmatch(by: Random) -> object:
    found = _one(by, Match.objects.order_by("pk"))
    return by.choice([matches.confirm, matches.decline, matches.undo])(found.pk, actor=BEN)


def match_again(by: Random) -> object:
    return matches.match(_one(by, Settlement.objects.order_by("pk")).pk, actor=BEN)


STEPS: dict[str, Step] = {
    "sell": sell,
    "ship": ship,
    "cancel": lambda by: changing.cancel(_one(by, Order.objects.order_by("pk")).pk, reason="Changed", actor=SYSTEM),
    "send_back": send_back,
    "agree": agree,
    "call_off": call_off,
    "come_back": come_back,
    "close_box": close_box,
    "look": look,
    "judge": judge,
    "dispose": dispose,
    "exchange": exchange,
    "goodwill": goodwill,
    "refund_lines": refund_lines,
    "release_refund": release,
    "provider_answers": provider_answers,
    "provider_tells": provider_tells,
    "charge_back": charge_back,
    "settle": settle,
    "unmatch": unmatch,
    "match_again": match_again,
}


OFTEN = {"ship": 2, "send_back": 2, "come_back": 4, "look": 4, "dispose": 2, "provider_answers": 2}
NAMES = [name for name in sorted(STEPS) for _ in range(OFTEN.get(name, 1))]


def take(name: str, seed: int) -> str:
    """One step; what was refused, "" when it was done. A place that runs out of choices counts as refused."""
    try:
        STEPS[name](Random(seed))
    except Refusal as refusal:
        return refusal.code
    except Invalid:
        return "invalid"
    except NotYet:
        return "not_yet"
    except IndexError:
        return "nothing_there"
    return ""


def _alone_with(payment: Payment) -> None:
    """A provider knows what it holds: nobody changes that between its looking and its telling."""
    Order.objects.select_for_update(no_key=True).get(pk=payment.order_id)


def _key(by: Random) -> str:
    """Few enough that some are used twice, as a device that repeats itself does."""
    return f"k-{by.randint(1, 10_000)}"


def _paid(ref: str, kind: str, amount: Decimal, *, parent: str = "") -> IncomingPayment:
    at = datetime(2026, 3, 2, 9, 31, tzinfo=UTC)
    return IncomingPayment(
        ref=ref, kind=kind, amount=amount, currency="GBP", at=at, gateway="stripe", parent_ref=parent
    )


def _tell(order: Order, told: IncomingPayment) -> object:
    return payments.record(order.channel_ref, [told], channel=Channel.objects.get(pk=order.channel_id), actor=SYSTEM)


def go(seed: int, steps: int) -> int:
    """So many steps by chance in a process of its own, delivering now and then; returns how many were taken."""
    global _refs  # noqa: PLW0603  (its names are not those of the others)
    _refs = iter(range(1000 * (seed + 1), 10**9))
    by, done = Random(seed), 0
    for n in range(steps):
        done += take(by.choice(NAMES), by.getrandbits(32)) == ""
        if n % 8 == 7:
            outbox.drain("default")
    return done
