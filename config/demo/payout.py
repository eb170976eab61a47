"""The demo's payout: the shop's own file of what it settled, the bank's line of it, and the month that is being closed."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal

from django.utils import timezone

from core import actors, outbox
from core.models import User
from finance import closing
from finance.models import Entity, Settlement, SettlementFile
from finance.services import banking, closes, matches, settlements
from orders.models import Channel, Payment, PaymentKind
from orders.services import store_credit

PAYOUT = "902117400113"
PROVIDER, RATE, FLAT = "shopify", Decimal("0.019"), Decimal("0.20")
HEAD = (
    "Transaction Date", "Type", "Order", "Card Brand", "Card Source", "Payout Status", "Payout Date", "Payout ID",
    "Available On", "Amount", "Fee", "Net", "Checkout", "Payment Method Name", "Presentment Amount",
    "Presentment Currency", "Currency",
)  # fmt: skip
CENT = Decimal("0.01")


def make(say: Callable[[str], None]) -> None:
    """Safe to repeat."""
    if SettlementFile.objects.exists():
        return
    today = timezone.localdate()
    Entity.objects.get_or_create(
        code="main", defaults={"name": "Harrow & Vale Ltd", "currency": "GBP", "time_zone": "Europe/London"}
    )
    rows = list(
        Payment.objects.filter(
            kind__in=(PaymentKind.CAPTURED, PaymentKind.REFUNDED), order__channel__code="web-uk",
            currency="GBP",
        ).select_related("order").order_by("at", "pk")
    )  # fmt: skip
    if len(rows) < 4:
        return
    helen = actors.person(User.objects.get(email="finance@harrowvale.example"))
    done = settlements.import_(PROVIDER, "payments-export.csv", _file(rows[:-2], today), actor=helen)
    for pk in done.settlements:
        matches.match(pk, actor=helen)
    outbox.drain("default")
    for payout in Settlement.objects.filter(pk__in=done.settlements):
        banking.import_("statement.sta", _statement(payout.ref, payout.payout, today), actor=helen)
    _close(today)
    _credit()
    outbox.drain("default")
    say(
        f"A payout of {len(rows) - 2} payments with one that nobody can explain yet, its bank line, and a month to close"
    )


def _file(rows: Sequence[Payment], today: date) -> bytes:
    """Every payment as the shop settled it, and one charge of an order that isn't ours."""
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(HEAD)
    for n, row in enumerate(rows):
        amount = -row.amount if row.kind == PaymentKind.REFUNDED else row.amount
        _row(table, row.order.channel_number or row.order.number, amount, f"{row.at:%Y-%m-%d %H:%M:%S +0000}", n, today)
    _row(table, "#3377", Decimal("41.95"), f"{today - timedelta(days=3)} 16:20:11 +0000", len(rows), today)
    return out.getvalue().encode()


def _row(table: object, number: str, amount: Decimal, at: str, n: int, today: date) -> None:
    fee = (amount * RATE + FLAT).quantize(CENT) if amount > 0 else Decimal(0)  # a refund costs nothing here
    paid_on = (today - timedelta(days=1)).isoformat()
    table.writerow((  # type: ignore[attr-defined]
        at, "charge" if amount > 0 else "refund", number, ("visa", "master")[n % 2], "online", "paid", paid_on, PAYOUT, paid_on, amount.quantize(CENT),
        fee, (amount - fee).quantize(CENT), f"#4368532979{7000 + n}", "card", abs(amount).quantize(CENT), "GBP", "GBP",
    ))  # fmt: skip


def _statement(ref: str, amount: Decimal, today: date) -> bytes:
    day = today - timedelta(days=1)
    opening = Decimal("18204.10")
    text, closing_ = f"{amount:.2f}".replace(".", ","), f"{opening + amount:.2f}".replace(".", ",")
    return (
        f":20:HV{day:%y%m%d}\n:25:GB33HARV60161331926819\n:28C:1/1\n:60F:C{day:%y%m%d}GBP18204,10\n"
        f":61:{day:%y%m%d}{day:%m%d}C{text}NTRF{ref}//B4\n:86:SHOPIFY PAYOUT {ref}\n:62F:C{day:%y%m%d}GBP{closing_}\n-"
    ).encode()


def _close(today: date) -> None:
    """Last month waits to be closed; somebody looks after each line that blocks it."""
    entity = Entity.objects.order_by("pk")[0]
    here = today.replace(day=1)
    closes.ensure(entity, here)
    period = closes.ensure(entity, here - timedelta(days=1))
    helen = User.objects.get(email="finance@harrowvale.example")
    for check in closing.CHECKS[:4]:
        closes.assign(period.pk, check.code, owner_id=helen.pk, actor=actors.person(helen))


def _credit() -> None:
    """A gift card that was sold, and partly spent."""
    channel = Channel.objects.get(code="web-uk")
    helen = actors.person(User.objects.get(email="finance@harrowvale.example"))
    card = store_credit.open_card(channel, "GBP")
    store_credit.give(card.pk, Decimal("50.00"), key="demo:card", why="Bought in the shop in Leeds", actor=helen)
    store_credit.spend(card.pk, Decimal("18.50"), key="demo:spent", why="Paid with it in the shop", actor=helen)
