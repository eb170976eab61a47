"""What channels sell, read from their catalogues: codes that fit become aliases, the rest is shown as missing."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from config.devstack import (
    amazon,
    bigcommerce,
    ebay,
    etsy,
    magento,
    mirakl,
    shopify,
    tiktok,
    vendure,
    walmart,
    woocommerce,
)
from integrations import aliases, codes, inbox, reading, tokens
from integrations.channels import listings, polling, registry
from integrations.channels.amazon import quota
from integrations.failures import Unreadable
from integrations.models import Connection, FeedState, InboundMessage, Listing
from integrations.reading import Faults, Node
from inventory.models import ItemAlias
from orders.models import OrderLine
from tests.factories.inventory import ItemFactory
from tests.integrations.conftest import FIXTURES
from tests.integrations.test_stores import connect, fixture

pytestmark = pytest.mark.django_db

OLD, NOW = "2026-01-02T03:04:05", "2026-03-30T09:00:00"
SKUS = ["COAT-M", "", *(f"NEW-{n:03d}" for n in range(258))]  # one that is ours, one without, and those nobody knows


def fill_shopify(shop: Any) -> None:
    shop.stock.add([sku or "-" for sku in SKUS])


def fill_woo(shop: Any) -> None:
    """The coat is a variation of the first product, all others are products."""
    shop.products[1] = {"id": 1, "sku": "", "name": "Coat", "type": "variable", "date_modified_gmt": OLD}
    shop.products[2] = {"id": 2, "sku": SKUS[0], "name": "M", "type": "variation", "parent_id": 1}
    for n, sku in enumerate(SKUS[1:], start=3):
        shop.products[n] = {"id": n, "sku": sku, "name": f"Thing {n}", "type": "simple", "date_modified_gmt": OLD}


def fill_big(shop: Any) -> None:
    option = [{"label": "M"}]
    shop.products = [
        {"id": 1000 + n, "name": f"Thing {n}", "date_modified": OLD,
         "variants": [{"id": n, "sku": sku, "option_values": option}]}
        for n, sku in enumerate(SKUS, start=1)
    ]  # fmt: skip


def fill_magento(shop: Any) -> None:
    for n, sku in enumerate(SKUS, start=1):
        product = {"id": n, "sku": sku, "name": f"Thing {n}", "type_id": "simple", "updated_at": OLD.replace("T", " ")}
        shop.products[n] = product
    shop.products[999] = shop.products[1] | {"id": 999, "sku": "COAT", "type_id": "configurable"}


def fill_vendure(shop: Any) -> None:
    shop.put_on_sale(*SKUS)


def fill_amazon(shop: Any) -> None:
    """A search lists 40 at most, so the walk goes on from the last one's change."""
    shop.most = 40
    shop.catalogue = [
        {"sku": sku, "summaries": [{"asin": "B0", "itemName": f"Thing {n}",
                                    "lastUpdatedDate": f"2026-01-01T{n // 60:02d}:{n % 60:02d}:00Z"}]}
        for n, sku in enumerate(SKUS[:50])
    ]  # fmt: skip


def fill_ebay(shop: Any) -> None:
    shop.catalogue = [{"sku": sku, "product": {"title": f"Thing {n}"}} for n, sku in enumerate(SKUS)]


def fill_walmart(shop: Any) -> None:
    shop.catalogue = [{"sku": sku, "wpid": f"0W{n}", "productName": f"Thing {n}"} for n, sku in enumerate(SKUS)]


def fill_etsy(shop: Any) -> None:
    for n, sku in enumerate(SKUS, start=1):
        products = [{"product_id": n, "sku": sku, "property_values": [{"values": ["M"]}]}]
        state = "active" if n % 2 else "sold_out"
        shop.listings[n] = {"listing_id": n, "title": "Thing", "state": state, "inventory": {"products": products}}


def fill_mirakl(shop: Any) -> None:
    shop.catalogue = [{"shop_sku": sku, "product_title": f"Thing {n}"} for n, sku in enumerate(SKUS)]


