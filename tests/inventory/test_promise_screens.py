"""Why a figure is what it is, the rules behind it, and what channels have heard: over HTTP."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from core.actors import SYSTEM
from core.models import Event, Job
from core.subjects import Subject
from inventory.models import BufferRule, ChannelFeed, Publication, Stock
from inventory.services import inbound, kits, publishing, reservations
from inventory.services.inbound import Line
from inventory.services.reservations import Want
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.inventory.test_screens import person, signed_in

pytestmark = pytest.mark.django_db
RULES = ("inventory.view_item", "inventory.view_bufferrule", "inventory.change_stock_rules")
FORM = {"kind": "BUFFER", "measure": "UNITS", "amount": "3", "at_least": "0", "channel": "web", "note": "Slow feed"}


@pytest.fixture
def coat() -> Stock:
    item = ItemFactory(sku="COAT/10 A", name="Waxed coat", attributes={"season": "winter"})
    return StockFactory(item=item, location=LocationFactory(code="LEEDS", name="Leeds"), sellable=10)


def hold(stock: Stock, uid: str = "order:7:1") -> None:
    want = Want("1", stock.item_id, stock.location_id, 3)
    reservations.hold(uid, [want], actor=SYSTEM, cause=Subject("order", "7", "BR-7"))


# --- Why


def test_every_term_rule_promise_and_delivery_behind_a_figure_is_shown_and_linked(client, coat):
    hold(coat)
    won = BufferRule.objects.create(channel="web", amount=4, note="Slow feed")
    lost = BufferRule.objects.create(kind="SAFETY", amount=2)
    due = timezone.now() + timedelta(hours=2)
    transfer = Subject("transfer", "12", "TR-12")
    inbound.expect(transfer, [Line(coat.item_id, coat.location_id, 5)], due_at=due, actor=SYSTEM)

    by = (timezone.now() + timedelta(days=1)).date().isoformat()
    address = f"/stock/COAT/10 A/why?channel=web&location=LEEDS&by={by}"
    page = signed_in(client, person(*RULES)).get(address).content.decode()

    assert "<b>8</b>" in page  # 10 - 3 - max(2, 4) + 5
    assert f'href="/stock/buffers/{won.pk}"' in page
    assert f'href="/stock/buffers/{lost.pk}"' in page
    assert 'href="/orders/BR-7"' in page
    assert "TR-12" in page
    assert "only the larger of the two cushions counts" in page


def test_without_a_place_every_place_of_the_persons_sites_has_its_figure(client, coat):
    elsewhere = StockFactory(item=coat.item, sellable=77, location=LocationFactory(code="YORK", name="York"))
    user = person("inventory.view_item", sites=[coat.location.site])

    page = signed_in(client, user).get("/stock/COAT/10 A/why").content.decode()

    assert "Leeds" in page
    assert "York" not in page
    assert ">77<" not in page
    assert client.get("/stock/COAT/10 A/why?location=YORK").status_code == 404
    assert elsewhere.pk


def test_a_kit_names_its_parts(client, coat):
    kit = ItemFactory(sku="SET")
    kits.define(kit.pk, {coat.item_id: 2}, actor=SYSTEM)

    page = signed_in(client, person("inventory.view_item")).get("/stock/SET/why").content.decode()

    assert "2 × " in page
    assert "<b>5</b>" in page


@pytest.mark.parametrize("query", ["by=soon", "by=9999-01-01", "method=DRONE", "channel=" + "x" * 50])
def test_a_question_that_makes_no_sense_is_400(client, coat, query):
    assert signed_in(client, person("inventory.view_item")).get(f"/stock/COAT/10 A/why?{query}").status_code == 400


def test_it_needs_permission_and_takes_a_fixed_number_of_queries(client, coat, query_count):
    assert signed_in(client, person()).get("/stock/COAT/10 A/why").status_code == 403
    signed_in(client, person(*RULES))
    with query_count("stock-why-here", lambda: client.get("/stock/COAT/10 A/why?channel=web&location=LEEDS")):
        for n in range(4):
            hold(coat, f"d{n}") if n < 2 else None
            BufferRule.objects.create(channel=f"c{n}", amount=4)
    with query_count("stock-why", lambda: client.get("/stock/COAT/10 A/why?channel=web")):
        for _ in range(3):
            StockFactory(item=coat.item)


# --- Rules


def test_a_rule_is_made_changed_and_retired_and_each_step_is_recorded(client, coat):
    signed_in(client, person(*RULES))

    client.post("/stock/buffers/new", FORM | {"place": "LEEDS", "item": "coat/10 a"})
    rule = BufferRule.objects.get()
    assert (rule.channel, rule.amount, rule.location, rule.item) == ("web", 3, coat.location, coat.item)
    client.post(f"/stock/buffers/{rule.pk}", FORM | {"amount": "5", "v": "1"})
    rule.refresh_from_db()
    assert (rule.amount, rule.location, rule.version) == (5, None, 2)
    client.post(f"/stock/buffers/{rule.pk}/retire", {"v": "2"})

    rule.refresh_from_db()
    assert not rule.active
    told = Event.objects.filter(type="buffer_rule.changed").order_by("id").values_list("data__what", flat=True)
    assert list(told) == ["made", "changed", "retired"]


def test_a_stale_form_changes_nothing(client, coat):
    rule = BufferRule.objects.create(amount=1, version=4)

    answer = signed_in(client, person(*RULES)).post(f"/stock/buffers/{rule.pk}", FORM | {"v": "3"})

    assert answer.status_code == 409
    rule.refresh_from_db()
    assert rule.amount == 1


def test_a_second_rule_for_the_same_is_refused_and_what_was_typed_stays(client, coat):
    BufferRule.objects.create(channel="web", amount=1)

    answer = signed_in(client, person(*RULES)).post("/stock/buffers/new", FORM)

    assert answer.status_code == 422
    assert "Another rule says already" in answer.content.decode()
    assert "Slow feed" in answer.content.decode()
    assert BufferRule.objects.count() == 1


@pytest.mark.parametrize(
    "fields, path",
    [
        ({"amount": ""}, "amount"),
        ({"amount": "-1"}, "amount"),
        ({"amount": "1e3"}, "amount"),
        ({"amount": "NaN"}, "amount"),
        ({"amount": "٣"}, "amount"),
        ({"amount": "1.5"}, "amount"),
        ({"measure": "PERCENT", "amount": "101"}, "amount"),
        ({"measure": "DERIVED", "channel": ""}, "measure"),
        ({"kind": "SAFETY"}, "channel"),
        ({"kind": "WISH"}, "kind"),
        ({"item": "NOBODY"}, "item"),
        ({"place": "NOWHERE"}, "place"),
        ({"item": "COAT/10 A", "attribute_key": "season", "attribute_value": "winter"}, "attribute_key"),
        ({"attribute_key": "season"}, "attribute_value"),
        ({"measure": "PERCENT", "at_least": "5", "at_most": "2"}, "at_most"),
        ({"at_least": "x"}, "at_least"),
    ],
)
def test_what_makes_no_sense_is_said_beside_its_field(client, coat, fields, path):
    answer = signed_in(client, person(*RULES)).post("/stock/buffers/new", FORM | fields)

    assert answer.status_code == 422
    assert f'id="e-{path}"' in answer.content.decode()
    assert not BufferRule.objects.exists()


def test_the_preview_shows_what_would_change_and_changes_nothing(client, coat):
    BufferRule.objects.create(amount=1)
    signed_in(client, person(*RULES))

    asked = FORM | {"attribute_key": "season", "attribute_value": "winter"}
    page = client.post("/stock/buffers/preview", asked).content.decode()

    assert "1 of the 1 promises" in page
    assert ">9<" in page
    assert "<b>7</b>" in page
    assert BufferRule.objects.count() == 1
    assert "That is no rule yet" in client.post("/stock/buffers/preview", FORM | {"amount": "x"}).content.decode()


def test_people_of_one_site_rule_over_their_place_only(client, coat):
    everywhere = BufferRule.objects.create(amount=1)
    theirs = BufferRule.objects.create(amount=1, location=LocationFactory())
    signed_in(client, person(*RULES, sites=[coat.location.site]))

    assert client.post("/stock/buffers/new", FORM).status_code == 422
    assert client.get(f"/stock/buffers/{everywhere.pk}").status_code == 404
    assert client.get(f"/stock/buffers/{theirs.pk}").status_code == 404
    client.post("/stock/buffers/new", FORM | {"place": "LEEDS"})
    assert BufferRule.objects.filter(location=coat.location).count() == 1
    page = client.get("/stock/buffers/").content.decode()
    assert f"Rule {everywhere.pk}<" in page
    assert f"Rule {theirs.pk}<" not in page


def test_the_list_is_narrowed_by_its_address_and_takes_a_fixed_number_of_queries(client, coat, query_count):
    BufferRule.objects.create(channel="web", amount=1, item=coat.item)
    BufferRule.objects.create(kind="SAFETY", amount=2)
    signed_in(client, person(*RULES))

    assert client.get("/stock/buffers/?q=COAT/10 A").content.decode().count("<tr id=") == 1
    assert client.get("/stock/buffers/?kind=SAFETY&channel=web").content.decode().count("<tr id=") == 0
    assert client.get("/stock/buffers/?kind=WISH").status_code == 400
    with query_count("buffers-list", lambda: client.get("/stock/buffers/")):
        for n in range(5):
            BufferRule.objects.create(channel=f"c{n}", amount=1, location=coat.location)


def test_rules_need_their_permissions(client, coat):
    signed_in(client, person("inventory.view_item"))
    assert client.get("/stock/buffers/").status_code == 403
    signed_in(client, person("inventory.view_item", "inventory.view_bufferrule"))
    assert client.get("/stock/buffers/").status_code == 200
    assert client.get("/stock/buffers/new").status_code == 403
    assert client.post("/stock/buffers/preview", FORM).status_code == 403


# --- Publishing


def test_each_channel_shows_its_backlog_lag_and_error_and_can_be_told_everything(client, coat, query_count):
    feed = publishing.open_feed("web", "Web shop")
    ChannelFeed.objects.update(lag_p50_ms=900, lag_p95_ms=2_400, failures=2, last_error="connection refused")
    hold(coat)
    publishing.fold_all()
    Publication.objects.update(problem="not stocked there")
    signed_in(client, person("inventory.view_item", "inventory.view_channelfeed", "inventory.publish_stock"))

    page = client.get("/stock/publishing/").content.decode()
    for words in ("900 ms", "2.4 s", "connection refused", "Tell everything"):
        assert words in page
    assert "not stocked there" in client.get("/stock/publishing/web/refused").content.decode()
    with query_count("stock-publishing", lambda: client.get("/stock/publishing/")):
        for n in range(3):
            publishing.open_feed(f"c{n}", f"C{n}")

    answer = client.post("/stock/publishing/web/snapshot")

    job = Job.objects.get()
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/jobs/{job.pk}")
    assert Publication.objects.get(feed=feed).forced
    assert client.post("/stock/publishing/web/snapshot").status_code == 409


def test_publishing_needs_its_permissions(client, coat):
    publishing.open_feed("web", "Web")
    signed_in(client, person("inventory.view_item"))
    assert client.get("/stock/publishing/").status_code == 403
    signed_in(client, person("inventory.view_item", "inventory.view_channelfeed"))
    assert client.post("/stock/publishing/web/snapshot").status_code == 403
    assert client.get("/stock/publishing/other/refused").status_code == 404
