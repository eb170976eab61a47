"""Whatever is sent to the orders endpoints, the answer is one their schema names, and never a failure of ours."""

from __future__ import annotations

import pytest
from schemathesis.specs.openapi.checks import positive_data_acceptance

from integrations.models import ApiClient
from tests import schema_walk
from tests.factories.accounts import AccountFactory
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.factories.orders import ChannelFactory, place

SCOPES = ["orders:read", "orders:write", "orders:approve", "stock:read", "accounts:read", "accounts:write"]


@pytest.mark.django_db(transaction=True)
def test_whatever_is_sent_the_answer_keeps_to_the_schema(request):
    StockFactory(item=ItemFactory(sku="SKU-1"), location=LocationFactory(code="shop", pickup=True), sellable=50)
    AccountFactory(code="HALDEN")
    number = place(channel=ChannelFactory()).number
    _, key = ApiClient.issue("Shop", scopes=SCOPES)

    # A channel nobody knows isn't there, however well it is spelled.
    examples = 1_500 if request.config.getoption("--long") else 70
    known = {"number": number, "code": "HALDEN", "hold_type": "MANUAL"}
    schema_walk.walk("orders", key, least=22, examples=examples, known=known, excluded=[positive_data_acceptance])
