"""Returns on screen: the service desk, the store's counter, the policy, the papers; refusals that change nothing."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.utils import timezone

from core.models import Site, User
from returns.models import ReturnPolicyVersion, ReturnRequest
from tests.factories.inventory import ItemFactory, LocationFactory
from tests.factories.returns import returned, service, sold
from tests.orders.test_screens import person

pytestmark = pytest.mark.django_db
HX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def places():
    ItemFactory(sku="SKU-1", gtin="2000000010014", weight_grams=400)
    LocationFactory(code="centre", name="Returns centre", kind="RETURNS_CENTRE", returns=True)
    return LocationFactory(code="leeds", name="Leeds", kind="STORE", returns=True, address={"line1": "1 Briggate"})


@pytest.fixture
def boss(client):
    client.force_login(User.objects.create_superuser("boss@harrow.example", "correct horse battery"))
    return client


@pytest.fixture
def order():
    return sold(placed_at=timezone.now())


def test_a_return_is_taken_in_at_the_desk_once_and_followed_to_its_end(boss, order, query_count):
    service()
    key = str(order.lines.get().pk)
    form = {"uid": str(uuid4()), "order": "1", f"n-{key}": "2", f"why-{key}": "TOO_SMALL", "to": "ORIGINAL"}
    assert boss.get(f"/returns/new/{order.number}").status_code == 200

    seen = boss.post(f"/returns/new/{order.number}/preview", form, headers=HX).content.decode()
    assert "May come back" in seen
    assert not ReturnRequest.objects.exists()
    empty = boss.post(f"/returns/new/{order.number}", {"uid": str(uuid4())}, headers=HX)
    assert (empty.status_code, "How many units" in empty.content.decode()) == (422, True)
    made = boss.post(f"/returns/new/{order.number}", form)
    again = boss.post(f"/returns/new/{order.number}", form)

    rma = ReturnRequest.objects.get()
    assert made.headers["Location"] == again.headers["Location"] == f"/returns/{rma.number}"
    with query_count("returns-detail", lambda: boss.get(made.headers["Location"])):
        page = boss.get(made.headers["Location"]).content.decode()
    assert "The rule that decided" in page
    assert "Post Return" in page
    boss.post(f"/returns/{rma.number}/do/label", {"service": "post"})
    label = rma.labels.get()
    paper = boss.get(f"/returns/labels/{label.pk}").content.decode()
    assert "1 Briggate" in paper or "Returns centre" in paper
    assert "Nadia Osei" in paper
    assert label.tracking_number in paper
    assert rma.number in boss.get(f"/returns/{rma.number}/receipt").content.decode()
    assert boss.post(f"/returns/{rma.number}/do/cancel", {}, headers=HX).status_code == 422
    boss.post(f"/returns/{rma.number}/do/cancel", {"reason": "Keeps it"})
    assert boss.get(f"/returns/orders/{order.number}").content.decode().count(rma.number) == 2


def test_lists_find_and_export_and_say_when_they_are_empty(boss, order, query_count):
    assert "No returns yet" in boss.get("/returns/").content.decode()
    numbers = [returned(order).number, returned(order, line={"condition": "USED"}).number]

    with query_count("returns-list", lambda: boss.get("/returns/")):
        assert all(number in boss.get("/returns/").content.decode() for number in numbers)
    decide = boss.get("/returns/?needs=decision").content.decode()
    assert (numbers[0] in decide, numbers[1] in decide) == (False, True)
    assert numbers[0] in boss.get(f"/returns/?q={order.number}").content.decode()
    assert "No returns match" in boss.get("/returns/?q=nothing").content.decode()
    assert numbers[1] in b"".join(boss.get("/returns/export.csv?needs=decision")).decode()
    assert boss.get("/returns/?status=NEVER").status_code == 400


def test_a_decision_is_made_on_the_version_that_was_seen(boss, order):
    rma = returned(order, line={"condition": "USED"})
    url = f"/returns/{rma.number}/do"

    assert boss.post(f"{url}/approve", {"v": "99"}, headers=HX).status_code == 409
    assert boss.post(f"{url}/approve", {"v": rma.version, "fee": "free"}, headers=HX).status_code == 422
    leeds = Site.objects.get(code="leeds").location
    boss.post(f"{url}/approve", {"v": rma.version, "fee": "4.95", "location": leeds.pk, "plan": "ON_RECEIPT"})

    rma.refresh_from_db()
    assert (str(rma.fee), rma.location) == ("4.9500", leeds)
    assert boss.post(f"{url}/approve", {"v": rma.version}, headers=HX).status_code == 200  # safe to repeat


def test_the_counter_takes_an_order_by_its_receipt_scan_by_scan(client, order, places):
    clerk = person("returns.request_return", "returns.view_returnrequest", sites=[places.site])
    client.force_login(clerk)
    here = "/s/leeds/returns/new"

    assert "Scan the receipt" in client.get(here).content.decode()
    nothing = client.get(f"{here}?q=nobody")
    assert (nothing.status_code, "Nothing answers" in nothing.content.decode()) == (404, True)
    basket = client.get(f"{here}?q={order.channel_ref}").headers["Location"]
    scanned = client.get(f"{basket}&scan=2000000010014").headers["Location"]
    page = client.get(scanned)
    key = order.lines.get().pk
    assert f'name="n-{key}" value="1"' in page.content.decode()
    foreign = ItemFactory(sku="OTHER")
    assert "no such article" in client.get(f"{basket}&scan={foreign.sku}").content.decode()
    form = {
        "uid": str(uuid4()), "order": "1", "order_number": order.number, "how": "RECEIPT", f"n-{key}": "1",
        f"why-{key}": "TOO_LARGE", "to": "ORIGINAL",
    }  # fmt: skip
    assert "It may come back" in client.post("/s/leeds/returns/check", form, headers=HX).content.decode()
    done = client.post("/s/leeds/returns/make", form)

    rma = ReturnRequest.objects.get()
    assert (rma.kind, rma.proof, rma.asked_at, rma.location) == ("COUNTER", "RECEIPT", places, places)
    assert "Taken back" in client.get(done.headers["Location"]).content.decode()
    assert client.get(f"/orders/{order.number}").status_code in {403, 404}  # the clerk sees the return, not the order


def test_the_counter_takes_goods_without_anything_and_as_a_gift(boss, order, places):
    blind = boss.get("/s/leeds/returns/new?mode=blind&scan=2000000010014").headers["Location"]
    assert "SKU-1:1" in blind.replace("%3A", ":")
    assert 'name="n-SKU-1" value="1"' in boss.get(blind).content.decode()
    form = {"uid": str(uuid4()), "mode": "blind", "n-SKU-1": "1", "why-SKU-1": "UNWANTED", "to": "STORE_CREDIT"}

    boss.post("/s/leeds/returns/make", form)
    boss.post("/s/leeds/returns/make", {**form, "uid": str(uuid4()), "mode": "gift", "email": "g@example.com"})

    kinds = list(ReturnRequest.objects.order_by("id").values_list("proof", "refund_to", "buyer_email"))
    assert kinds == [("NONE", "STORE_CREDIT", ""), ("GIFT", "STORE_CREDIT", "g@example.com")]
    places.returns = False
    places.save()
    assert boss.get("/s/leeds/returns/new").status_code == 409


def test_a_policy_is_worded_tried_and_put_live_on_screen(boss, order):
    rma = returned(order)
    made = boss.post("/ops/returns/new", {"code": "company", "name": "Company", "channel": ""}).headers["Location"]
    assert made == "/ops/returns/company/1"
    page = boss.get(made).content.decode()
    assert "Bought for the holidays" in page
    form = {
        "v": "1", "windows-0-code": "week", "windows-0-name": "A week", "windows-0-days": "7",
        "windows-0-when": "not reason: DEFECTIVE; value: ..500", "refusals-0-code": "sale", "refusals-0-name": "Sale",
        "refusals-0-test": "ALWAYS", "refusals-0-verdict": "DENIED", "refusals-0-when": "category: Lamps", "expires_days": "9",
    }  # fmt: skip

    wrong = boss.post(made, {**form, "windows-0-days": "soon"}, headers=HX)
    odd = boss.post(made, {**form, "windows-0-when": "colour of the moon"}, headers=HX)
    assert (wrong.status_code, "windows[0].days" in wrong.content.decode()) == (422, True)
    assert "is not understood" in odd.content.decode()
    boss.post(made, form)
    tried = boss.post(f"{made}/preview", form, headers=HX).content.decode()
    assert rma.number in tried
    version = ReturnPolicyVersion.objects.get()
    assert version.rules["windows"][0]["when"] == {"not_reasons": ["DEFECTIVE"], "value_below": "500"}
    boss.post(f"{made}/live", {"v": version.version})

    assert returned(order).rule == "week"
    assert boss.get(made).status_code == 200
    assert boss.post(f"{made}/live", {"v": "99"}, headers=HX).status_code == 409


def test_each_page_asks_for_its_permission(client, order):
    rma = returned(order)
    client.force_login(person("orders.view_order", email="b@harrow.example"))

    for path in ("/returns/", f"/returns/{rma.number}", f"/returns/new/{order.number}", "/ops/returns/"):
        assert client.get(path).status_code == 403
    looker = person("returns.view_returnrequest", email="c@harrow.example")
    client.force_login(looker)
    assert client.get(f"/returns/{rma.number}").status_code == 200
    assert client.post(f"/returns/{rma.number}/do/cancel", {"reason": "x"}).status_code == 403
    elsewhere = person(
        "returns.view_returnrequest", sites=[LocationFactory(code="york").site], email="d@harrow.example"
    )
    client.force_login(elsewhere)
    assert client.get(f"/returns/{rma.number}").status_code == 404
    assert rma.number not in client.get("/returns/").content.decode()
