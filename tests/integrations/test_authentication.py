from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from core.actors import SYSTEM
from core.errors import Invalid, Refusal
from core.models import Event
from integrations import keys, usage
from integrations.models import ApiClient, ApiKey, ApiUsage
from orders.models import Order

pytestmark = pytest.mark.django_db
A_SECOND_AGO = timezone.now() - timedelta(seconds=1)


@pytest.fixture
def issued():
    return ApiClient.issue("Shop", scopes=["orders:read"])


@pytest.fixture
def ask(client):
    def get(key, path="/api/v1/orders", **extra):
        return client.get(path, HTTP_AUTHORIZATION=f"Bearer {key}", **extra)

    return get


def test_a_key_opens_what_its_client_may_and_is_marked_as_used(issued, ask):
    client, key = issued

    assert ask(key).status_code == 200
    assert ask(key, "/api/v1/stock").status_code == 403
    assert client.keys.get().last_used_at is not None


@pytest.mark.parametrize("change", [{"active": False}, {"expires_at": A_SECOND_AGO}])
def test_a_client_that_may_not_call_has_no_key_that_opens(issued, ask, change):
    client, key = issued
    ApiClient.objects.filter(pk=client.pk).update(**change)

    assert ask(key).status_code == 401


@pytest.mark.parametrize("change", [{"expires_at": A_SECOND_AGO}, {"revoked_at": A_SECOND_AGO}, {"key_hash": "0" * 64}])
def test_a_revoked_expired_or_other_key_opens_nothing(issued, ask, change):
    client, key = issued
    client.keys.update(**change)

    assert ask(key).status_code == 401


@pytest.mark.parametrize("key", ["", "br_", "br__", "br_nobody_secret", "sk_live_1", "br_" + "a" * 13 + "_x"])
def test_something_that_is_no_key_opens_nothing(issued, ask, key):
    assert ask(key).status_code == 401


def test_a_key_is_rotated_with_an_overlap_and_revoked_at_once(issued, ask):
    client, old = issued

    new = keys.rotate(client.pk, overlap=timedelta(hours=2), actor=SYSTEM)

    assert (ask(old).status_code, ask(new).status_code) == (200, 200)
    ends = client.keys.get(prefix=old.split("_")[1]).expires_at
    assert timedelta(minutes=119) < ends - timezone.now() <= timedelta(hours=2)
    keys.rotate(client.pk, overlap=timedelta(hours=9), actor=SYSTEM)
    assert client.keys.get(prefix=old.split("_")[1]).expires_at == ends  # another rotation lends it no more time
    keys.revoke(client.keys.get(prefix=new.split("_")[1]).pk, actor=SYSTEM)
    assert (ask(old).status_code, ask(new).status_code) == (200, 401)
    assert Event.objects.filter(type__in=("api_key.rotated", "api_key.revoked")).count() == 3
    assert new not in str(list(Event.objects.values_list("data", flat=True)))


def test_what_a_rotation_refuses(issued):
    client, _ = issued

    with pytest.raises(Invalid):
        keys.rotate(client.pk, overlap=timedelta(days=31), actor=SYSTEM)
    ApiClient.objects.update(active=False)
    with pytest.raises(Refusal, match="switched off"):
        keys.rotate(client.pk, overlap=timedelta(0), actor=SYSTEM)
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize(
    "address, forwarded, status",
    [
        ("192.0.2.77", None, 200), ("::ffff:192.0.2.77", None, 200), ("192.0.3.1", None, 403),
        ("2001:db8::9", None, 200), ("", None, 403),
        ("127.0.0.1", "192.0.2.77", 200),  # our proxy says so
        ("127.0.0.1", "192.0.2.77, 192.0.3.1", 403),  # what the caller wrote itself stands further left
        ("192.0.3.1", "192.0.2.77", 403),  # nobody of ours says so
        ("127.0.0.1", "rubbish", 403),
    ],
)  # fmt: skip
def test_a_key_bound_to_networks_opens_from_there_only(ask, address, forwarded, status):
    _, key = ApiClient.issue("Shop", scopes=["orders:read"], networks=["192.0.2.0/24", "2001:db8::/32"])

    answer = ask(key, REMOTE_ADDR=address, **({"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {}))

    assert answer.status_code == status


def test_calls_are_kept_on_the_clients_account(issued, ask):
    client, key = issued
    usage.write_down()  # what other tests left behind
    ApiUsage.objects.all().delete()
    for path in ("/api/v1/orders", "/api/v1/orders?sort=x", "/api/v1/orders/nothing", "/api/v1/orders/else"):
        ask(key, path)

    assert usage.write_down() == 2
    ask(key)
    assert usage.write_down() == 1

    told = {row.endpoint: (row.calls, row.refused, row.limited, row.failed) for row in client.usage.all()}
    assert told == {"GET /api/v1/orders": (3, 1, 0, 0), "GET /api/v1/orders/<str:number>": (2, 2, 0, 0)}
    assert all(sum(row.took) == row.calls for row in client.usage.all())
    assert usage.write_down() == 0
    assert not Order.objects.exists()


def test_the_share_of_quick_calls_is_read_from_the_account():
    assert usage.under([0, 0, 90, 6, 4, 0, 0, 0, 0, 0]) == 100
    assert usage.under([0, 0, 0, 0, 0, 0, 0, 0, 0, 1]) is None
    assert usage.under([1, 0, 0, 0, 0, 0, 0, 0, 0, 0]) == 10
