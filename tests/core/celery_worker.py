"""The real Celery app with a handler that writes down what it hears; started by test_outbox_celery.py."""

import os

import django

django.setup()

from django.db import connection  # noqa: E402

from config.celery import app  # noqa: E402
from core import events, leases  # noqa: E402

leases.SECONDS = 5  # so that what a killed worker held comes back while the test still waits


def hear(fact: events.Fact) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO test_heard (event_id, pid) VALUES (%s, %s)", (fact.id, os.getpid()))


events.subscribe("thing.happened", "listener", hear)
app.conf.beat_schedule = {
    name: entry for name, entry in app.conf.beat_schedule.items() if "relay" in name or "can" in name
}
app.conf.beat_schedule["relay-default"]["schedule"] = 1
app.conf.beat_schedule["canary-default"]["schedule"] = 1
