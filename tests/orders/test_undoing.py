"""Actions of order cases taken back: by compensation, as long as nobody has built on them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from core import actors, audit
from core.actors import SYSTEM
from core.errors import Refusal
from exceptions.models import ActionRun, Case
from exceptions.services import acting, cases, undoing
from inventory.models import Location, Stock
from orders.models import FulfilmentOrder, Hold, Order, OrderChange, OrderLine, ParcelLabel, PaymentDisagreement
from orders.services import fulfilment, holds, label_answers, labels, payments
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.factories.orders import incoming_line, place
from tests.orders.parcels import bought, packed
from tests.orders.test_owed import confirm, event
from tests.orders.test_rescuing import at, nodes, opened

__all__ = ["nodes"]
pytestmark = pytest.mark.django_db


def act(case: Case, code: str) -> ActionRun:
    cases.act(case.pk, code, actor=SYSTEM)
    return ActionRun.objects.latest("pk")


def balanced() -> None:
    assert [found.invariant.name for found in audit.audit() if found.broken] == []


def test_sourcing_is_taken_back_and_the_order_waits_for_a_person():
    stock = StockFactory(item=ItemFactory(sku="SKU-1"), sellable=0)
    order = place(incoming_line(quantity=2))
    case = Case.objects.get(reason="orders.unallocated")
    Stock.objects.filter(pk=stock.pk).update(sellable=5)
    run = act(case, "allocate")

    undoing.undo(run.pk, actor=SYSTEM)

    line = OrderLine.objects.get(order=order)
    assert (line.open, line.allocated) == (2, 0)
    assert Stock.objects.get(pk=stock.pk).reserved == 0
    assert Hold.objects.standing().get().blocks == "ALLOCATE"
    with pytest.raises(Refusal, match="taken back already"):
        undoing.undo(run.pk, actor=SYSTEM)


def test_what_a_node_has_begun_stays_with_it():
    stock = StockFactory(item=ItemFactory(sku="SKU-1"), sellable=0)
    order = place(incoming_line(quantity=2))
    Stock.objects.filter(pk=stock.pk).update(sellable=5)
    run = act(Case.objects.get(reason="orders.unallocated"), "allocate")
    (job,) = fulfilment.create(order.pk)
    fulfilment.start_pick(job, actor=SYSTEM)

    with pytest.raises(Refusal) as refused:
        undoing.undo(run.pk, actor=SYSTEM)

    assert refused.value.code == "begun"
    assert not Hold.objects.exists()
    assert ActionRun.objects.count() == 1


def test_work_moved_to_another_node_is_brought_back(nodes):
    _, depot = nodes
    Location.objects.filter(pk=depot.pk).update(status="PAUSED")
    late = opened(6, due=timedelta(minutes=30))
    cases.open_standing(["orders.promise_at_risk"])
    Location.objects.filter(pk=depot.pk).update(status="ACTIVE")
    case = Case.objects.get(reason="orders.promise_at_risk")
    seen = acting.preview(case, "elsewhere", actor=SYSTEM).delta.rows
    run = act(case, "elsewhere")
    assert at(late) == "depot"

    made = undoing.undo(run.pk, actor=SYSTEM)

    assert {row.difference for row in seen if row.kind == "stock"} == {"-6", "+6"}
    assert (at(late), made.said[:7]) == ("shop", "Back at")
    balanced()


def test_a_hold_lifted_by_hand_is_worth_its_order_and_stands_again():
    StockFactory(item=ItemFactory(sku="SKU-1"))
    order = place()
    holds.place_manual(order.pk, reason="Call the customer", actor=SYSTEM)
    Hold.objects.update(due_at=timezone.now() - timedelta(minutes=1))
    cases.open_standing(["orders.hold_waiting"])
    run = act(Case.objects.get(), "release_manual")

    undoing.undo(run.pk, actor=SYSTEM)

    assert (run.amount, run.currency) == (Order.objects.get().total, "GBP")
    assert Hold.objects.standing().get().type == "MANUAL"


def test_an_amount_judged_is_to_be_judged_again_with_its_case():
    node = LocationFactory()
    StockFactory(item=ItemFactory(sku="SKU-1"), location=node)
    order = place(incoming_line(quantity=3), payments=(event("captured", "30.00"),))
    payments.record("1001", (event("captured", "12.50"),), channel=order.channel, actor=SYSTEM)
    case = Case.objects.get(reason="orders.payment_disagrees")
    run = act(case, "first_amount_stands")
    case.refresh_from_db()
    assert (case.status, run.amount, run.currency) == ("RESOLVED", Decimal("17.50"), "GBP")

    undoing.undo(run.pk, actor=SYSTEM)

    case.refresh_from_db()
    assert case.status == "OPEN"
    assert PaymentDisagreement.objects.get().settled_at is None


def test_a_change_told_by_hand_is_untold_again():
    from orders.edits import ChangeQuantity

    StockFactory(item=ItemFactory(sku="SKU-1"), sellable=9)
    order = place(incoming_line(quantity=3))
    confirm(order, ChangeQuantity(line="line-SKU-1", quantity=2))
    OrderChange.objects.update(channel_told="CANNOT")
    cases.open_standing(["orders.channel_untold"])
    case = Case.objects.get(reason="orders.channel_untold")
    run = act(case, "told_by_hand")

    undoing.undo(run.pk, actor=SYSTEM)

    case.refresh_from_db()
    assert (OrderChange.objects.get().channel_told, case.status) == ("CANNOT", "OPEN")


def test_a_label_ordered_again_says_what_it_costs_and_is_given_back():
    bought()
    job = packed()
    label = labels.buy(job.pk, actor=SYSTEM)[0]
    label_answers.failed(label.pk, reason="postcode and town disagree", actor=SYSTEM)
    case = Case.objects.get(reason="orders.label_failed")
    run = act(case, "try_again")
    assert (run.amount, run.currency) == (Decimal("3.20"), "GBP")
    label_answers.bought(label.pk, tracking_number="RM1", actor=SYSTEM)

    undoing.undo(run.pk, actor=SYSTEM)

    assert ParcelLabel.objects.get(pk=label.pk).status == "VOID_WANTED"
    fulfilment_id = FulfilmentOrder.objects.get().pk
    assert fulfilment_id == job.pk
    assert actors.SYSTEM.uid == ActionRun.objects.get(undoes=run).actor_uid
