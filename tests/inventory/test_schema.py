"""Whatever is sent to the stock endpoints, the answer is one their schema names, and never a failure of ours."""

from __future__ import annotations

from uuid import uuid4

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import positive_data_acceptance

from config.wsgi import application
from integrations.models import ApiClient
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory

OURS = r"^/api/v1/(reservations|stock|availability|counts|transfers)"


@pytest.mark.django_db(transaction=True)
def test_whatever_is_sent_the_answer_keeps_to_the_schema(request):
    StockFactory(item=ItemFactory(sku="MUG"), location=LocationFactory(code="shop"), sellable=5)
    scopes = ["reservations:read", "reservations:write", "stock:read", "stock:write"]
    _, key = ApiClient.issue("Shop", scopes=scopes)
    schema = schemathesis.openapi.from_wsgi("/api/schema/?format=json", application).include(path_regex=OURS)
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) == 20

    @settings(
        max_examples=600 if request.config.getoption("--long") else 60,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def send(data):
        case = data.draw(st.sampled_from(operations).flatmap(lambda operation: operation.as_strategy()))
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {key}"}
        if case.method.upper() == "POST":
            case.headers["Idempotency-Key"] = uuid4().hex
        # A SKU nobody knows is refused, however well it is spelled.
        response = case.call_and_validate(excluded_checks=[positive_data_acceptance])
        assert response.status_code < 500

    send()
