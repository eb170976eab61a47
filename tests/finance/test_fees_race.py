"""Two that write one order's ledger at once: the second sums what the first has written."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from time import sleep

import pytest
from django.db import connection, transaction

from finance.models import OrderMoney
from finance.services import charges, fees
from tests.finance import settling
from tests.finance.settling import ADYEN_ROWS, adyen, settled

pytestmark = pytest.mark.django_db(transaction=True)
AT = datetime(2026, 1, 9, tzinfo=UTC)
SECOND = ADYEN_ROWS[0].replace("7936098342605951", "7936098342605959")[:-1] + "8"


def elsewhere(work) -> None:
    try:
        work()
    finally:
        connection.close()


def waits_or_is_done(done) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # a transaction sees the first answer for ever
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND wait_event_type = 'Lock')"
        )
        return done.done() or cursor.fetchone()[0]


@pytest.mark.parametrize("first_is", ["a payout", "the order"])
def test_fees_that_come_while_another_writes_the_order_are_not_forgotten(first_is):
    order = settling.paid("8816098341845641", "100.00", name="W-1")
    settling.paid("8816098341845641-2", "100.00", order=order)
    (one,), (other,) = (
        settled("adyen", adyen(ADYEN_ROWS[0])),
        settled("adyen", adyen(SECOND.replace("5641,", "5641-2,"))),
    )
    type(order).objects.filter(pk=order.pk).update(currency="EUR")
    charges.keep(order.pk)
    if first_is == "the order":
        OrderMoney.objects.filter(order=order).delete()  # the ledger is about to hear of it

    def first():
        fees.keep_all(one.pk, last=1, at=AT) if first_is == "a payout" else charges.keep(order.pk)

    with ThreadPoolExecutor(1) as others:
        with transaction.atomic():
            first()
            second = others.submit(elsewhere, lambda: fees.keep_all(other.pk, last=1, at=AT))
            while not waits_or_is_done(second):
                sleep(0.01)
        second.result(timeout=30)

    kept = Decimal("2.40") if first_is == "a payout" else Decimal("1.20")
    assert OrderMoney.objects.get(order=order).fees == kept
