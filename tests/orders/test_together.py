"""Waiting orders placed together: against every possible choice, and through the books."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import audit
from core.actors import SYSTEM
from core.errors import Refusal
from core.models import Job
from inventory.models import Stock
from orders.models import FulfilmentLine
from orders.services import batching, changing
from orders.sourcing import STANDARD, Ladder, Node, Profile, Request, Rule, Want, together
from orders.sourcing.criteria import Criterion
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.factories.orders import incoming_line, place
from tests.inventory.test_screens import person, signed_in

NODES = (1, 2, 3)
shelves = st.dictionaries(st.sampled_from((7, 8)), st.integers(0, 3), max_size=2)
wanted = st.dictionaries(st.sampled_from((7, 8)), st.integers(1, 2), min_size=1, max_size=2)


def waiting(order_id, wants, nodes):
    lines = tuple(Want(order_id * 10 + item, item, units) for item, units in sorted(wants.items()))
    return together.Waiting(order_id, Request(wants=lines), nodes, STANDARD)


def batch_of(orders, stock):
    nodes = [Node(pk, f"n{pk}", free, priority=pk) for pk, free in zip(NODES, stock, strict=True)]
    return [waiting(n, wants, nodes) for n, wants in enumerate(orders, 1)]


def taken(chosen):
    units = {}
    for way in chosen.values():
        for pick in way.picks:
            units[pick.location_id, pick.item_id] = units.get((pick.location_id, pick.item_id), 0) + pick.quantity
    return units


def test_the_first_order_leaves_the_only_node_of_both_articles_to_the_one_that_needs_it():
    # given: one by one, the first takes the lamp from the node that also has the shade the second wants
    orders = batch_of([{7: 1}, {7: 1, 8: 1}], [{7: 1, 8: 1}, {7: 1}, {}])

    # when
    found = together.place(orders)

    # then
    assert {n: way.places for n, way in found.one_by_one.items()} == {1: {1}, 2: {1, 2}}
    assert {n: way.places for n, way in found.together.items()} == {1: {2}, 2: {1}}
    assert (found.cost(found.one_by_one)[2], found.cost(found.together)[2], found.proven) == (3, 2, True)


def test_more_orders_are_placed_where_a_large_one_would_take_everything_first():
    found = together.place(batch_of([{7: 3}, {7: 1}, {7: 2}], [{7: 3}, {}, {}]))

    assert set(found.one_by_one) == {1}
    assert set(found.together) == {2, 3}


def test_a_node_is_not_given_more_than_its_policy_leaves_of_an_hour():
    rule = Rule("one", split=False, criteria=(Criterion("capacity", (("least", 0.5),)), Criterion("priority")))
    nodes = [Node(1, "n1", {7: 9}, profile=Profile(capacity=4)), Node(2, "n2", {7: 9}, priority=200)]
    ladder = Ladder("x", 1, (rule,))
    orders = [together.Waiting(n, Request(wants=(Want(n, 7, 1),)), nodes, ladder) for n in range(1, 7)]

    found = together.place(orders)

    assert len(found.together) == 6
    assert taken(found.together)[1, 7] == 2


@given(st.lists(wanted, min_size=1, max_size=3), st.lists(shelves, min_size=3, max_size=3))
@settings(max_examples=40, deadline=None)
def test_never_worse_than_one_by_one_never_oversold_and_the_best_there_is_to_choose(orders, stock):
    rows = batch_of(orders, stock)

    found = together.place(rows)

    free = {(pk, item): units for pk, shelf in zip(NODES, stock, strict=True) for item, units in shelf.items()}
    assert found.cost(found.together) <= found.cost(found.one_by_one)
    assert all(units <= free[shelf] for shelf, units in taken(found.together).items())
    for row in rows:
        if row.order_id in found.together:
            picks = found.together[row.order_id].picks
            for want in row.request.wants:
                assert sum(p.quantity for p in picks if p.line_id == want.line_id) == want.quantity
    ways = [[None, *together._ways(row, found.one_by_one.get(row.order_id))] for row in rows]
    chosen = [{n: way for n, way in enumerate(choice, 1) if way} for choice in product(*ways)]
    fitting = [each for each in chosen if all(units <= free[shelf] for shelf, units in taken(each).items())]
    assert found.cost(found.together) == min(found.cost(each) for each in fitting)


def test_without_the_solver_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(together, "find_spec", lambda name: None)

    with pytest.raises(Refusal) as refused:
        together.place([])

    assert refused.value.code == "no_solver"


@pytest.fixture
def waiting_orders(db):
    """Two orders that came before their stock did: one by one, the first takes the lamp the second could share."""
    lamp, shade = ItemFactory(sku="LAMP"), ItemFactory(sku="SHADE")
    first = place(incoming_line("LAMP"), channel_ref="1")
    second = place(incoming_line("LAMP"), incoming_line("SHADE"), channel_ref="2")
    near, far = (LocationFactory(code=code, priority=n, country="GB") for n, code in enumerate(("NEAR", "FAR")))
    for item, where in ((lamp, near), (shade, near), (lamp, far)):
        StockFactory(item=item, location=where, sellable=1)
    return first, second


def worked_out():
    job = batching.start(actor=SYSTEM)
    batching.work_out(job.pk)
    job.refresh_from_db()
    return job


def where(order):
    return set(FulfilmentLine.objects.filter(order_line__order=order).values_list("location__code", flat=True))


def broken():
    return [f.invariant.name for f in audit.audit() if f.broken and f.invariant.name.split(".")[0] in OURS]


OURS = {"orders", "inventory"}


def test_a_plan_shows_what_it_saves_and_changes_nothing_until_confirmed(waiting_orders):
    plan = worked_out()

    before, after = plan.result["one_by_one"], plan.result["together"]
    assert (before["placed"], before["parcels"], after["placed"], after["parcels"]) == (2, 3, 2, 2)
    assert not FulfilmentLine.objects.exists()
    job = batching.confirm(plan.pk, actor=SYSTEM)
    batching.carry_out(job.pk)
    job.refresh_from_db()
    first, second = waiting_orders
    assert (job.status, job.done, job.failed) == ("DONE", 2, 0)
    assert (where(first), where(second)) == ({"FAR"}, {"NEAR"})
    told = first.sourcing_decisions.latest("pk").explanation
    assert [why for _, why, _ in told["excluded_others"]] == ["left to other orders of its batch"]
    assert broken() == []
    with pytest.raises(Refusal) as again:
        batching.confirm(plan.pk, actor=SYSTEM)
    assert again.value.code == "placed_already"


def test_what_changed_since_the_plan_is_skipped_with_the_reason(waiting_orders):
    plan = worked_out()
    first, second = waiting_orders
    changing.cancel(first.pk, reason="Changed their mind", actor=SYSTEM)
    Stock.objects.filter(location__code="NEAR", item__sku="SHADE").update(sellable=0, damaged=1)

    job = batching.confirm(plan.pk, actor=SYSTEM)
    batching.carry_out(job.pk)

    job.refresh_from_db()
    assert (job.status, job.done, job.failed) == ("DONE", 0, 2)
    assert [row["code"] for row in job.failures] == ["stale", "taken"]
    assert not FulfilmentLine.objects.exists()
    assert Stock.objects.filter(reserved__gt=0).count() == 0


def test_nothing_waits_is_said_at_once(db):
    with pytest.raises(Refusal) as refused:
        batching.start(actor=SYSTEM)

    assert refused.value.code == "nothing_waits"


def test_a_person_looks_at_both_ways_and_confirms(
    client, waiting_orders, django_capture_on_commit_callbacks, query_count
):
    us = signed_in(client, person("orders.view_sourcingpolicy", "orders.launch_sourcingpolicy", "orders.view_order"))
    with django_capture_on_commit_callbacks():
        started = us.post("/ops/together")
    plan = Job.objects.get(kind=batching.PLAN)
    assert started.headers["Location"] == f"/ops/together/{plan.pk}"
    batching.work_out(plan.pk)

    page = us.get(f"/ops/together/{plan.pk}").content.decode()
    with django_capture_on_commit_callbacks():
        confirmed = us.post(f"/ops/together/{plan.pk}/confirm")
    batching.carry_out(Job.objects.get(kind=batching.PLACE).pk)

    with query_count("together", lambda: us.get(f"/ops/together/{plan.pk}")):
        place(incoming_line("LAMP"), channel_ref="3")
    assert "Together saves 1 parcel." in page
    assert "Place 2 orders so" in page
    assert confirmed.status_code == 303
    assert us.post(f"/ops/together/{plan.pk}/confirm").status_code == 409
    after = us.get(f"/ops/together/{plan.pk}").content.decode()
    assert "2 of 2 done" in after
    assert "Place 2 orders so" not in after
