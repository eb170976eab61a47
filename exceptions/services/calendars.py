"""Calendars as people write them: parsed, told apart from what was, saved by version with the change as a fact."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import F

from core import events
from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from core.models import Calendar, Site
from core.subjects import Subject
from exceptions import clock

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
CLOSED = ("", "-", "closed")
CHANGED = "calendar.changed"
SINGLE_DAYS = 400
Hours = list[list[str]]


def written(hours: Hours) -> str:
    """`09:00-12:30, 13:15-18:00`, as people write it."""
    return ", ".join("-".join(pair) for pair in hours)


def read_hours(text: str) -> Hours:
    """The reverse; ValueError in words."""
    if text.strip().lower() in CLOSED:
        return []
    found = []
    for part in text.replace("–", "-").split(","):
        opens, dash, closes = (piece.strip() for piece in part.partition("-"))
        if not dash:
            raise ValueError(f"“{part.strip()}” is no opening: write 09:00-17:30.")
        found.append([_time(opens), _time(closes)])
    return found


def _time(text: str) -> str:
    hour, colon, minute = text.partition(":")
    digits = f"{hour}{minute}"
    if not (colon and hour and len(minute) == 2 and digits.isascii() and digits.isdigit()):
        raise ValueError(f"“{text}” is no time of day: write 09:00.")
    if clock.minutes_of(text) > clock.DAY_MINUTES:
        raise ValueError(f"“{text}” is no time of day.")
    return f"{int(hour):02}:{minute}"


def read(data: Any) -> dict[str, Any]:
    """The fields of a calendar from a form: name, country, region, day0…day6, days (a line each). Invalid in words."""
    problems: list[Problem] = []
    weekly: list[Hours] = []
    for n in range(7):
        try:
            weekly.append(read_hours(data.get(f"day{n}", "")))
        except ValueError as wrong:
            problems.append(Problem(f"day{n}", "hours", f"{DAYS[n]}: {wrong}"))
    single: dict[str, Hours] = {}
    for number, line in enumerate(data.get("days", "").splitlines(), 1):
        if not line.strip():
            continue
        day, _, hours = line.strip().partition(" ")
        try:
            single[date.fromisoformat(day).isoformat()] = read_hours(hours)
        except ValueError as wrong:
            problems.append(Problem("days", "day", f"Line {number}: {wrong}"))
    name = data.get("name", "").strip()
    if not name or len(name) > 120:
        problems.append(Problem("name", "required", "Give the calendar a name of up to 120 characters."))
    if len(single) > SINGLE_DAYS:
        problems.append(Problem("days", "many", f"At most {SINGLE_DAYS} single days."))
    country, region = data.get("country", "").strip().upper(), data.get("region", "").strip().upper()
    if not problems:
        try:
            clock.Calendar.parse("UTC", weekly, country=country, region=region, days=single)
        except ValueError as wrong:
            problems.append(Problem("country" if "holidays" in str(wrong) else "day0", "hours", str(wrong)))
    if problems:
        raise Invalid(problems, status=422)
    return {"name": name, "country": country, "region": region, "weekly": weekly, "exceptions": single}


@transaction.atomic
def save(code: str, *, version: int, actor: Actor, **fields: Any) -> Calendar:
    """Write a calendar anew. Clocks of open cases stay until somebody reckons them. Refusal changed_meanwhile (409)."""
    calendar = Calendar.objects.select_for_update(no_key=True).get(code=code)
    if calendar.version != version:
        raise Refusal("changed_meanwhile", f"{calendar.name} changed while you were editing it. Look at it first.")
    before = {name: getattr(calendar, name) for name in fields}
    changed = {name: value for name, value in fields.items() if before[name] != value}
    if not changed:
        return calendar
    Calendar.objects.filter(pk=calendar.pk).update(version=F("version") + 1, **changed)
    events.record(
        CHANGED, Subject("calendar", calendar.code, calendar.name), actor=actor,
        data={"version": version + 1, "changed": {name: [before[name], value] for name, value in changed.items()}},
    )  # fmt: skip
    calendar.refresh_from_db()
    return calendar


@transaction.atomic
def create(code: str, *, actor: Actor, **fields: Any) -> Calendar:
    """Write a new calendar. Invalid where its code is taken."""
    if Calendar.objects.filter(code=code).exists():
        raise Invalid([Problem("code", "taken", "Another calendar has this code.")], status=422)
    calendar = Calendar.objects.create(code=code, **fields)
    subject = Subject("calendar", calendar.code, calendar.name)
    events.record(CHANGED, subject, actor=actor, data={"version": 1, "changed": {}})
    return calendar


@transaction.atomic
def give(site_id: int, *, calendar_id: int | None, actor: Actor) -> None:
    """Let a site keep a calendar, or none (round the clock). Its open cases stay until somebody reckons them."""
    site = Site.objects.select_for_update(no_key=True, of=("self",)).select_related("calendar").get(pk=site_id)
    if site.calendar_id == calendar_id:
        return
    Site.objects.filter(pk=site_id).update(calendar=calendar_id)
    new = Calendar.objects.filter(pk=calendar_id).first() if calendar_id else None
    events.record(
        "site.calendar_changed", Subject("site", site.code, site.name), actor=actor,
        data={"was": site.calendar.code if site.calendar else None, "is": new.code if new else None},
    )  # fmt: skip


def coming(calendar: Calendar, zone: str, start: datetime, weeks: int = 4) -> list[tuple[date, str, str]]:
    """The days to come: each with its hours in words and why they differ from the week's, where they do."""
    parsed = clock.Calendar.parse(
        zone, calendar.weekly or [[["00:00", "24:00"]]] * 7, country=calendar.country, region=calendar.region,
        days=calendar.exceptions,
    )  # fmt: skip
    today = start.astimezone(ZoneInfo(zone)).date()
    days = [today + timedelta(days=n) for n in range(7 * weeks)]
    return [(day, _words(parsed.hours(day)), _why(parsed, day)) for day in days]


def _words(hours: tuple[clock.Minutes, ...]) -> str:
    def at(minutes: int) -> str:
        return f"{minutes // 60 % 24:02}:{minutes % 60:02}" if minutes != clock.DAY_MINUTES else "24:00"

    return ", ".join(f"{at(a)}–{at(b)}" for a, b in hours) or "Closed"


def _why(parsed: clock.Calendar, day: date) -> str:
    if any(single == day for single, _ in parsed.days):
        return "A day of its own"
    return clock.holiday(parsed, day)
