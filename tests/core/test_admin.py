from __future__ import annotations

import pytest
from django.test import Client

from core import outbox
from core.errors import Permanent
from core.models import Delivery, Event, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin():
    client = Client()
    client.force_login(User.objects.create_superuser("admin@example.com", "x" * 12))
    return client


@pytest.fixture
def dead(wired, happen):
    def handler(fact):
        raise Permanent("no such customer")

    wired(handler=handler)
    happen()
    outbox.drain()
    return Delivery.objects.get()


@pytest.mark.parametrize("page", ["user", "site", "calendar", "event", "delivery", "job", "eventseal", "heartbeat"])
def test_every_list_opens(admin, dead, page):
    assert admin.get(f"/admin/core/{page}/").status_code == 200


def test_a_fact_can_be_read_and_not_changed(admin, dead):
    url = f"/admin/core/event/{Event.objects.order_by('pk').first().pk}/change/"

    assert admin.get(url).status_code == 200
    assert admin.post(url, {"type": "forged"}).status_code == 403
    assert admin.get("/admin/core/event/add/").status_code == 403
    assert not Event.objects.filter(type="forged").exists()


def test_a_dead_delivery_is_replayed_by_name(admin, dead):
    admin.post("/admin/core/delivery/", {"action": "replay", "_selected_action": [dead.pk]})

    dead.refresh_from_db()
    assert dead.status == "PENDING"
    assert Event.objects.get(type=outbox.REPLAYED).actor_label == "admin@example.com"


def test_a_dead_delivery_is_given_up_by_name(admin, dead):
    admin.post("/admin/core/delivery/", {"action": "discard", "_selected_action": [dead.pk]})

    dead.refresh_from_db()
    assert dead.status == "DISCARDED"
    assert "admin@example.com" in dead.last_error


def test_who_may_only_look_is_offered_nothing(dead):
    from django.contrib.auth.models import Permission

    user = User.objects.create_user("viewer@example.com", "x" * 12, is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_delivery"))
    client = Client()
    client.force_login(user)

    client.post("/admin/core/delivery/", {"action": "replay", "_selected_action": [dead.pk]})

    dead.refresh_from_db()
    assert dead.status == "DEAD"
