"""Telling open pages that something changed: topics only, never data. Losing all of it loses nothing.

`poke("exceptions")` after a change; every connected page whose shell or list cares about that topic asks again through
the ordinary, permission-checked routes. stream.py is the other end.
"""

from __future__ import annotations

import json
import logging
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction

from core.best_effort import BestEffort, server

_telling = BestEffort("live.unreachable", level=logging.DEBUG)


def url() -> str:
    """Where the stream is: on this host behind a proxy, or another origin of this installation."""
    return getattr(settings, "LIVE_URL", "") or "/live"


def origin() -> str:
    """The stream's origin where it isn't ours, for the content security policy."""
    parts = urlsplit(url())
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def channel() -> str:
    """What topics are said on. A server's every database hears what is published, so the name tells whose it is."""
    return f"backroom:live:{server().connection_pool.connection_kwargs.get('db', 0)}"


def poke(*topics: str) -> None:
    """Say, once this transaction has committed, that these topics changed. Best effort: it never fails the caller."""
    names = [t for t in topics if t]
    if names:
        transaction.on_commit(lambda: publish(names), robust=True)


def publish(topics: list[str]) -> None:
    """Say it now. For callers outside a transaction. A server that can't be reached is left alone for a moment."""
    _telling.ask(lambda: server().publish(channel(), json.dumps(topics)), None)
