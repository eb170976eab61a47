"""The demo's money that waits for a person: holds at a bank, what banks ask, credit given by hand, ways to be routed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal
from uuid import NAMESPACE_URL, uuid5

import httpx2
from django.db import transaction
from django.utils import timezone

from core import actors, outbox
from core.actors import SYSTEM, Actor
from core.models import User
from integrations.models import Connection
from orders.canonical import IncomingPayment
from orders.models import Channel, Order, OrderStatus, Payment, PaymentKind, PaymentNotice, PaymentRoute, Via
from orders.notices import IncomingNotice, Kind
from orders.services import by_hand, instructions, notices, payments, routes, store_credit
from orders.services.routes import Draft
from returns.models import ReturnRequest

VARIABLE = "BACKROOM_DEMO_BANK"  # {"url": …, "key": …}, set by `dev.py demo`
CARD, ACCOUNT, UNROUTED, HELD_DAYS = "shopify_payments", "stripe", "klarna", 7
HOLDS = 3


def make(say: Callable[[str], None]) -> None:
    """Safe to repeat: what is there stays, but for holds the bank's server forgot with the last demo."""
    helen = actors.person(User.objects.get(email="finance@harrowvale.example"))
    held = _hold(helen)
    asked = _ask()
    _credit(helen)
    outbox.drain("default")
    say(f"{held} payments held at the bank, {asked} questions of banks, credit given by hand, a way to pay unrouted")


def _hold(helen: Actor) -> int:
    """Open orders whose payment is held in our own account: to be captured or let go of by hand."""
    if not os.environ.get(VARIABLE):
        return 0
    server = json.loads(os.environ[VARIABLE])
    account, _ = Connection.objects.get_or_create(
        code=ACCOUNT, defaults={"name": "Stripe", "kind": Connection.Kind.PAYMENT, "vendor": "stripe"}
    )
    account.settings = {"url": server["url"], "private_address_allowed": True}
    account.save(update_fields=["settings", "updated_at"])
    account.keep_secret("key", server["key"], retire_others=True)
    for channel in Channel.objects.filter(kind="WEBSTORE").order_by("code"):
        if not PaymentRoute.objects.filter(channel=channel, gateway=ACCOUNT).exists():
            ours = Draft(ACCOUNT, Via.PROVIDER, account.code, True, True, HELD_DAYS, 48)
            routes.keep(channel, ours, route_id=None, was="", actor=helen)
    _forget()
    unpaid = Order.objects.filter(
        channel__kind="WEBSTORE", status__in=(OrderStatus.RECEIVED, OrderStatus.ACCEPTED), payments=None, total__gt=0,
        test=False,
    )  # fmt: skip
    found = list(unpaid.select_related("channel").order_by("-placed_at")[: HOLDS + 1])
    with httpx2.Client(base_url=server["url"], timeout=10, transport=httpx2.HTTPTransport(retries=5)) as bank:
        for order in found[:HOLDS]:
            _authorise(order, bank, server["key"])
    for order in found[HOLDS:]:
        _record(order, f"kl-{order.channel_ref}", "captured", UNROUTED)
    return len(found[:HOLDS])


def _forget() -> None:
    """Holds of an earlier demo: the bank's server knows none of them, so they have ended."""
    told = Order.objects.filter(payments__gateway=ACCOUNT, payments__kind=PaymentKind.AUTHORISED).select_related(
        "channel"
    )
    for order in told.distinct():
        for paid, left in instructions.held(order.pk):
            ended = IncomingPayment(
                ref=f"end-{paid.provider_ref}", kind="voided", amount=left, currency=paid.currency, at=timezone.now(),
                gateway=ACCOUNT, parent_ref=paid.provider_ref,
            )  # fmt: skip
            payments.record(order.channel_ref, [ended], channel=order.channel, actor=SYSTEM)


def _authorise(order: Order, bank: httpx2.Client, key: str) -> None:
    """As the shop's checkout does it: the bank holds the money, and the order hears of it."""
    form = {
        "amount": str(int((order.total or 0) * 100)), "currency": order.currency.lower(), "capture_method": "manual",
        "customer": f"cus_{order.pk}", "payment_method": "pm_card", "metadata[order]": order.number,
    }  # fmt: skip
    answer = bank.post("/v1/payment_intents", data=form, headers={"Authorization": f"Bearer {key}"})
    intent = answer.raise_for_status().json()
    _record(order, str(intent["latest_charge"]), "authorised", ACCOUNT, parent=str(intent["id"]))


def _record(order: Order, ref: str, kind: Literal["authorised", "captured"], gateway: str, parent: str = "") -> None:
    at = timezone.now()
    told = IncomingPayment(
        ref=ref, kind=kind, amount=order.total or Decimal(0), currency=order.currency, at=at, gateway=gateway, parent_ref=parent,
        expires_at=at + timedelta(days=HELD_DAYS) if kind == "authorised" else None,
    )  # fmt: skip
    payments.record(order.channel_ref, [told], channel=order.channel, actor=SYSTEM)


def _ask() -> int:
    """An inquiry, a dispute and a warning about payments of orders that nobody returns."""
    if PaymentNotice.objects.exists():
        return 0
    now = timezone.now()
    paid = Order.objects.filter(
        payments__kind=PaymentKind.CAPTURED, payments__gateway=CARD, channel__code="web-uk"
    ).select_related("channel")
    paid = paid.exclude(pk__in=ReturnRequest.objects.exclude(order=None).values("order"))
    told: tuple[tuple[Kind, str, str, int | None], ...] = (
        ("INQUIRY", "warning_needs_response", "Cardholder doesn't recognise the charge", 4),
        ("DISPUTE", "needs_response", "Goods not received", 9),
        ("FRAUD", "made_with_stolen_card", "Reported stolen", None),
    )
    chosen = list(paid.distinct().order_by("-placed_at")[: len(told)])
    for order, (kind, state, reason, days) in zip(chosen, told, strict=False):
        notice = IncomingNotice(
            ref=f"bank-{order.channel_ref}", state="OPEN", said_at=now - timedelta(hours=5), kind=kind,
            gateway=CARD, amount=order.total, currency=order.currency, reason=reason, told_state=state,
            due_at=now + timedelta(days=days) if days else None,
        )  # fmt: skip
        notices.keep(order.pk, notice, actor=SYSTEM)
        if kind == "DISPUTE":
            _dispute(order, now)
    return len(chosen)


def _dispute(order: Order, now: datetime) -> None:
    """The bank holds the payment back until somebody has answered."""
    paid = Payment.objects.filter(order=order, kind=PaymentKind.CAPTURED).earliest("pk")
    told = IncomingPayment(
        ref=f"bank-{order.channel_ref}", kind="disputed", amount=paid.amount, currency=paid.currency, at=now,
        gateway=paid.gateway, parent_ref=paid.provider_ref,
    )  # fmt: skip
    payments.record(order.channel_ref, [told], channel=order.channel, actor=SYSTEM)


def _credit(helen: Actor) -> None:
    """A customer's credit, given by a person and with their reason."""
    order = Order.objects.filter(channel__code="web-uk", buyer_email__gt="").select_related("channel").latest("pk")
    with transaction.atomic():
        credit = store_credit.of_customer(order.channel, order.buyer_email, order.currency)
    if credit.entries.exists():
        return
    key = str(uuid5(NAMESPACE_URL, f"demo:{credit.pk}"))
    seen = by_hand.look_at_credit(credit, Decimal("15.00"))
    by_hand.enter(credit, seen, key=key, why="Waited three weeks for a parcel", actor=helen)
