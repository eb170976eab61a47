"""A process that dies in the middle of taking an order in leaves the whole order or nothing of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from core import audit
from core.actors import SYSTEM
from core.models import Event
from inventory.models import Reservation, Stock
from orders.models import Order, OrderLine
from orders.services import intake
from tests.factories.inventory import ItemFactory, StockFactory
from tests.factories.orders import ChannelFactory, incoming, incoming_line

pytestmark = pytest.mark.django_db(transaction=True)

# Runs place() and dies by SIGKILL right before the n-th statement it would send.
_VICTIM = """
import os, signal, sys
import django
django.setup()
from django.db import connection
from core.actors import SYSTEM
from orders.models import Channel
from orders.services import intake
from tests.factories.orders import incoming, incoming_line

left = int(sys.argv[1])

def count(execute, sql, params, many, context):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return execute(sql, params, many, context)

with connection.execute_wrapper(count):
    channel = Channel.objects.get()
    intake.place(incoming(incoming_line(quantity=2)), channel=channel, actor=SYSTEM)
    if left > 0:
        print("done", left)
"""


def run(step: int) -> subprocess.CompletedProcess[str]:
    database = connection.settings_dict
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": os.environ["DATABASE_URL"].replace("/backroom?", f"/{database['NAME']}?"),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    return subprocess.run(
        [sys.executable, "-c", _VICTIM, str(step)], env=environment, capture_output=True, text=True, check=False
    )


def test_whenever_it_dies_nothing_is_half_written():
    StockFactory(item=ItemFactory(sku="SKU-1"), sellable=10)
    channel = ChannelFactory()
    died = 0

    for step in range(1, 12):
        victim = run(step)
        if victim.returncode == 0:
            break
        assert victim.returncode == -signal.SIGKILL, victim.stderr
        died += 1
        assert not Order.objects.exists()
        assert not OrderLine.objects.exists()
        assert not Reservation.objects.exists()
        assert not Event.objects.filter(subject_kind="order").exists()
        assert Stock.objects.get().reserved == 0

    assert died >= 4
    again = intake.place(incoming(incoming_line(quantity=2)), channel=channel, actor=SYSTEM)
    assert again.outcome == "unchanged"
    assert Stock.objects.get().reserved == 2
    assert [finding.invariant.name for finding in audit.audit() if finding.broken] == []
