"""Where a return's parcel can be handed in: asked of DHL and UPS, shown, chosen, printed; never in a label's way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from config.devstack.drop_offs import Dhl, Server, Ups
from core.errors import Refusal
from core.models import User
from integrations import breaker
from integrations.carriers import dropping, opening, registry
from integrations.carriers.port import Opening, Rejected
from integrations.models import Connection, OutboundCall
from returns.services import drop_offs, labels
from tests.factories.inventory import ItemFactory, LocationFactory
from tests.factories.returns import CLERK, returned, service, sold

pytestmark = pytest.mark.django_db
LEEDS = {"line1": "4 Park Row", "city": "Leeds", "postal_code": "LS1 5HD", "country": "GB"}


@pytest.fixture
def dhl(db: None) -> Iterator[Dhl]:
    with Server(shop := Dhl("dhl-key")) as server:
        account = Connection.objects.create(
            code="dhl", name="DHL", kind="CARRIER", vendor="dhl",
            settings={"places_url": server.url, "private_address_allowed": True},
        )  # fmt: skip
        account.keep_secret("key", "dhl-key")
        yield shop


@pytest.fixture
def ups(db: None) -> Iterator[Ups]:
    with Server(shop := Ups("ups-secret")) as server:
        account = Connection.objects.create(
            code="ups", name="UPS", kind="CARRIER", vendor="ups",
            settings={"places_url": server.url, "client_id": "client", "private_address_allowed": True},
        )  # fmt: skip
        account.keep_secret("client_secret", "ups-secret")
        yield shop


def places(code: str, address: dict[str, Any] | None = None) -> Any:
    return registry.places(Connection.objects.get(code=code)).places(address or LEEDS, limit=10)


def to_return(**fields: Any) -> Any:
    ItemFactory(sku="SKU-1", weight_grams=400)
    LocationFactory(code="centre", name="Returns centre", kind="RETURNS_CENTRE", returns=True, country="GB")
    service(carrier="UPS", **fields)
    return returned(sold())


def test_dhls_counters_and_lockers_are_asked_for_apart_and_listed_together(dhl: Dhl):
    whole = [{"opens": "00:00:00", "closes": "23:59:00", "dayOfWeek": f"http://schema.org/{day}"} for day in (
        "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")]  # fmt: skip
    dhl.put("501", 900)
    dhl.put("145", 120, "parcel:drop-off-unregistered", name="", openingHours=whole,
            location={"ids": [{"locationId": "145", "provider": "parcel"}], "keyword": "Packstation",
                      "keywordId": "145", "type": "locker"})  # fmt: skip
    dhl.put("9", 90_000)
    dhl.put("77", 300, location={"type": "servicepoint"}, place={"geo": {}})  # without an address: no place to go to

    found = places("dhl")

    assert [(p.ref, p.name, p.kind, p.metres) for p in found] == [
        ("145", "Packstation 145", "Locker", 120), ("501", "Postfiliale 501", "Post office", 900),
    ]  # fmt: skip
    assert opening.words(found[0].hours) == ["Open day and night"]
    assert opening.words(found[1].hours) == ["Mon–Fri 09:00–18:00"]
    assert dhl.asked_for[0]["postalCode"] == "LS1 5HD"
    with pytest.raises(Rejected, match="countryCode: unknown"):
        places("dhl", LEEDS | {"country": "XX"})
    assert "dhl-key" not in str(list(OutboundCall.objects.values_list("request_excerpt", "url")))


def test_ups_places_are_read_whether_one_or_many_and_a_token_that_ended_is_renewed(ups: Ups):
    assert places("ups") == []
    ups.put("1", "0.4")
    (one,) = places("ups")
    ups.end_tokens()
    ups.put("2", "0.1", OperatingHours={}, AccessPointInformation={})
    near, far = places("ups")

    assert (one.ref, one.name, one.kind, one.metres) == ("U1", "CORNER SHOP 1", "UPS Access Point", 644)
    assert one.address["line1"] == "2 HEADROW REAR"
    assert opening.words(one.hours) == ["Mon–Fri 09:00–20:00", "Sat 09:00–12:00, 14:00–17:00"]
    assert (near.ref, near.hours, far.ref, ups.asked) == ("2", (), "U1", 2)


def test_hours_are_said_in_few_words_and_nonsense_is_left_out():
    said = [Opening(0, 540, 1080), Opening(1, 540, 1080), Opening(3, 540, 1080), Opening(6, 0, 1440), Opening(9, 1, 2)]

    assert opening.words(said) == ["Mon–Tue 09:00–18:00", "Thu 09:00–18:00", "Sun day and night"]
    assert opening.words([]) == []
    assert [opening.minutes(text) for text in ("900", "20:30", "08:00:00", "2575", "noon", "")] == [
        540, 1230, 480, None, None, None,
    ]  # fmt: skip


def test_a_place_is_chosen_on_the_page_and_printed_with_the_label(client: Any, ups: Ups, dhl: Dhl):
    rma = to_return()
    client.force_login(User.objects.create_superuser("anna@example.test", "x"))
    ups.put("1", "0.4")
    panel = f"/returns/{rma.number}/drop-offs"

    listed = client.get(panel).content.decode()
    assert "CORNER SHOP 1" in listed
    assert "Mon–Fri 09:00–20:00" in listed
    assert dhl.asked_for == []  # nobody of DHL's would bring it
    offered = dropping.near(rma).places[0]
    assert client.post(f"{panel}/choose", {"choice": "made up"}).status_code == 422
    chosen = client.post(f"{panel}/choose", {"choice": offered.choice}, HTTP_HX_REQUEST="true")
    assert "Choose another" in chosen.content.decode()

    rma.refresh_from_db()
    assert (rma.drop_off["ref"], rma.drop_off["metres"]) == ("U1", 644)
    label = labels.want(rma.pk, actor=CLERK)
    for page in (f"/returns/labels/{label.pk}", f"/returns/{rma.number}/receipt"):
        assert "Hand it in at CORNER SHOP 1" in client.get(page).content.decode()
    client.post(f"{panel}/choose", {"choice": ""})
    rma.refresh_from_db()
    assert rma.drop_off == {}


@pytest.mark.parametrize("fault", ["500", "garbage", "reset", "429"])
def test_a_carrier_that_is_down_is_said_and_keeps_nobody_from_a_label(ups: Ups, fault: str):
    rma = to_return()
    ups.faults[fault] = 1

    near = dropping.near(rma)

    assert near.places == []
    assert near.troubles[0].startswith("UPS can’t be asked now")
    assert labels.want(rma.pk, actor=CLERK).status == "BOUGHT"
    breaker.reset(Connection.objects.get().pk)
    assert dropping.near(rma).troubles == ["UPS knows no place near there."]


def test_without_an_account_or_an_address_it_is_said_so():
    rma = to_return()
    assert dropping.near(rma).troubles == ["No carrier account finds places of UPS."]
    rma.sent_from = {}
    assert "no address" in dropping.near(rma).troubles[0]


def test_a_label_is_of_a_carrier_whose_parcels_the_chosen_place_takes(ups: Ups, dhl: Dhl):
    rma = to_return()
    cheap = [{"name": "GB", "days": 2, "prices": [[30000, "1.00"]], "countries": ["GB"]}]
    service(code="dhl-back", carrier="DHL Express", zones=cheap)
    ups.put("1", "0.4")
    place = next(each.place for each in dropping.near(rma).places if each.place["carrier"] == "UPS")
    drop_offs.choose(rma.pk, place, actor=CLERK)
    rma.refresh_from_db()

    assert [option.carrier for option in labels.options(rma)] == ["UPS"]  # though DHL's is cheaper
    with pytest.raises(Refusal, match="none of DHL Express"):
        labels.want(rma.pk, service="dhl-back", actor=CLERK)
    assert labels.want(rma.pk, actor=CLERK).carrier == "UPS"
    with pytest.raises(Refusal, match="none of UPS"):
        drop_offs.choose(rma.pk, {**place, "name": "Packstation", "carrier": "DHL", "serves": ["DHL"]}, actor=CLERK)

    rma.refresh_from_db()
    assert rma.drop_off["carrier"] == "UPS"
