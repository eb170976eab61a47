"""A connection taken live in phases: in shadow it does nothing but compare, then by share or place, and back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from core.actors import SYSTEM
from core.errors import Invalid, Refusal
from core.models import Delivery, Event, Job
from exceptions.models import Case
from integrations import cutover, inbox, phases, replaying
from integrations.channels import publishing, tasks
from integrations.cutover import Setting
from integrations.models import ApiClient, Connection, InboundMessage, ShadowResult
from orders.models import Order
from tests.integrations.conftest import FIXTURES
from tests.integrations.test_inbox import deliver
from tests.integrations.test_trace import person
from tests.orders.conftest import Api

pytestmark = pytest.mark.django_db
SEES = ("integrations.view_connection", "integrations.view_inboundmessage")
ACTS = (*SEES, "integrations.cut_over_connection")


@pytest.fixture
def new(shop: Connection) -> Connection:
    """A second connection of the same shop, in shadow beside the live one."""
    return Connection.objects.create(
        code="shopify-new", name="Shopify, new", kind="CHANNEL", vendor="shopify", channel=shop.channel, mode="SHADOW"
    )


def order(n: int = 0, **changes: Any) -> bytes:
    body = json.loads((FIXTURES / "orders_create.json").read_text())
    return json.dumps({**body, "id": body["id"] + n, "name": f"#{2000 + n}", **changes}).encode()


def came(to: Connection, n: int = 0, **changes: Any) -> inbox.Outcome:
    return inbox.process(deliver(to, f"order-{n}", "orders/create", body=order(n, **changes)))


def test_in_shadow_nothing_has_effect_and_everything_is_compared(shop: Connection, new: Connection):
    before = Event.objects.count(), Delivery.objects.count()
    nobody = came(new, 1)
    refund = inbox.process(deliver(new, "refunds_create", "refunds/create"))

    assert (nobody.status, nobody.reason) == ("IGNORED", "in shadow: would take in order #2001")
    assert (refund.status, refund.waits_for) == ("IGNORED", "")
    assert (Order.objects.count(), Case.objects.count()) == (0, 0)
    assert (Event.objects.count(), Delivery.objects.count()) == before

    came(shop)
    assert came(new).reason.startswith("in shadow: says what")
    changed = came(new, note="Leave it at the door", total_tip_received="0.00")

    assert changed.reason.startswith("in shadow: one figure differs from")
    found = list(ShadowResult.objects.order_by("pk").values_list("outcome", flat=True))
    assert found == ["MISSING", "OTHER", "SAME", "DIFFERS"]
    assert ShadowResult.objects.get(outcome="DIFFERS").figures == [
        {"path": "note", "came": "Leave it at the door\nDelivery: Tracked 48", "stored": Order.objects.get().note}
    ]


def test_what_can_t_be_read_fails_in_shadow_as_well(new: Connection):
    assert inbox.process(deliver(new, "cut", "orders/create", body=b"{")).failure_class == "unparsable"


def test_a_share_takes_the_same_orders_each_time_and_a_larger_one_more():
    refs = [f"ref-{n}" for n in range(2_000)]
    taken = {share: {ref for ref in refs if Setting("PART", share).takes(ref)} for share in (0, 20, 50, 100)}

    assert taken[0] == set()
    assert taken[20] < taken[50] < taken[100] == set(refs)
    assert 300 < len(taken[20]) < 500
    assert Setting("PART", 0, ("leeds",)).takes("any", "leeds")
    assert not Setting("SHADOW").takes("any", "leeds")


def test_part_of_it_live_takes_in_its_share_and_keeps_it_after_a_roll_back(shop: Connection, new: Connection):
    refs = {n: str(json.loads(order(n))["id"]) for n in range(40)}
    low = next(n for n, ref in refs.items() if cutover.bucket(ref) < 30)
    high = next(n for n, ref in refs.items() if cutover.bucket(ref) >= 30)
    phases.change(new.pk, Setting("PART", 30), reason="First stores", actor=SYSTEM)
    new.refresh_from_db()

    assert [came(new, n).status for n in (low, high)] == ["PROCESSED", "IGNORED"]
    mine = Order.objects.get()
    assert cutover.tells(new, mine)

    phases.roll_back(new.pk, reason="Their taxes are off", actor=SYSTEM)
    new.refresh_from_db()
    assert Setting.of(new) == Setting("SHADOW")
    assert came(new, low, note="Later", updated_at="2031-01-01T00:00:00Z").status == "PROCESSED"
    assert cutover.tells(new, mine)
    other = next(n for n, ref in refs.items() if cutover.bucket(ref) < 30 and n != low)
    assert came(new, other).status == "IGNORED"
    assert [event.data["words"] for event in Event.objects.filter(type="connection.cut_over").order_by("id")] == [
        "partly live: 30 % of its orders", "in shadow",
    ]  # fmt: skip


def test_a_shadow_is_never_told_anything(shop: Connection, new: Connection):
    came(shop)
    found = Order.objects.get()
    Connection.objects.filter(pk=new.pk).update(
        settings={"publish_stock": True, "shop": "x.example", "private_address_allowed": True},
        created_at="2020-01-01T00:00:00Z",
    )
    new.refresh_from_db()
    new.keep_secret("token", "t")

    assert not cutover.tells(new, found)
    assert (tasks._teller(found) or (None, shop))[1] == shop
    assert publishing.follow_connections() == {}


def test_a_change_is_checked_looked_at_and_reasoned(shop: Connection, new: Connection):
    for n in range(6):
        came(new, n)
    came(shop, 0)
    came(new, 0, note="Other")

    seen = phases.preview(new, Setting("LIVE"))
    assert (seen.seen, seen.live_now, seen.live_then, seen.missing_then, seen.differing_then) == (6, 0, 6, 5, 1)
    assert seen.beside == [shop.name]
    for setting in (Setting("PART"), Setting("PART", 101), Setting("LIVE", 5), Setting("PART", 0, ("nowhere",))):
        with pytest.raises(Invalid):
            phases.preview(new, setting)
    with pytest.raises(Refusal, match="why"):
        phases.change(new.pk, Setting("LIVE"), reason=" ", actor=SYSTEM)
    with pytest.raises(Refusal, match="by now"):
        phases.change(new.pk, Setting("LIVE"), reason="x", actor=SYSTEM, now=Setting("PART", 3))
    with pytest.raises(Refusal, match="never taken live"):
        phases.roll_back(new.pk, reason="x", actor=SYSTEM)

    phases.change(new.pk, Setting("LIVE"), reason="All the same for a week", actor=SYSTEM)
    new.refresh_from_db()
    replaying.step(phases.take_in(new, actor=SYSTEM).pk)

    assert Order.objects.count() == 6
    assert InboundMessage.objects.filter(connection=new, status="PROCESSED").count() == 5
    erp = Connection.objects.create(code="books", name="Books", kind="ERP", vendor="tryton")
    with pytest.raises(Refusal, match="channels and tills"):
        phases.preview(erp, Setting("SHADOW"))


def test_the_screens_and_the_api_of_a_cut_over(shop: Connection, new: Connection, query_count: Any, client: Client):
    came(new, 1)
    base = f"/ops/links/{new.pk}"
    acts = person(*ACTS)
    form = {"mode": "PART", "share": "20", "places": "", "reason": "Two stores"}

    query_count("connection-cutover", lambda: acts.get(f"{base}/cutover"))
    with query_count("connection-shadow", lambda: acts.get(f"{base}/shadow")):
        for n in range(2, 5):
            came(new, n)
    assert acts.get(f"{base}/shadow?outcome=NONE").status_code == 400
    assert "20 % of its orders" in acts.post(f"{base}/cutover/preview", form).content.decode()
    assert Connection.objects.get(pk=new.pk).mode == "SHADOW"
    stale = {**form, "was_mode": "LIVE", "was_share": "0", "was_places": ""}
    assert acts.post(f"{base}/cutover/change", stale).status_code == 409
    assert acts.post(f"{base}/cutover/change", {**stale, "was_mode": "SHADOW"}).status_code == 303
    assert acts.post(f"{base}/cutover/take-in").status_code == 303
    assert Job.objects.get().params["verb"] == "retry"
    assert acts.post(f"{base}/cutover/back", {"reason": ""}).status_code == 422
    assert acts.post(f"{base}/cutover/back", {"reason": "No"}).status_code == 303

    sees = person(*SEES)
    assert sees.get(f"{base}/cutover").status_code == 200
    assert {sees.post(f"{base}/cutover/{verb}").status_code for verb in ("preview", "change", "back", "take-in")} == {
        403
    }
    assert {person().get(f"{base}/{page}").status_code for page in ("cutover", "shadow")} == {403}

    api = Api(client, ApiClient.issue("Ops", scopes=["connections:manage"])[1])
    place = f"/api/v1/connections/{new.code}/mode"
    assert api.get(place).json()["mode"] == "SHADOW"
    body = {"mode": "PART", "share": 50, "reason": "By the tool"}
    assert api.post(f"{place}/preview", body).json()["then"]["share"] == 50
    headers = {**api.headers, "Idempotency-Key": "k"}
    changed = client.put(place, json.dumps(body), content_type="application/json", headers=headers)
    assert (changed.status_code, changed.json()["words"]) == (200, "partly live: 50 % of its orders")
    assert api.post(f"{place}/roll-back", b"").json()["mode"] == "SHADOW"
    assert api.get("/api/v1/connections/nobody/mode").status_code == 404
