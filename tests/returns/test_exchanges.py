"""Something else instead: even, up and down, sent ahead or not; money moves once and both orders add up."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db.models import F
from django.utils import timezone

from core import outbox
from core.actors import person
from core.errors import Invalid, Refusal
from core.events import Fact
from core.models import Event, User
from core.subjects import Subject
from exceptions import reasons
from exceptions.models import Case
from exceptions.services import cases
from orders.canonical import IncomingPayment
from orders.models import Hold, Order, OrderLine, Payment, PaymentInstruction
from orders.services import instruction_answers, instructions
from orders.services.money import refundable
from returns import exchanging, handlers
from returns.exchanging import Given, Wanted
from returns.models import Exchange, RefundDecision
from returns.services import advance, exchanges, inspection, receiving
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


def ahead():
    """An exchange that goes ahead of its goods, its hold asked for and not answered yet."""
    rma, item, instead = paid_return()
    _card_route(rma)
    made = exchanges.exchange(rma.pk, [Instead(instead.sku)], ahead=True, key="x", actor=ANNA)
    return rma, item, made, PaymentInstruction.objects.get(kind="AUTHORISE")


def answer(row, ref="pi_1", *, expires_in=timedelta(days=7)) -> None:
    at = timezone.now()
    instruction_answers.done(row.pk, ref=ref, at=at, gateway="stripe", expires_at=at + expires_in, actor=ANNA)
    heard()


def heard() -> None:
    """What the outbox tells the exchange of its payment."""
    for e in Event.objects.filter(type__in=("payment.done", "payment.failed")).order_by("pk"):
        about = Subject(e.subject_kind, e.subject_uid)
        fact = Fact(e.pk, e.uid, e.type, about, ANNA, e.data, e.occurred_at, "", 0)
        handlers.follow_exchange_payment(fact)


def waits(order) -> bool:
    return Hold.objects.standing().filter(order=order, type="MANUAL").exists()


def sent(order) -> None:
    """Its goods have left, whoever sent them."""
    OrderLine.objects.filter(order=order).update(fulfilled=F("ordered"), open=0, allocated=0, backordered=0)


def test_what_goes_ahead_of_its_goods_leaves_once_money_is_held_and_the_hold_is_let_go_when_they_come():
    rma, item, made, hold = ahead()

    assert (made.status, hold.amount, hold.order, waits(made.order)) == ("HELD", 40, rma.order, True)
    answer(hold)
    assert not waits(made.order)

    bring(rma, item)

    made.refresh_from_db()
    assert made.status == "SETTLED"
    assert money(rma.order) == {"captured": 40, "refunded": 40, "authorised": 40}
    assert money(made.order) == {"captured": 40}
    assert [row.kind for row in PaymentInstruction.objects.order_by("pk")] == ["AUTHORISE", "VOID"]


def test_nothing_is_sent_without_a_hold_and_its_case_says_what_can_be_done():
    rma, _, made, hold = ahead()
    instruction_answers.failed(hold.pk, code="card_declined", reason="Insufficient funds", actor=ANNA)
    heard()

    assert waits(made.order)
    case = Case.objects.get(reason="returns.exchange_not_held", is_open=True)
    assert case.summary == "Insufficient funds"
    reason = reasons.get(case.reason)
    offered = [a.code for a in reason.actions if a.offered is None or a.offered(str(rma.pk))]
    assert offered == ["again", "wait", "cancel"]
    with pytest.raises(Refusal) as unsent:
        advance.charge_now(made.pk, actor=ANNA)
    assert unsent.value.code == "not_sent"
    second = advance.hold_again(made.pk, actor=ANNA)
    assert advance.hold_again(made.pk, actor=ANNA).pk == second.pk != hold.pk

    answer(second)
    cases.recheck(rma.subject, actor=ANNA)

    assert not waits(made.order)
    case.refresh_from_db()
    assert not case.is_open


def test_what_was_not_held_may_wait_for_its_goods_or_be_called_off():
    rma, item, made, hold = ahead()
    instruction_answers.failed(hold.pk, code="card_declined", reason="No", actor=ANNA)
    advance.wait(made.pk, actor=ANNA)
    made.refresh_from_db()
    assert (made.status, made.advance, waits(made.order)) == ("PLACED", False, True)
    bring(rma, item)
    made.refresh_from_db()
    assert (made.status, waits(made.order), money(made.order)) == ("SETTLED", False, {"captured": 40})


def test_a_hold_that_comes_when_the_exchange_is_called_off_is_let_go():
    rma, _, made, hold = ahead()

    advance.call_off(made.pk, actor=ANNA)
    answer(hold)

    made.refresh_from_db()
    made.order.refresh_from_db()
    assert (made.status, made.order.status) == ("CANCELLED", "CANCELLED")
    assert PaymentInstruction.objects.get(kind="VOID").tender.provider_ref == "pi_1"
    assert instructions.held(rma.order_id) == []


def test_goods_that_never_came_are_charged_once_and_paid_back_when_they_do():
    rma, item, made, hold = ahead()
    answer(hold)
    sent(made.order)
    Exchange.objects.update(due_at=timezone.now() - timedelta(days=1))

    assert (advance.charge_overdue(), advance.charge_overdue()) == (1, 0)
    (capture,) = PaymentInstruction.objects.filter(kind="CAPTURE")
    instruction_answers.done(capture.pk, ref="ch_9", at=timezone.now(), gateway="stripe", parent_ref="pi_1", actor=ANNA)
    heard()
    heard()

    assert money(made.order) == {"captured": 40}
    assert (money(rma.order)["captured"], money(rma.order)["refunded"]) == (80, 40)
    assert refundable(rma.order_id, "GBP") == 40

    bring(rma, item)

    made.refresh_from_db()
    assert (made.status, money(made.order)) == ("SETTLED", {"captured": 40})
    (back,) = PaymentInstruction.objects.filter(kind="REFUND")
    assert (back.amount, back.order) == (40, rma.order)


def test_a_hold_that_is_gone_when_it_is_due_is_a_case_and_keeps_no_other_exchange_from_its_charge():
    rma, _, made, hold = ahead()
    answer(hold, expires_in=timedelta(hours=-1))
    sent(made.order)
    assert (advance.keep_held(), advance.keep_held()) == (1, 0)
    anew = PaymentInstruction.objects.filter(kind="AUTHORISE").latest("pk")
    instruction_answers.failed(anew.pk, code="expired_card", reason="The card has expired", actor=ANNA)
    Exchange.objects.update(due_at=timezone.now() - timedelta(days=1))

    assert advance.charge_overdue() == 0

    made.refresh_from_db()
    assert made.status == "HELD"
    case = Case.objects.get(reason="returns.exchange_not_held", is_open=True)
    assert "is not held for what was sent" in case.summary
    waited = advance.wait(made.pk, days=10, actor=ANNA)
    assert waited.due_at > timezone.now() + timedelta(days=9)
    with pytest.raises(Refusal) as left:
        advance.call_off(made.pk, actor=ANNA)
    assert left.value.code == "left_already"
    advance.charge_now(made.pk, actor=ANNA)
    answer(PaymentInstruction.objects.filter(kind="AUTHORISE").latest("pk"), ref="pi_3")
    assert advance.charge_overdue() == 1
    cases.recheck(rma.subject, actor=ANNA)
    case.refresh_from_db()
    assert not case.is_open


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
