"""Counts over HTTP: at the desk and on the handheld."""

from __future__ import annotations

from decimal import Decimal
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission

from core.models import User
from inventory.models import Count, CountLine, CountPolicy, CountStatus, Stock
from inventory.services import counts
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.inventory.test_counts import AMIRA, CHEN, ask, found

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}
COUNTER = ("view_count", "work_count")
DESK = (*COUNTER, "request_count", "approve_count")


def person(*permissions: str, sites=(), email: str = "") -> User:
    user = User.objects.create_user(
        email or f"{uuid4().hex}@harrow.example", "correct horse battery", name="Amira Khan"
    )
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="inventory", codename__in=permissions))
    user.sites.set(sites)
    return user


@pytest.fixture
def coat() -> Stock:
    item = ItemFactory(
        sku="COAT", gtin="2000000010014", name="Waxed coat", unit_cost=Decimal("20.00"), cost_currency="GBP"
    )
    return StockFactory(item=item, location=LocationFactory(code="LEEDS", name="Leeds"), sellable=17)


def send(client, path, code, key="", **headers):
    return client.post(path, {"code": code}, headers={**HTMX, "Idempotency-Key": key or uuid4().hex, **headers})


def test_a_count_is_walked_on_the_handheld_scan_by_scan(client, coat):
    client.force_login(person(*COUNTER))
    count = ask(coat)
    here = f"/s/LEEDS/counts/{count}"

    assert "CT-" in client.get("/s/LEEDS/counts/").content.decode()
    client.post(f"{here}/start", headers=HTMX)
    key = uuid4().hex
    for sent in (key, key, ""):
        answer = send(client, f"{here}/scan", "2000000010014", sent)
        assert answer.status_code == 200
    assert CountLine.objects.get().counted == 2
    client.post(f"{here}/enter", {"line": CountLine.objects.get().pk, "quantity": "17"}, headers=HTMX)
    done = client.post(f"{here}/finish", headers=HTMX)

    assert "The books are up to date" in done.content.decode()
    assert Count.objects.get().status == CountStatus.POSTED


def test_the_handheld_never_shows_what_the_books_say(client, coat):
    client.force_login(person(*COUNTER))
    count = ask(coat)
    counts.start(count, actor=CHEN)

    for page in (f"/s/LEEDS/counts/{count}", f"/stock/counts/{count}"):
        assert ">17<" not in client.get(page).content.decode()


def test_a_wrong_scan_says_why_and_counts_nothing(client, coat):
    client.force_login(person(*COUNTER))
    ItemFactory(sku="HAT")
    count = ask(coat)

    wrong = send(client, f"/s/LEEDS/counts/{count}/scan", "HAT")
    unknown = send(client, f"/s/LEEDS/counts/{count}/scan", "nobody")
    without_key = client.post(f"/s/LEEDS/counts/{count}/scan", {"code": "COAT"}, headers=HTMX)

    assert (wrong.status_code, unknown.status_code, without_key.status_code) == (409, 422, 400)
    assert CountLine.objects.get().counted is None


def test_unfinished_lines_need_a_word_before_they_are_zero(client, coat):
    client.force_login(person(*COUNTER))
    count = ask(coat)
    counts.start(count, actor=CHEN)

    refused = client.post(f"/s/LEEDS/counts/{count}/finish", headers=HTMX)
    client.post(f"/s/LEEDS/counts/{count}/finish", {"rest": "1"}, headers=HTMX)

    assert refused.status_code == 422
    assert Count.objects.get().round == 2  # seventeen gone is looked at twice


@pytest.mark.parametrize("figure", ["", "-1", "1e3", "٣", "9999999999", "2.5"])
def test_a_figure_that_is_none_is_refused(client, coat, figure):
    client.force_login(person(*COUNTER))
    count = ask(coat)

    answer = client.post(
        f"/s/LEEDS/counts/{count}/enter", {"line": CountLine.objects.get().pk, "quantity": figure}, headers=HTMX
    )

    assert answer.status_code == 422
    assert CountLine.objects.get().counted is None


