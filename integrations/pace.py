"""How often a connection may be called: its own rate limit, kept in PostgreSQL so that all processes share one bucket.

The generic cell rate algorithm: one moment per connection says up to when its allowance is spent. A call moves it on by
what a call costs; a call that would move it further than the burst into the future has to wait. A short wait is waited
out in line: work of several calls that gave up in its middle would spend the allowance on beginning again, and many
workers doing so would leave nobody enough of it to finish.

What the other side's own headers say (see rate_limits) is learnt: while it is fresh, the slower of the two rates holds.
"""

from __future__ import annotations

import time
from uuid import UUID

from django.db import connection as database

from core.errors import TryLater

BURST_SECONDS = 10.0  # an idle connection may spend this much of its allowance at once


class TooFast(TryLater):
    """Our own limit says wait: no failure of anybody's, and no attempt spent."""


def take(connection_id: UUID, per_minute: int, *, patience: float = 0.0) -> None:
    """Count one call, having waited for its turn where that comes within `patience` seconds.

    Raises TooFast with the seconds to wait when it comes later; then nothing is counted.
    """
    cost = 60 / max(1, per_minute)
    values: dict[str, UUID | float] = {"id": connection_id, "cost": cost, "burst": BURST_SECONDS, "patience": patience}
    with database.cursor() as cursor:
        cursor.execute(_TAKE, values)
        if (row := cursor.fetchone()) is None:
            cursor.execute(_WAIT, values)
            row = cursor.fetchone()
            seconds = max(0.05, row[0] if row else 0.0)
            raise TooFast(f"No more than {per_minute} calls a minute.", seconds=seconds, spends_attempt=False)
    if row[0] > 0:
        time.sleep(row[0])


def learn(connection_id: UUID, per_minute: float) -> None:
    """Remember what the other side allows from now on. A word that hardly differs from the last is not written."""
    with database.cursor() as cursor:
        cursor.execute(_LEARN, {"id": connection_id, "rate": max(0.01, min(per_minute, 1e6))})


# Seconds that a call costs: by the connection's own rate or by the one it was told of, whichever is slower.
_COST = """greatest(%(cost)s, CASE
    WHEN pace.told_at > statement_timestamp() - interval '5 minutes' THEN 60 / pace.told_per_minute ELSE 0 END)"""

_TAKE = f"""
INSERT INTO integrations_pace AS pace (connection_id, spent_until)
VALUES (%(id)s, statement_timestamp() + make_interval(secs => %(cost)s))
ON CONFLICT (connection_id) DO UPDATE
SET spent_until = greatest(pace.spent_until, statement_timestamp()) + make_interval(secs => {_COST})
WHERE greatest(pace.spent_until, statement_timestamp()) + make_interval(secs => {_COST})
    <= statement_timestamp() + make_interval(secs => greatest(%(burst)s, {_COST}) + %(patience)s)
RETURNING extract(epoch FROM spent_until - statement_timestamp())::float8 - greatest(%(burst)s, {_COST})
"""  # noqa: S608  (put together from constants)

_WAIT = f"""
SELECT extract(epoch FROM greatest(spent_until, statement_timestamp()) - statement_timestamp())::float8
    + {_COST} - greatest(%(burst)s, {_COST})
FROM integrations_pace pace WHERE connection_id = %(id)s
"""  # noqa: S608

_LEARN = """
UPDATE integrations_pace SET told_per_minute = %(rate)s, told_at = statement_timestamp()
WHERE connection_id = %(id)s AND (
    told_at IS NULL OR told_at < statement_timestamp() - interval '1 minute'
    OR %(rate)s NOT BETWEEN told_per_minute * 0.9 AND told_per_minute * 1.1
)
"""
