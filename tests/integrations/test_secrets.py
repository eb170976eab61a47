"""Secrets at rest, keys of API clients, and what the log may say."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.utils import timezone

from integrations import redaction, secrets, upkeep
from integrations.models import ApiClient, Connection, ConnectionSecret, OutboundCall
from integrations.models.keys import matches

pytestmark = pytest.mark.django_db


def test_a_secret_is_sealed_at_rest(shop: Connection):
    row = ConnectionSecret.objects.get()

    assert b"hush" not in bytes(row.sealed)
    assert shop.secret("webhook") == "hush-hush-shop-secret"
    assert shop.secret("token") == ""


def test_the_newest_secret_comes_first_and_a_retired_one_is_gone(shop: Connection):
    shop.keep_secret("webhook", "second")
    assert shop.secrets_named("webhook") == ["second", "hush-hush-shop-secret"]

    shop.keep_secret("webhook", "third", retire_others=True)
    assert shop.secrets_named("webhook") == ["third"]


def test_keys_rotate_without_losing_a_secret(shop: Connection, settings: Any):
    old = settings.BACKROOM_SECRETS_KEYS
    new = Fernet.generate_key().decode()

    settings.BACKROOM_SECRETS_KEYS = [new, *old]
    call_command("rotate_secrets", stdout=StringIO())
    settings.BACKROOM_SECRETS_KEYS = [new]

    assert shop.secret("webhook") == "hush-hush-shop-secret"


def test_a_secret_no_key_opens_is_named_not_lost(shop: Connection, settings: Any):
    settings.BACKROOM_SECRETS_KEYS = [Fernet.generate_key().decode()]

    with pytest.raises(secrets.Undecipherable):
        shop.secret("webhook")
    with pytest.raises(CommandError, match="1 can't be opened"):
        call_command("rotate_secrets", stdout=StringIO())
    assert ConnectionSecret.objects.count() == 1


def test_an_api_key_is_shown_once_and_kept_as_a_hash(shop: Connection):
    out = StringIO()
    call_command("create_api_key", "Partner", "--scope", "orders:write", "--channel", "web", "--json", stdout=out)
    made = json.loads(out.getvalue())

    client = ApiClient.objects.get()
    kept = client.keys.get()
    assert matches(kept.key_hash, made["key"])
    assert made["key"] not in json.dumps([kept.key_hash, kept.prefix, client.name])
    assert [channel.code for channel in client.channels.all()] == ["web"]
    with pytest.raises(CommandError, match="No such channel: wbe"):
        call_command("create_api_key", "Partner", "--channel", "wbe")
    with pytest.raises(CommandError, match="neither an address nor a network"):
        call_command("create_api_key", "Partner", "--network", "10.0.0.1/8")


def test_only_known_headers_are_kept_in_clear():
    kept = redaction.headers(
        {"Authorization": "Bearer x", "X-New-Vendor-Signature": "y", "X-Shopify-Topic": "orders/create", "Cookie": "z"}
    )

    assert kept == {
        "authorization": "[hidden]",
        "x-new-vendor-signature": "[hidden]",
        "x-shopify-topic": "orders/create",
        "cookie": "[hidden]",
    }


def test_urls_are_logged_without_secrets():
    assert redaction.url("https://u:p@api.example.com:8443/x?api_key=1&page=2") == (
        "https://api.example.com:8443/x?api_key=%5Bhidden%5D&page=2"
    )


def test_people_are_masked_and_products_are_not():
    shown = redaction.people(
        {"name": "#1001", "customer": {"first_name": "Maud", "email": "m@example.com"}, "line_items": [{"name": "Mug"}]}
    )

    assert shown == {
        "name": "#1001",
        "customer": {"first_name": "M•••", "email": "m•••"},
        "line_items": [{"name": "Mug"}],
    }


def test_the_log_of_calls_forgets_after_a_month(shop: Connection):
    for days in (1, 29, 31, 400):
        call = OutboundCall.objects.create(connection=shop, method="GET", url="https://example.com")
        OutboundCall.objects.filter(pk=call.pk).update(at=timezone.now() - timedelta(days=days))

    assert upkeep.forget_old_calls() == 2
    assert OutboundCall.objects.count() == 2
