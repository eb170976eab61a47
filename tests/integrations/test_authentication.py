from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.authentication import ApiKeys
from integrations.models import ApiClient

pytestmark = pytest.mark.django_db


@pytest.fixture
def issued():
    return ApiClient.issue("Shop", scopes=["orders:write"])


def test_a_key_names_its_client_and_scopes(issued):
    client, key = issued

    caller = ApiKeys().caller(key)

    assert (caller.uid, caller.label, caller.scopes, caller.channels) == (
        str(client.pk), "Shop", frozenset({"orders:write"}), None
    )  # fmt: skip
    client.refresh_from_db()
    assert client.last_used_at is not None


@pytest.mark.parametrize(
    "change", [{"active": False}, {"expires_at": timezone.now() - timedelta(seconds=1)}, {"key_hash": "0" * 64}]
)
def test_a_revoked_expired_or_other_key_opens_nothing(issued, change):
    client, key = issued
    ApiClient.objects.filter(pk=client.pk).update(**change)

    assert ApiKeys().caller(key) is None


@pytest.mark.parametrize("key", ["", "br_", "br__", "br_nobody_secret", "sk_live_1", "br_" + "a" * 13 + "_x"])
def test_something_that_is_no_key_opens_nothing(issued, key):
    assert ApiKeys().caller(key) is None
