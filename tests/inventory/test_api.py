"""Partners hold units for a cart and tell what happened to them."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db.models import F
from django.utils import timezone

from core import audit
from core.actors import SYSTEM
from core.models import Event
from integrations.models import ApiClient
from inventory.models import Reservation, Stock, StockMovement
from inventory.services import kits, reservations
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory

pytestmark = pytest.mark.django_db
RESERVATIONS, MOVEMENTS = "/api/v1/reservations", "/api/v1/stock/movements"


class Api:
    """Calls the API the way a partner does."""

    def __init__(self, client, *scopes):
        self.client, (self.row, self.key) = client, ApiClient.issue("Shop", scopes=list(scopes))

    def post(self, path, data, *, key=None):
        sent = {"Authorization": f"Bearer {self.key}", "Idempotency-Key": key or uuid4().hex}
        raw = data if isinstance(data, str) else json.dumps(data)
        return self.client.post(path, raw, content_type="application/json", headers=sent)

    def get(self, path):
        return self.client.get(path, headers={"Authorization": f"Bearer {self.key}"})


@pytest.fixture
def api(client):
    return Api(client, "reservations:read", "reservations:write", "stock:write")


@pytest.fixture
def mug():
    return StockFactory(item=ItemFactory(sku="MUG"), location=LocationFactory(code="shop"), sellable=5)


def cart(quantity=2, demand="cart-1", **line):
    return {
        "demand": demand,
        "ttl_seconds": 600,
        "lines": [{"ref": "1", "sku": "MUG", "location": "shop", "quantity": quantity, **line}],
    }


def move(kind="receive", reference="R-1", **fields):
    return {
        "reference": reference,
        "moves": [{"type": kind, "sku": "MUG", "location": "shop", "quantity": 1, **fields}],
    }


def let_time_run_out():
    Reservation.objects.update(expires_at=F("expires_at") - timedelta(hours=1))


def broken():
    return [finding.invariant.name for finding in audit.audit("inventory.") if finding.broken]


def test_a_cart_is_held_and_found_where_the_answer_says(api, mug):
    made = api.post(RESERVATIONS, cart())

    found = api.get(made.headers["Location"])

    assert made.status_code == 201
    assert found.json() == made.json()
    assert (made.json()["kind"], made.json()["status"]) == ("SOFT", "HELD")
    assert [(r["sku"], r["location"], r["quantity"]) for r in made.json()["reservations"]] == [("MUG", "shop", 2)]
    mug.refresh_from_db()
    assert mug.reserved == 2


def test_the_same_cart_again_holds_nothing_more(api, mug):
    first = api.post(RESERVATIONS, cart(), key="k")

    replayed, known, other = (
        api.post(RESERVATIONS, cart(), key="k"),
        api.post(RESERVATIONS, cart()),
        api.post(RESERVATIONS, cart(3)),
    )

    assert (replayed.content, replayed.headers["Idempotency-Replayed"]) == (first.content, "true")
    assert (known.status_code, other.status_code, other.json()["code"]) == (200, 409, "demand_differs")
    mug.refresh_from_db()
    assert mug.reserved == 2


def test_a_cart_that_comes_up_short_holds_nothing_and_says_why(api, mug):
    short = api.post(RESERVATIONS, cart(6))

    assert (short.status_code, short.json()["code"]) == (409, "not_enough_stock")
    assert short.json()["facts"]["short"] == [{"sku": "MUG", "location": "shop", "wanted": 6, "available": 5}]
    assert not Reservation.objects.exists()


def test_what_nobody_knows_is_named_by_its_path(api, mug):
    refused = api.post(RESERVATIONS, cart(sku="CUP", location="nowhere"))

    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_reference")
    assert {e["path"] for e in refused.json()["errors"]} == {"lines[0].sku", "lines[0].location"}


def test_a_kit_is_held_as_its_parts(api, mug):
    spoon = StockFactory(location=mug.location, sellable=7)
    kit = ItemFactory(sku="TEA-FOR-ONE")
    kits.define(kit.pk, {mug.item_id: 1, spoon.item_id: 3}, actor=SYSTEM)

    two, three = (api.post(RESERVATIONS, cart(n, f"c{n}", sku="TEA-FOR-ONE")) for n in (2, 3))

    assert [(r["ref"], r["quantity"]) for r in two.json()["reservations"]] == [("1", 2), ("1", 6)]
    assert three.status_code == 409
    assert {(s["wanted"], s["available"]) for s in three.json()["facts"]["short"]} == {(9, 1)}


def test_extending_gives_more_time_and_never_less(api, mug):
    api.post(RESERVATIONS, cart())
    before = Reservation.objects.get().expires_at

    shorter = api.post(f"{RESERVATIONS}/cart-1/extend", {"ttl_seconds": 1})
    longer = api.post(f"{RESERVATIONS}/cart-1/extend", {"ttl_seconds": 3600})

    assert shorter.status_code == longer.status_code == 200
    assert shorter.json()["expires_at"] == before.isoformat().replace("+00:00", "Z")
    assert Reservation.objects.get().expires_at > before + timedelta(minutes=40)
    assert Event.objects.filter(type="reservation.extended").count() == 2


def test_a_firm_reservation_no_longer_runs_out(api, mug):
    api.post(RESERVATIONS, cart())

    firm = api.post(f"{RESERVATIONS}/cart-1/confirm", {"order": "A-17"})
    again = api.post(f"{RESERVATIONS}/cart-1/confirm", {})
    extended = api.post(f"{RESERVATIONS}/cart-1/extend", {"ttl_seconds": 60})

    assert (firm.json()["kind"], firm.json()["status"], firm.json()["expires_at"]) == ("FIRM", "HELD", None)
    assert again.json() == firm.json()
    assert (extended.status_code, extended.json()["code"]) == (409, "already_firm")
    assert Reservation.objects.get().demand.cause_label == "A-17"
    let_time_run_out()
    assert reservations.expire() == 0
    assert broken() == []


@pytest.mark.parametrize("swept", [False, True])
@pytest.mark.parametrize("verb", ["extend", "confirm"])
def test_when_its_time_is_over_it_is_over_swept_or_not(api, mug, verb, swept):
    api.post(RESERVATIONS, cart(5))
    let_time_run_out()
    if swept:
        reservations.expire()

    late = api.post(f"{RESERVATIONS}/cart-1/{verb}", {"ttl_seconds": 60} if verb == "extend" else {})

    assert (late.status_code, late.json()["code"]) == (409, "reservation_expired")
    assert api.get(f"{RESERVATIONS}/cart-1").json()["status"] == "EXPIRED"
    assert api.post(RESERVATIONS, cart(5, "cart-2")).status_code == 201


def test_giving_back_frees_the_units_once(api, mug):
    api.post(RESERVATIONS, cart())

    answers = [api.post(f"{RESERVATIONS}/cart-1/release", {"reason": "Cart emptied"}) for _ in range(2)]
    late = api.post(f"{RESERVATIONS}/cart-1/confirm", {})

    assert [a.json()["status"] for a in answers] == ["RELEASED", "RELEASED"]
    assert (late.status_code, late.json()["code"]) == (409, "not_held")
    mug.refresh_from_db()
    assert mug.reserved == 0


def test_a_cart_of_another_client_is_not_there(api, mug, client):
    api.post(RESERVATIONS, cart())
    other = Api(client, "reservations:read", "reservations:write")

    assert other.get(f"{RESERVATIONS}/cart-1").status_code == 404
    for verb, body in (("extend", {"ttl_seconds": 5}), ("confirm", {}), ("release", {})):
        assert other.post(f"{RESERVATIONS}/cart-1/{verb}", body).status_code == 404
    assert other.post(RESERVATIONS, cart(1)).status_code == 201
    assert Reservation.objects.held().count() == 2


def test_a_key_without_the_scope_is_told_so(client, mug):
    stranger = Api(client, "orders:write")

    assert stranger.post(RESERVATIONS, cart()).status_code == 403
    assert stranger.post(MOVEMENTS, move()).status_code == 403
    assert stranger.get(f"{RESERVATIONS}/cart-1").status_code == 403


@pytest.mark.parametrize(
    "wrong",
    [
        {"demand": "with space"},
        {"demand": "a/b"},
        {"demand": ""},
        {"ttl_seconds": 0},
        {"ttl_seconds": True},
        {"ttl_seconds": "60"},
        {"ttl_seconds": 2**40},
        {"lines": []},
        {"status": "FIRM"},
        {"lines": [{"ref": "1", "sku": "MUG", "location": "shop", "quantity": 0}]},
        {"lines": [{"ref": "1", "sku": "MUG", "location": "shop", "quantity": 2**70}]},
        {"lines": [{"ref": "1", "sku": "MU\u200bG\n", "location": "shop", "quantity": 1}]},
        {"lines": [{"ref": "1", "sku": "MUG", "location": "shop", "quantity": 1, "site": 2}]},
    ],
)
def test_a_body_that_makes_no_sense_is_400_and_changes_nothing(api, mug, wrong):
    refused = api.post(RESERVATIONS, cart() | wrong)

    assert refused.status_code == 400
    assert refused.json()["errors"]
    assert not Reservation.objects.exists()


def test_too_many_lines_are_413(api, mug):
    assert api.post(RESERVATIONS, cart() | {"lines": cart()["lines"] * 201}).status_code == 413


@pytest.mark.parametrize(
    ("line", "state", "units"),
    [
        ({"type": "receive", "quantity": 4}, "sellable", 9),
        ({"type": "issue", "quantity": 4}, "sellable", 1),
        ({"type": "return", "quantity": 1}, "awaiting_inspection", 1),
        ({"type": "return", "quantity": 1, "state": "sellable"}, "sellable", 6),
        ({"type": "found", "quantity": 1, "reason": "COUNT"}, "sellable", 6),
        ({"type": "missing", "quantity": 2, "reason": "THEFT"}, "sellable", 3),
        ({"type": "move", "quantity": 2, "to_state": "damaged"}, "damaged", 2),
    ],
)
def test_units_move_as_told(api, mug, line, state, units):
    kind = line.pop("type")

    told = api.post(MOVEMENTS, move(kind, **line))

    assert told.status_code == 201
    mug.refresh_from_db()
    assert getattr(mug, state) == units
    assert broken() == []


def test_units_in_transit_arrive(api, mug):
    LocationFactory(code="store")

    api.post(MOVEMENTS, move("transfer_out", to_location="store", quantity=3))
    api.post(MOVEMENTS, move("transfer_in", "R-2", location="store", quantity=2))

    there = Stock.objects.get(location__code="store")
    assert (there.in_transit_in, there.sellable) == (1, 2)


def test_a_document_is_posted_once_for_its_reference(api, mug):
    first, again = api.post(MOVEMENTS, move()), api.post(MOVEMENTS, move())
    other = api.post(MOVEMENTS, move(quantity=2))

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["movement_ids"] == first.json()["movement_ids"]
    assert (other.status_code, other.json()["code"]) == (409, "key_reused")
    mug.refresh_from_db()
    assert mug.sellable == 6


def test_a_till_that_was_offline_tells_when_it_was(api, mug):
    then = (timezone.now() - timedelta(days=2)).replace(microsecond=0)
    later = (timezone.now() + timedelta(hours=1)).isoformat()

    told = api.post(MOVEMENTS, move("issue") | {"occurred_at": then.isoformat()})
    refused = api.post(MOVEMENTS, move("issue", "R-2") | {"occurred_at": later})

    assert told.status_code == 201
    assert StockMovement.objects.get(key__endswith=":R-1").occurred_at == then
    assert (refused.status_code, refused.json()["errors"][0]["rule"]) == (400, "future")


def test_a_sold_kit_leaves_as_its_parts(api, mug):
    spoon = StockFactory(location=mug.location, sellable=7)
    kit = ItemFactory(sku="TEA-FOR-ONE")
    kits.define(kit.pk, {mug.item_id: 1, spoon.item_id: 3}, actor=SYSTEM)

    sold = api.post(MOVEMENTS, move("issue", sku="TEA-FOR-ONE", quantity=2))
    received = api.post(MOVEMENTS, move("receive", "R-2", sku="TEA-FOR-ONE"))

    assert len(sold.json()["movement_ids"]) == 2
    assert (received.status_code, received.json()["code"]) == (422, "kit_has_no_stock")
    mug.refresh_from_db(), spoon.refresh_from_db()
    assert (mug.sellable, spoon.sellable) == (3, 1)


def test_tracked_units_come_and_go_by_name(api, mug):
    ItemFactory(sku="PHONE", tracking="SERIAL")

    came = api.post(MOVEMENTS, move(sku="PHONE", quantity=2, serials=["A", "B"]))
    nameless = api.post(MOVEMENTS, move("issue", "R-2", sku="PHONE"))
    left = api.post(MOVEMENTS, move("issue", "R-3", sku="PHONE", serials=["A"]))

    assert (came.status_code, left.status_code) == (201, 201)
    assert (nameless.status_code, nameless.json()["errors"][0]["path"]) == (422, "moves[0].serials")
    assert nameless.json()["errors"][0]["rule"] == "required"


@pytest.mark.parametrize(
    "fields",
    [
        {"quantity": -1},
        {"state": "customer"},
        {"to_state": "damaged"},
        {"reason": "THEFT"},
        {"to_location": "shop"},
        {"kind": "move"},
        {"kind": "missing"},
        {"kind": "missing", "reason": "BECAUSE"},
        {"kind": "transfer_out"},
        {"kind": "transfer_in", "state": "damaged"},
        {"kind": "steal"},
        {"expires_on": "2026-01-01"},
        {"expires_on": "2026-02-30", "lot": "L"},
        {"serials": "ABC"},
        {"lot": "L", "serials": ["A"]},
    ],
)
def test_a_move_that_makes_no_sense_is_400_and_changes_nothing(api, mug, fields):
    kind = fields.pop("kind", "receive")

    refused = api.post(MOVEMENTS, move(kind, **fields))

    assert refused.status_code == 400
    assert refused.json()["errors"][0]["path"].startswith("moves[0]")
    assert StockMovement.objects.count() == 1


def test_a_document_with_one_impossible_line_moves_nothing(api, mug):
    lines = [*move("issue")["moves"], *move("issue", quantity=99)["moves"]]

    refused = api.post(MOVEMENTS, {"reference": "R-1", "moves": lines})

    assert (refused.status_code, refused.json()["code"]) == (409, "not_enough_stock")
    mug.refresh_from_db()
    assert mug.sellable == 5


def test_the_schema_lists_the_endpoints(described):
    assert {RESERVATIONS, f"{RESERVATIONS}/{{demand}}/confirm", MOVEMENTS} <= described["paths"].keys()


def test_what_was_given_back_before_the_rest_became_firm_is_no_break_of_the_books(mug):
    held = reservations.hold(
        "cart", [reservations.Want(str(n), mug.item_id, mug.location_id, 1) for n in range(2)],
        kind="SOFT", ttl=timedelta(minutes=10), actor=SYSTEM,
    )  # fmt: skip
    reservations.release([(held.reservations[0].id, None)], key="back", reason="Changed their mind", actor=SYSTEM)

    reservations.confirm("cart", actor=SYSTEM)

    assert sorted(Reservation.objects.values_list("kind", "status")) == [("FIRM", "HELD"), ("SOFT", "RELEASED")]
    assert broken() == []
