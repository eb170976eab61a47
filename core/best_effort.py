"""What is asked of Redis or the broker beside the work itself: it never fails its caller, and nobody waits twice.

Hints, live updates, presence, counts: losing one costs a moment and loses nothing. So a server that couldn't be reached
is left alone for a few seconds by this process, for this purpose.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import redis
from django.conf import settings

log = logging.getLogger(__name__)

SULK_SECONDS = 5.0
PATIENCE_SECONDS = 0.5  # for connecting, and for an answer
T = TypeVar("T")


class BestEffort:
    """Asks, unless the last one asked for this purpose was not reached a moment ago. `said` is logged when one is not.

    `errors` are the kinds that mean it wasn't reached.
    """

    def __init__(self, said: str, *errors: type[Exception], level: int = logging.WARNING):
        self.said, self.level = said, level
        self.errors = errors or (redis.RedisError, OSError)
        self.sulks_until = 0.0

    def ask(self, work: Callable[[], T], otherwise: T, **facts: Any) -> T:
        """What `work` gives, or `otherwise`; `facts` go into the log beside the error."""
        if time.monotonic() < self.sulks_until:
            return otherwise
        try:
            return work()
        except self.errors as error:
            self.sulks_until = time.monotonic() + SULK_SECONDS
            log.log(self.level, self.said, extra={**facts, "error": type(error).__name__})
            return otherwise


def server() -> redis.Redis:
    """The Redis of this installation, one client a process, for what must not wait long."""
    return _server(settings.REDIS_URL)


@cache
def _server(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=PATIENCE_SECONDS, socket_connect_timeout=PATIENCE_SECONDS)
