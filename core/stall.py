"""Workers are known to go on breathing but stop consuming after a lost connection: such a one must end to be replaced.

A thread beside the consumer watches. Messages wait at the broker, this worker has hands free, and yet it takes none for
a while: then it isn't working, whatever it believes. Ending loses nothing, because leases run out and messages return.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from typing import Any

import redis
from celery import bootsteps
from celery.signals import task_received
from celery.worker import state
from django.conf import settings

log = logging.getLogger(__name__)

STALL_SECONDS = 90.0
LOOK_SECONDS = 10.0
LAST_WORD_SECONDS = 30.0


class Watch:
    """The judgement: when did it last make sense that nothing was taken."""

    def __init__(self, now: float):
        self.excused_at = now
        self.received = 0

    def stalled(self, now: float, *, waiting: int, received: int, hands_free: bool) -> bool:
        """Whether work has been waiting for STALL_SECONDS while hands were free and none was taken."""
        if received != self.received or not waiting or not hands_free:
            self.excused_at, self.received = now, received
        return now - self.excused_at > STALL_SECONDS


class StallGuard(bootsteps.StartStopStep):
    """Started with every worker (config/celery.py)."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, worker: Any, **options: Any):
        super().__init__(worker, **options)
        self.over = threading.Event()
        self.received = 0

    def start(self, worker: Any) -> None:
        task_received.connect(self._count, weak=False)
        threading.Thread(target=self._guard, args=(worker,), daemon=True, name="stall-guard").start()

    def stop(self, worker: Any) -> None:
        self.over.set()

    def _count(self, **_: Any) -> None:
        self.received += 1

    def _guard(self, worker: Any) -> None:
        broker = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)
        queues = list(worker.app.amqp.queues.consume_from)
        watch = Watch(time.monotonic())
        while not self.over.wait(LOOK_SECONDS):
            try:
                waiting = sum(int(broker.llen(queue)) for queue in queues)
            except redis.RedisError:
                waiting = 0  # nobody can take anything from a broker that is away
            free = len(state.reserved_requests) < worker.concurrency
            if watch.stalled(time.monotonic(), waiting=waiting, received=self.received, hands_free=free):
                log.critical("worker.stalled", extra={"waiting": waiting})
                os.kill(os.getpid(), signal.SIGTERM)
                if not self.over.wait(LAST_WORD_SECONDS):
                    os._exit(70)
