"""Bad input and what it gets: nothing half-applied, never a traceback, and the path of what is wrong."""

from __future__ import annotations

import gzip
import json

import pytest

from orders.models import Order
from tests.factories.inventory import ItemFactory, StockFactory
from tests.factories.orders import ChannelFactory
from tests.orders.conftest import body

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shop():
    ChannelFactory()
    StockFactory(item=ItemFactory(sku="SKU-1"), sellable=10)


def raw(old: str, new: str) -> str:
    """The JSON text of a good order with one piece of text exchanged for what json.dumps would never write."""
    text = json.dumps(body())
    assert old in text
    return text.replace(old, new, 1)


REFUSED = {
    "NUL in text": (raw('"Article"', '"Art\\u0000icle"'), "lines[0].title"),
    "half a character": (raw('"Article"', '"\\ud800"'), "lines[0].title"),
    "quantity 0": (body(line__quantity=0), "lines[0].quantity"),
    "quantity negative": (body(line__quantity=-1), "lines[0].quantity"),
    "quantity true": (body(line__quantity=True), "lines[0].quantity"),
    "quantity in words": (body(line__quantity="1e3"), "lines[0].quantity"),
    "quantity of other digits": (body(line__quantity="٣"), "lines[0].quantity"),
    "quantity with decimals": (body(line__quantity=1.5), "lines[0].quantity"),
    "quantity 2^70": (body(line__quantity=2**70), None),
    "quantity over the limit": (body(line__quantity=1_000_001), "lines[0].quantity"),
    "price a number": (body(line__unit_price=10.0), "lines[0].unit_price"),
    "price NaN": (body(line__unit_price="NaN"), "lines[0].unit_price"),
    "price Infinity": (body(line__unit_price="Infinity"), "lines[0].unit_price"),
    "price 1e9999999": (body(line__unit_price="1e9999999"), "lines[0].unit_price"),
    "price negative": (body(line__unit_price="-1.00"), "lines[0].unit_price"),
    "price of other digits": (body(line__unit_price="١٠"), "lines[0].unit_price"),
    "price of 5 000 digits": (body(line__unit_price="9" * 5_000), "lines[0].unit_price"),
    "price of five decimals": (body(line__unit_price="1.00001"), "lines[0].unit_price"),
    "worth too much together": (body(line__unit_price="999999999999.00", line__quantity=1000), "lines"),
    "NaN as JSON": (raw('"quantity": 1', '"quantity": NaN'), None),
    "Infinity as JSON": (raw('"version": 1', '"version": Infinity'), None),
    "an integer of 5 000 digits": (raw('"version": 1', '"version": ' + "9" * 5_000), None),
    "a key twice": (raw('"version": 1', '"version": 1, "version": 2'), None),
    "depth 100 000": ("[" * 100_000 + "]" * 100_000, None),
    "not JSON": ("{", None),
    "a byte order mark": ("\ufeff" + json.dumps(body()), None),
    "not an object": ("[]", None),
    "year 9999 at -12:00": (body(placed_at="9999-12-31T23:59:59-12:00"), "placed_at"),
    "a local time": (body(placed_at="2026-03-02T09:30:00"), "placed_at"),
    "a day that isn't": (body(placed_at="2026-02-30T09:30:00Z"), "placed_at"),
    "a time as a number": (body(placed_at=1_700_000_000), "placed_at"),
    "a time before 1970": (body(placed_at="1969-12-31T23:59:59Z"), "placed_at"),
    "unknown currency": (body(currency="XXX"), "currency"),
    "currency in small letters": (body(currency="gbp"), "currency"),
    "an extra field": (body(role="admin"), "role"),
    "a status of ours": (body(status="COMPLETED"), "status"),
    "an extra field of a line": (body(line__site="leeds"), "lines[0].site"),
    "no lines": (body(lines=[]), "lines"),
    "no version": ({k: v for k, v in body().items() if k != "version"}, "version"),
    "a version in words": (body(version="1"), "version"),
    "a ref of blanks": (body(channel_ref="  "), "channel_ref"),
    "a ref with a line break": (body(channel_ref="A\n1"), "channel_ref"),
    "a ref too long": (body(channel_ref="A" * 121), "channel_ref"),
    "the same line twice": (body(lines=[body()["lines"][0]] * 2), "lines[1].ref"),
    "more cancelled than ordered": (body(line__cancelled_quantity=2), "lines[0].quantity"),
    "a collection without a place": (body(method="PICKUP"), "pickup_location_code"),
    "a country in words": (body(ship_to={"country": "England"}), "ship_to.country"),
    "a place off the earth": (body(ship_to={"latitude": 91}), "ship_to.latitude"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_with_its_path_and_changes_nothing(api, name):
    sent, where = REFUSED[name]

    answer = api.order(sent)

    assert answer.status_code == 400, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    if where is not None:
        assert where in {error["path"] for error in answer.json()["errors"]}
    assert not Order.objects.exists()


def test_every_broken_rule_is_named_at_once(api):
    answer = api.order(body(currency="XXX", line__quantity=0, placed_at="yesterday"))

    assert {"currency", "placed_at", "lines[0].quantity"} == {error["path"] for error in answer.json()["errors"]}


@pytest.mark.parametrize("count", [501, 10_000])
def test_too_many_lines_are_too_large(api, count):
    lines = [{"ref": str(n), "sku": "SKU-1", "quantity": 1, "unit_price": "1"} for n in range(count)]

    answer = api.order(body(lines=lines))

    assert answer.status_code == 413
    assert not Order.objects.exists()


def test_a_body_over_the_limit_is_too_large(api):
    assert api.order(body(note="x" * 3_000_000)).status_code == 413


def test_a_bomb_is_too_large(api):
    bomb = gzip.compress(b"[" + b" " * 50_000_000 + b"]")

    answer = api.order(bomb, **{"Content-Encoding": "gzip"})

    assert answer.status_code == 413


def test_a_gzipped_order_is_read(api):
    packed = gzip.compress(json.dumps(body()).encode())

    assert api.order(packed, **{"Content-Encoding": "gzip"}).status_code == 201


def test_a_full_width_sku_is_the_plain_one(api):
    made = api.order(body(line__sku="ＳＫＵ－１"))

    assert made.status_code == 201
    assert Order.objects.get().lines.get().item.sku == "SKU-1"


def test_an_invisible_character_makes_no_second_sku(api):
    made = api.order(body(line__sku="SKU\u200b-1"))

    assert made.status_code == 201
    assert Order.objects.get().lines.get().sku == "SKU-1"


def test_a_look_alike_sku_is_unknown_and_asks_a_person(api):
    kept = api.order(body(line__sku="ЅKU-1"))

    assert kept.status_code == 202
    assert Order.objects.get().lines.get().item is None


def test_the_same_sku_on_two_lines_is_summed_before_it_is_checked(api):
    lines = [{"ref": ref, "sku": "SKU-1", "quantity": 6, "unit_price": "1.00"} for ref in "ab"]

    made = api.order(body(lines=lines, total="12.00"))

    assert made.json()["problems"] == ["orders.unallocated"]


@pytest.mark.parametrize("given", [None, "", "x" * 256, "ключ".encode().decode("latin-1")])
def test_a_call_needs_a_proper_idempotency_key(api, given):
    answer = api.order(idempotency_key=given)

    assert answer.status_code == 400
    assert not Order.objects.exists()


def test_another_media_type_is_not_read(api, client):
    sent = client.post(
        "/api/v1/orders", "a=b", content_type="text/plain", headers=api.headers | {"Idempotency-Key": "k"}
    )

    assert sent.status_code == 415


def test_an_unknown_channel_is_not_there(api):
    assert api.order(body(channel="nowhere")).status_code == 404


@pytest.mark.parametrize("number", ["SO-1", "%00", "SO-100001%0a", "..", "x" * 5000])
def test_a_number_nobody_has_is_not_there(api, number):
    assert api.get(f"/api/v1/orders/{number}").status_code in {400, 404}
