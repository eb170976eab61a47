"""How often a connection may be called: its own rate limit, kept in PostgreSQL so that all processes share one bucket.

The generic cell rate algorithm: one moment per connection says up to when its allowance is spent. A call moves it on by
what a call costs; a call that would move it further than the burst into the future has to wait.
"""

from __future__ import annotations

from uuid import UUID

from django.db import connection as database

from core.errors import TryLater

BURST_SECONDS = 10.0  # an idle connection may spend this much of its allowance at once


class TooFast(TryLater):
    """Our own limit says wait: no failure of anybody's, and no attempt spent."""


def take(connection_id: UUID, per_minute: int) -> None:
    """Count one call; raises TooFast with the seconds to wait when the allowance is spent. One statement."""
    with database.cursor() as cursor:
        cursor.execute(_TAKE, {"id": connection_id, "cost": 60 / max(1, per_minute), "burst": BURST_SECONDS})
        if cursor.fetchone() is not None:
            return
        cursor.execute(_WAIT, {"id": connection_id, "cost": 60 / max(1, per_minute), "burst": BURST_SECONDS})
        row = cursor.fetchone()
    seconds = max(0.05, row[0] if row else 0.0)
    raise TooFast(f"No more than {per_minute} calls a minute.", seconds=seconds, spends_attempt=False)


_TAKE = """
INSERT INTO integrations_pace AS pace (connection_id, spent_until)
VALUES (%(id)s, statement_timestamp() + make_interval(secs => %(cost)s))
ON CONFLICT (connection_id) DO UPDATE
SET spent_until = greatest(pace.spent_until, statement_timestamp()) + make_interval(secs => %(cost)s)
WHERE greatest(pace.spent_until, statement_timestamp()) + make_interval(secs => %(cost)s)
    <= statement_timestamp() + make_interval(secs => greatest(%(burst)s, %(cost)s))
RETURNING 1
"""

_WAIT = """
SELECT extract(epoch FROM greatest(spent_until, statement_timestamp()) - statement_timestamp())::float8
    + %(cost)s - greatest(%(burst)s, %(cost)s)
FROM integrations_pace WHERE connection_id = %(id)s
"""