def fill_tiktok(shop: Any) -> None:
    shop.catalogue = [
        {"id": f"77{n}", "title": f"Thing {n}", "update_time": 1_767_323_045,
         "skus": [{"id": f"{n + 1}", "seller_sku": sku}]}
        for n, sku in enumerate(SKUS)
    ]  # fmt: skip


@dataclass(frozen=True)
class Case:
    vendor: str
    serve: Callable[[], Any]
    fill: Callable[[Any], None]
    code: str  # of our own SKU there
    secrets: dict[str, str]
    settings: dict[str, Any] = field(default_factory=dict)
    address: tuple[str, ...] = ("api", "login")
    has_id: bool = True  # what has no SKU has a code all the same
    many: int = len(SKUS)


CASES = [
    Case("shopify", lambda: shopify.Server("shpat_1"), fill_shopify, "inventory_item:40000000000001",
         {"token": "shpat_1"}, address=("shop",)),
    Case("woocommerce", lambda: woocommerce.Server("ck", "cs"), fill_woo, "product:2", {"key": "ck", "secret": "cs"},
         address=("shop",)),
    Case("bigcommerce", lambda: bigcommerce.Server("t"), fill_big, "variant:1", {"token": "t"}, {"store_hash": "abc"},
         address=("api_url",)),
    Case("magento", lambda: magento.Server("t"), fill_magento, "COAT-M", {"token": "t"}, address=("base_url",),
         has_id=False),
    Case("vendure", lambda: vendure.Server("super", "hush"), fill_vendure, "variant:1",
         {"username": "super", "password": "hush"}, address=("admin_api",)),
    Case("amazon", lambda: amazon.Server(("app", "hush"), "Atzr|r"), fill_amazon, "COAT-M",
         {"client_secret": "hush", "refresh_token": "Atzr|r"},
         {"client_id": "app", "marketplaces": ["ATVPDKIKX0DER"], "seller_id": "A1"}, has_id=False, many=50),
    Case("ebay", lambda: ebay.Server("app:hush", "v^1.1#r"), fill_ebay, "COAT-M",
         {"client_secret": "hush", "refresh_token": "v^1.1#r"}, {"client_id": "app"}, has_id=False),
    Case("walmart", lambda: walmart.Server("app:hush"), fill_walmart, "COAT-M", {"client_secret": "hush"},
         {"client_id": "app"}, has_id=False),
    Case("etsy", lambda: etsy.Server("key", "shared", "7.r", 5), fill_etsy, "product:1",
         {"shared_secret": "shared", "refresh_token": "7.r"}, {"client_id": "key", "shop_id": 5}),
    Case("mirakl", lambda: mirakl.Server("key-1"), fill_mirakl, "COAT-M", {"api_key": "key-1"}, has_id=False),
    Case("tiktok", lambda: tiktok.Server("68x", "e59", "ROW_r"), fill_tiktok, "sku_id:1",
         {"app_secret": "e59", "refresh_token": "ROW_r"}, {"app_key": "68x", "shop_cipher": "ROW_c"}),
]  # fmt: skip


@contextmanager
def calling(case: Case) -> Iterator[tuple[Connection, Any]]:
    tokens._kept.clear()
    quota._left.clear()
    with case.serve() as server:
        where = dict.fromkeys(case.address, server.url)
        connection = connect(case.vendor, private_address_allowed=True, **where, **case.settings)
        for name, value in case.secrets.items():
            connection.keep_secret(name, value)
        shop = server.shop
        case.fill(shop)
        yield connection, shop


def read(connection: Connection) -> FeedState:
    polling.ensure()
    state = FeedState.objects.get(connection=connection, name="codes")
    FeedState.objects.filter(pk=state.pk).update(next_at=timezone.now())
    polling.read(state.pk)
    inbox.process_due()
    state.refresh_from_db()
    assert state.last_error == ""
    assert not InboundMessage.objects.exclude(status__in=("PROCESSED", "DUPLICATE")).exists()
    return state


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.vendor)
def test_what_a_channel_lists_becomes_an_alias_or_is_shown_as_missing(case: Case):
    item = ItemFactory(sku="COAT-M")
    with calling(case) as (connection, _):
        state = read(connection)
        again = read(connection)

    assert list(ItemAlias.objects.values_list("system", "code", "item_id")) == [(case.vendor, case.code, item.pk)]
    assert Listing.objects.filter(missing=False).get().code == case.code
    unknown = {sku for sku in Listing.objects.filter(missing=True).values_list("sku", flat=True) if sku}
    assert unknown - {"-"} == set(SKUS[2 : case.many])
    assert codes.missing(connection).count() == case.many - 2 + case.has_id
    assert state.ok_at
    assert again.found == state.found  # what was read is known, and nothing is read twice


