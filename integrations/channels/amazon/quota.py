"""How often each of Amazon's operations may be called: a bucket of each account and operation, kept by each process.

Amazon allows so many calls a second of one operation, with a burst, and states with its answers the rate that holds for
this account (`x-amzn-RateLimit-Limit`). The connection's own pace is about all calls together; this keeps one busy
operation from running into 429, which would stop all others as well.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from integrations.models import Connection
from integrations.pace import TooFast

IN_LINE = 2.0  # seconds waited for a turn before the work is put off

# What Amazon documents as usual: calls a second, and how many at once.
USUAL: dict[str, tuple[float, int]] = {
    "getOrders": (0.0167, 20),
    "getOrder": (0.5, 30),
    "getOrderItems": (0.5, 30),
    "searchOrders": (0.0056, 20),
    "confirmShipment": (2.0, 10),
    "createRestrictedDataToken": (1.0, 10),
    "listFinancialEvents": (0.5, 30),
    "getListingsItem": (5.0, 10),
    "searchListingsItems": (5.0, 5),
    "patchListingsItem": (5.0, 5),
    "createFeedDocument": (0.5, 15),
    "createFeed": (0.0083, 15),
    "getFeed": (2.0, 15),
    "getFeedDocument": (0.0222, 10),
}
_told: dict[tuple[str, str], float] = {}
_left: dict[tuple[str, str], tuple[float, float]] = {}  # calls left of the burst, as of when


def take(connection: Connection, operation: str) -> None:
    """Count one call, having waited a little for its turn. Raises TooFast, which spends no attempt."""
    key, (rate, burst) = _bucket(connection, operation)
    now = time.monotonic()
    left, at = _left.get(key, (float(burst), now))
    left = min(burst, left + (now - at) * rate) - 1
    wait = -left / rate
    if wait > IN_LINE:
        raise TooFast(f"Amazon's quota of {operation} is used up.", seconds=wait, spends_attempt=False)
    _left[key] = (left, now)
    if wait > 0:
        time.sleep(wait)


def _bucket(connection: Connection, operation: str) -> tuple[tuple[str, str], tuple[float, int]]:
    key = (str(connection.pk), operation)
    rate, burst = USUAL.get(operation, (1.0, 5))
    return key, (_told.get(key, rate), burst)


def learn(connection: Connection, operation: str, headers: Mapping[str, str]) -> None:
    """Keep the rate Amazon states for this account."""
    try:
        rate = float(headers.get("x-amzn-ratelimit-limit", ""))
    except ValueError:
        return
    if 0 < rate < 10_000:
        _told[str(connection.pk), operation] = rate


def exceeded(connection: Connection, operation: str) -> None:
    """Amazon said QuotaExceeded: nothing of the burst is left, whatever we thought."""
    key, _ = _bucket(connection, operation)
    _left[key] = (0.0, time.monotonic())


def told(connection: Connection, operation: str) -> float | None:
    """The rate Amazon stated last, in calls a second."""
    return _told.get((str(connection.pk), operation))
