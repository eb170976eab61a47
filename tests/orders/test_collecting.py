"""Orders that wait for their customer: codes, proof, part of it left, nobody came, and the money that is due then."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.utils import timezone

from core import audit
from core.actors import SYSTEM
from core.errors import Invalid, Refusal
from core.models import Event, User
from exceptions.models import Case
from inventory.models import Stock
from orders.canonical import Buyer, IncomingPayment
from orders.edits import Substitute
from orders.models import (
    Collection,
    FulfilmentOrder,
    NodeExclusion,
    Order,
    RefundDue,
    ShortPick,
    ShortRule,
    StorePolicy,
)
from orders.services import changing, fulfilment, payments, pickup
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.factories.orders import ChannelFactory, incoming_line, place

pytestmark = pytest.mark.django_db


@pytest.fixture
def store():
    return LocationFactory(code="leeds", pickup=True, kind="STORE", time_zone="Europe/London")


def waiting(store, *lines, **fields) -> FulfilmentOrder:
    """An order that stands on the ready shelf."""
    for line in lines or (incoming_line(),):
        item = ItemFactory(sku=line.sku)
        StockFactory(item=item, location=store, sellable=10)
    order = place(*lines, method="PICKUP", pickup_location_code=store.code, **fields)
    fulfilment.create(order.pk)
    job = FulfilmentOrder.objects.get(order=order)
    fulfilment.start_pick(job.pk, actor=SYSTEM)
    for line in job.lines.select_related("item"):
        fulfilment.pick(job.pk, code=line.item.sku, quantity=line.quantity, actor=SYSTEM)
    return fulfilment.ready(job.pk, shelf="r-04", actor=SYSTEM)


def books_are_clean():
    assert [found.invariant.name for found in audit.audit("orders") if found.broken] == []


def test_an_order_that_is_ready_has_a_code_a_place_and_a_last_day(store):
    with time_machine.travel(datetime.fromisoformat("2026-03-02T14:00:00+00:00"), tick=False):
        job = waiting(store)

    made = Collection.objects.get(fulfilment=job)
    told = Event.objects.get(type="fulfilment.ready").data
    code = pickup.code_of(job)
    assert made.shelf == "R-04"
    assert made.collect_by == datetime.fromisoformat("2026-03-10T00:00:00+00:00")
    assert told["code"] == made.code
    assert code.text == f"{made.code[:3]} {made.code[3:]}"
    assert code.qr.startswith("<svg")
    assert pickup.find(code.text.lower(), location_id=store.pk) == made


@pytest.mark.parametrize(
    ("policy", "shown", "refused"),
    [
        ("WITHOUT_CODE", {}, "identity_needed"),
        ("WITHOUT_CODE", {"id_seen": True}, None),
        ("WITHOUT_CODE", {"code": True}, None),
        ("ALWAYS", {"code": True}, "identity_needed"),
        ("ALWAYS", {"code": True, "id_seen": True}, None),
        ("NEVER", {}, None),
        ("NEVER", {"code": "ZZZZZZ"}, "wrong_code"),
    ],
)
def test_what_has_to_be_shown_at_the_counter_is_the_stores_policy(store, policy, shown, refused):
    StorePolicy.objects.create(location=store, id_check=policy)
    job = waiting(store)
    made = Collection.objects.get()
    shown = {name: made.code if name == "code" and value is True else value for name, value in shown.items()}

    if refused:
        with pytest.raises(Refusal) as no:
            fulfilment.hand_over(job.pk, actor=SYSTEM, **shown)
        assert no.value.code == refused
        assert FulfilmentOrder.objects.get().status == "READY"
    else:
        fulfilment.hand_over(job.pk, given_to="Nadia Osei", actor=SYSTEM, **shown)
        made.refresh_from_db()
        assert FulfilmentOrder.objects.get().status == "COLLECTED"
        assert made.proof
        assert made.given_to == "Nadia Osei"
    books_are_clean()


def test_units_left_at_the_counter_go_back_to_stock_and_are_due_to_be_refunded(store):
    job = waiting(
        store,
        incoming_line("SKU-1", 3, discount_total=Decimal("3.00")),
        incoming_line("SKU-2"),
        discount_total=Decimal("3.00"),
        total=Decimal("37.00"),
    )
    line = job.lines.get(item__sku="SKU-1")

    fulfilment.hand_over(job.pk, id_seen=True, taken={line.pk: 1}, actor=SYSTEM)

    order = Order.objects.get()
    wanted = order.lines.get(sku="SKU-1")
    due = RefundDue.objects.get()
    assert (wanted.fulfilled, wanted.cancelled, wanted.open, wanted.allocated) == (1, 2, 0, 0)
    assert order.status == "COMPLETED"
    assert due.amount == Decimal("18.00")
    assert Event.objects.get(type="order.refund_due").data["amount"] == "18.00"
    assert Event.objects.get(type="fulfilment.shipped").data["lines"][0]["quantity"] == 1
    assert Case.objects.get().reason == "orders.refund_due"
    assert list(Collection.objects.to_put_back()) == [Collection.objects.get()]
    books_are_clean()


def test_a_customer_may_come_again_for_the_rest(store):
    job = waiting(store, incoming_line("SKU-1", 3), incoming_line("SKU-2"))
    some, other = job.lines.get(item__sku="SKU-1"), job.lines.get(item__sku="SKU-2")
    first = Collection.objects.get()

    fulfilment.hand_over(
        job.pk, code=first.code, taken={some.pk: 1, other.pk: 0}, keep_rest=True, given_to="Nadia Osei", actor=SYSTEM
    )

    rest = Collection.objects.waiting().get()
    assert rest.fulfilment.status == "READY"
    assert {line.item.sku: line.quantity for line in rest.fulfilment.lines.all()} == {"SKU-1": 2, "SKU-2": 1}
    assert (rest.shelf, rest.collect_by) == (first.shelf, first.collect_by)
    assert rest.code != first.code
    assert not RefundDue.objects.exists()
    assert not Collection.objects.to_put_back().exists()
    assert {stock.item.sku: (stock.sellable, stock.reserved) for stock in Stock.objects.all()} == {
        "SKU-1": (9, 2),
        "SKU-2": (10, 1),
    }
    books_are_clean()

    fulfilment.hand_over(rest.fulfilment_id, code=rest.code, actor=SYSTEM)

    assert Order.objects.get().status == "COMPLETED"
    left = Event.objects.filter(type="fulfilment.shipped").order_by("id")
    assert [sum(line["quantity"] for line in event.data["lines"]) for event in left] == [1, 3]
    books_are_clean()


def test_what_was_kept_and_never_fetched_is_taken_back_alone(store):
    job = waiting(store, incoming_line("SKU-1", 3))
    fulfilment.hand_over(job.pk, id_seen=True, taken={job.lines.get().pk: 1}, keep_rest=True, actor=SYSTEM)

    with time_machine.travel(timezone.now() + timedelta(days=15), tick=False):
        assert pickup.sweep() == (0, 1)

    wanted = Order.objects.get().lines.get()
    assert (wanted.fulfilled, wanted.cancelled) == (1, 2)
    assert RefundDue.objects.get().amount == Decimal("20.00")
    assert Stock.objects.get().reserved == 0
    books_are_clean()


def test_taking_nothing_is_not_a_handover(store):
    job = waiting(store)

    with pytest.raises(Refusal) as no:
        fulfilment.hand_over(job.pk, id_seen=True, taken={job.lines.get().pk: 0}, actor=SYSTEM)

    assert no.value.code == "nothing_taken"
    assert not RefundDue.objects.exists()


def test_what_nobody_fetches_in_time_is_taken_back_once_and_its_case_clears_with_the_refund(store):
    with time_machine.travel(timezone.now() - timedelta(days=6), tick=False):
        job = waiting(store, incoming_line("SKU-1", 2))
    assert pickup.sweep() == (1, 0)
    assert pickup.sweep() == (0, 0)
    reminded = Event.objects.filter(type="fulfilment.collect_soon").count()

    with time_machine.travel(timezone.now() + timedelta(days=9), tick=False):
        assert pickup.sweep() == (0, 1)
        assert pickup.sweep() == (0, 0)
        owed = Case.objects.still_open().get()
        back = IncomingPayment(ref="R-1", kind="refunded", amount=Decimal("20.00"), currency="GBP", at=timezone.now())
        payments.record("1001", [back], channel=ChannelFactory(), actor=SYSTEM)

    order = Order.objects.get()
    job.refresh_from_db()
    assert reminded == 1
    assert (job.status, order.status, order.cancel_reason) == ("UNCOLLECTED", "CANCELLED", "Not collected")
    assert Stock.objects.get().reserved == 0
    assert owed.reason == "orders.refund_due"
    assert not Case.objects.still_open().exists()
    pickup.put_back(job.pk, actor=SYSTEM)
    assert not Collection.objects.to_put_back().exists()
    books_are_clean()


def test_nothing_is_due_where_nothing_was_paid(store):
    job = waiting(store, payment_state="authorised")

    fulfilment.uncollected(job.pk, actor=SYSTEM)

    assert not RefundDue.objects.exists()
    assert not Case.objects.exists()


def test_a_handover_and_a_take_back_that_race_end_in_one(store):
    job = waiting(store)
    fulfilment.hand_over(job.pk, id_seen=True, version=job.version, actor=SYSTEM)

    with pytest.raises(Refusal):
        fulfilment.uncollected(job.pk, actor=SYSTEM)

    assert not RefundDue.objects.exists()
    assert Order.objects.get().status == "COMPLETED"


@pytest.fixture
def at_the_counter(client, store):
    client.force_login(User.objects.create_superuser("boss@harrow.example", "correct horse battery"))
    return client


def test_the_counter_finds_an_order_by_its_code_and_hands_it_over(at_the_counter, store, query_count):
    job = waiting(store, incoming_line("SKU-1", 2))
    code = Collection.objects.get().code

    found = at_the_counter.get(f"/s/leeds/handover?q={pickup.spaced(code)}")
    page = f"/s/leeds/ready/{job.number}"

    assert found["Location"] == f"{page}?code={code}"
    assert at_the_counter.get("/s/leeds/handover?q=nobody").status_code == 404
    assert code not in at_the_counter.get(page).content.decode()
    assert code not in at_the_counter.get(f"{page}/label").content.decode()
    with query_count("orders-collection", lambda: at_the_counter.get(page)):
        pass
    assert at_the_counter.post(f"{page}/hand-over", {"code": "", "v": job.version}).status_code == 422
    assert at_the_counter.post(f"{page}/hand-over", {"code": code, "v": job.version - 1}).status_code == 409
    assert (
        at_the_counter.post(f"{page}/hand-over", {"code": code, f"taken-{job.lines.get().pk}": "-1"}).status_code == 422
    )
    assert FulfilmentOrder.objects.get().status == "READY"
    assert at_the_counter.post(f"{page}/hand-over", {"code": code, "v": job.version}).status_code == 303
    assert FulfilmentOrder.objects.get().status == "COLLECTED"


def test_the_ready_shelf_takes_a_fixed_number_of_queries_and_finds_by_name(at_the_counter, store, query_count):
    waiting(store, buyer=Buyer(name="Nadia Osei"))

    with query_count("orders-ready", lambda: at_the_counter.get("/s/leeds/ready/")):
        for n in range(2, 5):
            waiting(store, incoming_line(f"SKU-{n}"), channel_ref=str(n))
    Collection.objects.filter(shelf="R-04").exclude(fulfilment__order__buyer_name="").update(shelf="R-09")

    def seen(asked):
        return at_the_counter.get(f"/s/leeds/ready/{asked}").content.decode().count('id="collection-')

    assert [seen(asked) for asked in ("", "?q=osei", "?q=r-09", "?q=zzz", "?view=ending", "?view=back")] == [
        4,
        1,
        1,
        0,
        0,
        0,
    ]
    assert at_the_counter.get("/s/leeds/ready/?view=nonsense").status_code == 400


def test_a_store_may_change_what_a_reason_does_and_add_its_own(store):
    StockFactory(item=ItemFactory(sku="SKU-1"), location=store, sellable=10)
    ShortRule.objects.create(code="NO_TIME", title="No time", effect="NONE", active=False)
    ShortRule.objects.create(code="NO_TAG", title="No price tag", effect="SET_ASIDE", asks_again=True)
    order = place(incoming_line(quantity=2), method="PICKUP", pickup_location_code=store.code)
    fulfilment.create(order.pk)
    job = FulfilmentOrder.objects.get()
    fulfilment.start_pick(job.pk, actor=SYSTEM)
    line = job.lines.get().pk

    with pytest.raises(Invalid):
        fulfilment.short_pick(job.pk, line_id=line, quantity=1, reason="NO_TIME", actor=SYSTEM)
    fulfilment.short_pick(job.pk, line_id=line, quantity=1, reason="NO_TAG", actor=SYSTEM)

    row = Stock.objects.get()
    assert (row.sellable, row.quarantined, row.reserved) == (9, 1, 2)
    assert not NodeExclusion.objects.exists()
    assert ShortPick.objects.get().title == "No price tag"
    books_are_clean()


def test_something_else_is_offered_with_its_effects_and_taken_once_the_customer_agrees(at_the_counter, store):
    family = {"family": "Outerwear", "size": "M"}
    StockFactory(item=ItemFactory(sku="SKU-1", attributes=family), location=store, sellable=5)
    alike = ItemFactory(sku="SKU-2", attributes=family | {"colour": "Navy"})
    StockFactory(item=alike, location=store, sellable=4)
    StockFactory(item=ItemFactory(sku="SKU-3", attributes={"family": "Hats"}), location=store, sellable=4)
    order = place(incoming_line("SKU-1", 2), method="PICKUP", pickup_location_code=store.code)
    fulfilment.create(order.pk)
    job = FulfilmentOrder.objects.get()
    here = f"/s/leeds/pick/{job.number}"
    line = order.lines.get()
    fulfilment.start_pick(job.pk, actor=SYSTEM)
    fulfilment.pick(job.pk, code="SKU-1", actor=SYSTEM)
    fulfilment.short_pick(job.pk, line_id=job.lines.get().pk, quantity=1, reason="NOT_FOUND", actor=SYSTEM)
    assert "Offer something else" in at_the_counter.get(here).content.decode()

    asked = at_the_counter.get(f"{here}/something-else?line={line.pk}").content.decode()
    seen = at_the_counter.get(f"{here}/something-else?line={line.pk}&sku=SKU-2").content.decode()

    assert "SKU-2" in asked
    assert "SKU-3" not in asked
    assert "Stays the same" in seen
    assert order.lines.count() == 1
    answer = {"line": line.pk, "quantity": 1, "sku": "SKU-2", "answer": "agreed", "key": "k-1"}
    for _ in range(2):
        assert at_the_counter.post(f"{here}/instead", answer).status_code == 303
    line.refresh_from_db()
    new = order.lines.get(sku="SKU-2")
    assert (line.open, line.allocated, new.allocated) == (0, 1, 1)
    assert new.replaces == line
    assert at_the_counter.post(f"{here}/instead", answer | {"key": "k-2", "sku": "NO-SUCH"}).status_code == 422
    books_are_clean()


def test_units_agreed_here_are_given_back_and_owed_like_any_other(store):
    for sku in ("SKU-1", "SKU-2"):
        StockFactory(item=ItemFactory(sku=sku), location=store, sellable=5)
    order = place(incoming_line("SKU-1", 1), method="PICKUP", pickup_location_code=store.code)
    changing.confirm(order.pk, [Substitute(line="line-SKU-1", sku="SKU-2")], version=None, actor=SYSTEM, key="k")
    fulfilment.create(order.pk)
    job = FulfilmentOrder.objects.get(status="OPEN")
    fulfilment.start_pick(job.pk, actor=SYSTEM)
    fulfilment.pick(job.pk, code="SKU-2", actor=SYSTEM)
    fulfilment.ready(job.pk, actor=SYSTEM)

    fulfilment.uncollected(job.pk, actor=SYSTEM)

    assert Order.objects.get().status == "CANCELLED"
    assert RefundDue.objects.get().amount == Decimal("10.00")
    assert not Stock.objects.filter(reserved__gt=0).exists()
    books_are_clean()
