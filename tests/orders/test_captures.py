"""Money is captured when goods leave, let go when none will, for channels whose money is ours to move."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core import outbox
from core.actors import SYSTEM
from exceptions.models import Case
from inventory.models import Stock
from orders.models import FulfilmentOrder, PaymentInstruction, PaymentRoute
from orders.services import changing, fulfilment, instruction_answers
from tests.factories.inventory import ItemFactory, StockFactory
from tests.factories.orders import ChannelFactory, incoming_line, place
from tests.orders.test_instructions import AT, told

pytestmark = pytest.mark.django_db
D = Decimal


def ordered(*, held: str = "105.00", ours: bool = True):
    StockFactory(item=ItemFactory(sku="SKU-1"), sellable=10)
    PaymentRoute.objects.create(
        channel=ChannelFactory(), gateway="card", via="HAND", capture_on_ship=ours, void_on_cancel=ours
    )
    return place(
        incoming_line(quantity=2, price="50.00"), shipping_total=D("5.00"), total=D("105.00"),
        payment_state="authorised", payments=(told("authorised", held, "a1"),),
    )  # fmt: skip


def ship(order, *, units: int = 2) -> None:
    (job,) = fulfilment.create(order.pk) or FulfilmentOrder.objects.values_list("pk", flat=True)
    fulfilment.start_pick(job, actor=SYSTEM)
    fulfilment.pick(job, code="SKU-1", quantity=units, actor=SYSTEM)
    fulfilment.pack(job, actor=SYSTEM)
    fulfilment.ship(job, actor=SYSTEM)
    outbox.drain()


def rows(kind: str = "CAPTURE"):
    return [(row.amount, row.status) for row in PaymentInstruction.objects.filter(kind=kind).order_by("pk")]


def test_what_leaves_is_captured_with_the_carriage_once():
    order = ordered()

    ship(order)
    outbox.drain()

    assert rows() == [(D("105.0000"), "WANTED")]
    assert PaymentInstruction.objects.get().shipment is not None
    assert Stock.objects.get().sellable == 8


def test_where_the_channel_captures_nothing_is_asked_for():
    ship(ordered(ours=False))

    assert rows() == []


def test_what_is_not_held_any_more_is_a_case():
    order = ordered(held="60.00")

    ship(order)

    assert rows() == [(D("60.0000"), "WANTED")]
    case = Case.objects.get(reason="orders.capture_short")
    assert (case.value, case.status) == (D("45.0000"), "OPEN")


def test_a_cancelled_order_lets_go_of_its_payment():
    order = ordered()

    changing.cancel(order.pk, actor=SYSTEM)
    outbox.drain()
    outbox.drain()

    assert rows("VOID") == [(D("105.0000"), "WANTED")]
    void = PaymentInstruction.objects.get()
    instruction_answers.done(void.pk, ref="v1", at=AT, actor=SYSTEM)
    assert not PaymentInstruction.objects.under_way().exists()
