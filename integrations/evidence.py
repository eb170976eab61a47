"""Evidence that several cases about outside systems show."""

from __future__ import annotations

from typing import Any

from django.utils.timezone import localtime

from exceptions.reasons import Column, Evidence, Row
from integrations.models import OutboundCall

CALLS = 10


def latest_calls(connection_id: Any) -> Evidence:
    """The last calls made to a connection, the newest first."""
    calls = OutboundCall.objects.filter(connection=connection_id).order_by("-id")[:CALLS]
    return Evidence(
        "The latest calls",
        ("At", "What", Column("Status", numeric=True), "Outcome"),
        [
            Row((f"{localtime(call.at):%d %b %H:%M:%S}", call.purpose, str(call.status or ""), call.error[:120]))
            for call in calls
        ],
        empty="None are kept.",
    )
