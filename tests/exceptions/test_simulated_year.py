"""A year of cases at sites in six zones: every breach and every step equals a reference that only counts minutes.

The reference knows no calendar arithmetic: it walks each calendar minute by minute once, keeps how many of them were
open so far, and reads off the first minute by which enough of them have passed.
"""

from __future__ import annotations

import os
import random
import threading
from bisect import bisect_left
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import accumulate, groupby
from zoneinfo import ZoneInfo

import holidays
import pytest
import time_machine
from django.db import connection, transaction

from core import actors
from core.models import Calendar, Event, Site
from core.subjects import Subject
from exceptions.models import Case, EscalationPolicy, EscalationStep, Notice, SlaPolicy
from exceptions.services import cases, timers
from tests.exceptions.conftest import PROBE

pytestmark = pytest.mark.django_db(transaction=True)
MINUTE = timedelta(minutes=1)
START = datetime(2027, 12, 20, tzinfo=UTC)  # into a leap year
DAYS = 400
QUARTER = 15
ZONES = {
    "Europe/London": "GB", "America/New_York": "US", "Asia/Kathmandu": "", "Australia/Lord_Howe": "AU",
    "Pacific/Auckland": "NZ", "Africa/Cairo": "EG",
}  # fmt: skip
WEEKS = [
    [[["09:00", "17:30"]]] * 5 + [[["10:00", "13:00"]], []],
    [[["08:30", "12:15"], ["13:00", "18:00"]]] * 6 + [[]],
    [[["22:00", "06:00"]]] * 7,
    [[["00:30", "03:30"], ["07:00", "23:00"]]] * 7,
]
HALF_DAYS = {"2027-12-24": [["09:00", "12:00"]], "2028-02-29": [["10:00", "14:00"]], "2028-07-03": []}
GIVEN = {"acknowledge": 45, "resolve": 300}
STEPS = [("acknowledge", -15), ("acknowledge", 90), ("resolve", -60), ("resolve", 0), ("resolve", 480), ("promise", -45),
         ("promise", 120)]  # fmt: skip


@dataclass
class Story:
    """What happens to one case: when it began, who did what when, in minutes since START."""

    place: int
    began: int
    opened: int
    promised: int | None
    claimed: int | None = None
    pauses: list[tuple[int, int, bool]] = field(default_factory=list)  # from, to, ends by itself
    closed: int | None = None
    id: int = 0


def open_minutes(zone: str, week: list, country: str) -> list[int]:
    """For each minute since START, how many before it were open: by the definition, with the library's holidays."""
    off = holidays.country_holidays(country) if country else ()
    spans = {}

    def hours(day):
        if day not in spans:
            stored = HALF_DAYS.get(day.isoformat(), [] if day in off else week[day.weekday()])
            spans[day] = [(minutes(a), minutes(b) if minutes(b) > minutes(a) else minutes(b) + 1440) for a, b in stored]
        return spans[day]

    flags = []
    for day, now in wall_clock(zone):
        is_open = any(a <= now < b for a, b in hours(day))
        flags += [is_open or any(a <= now + 1440 < b for a, b in hours(day - timedelta(days=1)))] * QUARTER
    return [0, *accumulate(flags)]


