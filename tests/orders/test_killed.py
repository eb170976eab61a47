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

# For each number it reads, a child of it runs place() and dies by SIGKILL right before the n-th statement it would send.
_NURSERY = """
import os, signal, sys
import django
django.setup()
from django.db import connection
from core.actors import SYSTEM
from orders.models import Channel
from orders.services import intake
from tests.factories.orders import incoming, incoming_line


def live(left):
    def count(execute, sql, params, many, context):
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count):
        channel = Channel.objects.get()
        intake.place(incoming(incoming_line(quantity=2)), channel=channel, actor=SYSTEM)


for line in sys.stdin:
    child = os.fork()
    if child == 0:
        try:
            live(int(line))
            os._exit(0)
        finally:
            os._exit(1)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture
def run():
    """run(step): how a child that was to die before its step-th statement ended."""
    database = connection.settings_dict
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": os.environ["DATABASE_URL"].replace("/backroom?", f"/{database['NAME']}?"),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    with subprocess.Popen(
        [sys.executable, "-c", _NURSERY], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as nursery:

        def ended(step: int) -> int:
            nursery.stdin.write(f"{step}\n")
            nursery.stdin.flush()
            return int(nursery.stdout.readline())

        yield ended
        nursery.stdin.close()


def test_whenever_it_dies_nothing_is_half_written(run):
    StockFactory(item=ItemFactory(sku="SKU-1"), sellable=10)
    channel = ChannelFactory()
    died = 0

    for step in range(1, 12):
        ended = run(step)
        if ended == 0:
            break
        assert ended == -signal.SIGKILL
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
