"""Partners hold orders, write notes, read what happened, approve, and keep their business accounts."""

from __future__ import annotations

import pytest

from orders.models import Account, Approval, Hold, Order, OrderNote
from tests.factories.accounts import AccountFactory
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.factories.orders import ChannelFactory
from tests.orders.conftest import body

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shop(key):
    ChannelFactory()
    StockFactory(item=ItemFactory(sku="SKU-1"), sellable=100, location=LocationFactory(code="LEEDS"))
    key[0].scopes = ["orders:read", "orders:write", "orders:approve", "orders:judge", "accounts:read", "accounts:write"]
    key[0].save()


@pytest.fixture
def placed(api):
    return api.order().headers["Location"]


def delete(api, path, **headers):
    return api.client.delete(path, headers=api.headers | headers)


def put(api, path, data, **headers):
    sent = api.headers | {"Idempotency-Key": "put-1"} | headers
    return api.client.put(path, data, content_type="application/json", headers=sent)


def test_an_order_is_held_and_let_go(api, placed):
    held = api.post(f"{placed}/holds", {"reason": "The buyer rang"})
    again = api.post(f"{placed}/holds", {"reason": "Twice"})
    lifted = delete(api, f"{placed}/holds/MANUAL")

    assert held.status_code == 201
    assert [hold["type"] for hold in held.json()["holds"]] == ["MANUAL"]
    assert again.status_code == 409
    assert lifted.json()["holds"] == []
    past = api.get(f"{placed}/holds").json()["items"]
    assert [(hold["type"], hold["status"], hold["reason"]) for hold in past] == [
        ("MANUAL", "RESOLVED", "The buyer rang")
    ]
    assert delete(api, f"{placed}/holds/NO-SUCH").status_code == 404


def test_a_providers_later_verdict_is_kept_and_the_newest_counts(api, placed):
    wrong = api.post(f"{placed}/risk", {"provider": "Sift", "level": "dire", "score": 101})
    high = api.post(f"{placed}/risk", {"provider": "Sift", "level": "high", "score": 93, "reasons": ["Proxy"]})
    again = api.post(f"{placed}/risk", {"provider": "Sift", "level": "low"})

    assert {error["path"] for error in wrong.json()["errors"]} == {"level", "score"}
    assert (high.status_code, again.status_code) == (200, 200)
    kept = Order.objects.get().risk["Sift"]
    assert (kept["level"], kept["score"]) == ("low", None)


def test_a_hold_that_is_true_stays_and_one_of_an_old_version_is_not_made(api):
    placed = api.order(body(payment_state="pending")).headers["Location"]

    assert delete(api, f"{placed}/holds/PAYMENT").json()["code"] == "hold_stands"
    assert api.post(f"{placed}/holds", {"reason": "x"}, **{"If-Match": '"v0"'}).status_code == 412
    assert Hold.objects.count() == 1


def test_notes_are_written_once_and_listed_newest_first(api, placed):
    first = api.post(f"{placed}/notes", {"text": "Leave it with the porter"}, idempotency_key="n1")
    api.post(f"{placed}/notes", {"text": "Leave it with the porter"}, idempotency_key="n1")
    api.post(f"{placed}/notes", {"text": "He is away"})

    page = api.get(f"{placed}/notes", {"page_size": "1"}).json()
    rest = api.get(f"{placed}/notes", {"page_size": "1", "after": page["next"]}).json()

    assert first.status_code == 201
    assert [note["text"] for note in page["items"] + rest["items"]] == ["He is away", "Leave it with the porter"]
    assert page["items"][0]["by"] == "Shop"
    for wrong in ({"text": ""}, {"text": "x" * 4_001}, {"text": "a\0"}, {"words": "x"}, {}):
        assert api.post(f"{placed}/notes", wrong).status_code == 400
    assert OrderNote.objects.count() == 2


def test_what_happened_is_paged_to_its_beginning(api, placed):
    api.post(f"{placed}/notes", {"text": "Rang"})

    seen, after = [], ""
    for _ in range(20):
        page = api.get(f"{placed}/events", {"page_size": "2"} | ({"after": after} if after else {})).json()
        seen += page["items"]
        after = page["next"]
        if after is None:
            break

    assert seen[0]["type"] == "order.noted"
    assert seen[-1]["type"] == "order.received"
    assert len({event["id"] for event in seen}) == len(seen)
    assert api.get(f"{placed}/events", {"type": "x"}).status_code == 400


def test_another_channels_order_has_no_notes_holds_or_events(api, key, placed):
    key[0].channels.add(ChannelFactory(code="other"))

    assert {api.get(f"{placed}/{what}").status_code for what in ("notes", "events", "holds")} == {404}
    assert api.post(f"{placed}/notes", {"text": "x"}).status_code == 404
    assert api.post(f"{placed}/holds", {"reason": "x"}).status_code == 404
    assert not OrderNote.objects.exists()