def test_only_what_changed_is_asked_for_again():
    case = next(each for each in CASES if each.vendor == "woocommerce")
    with calling(case) as (connection, shop):
        first = read(connection)
        whole = json.loads(first.cursor)["whole"]
        FeedState.objects.update(cursor=json.dumps({"since": "2026-02-01T00:00:00+00:00", "whole": whole}))
        shop.products[9] |= {"sku": "COAT-M", "date_modified_gmt": NOW}
        ItemFactory(sku="COAT-M")
        second = read(connection)

    assert second.documents - first.documents == 1
    assert ItemAlias.objects.get().code == "product:9"
    assert Listing.objects.get(code="product:2").missing  # nobody asked about it again


@pytest.mark.parametrize("vendor", ["woocommerce", "mirakl"])
def test_what_was_taken_out_is_gone_once_all_was_read_again_and_an_empty_answer_takes_nothing_out(vendor: str):
    case = next(each for each in CASES if each.vendor == vendor)
    with calling(case) as (connection, shop):
        listed = shop.products if vendor == "woocommerce" else shop.catalogue
        read(connection)
        before = Listing.objects.filter(gone_at=None).count()
        taken, kept = listed.pop(30), copy.copy(listed)
        listed.clear()
        due(7)
        read(connection)
        assert not Listing.objects.exclude(gone_at=None).exists()
        listed.update(kept) if vendor == "woocommerce" else listed.extend(kept)
        due(7)
        read(connection)
        gone = Listing.objects.exclude(gone_at=None)
        assert [each.sku for each in gone] == [taken.get("sku") or taken["shop_sku"]]
        assert codes.missing(connection).count() == before - 1 - Listing.objects.filter(missing=False).count()
        if vendor == "woocommerce":
            listed[30] = taken
        else:
            listed.append(taken)
        due(7)
        read(connection)

    assert not Listing.objects.exclude(gone_at=None).exists()


def due(days: int) -> None:
    """As if the last walk through everything had been so many days ago."""
    state = FeedState.objects.get(name="codes")
    kept = json.loads(state.cursor)
    whole = datetime.fromisoformat(kept["whole"]) - timedelta(days=days)
    FeedState.objects.update(cursor=json.dumps(kept | {"whole": whole.isoformat()}))
    Listing.objects.update(seen_at=timezone.now() - timedelta(days=days))


def test_a_line_without_a_sku_is_known_by_the_code_its_catalogue_has():
    woo = fixture("woocommerce", "order")
    woo["line_items"][0] |= {"sku": "", "product_id": 9, "variation_id": 0}
    big = fixture("bigcommerce", "order")
    big["products"][0] |= {"sku": "", "product_id": 9, "variant_id": 77}
    shop = json.loads((FIXTURES / "orders_create.json").read_text())
    shop["line_items"][0] |= {"sku": None, "variant_id": 55}
    asked = json.loads((FIXTURES / "graphql_order.json").read_text())
    asked["data"]["order"]["lineItems"]["edges"][0]["node"] |= {
        "sku": None, "variant": {"id": "gid://shopify/ProductVariant/55", "sku": ""}
    }  # fmt: skip
    own = fixture("vendure", "order")
    own["data"]["order"]["lines"][0]["productVariant"] |= {"sku": "", "id": "8"}
    said = {"woocommerce": woo, "bigcommerce": big, "vendure": own}

    found = {name: first_line(name, body) for name, body in said.items()}

    assert found == {"woocommerce": "product:9", "bigcommerce": "variant:77", "vendure": "variant:8"}
    assert first_line("shopify", shop) == first_line("shopify", asked) == "variant:55"
    node = Node({"seller_sku": "", "sku_id": "17", "product_id": 0}, "", Faults())
    assert listings.sold_as(node, ("sku_id", "sku_id"), sku="seller_sku") == "sku_id:17"
    assert listings.sold_as(node, ("product", "product_id")) == ""


