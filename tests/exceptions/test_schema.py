"""Whatever is sent to the cases endpoints, the answer is one their schema names, and never a failure of ours."""

from __future__ import annotations

import pytest
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from integrations.models import ApiClient
from tests import schema_walk


@pytest.mark.django_db(transaction=True)
def test_whatever_is_sent_the_answer_keeps_to_the_schema(request, open_case):
    number = open_case().number
    _, key = ApiClient.issue("Desk", scopes=["cases:read", "cases:work", "cases:waive"])

    # A person, a site or a case nobody knows isn't there, however well it is spelled; and a bad path is made good.
    excluded = [positive_data_acceptance, negative_data_rejection]
    examples = 1_500 if request.config.getoption("--long") else 60
    known = {"number": number, "code": "cool"}
    schema_walk.walk("cases", key, least=17, examples=examples, known=known, excluded=excluded)
