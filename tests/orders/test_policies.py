"""Sourcing by policies: from draft to shadow to live, and what each stage does to orders."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from core.actors import SYSTEM
from core.errors import Invalid, Refusal
from core.models import Event
from orders.models import FulfilmentLine, NodeTerms, PolicyVersion, ShadowDecision, SourcingDecision
from orders.services import policies
from orders.sourcing import document
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.factories.orders import ChannelFactory, incoming_line, place

pytestmark = pytest.mark.django_db
CHEAPEST = [{"name": "cheapest", "split": True, "criteria": [{"name": "shipping_cost"}, {"name": "priority"}]}]
DEPOTS = [{"name": "depots", "nodes": {"kinds": ["WAREHOUSE"]}, "criteria": [{"name": "depth"}]}]


@pytest.fixture
def lamp():
    """An article at a near, dear store and at a far, cheap warehouse."""
    item = ItemFactory(sku="SKU-1", weight_grams=1000)
    for code, kind, lat, parcel in (("LEEDS", "STORE", 53.8, 9), ("LONDON", "WAREHOUSE", 51.5, 3)):
        where = LocationFactory(code=code, name=code.title(), kind=kind, lat=lat, lon=-1.5, country="GB")
        NodeTerms.objects.create(location=where, currency="GBP", parcel=parcel, handling=1)
        StockFactory(item=item, location=where, sellable=10)
    return item


def drafted(rules=CHEAPEST, code="cheap", channel=None):
    return policies.create(code, code.title(), channel=channel, rules=rules, actor=SYSTEM)


def live(rules=CHEAPEST, code="cheap", channel=None):
    version = drafted(rules, code, channel)
    policies.watch(version.pk, version=None, actor=SYSTEM)
    return policies.go_live(version.pk, version=None, actor=SYSTEM)


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