def first_line(vendor: str, body: Any) -> str:
    (act,) = registry.get(vendor).understand("", json.dumps(body).encode()).acts
    return act.order.lines[0].sku


def test_an_order_of_what_has_no_sku_finds_the_item_somebody_named_in_the_catalogue():
    connection = connect("woocommerce")
    item = ItemFactory(sku="HAT")
    Listing.objects.create(connection=connection, code="product:9", title="A hat", seen_at=timezone.now())
    aliases.say(connection.pk, "ITEM", "product:9", "HAT", actor=connection.actor)
    body = fixture("woocommerce", "order")
    body["line_items"][0] |= {"sku": "", "product_id": 9, "variation_id": 0}

    first, _ = inbox.accept(connection, external_id="1", headers={}, body=json.dumps(body).encode(), verdict="NONE")
    assert inbox.process(first).status == "PROCESSED"

    assert OrderLine.objects.get(ref=str(body["line_items"][0]["id"])).item == item


def test_a_kind_of_product_nobody_knows_is_asked_about():
    body = fixture("magento", "order")
    body["items"][0]["product_type"] = "mystery_box"

    with pytest.raises(Unreadable) as refused:
        registry.get("magento").understand("", json.dumps(body).encode())

    (fault,) = refused.value.faults
    assert fault.path == "items[0].product_type"
    assert (fault.wants.kind, fault.wants.code) == ("STATUS", "mystery_box")
    assert {"simple", "virtual", "subscription"} <= set(fault.wants.choices)
    with reading.using({("STATUS", "MYSTERY_BOX"): "virtual"}):
        (act,) = registry.get("magento").understand("", json.dumps(body).encode()).acts
    assert act.order.lines


def test_an_item_made_later_is_found_by_its_sku_and_what_somebody_said_stands():
    case = next(each for each in CASES if each.vendor == "mirakl")
    with calling(case) as (connection, _):
        ItemFactory(sku="HAT")
        aliases.say(connection.pk, "ITEM", "NEW-001", "HAT", actor=connection.actor)
        read(connection)
    assert codes.missing(connection).filter(code="NEW-001").count() == 0
    ItemFactory(sku="NEW-000"), ItemFactory(sku="NEW-001")

    assert (codes.fit(), codes.fit()) == (1, 0)

    assert dict(ItemAlias.objects.values_list("code", "item__sku")) == {"NEW-001": "HAT", "NEW-000": "NEW-000"}


def test_the_missing_are_counted_listed_and_said_on_screen(client: Any, admin_user: Any):
    connection = connect("mirakl", api="https://shop.example")
    ItemFactory(sku="HAT")
    now = timezone.now() - timedelta(hours=1)
    FeedState.objects.create(connection=connection, name="codes", ok_at=now)
    Listing.objects.create(connection=connection, code="X-1", sku="X-1", title="A hat", seen_at=now)
    Listing.objects.create(connection=connection, code="X-2", sku="X-2", title="A coat", missing=False, seen_at=now)
    client.force_login(admin_user)
    where = reverse("integrations:missing", args=[connection.pk])

    page = client.get(reverse("integrations:link", args=[connection.pk])).content.decode()
    assert "2 listed" in page
    assert where in page
    assert where in client.get(reverse("integrations:aliases", args=[connection.pk])).content.decode()
    shown = client.get(where).content.decode()
    assert "X-1" in shown
    assert "X-2" not in shown

    said = {"kind": "ITEM", "code": "X-1", "means": "HAT", "from": "missing"}
    assert client.post(reverse("integrations:alias_say", args=[connection.pk]), said)["Location"] == where
    assert "Nothing is missing" in client.get(where).content.decode()
    assert ItemAlias.objects.get(system="mirakl", code="X-1").item.sku == "HAT"
