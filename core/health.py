"""Is it alive, can it work, and how far behind is it."""

from __future__ import annotations

from django.db import connection

BEATS_KEPT = 90  # seconds after which a silent background process counts as stalled


def beat(name: str) -> None:
    """A sign of life from a background process."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO core_heartbeat (name, beat_at, detail) VALUES (%s, statement_timestamp(), '{}')"
            " ON CONFLICT (name) DO UPDATE SET beat_at = excluded.beat_at",
            (name,),
        )
