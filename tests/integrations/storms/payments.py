"""Accounts that move money: each movement once, whatever is lost of it, while their webhooks come at the wrong moment,
twice, and in any order."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, ClassVar

from django.test import Client

from config.devstack import adyen, shopify, stripe
from core.actors import SYSTEM
from finance.models import Settlement
from integrations import inbox
from integrations.models import Connection, InboundMessage
from integrations.payments import carrying
from integrations.payments.adyen import webhooks as adyen_hooks
from integrations.payments.stripe import webhooks as stripe_hooks
from orders.canonical import PaymentKind
from orders.models import InstructionStatus, Order, Payment, PaymentInstruction, PaymentRoute
from orders.services import instructions
from tests.factories.orders import ChannelFactory, incoming_line, place
from tests.integrations.storms.channels import read_on
from tests.integrations.storms.storm import Storm
from tests.integrations.test_payments import HEX, SECRET, account
from tests.integrations.test_stores import connect
from tests.orders.test_instructions import told

D = Decimal
S = InstructionStatus
PARTS = 5  # in which something is given back, at most
Hook = tuple[bytes, dict[str, str]]


class MoneyStorm(Storm):
    """An order is paid with 100, of which some is captured and some given back in parts; 5 more are held and let go."""

    captured = "100.00"
    holds_more = True
    source: ClassVar[dict[str, Any] | None] = None

    def __init__(self, connection: Connection, url: str, account: Any, *, parts: int):
        super().__init__(connection, url)
        self.account, self.parts = account, min(parts, PARTS)
        self.channel = connection.channel or ChannelFactory()
        self.client = Client()
        self.random = random.Random(5)
        self.heard = 0  # how many of what it has to say
        self.hooks: list[Hook] = []
        if connection.channel is None:
            named = {"gateway": connection.vendor, "via": "PROVIDER", "connection": connection.code}
            PaymentRoute.objects.create(channel=self.channel, **named)

    def pay(self, n: int) -> str:
        """100 held in the shop; answers what the shop calls it."""
        raise NotImplementedError

    def says(self, after: int) -> list[Hook]:
        """Its webhooks but for the first so many; none where it tells of nothing that was not asked for there."""
        return []

    def calm(self) -> None:
        """A webhook may be faster than the answer to the call."""
        self.hear()

    def hear(self) -> None:
        new = self.says(self.heard)
        self.heard += len(new)
        self.hooks += new
        again = new * 2
        self.random.shuffle(again)
        for hook in again:
            self.deliver(hook)

    def deliver(self, hook: Hook) -> None:
        body, headers = hook
        to = f"/hooks/{self.connection.pk}/"
        answer = self.client.post(to, body, content_type="application/json", headers=headers)
        assert answer.status_code in {200, 202}
        for pk in InboundMessage.objects.filter(status="RECEIVED").values_list("pk", flat=True):
            inbox.process(pk)

    def carry(self, order: Order) -> None:
        for row in PaymentInstruction.objects.filter(order=order, status__in=(S.WANTED, S.SENT)).order_by("pk"):
            self.done(lambda row=row: carrying.carry(row.pk))  # type: ignore[misc]
        self.hear()

    def round(self, n: int) -> None:
        self.hooks = []
        ref = self.pay(n)
        paid = told("authorised", "100.00", ref, gateway=self.connection.vendor)
        order = place(incoming_line(price="100.00"), channel=self.channel, channel_ref=str(n + 1), payments=(paid,))
        instructions.capture(order.pk, D(self.captured), cause=f"ship:{n}", actor=SYSTEM)
        self.carry(order)
        for part in range(self.parts):
            instructions.refund(order.pk, D("5.00"), cause=f"back:{n}:{part}", why="", actor=SYSTEM)
            self.carry(order)
        if self.holds_more:
            instructions.authorise(order.pk, D("5.00"), cause=f"more:{n}", source=self.source, actor=SYSTEM)
            self.carry(order)
        instructions.void(order.pk, cause=f"end:{n}", actor=SYSTEM)
        self.carry(order)
        self.random.shuffle(self.hooks)
        for hook in self.hooks:
            self.deliver(hook)

    def check(self, rounds: int) -> None:
        assert set(PaymentInstruction.objects.values_list("status", flat=True)) == {S.DONE}
        assert not InboundMessage.objects.filter(status="FAILED").values_list("reason", flat=True)
        captured = D(self.captured)
        once: list[tuple[PaymentKind, Decimal]] = [("authorised", D(100)), ("captured", captured)]
        once += [("refunded", D(5))] * self.parts
        once += [("voided", D(100) - captured)] if captured < 100 else []
        once += [("authorised", D(5)), ("voided", D(5))] if self.holds_more else []
        moved = Counter(Payment.objects.values_list("kind", "amount"))
        assert moved == {each: count * rounds for each, count in Counter(once).items()}
        there = [(100_00, int(captured * 100), self.parts * 5_00), *([(5_00, 0, 0)] if self.holds_more else [])]
        assert self.theirs() == dict.fromkeys(there, rounds)

    def theirs(self) -> Counter[tuple[int, int, int]]:
        """What was held, captured and given back of each payment there."""
        raise NotImplementedError


class StripeStorm(MoneyStorm):
    captured = "60.00"

    def pay(self, n: int) -> str:
        return str(self.account.pay(100_00, "gbp", captured=False, customer=f"cus_{n}"))

    def says(self, after: int) -> list[Hook]:
        bodies = [json.dumps(event).encode() for event in self.account.events[after:]]
        return [(body, {"Stripe-Signature": stripe_hooks.sign(body, SECRET, int(time.time()))}) for body in bodies]

    def round(self, n: int) -> None:
        super().round(n)
        self.account.payouts.pay_out()
        for _ in range(2):
            while not self.done(lambda: read_on(self.connection, "payouts")):
                pass
            inbox.process_due(1_000)

    def theirs(self) -> Counter[tuple[int, int, int]]:
        assert len(self.account.charges) == len(self.account.intents)
        rows = self.account.charges.values()
        return Counter((row["amount"], row["amount_captured"], row["amount_refunded"]) for row in rows)

    def check(self, rounds: int) -> None:
        super().check(rounds)
        kept = sorted(Settlement.objects.values_list("ref", flat=True))
        assert kept == sorted(self.account.payouts.rows)


class AdyenStorm(MoneyStorm):
    share = 0.7  # whatever it is asked for takes one call
    source: ClassVar = {"storedPaymentMethodId": "8416"}

    def pay(self, n: int) -> str:
        return str(self.account.pay(100_00, "GBP", str(n + 1)))

    def says(self, after: int) -> list[Hook]:
        signed = [
            {**item, "additionalData": {"hmacSignature": adyen_hooks.sign(item, HEX)}}
            for item in self.account.notifications[after:]
        ]
        return [(adyen.wrapped(item), {}) for item in signed]

    def theirs(self) -> Counter[tuple[int, int, int]]:
        verbs = Counter(each["verb"] for each in self.account.modifications)
        assert verbs["captures"] == verbs["cancels"] == verbs["refunds"] / self.parts
        held = Counter(row["held"] for row in self.account.payments.values())
        assert held[0] == verbs["cancels"]  # the five that were let go
        rows = self.account.payments.values()
        return Counter((row["held"] or 5_00, row["captured"], row["refunded"]) for row in rows)


class ShopifyStorm(MoneyStorm):
    """The money of a channel's own orders, moved there. It holds nothing more for us, so nothing is let go."""

    holds_more = False

    def pay(self, n: int) -> str:
        ref = 7_000_000 + n
        row = {"id": ref, "kind": "authorization", "amount": "100.00"}
        self.account.add_order({"id": n + 1, "line_items": [], "transactions": [row]})
        return str(ref)

    def calm(self) -> None:
        self.account.available = shopify.CAPACITY

    def theirs(self) -> Counter[tuple[int, int, int]]:
        found: Counter[tuple[int, int, int]] = Counter()
        for order in self.account.orders.values():
            sums = Counter[str]()
            for row in order["transactions"]:
                sums[row["kind"]] += int(D(row["amountSet"]["shopMoney"]["amount"]) * 100)
            found[sums["AUTHORIZATION"], sums["CAPTURE"], sums["REFUND"]] += 1
        return found


@contextmanager
def of_shopify(orders: int) -> Iterator[ShopifyStorm]:
    with shopify.Server("shpat_test") as server:
        connection = connect("shopify", shop=server.url, private_address_allowed=True, feeds=False)
        connection.keep_secret("token", "shpat_test")
        yield ShopifyStorm(connection, server.url, server.shop, parts=orders)


@contextmanager
def of_stripe(orders: int) -> Iterator[StripeStorm]:
    with stripe.Server("sk_1") as server:
        yield StripeStorm(
            account("stripe", server.url, settlement_account="acct_1"), server.url, server.account, parts=orders
        )


@contextmanager
def of_adyen(orders: int) -> Iterator[AdyenStorm]:
    with adyen.Server("sk_1", "Harrowvale") as server:
        made = account("adyen", f"{server.url}/v71", merchant_account="Harrowvale")
        yield AdyenStorm(made, server.url, server.account, parts=orders)


STORMS = {"shopify-money": of_shopify, "stripe": of_stripe, "adyen": of_adyen}
