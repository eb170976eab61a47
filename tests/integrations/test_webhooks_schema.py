"""Whatever is sent to the webhook endpoints, the answer is one their schema names, and never a failure of ours."""

from __future__ import annotations

from uuid import uuid4

import pytest
import schemathesis
from hypothesis import HealthCheck, given
from hypothesis import settings as rounds
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from config.wsgi import application
from integrations.models import ApiClient
from tests.integrations.test_webhooks import subscribe

OURS = r"^/api/v1/webhooks"


@pytest.mark.django_db(transaction=True)
def test_whatever_is_sent_the_answer_keeps_to_the_schema(request, settings):
    settings.WEBHOOKS_TO_PRIVATE_ADDRESSES = True
    subscribe("http://127.0.0.1:9/", code="tool")
    _, key = ApiClient.issue("Tool", scopes=["webhooks:manage"])
    schema = schemathesis.openapi.from_wsgi("/api/schema/?format=json", application).include(path_regex=OURS)
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) >= 8

    @rounds(
        max_examples=1_000 if request.config.getoption("--long") else 40,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def send(data):
        case = data.draw(st.sampled_from(operations).flatmap(lambda operation: operation.as_strategy()))
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {key}"}
        if case.method.upper() == "POST":
            case.headers["Idempotency-Key"] = uuid4().hex
        if case.path_parameters and "code" in case.path_parameters:
            case.path_parameters = {**case.path_parameters, "code": "tool"}
        # An address that is public, an event that exists: well spelled is not enough, and a bad path is made good.
        response = case.call_and_validate(excluded_checks=[positive_data_acceptance, negative_data_rejection])
        assert response.status_code < 500

    send()
