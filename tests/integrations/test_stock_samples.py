"""Every public stock document goes in as a snapshot or is refused with a named reason, and twice is once."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from exceptions.models import Case
from integrations.models import InboundMessage
from inventory.models import SnapshotLine, StockDifference, StockMovement, StockSnapshot
from tests.integrations.conftest import SAMPLES, connect

IN, NOT_STOCK = "processed", "ignored"
# What each document is. Those that only say what happened, or where places are, are left out with that reason.
EXPECTED: dict[str, tuple[str, int]] = {
    "shopify/go_inventory_level.json": (IN, 1),
    "shopify/go_inventory_levels.json": (IN, 4),
    "shopify/py_inventory_levels.json": (IN, 4),
    "shopify/gql_inventory_levels.json": (IN, 8),
    "malformed/shopify_inventory_negative_and_null.json": (IN, 4),
    "shopify/go_inventory_item.json": (NOT_STOCK, 0),
    "shopify/webhook_inventory_items__create.json": (NOT_STOCK, 0),
    "shopify/webhook_inventory_shipments__receive_items.json": (NOT_STOCK, 0),
    "shopify/webhook_inventory_transfers__ready_to_ship.json": (NOT_STOCK, 0),
    "shopify/webhook_variants__out_of_stock.json": (NOT_STOCK, 0),
    "amazon/fba_inventory_summaries_details.json": (IN, 14),
    "amazon/notification_ItemInventoryEventChange_0.json": (IN, 2),
    "amazon/notification_ListingsItemMfnQuantityChange_0.json": (NOT_STOCK, 0),
    "amazon/supplySources_2020-07-01__getSupplySources__sb0.json": (NOT_STOCK, 0),
    "square/RetrieveInventoryAdjustmentResponse.json": (NOT_STOCK, 0),
    "square/RetrieveInventoryChangesResponse.json": (NOT_STOCK, 0),
    "magento/inventory_manage_source_items_2.json": (IN, 2),
    "magento/tutorials_inventory_reassign_products_to_another_source_1.json": (IN, 0),
    "magento/inventory_manage_sources_3.json": (NOT_STOCK, 0),
    "magento/inventory_manage_stocks_3.json": (NOT_STOCK, 0),
    "magento/tutorials_inventory_in_store_pickup_2.json": (NOT_STOCK, 0),
    "unicommerce/bulk_inventory_response.json": (IN, 2),
    "tiktok/products_inventory_by_warehouse.json": (IN, 2),
    "woocommerce/product-stock.json": (IN, 1),
    "woocommerce/product-stock-decimal-sku.json": (IN, 1),
    "bigcommerce/webhook_store_product_inventory_updated.json": (IN, 1),
    "bigcommerce/webhook_store_sku_inventory_order_updated.json": (IN, 1),
    "edi/x12_ORD_846_Example1.edi": (IN, 4),
    "edi/x12_MAN_852_hdexchange.edi": (IN, 9),
}
pytestmark = [pytest.mark.django_db, pytest.mark.skipif(not SAMPLES.exists(), reason="no public samples here")]


def ingest(name: str) -> dict[str, Any]:
    out = StringIO()
    vendor = "shopify" if name.startswith("malformed/") else name.partition("/")[0]
    call_command("ingest", vendor, str(SAMPLES / name), "--channel", "web", "--json", stdout=out, stderr=StringIO())
    return json.loads(out.getvalue())


@pytest.fixture(autouse=True)
def shop(db: None) -> None:
    connect("web")


@pytest.mark.parametrize("name", EXPECTED)
def test_a_stock_document_goes_in_or_says_why_not(name: str):
    outcome, lines = EXPECTED[name]

    found = ingest(name)

    assert (found["outcome"], bool(found["reason"])) == (outcome, True), found
    snapshot = StockSnapshot.objects.first()
    assert bool(found["snapshot"]) == (snapshot is not None) == (outcome == IN)
    if snapshot is not None and lines:
        assert snapshot.lines_total == lines
    assert not StockDifference.objects.exists()  # nothing is known here, so nothing is guessed
    assert not StockMovement.objects.exists()
    if snapshot is not None and snapshot.unresolved:
        assert Case.objects.get(pk=found["case"]).subject_kind == "stock_source"


def test_all_of_them_twice_change_nothing():
    for name in EXPECTED:
        ingest(name)
    before = (StockSnapshot.objects.count(), SnapshotLine.objects.count(), Case.objects.count())
    cases = list(Case.objects.order_by("pk").values_list("pk", "occurrences", "summary"))

    again = [ingest(name)["outcome"] for name in EXPECTED]

    assert set(again) == {"duplicate"}
    assert before == (StockSnapshot.objects.count(), SnapshotLine.objects.count(), Case.objects.count())
    assert cases == list(Case.objects.order_by("pk").values_list("pk", "occurrences", "summary"))
    assert not InboundMessage.objects.filter(status="FAILED").exists()


def test_every_sample_that_speaks_of_stock_is_named_here():
    telling = ("inventory", "stock", "_846_", "_852_", "fba_")
    found = {
        f"{path.parent.name}/{path.name}"
        for path in SAMPLES.glob("*/*")
        if any(word in path.name.lower() for word in telling) and path.suffix in {".json", ".edi"}
    }
    others = {path for path in found if "invoice" in path or "run_ssa" in path or "in_store_pickup_4" in path}

    assert found - others <= EXPECTED.keys()
