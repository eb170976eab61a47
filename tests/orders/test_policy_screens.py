"""Policies, their shadows and replays, and nodes: over HTTP."""

from __future__ import annotations

import pytest

from core.models import Job
from orders.models import NodeTerms, PolicyReplay, PolicyVersion, SourcingPolicy
from orders.services import replays
from tests.factories.inventory import LocationFactory
from tests.factories.orders import ChannelFactory, place
from tests.factories.policies import drafted, live
from tests.inventory.test_screens import person, signed_in

pytestmark = pytest.mark.django_db
SEE = ("orders.view_sourcingpolicy", "orders.view_order", "orders.view_nodeterms")
ALL = (*SEE, "orders.change_sourcingpolicy", "orders.launch_sourcingpolicy", "orders.change_nodeterms")
HERE = "/ops/policies/cheap/1"
FORM = {
    "v": "1", "note": "Cheaper", "r0-name": "depots", "r0-kinds": ["WAREHOUSE"], "r0-then": "NEXT",
    "r0-c0-name": "distance", "r0-c0-most": "400", "r0-c1-name": "depth", "r1-name": "any", "r1-split": "1",
    "r1-max_nodes": "3", "r1-then": "HOLD", "r1-c0-name": "shipping_cost", "r1-c0-step": "0.1",
    "r1-regions": "GB-NIR, GB:BT", "r1-attribute_key": "size", "r1-attribute_value": "XL", "r1-value_from": "20",
}  # fmt: skip


@pytest.fixture
def us(client):
    return signed_in(client, person(*ALL))


def test_a_policy_is_made_worded_watched_put_live_and_retired(us, lamp):
    ChannelFactory()
    answer = us.post("/ops/policies/new", {"name": "Cheap", "code": "cheap", "channel": "webshop"})
    assert answer.headers["Location"] == HERE

    us.post(HERE, FORM)

    version = PolicyVersion.objects.get()
    assert version.rules == [
        {"name": "depots", "nodes": {"kinds": ["WAREHOUSE"]},
         "criteria": [{"name": "distance", "settings": {"most": 400.0}}, {"name": "depth"}]},
        {"name": "any", "split": True, "max_nodes": 3, "then": "HOLD",
         "orders": {"regions": ["GB-NIR", "GB:BT"], "attribute": ["size", "XL"], "value_from": 20.0},
         "criteria": [{"name": "shipping_cost", "step": 0.1}]},
    ]  # fmt: skip
    page = us.get(HERE).content.decode()
    assert 'value="GB-NIR, GB:BT"' in page
    assert 'value="400"' in page
    for verb, v in (("shadow", 2), ("live", 3), ("retire", 4)):
        assert us.post(f"{HERE}/{verb}", {"v": str(v)}).status_code == 303
    version.refresh_from_db()
    assert (version.status, version.note) == ("RETIRED", "Cheaper")
    assert us.post(f"{HERE}/shadow", {"v": "5"}).status_code == 409
    us.post("/ops/policies/cheap/draft", {"from": "1"})
    assert PolicyVersion.objects.get(number=2).rules == version.rules
    assert "The same rules" in us.get("/ops/policies/cheap/2").content.decode()


@pytest.mark.parametrize("fields, words", [
    ({"r0-name": "Not so"}, "Rule 1: name"),
    ({"r0-c0-most": "far"}, "Rule 1: criterion 1"),
    ({"r1-max_nodes": "many"}, "Rule 2: max nodes"),
    ({"r1-regions": "Yorkshire"}, "Rule 2: orders, regions"),
    ({"r1-codes": "NOWHERE"}, "nobody knows NOWHERE"),
    ({"r1-attribute_value": ""}, "Rule 2: orders, attribute"),
    ({"r1-name": "depots"}, "another rule has this name"),
    ({"r0-c1-name": "distance"}, "each criterion counts once"),
    ({"r0-c0-name": "taste"}, "there is no criterion"),
    ({"r1-then": "PANIC"}, "Rule 2: then"),
])  # fmt: skip
def test_what_makes_no_sense_is_said_by_rule_and_what_was_typed_stays(us, lamp, fields, words):
    drafted()

    answer = us.post(HERE, FORM | fields)

    page = answer.content.decode()
    assert answer.status_code == 422
    assert words in page
    assert "Cheaper" in page
    assert PolicyVersion.objects.get().version == 1


def test_a_stale_form_changes_nothing(us, lamp):
    version = drafted()
    PolicyVersion.objects.update(version=4)

    assert us.post(HERE, FORM).status_code == 409

    version.refresh_from_db()
    assert version.rules[0]["name"] == "cheapest"


@pytest.mark.parametrize("step, names, criteria", [
    ("add-rule", ["depots", "any", "rule_3"], 2), ("remove-rule-0", ["any"], 1), ("down-rule-0", ["any", "depots"], 1),
    ("up-rule-1", ["any", "depots"], 1), ("add-criterion-0", ["depots", "any"], 3),
    ("remove-criterion-0-1", ["depots", "any"], 1), ("up-criterion-0-1", ["depots", "any"], 2), ("", ["depots", "any"], 2),
    ("explode-rule-0", ["depots", "any"], 2),
])  # fmt: skip
def test_rows_are_added_moved_and_removed_before_anything_is_saved(us, lamp, step, names, criteria):
    drafted()

    page = us.post(f"{HERE}/rows", FORM | {"do": step}).content.decode()

    assert [name for name in (*names, "rule_4") if f'value="{name}"' in page] == names
    assert page.count('name="r0-c') == 0 or page.count("-step") >= criteria
    assert sum(f'name="r0-c{n}-name"' in page for n in range(5)) == criteria
    assert PolicyVersion.objects.get().version == 1


