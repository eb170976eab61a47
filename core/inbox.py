"""What was addressed to one person: events that name them, and how many they haven't seen."""

from __future__ import annotations

from typing import Any

from core.models import Event, EventObject

SHOWN = 50
COUNTED = 99


def recent(user: Any) -> list[Event]:
    """The last events that name this person in any role, newest first."""
    touched = EventObject.objects.filter(kind="person", uid=str(user.pk)).order_by("-event_id")
    return list(Event.objects.filter(pk__in=touched.values("event_id")[:SHOWN]).order_by("-id"))


def seen(user: Any) -> int:
    """The newest event they have looked at."""
    return int(user.preferences.get("inbox_seen") or 0)


def unread(user: Any) -> int:
    """How many events name them since then, up to 99."""
    rows = EventObject.objects.filter(kind="person", uid=str(user.pk), event_id__gt=seen(user))
    return rows.order_by()[:COUNTED].count()


def look(user: Any, newest: int) -> None:
    """Remember that everything up to `newest` has been on their screen."""
    if newest > seen(user):
        user.preferences = {**user.preferences, "inbox_seen": newest}
        user.save(update_fields=["preferences"])
