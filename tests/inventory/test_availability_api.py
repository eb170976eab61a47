"""Partners ask what they may promise, many SKUs at many places in one call."""

from __future__ import annotations

import pytest

from integrations.models import ApiClient
from inventory.models import BufferRule
from tests.factories.inventory import ItemAliasFactory, ItemFactory, LocationFactory, StockFactory
from tests.factories.orders import ChannelFactory

pytestmark = pytest.mark.django_db
PATH = "/api/v1/availability"


@pytest.fixture
def key() -> tuple[ApiClient, str]:
    return ApiClient.issue("Shop", scopes=["stock:read"])


@pytest.fixture
def ask(client, key):
    return lambda query: client.get(PATH, query, headers={"Authorization": f"Bearer {key[1]}"})


@pytest.fixture
def coat():
    item = ItemFactory(sku="COAT")
    StockFactory(item=item, location=LocationFactory(code="YORK"), sellable=4)
    return StockFactory(item=item, location=LocationFactory(code="LEEDS"), sellable=10)


def test_every_sku_gets_its_figure_by_place_and_in_all(ask, coat):
    StockFactory(item=ItemFactory(sku="HAT"), location=coat.location, sellable=2)
    ItemFactory(sku="SCARF")

    said = ask({"sku": ["HAT", "COAT", "SCARF", "NOBODY"]}).json()

    assert said["unknown"] == ["NOBODY"]
    assert said["items"] == [
        {"sku": "HAT", "available": 2, "locations": [{"location": "LEEDS", "available": 2}]},
        {
            "sku": "COAT",
            "available": 14,
            "locations": [{"location": "LEEDS", "available": 10}, {"location": "YORK", "available": 4}],
        },
        {"sku": "SCARF", "available": 0, "locations": []},
    ]


def test_the_channels_own_sku_and_its_buffers_count_and_the_terms_are_explained(ask, coat):
    ItemAliasFactory(system="web", code="v-1", item=coat.item)
    rule = BufferRule.objects.create(channel="web", amount=3)

    said = ask({"sku": "v-1", "channel": "web", "location": "LEEDS", "explain": "1"}).json()

    assert said["items"][0]["locations"] == [
        {
            "location": "LEEDS", "available": 7, "sellable": 10, "reserved": 0, "safety": 0, "safety_rule": None,
            "buffer": 3, "buffer_rule": rule.pk, "inbound": 0, "capacity": None, "barred": None,
        }
    ]  # fmt: skip


def test_a_key_of_one_channel_asks_for_it_and_of_no_other(ask, key, coat):
    key[0].channels.add(ChannelFactory(code="web"))
    BufferRule.objects.create(channel="web", amount=3)

    assert ask({"sku": "COAT"}).json()["channel"] == "web"
    assert ask({"sku": "COAT"}).json()["items"][0]["available"] == 8
    assert ask({"sku": "COAT", "channel": "amazon"}).status_code == 404
    key[0].channels.add(ChannelFactory(code="till"))
    assert ask({"sku": "COAT"}).json()["errors"][0]["path"] == "channel"


@pytest.mark.parametrize(
    "query, path",
    [
        ({}, "sku"),
        ({"sku": ""}, "sku"),
        ({"sku": "A\0"}, "sku"),
        ({"sku": [f"S{n}" for n in range(201)]}, "sku"),
        ({"sku": "COAT", "location": "NOWHERE"}, "location"),
        ({"sku": "COAT", "by": "2026-02-30"}, "by"),
        ({"sku": "COAT", "by": "9999-12-31"}, "by"),
        ({"sku": "COAT", "by": "20260301"}, "by"),
        ({"sku": "COAT", "method": "DRONE"}, "method"),
        ({"sku": "COAT", "explain": "yes please"}, "explain"),
        ({"sku": "COAT", "channel": "x" * 41}, "channel"),
        ({"sku": "COAT", "warehouse": "LEEDS"}, "warehouse"),
    ],
)
def test_a_question_that_makes_no_sense_is_400_and_says_where(ask, coat, query, path):
    said = ask(query)

    assert said.status_code == 400
    assert [error["path"] for error in said.json()["errors"]] == [path]


def test_it_needs_the_scope(client, coat):
    other = ApiClient.issue("Other", scopes=["orders:read"])[1]

    assert client.get(PATH, {"sku": "COAT"}).status_code == 401
    assert client.get(PATH, {"sku": "COAT"}, headers={"Authorization": f"Bearer {other}"}).status_code == 403


def test_it_takes_a_fixed_number_of_queries(ask, coat, query_count):
    with query_count("api-availability", lambda: ask({"sku": ["COAT", "HAT", "SCARF"], "channel": "web"})):
        for item in (ItemFactory(sku="HAT"), ItemFactory(sku="SCARF")):
            for _ in range(3):
                StockFactory(item=item, location=LocationFactory())


def test_its_description_names_what_narrows_it(described):
    assert {p["name"] for p in described["paths"][PATH]["get"]["parameters"]} >= {"sku", "location", "by", "method"}
