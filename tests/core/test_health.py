from __future__ import annotations

import pytest
from django.db import OperationalError, connections
from django.test import Client
from django.utils import timezone

from core import health
from core.models import Delivery, Heartbeat

pytestmark = pytest.mark.django_db


@pytest.fixture
def everything_beats():
    for name in health.EXPECTED:
        health.beat(name)


def test_a_live_process_says_so_without_asking_the_database(django_assert_num_queries):
    with django_assert_num_queries(0):
        response = Client().get("/livez")

    assert (response.status_code, response.content) == (200, b"ok\n")


def test_ready_when_everything_answers(everything_beats):
    response = Client().get("/readyz")

    assert response.status_code == 200, response.content
    assert response.json()["status"] == "ready"
    assert set(response.json()["checks"]) == {"database", "migrations", "relay", "workers", "redis"}


def test_without_redis_it_still_takes_requests(everything_beats, settings):
    settings.REDIS_URL = "unix:///nowhere/at/all.sock"

    response = Client().get("/readyz")

    assert response.status_code == 200
    assert response.json()["status"] == "degraded"
    assert response.json()["checks"]["redis"]["ok"] is False


def test_without_a_worker_it_is_degraded_and_names_the_silent_one(everything_beats):
    Heartbeat.objects.filter(name="worker:outside").update(beat_at=timezone.now() - timezone.timedelta(minutes=5))

    found = Client().get("/readyz").json()

    assert found["status"] == "degraded"
    assert found["checks"]["workers"]["silent"] == ["worker:outside"]


def test_an_old_backlog_is_degraded(everything_beats, wired, happen):
    wired()
    happen()
    Delivery.objects.update(next_at=timezone.now() - timezone.timedelta(minutes=10))

    found = Client().get("/readyz").json()

    assert found["status"] == "degraded"
    assert found["checks"]["relay"]["oldest_seconds"] >= 600


def test_without_its_database_it_is_503_and_says_no_address(monkeypatch):
    def refuse(*_, **__):
        raise OperationalError("connection to server at 10.1.2.3 failed")

    monkeypatch.setattr(health, "_database", refuse)

    response = Client().get("/readyz")

    assert response.status_code == 503
    assert response.json()["status"] == "down"
    assert b"10.1.2.3" not in response.content


def test_metrics_tell_the_backlog(wired, happen):
    wired()
    happen()
    happen()

    text = Client().get("/metrics").content.decode()

    assert 'backroom_deliveries_pending{queue="default"} 2.0' in text
    assert "backroom_deliveries_dead 0.0" in text
    assert "backroom_request_seconds_bucket" in text or "backroom_request_seconds" in text


@pytest.mark.parametrize(
    "extra", [{"REMOTE_ADDR": "10.0.0.7"}, {"HTTP_X_FORWARDED_FOR": "1.2.3.4"}, {"REMOTE_ADDR": ""}]
)
def test_metrics_are_not_for_strangers(extra):
    assert Client(**extra).get("/metrics").status_code == 404


def test_metrics_open_to_their_token(settings):
    settings.METRICS_TOKEN = "m" * 32

    assert Client(REMOTE_ADDR="10.0.0.7", HTTP_AUTHORIZATION="Bearer " + "m" * 32).get("/metrics").status_code == 200
    assert Client(REMOTE_ADDR="127.0.0.1").get("/metrics").status_code == 404


def test_all_connections_are_given_back():
    Client().get("/readyz")

    assert len(connections.all(initialized_only=True)) <= 1