def test_an_account_is_made_read_and_changed_by_version(api):
    made = api.post("/api/v1/accounts", {"code": "HALDEN", "name": "Halden", "currency": "GBP", "credit_limit": "50"})
    where = made.headers["Location"]
    bought = api.order(body(account="HALDEN", payment_state="pending", po_number="PO-7", line__quantity=3, total="30"))

    read = api.get(where).json()
    stale = put(api, where, {"name": "H", "currency": "GBP"}, **{"If-Match": '"v9"'})
    blind = put(api, where, {"name": "H", "currency": "GBP"}, **{"Idempotency-Key": "put-2"})
    changed = put(
        api,
        where,
        {"name": "Halden & Co", "currency": "GBP", "credit_limit": "20"},
        **{"If-Match": made.headers["ETag"], "Idempotency-Key": "put-3"},
    )

    assert made.status_code == 201
    assert (read["exposure"]["total"], read["headroom"], read["exposure"]["orders"]) == ("30.0000", "20.0000", 1)
    assert (stale.status_code, blind.status_code, changed.status_code) == (412, 428, 200)
    assert changed.json()["headroom"] == "-10.0000"
    assert Account.objects.get().name == "Halden & Co"
    order = api.get(bought.headers["Location"]).json()
    assert (order["account"], order["po_number"], order["payment_terms"]) == ("HALDEN", "PO-7", "NET30")
    assert [o["number"] for o in api.get("/api/v1/orders", {"account": "HALDEN"}).json()["items"]] == [order["number"]]
    assert [o["number"] for o in api.get("/api/v1/orders", {"po": "PO-7"}).json()["items"]] == [order["number"]]
    assert [o["number"] for o in api.get("/api/v1/orders", {"location": "LEEDS"}).json()["items"]] == [order["number"]]
    assert api.get("/api/v1/orders", {"account": "NOBODY"}).status_code == 400


def test_an_account_is_refused_with_every_field_that_is_wrong(api):
    AccountFactory(code="TAKEN")

    wrong = api.post("/api/v1/accounts", {"code": "a/b", "name": "", "currency": "XXX", "credit_limit": "-1"})
    taken = api.post("/api/v1/accounts", {"code": "TAKEN", "name": "T", "currency": "GBP"})

    assert {error["path"] for error in wrong.json()["errors"]} == {"code", "name", "currency", "credit_limit"}
    assert taken.json()["code"] == "code_taken"
    assert Account.objects.count() == 1


def test_a_key_of_one_channel_sees_its_accounts_and_changes_no_others(api, key):
    wholesale = ChannelFactory(code="wholesale")
    AccountFactory(code="THEIRS", channel=ChannelFactory(code="webshop"))
    AccountFactory(code="OURS", channel=wholesale)
    everyones = AccountFactory(code="EVERYONES")
    key[0].channels.add(wholesale)

    listed = [account["code"] for account in api.get("/api/v1/accounts").json()["items"]]
    changed = put(
        api,
        "/api/v1/accounts/EVERYONES",
        {"name": "E", "currency": "GBP", "channel": "wholesale"},
        **{"If-Match": '"v1"'},
    )

    assert listed == ["EVERYONES", "OURS"]
    assert api.get("/api/v1/accounts/THEIRS").status_code == 404
    assert changed.status_code == 403
    everyones.refresh_from_db()
    assert everyones.channel is None
    assert api.post("/api/v1/accounts", {"code": "N", "name": "N", "currency": "GBP"}).status_code == 422


def test_an_order_is_approved_by_a_key_that_may(api, key):
    AccountFactory(code="HALDEN", requires_approval=True)
    placed = api.order(body(account="HALDEN", payment_state="pending")).headers["Location"]

    approved = api.post(f"{placed}/approve", {"kind": "APPROVAL", "note": "Budget holder"})
    key[0].scopes = ["orders:write"]
    key[0].save()

    assert approved.json()["holds"] == []
    assert Approval.objects.get().actor_label == "Shop"
    assert api.post(f"{placed}/approve", {"kind": "CREDIT"}).status_code == 403


@pytest.mark.parametrize(
    "fields",
    [
        {"payment_terms": "NET0"},
        {"payment_terms": "NET30"},
        {"account": "HALDEN", "payment_terms": "30 days"},
        {"requested_ship_on": "2026-02-30"},
        {"requested_ship_on": "2026-03-02T09:30:00Z"},
        {"requested_ship_on": 20260302},
        {"po_number": "a\nb"},
        {"account": " "},
    ],
)
def test_terms_days_and_references_are_read_strictly(api, fields):
    assert api.order(body(**fields)).status_code == 400
    assert not Order.objects.exists()


def test_lists_take_a_fixed_number_of_queries(api, placed, query_count):
    account = AccountFactory(code="HALDEN")
    with query_count("api-accounts", lambda: api.get("/api/v1/accounts")):
        AccountFactory.create_batch(3, channel=account.channel)
    with query_count("api-order-events", lambda: api.get(f"{placed}/events")):
        api.post(f"{placed}/notes", {"text": "One more"})
    with query_count("api-order-notes", lambda: api.get(f"{placed}/notes")):
        api.post(f"{placed}/notes", {"text": "And another"})
