"""Many who give the same money back at the same moment: never more than was captured, whoever writes."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection

from core.actors import SYSTEM
from core.ids import uuid7
from orders.models import PaymentInstruction, StoreCredit, StoreCreditEntry
from orders.services import instructions, store_credit
from tests.factories.orders import ChannelFactory, incoming_line, place
from tests.orders.test_instructions import paid, told
from tests.orders.test_races import at_once, books_balance, refused

pytestmark = pytest.mark.django_db(transaction=True)
D = Decimal
LAW = "refunds_never_exceed_captures"


def naive(order: Any, n: int) -> None:
    """What a service would do that reads, decides and writes without the order's lock."""
    if instructions.refundable(order.pk, "GBP") < 40:
        return
    time.sleep(0.05)  # whoever else looks meanwhile sees the same
    PaymentInstruction.objects.create(
        uid=uuid7(), order=order, kind="REFUND", cause=f"naive:{n}", key=f"naive:{n}", amount=D(40), currency="GBP",
        via="HAND",
    )  # fmt: skip


def going() -> Decimal:
    return sum((row.amount for row in PaymentInstruction.objects.under_way()), D(0))


def test_refunds_that_race_never_exceed_and_a_naive_one_is_caught():
    order = paid()

    def ask(n: int) -> Any:
        return lambda: instructions.refund(order.pk, D(40), cause=f"r:{n}", why="", actor=SYSTEM)

    results = at_once(*[ask(n) for n in range(6)])
    assert (sum(not refused(result) for result in results), going()) == (2, D(80))
    same = at_once(*[lambda: instructions.refund(order.pk, D(20), cause="one", why="", actor=SYSTEM)] * 4)
    assert (len({row.pk for (row,) in same}), going()) == (1, D(100))
    books_balance()

    # The naive way is stopped by the database; with its law taken away this very race is what catches it.
    PaymentInstruction.objects.all().delete()
    held = at_once(*[lambda n=n: naive(order, n) for n in range(6)])
    assert any(isinstance(result, IntegrityError) for result in held)
    assert going() <= 100
    PaymentInstruction.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE orders_paymentinstruction DISABLE TRIGGER {LAW}")
        try:
            at_once(*[lambda n=n: naive(order, n) for n in range(6)])
        finally:
            cursor.execute(f"ALTER TABLE orders_paymentinstruction ENABLE TRIGGER {LAW}")
    assert going() > 100
    PaymentInstruction.objects.all().delete()


def test_a_credit_spent_by_many_at_once_is_never_below_nothing():
    order = place(incoming_line(price="10.00"), channel=ChannelFactory(), payments=(told("captured", "10.00", "c1"),))
    card = store_credit.open_card(order.channel, "GBP")
    store_credit.give(card.pk, D(50), key="open", why="", actor=SYSTEM)

    results = at_once(
        *[lambda n=n: store_credit.spend(card.pk, D(20), key=f"s:{n}", why="", actor=SYSTEM) for n in range(5)],
        *[lambda: store_credit.spend(card.pk, D(5), key="same", why="", actor=SYSTEM)] * 3,
    )

    assert sum(not refused(result) for result in results[:5]) == 2
    assert len({result.pk for result in results[5:]}) == 1
    balance = StoreCredit.objects.get().balance
    assert balance == sum(StoreCreditEntry.objects.values_list("amount", flat=True)) == D(5)
