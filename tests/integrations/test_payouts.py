"""Payouts that come by themselves: asked for at their provider, kept whole, imported once."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.utils import timezone

from config.devstack import shopify as shopify_server
from config.devstack import stripe as stripe_server
from finance.models import LineKind, Settlement, SettlementFile, SettlementLine
from integrations import inbox
from integrations.channels import polling
from integrations.models import Connection, FeedState, InboundMessage

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def shopify(shop: Connection) -> Iterator[shopify_server.Shop]:
    with shopify_server.Server("shpat_test") as server:
        shop.settings = {"shop": server.url, "private_address_allowed": True}
        shop.save()
        shop.keep_secret("token", "shpat_test")
        yield server.shop


@pytest.fixture
def stripe() -> Iterator[stripe_server.Account]:
    with stripe_server.Server("sk_1") as server:
        made = Connection.objects.create(
            code="stripe", name="Stripe", kind=Connection.Kind.PAYMENT, vendor="stripe",
            settings={"url": server.url, "private_address_allowed": True, "settlement_account": "acct_1"},
        )  # fmt: skip
        made.keep_secret("key", "sk_1")
        yield server.account


def look() -> FeedState:
    """Read the feed as its clock does, to its end, and what it brought as the inbox does."""
    polling.ensure()
    state = FeedState.objects.get(name="payouts")
    FeedState.objects.filter(pk=state.pk).update(next_at=timezone.now())
    polling.read(state.pk)
    for pk in InboundMessage.objects.filter(status="RECEIVED").order_by("pk").values_list("pk", flat=True):
        inbox.process(pk)
    state.refresh_from_db()
    assert state.last_error == ""
    return state


def test_shopifys_payouts_come_whole_and_once_each_when_it_is_paid(shopify):
    charges = [("CHARGE", f"{n}.00", "0.50", 5_600 + n, 770 + n) for n in range(1, 261)]  # more than one page
    shopify.payouts.pay_out(9001, "2026-03-02T00:00:00Z", *charges, ("REFUND", "-10.00", "0.00", 5_601, 990))
    shopify.payouts.pay_out(9002, "2026-03-03T00:00:00Z", ("CHARGE", "20.00", "0.60", 5_900, 800), status="SCHEDULED")
    look()

    paid = Settlement.objects.get()
    total = D(260 * 261 // 2) - D("130.00") - D(10)
    assert (paid.provider, paid.ref, paid.currency, paid.state) == ("shopify", "9001", "GBP", "paid")
    assert (paid.payout, paid.lines_count, paid.faults) == (total, 261, [])
    refund = SettlementLine.objects.get(kind=LineKind.REFUND)
    assert (refund.refund_ref, refund.order_ref, refund.net) == ("990", "5601", D(-10))

    for row in shopify.payouts.rows:
        row["status"] = "PAID"
    look()
    state = look()

    assert sorted(Settlement.objects.values_list("ref", flat=True)) == ["9001", "9002"]
    assert (SettlementFile.objects.count(), state.found) == (2, 2)
    assert shopify.calls.count("query BalanceTransactions") == 3  # what is here is not asked for again


def test_a_shop_without_shopify_payments_has_no_payouts(shopify):
    shopify.payouts.closed = True

    assert look().found == 0
    assert not SettlementFile.objects.exists()


def test_stripes_payouts_come_whole_and_once_with_what_a_charge_says_of_its_order(stripe):
    charge = stripe.pay(10_000, "gbp", order_id="A-1")
    stripe.refunds["re_1"] = {
        "id": "re_1", "object": "refund", "amount": 2_500, "currency": "gbp", "charge": charge,
        "payment_intent": "pi_1", "status": "succeeded", "metadata": {}, "created": 1,
    }  # fmt: skip
    first = stripe.payouts.pay_out()
    for n in range(7):  # more payouts than one page lists
        stripe.pay(1_000 + n, "gbp")
        stripe.payouts.pay_out(status="in_transit" if n == 3 else "paid")
    look()
    stripe.payouts.rows[sorted(stripe.payouts.rows)[4]]["status"] = "paid"
    look()
    state = look()

    assert (Settlement.objects.count(), SettlementFile.objects.count(), state.found) == (8, 8, 8)
    paid = Settlement.objects.get(ref=first)
    assert (paid.provider, paid.account, paid.payout, paid.faults) == ("stripe", "acct_1", D("71.80"), [])
    sale, refund = paid.lines.order_by("kind")
    assert (sale.payment_ref, sale.order_ref, sale.gross, sale.fee) == (charge, "A-1", D(100), D("3.20"))
    assert (refund.refund_ref, refund.payment_ref, refund.net) == ("re_1", charge, D(-25))
