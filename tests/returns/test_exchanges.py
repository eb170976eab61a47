"""Something else instead: even, up and down, sent ahead or not; money moves once and both orders add up."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils import timezone

from core import outbox
from core.actors import person
from core.errors import Invalid, Refusal
from core.models import User
from orders.canonical import IncomingPayment
from orders.models import Hold, Order, Payment, PaymentInstruction
from orders.services import instructions
from returns import exchanging
from returns.exchanging import Given, Wanted
from returns.models import Exchange, RefundDecision
from returns.services import exchanges, inspection, receiving
from returns.services.exchanges import Instead
from returns.services.inspection import Seen
from returns.services.receiving import Found
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.returns.bench import ANNA, approved, bench_of, sold

pytestmark = pytest.mark.django_db


def paid_return(units: int = 1, price: str = "40.00"):
    """A return of an order that was paid by card, not received yet; and what replaces it, in stock."""
    item, instead = ItemFactory(), ItemFactory()
    StockFactory(item=instead, sellable=5)
    paid = IncomingPayment(
        ref="ch_1", kind="captured", amount=Decimal(price) * units, currency="GBP", at=timezone.now(), gateway="stripe"
    )
    rma = approved(sold((item, units), price=price, payments=(paid,)), (item, units), at=LocationFactory(returns=True))
    return rma, item, instead


def bring(rma, item, units: int = 1, **seen) -> None:
    receiving.receive(rma.pk, Found(item.sku, units), location_id=rma.location_id, key="in", actor=ANNA)
    inspection.inspect(bench_of(rma).pk, Seen("A", quantity=units, **seen), key="look", actor=ANNA)
    exchanges.follow(rma.pk)


def money(order: Order) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for kind, amount in Payment.objects.filter(order=order).values_list("kind", "amount"):
        found[kind] = found.get(kind, Decimal(0)) + amount
    return found


@pytest.mark.parametrize(
    ("price", "kind", "to_pay", "to_refund"), [("40", "EVEN", 0, 0), ("55.5", "UP", "15.5", 0), ("30", "DOWN", 0, 10)]
)
def test_even_up_and_down(price, kind, to_pay, to_refund):
    found = exchanging.add_up([Given(1, Decimal(40))], [Wanted(1, Decimal(price))], 2)

    assert (found.kind, found.to_pay, found.to_refund) == (kind, Decimal(to_pay), Decimal(to_refund))
    assert exchanging.add_up([Given(1, Decimal(40))], [Wanted(1, Decimal(price))], 2, most=Decimal(25)).credit == 25


def test_an_even_exchange_waits_for_the_goods_and_then_moves_their_money():
    rma, item, instead = paid_return()

    made = exchanges.exchange(rma.pk, [Instead(instead.sku)], key="x", actor=ANNA)
    again = exchanges.exchange(rma.pk, [Instead(instead.sku)], key="x", actor=ANNA)

    assert made.pk == again.pk
    assert (made.status, made.difference) == ("PLACED", 0)
    assert list(Hold.objects.standing().filter(order=made.order).values_list("type", flat=True)) == ["MANUAL"]
    assert money(made.order) == {}

    bring(rma, item)
    exchanges.follow(rma.pk)

    made.refresh_from_db()
    assert made.status == "SETTLED"
    assert money(rma.order) == {"captured": 40, "refunded": 40}
    assert money(made.order) == {"captured": 40}
    assert not Hold.objects.standing().filter(order=made.order).exists()
    assert not PaymentInstruction.objects.exists()


def test_an_exchange_down_gives_the_rest_back_when_the_goods_are_accepted():
    rma, item, instead = paid_return()
    made = exchanges.exchange(rma.pk, [Instead(instead.sku, 1, Decimal(25))], key="x", actor=ANNA)
    assert not PaymentInstruction.objects.exists()

    bring(rma, item)

    assert money(made.order) == {"captured": 25}
    (rest,) = PaymentInstruction.objects.all()
    assert (rest.kind, rest.amount, rest.order) == ("REFUND", 15, rma.order)


def test_an_exchange_up_leaves_only_once_the_difference_is_paid():
    rma, item, instead = paid_return()
    made = exchanges.exchange(rma.pk, [Instead(instead.sku, 1, Decimal(70))], key="x", actor=ANNA)

    bring(rma, item)
    assert Hold.objects.standing().filter(order=made.order, type="MANUAL").exists()
    exchanges.pay(made.pk, reference="till-9", gateway="till", actor=ANNA)
    exchanges.pay(made.pk, reference="till-9", gateway="till", actor=ANNA)

    assert money(made.order) == {"captured": 70}
    assert money(rma.order) == {"captured": 40, "refunded": 40}
    assert not Hold.objects.standing().filter(order=made.order).exists()


def test_money_that_went_back_meanwhile_does_not_move_but_is_left_to_pay():
    rma, item, instead = paid_return()
    made = exchanges.exchange(rma.pk, [Instead(instead.sku)], key="x", actor=ANNA)
    with pytest.raises(Refusal, match="left to give back"):
        instructions.refund(made.order_id, Decimal(1), cause="goodwill-new", why="Sorry", actor=ANNA)
    instructions.refund(rma.order_id, Decimal(15), cause="goodwill", why="Sorry", actor=ANNA)

    bring(rma, item)

    made.refresh_from_db()
    assert money(made.order) == {"captured": 25}
    assert (made.status, made.credit, exchanges.due(made)) == ("SETTLED", 25, 15)
    assert Hold.objects.standing().filter(order=made.order, type="MANUAL").exists()

    exchanges.pay(made.pk, reference="till-1", gateway="till", actor=ANNA)
    assert not Hold.objects.standing().filter(order=made.order).exists()


def test_rejected_goods_call_the_exchange_off():
    rma, item, instead = paid_return()
    made = exchanges.exchange(rma.pk, [Instead(instead.sku)], key="x", actor=ANNA)

    bring(rma, item, verdict="REJECTED", note="Worn out")

    made.refresh_from_db()
    made.order.refresh_from_db()
    assert (made.status, made.order.status) == ("CANCELLED", "CANCELLED")
    assert money(rma.order) == {"captured": 40}


def test_a_return_is_exchanged_once_and_for_articles_that_exist():
    rma, _, instead = paid_return()
    with pytest.raises(Invalid) as invalid:
        exchanges.exchange(rma.pk, [Instead("nobody"), Instead(instead.sku, 0)], key="w", actor=ANNA)
    exchanges.exchange(rma.pk, [Instead(instead.sku)], key="x", actor=ANNA)
    with pytest.raises(Refusal) as again:
        exchanges.exchange(rma.pk, [Instead(instead.sku)], key="y", actor=ANNA)
    blind = approved(None, (instead, 1), at=rma.location)
    with pytest.raises(Refusal) as without:
        exchanges.exchange(blind.pk, [Instead(instead.sku)], key="z", actor=ANNA)

    assert [problem.path for problem in invalid.value.problems] == ["items[0].sku", "items[1].quantity"]
    assert (again.value.code, without.value.code) == ("exchanged", "no_order")
    assert Exchange.objects.count() == 1


def _card_route(rma) -> None:
    from orders.models import PaymentRoute

    PaymentRoute.objects.create(channel=rma.order.channel, via="PROVIDER", connection="stripe")


def test_an_advance_exchange_leaves_at_once_against_a_hold_that_is_let_go_when_the_goods_come():
    rma, item, instead = paid_return()
    _card_route(rma)

    made = exchanges.exchange(rma.pk, [Instead(instead.sku)], advance=True, key="x", actor=ANNA)

    (hold,) = PaymentInstruction.objects.all()
    assert (made.status, hold.kind, hold.amount, hold.order) == ("HELD", "AUTHORISE", 40, rma.order)
    assert not Hold.objects.standing().filter(order=made.order).exists()

    bring(rma, item)

    made.refresh_from_db()
    assert made.status == "SETTLED"
    assert money(rma.order) == {"captured": 40, "refunded": 40}
    assert money(made.order) == {"captured": 40}


def test_accepted_units_are_refunded_by_the_outbox_and_those_of_a_called_off_exchange_too():
    anna = person(User.objects.create_user("anna@example.test"))
    item, instead, leeds = ItemFactory(), ItemFactory(), LocationFactory(returns=True)
    StockFactory(item=instead, sellable=5)
    paid = IncomingPayment(
        ref="ch_2", kind="captured", amount=Decimal(80), currency="GBP", at=timezone.now(), gateway="stripe"
    )
    rma = approved(sold((item, 2), payments=(paid,)), (item, 2), at=leeds)
    made = exchanges.exchange(rma.pk, [Instead(instead.sku)], key="x", actor=anna)
    receiving.receive(rma.pk, Found(item.sku, 2), location_id=leeds.pk, key="in", actor=anna)
    inspection.inspect(bench_of(rma).pk, Seen("A"), key="good", actor=anna)
    inspection.inspect(bench_of(rma).pk, Seen("D", verdict="REJECTED", note="Torn"), key="bad", actor=anna)

    for _ in range(3):
        outbox.drain("default")

    made.refresh_from_db()
    assert made.status == "CANCELLED"
    decision = RefundDecision.objects.get(request=rma)
    assert (decision.cause.startswith("inspection:"), decision.amount) == (True, 40)
