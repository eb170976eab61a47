"""Money around changes: what a cut owes, a payment told with two amounts, and cancelling that was looked at first."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from core.actors import SYSTEM
from core.models import Event, User
from exceptions.models import Case
from integrations.channels.shopify import translate
from orders.canonical import IncomingPayment
from orders.edits import Cancel, ChangeQuantity, Substitute
from orders.models import Order, OrderChange, Payment, PaymentDisagreement, RefundDue
from orders.services import changing, lifecycle, messages, payments
from orders.services.desk import open_desk
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.factories.orders import PLACED_AT, ChannelFactory, incoming_line, place
from tests.integrations.conftest import FIXTURES
from tests.orders.test_messages import live

pytestmark = pytest.mark.django_db
LINE = "line-SKU-1"


@pytest.fixture(autouse=True)
def stocked() -> Any:
    node = LocationFactory(code="LEEDS", name="Leeds")
    for sku in ("SKU-1", "SKU-2"):
        StockFactory(item=ItemFactory(sku=sku), location=node, sellable=10)
    return node


def event(kind: str, amount: str, ref: str = "P1", currency: str = "GBP") -> IncomingPayment:
    return IncomingPayment(ref=ref, kind=kind, amount=Decimal(amount), currency=currency, at=PLACED_AT)


def order_of(units: int = 3, **fields: Any) -> Order:
    return place(incoming_line(quantity=units), **{"payments": (event("captured", f"{units * 10}.00"),)} | fields)


def confirm(order: Order, *edits: Any, key: str = "k") -> int:
    return changing.confirm(order.pk, edits, version=None, actor=SYSTEM, key=key)


def owed() -> list[Decimal]:
    return list(RefundDue.objects.order_by("pk").values_list("amount", flat=True))


def open_cases(reason: str) -> int:
    return Case.objects.filter(reason=reason, is_open=True).count()


# --- What is due


def test_a_confirmed_cut_owes_what_was_paid_for_it_once():
    order = order_of()

    changing.preview(order.pk, [ChangeQuantity(line=LINE, quantity=1)], actor=SYSTEM)
    confirm(order, ChangeQuantity(line=LINE, quantity=1))
    confirm(order, ChangeQuantity(line=LINE, quantity=1))

    assert owed() == [Decimal(20)]
    assert open_cases("orders.refund_due") == 1
    assert Event.objects.filter(type="order.refund_due").count() == 1


def test_a_cancelled_order_owes_shipping_too_and_a_known_refund_settles_it():
    order = order_of(shipping_total=Decimal(5), total=Decimal(35), payments=(event("captured", "35.00"),))

    confirm(order, ChangeQuantity(line=LINE, quantity=2), key="1")
    confirm(order, Cancel(reason="Not wanted"), key="2")
    assert owed() == [Decimal(10), Decimal(25)]

    paid_back = (event("refunded", "35.00", "R1"),)
    payments.record("1001", paid_back, channel=order.channel, actor=SYSTEM)
    assert open_cases("orders.refund_due") == 0


@pytest.mark.parametrize(
    ("money", "edit", "due"),
    [
        ((event("authorised", "30.00"),), Cancel(), []),
        ((event("captured", "10.00"),), ChangeQuantity(line=LINE, quantity=1), []),
        ((event("captured", "15.00"),), ChangeQuantity(line=LINE, quantity=1), [Decimal(5)]),
        ((event("captured", "30.00"), event("refunded", "30.00", "R")), Cancel(), []),
        ((event("captured", "30.00"),), Substitute(line=LINE, sku="SKU-2"), []),
    ],
    ids=["only authorised", "less than the rest costs", "part of it", "given back already", "another for the same"],
)
def test_only_what_was_taken_beyond_the_orders_worth_is_due(money: Any, edit: Any, due: Any):
    order = order_of(payments=money)

    confirm(order, edit)

    assert owed() == due


# --- One payment, two amounts


def test_a_payment_told_again_with_another_amount_is_a_case_with_both():
    order = order_of()

    for _ in range(2):
        payments.record("1001", (event("captured", "12.50"),), channel=order.channel, actor=SYSTEM)

    assert Payment.objects.get().amount == Decimal(30)
    row = PaymentDisagreement.objects.get()
    assert (row.amount, row.said_amount) == (Decimal(30), Decimal("12.50"))
    (case,) = Case.objects.filter(reason="orders.payment_disagrees", is_open=True)
    assert "30" in case.summary
    assert "12.5" in case.summary
    assert Event.objects.filter(type="order.paid").count() == 1

    assert payments.settle(order.pk, actor=SYSTEM) == 1
    again = payments.record("1001", (event("captured", "12.50"),), channel=order.channel, actor=SYSTEM)
    assert (again.outcome, open_cases("orders.payment_disagrees")) == ("unchanged", 0)


def test_a_new_order_that_contradicts_itself_keeps_the_first_amount():
    order_of(payments=(event("captured", "30.00"), event("captured", "31.00")))

    assert Payment.objects.get().amount == Decimal(30)
    assert open_cases("orders.payment_disagrees") == 1


def test_what_is_on_a_desk_is_written_once_however_often_it_is_saved():
    order = order_of()
    desk = open_desk(order.pk, actor=SYSTEM)
    desk.note("order.changed", {"changes": []})
    desk.case("orders.needs_care", summary="Look")

    lifecycle.save(desk)
    lifecycle.save(desk)

    assert Event.objects.filter(type="order.changed").count() == 1
    assert desk.opened == ["orders.needs_care"]


# --- In the customer's language


def test_a_shops_locale_is_the_orders_language():
    body = (FIXTURES / "orders_create.json").read_bytes()

    said = translate.understand(
        "orders/updated", body.replace(b'"customer_locale": "en-GB"', b'"customer_locale": "pt_BR"')
    )
    assert next(act.order.language for act in said.acts if hasattr(act, "order")) == "pt-BR"


def test_words_are_chosen_by_the_orders_language_then_its_channels():
    channel = ChannelFactory(language="nl")
    order = place(channel=channel, language="fr-CH")
    for language in ("en", "nl"):
        live("order.cancelled", language=language)
    assert [t.language for t in messages.choose(order, "order.cancelled")] == ["nl"]

    live("order.cancelled", language="fr")
    assert [t.language for t in messages.choose(order, "order.cancelled")] == ["fr"]


# --- Cancelling on the order's page


def test_cancelling_shows_what_it_does_first_and_does_exactly_that(client: Client):
    client.force_login(User.objects.create_superuser("boss@harrow.example", "correct horse battery"))
    order = order_of()
    page = f"/orders/{order.number}/cancel"

    unseen = client.post(page, {"note": "Changed her mind"}, headers={"HX-Request": "true"})
    shown = client.post(f"{page}/preview", {"note": "Changed her mind"}, headers={"HX-Request": "true"}).text
    order.refresh_from_db()
    assert (unseen.status_code, order.status) == (422, "ACCEPTED")
    assert "To be refunded" in shown
    assert "Leeds" in shown

    sent = dict(re.findall(r'name="(v|token|key|note)" value="([^"]*)"', shown))
    for _ in range(2):
        assert client.post(page, sent).status_code == 303

    order.refresh_from_db()
    assert (order.status, order.cancel_reason) == ("CANCELLED", "Changed her mind")
    assert (OrderChange.objects.count(), owed()) == (1, [Decimal(30)])
