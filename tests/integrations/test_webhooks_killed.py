"""A worker that dies in the middle of a delivery: the fact comes again under its own id, and the next one waits for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from core.models import Delivery, Event
from tests.integrations.receiver import Receiver
from tests.integrations.test_webhooks import go, happen, statuses, subscribe

pytestmark = pytest.mark.django_db(transaction=True)

_WORKER = """
import django
django.setup()
from django.conf import settings
settings.WEBHOOKS_TO_PRIVATE_ADDRESSES = True
from core import outbox
outbox.drain("webhooks")
"""


def worker() -> subprocess.Popen[bytes]:
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": os.environ["DATABASE_URL"].replace("/backroom?", f"/{connection.settings_dict['NAME']}?"),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    return subprocess.Popen([sys.executable, "-c", _WORKER], env=environment)


def test_a_worker_killed_while_it_delivers_loses_nothing_and_repeats_under_the_same_id(settings):
    settings.WEBHOOKS_TO_PRIVATE_ADDRESSES = True
    with Receiver(delay=60) as receiver:
        _, secret = subscribe(receiver.url)
        facts = [happen("7", n=n) for n in range(2)]

        # when: it has been heard, but not yet answered
        victim = worker()
        until = time.monotonic() + 60
        while not receiver.got and victim.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
        os.kill(victim.pid, signal.SIGKILL)
        victim.wait()
        receiver.delay = 0

        # then: it is still owed, and in hand until the dead worker's lease ends
        assert statuses() == ["PENDING", "PENDING"]
        go()
        assert len(receiver.got) == 1
        Delivery.objects.update(leased_until=timezone.now() - timedelta(seconds=1), next_at=timezone.now())
        go(2)

        first, second = (str(Event.objects.get(pk=pk).uid) for pk in facts)
        assert victim.returncode == -signal.SIGKILL
        assert receiver.ids == [first, first, second]
        assert [said["data"]["data"] for said in receiver.verified(secret)] == [{"n": 0}, {"n": 0}, {"n": 1}]
        assert statuses() == ["DELIVERED", "DELIVERED"]
