"""One at a time by a name, until the transaction ends: for work whose rows don't exist before it is done."""

from __future__ import annotations

from django.db import connection


def take(name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])
