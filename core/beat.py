"""A beat without a file: every entry is an interval, so nothing needs remembering between two starts."""

from __future__ import annotations

import logging
import time
from typing import Any

from celery.beat import Scheduler as Base
from django.db import Error, close_old_connections

from core import health

log = logging.getLogger(__name__)

SIGN_OF_LIFE_SECONDS = 10.0


class Scheduler(Base):
    """Celery's own scheduler in memory, which leaves a sign of life in the database.

    Two of them side by side do no harm: what they send are wake-ups.
    """

    _signed_at = 0.0

    def setup_schedule(self) -> None:
        self.merge_inplace(self.app.conf.beat_schedule)
        self.install_default_entries(self.schedule)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        wait = super().tick(*args, **kwargs)
        if time.monotonic() - self._signed_at > SIGN_OF_LIFE_SECONDS:
            self._signed_at = time.monotonic()
            try:
                close_old_connections()
                health.beat("beat")
            except Error as error:
                log.warning("beat.no_database", extra={"error": type(error).__name__})
        return wait
