"""Sourcing by policies: from draft to shadow to live, and what each stage does to orders."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from core import audit, jobs, outbox
from core.actors import SYSTEM
from core.errors import Invalid, Refusal
from core.models import Event, Job
from core.subjects import Subject
from exceptions import reasons
from exceptions.models import Case
from inventory.services import inbound
from inventory.services.inbound import Line
from orders import due
from orders.models import (
    CarrierService,
    FulfilmentLine,
    FulfilmentOrder,
    NodeTerms,
    Package,
    ParcelLabel,
    PolicyReplay,
    PolicyVersion,
    ShadowDecision,
    SourcingDecision,
)
from orders.services import aftermath, allocation, changing, fulfilment, nodework, policies, profiles, replays
from orders.services.packing import Parcel
from orders.sourcing import document
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.factories.orders import PLACED_AT, ChannelFactory, incoming_line, place
from tests.factories.policies import CHEAPEST, drafted, live
from tests.orders.parcels import service

pytestmark = pytest.mark.django_db


def drain():
    """Everything the facts so far bring about."""
    outbox.drain("default")


DEPOTS = [{"name": "depots", "nodes": {"kinds": ["WAREHOUSE"]}, "criteria": [{"name": "depth"}]}]


def chosen(order):
    return sorted(FulfilmentLine.objects.filter(order_line__order=order).values_list("location__code", flat=True))


def test_a_live_policy_decides_and_is_named_by_the_decision(lamp):
    before = place(channel_ref="1")
    version = live()

    after = place(channel_ref="2")

    assert (chosen(before), chosen(after)) == (["LEEDS"], ["LONDON"])
    decision = SourcingDecision.objects.get(order=after)
    assert (decision.ladder, decision.ladder_version, decision.rule) == ("cheap", 1, "cheapest")
    assert decision.policy_version == version
    assert SourcingDecision.objects.get(order=before).policy_version is None


def test_a_shadow_changes_nothing_and_stores_what_it_would_have_done(lamp):
    version = drafted()
    policies.watch(version.pk, version=None, actor=SYSTEM)

    order = place(incoming_line(quantity=2))

    assert chosen(order) == ["LEEDS"]
    shadow = ShadowDecision.objects.get(order=order, policy_version=version)
    assert (shadow.same, shadow.rule, shadow.live_rule) == (False, "cheapest", "one_node")
    assert (shadow.cost, shadow.live_cost) == (4.0, 10.0)
    assert shadow.kilometres > shadow.live_kilometres


def test_a_shadow_also_watches_where_nothing_was_found(lamp):
    version = drafted()
    policies.watch(version.pk, version=None, actor=SYSTEM)

    order = place(incoming_line(quantity=50))

    assert ShadowDecision.objects.get(order=order).same
    assert chosen(order) == []


def test_a_channels_own_policy_goes_before_everybodys(lamp):
    live(DEPOTS, "depots")
    live([{"name": "stores", "nodes": {"kinds": ["STORE"]}, "criteria": [{"name": "depth"}]}], "stores",
         ChannelFactory(code="shop"))  # fmt: skip

    assert chosen(place(channel_ref="1")) == ["LONDON"]
    assert chosen(place(channel_ref="2", channel=ChannelFactory(code="shop"))) == ["LEEDS"]


def test_the_next_live_version_retires_the_one_before_in_the_same_scope(lamp):
    first, second = live(), live(DEPOTS, "depots")

    first.refresh_from_db()
    assert (first.status, second.status) == ("RETIRED", "LIVE")
    assert PolicyVersion.objects.filter(status="LIVE").count() == 1
    policies.retire(second.pk, version=None, actor=SYSTEM)
    assert SourcingDecision.objects.filter(order=place()).get().ladder == "standard"


def test_only_a_shadow_goes_live_and_only_a_draft_is_reworded(lamp):
    version = drafted()

    with pytest.raises(Refusal, match="draft"):
        policies.go_live(version.pk, version=None, actor=SYSTEM)
    policies.save(version.pk, rules=DEPOTS, note="Depots", version=1, actor=SYSTEM)
    with pytest.raises(Refusal, match="changed meanwhile"):
        policies.save(version.pk, rules=CHEAPEST, note="", version=1, actor=SYSTEM)
    policies.watch(version.pk, version=2, actor=SYSTEM)
    with pytest.raises(Refusal, match="stay as they are"):
        policies.save(version.pk, rules=CHEAPEST, note="", version=None, actor=SYSTEM)

    version.refresh_from_db()
    assert (version.rules[0]["name"], version.status) == ("depots", "SHADOW")
    with pytest.raises(IntegrityError, match="stay as they are"), transaction.atomic():
        PolicyVersion.objects.filter(pk=version.pk).update(rules=CHEAPEST)
    told = list(
        Event.objects.filter(type="sourcing_policy.changed").order_by("id").values_list("data__what", flat=True)
    )
    assert told == ["drafted", "reworded", "watching"]


def test_a_new_draft_begins_with_an_older_wording(lamp):
    first = live()

    again = policies.draft(first.policy_id, actor=SYSTEM)

    assert (again.number, again.rules, again.status) == (2, first.rules, "DRAFT")
    assert policies.draft(first.policy_id, actor=SYSTEM) == again


@pytest.mark.parametrize("rules, path", [
    ([], "rules"),
    ([{"name": "a"}], "rules[0].criteria"),
    ([{"name": "A b", "criteria": [{"name": "depth"}]}], "rules[0].name"),
    ([{"name": "a", "criteria": [{"name": "taste"}]}], "rules[0].criteria[0]"),
    ([{"name": "a", "criteria": [{"name": "depth"}, {"name": "depth"}]}], "rules[0]"),
    ([{"name": "a", "criteria": [{"name": "distance", "settings": {"half": 0}}]}], "rules[0].criteria[0]"),
    ([{"name": "a", "criteria": [{"name": "distance", "settings": {"nope": 1}}]}], "rules[0].criteria[0]"),
    ([{"name": "a", "criteria": [{"name": "distance", "settings": {"half": float("nan")}}]}], "rules[0].criteria[0]"),
    ([{"name": "a", "criteria": [{"name": "depth"}], "max_nodes": 7}], "rules[0].max_nodes"),
    ([{"name": "a", "criteria": [{"name": "depth"}], "orders": {"regions": ["Yorkshire"]}}],
     "rules[0].orders.regions[0]"),
    ([{"name": "a", "criteria": [{"name": "depth"}], "orders": {"value_from": 9.0, "value_below": 3.0}}],
     "rules[0].orders"),
    ([{"name": "a", "criteria": [{"name": "depth"}], "wish": 1}], "rules[0].wish"),
    ([{"name": "a", "criteria": [{"name": "depth"}]}] * 2, "rules[1].name"),
    ([{"name": "a", "criteria": [{"name": "depth"}], "nodes": {"codes": ["NOWHERE"]}}], "rules[0].nodes.codes"),
    ([{"name": "a", "criteria": [{"name": "depth"}], "orders": {"channels": ["nobody"]}}], "rules[0].orders.channels"),
])  # fmt: skip
def test_what_is_no_policy_is_said_with_its_path(lamp, rules, path):
    version = drafted()

    with pytest.raises(Invalid) as refused:
        policies.save(version.pk, rules=rules, note="", version=None, actor=SYSTEM)

    assert path in [problem.path for problem in refused.value.problems]
    version.refresh_from_db()
    assert version.rules == document.write(document.read(CHEAPEST))


def test_stored_rules_read_back_as_the_same_ladder():
    full = [{"name": "a", "split": True, "max_nodes": 2, "then": "HOLD", "nodes": {"kinds": ["STORE"]},
             "orders": {"regions": ["GB:BT"], "attribute": ["size", "XL"], "value_from": 10.0},
             "criteria": [{"name": "distance", "settings": {"most": 500.0}, "step": 0.1}]}]  # fmt: skip

    stored = document.write(document.read(full))

    assert document.ladder("x", 1, stored) == document.ladder("x", 1, full)
    assert document.ladder("x", 1, stored).rules[0].orders.attribute == ("size", "XL")


# --- After a rule that found too little


def then(action, split=False):
    return live([{"name": "only", "split": split, "criteria": [{"name": "depth"}], "then": action}], action.lower())


def test_a_rule_may_cancel_what_it_finds_no_nodes_for(lamp):
    then("CANCEL")

    order = place(incoming_line(quantity=50))
    drain()

    order.refresh_from_db()
    assert order.status == "CANCELLED"
    assert order.cancel_reason == "Rule only of cancel 1 found too little"
    assert not Case.objects.filter(reason="orders.unallocated").exists()


def test_a_rule_may_hold_the_order_for_a_person(lamp):
    then("HOLD")

    order = place(incoming_line(quantity=50))
    drain()
    aftermath.carry_out(order.pk, sequence=1, actor=SYSTEM)

    assert [(hold.type, hold.blocks) for hold in order.holds.all()] == [("MANUAL", "ALLOCATE")]
    assert "Rule only of hold 1" in order.holds.get().reason
    assert reasons.get("orders.unallocated").standing() == []
    assert not Case.objects.filter(reason="orders.unallocated").exists()


def test_a_rule_may_leave_it_to_customer_care(lamp):
    then("CARE")

    order = place(incoming_line(quantity=50))
    drain()
    assert Case.objects.get(reason="orders.needs_care").subject_uid == str(order.pk)
    assert reasons.get("orders.unallocated").standing() == []
    assert reasons.get("orders.needs_care").standing() == [str(order.pk)]

    changing.cancel(order.pk, actor=SYSTEM)

    assert reasons.get("orders.needs_care").standing() == []

    assert Case.objects.get(reason="orders.needs_care").status == "RESOLVED"


@pytest.mark.parametrize("split, sent, waits", [(True, 20, 5), (False, 0, 25)])
def test_a_rule_may_wait_for_a_delivery_with_what_is_missing_or_with_everything(lamp, split, sent, waits):
    then("BACKORDER", split=split)
    soon = timezone.now() + timedelta(days=2)
    stock = lamp.stock.first()
    inbound.expect(Subject("purchase", "1", "PO-1"), [Line(lamp.pk, stock.location_id, 40)], due_at=soon, actor=SYSTEM)

    order = place(incoming_line(quantity=25))
    drain()

    line = order.lines.get()
    assert (line.allocated, line.backordered, line.open) == (sent, waits, 0)
    assert [each.invariant.name for each in audit.audit("orders.") if each.broken] == []


def test_what_no_delivery_brings_is_a_case(lamp):
    then("BACKORDER")

    order = place(incoming_line(quantity=25))
    drain()

    assert Case.objects.get(reason="orders.unallocated").subject_uid == str(order.pk)


def test_an_action_comes_too_late_once_the_order_was_sourced_again(lamp):
    then("CANCEL")
    order = place(incoming_line(quantity=50))
    lamp.stock.update(sellable=60)
    allocation.allocate(order.pk)

    drain()

    order.refresh_from_db()
    assert order.status == "ACCEPTED"


# --- What ships alone


def test_what_ships_alone_is_work_of_its_own(lamp):
    alone = ItemFactory(sku="ACID", attributes={"ship_alone": True})
    StockFactory(item=alone, location=lamp.stock.get(location__code="LEEDS").location, sellable=5)

    order = place(incoming_line(), incoming_line("ACID"))
    drain()

    works = order.fulfilments.order_by("sequence")
    assert [(work.location.code, work.lines.count()) for work in works] == [("LEEDS", 1), ("LEEDS", 1)]


# --- What nodes really do


def test_a_nodes_pace_and_refusals_are_measured_and_count_beside_what_is_stated(lamp):
    place_ = lamp.stock.get(location__code="LEEDS").location
    monday = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
    for week in range(4):
        order = place(incoming_line(quantity=2), channel_ref=f"w{week}")
        drain()
        FulfilmentOrder.objects.filter(order=order).update(
            picked_at=timezone.now() - (timezone.now() - monday) % timedelta(days=7) - timedelta(days=7 * week),
        )
    FulfilmentOrder.objects.filter(order__channel_ref="w0").update(status="REJECTED")

    nodework.measure()
    nodework.measure()

    measured = place_.measure
    hour = due.hour_of_week(monday, "UTC") - 1
    assert (measured.hours[hour], measured.worked[hour], sum(measured.worked)) == (2.0, 4, 4)
    assert (measured.offered, measured.refused) == (8, 2)
    assert (measured.usual, measured.hours_worked) == (2.0, 4)
    assert profiles.week(measured, zone="UTC", stated=20).known(monday).units == 2.0


def test_costs_are_stated_once_and_a_late_form_is_refused(lamp):
    place_ = LocationFactory()

    nodework.state(place_.pk, NodeTerms(currency="GBP", parcel=4), version=0, actor=SYSTEM)

    with pytest.raises(Refusal, match="changed meanwhile"):
        nodework.state(place_.pk, NodeTerms(currency="GBP", parcel=5), version=0, actor=SYSTEM)
    with pytest.raises(Invalid, match="currency"):
        nodework.state(place_.pk, NodeTerms(parcel=5), version=1, actor=SYSTEM)
    assert NodeTerms.objects.get(location=place_).parcel == 4


# --- Replays


def label(order, *, cost):
    """Its one parcel packed, and its label bought."""
    fulfilment.create(order.pk)
    job = FulfilmentOrder.objects.get(order=order)
    fulfilment.start_pick(job.pk, actor=SYSTEM)
    for _ in range(2):
        fulfilment.pick(job.pk, code="SKU-1", actor=SYSTEM)
    fulfilment.pack(job.pk, parcels=[Parcel(weight_grams=2000)], actor=SYSTEM)
    ParcelLabel.objects.create(
        uid=uuid4(), package=Package.objects.get(), service=CarrierService.objects.get(), status="BOUGHT", grams=2000,
        tracking_number="JD1", cost=cost, currency="GBP",
    )  # fmt: skip


def replayed(version, **given):
    asked = {"channel": None, "placed_from": PLACED_AT - timedelta(days=1), "placed_to": PLACED_AT + timedelta(days=1)}
    return replays.start(version.pk, actor=SYSTEM, **(asked | given))


def test_a_replay_shows_what_a_draft_would_have_done_beside_what_happened(lamp):
    for n in range(3):
        place(incoming_line(quantity=2), channel_ref=f"p{n}")
    place(incoming_line(quantity=12), channel_ref="split")
    place(channel_ref="test", test=True)
    version = drafted()

    replay = replayed(version)
    replays.carry_on()

    replay.refresh_from_db()
    job = Job.objects.get(pk=replay.job_id)
    assert (job.status, job.total, job.done) == ("DONE", 4, 4)
    leeds, london = (str(row.location_id) for row in lamp.stock.order_by("location__code"))
    before, after = replay.sums["before"], replay.sums["after"]
    assert (replay.sums["orders"], replay.sums["changed"]) == (4, 3)
    assert before["load"] == {leeds: 10, london: 8}
    assert after["load"] == {london: 16, leeds: 2}
    assert (before["split"], after["split"]) == (1, 1)
    assert after["costs"]["GBP"] < before["costs"]["GBP"]
    assert (before["priced"], after["priced"]) == ({"stated": 5}, {"stated": 5})
    assert after["kilometres"] > before["kilometres"]
    assert not ShadowDecision.objects.exists()


def test_a_replay_prices_parcels_as_carriers_do_and_says_so_and_what_they_charged(lamp):
    zone = {"name": "UK", "countries": ["GB"], "days": 1, "prices": [[1500, "4.00"], [30000, "7.00"]]}
    service("post", zones=[zone])
    order = place(incoming_line(quantity=2), channel_ref="1")
    place(incoming_line(quantity=12), channel_ref="split")
    place(channel_ref="abroad", ship_to={"country": "FR"})
    label(order, cost="5.50")
    version = drafted([{"name": "near", "split": True, "criteria": [{"name": "distance"}]}])

    replay = replayed(version)
    replays.carry_on()

    replay.refresh_from_db()
    before, after = replay.sums["before"], replay.sums["after"]
    assert before["costs"] == after["costs"] == {"GBP": 3 * (7 + 1) + 3 + 1}  # each parcel by its own weight
    assert before["priced"] == {"quoted": 3, "stated": 1}  # nobody goes to France
    assert (replay.sums["labelled"], replay.sums["charged"]) == (1, {"GBP": 5.5})


def test_a_replay_goes_on_where_it_was_and_can_be_stopped(lamp, monkeypatch):
    for n in range(5):
        place(channel_ref=f"p{n}")
    monkeypatch.setattr(replays, "CHUNK", 2)
    replay = replayed(drafted())

    ticks = iter([0.0, 0.0, 9.0])
    monkeypatch.setattr(replays, "monotonic", lambda: next(ticks, 9.0))
    replays.run(replay.pk, seconds=1)
    assert Job.objects.get(pk=replay.job_id).done == 2
    jobs.stop(replay.job_id)
    monkeypatch.undo()
    replays.carry_on()

    job = Job.objects.get(pk=replay.job_id)
    assert (job.status, job.done) == ("STOPPED", 2)
    assert replays.carry_on() == 0


def test_two_workers_never_replay_the_same_slice(lamp):
    place()
    replay = replayed(drafted())
    PolicyReplay.objects.update(leased_until=timezone.now() + timedelta(minutes=1))

    assert replays.run(replay.pk) is False
    assert Job.objects.get(pk=replay.job_id).status == "QUEUED"


@pytest.mark.parametrize("given", [{"placed_to": PLACED_AT - timedelta(days=2)},
                                   {"placed_from": PLACED_AT - timedelta(days=999)},
                                   {"placed_from": PLACED_AT + timedelta(hours=1)}])  # fmt: skip
def test_a_period_without_sense_or_orders_is_refused(lamp, given):
    place()

    with pytest.raises(Refusal):
        replayed(drafted(), **given)
    assert not PolicyReplay.objects.exists()
