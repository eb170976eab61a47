"""Whatever is sent to the stock endpoints, the answer is one their schema names, and never a failure of ours."""

from __future__ import annotations

import pytest
from schemathesis.specs.openapi.checks import positive_data_acceptance

from integrations.models import ApiClient
from tests import schema_walk
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory


@pytest.mark.django_db(transaction=True)
def test_whatever_is_sent_the_answer_keeps_to_the_schema(request):
    StockFactory(item=ItemFactory(sku="MUG"), location=LocationFactory(code="shop"), sellable=5)
    scopes = ["reservations:read", "reservations:write", "stock:read", "stock:write"]
    _, key = ApiClient.issue("Shop", scopes=scopes)

    # A SKU nobody knows is refused, however well it is spelled.
    examples = 600 if request.config.getoption("--long") else 60
    schema_walk.walk("stock", key, least=20, examples=examples, excluded=[positive_data_acceptance])
