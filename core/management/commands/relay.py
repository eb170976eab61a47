"""A dispatcher that needs no broker: `manage.py relay` does by itself what the Celery workers do when woken."""

from __future__ import annotations

import signal
import time
from typing import Any

from django.core.management.base import BaseCommand
from django.db import Error, close_old_connections

from core import health, jobs, outbox

PAUSE_SECONDS = 1.0
ROUND_SECONDS = 10.0
CHORE_SECONDS = 60.0


class Command(BaseCommand):
    help = (
        "Deliver recorded facts to their handlers until stopped. Use it while Celery or the broker is down, or instead."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--queue", action="append", choices=outbox.QUEUES, help="only this queue (repeatable)")
        parser.add_argument("--once", action="store_true", help="stop when nothing is due")

    def handle(self, **options: Any) -> None:
        self.stopping = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        queues = options["queue"] or outbox.QUEUES
        next_chores = 0.0
        while not self.stopping:
            idle = True
            try:
                for queue in queues:
                    idle &= outbox.relay(queue, seconds=ROUND_SECONDS)
                if time.monotonic() > next_chores:
                    next_chores = time.monotonic() + CHORE_SECONDS
                    jobs.watch()
                for queue in queues:
                    health.beat(f"worker:{queue}")
            except Error as error:
                self.stderr.write(f"The database can't be reached ({type(error).__name__}); trying again.")
                close_old_connections()
                time.sleep(PAUSE_SECONDS * 3)
                continue
            if options["once"] and idle:
                return
            if idle:
                time.sleep(PAUSE_SECONDS)

    def _stop(self, *_: Any) -> None:
        self.stopping = True
