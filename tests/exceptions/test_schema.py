"""Whatever is sent to the cases endpoints, the answer is one their schema names, and never a failure of ours."""

from __future__ import annotations

from uuid import uuid4

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from config.wsgi import application
from integrations.models import ApiClient

OURS = r"^/api/v1/(cases|queues|reasons)"


@pytest.mark.django_db(transaction=True)
def test_whatever_is_sent_the_answer_keeps_to_the_schema(request, open_case):
    number = open_case().number
    _, key = ApiClient.issue("Desk", scopes=["cases:read", "cases:work", "cases:waive"])
    schema = schemathesis.openapi.from_wsgi("/api/schema/?format=json", application).include(path_regex=OURS)
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) >= 17

    @settings(
        max_examples=1_500 if request.config.getoption("--long") else 60,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def send(data):
        case = data.draw(st.sampled_from(operations).flatmap(lambda operation: operation.as_strategy()))
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {key}"}
        if case.method.upper() == "POST":
            case.headers["Idempotency-Key"] = uuid4().hex
        if case.path_parameters:
            case.path_parameters = {"number": number, "code": "cool"} | {
                name: value for name, value in case.path_parameters.items() if name not in {"number", "code"}
            }
        # A person, a site or a case nobody knows isn't there, however well it is spelled; and a bad path is made good.
        response = case.call_and_validate(excluded_checks=[positive_data_acceptance, negative_data_rejection])
        assert response.status_code < 500

    send()
