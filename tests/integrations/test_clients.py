"""The page of API clients: who called what, keys that change, and a client's own account."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from core.models import User
from integrations import usage
from integrations.models import ApiClient, ApiUsage

pytestmark = pytest.mark.django_db


@pytest.fixture
def issued():
    client, key = ApiClient.issue("Data team", scopes=["orders:read"], networks=["127.0.0.0/8"])
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    rows = [("GET /api/v1/orders", hour, 80, 3, 2, 1), ("GET /api/v1/orders", hour - timedelta(hours=1), 20, 0, 0, 0)]
    rows += [("GET /api/v1/stock", hour, 5, 5, 0, 0), ("GET /api/v1/old", hour - timedelta(days=40), 9, 0, 0, 0)]
    for endpoint, at, calls, refused, limited, failed in rows:
        took = [0, 0, calls, 0, 0, 0, 0, 0, 0, 0]
        ApiUsage.objects.create(
            client=client, hour=at, endpoint=endpoint, calls=calls, refused=refused, limited=limited, failed=failed,
            took=took, ending=endpoint.endswith("stock"),
        )  # fmt: skip
    return client, key


@pytest.fixture
def admin():
    user = User.objects.create_user("ada@harrow.example", "correct horse battery", is_superuser=True)
    browser = Client()
    browser.force_login(user)
    return browser


def test_the_scorecard_adds_up_what_was_called_lately(issued):
    client, _ = issued

    whole, (orders, stock) = usage.endpoints(client.pk)

    assert (orders.calls, orders.refused, orders.limited, orders.failed, orders.under) == (100, 3, 2, 1, 50)
    assert whole is not None
    assert (whole.calls, whole.refused, whole.under) == (105, 8, 50)
    assert (orders.error_rate, orders.ending, stock.ending) == (0.06, False, True)


def test_the_pages_show_it_in_a_fixed_number_of_queries(issued, admin, query_count):
    client, _ = issued

    page = admin.get("/ops/clients/").content.decode()
    for words in ("Data team", "105", "10.5 %", "Uses what ends"):
        assert words in page
    one = admin.get(f"/ops/clients/{client.pk}").content.decode()
    assert "GET /api/v1/stock ends." in one
    assert "127.0.0.0/8" in one

    with query_count("api-clients", lambda: admin.get("/ops/clients/")):
        for n in range(20):
            ApiClient.issue(f"Client {n}", scopes=["orders:read"])
    query_count("api-client", lambda: admin.get(f"/ops/clients/{client.pk}"))


def test_a_key_is_rotated_and_revoked_on_the_page(issued, admin, client):
    found, old = issued

    def ask(key):
        return client.get("/api/v1/client", HTTP_AUTHORIZATION=f"Bearer {key}").status_code

    assert admin.post(f"/ops/clients/{found.pk}/rotate", {"hours": "soon"}).status_code == 422
    shown = admin.post(f"/ops/clients/{found.pk}/rotate", {"hours": "2"}).content.decode()
    new = shown.split('aria-label="The key">')[1].split("<")[0]
    assert (ask(old), ask(new)) == (200, 200)

    admin.post(f"/ops/clients/{found.pk}/keys/{found.keys.latest('pk').pk}/revoke")
    assert (ask(old), ask(new)) == (200, 401)
    assert new not in admin.get(f"/ops/clients/{found.pk}").content.decode()


def test_whoever_may_not_manage_clients_changes_nothing(issued):
    found, _ = issued
    browser = Client()
    browser.force_login(User.objects.create_user("sam@harrow.example", "correct horse battery"))

    assert browser.get("/ops/clients/").status_code == 403
    assert browser.post(f"/ops/clients/{found.pk}/rotate", {"hours": "0"}).status_code == 403
    assert browser.post(f"/ops/clients/{found.pk}/keys/{found.keys.get().pk}/revoke").status_code == 403
    assert found.keys.filter(revoked_at=None, expires_at=None).count() == 1


def test_a_program_reads_its_own_account_and_nobody_elses(issued, client):
    _, other = ApiClient.issue("Other", scopes=[])

    told = client.get("/api/v1/client", HTTP_AUTHORIZATION=f"Bearer {issued[1]}").json()
    assert told["ending"] == ["GET /api/v1/stock"]
    assert [(each["endpoint"], each["calls"], each["under_ms"]) for each in told["endpoints"]] == [
        ("GET /api/v1/orders", 100, 50), ("GET /api/v1/stock", 5, 50)
    ]  # fmt: skip
    assert client.get("/api/v1/client", HTTP_AUTHORIZATION=f"Bearer {other}").json()["endpoints"] == []
    assert client.get("/api/v1/client").status_code == 401
