"""A process that dies in the middle of taking an order in leaves the whole order or nothing of it."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest
from django.db import connection

from core import audit
from core.actors import SYSTEM
from core.models import Event
from inventory.models import Reservation, Stock
from orders.models import Channel, Order, OrderLine
from orders.services import intake
from tests.factories.inventory import ItemFactory, StockFactory
from tests.factories.orders import ChannelFactory, incoming, incoming_line
from tests.forked import Forked

pytestmark = pytest.mark.django_db(transaction=True)


def run(step: int) -> int:
    """How a process that was to die before its step-th statement ended."""
    process = Forked()
    process.ask(_live, step)
    return process.killed()


def _live(left: int) -> None:
    """place(), until death by SIGKILL right before the statement it would send when so many are left."""

    def count(execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count):
        channel = Channel.objects.get()
        intake.place(incoming(incoming_line(quantity=2)), channel=channel, actor=SYSTEM)
    os._exit(0)


def test_whenever_it_dies_nothing_is_half_written():
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
