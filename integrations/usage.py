"""The account of what programs call: counted in Redis with each call, written down every minute.

A count is worth no more than it costs: what Redis loses is lost, and a process that dies between writing and
forgetting counts a minute twice. Nobody is billed by it.
"""

from __future__ import annotations

import json
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from django.db import connection, transaction
from django.utils import timezone

from core.best_effort import BestEffort, server
from integrations.models import ApiClient, ApiUsage

BOUNDS = (10, 25, 50, 100, 250, 500, 1_000, 2_500, 10_000)  # ms; the last of `took` is beyond all of them
KEPT = timedelta(days=400)
SHOWN = timedelta(days=30)
_NOW, _TAKEN = "backroom:usage:now", "backroom:usage:taken:"
_counting = BestEffort("usage.not_counted")


@dataclass(frozen=True, slots=True)
class Score:
    """How calls ended. `under` is a time in ms that 95 % of them stayed below, None beyond ten seconds."""

    client_id: int
    endpoint: str
    ending: bool
    calls: int
    refused: int
    limited: int
    failed: int
    under: int | None

    @property
    def error_rate(self) -> float:
        """The share that wasn't answered as asked: refused, limited or failed."""
        return (self.refused + self.limited + self.failed) / self.calls


def note(client_id: str, endpoint: str, *, status: int, seconds: float, ending: bool) -> None:
    """Count one call. Never raises: without Redis it isn't counted."""
    hour = int(time.time()) // 3600
    kind = "l" if status == 429 else "f" if status >= 500 else "r" if status >= 400 else "g"
    field = f"{client_id}|{hour}|{kind}|{bisect_left(BOUNDS, seconds * 1000)}|{int(ending)}|{endpoint}"
    _counting.ask(lambda: server().hincrby(_NOW, field, 1), None)


def write_down() -> int:
    """Move what was counted into the database; returns how many rows were written. One at a time."""
    client = server()
    if client.exists(_NOW):
        client.rename(_NOW, f"{_TAKEN}{time.time_ns()}")
    written = 0
    for name in sorted(client.scan_iter(f"{_TAKEN}*", count=1_000)):
        rows = _rows(cast("dict[bytes, bytes]", client.hgetall(name)).items())
        with transaction.atomic():
            written += _add(rows)
        client.delete(name)
    return written


def forget() -> int:
    """What is older than 400 days goes."""
    return ApiUsage.objects.filter(hour__lt=timezone.now() - KEPT).delete()[0]


def under(took: Iterable[int], share: float = 0.95) -> int | None:
    """Milliseconds that so large a share of the calls stayed under, to the next bound; None beyond the last."""
    counts = list(took)
    wanted, seen = share * sum(counts), 0
    for bound, count in zip(BOUNDS, counts, strict=False):
        seen += count
        if seen >= wanted:
            return bound
    return None


def _rows(counted: Iterable[tuple[bytes, bytes]]) -> dict[tuple[int, datetime, str], dict[str, Any]]:
    rows: dict[tuple[int, datetime, str], dict[str, Any]] = defaultdict(
        lambda: {"calls": 0, "r": 0, "l": 0, "f": 0, "g": 0, "ending": False, "took": [0] * (len(BOUNDS) + 1)}
    )
    for field, count in counted:
        client_id, hour, kind, bucket, ending, endpoint = field.decode().split("|", 5)
        row = rows[int(client_id), datetime.fromtimestamp(int(hour) * 3600, UTC), endpoint]
        row["calls"] += int(count)
        row[kind] += int(count)
        row["took"][int(bucket)] += int(count)
        row["ending"] |= ending == "1"
    return rows


def _add(rows: dict[tuple[int, datetime, str], dict[str, Any]]) -> int:
    known = set(ApiClient.objects.filter(pk__in={key[0] for key in rows}).values_list("pk", flat=True))
    given = [
        {"client": client_id, "hour": hour.isoformat(), "endpoint": endpoint, **row}
        for (client_id, hour, endpoint), row in sorted(rows.items())
        if client_id in known
    ]
    with connection.cursor() as cursor:
        cursor.execute(_ADD, [json.dumps(given)])
        return cursor.rowcount


_ADD = """
INSERT INTO integrations_apiusage AS known (client_id, hour, endpoint, ending, calls, refused, limited, failed, took)
SELECT client, hour, endpoint, ending, calls, r, l, f, took
FROM jsonb_to_recordset(%s::jsonb) AS given (client bigint, hour timestamptz, endpoint text, ending boolean,
    calls bigint, r bigint, l bigint, f bigint, took bigint[])
ON CONFLICT (client_id, hour, endpoint) DO UPDATE SET
    ending = known.ending OR excluded.ending, calls = known.calls + excluded.calls,
    refused = known.refused + excluded.refused, limited = known.limited + excluded.limited,
    failed = known.failed + excluded.failed,
    took = ARRAY(SELECT a + b FROM unnest(known.took, excluded.took) WITH ORDINALITY AS t(a, b, n) ORDER BY n)
"""


def scorecard(client_ids: Sequence[int]) -> list[Score]:
    """What clients called in the last 30 days: a row for each of them, the busiest first."""
    return _scores(_CARD.format(endpoint="''", by="1"), client_ids)


def endpoints(client_id: int) -> tuple[Score | None, list[Score]]:
    """What one client called in the last 30 days: all of it, None where it called nothing; and each endpoint's part,
    the busiest first."""
    found = _scores(
        _CARD.format(endpoint="coalesce(endpoint, '')", by="GROUPING SETS ((1), (1, endpoint))"), [client_id]
    )
    return next((each for each in found if not each.endpoint), None), [each for each in found if each.endpoint]


def _scores(query: str, client_ids: Sequence[int]) -> list[Score]:
    with connection.cursor() as cursor:
        cursor.execute(query, [list(client_ids), timezone.now() - SHOWN])
        return [Score(*row[:7], *[under(row[7:])]) for row in cursor.fetchall()]


_SUMS = ", ".join(f"sum(took[{n}])::bigint" for n in range(1, len(BOUNDS) + 2))
_CARD = f"""
SELECT client_id, {{endpoint}}, bool_or(ending), sum(calls)::bigint, sum(refused)::bigint, sum(limited)::bigint,
    sum(failed)::bigint, {_SUMS}
FROM integrations_apiusage WHERE client_id = ANY(%s) AND hour >= %s GROUP BY {{by}} ORDER BY 4 DESC, 2
"""  # noqa: S608  (numbers of our own)
