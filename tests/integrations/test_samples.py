"""Public samples of Shopify's documents, fed whole. They are not part of this repository: skipped where absent."""

from __future__ import annotations

import json
import random
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models import Sum

from integrations.models import Connection, InboundMessage
from orders.models import Order, Refund
from tests.integrations.conftest import SAMPLES, connect, state

FILES = sorted(SAMPLES.glob("shopify/*")) + sorted(SAMPLES.glob("malformed/*"))
pytestmark = [pytest.mark.django_db, pytest.mark.skipif(not FILES, reason="no public samples here")]


def ingest(files: list[Path], channel: str = "web") -> list[dict[str, Any]]:
    out = StringIO()
    call_command("ingest", "shopify", *map(str, files), "--channel", channel, "--json", stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_every_file_gets_an_outcome_with_a_reason(shop: Connection):
    found = ingest(FILES)

    assert [Path(each["file"]) for each in found] == FILES
    for each in found:
        assert each["outcome"] in {"processed", "duplicate", "ignored", "failed"}, each
        assert each["reason"] or each["outcome"] == "processed", each
        assert each["case"] or each["outcome"] != "failed", each
        names_only = "webhook_returns" in each["file"]  # the return itself is fetched
        assert each["order"] or each["snapshot"] or names_only or each["outcome"] != "processed", each


def test_not_a_byte_is_lost(shop: Connection):
    ingest(FILES)

    kept = {bytes(body) for body in InboundMessage.objects.values_list("body", flat=True)}
    assert {path.read_bytes() for path in FILES if path.suffix != ".jsonl"} <= kept


def test_feeding_everything_twice_changes_nothing(shop: Connection):
    ingest(FILES)
    once = state()

    again = ingest(FILES)

    assert state() == once
    assert {each["outcome"] for each in again} == {"duplicate"}


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.long)])
def test_any_order_ends_in_the_same_state(shop: Connection, seed: int):
    connect("other")
    ingest(FILES)

    for path in random.Random(seed).sample(FILES, len(FILES)):
        ingest([path], channel="other")

    assert without_channel(state("other")) == without_channel(state())


def without_channel(found: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(found, default=str, sort_keys=True)
    return json.loads(text.replace(" of other", " of web"))


def test_order_1007_ends_as_its_own_documents_say(shop: Connection):
    ingest(sorted(SAMPLES.glob("shopify/gql_order*.json")) + sorted(SAMPLES.glob("shopify/gql_fulfil*.json")))

    (order,) = Order.objects.filter(channel_number="#1007")
    by_kind = dict(order.payments.values_list("kind").annotate(Sum("amount")))
    assert (order.currency, order.total) == ("USD", Decimal("1341615.95"))
    assert by_kind == {"captured": Decimal("1340730.00"), "refunded": Decimal("736515.55")}
    assert by_kind["captured"] - by_kind["refunded"] == Decimal("604214.45")  # what the channel calls its current total
    assert order.payment_state == "partially_refunded"
    assert sum(refund.amount for refund in Refund.objects.filter(order=order)) == by_kind["refunded"]
