"""Whatever is sent to the webhook endpoints, the answer is one their schema names, and never a failure of ours."""

from __future__ import annotations

import pytest
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from integrations.models import ApiClient
from tests import schema_walk
from tests.integrations.test_webhooks import subscribe


@pytest.mark.django_db(transaction=True)
def test_whatever_is_sent_the_answer_keeps_to_the_schema(request, settings):
    settings.WEBHOOKS_TO_PRIVATE_ADDRESSES = True
    subscribe("http://127.0.0.1:9/", code="tool")
    _, key = ApiClient.issue("Tool", scopes=["webhooks:manage"])

    # An address that is public, an event that exists: well spelled is not enough, and a bad path is made good.
    excluded = [positive_data_acceptance, negative_data_rejection]
    examples = 1_000 if request.config.getoption("--long") else 40
    schema_walk.walk("webhooks", key, least=8, examples=examples, known={"code": "tool"}, excluded=excluded)
