"""By when a node should be done: pure, in the node's own time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

COLLECTION_HOURS = 2
CUT_OFF = time(16, 0)  # carriers leave then
WORK_HOURS = 2  # picking and packing take this long, so later orders go with tomorrow's carrier
SUNDAY = 6
PUT_AWAY_HOURS = 4  # from the gate to the shelf
TRANSIT_DAYS = 2  # where no carrier says better


def due_at(
    released_at: datetime,
    *,
    method: str,
    time_zone: str,
    promise_by: datetime | None = None,
    not_before: date | None = None,
) -> datetime:
    """A collection is due two hours after release; a parcel at the next carrier's departure there is time for.

    Not before the day that was asked for, and never later than what the customer was promised.
    """
    if not_before is not None:
        released_at = max(released_at, datetime.combine(not_before, time(), tzinfo=_zone(time_zone)))
    if method in {"PICKUP", "SHIP_TO_STORE"}:
        due = released_at + timedelta(hours=COLLECTION_HOURS)
    else:
        due = next_departure(released_at, time_zone)
    return min(due, promise_by) if promise_by else due


def releases_at(not_before: date, time_zone: str) -> datetime:
    """When work for a day that was asked for may begin: the day before, so that it is ready to leave in the morning."""
    return datetime.combine(not_before - timedelta(days=1), time(), tzinfo=_zone(time_zone)).astimezone(UTC)


def collect_by(ready_at: datetime, *, keep_days: int, time_zone: str) -> datetime:
    """To the end of the last day an order waits for its customer, by the store's own clock."""
    zone = _zone(time_zone)
    day = ready_at.astimezone(zone).date() + timedelta(days=keep_days + 1)
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)


def next_departure(moment: datetime, time_zone: str, cut_off: time = CUT_OFF) -> datetime:
    """When the next carrier leaves that there is still time to pick and pack for; none does on Sundays."""
    zone = _zone(time_zone)
    here = (moment + timedelta(hours=WORK_HOURS)).astimezone(zone)
    day = here.date()
    if here.time() > cut_off:
        day += timedelta(days=1)
    if day.weekday() == SUNDAY:
        day += timedelta(days=1)
    return datetime.combine(day, cut_off, tzinfo=zone).astimezone(UTC)


def hour_of_week(moment: datetime, time_zone: str) -> int:
    """From 1, Monday's first, to 168, in the node's own time."""
    here = moment.astimezone(_zone(time_zone))
    return here.weekday() * 24 + here.hour + 1


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
