"""Whatever is sent to returns, books and connections, the answer is one their schema names, and never a failure of ours."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from core.actors import SYSTEM
from finance.services import closes, entering, entities
from integrations.models import ApiClient, Connection
from returns.services import inspection, receiving
from returns.services.inspection import Seen
from returns.services.receiving import Found
from tests import schema_walk
from tests.factories.inventory import ItemFactory, LocationFactory
from tests.factories.orders import ChannelFactory
from tests.factories.returns import service
from tests.finance.settling import adyen, settled
from tests.returns.bench import ANNA, approved, bench_of, sold

SCOPES = [
    "returns:read", "returns:write", "returns:approve", "refunds:write", "orders:read", "orders:write", "finance:read",
    "finance:write", "connections:manage", "stock:write",
]  # fmt: skip


def test_every_path_is_walked_by_somebody(described):
    parts = schema_walk.PARTS.values()
    assert [path for path in described["paths"] if not any(re.match(part, path) for part in parts)] == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("part", ["returns", "books", "connections"])
def test_whatever_is_sent_the_answer_keeps_to_the_schema(request, part):
    known = {"returns": a_return, "books": some_books, "connections": a_connection}[part]()
    _, key = ApiClient.issue("All", scopes=SCOPES)

    # An article or a place nobody knows isn't there, however well it is spelled; and a bad path is made good.
    schema_walk.walk(
        part, key, least={"returns": 18, "books": 7, "connections": 11}[part], known=known,
        examples=1_500 if request.config.getoption("--long") else 40,
        excluded=[positive_data_acceptance, negative_data_rejection],
    )  # fmt: skip


def a_return() -> dict[str, str]:
    item, leeds = ItemFactory(sku="MUG", weight_grams=400), LocationFactory(code="leeds", returns=True)
    service()
    rma = approved(sold((item, 3), placed_at=timezone.now()), (item, 3), at=leeds)
    receiving.receive(rma.pk, Found("MUG", 2), location_id=leeds.pk, key="in", actor=ANNA)
    seen = inspection.inspect(bench_of(rma).pk, Seen("B", "REVIEW"), key="look", actor=ANNA)
    return {"number": rma.number, "id": str(seen.pk)}


def some_books() -> dict[str, Any]:
    entity = entities.main()
    entered = entering.write_off(entity, Decimal("1.50"), entity.currency, why="A rounding of theirs", actor=SYSTEM)
    period = closes.ensure(entity, date(2026, 3, 2))
    (settlement, *_) = settled("adyen", adyen())
    return {"postings.uid": entered.pk, "periods.uid": period.pk, "settlements.uid": settlement.pk}


def a_connection() -> dict[str, str]:
    channel: Any = ChannelFactory()
    Connection.objects.create(code="shop", name="Shop", kind=Connection.Kind.CHANNEL, vendor="shopify", channel=channel)
    return {"code": "shop"}
