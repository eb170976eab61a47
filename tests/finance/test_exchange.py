"""Money that passed from one currency, or one entity, to another: booked as what it is, and balanced in each."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from core.models import User
from exceptions.models import Case
from finance import bridge
from finance.models import (
    BankLine,
    Entity,
    EntityAccount,
    EntityChannel,
    ExchangeRate,
    Posting,
    PostingLine,
    Settlement,
)
from finance.services import banking, closes, entities, payouts, rates
from orders.models import Channel, Order
from tests.finance import settling
from tests.finance.settling import ADYEN_ROWS, SHOPIFY_ROWS, adyen, settled, shopify
from tests.finance.test_settlements import PERSON, broken

pytestmark = pytest.mark.django_db
D = Decimal
RATE_MISSING = "finance.rate_missing"


def booked(**which) -> dict[tuple[str, str], Decimal]:
    """(role, currency) -> what is booked on it, below zero on the credit side."""
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    rows = PostingLine.objects.filter(posting__kind="FEES", **which)
    for role, currency, debit, credit in rows.values_list("account", "posting__currency", "debit", "credit"):
        sums[role, currency] += debit - credit
    return {key: amount for key, amount in sums.items() if amount}


def in_currency(order: Order, currency: str, **more) -> Order:
    Order.objects.filter(pk=order.pk).update(currency=currency, **more)
    return order


def state(given: str, wanted: str, rate: str, on: date = date(2026, 1, 5)) -> None:
    rates.stated(ExchangeRate.objects.create(given=given, wanted=wanted, rate=D(rate), on=on))


def adyen_in_their_currencies() -> list[Order]:
    """The orders of the batch, each in the currency it was paid in: two in euros, one in pounds."""
    orders = settling.adyen_orders()
    for order, currency in zip(orders, ("EUR", "EUR", "GBP"), strict=True):
        in_currency(order, currency, placed_at="2026-01-05T00:00:00Z")
    return orders


def test_a_payment_in_the_buyers_currency_is_settled_as_the_books_have_it_and_the_rest_was_made_by_exchange():
    seen = {"presentment": {"currency": "SAR", "total": "100.40"}}
    order = in_currency(settling.paid("t1", "100.40", "SAR", name="#3439"), "AED", total=D("98.00"), figures=seen)
    (found,) = settled("shopify", shopify(SHOPIFY_ROWS[1]))
    assert found.residual == 0

    payouts.book(found.pk)
    payouts.book(found.pk)

    assert booked() == {
        ("bank", "AED"): D("92.53"), ("provider_fees", "AED"): D("5.68"), ("receivable", "AED"): D("-98.00"),
        ("exchange", "AED"): D("-0.21"),
    }  # fmt: skip
    assert PostingLine.objects.get(account="exchange").about["exchange"] == "gain"
    found.refresh_from_db()
    steps = {step.label.partition(",")[0]: step for step in bridge.of(found)}
    assert (steps["Orders and refunds matched"].amount, steps["Made or lost by exchange"].amount) == (98, D("0.21"))
    assert steps["Payout"].sum == found.payout
    assert (found.unrated, found.rates, broken()) == (False, [], [])
    assert order.payments.count() == 1


def test_an_order_in_another_currency_passes_both_and_its_rate_says_what_the_exchange_made():
    adyen_in_their_currencies()
    (found,) = settled("adyen", adyen())

    payouts.book(found.pk)

    both = booked()
    assert (both["conversion", "EUR"], both["conversion", "GBP"], both["receivable", "GBP"]) == (-55, 50, -50)
    assert ("exchange", "EUR") not in both
    period = closes.ensure(entities.main(), timezone.now().date())
    found.refresh_from_db()
    Settlement.objects.filter(pk=found.pk).update(paid_on=period.starts_on)
    assert found.unrated
    assert Case.objects.get(reason=RATE_MISSING).is_open
    assert "GBP in EUR on 2026-01-05" in Case.objects.get(reason=RATE_MISSING).summary
    assert [line.count for line in closes.checklist(period) if line.check.code == "rates"] == [1]

    state("EUR", "GBP", "0.8", date(2026, 1, 6))  # later than the sale: it isn't the sale's
    assert ("exchange", "EUR") not in booked()
    state("GBP", "EUR", "1.08", date(2026, 1, 3))
    state("GBP", "EUR", "1.08", date(2026, 1, 3))

    assert booked()["exchange", "EUR"] == D("-1.00")
    assert booked()["conversion", "EUR"] == -54  # 50 pounds at 1.08: nothing is left between the two
    assert booked()["bank", "EUR"] == found.payout
    assert not Case.objects.get(reason=RATE_MISSING).is_open
    found.refresh_from_db()
    assert (found.exchange, found.unrated, bridge.of(found)[0].amount) == (1, False, found.matched - 1)
    assert [line.count for line in closes.checklist(period) if line.check.code == "rates"] == [0]

    state("GBP", "EUR", "1.11")  # the day's own rate counts before an earlier day's
    assert booked()["exchange", "EUR"] == D("0.50")
    assert [row.about["exchange"] for row in PostingLine.objects.filter(account="exchange").order_by("pk")] == [
        "gain", "loss",
    ]  # fmt: skip
    assert broken() == []


def test_what_a_provider_turned_into_another_currency_is_on_its_way_there():
    head = '"Date","Time","TimeZone","Name","Type","Status","Currency","Gross","Fee","Net","Transaction ID","Balance"'
    rows = (
        '"29/12/2025","07:45:51","PST","","General Currency Conversion","Completed","USD","-50.00","0","-50.00","T1","0.00"',
        '"29/12/2025","07:45:51","PST","","General Currency Conversion","Completed","EUR","45.00","0","45.00","T2","45.00"',
    )

    for found in settled("paypal", "\n".join([head, *rows]).encode()):
        payouts.book(found.pk)

    both = booked()
    assert (both["conversion", "USD"], both["conversion", "EUR"]) == (50, -45)
    assert not {role for role, _ in both} & {"adjustments", "exchange"}
    assert "USD in EUR on 2025-12-29" in Case.objects.get(reason=RATE_MISSING).summary

    state("USD", "EUR", "0.88", date(2025, 12, 29))

    both = booked()  # 45.00 came for what was worth 44.00, and nothing is left between the two
    assert (both["conversion", "USD"], both["conversion", "EUR"]) == (50, -44)
    assert both["exchange", "EUR"] == D("-1.00")
    assert not Case.objects.get(reason=RATE_MISSING).is_open
    assert broken() == []


def test_a_payout_of_several_entities_is_banked_once_and_each_books_its_share():
    orders = adyen_in_their_currencies()
    shop = Channel.objects.create(code="de", name="DE", currency="EUR")
    Order.objects.filter(pk=orders[1].pk).update(channel=shop)
    main, other = entities.main(), Entity.objects.create(code="de", name="Shop GmbH", currency="EUR")
    EntityChannel.objects.create(channel=shop, entity=other)
    (found,) = settled("adyen", adyen())

    payouts.book(found.pk)
    payouts.book(found.pk)

    theirs, ours = booked(posting__entity=other), booked(posting__entity=main, posting__currency="EUR")
    assert theirs == {
        ("intercompany", "EUR"): D("21.70"), ("provider_fees", "EUR"): D("0.25"), ("receivable", "EUR"): D("-21.95"),
    }  # fmt: skip
    assert (ours["bank", "EUR"], ours["intercompany", "EUR"]) == (found.payout, D("-21.70"))
    assert ours["provider_fees", "EUR"] == -found.fees - D("0.25")
    assert sum(ours.values()) == sum(theirs.values()) == 0
    assert {line.note for line in PostingLine.objects.filter(account="intercompany")} == {"de", "main"}
    assert broken() == []

    EntityAccount.objects.create(provider="adyen", account=found.account, entity=other)
    payouts.book(found.pk)

    theirs, ours = booked(posting__entity=other), booked(posting__entity=main, posting__currency="EUR")
    assert (theirs["bank", "EUR"], ("bank", "EUR") in ours) == (found.payout, False)
    assert ours["intercompany", "EUR"] == -theirs["intercompany", "EUR"] > 0
    assert broken() == []

    period = closes.ensure(main, Posting.objects.latest("pk").booked_on)
    assert [line.count for line in closes.checklist(period) if line.check.code == "intercompany"] == [0]
    Posting.objects.filter(entity=other, status="PENDING").update(status="DECLINED")
    assert [line.count for line in closes.checklist(period) if line.check.code == "intercompany"] == [1]


CAMT = (
    "<Document><BkToCstmrStmt><Stmt><Id>S</Id><Acct><Ccy>USD</Ccy></Acct><Ntry><Amt Ccy='USD'>160.00</Amt>"
    "<CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2026-01-08</Dt></BookgDt><NtryDtls><TxDtls>{more}"
    "<RmtInf><Ustrd>TX1XT batch 7 Adyen</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry></Stmt></BkToCstmrStmt></Document>"
)
SENT = "<AmtDtls><InstdAmt><Amt Ccy='EUR'>149.15</Amt></InstdAmt></AmtDtls>"


@pytest.mark.parametrize("more", [SENT, ""])
def test_a_payout_that_the_bank_turned_into_its_own_currency_has_arrived_whole(client, more):
    for order in settling.adyen_orders():
        in_currency(order, "EUR")
    (found,) = settled("adyen", adyen(*ADYEN_ROWS))
    Settlement.objects.filter(pk=found.pk).update(paid_on=date(2026, 1, 7))
    state("USD", "EUR", "0.93", date(2026, 1, 8))

    banking.import_("bank.xml", CAMT.format(more=more).encode())
    if not more:  # the bank doesn't say what was sent: a person does
        assert BankLine.objects.get().settlement is None
        client.force_login(User.objects.create_superuser("root@example.com", "x"))
        where = reverse("finance:bank_attach", args=[BankLine.objects.get().pk])
        assert client.post(where, {"ref": found.ref}).status_code in {200, 302, 303}
    payouts.book(found.pk)

    found.refresh_from_db()
    assert (found.banked, found.payout) == (D("149.15"), D("149.15"))
    both = booked()
    assert (both["bank", "USD"], ("bank", "EUR") in both) == (160, False)
    assert both["conversion", "USD"] == -160
    assert both["exchange", "EUR"] == D("149.15") - D("148.80")
    assert not Case.objects.filter(reason="finance.bank_differs").exists()
    assert broken() == []

    banking.detach(BankLine.objects.get().pk, actor=PERSON)
    payouts.book(found.pk)

    assert booked()["bank", "EUR"] == D("149.15")
    assert BankLine.objects.filter(original_currency="").exists() == (not more)
    assert not {("bank", "USD"), ("conversion", "USD"), ("exchange", "EUR")} & set(booked())
