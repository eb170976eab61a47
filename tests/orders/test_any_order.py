"""Messages about one order may come in any order, any number of times: what stands at the end is the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from core import audit
from core.actors import SYSTEM
from core.errors import NotYet
from exceptions.models import Case
from inventory.models import Stock
from orders import canonical
from orders.canonical import Address, IncomingLine, IncomingOrder, IncomingPayment, IncomingRefund, RefundLine
from orders.models import FulfilmentLine, Hold, Order, OrderLine, Payment, Refund
from orders.services import fulfilment, intake
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.factories.orders import LEEDS, PLACED_AT, ChannelFactory

SKUS = ["A", "B", "C", "UNKNOWN"]
LONDON = replace(LEEDS, city="London", latitude=51.5, longitude=-0.12)


@st.composite
def lines(draw):
    refs = draw(st.lists(st.sampled_from(["1", "2", "3"]), min_size=1, max_size=3, unique=True))
    made = []
    for ref in refs:
        quantity = draw(st.integers(1, 5))
        taken = draw(st.integers(0, quantity))
        gone = draw(st.integers(0, taken))
        made.append(
            IncomingLine(
                ref=ref,
                sku=draw(st.sampled_from(SKUS)),
                quantity=quantity,
                unit_price=Decimal(draw(st.integers(0, 3))),
                cancelled_quantity=gone,
                fulfilled_elsewhere=draw(st.sampled_from([0, 0, taken - gone])),
                requires_shipping=draw(st.sampled_from([True, True, True, False])),
            )
        )
    return tuple(made)


@st.composite
def payments(draw):
    """What a reference means never changes, whoever repeats it."""
    refs = draw(st.lists(st.sampled_from("pqr"), max_size=3, unique=True))
    return tuple(
        IncomingPayment(ref=ref, kind="captured", amount=Decimal(ord(ref)), currency="GBP", at=PLACED_AT)
        for ref in sorted(refs)
    )


REFUNDS = {
    ref: IncomingRefund(
        ref=ref,
        order_ref="1001",
        at=PLACED_AT,
        currency="GBP",
        lines=(RefundLine(line_ref=line, quantity=units, restock=restock),),
    )
    for ref, line, units, restock in [("x", "1", 1, "cancel"), ("y", "2", 2, "cancel"), ("z", "1", 1, "return")]
}


@st.composite
def versions(draw):
    return canonical.check(
        IncomingOrder(
            channel_ref="1001",
            placed_at=PLACED_AT + timedelta(seconds=draw(st.integers(0, 1))),
            currency="GBP",
            lines=draw(lines()),
            total=draw(st.sampled_from([None, Decimal(3), Decimal(6)])),
            version=draw(st.integers(1, 3)),  # so that ties happen
            status=draw(st.sampled_from(["open", "open", "open", "cancelled"])),
            payment_state=draw(st.sampled_from(["paid", "pending"])),
            ship_to=draw(st.sampled_from([LEEDS, LONDON, Address(country="GB"), None])),
            payments=draw(payments()),
            refunds=tuple(REFUNDS[ref] for ref in draw(st.lists(st.sampled_from("xyz"), max_size=1))),
            test=draw(st.sampled_from([False, False, False, True])),
        )
    )


messages = st.lists(
    st.one_of(versions(), st.sampled_from(list(REFUNDS.values())), st.just("cancel")), min_size=2, max_size=6
).filter(lambda found: any(isinstance(message, IncomingOrder) for message in found))


def deliver(stream: list[Any], release: list[bool]) -> None:
    """Hand the messages over; what isn't understood yet is parked and tried after each later one, as the inbox does."""
    channel = ChannelFactory()
    parked: list[Any] = []
    for message, released in zip(stream, release, strict=True):
        parked = [late for late in (message, *parked) if not understood(late, channel)]
        if isinstance(message, IncomingOrder):
            parked = [late for late in parked if not understood(late, channel)]
        if released and (order := Order.objects.first()):
            fulfilment.create(order.pk)  # the outbox may be quick or slow
    fulfilment.create(Order.objects.get().pk)
    assert not parked


def understood(message: Any, channel: Any) -> bool:
    try:
        if isinstance(message, IncomingOrder):
            intake.place(message, channel=channel, actor=SYSTEM)
        elif isinstance(message, IncomingRefund):
            intake.refund(message, channel=channel, actor=SYSTEM)
        else:
            intake.cancel(channel, "1001", actor=SYSTEM)
    except NotYet:
        return False
    return True


def state() -> dict[str, Any]:
    """Everything that matters of the one order, without ids, numbers and times of our own."""
    order = Order.objects.get()
    left_out = {
        "id", "number", "version", "stale_updates", "imported_at", "updated_at", "sourcings", "cancelled_at",
        "channel_id", "cancel_reason",
    }  # fmt: skip
    told = {f.attname: getattr(order, f.attname) for f in Order._meta.concrete_fields if f.attname not in left_out}
    told["source_digest"] = bytes(told["source_digest"])
    columns = ("ref", "sku", "item__sku", "ordered", "open", "allocated", "fulfilled", "cancelled", "unit_price")
    return told | {
        "lines": sorted(OrderLine.objects.filter(ordered__gt=0).values_list(*columns)),
        "holds": sorted(Hold.objects.standing().values_list("type", "blocks")),
        "stock": sorted(Stock.objects.values_list("item__sku", "location__code", "sellable", "reserved")),
        "shares": sorted(
            FulfilmentLine.objects.filter(quantity__gt=0).values_list(
                "order_line__ref", "item__sku", "location__code", "quantity", "fulfilment__status"
            ),
            key=str,
        ),
        "payments": sorted(Payment.objects.values_list("provider_ref", "amount")),
        "refunds": sorted(Refund.objects.values_list("ref", flat=True)),
        "cases": sorted(Case.objects.filter(is_open=True).values_list("reason", flat=True)),
    }


class Undo(Exception):
    pass


def outcome(stream: list[Any], release: list[bool]) -> dict[str, Any]:
    try:
        with transaction.atomic():
            deliver(stream, release)
            broken = [finding.invariant.name for finding in audit.audit() if finding.broken]
            assert not broken
            raise Undo(state())
    except Undo as undone:
        return undone.args[0]


@pytest.mark.django_db
def test_any_order_of_messages_ends_in_the_same_state(request):
    leeds = LocationFactory(code="leeds", lat=53.8, lon=-1.5)
    london = LocationFactory(code="london", lat=51.5, lon=-0.1)
    for sku in SKUS[:3]:
        item = ItemFactory(sku=sku)
        StockFactory(item=item, location=leeds, sellable=3)
        StockFactory(item=item, location=london, sellable=6)

    @settings(max_examples=400 if request.config.getoption("--long") else 20)
    @given(st.data())
    def check(data):
        sent = data.draw(messages)
        mixed = data.draw(st.permutations(sent)) + data.draw(st.lists(st.sampled_from(sent), max_size=2))
        quick = data.draw(st.lists(st.booleans(), min_size=len(mixed), max_size=len(mixed)))

        first = outcome(sent, [False] * len(sent))
        second = outcome(mixed, quick)

        assert second == first

    check()
