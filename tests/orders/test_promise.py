"""What a customer may be promised: pure options first, then the endpoint over stock, places and carriers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from exceptions import clock
from integrations.models import ApiClient
from inventory.models import BufferRule, ExpectedReceipt, Reservation
from orders import price_tables, promising
from orders.carriage import Place, Service
from orders.promising import Parcel, Shelf
from orders.services import carriage
from tests.factories.inventory import ItemAliasFactory, ItemFactory, LocationFactory, StockFactory
from tests.factories.orders import ChannelFactory
from tests.orders.conftest import Api
from tests.orders.parcels import service

LEEDS = Place("GB", "LS1 6AA", 53.8, -1.55, "Europe/London")
CALAIS = Place("FR", "62100", 50.95, 1.85, "Europe/Paris")
BRISTOL = Place("GB", "BS1 4DJ", 51.45, -2.59, "Europe/London")
THURSDAY = datetime(2026, 11, 19, 10, 0, tzinfo=UTC)


def carrier(code, price, days, **zone):
    table = [{"name": "All", "days": days, "prices": [[1000, price], [5000, str(Decimal(price) * 2)]]} | zone]
    return Service(code, "Dispatch", code.title(), "GBP", price_tables.read(table))


def offered(*parcels, services):
    return promising.deliveries(parcels, services, destination=BRISTOL, now=THURSDAY)


def test_each_service_is_an_option_the_soonest_first():
    found = offered(Parcel("LEEDS", LEEDS, 800), services=[carrier("slow", "2.00", 4), carrier("fast", "6.00", 1)])

    assert [(o.service, o.cost, o.arrives_by.day) for o in found] == [
        ("fast", Decimal("6.00"), 20),
        ("slow", Decimal("2.00"), 24),
    ]


def test_parcels_of_several_places_cost_together_and_are_there_when_the_last_is():
    near, far = carrier("post", "2.00", 1, origins=["GB"]), carrier("post", "3.00", 3, origins=["FR"])
    both = Service("post", "Dispatch", "Post", "GBP", (*near.zones, *far.zones))

    (found,) = offered(Parcel("LEEDS", LEEDS, 800), Parcel("CALAIS", CALAIS, 1200), services=[both])

    assert (found.cost, found.from_locations) == (Decimal("8.00"), ("LEEDS", "CALAIS"))
    assert found.arrives_by.day == 23


def test_without_a_service_from_everywhere_the_cheapest_of_each_place_go_together():
    services = [
        carrier("home", "2.00", 1, origins=["GB"]),
        carrier("dear", "5.00", 1, origins=["GB"]),
        carrier("abroad", "3.00", 3, origins=["FR"]),
    ]

    (found,) = offered(Parcel("LEEDS", LEEDS, 800), Parcel("CALAIS", CALAIS, 800), services=services)

    assert (found.service, found.cost) == ("home+abroad", Decimal("5.00"))


def test_nothing_is_promised_where_one_parcel_can_not_go():
    services = [carrier("home", "2.00", 1, origins=["GB"])]

    assert offered(Parcel("LEEDS", LEEDS, 800), Parcel("CALAIS", CALAIS, 800), services=services) == []
    assert offered(services=services) == []


def test_a_collection_is_ready_two_opening_hours_later_the_nearest_first():
    weekly = [[], [], [], [["09:00", "11:00"]], [["09:00", "17:00"]], [], []]
    calendar = clock.Calendar.parse("UTC", weekly)
    shelves = [
        Shelf("FAR", "Far", (), clock.ALWAYS, 55.0, -1.5),
        Shelf("NEAR", "Near", (), calendar, 53.9, -1.5),
        Shelf("EMPTY", "Empty", (("SKU-1", 2),), clock.ALWAYS, 53.8, -1.5),
    ]

    found = promising.collections(shelves, near=LEEDS, now=THURSDAY)

    assert [(o.location, o.ready_by) for o in found] == [
        ("NEAR", datetime(2026, 11, 20, 10, tzinfo=UTC)),
        ("FAR", THURSDAY + timedelta(hours=2)),
        ("EMPTY", None),
    ]
    assert found[0].distance_km is not None and found[0].distance_km < 15  # noqa: PT018
    assert found[2].lacking == (("SKU-1", 2),)


# --- The endpoint


@pytest.fixture
def shop(client, db):
    ChannelFactory()
    _, key = ApiClient.issue("Shop", scopes=["stock:read"])
    mug, pen = ItemFactory(sku="MUG", weight_grams=400), ItemFactory(sku="PEN", weight_grams=20)
    leeds = LocationFactory(code="LEEDS", time_zone="Europe/London", pickup=True, lat=53.8, lon=-1.55)
    york = LocationFactory(code="YORK", time_zone="Europe/London", pickup=True, lat=53.96, lon=-1.08)
    StockFactory(item=mug, location=leeds, sellable=5)
    StockFactory(item=mug, location=york, sellable=1)
    StockFactory(item=pen, location=york, sellable=9)
    yield Api(client, key)
    carriage.forget()


def ask(api, **query):
    answer = api.get("/api/v1/promise", query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_deliveries_and_collections_of_what_is_there(shop):
    service("slow")
    service("fast", zones=[{"name": "UK", "countries": ["GB"], "days": 1, "prices": [[2000, "6.50"]]}])

    said = ask(shop, line="MUG:2", country="GB", postal_code="LS1", latitude="53.96", longitude="-1.08")

    assert [(o["service"], o["cost"], o["locations"]) for o in said["delivery"]] == [
        ("fast", "6.50", ["LEEDS"]),
        ("slow", "3.20", ["LEEDS"]),
    ]
    assert [(o["location"], o["distance_km"]) for o in said["pickup"]] == [("LEEDS", 35.6)]
    assert (said["lacking"], said["unknown"]) == ([], [])
    assert not Reservation.objects.exists()


def test_a_split_order_is_priced_as_its_parcels(shop):
    service("slow")

    said = ask(shop, line=["MUG:3", "PEN:2"], country="GB")

    assert [(o["cost"], o["parcels"]) for o in said["delivery"]] == [("6.40", 2)]
    assert said["pickup"] == []


def test_what_is_lacking_says_when_enough_is_expected(shop):
    mug = ItemAliasFactory(code="cup", item__sku="CUP").item
    due = timezone.now() + timedelta(days=2)
    ExpectedReceipt.objects.create(
        item=mug, location=LocationFactory(), quantity=4, due_at=due, cause_kind="transfer", cause_uid="1"
    )

    said = ask(shop, line=["cup:3", "MUG:1"], channel="webshop", country="GB", location="YORK")

    assert said["delivery"] == []
    assert [(x["sku"], x["wanted"], x["available"], x["expected_at"][:10]) for x in said["lacking"]] == [
        ("CUP", 3, 0, due.date().isoformat())
    ]
    assert said["pickup"][0]["lacking"] == [{"sku": "CUP", "units": 3}]


def test_what_is_kept_back_from_the_channel_is_not_offered(shop):
    BufferRule.objects.create(kind="BUFFER", channel="webshop", measure="UNITS", amount=4)

    assert [o["location"] for o in ask(shop, line="MUG:2", channel="webshop", method="PICKUP")["pickup"]] == []
    assert [o["location"] for o in ask(shop, line="MUG:2", method="PICKUP")["pickup"]] == ["LEEDS"]


def test_a_sku_nobody_knows_leaves_no_promise(shop):
    said = ask(shop, line=["MUG:1", "NOBODY-KNOWS:1"], country="GB")

    assert (said["unknown"], said["delivery"], said["pickup"]) == (["NOBODY-KNOWS"], [], [])


def test_it_takes_a_fixed_number_of_queries(shop, query_count):
    service("slow")
    with query_count("api-promise", lambda: shop.get("/api/v1/promise", {"line": ["MUG:1", "PEN:1"], "country": "GB"})):
        for n in range(3):
            StockFactory(item__sku=f"MORE-{n}", sellable=3)


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"line": "MUG"},
        {"line": "MUG:0"},
        {"line": "MUG:-1"},
        {"line": "MUG:٣"},
        {"line": "MUG:1e3"},
        {"line": "MUG:9999999"},
        {"line": ["MUG:1"] * 101},
        {"line": "MUG:1\0"},
        {"line": "MUG:1", "country": "gb"},
        {"line": "MUG:1", "latitude": "91"},
        {"line": "MUG:1", "latitude": "NaN"},
        {"line": "MUG:1", "method": "DRONE"},
        {"line": "MUG:1", "colour": "red"},
        {"line": "MUG:1", "location": ["x"] * 21},
    ],
)
def test_a_question_that_makes_no_sense_is_refused(shop, query):
    assert shop.get("/api/v1/promise", query).status_code == 400


def test_another_channel_is_not_there(shop):
    client = ApiClient.objects.get()
    client.channels.add(ChannelFactory(code="other"))

    assert shop.get("/api/v1/promise", {"line": "MUG:1", "channel": "webshop"}).status_code == 404
    assert ask(shop, line="MUG:1")["channel"] == "other"
