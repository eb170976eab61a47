"""Whose tax it is: what a marketplace collects and hands on by itself, by each vendor's own documented fields."""

from __future__ import annotations

import copy
import json
from decimal import Decimal

import pytest

from integrations.channels import registry
from integrations.channels.meaning import PlaceOrder
from orders.services.changes import money_figures
from tests.integrations.conftest import ROOT

D = Decimal


def fixture(vendor, name="order"):
    document = json.loads((ROOT / "integrations/channels" / vendor / "fixtures" / f"{name}.json").read_text())
    return document | {"country_iso": "US"} if vendor == "etsy" else document


def placed(vendor, document):
    meaning = registry.get(vendor).understand("", json.dumps(document).encode())
    return next(act.order for act in meaning.acts if isinstance(act, PlaceOrder))


def theirs(order):
    return {ref: D(tax) for ref, tax in money_figures(order).get("marketplace_tax", {}).items()}


def test_a_tax_ebay_collects_is_its_own_where_it_stands_among_the_lines_taxes_and_else_is_in_no_total():
    document = fixture("ebay")
    line = next(each for each in document["lineItems"] if each.get("taxes"))
    amount = line["taxes"][0]["amount"]
    line["taxes"] = [{"taxType": "STATE_SALES_TAX", "amount": amount}]
    line["ebayCollectAndRemitTaxes"] = [
        {"taxType": "STATE_SALES_TAX", "amount": amount, "collectionMethod": "NET"},
        {"taxType": "WASTE_RECYCLING_FEE", "amount": {**amount, "value": "0.07"}, "collectionMethod": "NET"},
    ]

    order = placed("ebay", document)

    assert theirs(order) == {line["lineItemId"]: D(amount["value"])}
    assert any("0.07" in tag for tag in order.tags)
    assert not any(amount["value"] in tag for tag in order.tags)


@pytest.mark.parametrize("vendor, name", [("walmart", "order"), ("tiktok", "order"), ("etsy", "receipt")])
def test_sales_tax_of_a_buyer_in_the_united_states_is_the_marketplaces_and_nobody_elses_is(vendor, name):
    order = placed(vendor, fixture(vendor, name))
    assert order.tax_total

    at_home = json.loads(json.dumps(fixture(vendor, name)).replace('"US"', '"CA"').replace('"USA"', '"CAN"'))
    abroad = placed(vendor, at_home)

    assert order.ship_to.country == "US"
    assert sum(theirs(order).values()) == order.tax_total
    assert abroad.ship_to.country == "CA"
    assert theirs(abroad) == {}


def test_vat_on_an_etsy_receipt_stays_the_sellers():
    document = fixture("etsy", "receipt")
    document["total_vat_cost"] = {**document["total_tax_cost"], "amount": 100}
    document["grandtotal"]["amount"] += 100

    order = placed("etsy", document)

    assert sum(theirs(order).values()) == order.tax_total - 1


def test_a_tax_mirakl_does_not_pay_to_the_shop_is_the_operators():
    document = fixture("mirakl")
    first = (document.get("orders") or [document])[0]["order_lines"][0]
    tax, shipping = first["taxes"][0], first["shipping_taxes"][0]
    before = placed("mirakl", copy.deepcopy(document))
    part = {"commissionable": True, "debitable_from_customer": True}
    tax["amount_breakdown"] = {"parts": [{**part, "amount": tax["amount"], "payable_to_shop": False}]}
    shipping["amount_breakdown"] = {
        "parts": [
            {**part, "amount": 0.01, "payable_to_shop": False},
            {**part, "amount": shipping["amount"] - 0.01, "payable_to_shop": True},
        ]
    }

    order = placed("mirakl", document)

    assert theirs(before) == {}
    assert theirs(order) == {str(first["order_line_id"]): D(str(tax["amount"])), "": D("0.01")}
