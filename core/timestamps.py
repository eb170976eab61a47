"""Reading instants fast: lists hold hundreds of them, and psycopg's own loader for Django works in Python by regex."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db.backends.postgresql.psycopg_any import BaseTzLoader
from psycopg.abc import Buffer


class UtcLoader(BaseTzLoader):
    """A timestamptz as the server writes it in a session whose time zone is UTC; the rare rest goes the long way."""

    timezone = UTC

    def load(self, data: Buffer) -> datetime:
        try:
            found = datetime.fromisoformat(bytes(data).decode())
        except ValueError:  # years beyond 9999 or before Christ, infinity
            return super().load(data)
        return found if found.tzinfo is UTC else super().load(data)


def use(sender: Any, connection: Any, **_: Any) -> None:
    """Receiver of connection_created."""
    if connection.vendor == "postgresql" and connection.timezone_name == "UTC":
        connection.connection.adapters.register_loader("timestamptz", UtcLoader)
