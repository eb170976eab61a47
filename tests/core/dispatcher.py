"""A dispatcher as a process of its own, for test_outbox_deaths.py.

It is forked from a server that has loaded this module and nothing else: the test process may hold a browser's threads,
and a fork of those can hang.
"""

from __future__ import annotations

import os
import random
import time

import django
from django.apps import apps

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
if not apps.ready:
    django.setup()

from django.db import connection

from core import events, leases, outbox
from core.events import Fact

LEASE_SECONDS = 1.5


def work(database: str, heed: str, claim: str | None, lease: float) -> None:
    """Dispatch until killed. `claim` replaces the claiming statement, for a relay that is wrong on purpose."""
    random.seed(os.getpid())
    connection.settings_dict["NAME"] = database
    outbox.BACKOFF_SECONDS = 0.1
    if claim is not None:
        leases._CLAIM = claim
    with events.only():
        events.subscribe("thing.happened", "listener", HANDLERS[heed], max_attempts=200)
        while True:
            if not outbox.dispatch("default", batch=random.randint(1, 25), seconds=lease).taken:
                time.sleep(0.03)


def hear(fact: Fact) -> None:
    """Takes a moment, fails now and then, and leaves a trace of every call."""
    time.sleep(random.random() * 0.006)
    if random.random() < 0.05:
        raise ConnectionError("the other side hung up")
    hear_at_once(fact)


def hear_at_once(fact: Fact) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO test_heard (event_id, lane, pid) VALUES (%s, %s, %s)", (fact.id, fact.subject.uid, os.getpid())
        )
        cursor.execute("INSERT INTO test_effect VALUES (%s) ON CONFLICT DO NOTHING", (fact.uid,))


HANDLERS = {"hear": hear, "hear_at_once": hear_at_once}
