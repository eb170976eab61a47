"""Whatever is sent to the orders endpoints, the answer is one their schema names, and never a failure of ours."""

from __future__ import annotations

from uuid import uuid4

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import positive_data_acceptance

from config.wsgi import application
from integrations.models import ApiClient
from tests.factories.accounts import AccountFactory
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.factories.orders import ChannelFactory, place

OURS = r"^/api/v1/(orders|promise|accounts)"
SCOPES = ["orders:read", "orders:write", "orders:approve", "stock:read", "accounts:read", "accounts:write"]


@pytest.mark.django_db(transaction=True)
def test_whatever_is_sent_the_answer_keeps_to_the_schema(request):
    StockFactory(item=ItemFactory(sku="SKU-1"), location=LocationFactory(code="shop", pickup=True), sellable=50)
    AccountFactory(code="HALDEN")
    number = place(channel=ChannelFactory()).number
    _, key = ApiClient.issue("Shop", scopes=SCOPES)
    schema = schemathesis.openapi.from_wsgi("/api/schema/?format=json", application).include(path_regex=OURS)
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) >= 17

    @settings(
        max_examples=1_500 if request.config.getoption("--long") else 70,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def send(data):
        case = data.draw(st.sampled_from(operations).flatmap(lambda operation: operation.as_strategy()))
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {key}"}
        if case.method.upper() in {"POST", "PUT"}:
            case.headers["Idempotency-Key"] = uuid4().hex
        if case.path_parameters:  # nearly always one that is there: else every answer would be 404
            known = {"number": number, "code": "HALDEN", "hold_type": "MANUAL"}
            case.path_parameters = {name: known.get(name, value) for name, value in case.path_parameters.items()}
        # A channel nobody knows isn't there, however well it is spelled.
        response = case.call_and_validate(excluded_checks=[positive_data_acceptance])
        assert response.status_code < 500

    send()