def test_a_draft_is_tried_on_the_latest_orders_without_changing_anything(us, lamp):
    place(channel_ref="1")
    drafted()
    form = {"r0-name": "cheap", "r0-c0-name": "shipping_cost", "r0-then": "NEXT"}

    page = us.post(f"{HERE}/preview", form).content.decode()

    assert "1 of 1 order would have gone elsewhere" in page
    assert "<b>LONDON</b>" in page
    assert "These are no rules yet" in us.post(f"{HERE}/preview", form | {"r0-name": ""}).content.decode()
    assert PolicyVersion.objects.get().rules[0]["name"] == "cheapest"


def test_a_replay_is_asked_for_watched_and_shows_both_sides(us, lamp, django_capture_on_commit_callbacks):
    place(channel_ref="1")
    drafted()

    answer = us.post(f"{HERE}/replay", {"from": "2026-03-01", "to": "2026-03-02", "channel": ""})
    address = answer.headers["Location"]
    assert "The first orders are being played" in us.get(address).content.decode()
    replays.carry_on()

    assert address == f"/ops/replays/{PolicyReplay.objects.get().pk}"
    assert Job.objects.get().status == "DONE"
    page = us.get(address).content.decode()
    assert "1 of 1 order would have gone elsewhere" in page
    assert "LONDON" in page
    assert us.post(f"{HERE}/replay", {"from": "soon", "to": "2026-03-02"}).status_code == 422
    assert us.post(f"{HERE}/replay", {"from": "2026-03-02", "to": "2026-03-01"}).status_code == 422


def test_why_these_nodes_names_candidates_rule_version_and_shadow(us, lamp, query_count):
    live()
    shadow = drafted([{"name": "near", "criteria": [{"name": "distance"}]}], "near")
    us.post("/ops/policies/near/1/shadow", {"v": "1"})
    order = place(channel_ref="1")

    page = us.get(f"/orders/{order.number}/why").content.decode()
    dialog = us.get(f"/orders/{order.number}/why", headers={"HX-Request": "true"}).content.decode()

    for words in ("Cheap 1", "rule cheapest", "Shipping cost", "LEEDS", "Near 1", "instead of"):
        assert words in page
    assert "<html" not in dialog
    assert "Every try" in dialog
    page = us.get(f"/ops/policies/near/{shadow.number}/decisions").content.decode()
    assert order.number in page
    assert "1 of 1 decisions differ" in page
    with query_count("policy-shadow", lambda: us.get("/ops/policies/near/1/decisions")):
        place(channel_ref="2")
    with query_count("order-why", lambda: us.get(f"/orders/{order.number}/why")):
        place(channel_ref="3")


def test_lists_take_a_fixed_number_of_queries(us, lamp, query_count):
    drafted()
    with query_count("policies", lambda: us.get("/ops/policies/")):
        drafted(code="b")
        drafted(code="c")
    with query_count("policy", lambda: us.get("/ops/policies/cheap/")):
        PolicyVersion.objects.create(policy=SourcingPolicy.objects.get(code="cheap"), number=2, status="RETIRED")
    with query_count("policy-version", lambda: us.get(HERE)):
        PolicyVersion.objects.filter(number=1).update(note="x")
    with query_count("nodes", lambda: us.get("/ops/nodes/")):
        NodeTerms.objects.create(location=LocationFactory(), currency="GBP", parcel=3)


def test_a_nodes_costs_are_stated_on_its_page(us, lamp):
    form = {"v": "1", "currency": "GBP", "parcel": "4.20", "parcel_abroad": "", "kilo": "0.5", "handling": "1",
            "handling_unit": "0", "cut_off": "17:30", "days": "2", "days_abroad": "5"}  # fmt: skip

    assert us.post("/ops/nodes/LEEDS", form).status_code == 303

    terms = NodeTerms.objects.get(location__code="LEEDS")
    assert (str(terms.parcel), terms.cut_off.hour, terms.days, terms.version) == ("4.2000", 17, 2, 2)
    assert us.post("/ops/nodes/LEEDS", form).status_code == 409
    for field, bad in (("parcel", "-1"), ("parcel", "1e3"), ("kilo", ""), ("cut_off", "25:00"), ("days", "x"),
                       ("days", "61"), ("currency", "gbp"), ("currency", "")):  # fmt: skip
        answer = us.post("/ops/nodes/LEEDS", form | {"v": "2", field: bad})
        assert (answer.status_code, f'id="e-{field}"' in answer.content.decode()) == (422, True)
    assert 'value="4.2"' in us.get("/ops/nodes/LEEDS").content.decode()


def test_each_step_needs_its_permission(client, lamp):
    drafted()
    signed_in(client, person())
    for address in ("/ops/policies/", "/ops/policies/cheap/", HERE, f"{HERE}/decisions", "/ops/nodes/"):
        assert client.get(address).status_code == 403
    signed_in(client, person(*SEE))
    assert client.get(HERE).status_code == 200
    assert client.post(HERE, FORM).status_code == 403
    for address in ("rows", "shadow", "retire", "replay"):
        assert client.post(f"{HERE}/{address}", FORM).status_code == 403
    for address in ("/ops/policies/new", "/ops/nodes/LEEDS"):
        assert client.get(address).status_code == 403
    assert PolicyVersion.objects.get().status == "DRAFT"


def test_people_of_one_site_see_their_nodes_only(client, lamp):
    here = lamp.stock.get(location__code="LEEDS").location
    signed_in(client, person(*ALL, sites=[here.site] if here.site else []))

    page = client.get("/ops/nodes/").content.decode()

    assert "LEEDS" in page
    if here.site:
        assert "LONDON" not in page
        assert client.get("/ops/nodes/LONDON").status_code == 404