@cache
def wall_clock(zone: str) -> list[tuple[date, int]]:
    """The local day and minute of each quarter: hours and zones alike change on it, so it stands for its minutes."""
    locals_ = [(START + n * QUARTER * MINUTE).astimezone(ZoneInfo(zone)) for n in range(DAYS * 1440 // QUARTER)]
    return [(local.date(), local.hour * 60 + local.minute) for local in locals_]


def minutes(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


def first_after(opened: list[int], start: int, given: int, pauses: list[tuple[int, int]]) -> int:
    """The first minute by which `given` open minutes outside the pauses have passed since `start`."""
    if given <= 0:
        return start
    at = start
    for begins, ends in sorted(pauses):
        if ends <= at:
            continue
        stretch = opened[max(begins, at)] - opened[at]
        if stretch >= given:
            break
        given -= stretch
        at = ends
    return bisect_left(opened, opened[at] + given)


def last_before(opened: list[int], end: int, given: int, start: int) -> int:
    """The first minute from which at most `given` open minutes are left until `end`."""
    return max(start, bisect_left(opened, opened[end] - given))


def expected(story: Story, opened: list[int]) -> set[tuple]:
    """Every breach and step of a case, each with its own minute, had somebody watched all the time."""
    over = story.closed if story.closed is not None else DAYS * 1440
    answered = min(
        [over, *([story.claimed] if story.claimed is not None else []), *(begins for begins, _, _ in story.pauses)]
    )
    pauses = [(begins, min(ends, over)) for begins, ends, _ in story.pauses]
    until = {"acknowledge": answered, "resolve": over, "promise": over}
    found = set()
    for clock, given in GIVEN.items():
        due = first_after(opened, story.began, given, pauses)
        if due <= until[clock]:
            found.add(("breach", clock, due))
    if story.promised is not None and story.promised <= over:
        found.add(("breach", "promise", story.promised))
    for number, (clock, offset) in enumerate(STEPS, 1):
        if clock != "promise":
            due = first_after(opened, story.began, GIVEN[clock] + offset, pauses)
        elif story.promised is None:
            continue
        elif offset >= 0:
            due = first_after(opened, story.promised, offset, [])
        else:
            due = last_before(opened, story.promised, -offset, story.began)
        if due <= until[clock]:
            found.add(("step", number, due))
    return found


def written(chance: random.Random, places: int) -> Story:
    """One case's story. Whoever resumes comes before the next pause; one that ends by itself is the last."""
    began = chance.randrange(0, 365 * 1440)
    story = Story(chance.randrange(places), began, began + chance.choice([0, 0, 5, 400]), None)
    at = story.opened
    if chance.random() < 0.4:
        story.promised = began + chance.randrange(60, 6000)
    if chance.random() < 0.4:
        at = story.claimed = at + chance.randrange(1, 900)
    for _ in range(chance.choice([0, 0, 0, 0, 1, 2])):
        begins = at + chance.randrange(1, 1500)
        at = begins + chance.randrange(1, 3000)
        itself = chance.random() < 0.4
        story.pauses.append((begins, at, itself))
        if itself:
            break
    if chance.random() < 0.9:
        story.closed = at + chance.randrange(1, 6000)
        if chance.random() < 0.2 and story.pauses:
            story.closed = max(story.pauses[-1][0] + 1, story.pauses[-1][1] - 30)  # while it still waits
    return story


def happenings(stories: list[Story], chance: random.Random, every: int) -> list[tuple]:
    """Everything that happens in the year, in order; sweeps come unevenly, and now and then not for more than a day."""
    rows: list[tuple] = []
    for n, story in enumerate(stories):
        rows.append((story.opened, 0, "open", n, None))
        if story.claimed is not None:
            rows.append((story.claimed, 1, "claim", n, None))
        for begins, ends, itself in story.pauses:
            rows.append((begins, 2, "wait", n, ends if itself else None))
            if not itself and (story.closed is None or ends < story.closed):
                rows.append((ends, 3, "resume", n, None))
        if story.closed is not None:
            rows.append((story.closed, 4, "close", n, None))
    at = 0
    while at < DAYS * 1440:
        at += chance.randrange(1, 2 * every) if chance.random() > 0.02 else 1700
        rows.append((at, 5, "sweep", -1, None))
    return sorted(row for row in rows if row[0] < DAYS * 1440)


@pytest.fixture
def places(db) -> list[tuple[Site, list[int]]]:
    def make(count: int) -> list[tuple[Site, list[int]]]:
        made, known = [], {}
        for n in range(count):
            zone = list(ZONES)[n % len(ZONES)]
            which = (n // len(ZONES) + n) % len(WEEKS)
            if (zone, which) not in known:
                calendar = Calendar.objects.create(
                    code=f"c{n}", name=f"Hours {n}", weekly=WEEKS[which], country=ZONES[zone], exceptions=HALF_DAYS
                )
                known[zone, which] = calendar, open_minutes(zone, WEEKS[which], ZONES[zone])
            calendar, opened = known[zone, which]
            made.append(
                (Site.objects.create(code=f"S{n}", name=f"Site {n}", time_zone=zone, calendar=calendar), opened)
            )
        return made

    return make


@contextmanager
def two_sweepers(batch: int) -> Iterator[Callable[[datetime], None]]:
    """Two that sweep at the same time, each on a connection of its own."""
    gate = threading.Barrier(2)

    def sweep(now: datetime) -> None:
        gate.wait()
        timers.sweep(now=now, batch=batch)

    def leave() -> None:
        gate.wait()
        connection.close()

    with ThreadPoolExecutor(2) as pool:

        def both(what: Callable[..., None], *given: object) -> None:
            for one in [pool.submit(what, *given) for _ in range(2)]:
                one.result()

        try:
            yield lambda now: both(sweep, now)
        finally:
            both(leave)


def live_through(stories: list[Story], places: list, person, every: int, seed: int) -> None:
    """Carry the year out with the services people use, at their times; what lies between two sweeps is committed once."""
    amira = person("Amira Khan")
    _rules(amira)
    rows = happenings(stories, random.Random(seed), every)
    with (
        time_machine.travel(START, tick=False) as traveller,
        two_sweepers(max(5, len(stories) // 200)) as sweep,
    ):
        for is_sweep, some in groupby(rows, key=lambda row: row[2] == "sweep"):
            if is_sweep:
                for minute, *_ in some:
                    traveller.move_to(moment(minute))
                    sweep(moment(minute))
                continue
            stretch = list(some)
            with transaction.atomic():
                _open([n for _, _, what, n, _ in stretch if what == "open"], stories, places)
                for minute, _, what, n, until in stretch:
                    if what == "open":
                        continue
                    traveller.move_to(moment(minute))
                    _happens(what, stories[n], until, actors.person(amira))
        timers.sweep(now=moment(DAYS * 1440))


def moment(minute: int) -> datetime:
    return START + minute * MINUTE


def _rules(amira) -> None:
    policy = EscalationPolicy.objects.create(code="usual", name="Usual")
    for number, (clock, offset) in enumerate(STEPS, 1):
        target = {"target": "person", "person": amira} if number % 2 else {"target": "webhook", "webhook": "pager"}
        EscalationStep.objects.create(policy=policy, number=number, clock=clock, minutes=offset, **target)
    SlaPolicy.objects.create(
        code="usual", name="Usual", acknowledge_minutes=GIVEN["acknowledge"], resolve_minutes=GIVEN["resolve"]
    )


def _open(which: list[int], stories: list[Story], places: list) -> None:
    """Most by many at once, now and then one by itself: clocks start by the fact's own time either way."""
    many = []
    for n in which:
        story = stories[n]
        said = {
            "site_id": places[story.place][0].pk,
            "started_at": moment(story.began),
            "promise_by": moment(story.promised) if story.promised is not None else None,
        }
        if n % 10:
            many.append(cases.Said(_subject(n), **said))
        else:
            cases.open_(PROBE.code, _subject(n), actor=actors.SYSTEM, **said)
    cases.open_many(PROBE.code, many, actor=actors.SYSTEM)
    rows = Case.objects.filter(subject_kind="probe", subject_uid__in=map(str, which))
    for uid, case_id in rows.values_list("subject_uid", "pk"):
        stories[int(uid)].id = case_id


def _subject(n: int) -> Subject:
    return Subject("probe", str(n), f"P{n}")


def _happens(what: str, story: Story, until: int | None, amira: actors.Actor) -> None:
    if what == "claim":
        cases.acknowledge(story.id, actor=amira)
    elif what == "wait":
        cases.wait(story.id, on="carrier", until=moment(until) if until else None, actor=amira)
    elif what == "resume":
        cases.resume(story.id, actor=amira)
    else:
        cases.resolve(story.id, actor=amira)


def told() -> dict[str, list[tuple]]:
    found: dict[str, list[tuple]] = {}
    rows = Event.objects.filter(type__in=("case.breached", "case.escalated"))
    for type_, uid, data, at in rows.values_list("type", "subject_uid", "data", "occurred_at").iterator():
        minute = (at - START) / MINUTE
        row = ("breach", data["clock"], minute) if type_ == "case.breached" else ("step", data["step"], minute)
        found.setdefault(uid, []).append(row)
    return found


def check(count: int, sites: int, every: int, seed: int, places, person) -> int:
    chance = random.Random(seed)
    ground = places(sites)
    stories = [written(chance, sites) for _ in range(count)]

    live_through(stories, ground, person, every, seed)

    facts = told()
    total = 0
    steps = sum(row[0] == "step" and row[1] % 2 for rows in facts.values() for row in rows)
    assert Notice.objects.count() == steps  # those for Amira
    for story in stories:
        wanted, found = expected(story, ground[story.place][1]), facts.get(str(story.id), [])
        assert sorted(found, key=str) == sorted(wanted, key=str), story
        total += len(found)
    return total


def test_a_year_told_late_is_the_year_as_it_was(places, person):
    assert check(60, 6, 9_000, 5, places, person) > 120


@pytest.mark.long
def test_a_whole_year_of_fifty_thousand_cases_at_forty_sites(places, person):
    assert check(int(os.environ.get("YEAR_CASES", "50000")), 40, 480, 7, places, person) > 5 * int(
        os.environ.get("YEAR_CASES", "50000")
    )
