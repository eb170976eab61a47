"""Telling open pages that something changed: topics only, never data. Losing all of it loses nothing.

`poke("exceptions")` after a change; every connected page whose shell or list cares about that topic asks again through
the ordinary, permission-checked routes. stream.py is the other end.
"""

from __future__ import annotations

import json
import logging
import time
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import redis
from django.conf import settings
from django.db import transaction

CHANNEL = "backroom:live"
SULK_SECONDS = 5.0
_sulk_until = 0.0
log = logging.getLogger(__name__)


def url() -> str:
    """Where the stream is: on this host behind a proxy, or another origin of this installation."""
    return getattr(settings, "LIVE_URL", "") or "/live"


def origin() -> str:
    """The stream's origin where it isn't ours, for the content security policy."""
    parts = urlsplit(url())
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def poke(*topics: str) -> None:
    """Say, once this transaction has committed, that these topics changed. Best effort: it never fails the caller."""
    names = [t for t in topics if t]
    if names:
        transaction.on_commit(lambda: publish(names), robust=True)


def publish(topics: list[str]) -> None:
    """Say it now. For callers outside a transaction. A server that can't be reached is left alone for a moment."""
    global _sulk_until  # noqa: PLW0603  (one server per process, so one pause)
    if time.monotonic() < _sulk_until:
        return
    try:
        _client().publish(CHANNEL, json.dumps(topics))
    except (redis.RedisError, OSError) as error:
        _sulk_until = time.monotonic() + SULK_SECONDS
        log.debug("live.unreachable", extra={"error": type(error).__name__})


@cache
def _client() -> Any:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=0.5, socket_connect_timeout=0.5)
