"""What the relay loses and doubles when its processes are killed, stopped and raced: nothing, and no effect.

Real processes on a real database. Handlers write what they hear into a table, one row a call, so a delivery made twice
shows; their effect is keyed by the event, as every handler's must be.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time

import pytest
from django.db import connection, transaction

from core import actors, audit, events, leases
from core.events import EventDraft
from core.models import Delivery
from core.subjects import Subject
from tests.core import dispatcher

pytestmark = pytest.mark.django_db(transaction=True)

_clean = multiprocessing.get_context("forkserver")
_clean.set_forkserver_preload(["tests.core.dispatcher"])


@pytest.fixture
def heard():
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS test_heard, test_effect")
        cursor.execute("CREATE TABLE test_heard (id bigserial, event_id bigint, lane text, pid int)")
        cursor.execute("CREATE TABLE test_effect (event_uid uuid PRIMARY KEY)")
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE test_heard, test_effect")


class Crew:
    """Dispatchers that can be killed and replaced."""

    def __init__(
        self, size: int, heed: str = "hear", claim: str | None = None, lease: float = dispatcher.LEASE_SECONDS
    ):
        self.orders = (connection.settings_dict["NAME"], heed, claim, lease)
        self.hands = [self._hire() for _ in range(size)]

    def _hire(self) -> multiprocessing.Process:
        hand = _clean.Process(target=dispatcher.work, args=self.orders, daemon=True)
        hand.start()
        return hand

    def kill_one(self) -> None:
        n = random.randrange(len(self.hands))
        os.kill(self.hands[n].pid, signal.SIGKILL)
        self.hands[n].join()
        self.hands[n] = self._hire()

    def freeze_one(self, seconds: float) -> None:
        hand = random.choice(self.hands)
        os.kill(hand.pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(hand.pid, signal.SIGCONT)

    def dismiss(self) -> None:
        for hand in self.hands:
            os.kill(hand.pid, signal.SIGKILL)
            hand.join()


def record(count: int, lanes: int) -> None:
    with transaction.atomic():
        events.record_many(
            [
                EventDraft("thing.happened", Subject("thing", str(n % lanes)), actors.SYSTEM, {"n": n})
                for n in range(count)
            ]
        )


def left() -> int:
    return Delivery.objects.filter(status="PENDING").count()


def wait_until_delivered(seconds: float) -> None:
    until = time.monotonic() + seconds
    while left() and time.monotonic() < until:
        time.sleep(0.1)


def rows(sql: str) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def overtakings() -> list[tuple]:
    """Where an event was first heard after a later one of its lane."""
    first_heard = "SELECT lane, event_id, min(id) AS at FROM test_heard GROUP BY lane, event_id"
    return rows(
        "SELECT * FROM (SELECT lane, event_id, lag(event_id) OVER (PARTITION BY lane ORDER BY at) AS before"
        f" FROM ({first_heard}) f) s WHERE before > event_id"
    )


def assert_nothing_lost_or_out_of_order(count: int) -> None:
    assert Delivery.objects.filter(status="DELIVERED").count() == count
    assert rows("SELECT count(DISTINCT event_id) FROM test_heard") == [(count,)]
    assert rows("SELECT count(*) FROM test_effect") == [(count,)]
    assert overtakings() == []
    assert [f for f in audit.audit("core.") if f.broken] == []


def chaos(count: int, lanes: int, kills: int, freezes: int, patience: float) -> None:
    crew = Crew(3)
    try:
        for n in range(4):
            record(count // 4, lanes)
            for _ in range(kills // 4):
                time.sleep(random.uniform(0.02, 0.25))
                crew.kill_one()
            if n < freezes:
                crew.freeze_one(dispatcher.LEASE_SECONDS * 1.3)
        wait_until_delivered(patience)
    finally:
        crew.dismiss()


def test_killing_dispatchers_loses_nothing_and_keeps_every_lanes_order(wired, heard):
    wired()

    chaos(600, 24, kills=12, freezes=1, patience=60)

    assert_nothing_lost_or_out_of_order(600)
    assert Delivery.objects.filter(attempts__gt=1).exists()  # or the killing proved nothing


@pytest.mark.long
def test_killing_dispatchers_for_minutes_loses_nothing(wired, heard):
    wired()

    chaos(8_000, 150, kills=120, freezes=4, patience=300)

    assert_nothing_lost_or_out_of_order(8_000)


def test_racing_dispatchers_deliver_everything_once(wired, heard):
    wired()
    record(1_500, 40)

    crew = Crew(4, "hear_at_once", lease=60)  # nobody is killed here, and a machine that stalls kills nobody either
    wait_until_delivered(60)
    crew.dismiss()

    assert rows("SELECT count(*), count(DISTINCT event_id) FROM test_heard") == [(1_500, 1_500)]
    assert_nothing_lost_or_out_of_order(1_500)
    assert rows("SELECT count(DISTINCT pid) > 1 FROM test_heard") == [(True,)]


def test_a_relay_without_lanes_would_be_caught(wired, heard):
    """The same race over a naive relay, which takes whatever is due: were it not caught, nothing above would be proven."""
    wired()
    naive = leases._CLAIM
    naive = naive.replace("ORDER BY u.seq LIMIT 1", "ORDER BY u.next_at LIMIT 1000")
    naive = naive.replace("lanes.depth ELSE 1 END AS depth", "1 ELSE 1 END AS depth")
    record(600, 12)

    crew = Crew(4, claim=naive)
    wait_until_delivered(60)
    crew.dismiss()

    assert left() == 0
    assert overtakings()