def test_a_count_is_asked_for_by_sku_or_gtin(client, coat):
    client.force_login(person(*DESK))
    hat = StockFactory(item=ItemFactory(sku="HAT"), location=coat.location)

    refused = client.post("/stock/counts/new", {"place": "LEEDS", "items": "NOBODY\nhat"}, headers=HTMX)
    made = client.post("/stock/counts/new", {"place": "LEEDS", "items": "2000000010014\nhat", "blind": "1"})

    assert refused.status_code == 422
    assert "Nobody knows NOBODY" in refused.content.decode()
    assert made.status_code == 303
    assert set(CountLine.objects.values_list("item", flat=True)) == {coat.item_id, hat.item_id}
    assert Count.objects.get().blind


def test_a_review_is_approved_at_the_desk_by_somebody_else(client, coat):
    CountPolicy.objects.create(approve_value=10)
    count = ask(coat)
    found(count, 15)
    counts.finish(count, actor=CHEN)
    client.force_login(person(*DESK))
    version = Count.objects.get().version

    stale = client.post(f"/stock/counts/{count}/approve", {"v": version - 1}, headers=HTMX)
    assert stale.status_code == 409
    assert Count.objects.get().status == CountStatus.IN_REVIEW
    answer = client.post(f"/stock/counts/{count}/approve", {"v": version}, headers=HTMX)

    assert answer.status_code == 200
    coat.refresh_from_db()
    assert coat.sellable == 15


def test_steps_need_their_permission(client, coat):
    count = ask(coat)
    client.force_login(person("view_count"))

    for path in ("approve", "cancel", "recount", "settle"):
        assert client.post(f"/stock/counts/{count}/{path}", headers=HTMX).status_code == 403
    assert client.post(f"/s/LEEDS/counts/{count}/start", headers=HTMX).status_code == 403
    assert send(client, f"/s/LEEDS/counts/{count}/scan", "COAT").status_code == 403
    assert client.get("/stock/counts/new").status_code == 403
    assert client.post(f"/stock/counts/{count}/nonsense", headers=HTMX).status_code == 404
    assert Count.objects.get().status == CountStatus.REQUESTED


def test_another_sites_counts_are_not_there(client, coat):
    york = LocationFactory(code="YORK")
    count = ask(coat)
    client.force_login(person(*DESK, sites=[york.site]))

    assert f"CT-{count}" not in client.get("/stock/counts/").content.decode()
    for path in (f"/stock/counts/{count}", "/s/LEEDS/counts/", f"/s/LEEDS/counts/{count}", f"/s/YORK/counts/{count}"):
        assert client.get(path).status_code == 404
    assert client.post(f"/stock/counts/{count}/cancel", headers=HTMX).status_code == 404
    assert client.post("/stock/counts/new", {"place": "LEEDS", "items": "COAT"}, headers=HTMX).status_code == 422


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", True), ("?q=CT-{id}", True), ("?q=coat", True), ("?q=HAT", False), ("?status=REQUESTED", True),
        ("?status=POSTED", False), ("?place=LEEDS", True), ("?origin=PLAN", False), ("?differs=true", False),
        ("?sort=due", True),
    ],
)  # fmt: skip
def test_the_list_is_narrowed_by_its_address(client, coat, query, shown):
    count = ask(coat)
    client.force_login(person(*DESK))

    page = client.get(f"/stock/counts/{query.format(id=count)}")

    assert page.status_code == 200
    assert (f'id="count-{count}"' in page.content.decode()) is shown


@pytest.mark.parametrize("query", ["?status=NOPE", "?sort=-secret", "?place=x", "?after=garbage", "?q=%00"])
def test_nonsense_in_the_address_is_a_plain_no(client, coat, query):
    client.force_login(person(*DESK))

    assert client.get(f"/stock/counts/{query}").status_code in {200, 400}


def test_screens_of_counts_take_a_fixed_number_of_queries(client, coat, query_count):
    client.force_login(person(*DESK))
    count = ask(coat)
    counts.start(count, actor=CHEN)

    def more() -> None:
        for n in range(4):
            ask(StockFactory(location=coat.location, item=ItemFactory(sku=f"X-{n}")), actor=AMIRA)

    with query_count("counts-list", lambda: client.get("/stock/counts/")):
        more()
    with query_count("count-detail", lambda: client.get(f"/stock/counts/{count}")):
        pass
    with query_count("site-counts", lambda: client.get("/s/LEEDS/counts/")):
        pass
    with query_count("count-walk", lambda: client.get(f"/s/LEEDS/counts/{count}")):
        pass
