"""Work that would come too late is given to a node that makes it, before the promise is missed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from core import audit
from core.actors import SYSTEM
from exceptions.models import Case
from inventory.models import Location
from orders import due, lateness
from orders.capacity import GUESS, Week
from orders.lateness import Job
from orders.models import CarrierOutage, FulfilmentLine, FulfilmentOrder, NodeMeasure
from orders.services import fulfilment, outages, profiles, rescuing
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.factories.orders import incoming_line, place
from tests.inventory.test_screens import person, signed_in

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def job(pk, units, minutes, *, begun=False):
    return Job(pk, 1, units, NOW + timedelta(minutes=minutes), begun)


def steady(units):
    return lambda at: float(units)


def test_a_queue_is_done_by_due_moment_and_what_comes_too_late_is_named():
    queue = [job(1, 60, 70), job(2, 30, 80), job(3, 60, 300), job(4, 30, 500, begun=True)]

    found = lateness.late(queue, steady(60), NOW)

    assert [one.job.id for one in found] == [1, 2]
    assert found[0].done_at == NOW + timedelta(minutes=90)
    assert found[0].latest_start == NOW + timedelta(minutes=10)
    assert lateness.late([], steady(60), NOW) == []


def test_another_job_waits_for_what_is_due_before_it():
    queue = [job(1, 60, 70), job(2, 60, 300)]

    soon = lateness.done_at(queue, steady(60), NOW, units=30, due_at=NOW + timedelta(minutes=100))

    assert soon == NOW + timedelta(minutes=90)


@pytest.fixture
def nodes(db):
    """A preferred, slow shop and a fast depot that have the same article."""
    shop, depot = LocationFactory(code="shop", priority=1, pick_capacity_hour=6), LocationFactory(code="depot")
    item = ItemFactory(sku="SKU-1")
    StockFactory(item=item, location=shop, sellable=99)
    StockFactory(item=item, location=depot, sellable=99)
    Location.objects.filter(pk=depot.pk).update(pick_capacity_hour=600)
    return shop, depot


def opened(units, *, due, **fields):
    order = place(incoming_line(quantity=units), **fields)
    (pk,) = fulfilment.create(order.pk)
    FulfilmentOrder.objects.filter(pk=pk).update(due_at=timezone.now() + due)
    return pk


def at(fulfilment_id):
    order_id = FulfilmentOrder.objects.values_list("order_id", flat=True).get(pk=fulfilment_id)
    return FulfilmentLine.objects.get(order_line__order=order_id, quantity__gt=0).location.code


def test_what_the_shop_cannot_make_goes_to_the_depot_and_the_rest_stays(nodes):
    first = opened(3, due=timedelta(hours=1), channel_ref="1")
    second = opened(6, due=timedelta(hours=1, minutes=10), channel_ref="2")
    begun = opened(1, due=timedelta(minutes=5), channel_ref="3")
    fulfilment.start_pick(begun, actor=SYSTEM)

    assert rescuing.resource_at_risk() == (1, 0)
    assert rescuing.resource_at_risk() == (0, 0)

    assert (at(first), at(second), at(begun)) == ("shop", "depot", "shop")
    assert not Case.objects.still_open().exists()
    assert [finding.invariant.name for finding in audit.audit() if finding.broken] == []


def test_where_nobody_makes_it_the_work_stays_and_is_a_case_that_clears_with_time(nodes):
    _, depot = nodes
    Location.objects.filter(pk=depot.pk).update(status="PAUSED")
    late = opened(6, due=timedelta(minutes=30))

    assert rescuing.resource_at_risk() == (0, 1)
    assert rescuing.resource_at_risk() == (0, 0)

    case = Case.objects.still_open().get()
    assert (case.reason, at(late)) == ("orders.promise_at_risk", "shop")
    FulfilmentOrder.objects.filter(pk=late).update(due_at=timezone.now() + timedelta(hours=5))
    assert rescuing.of(late) is None
    assert rescuing.standing() == []


def test_each_hour_is_worked_at_its_own_pace():
    def pace(at):
        return {12: 30.0, 13: 6.0}.get(at.hour, 60.0)

    start = NOW + timedelta(minutes=30)

    assert lateness.finish(start, 15, pace) == NOW + timedelta(hours=1)
    assert lateness.finish(start, 51, pace) == NOW + timedelta(hours=2, minutes=30)
    assert lateness.finish(start, 1, pace) == start + timedelta(minutes=10)


MONDAY, SUNDAY = datetime(2026, 6, 1, 14, 30, tzinfo=UTC), datetime(2026, 6, 7, 14, 30, tzinfo=UTC)


@pytest.mark.parametrize(("stated", "weeks", "hours", "monday", "sunday"), [
    (20, 4, 40, 12.0, 9.0), (10, 4, 40, 10.0, 9.0), (None, 4, 40, 12.0, 9.0), (None, 2, 40, 9.0, 9.0),
    (20, 2, 5, 20.0, 20.0), (None, 0, 0, None, None),
])  # fmt: skip
def test_a_capacity_is_what_was_picked_unless_less_is_stated(stated, weeks, hours, monday, sunday):
    hour = due.hour_of_week(MONDAY, "UTC") - 1
    picked, worked = [0.0] * 168, [0] * 168
    picked[hour], worked[hour] = 12.0, weeks
    week = Week("UTC", stated, picked, worked, 9.0, hours)

    assert (week.known(MONDAY).units, week.known(SUNDAY).units) == (monday, sunday)
    assert week.pace(MONDAY) == (monday or GUESS)


def test_sourcing_and_rescuing_go_by_one_capacity_which_its_page_explains(nodes, client):
    shop, depot = nodes
    now = timezone.now()
    hours = [0.0] * 168
    hours[due.hour_of_week(now, shop.time_zone) - 1] = 4.0
    NodeMeasure.objects.create(
        location=shop, days=56, hours=hours, worked=[5 if each else 0 for each in hours], usual=3.0, hours_worked=40
    )
    us = signed_in(client, person("orders.view_nodeterms", "orders.change_nodeterms"))

    sourcing = {pk: profile.capacity for pk, profile in profiles.everyone(now).items()}
    rescue = {pk: pace(now) for pk, pace in rescuing.paces([shop.pk, depot.pk]).items()}

    assert sourcing == rescue == {shop.pk: 4.0, depot.pk: 600.0}
    page = us.get("/ops/nodes/shop").content.decode()
    assert "4 units this hour" in page
    assert "over 5 weeks. 6 stated are more" in page
    assert "600 units an hour are stated" in us.get("/ops/nodes/depot").content.decode()


def test_while_its_only_carrier_is_out_a_node_gets_nothing_and_gives_its_work_away(nodes):
    shop, _ = nodes
    Location.objects.filter(pk=shop.pk).update(carriers=["dpd"])
    waiting = opened(1, due=timedelta(hours=9), channel_ref="1")

    outages.begin("dpd", reason="Strike", actor=SYSTEM)
    outages.begin("dpd", reason="Strike", actor=SYSTEM)

    assert outages.resource() == (1, 0)
    assert at(waiting) == "depot"
    assert at(opened(1, due=timedelta(hours=9), channel_ref="2")) == "depot"
    assert outages.end("dpd", actor=SYSTEM)
    assert not outages.end("dpd", actor=SYSTEM)
    assert at(opened(1, due=timedelta(hours=9), channel_ref="3")) == "shop"
    assert CarrierOutage.objects.count() == 1
