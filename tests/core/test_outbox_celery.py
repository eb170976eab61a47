"""The whole chain as it runs in production: commit, hint, broker, worker, handler; and without its parts."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

import pytest
from django.db import connection, transaction

from core import actors, events, wake
from core.events import EventDraft
from core.models import Delivery, Heartbeat
from core.subjects import Subject
from tests.broker import until

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def start(broker, tmp_path):
    """Start a Celery process against the test's database and broker."""
    running: list[subprocess.Popen] = []

    def run(*arguments: str) -> subprocess.Popen:
        options = connection.settings_dict
        place = f"{quote(options['USER'])}:{quote(options['PASSWORD'] or '')}@/{options['NAME']}"
        env = {
            **os.environ,
            "DATABASE_URL": f"postgresql://{place}?host={quote(options['HOST'])}&port={options['PORT']}",
            "REDIS_URL": broker.url,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_POOL": "0",
            "PYTHONPATH": str(ROOT),
        }
        log = (tmp_path / f"celery-{len(running)}.log").open("wb")
        process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "tests.core.celery_worker:app", *arguments],
            cwd=ROOT, env=env, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        running.append(process)
        return process

    yield run
    for process in running:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    for log in sorted(tmp_path.glob("celery-*.log")):
        print(log.name, log.read_text()[-3000:])  # shown when the test fails


WORKER = ("worker", "-Q", "default,outside", "-c", "2", "--loglevel", "INFO", "--without-gossip", "--without-mingle")


@pytest.fixture
def heard():
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS test_heard")
        cursor.execute("CREATE TABLE test_heard (id bigserial, event_id bigint, pid int)")
    yield lambda: _rows("SELECT count(*), count(DISTINCT event_id) FROM test_heard")[0]
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE test_heard")


@pytest.fixture
def wakes(settings, broker, monkeypatch):
    """This process sends its hints to the test's broker, as the web processes do."""
    from config.celery import app

    settings.RELAY_WAKES = True
    monkeypatch.setattr(app.conf, "broker_url", f"redis+socket://{broker.socket}?virtual_host=0")
    monkeypatch.setattr(app.conf, "broker_write_url", f"redis+socket://{broker.socket}?virtual_host=0")
    # Forgotten, not closed: kombu keeps its pools by address, and a closed one would be handed out again.
    app._pool = app.amqp._producer_pool = None
    monkeypatch.setattr(wake._waking, "sulks_until", 0.0)
    wake.heard("default")  # or the hint of the test before would stand in for this one's
    yield
    app._pool = app.amqp._producer_pool = None


def _rows(sql: str) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def record(count: int) -> None:
    with transaction.atomic():
        events.record_many(
            [EventDraft("thing.happened", Subject("thing", str(n % 20)), actors.SYSTEM) for n in range(count)]
        )


def all_delivered() -> bool:
    return not Delivery.objects.exclude(status="DELIVERED").exists()


def beats(name: str) -> bool:
    return Heartbeat.objects.filter(name=name).exists()


def test_through_flushes_kills_and_a_dead_broker_everything_is_delivered(wired, heard, start, broker, wakes):
    wired(name="listener")
    start("beat", "--loglevel", "WARNING")
    worker = start(*WORKER)
    assert until(lambda: beats("worker:default"), 60), "the worker never took its canary"

    for n in range(8):
        record(50)
        time.sleep(random.uniform(0, 0.4))
        if n in {1, 4}:
            broker.client.flushall()
        if n in {2, 5}:
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
            worker = start(*WORKER)
        if n == 6:
            broker.kill()
            record(50)
            broker.start()

    assert until(all_delivered, 120)
    assert heard()[1] == 450


def test_a_hint_brings_a_fact_to_its_handler_without_waiting_for_the_beat(wired, heard, start, broker, wakes):
    wired(name="listener")
    start(*WORKER)
    assert until(lambda: _warm(heard), 60), "no hint was ever heard"

    wake.heard("default")  # the worker says so through Redis; this process remembers its hints by itself
    record(1)

    assert until(all_delivered, 30), "no beat runs here, so only the hint can have brought it"


def _warm(heard) -> bool:
    wake.now("default")
    record(1)
    return heard()[0] > 0


def test_a_broker_that_is_gone_fails_no_request(wired, broker, wakes):
    wired(name="listener")
    broker.kill()

    started = time.monotonic()
    record(1)
    record(1)

    assert time.monotonic() - started < 5
    assert Delivery.objects.count() == 2


def test_many_facts_at_once_leave_one_hint(wired, broker, wakes, settings):
    wired(name="listener")
    with transaction.atomic():
        for _ in range(30):
            record(1)
    for _ in range(10):
        record(1)

    assert 1 <= broker.client.llen("default") <= 2
