"""No wound to a document raises anything unnamed: it means something, says nothing, or is refused by name.

Every reader of what comes from outside: channels, carriers, providers, ERPs and partners by their documents, files by
their tables, settlements and bank statements. `--long` wounds each two thousand times.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from core import sheets
from core.errors import Invalid
from finance import canonical, checking
from finance.canonical import Terms
from integrations import inbox
from integrations.channels import registry
from integrations.documents import read_json
from integrations.failures import FailureClass, Unreadable
from integrations.files.orders import formats
from integrations.files.orders import translate as order_files
from integrations.files.sales import mapping
from integrations.files.sales import translate as sales
from integrations.models import Connection, InboundMessage
from integrations.payments import statements
from integrations.payments.settlements.tables import Refused
from integrations.suppliers.standard import translate as partners
from tests.core.test_sheets import workbook
from tests.finance import settling
from tests.integrations import test_settlement_readers as settlements
from tests.integrations.conftest import ROOT, SAMPLES, connect
from tests.integrations.erp_masters import BOOKS
from tests.integrations.wounds import wounded

WOUNDS = pytest.mark.parametrize("wounds", [15, pytest.param(2_000, marks=pytest.mark.long)])
LARGEST = 60_000  # bytes of a sample that is wounded many times over
UID = "7b2f9c2e-0b1e-4c69-9a1c-0b1e4c699a1c"
DAY = "2026-01-01T00:00:00Z"


def adyen(**more: Any) -> dict[str, Any]:
    item = {
        "eventCode": "CAPTURE", "success": "true", "pspReference": "X1", "originalReference": "Y1", "reason": "",
        "merchantReference": "1001", "amount": {"currency": "EUR", "value": 1000}, "merchantAccountCode": "H",
        "eventDate": "2026-01-01T00:00:00+01:00", "additionalData": {"hmacSignature": "x"},
    }  # fmt: skip
    return {"live": "false", "notificationItems": [{"NotificationRequestItem": item | more}]}


def stripe(kind: str, **said: Any) -> dict[str, Any]:
    thing = {"id": "x_1", "amount": 1000, "currency": "gbp", "status": "succeeded", "payment_intent": "pi_1",
             "charge": "ch_1", "created": 1767225600, "metadata": {}, **said}  # fmt: skip
    return {"id": "evt_1", "object": "event", "type": kind, "created": 1767225600, "data": {"object": thing}}


# Documents of those that have no fixtures of their own.
OWN: dict[str, list[Any]] = {
    "adyen": [
        adyen(),
        adyen(
            eventCode="NOTIFICATION_OF_CHARGEBACK",
            additionalData={"defensePeriodEndsAt": DAY, "disputeStatus": "Undefended", "chargebackReasonCode": "10.4"},
        ),
    ],
    "stripe": [
        stripe("payment_intent.succeeded", object="payment_intent", amount_received=1000, latest_charge="ch_1"),
        stripe("charge.refunded", object="charge", captured=True, refunds={"data": []}),
        stripe("refund.failed", object="refund"),
        stripe("charge.dispute.created", object="dispute", reason="fraudulent", evidence_details={"due_by": 1767325600}),
    ],
    "partner": [
        {"type": "request.accepted", "request": UID, "reference": "r", "ships_by": DAY},
        {"type": "request.rejected", "request": UID, "reason": "PRICE", "message": "x"},
        {"type": "request.shipped", "request": UID, "lines": [{"ref": "1", "quantity": 1}], "shipment": {"carrier": "x"}},
    ],
    "standard": [
        {
            "channel_ref": "1", "number": "1", "placed_at": DAY, "version": 1, "currency": "GBP", "total": "9.00",
            "lines": [{"ref": "1", "sku": "A", "quantity": 1, "unit_price": "10.00", "discount_total": "1.00"}],
            "payments": [{"kind": "captured", "amount": "9", "currency": "GBP", "ref": "p", "at": DAY, "gateway": "x"}],
            "ship_to": {"name": "A", "line1": "x", "city": "y", "postal_code": "z", "country": "GB"},
        }
    ],
    **{name: [row for rows in books.rows.values() for row in (rows, *rows)] for name, books in BOOKS.items()},
}  # fmt: skip
OWN["erp"] = [document for name in BOOKS for document in OWN[name]]


def documents(vendor: str) -> list[bytes]:
    homes = [ROOT / "integrations" / family / vendor / "fixtures" for family in ("channels", "carriers")]
    paths = [path for home in (*homes, SAMPLES / vendor) for path in sorted(home.glob("*"))]
    paths += [path for path in sorted(SAMPLES.glob("carrier/*")) if vendor in path.name]
    paths += [path for path in sorted(SAMPLES.glob("settlement/*.json")) if vendor in path.name]
    whole = [path.read_bytes() for path in paths if path.suffix != ".jsonl" and path.stat().st_size < LARGEST]
    return whole + [json.dumps(each, default=str).encode() for each in OWN.get(vendor, [])]


VENDORS = [name for name in registry.known() if documents(name)]


@pytest.mark.parametrize("vendor", VENDORS)
@WOUNDS
def test_whatever_is_wrong_with_a_document_is_said_by_name(vendor: str, wounds: int):
    understand = registry.get(vendor).understand

    for body in bodies(documents(vendor), wounds):
        found = refused = None
        try:
            found = understand("", body)
        except Unreadable as error:
            refused = error
        assert found is None or bool(found.acts) != bool(found.ignored)
        assert refused is None or (refused.reason and refused.failure_class in FailureClass)


def bodies(seeds: list[bytes], wounds: int) -> Iterator[bytes]:
    chance = random.Random(wounds)
    for _ in range(wounds):
        yield wounded(chance.choice(seeds), chance)


@dataclass(frozen=True)
class Reader:
    read: Callable[[bytes], Any]
    seeds: list[bytes]
    refuses: type[Exception] | tuple[()] = ()


ORDER_ROW = {"No": "B-1", "On": "29.03.2026 03:10", "SKU": "MUG", "Units": "2", "Each": "1.250,50", "To": "DE"}
LAYOUT = formats.read(
    {
        "columns": {"order_ref": "No", "placed_at": "On", "sku": "SKU", "quantity": "Units", "unit_price": "Each",
                    "ship_country": "To"},
        "decimal": ",", "thousands": ".", "dates": "D.M.Y",
    },
    currency="EUR", time_zone="Europe/Berlin",
)  # fmt: skip
ORDER_FILE = {"kind": "csv", "as_of": DAY, "rows": [{"n": n, "cells": ORDER_ROW} for n in (2, 3)]}
SALE = (
    b"InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
    b'536365,LAMP,"A\nLAMP",6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom\n'
)
BANK = Terms.of({"columns": {"date": "Date", "amount": "Amount"}, "currency": "EUR"})
CAMT = settlements.camt(settlements.ENTRY * 2).replace(b"><", b">\n<")
SALES = mapping.read({}, currency="GBP", time_zone="Europe/London")


def settled(provider: str) -> Callable[[bytes], Any]:
    reader = canonical.reader(provider)
    assert reader is not None
    return lambda body: checking.checked(reader.read(body, Terms.of({"currency": "EUR"})))


PAYOUTS = {
    "adyen": [settling.adyen()],
    "amazon": [settlements.amazon(("Order", "206-1", "ItemPrice", "Principal", "29,99"), total="29,99").encode()],
    "braintree": [b"Transaction ID,Settlement Amount,Settlement Currency\nt1,10.00,EUR\n"],
    "paypal": [settlements.paypal(*settlements.PAYPAL_ROWS).encode(), settlements.STL.encode()],
    "shopify": [settling.shopify(), settlements.WHOLE.encode()],
    "square": [json.dumps({"payout_entries": [{"id": "1", "payout_id": "p", "type": "REFUND", "effective_at": DAY,
               "gross_amount_money": {"amount": -50, "currency_code": "USD"}}]}).encode()],
    "stripe": [settlements.STRIPE.encode()],
    "woocommerce": [json.dumps({"data": [{"transaction_id": "t", "date": "2026-01-01 10:00:00", "type": "charge",
                    "amount": 1000, "fees": 30, "net": 970, "currency": "usd", "deposit_id": "p"}]}).encode()],
}  # fmt: skip
READERS = {
    "order file": Reader(
        lambda body: order_files.understand("", body, LAYOUT), [json.dumps(ORDER_FILE).encode()], Unreadable
    ),
    "sales file": Reader(lambda body: sales.understand("", body, SALES), [SALE], Unreadable),
    "csv": Reader(lambda body: sheets.read("a.csv", body), ["No;On\nB-1;Köln\n".encode("cp1252"), SALE], Invalid),
    "xlsx": Reader(lambda body: sheets.read("a.xlsx", body), [workbook()], Invalid),
    "camt.053": Reader(lambda body: statements.camt(body, BANK), [CAMT], Refused),
    "MT940": Reader(lambda body: statements.swift(body, BANK), [settlements.SWIFT.encode() * 2], Refused),
    "bank's csv": Reader(
        lambda body: statements.columns(body, BANK), [b"Date,Amount\n2026-01-08,1.00\n2026-01-09,-2.00\n"], Refused
    ),
    "partner's answer": Reader(
        lambda body: partners.answer(read_json(body)),
        [json.dumps({"status": "accepted", "reference": "x", "ships_by": DAY}).encode()],
        Unreadable,
    ),
    **{f"payouts of {name}": Reader(settled(name), seeds) for name, seeds in PAYOUTS.items()},
}


@pytest.mark.parametrize("name", READERS)
@WOUNDS
def test_whatever_is_wrong_with_a_file_is_said_by_name(name: str, wounds: int):
    reader = READERS[name]

    for body in bodies(reader.seeds, wounds):
        try:
            reader.read(body)
        except reader.refuses as refused:
            assert str(refused)  # noqa: PT017  (what is refused differs)


@pytest.mark.django_db
@pytest.mark.parametrize("wounds", [1, pytest.param(60, marks=pytest.mark.long)])
def test_a_wounded_document_gets_an_outcome_with_its_reason_at_the_door(wounds: int):
    channel = connect("wounded").channel
    for vendor in VENDORS:
        kept = Connection.objects.create(code=vendor, name=vendor, kind="CHANNEL", vendor=vendor, channel=channel)
        for n, body in enumerate(bodies(documents(vendor), wounds)):
            message, _ = inbox.accept(kept, external_id=str(n), headers={}, body=body, verdict="NONE")
            inbox.process(message)
    inbox.process_due(10_000)  # the parts that lists were taken apart into

    for each in InboundMessage.objects.select_related("connection"):
        waits = each.status == "RECEIVED" and each.waits_for
        assert waits or each.status in {"PROCESSED", "DUPLICATE", "IGNORED", "FAILED"}, (each.connection, each.reason)
        assert each.reason or each.status == "PROCESSED", (each.connection, each.status)
        assert "stumbled" not in each.reason, (each.connection, each.reason, bytes(each.body)[:2_000])
