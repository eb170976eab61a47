"""Business time against a reference that walks the calendar minute by minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from exceptions import clock
from exceptions.clock import Calendar

MINUTE = timedelta(minutes=1)
SHOP = [[["09:00", "17:30"]]] * 5 + [[["10:00", "16:00"]], []]
LUNCH = [[["09:00", "12:30"], ["13:15", "18:00"]]] * 5 + [[], []]
NIGHT = [[["22:00", "06:00"]]] * 7
EARLY = [[["00:30", "03:30"]]] * 7  # across every usual clock change


def is_open(calendar: Calendar, minute: datetime) -> bool:
    """The definition itself: the wall clock stands inside an interval of that day, or of a night shift before it."""
    local = minute.astimezone(ZoneInfo(calendar.zone)).replace(tzinfo=None)
    for day in (local.date(), local.date() - timedelta(days=1)):
        midnight = datetime(day.year, day.month, day.day)
        if any(midnight + a * MINUTE <= local < midnight + b * MINUTE for a, b in calendar.hours(day)):
            return True
    return False


def reference_add(start: datetime, minutes: int, calendar: Calendar, pauses=()) -> datetime:
    at, left = start, minutes
    while left:
        if is_open(calendar, at) and not any(a <= at < b for a, b in pauses):
            left -= 1
        at += MINUTE
    return at


def reference_between(start: datetime, end: datetime, calendar: Calendar) -> timedelta:
    at, found = start, timedelta()
    while at < end:
        found += MINUTE * is_open(calendar, at)
        at += MINUTE
    return found


# Clock changes, a leap day, year ends, and zones far east and west (a quarter-hour and a half-hour change among them).
SEAMS = [
    datetime(2026, 3, 29, tzinfo=UTC),
    datetime(2026, 10, 25, tzinfo=UTC),
    datetime(2026, 3, 8, tzinfo=UTC),
    datetime(2026, 11, 1, tzinfo=UTC),
    datetime(2026, 4, 5, tzinfo=UTC),
    datetime(2026, 10, 4, tzinfo=UTC),
    datetime(2028, 2, 28, tzinfo=UTC),
    datetime(2026, 12, 24, tzinfo=UTC),
]
ZONES = [
    "Europe/London",
    "Europe/Amsterdam",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Auckland",
    "Pacific/Honolulu",
    "Africa/Cairo",
    "UTC",
]
WEEKS = [SHOP, LUNCH, NIGHT, EARLY]
DAYS = [{}, {"2026-12-24": [["09:00", "12:00"]], "2028-02-29": [], "2026-10-25": [["00:00", "24:00"]]}]

calendars = st.builds(
    lambda zone, week, country, days: Calendar.parse(zone, week, country=country, days=days),
    st.sampled_from(ZONES),
    st.sampled_from(WEEKS),
    st.sampled_from(["", "GB", "NL"]),
    st.sampled_from(DAYS),
)
moments = st.builds(
    lambda seam, minutes: seam + minutes * MINUTE, st.sampled_from(SEAMS), st.integers(-2 * 1440, 2 * 1440)
)


@given(moments, st.integers(0, 900), calendars)
@example(datetime(2026, 3, 29, 0, 45, tzinfo=UTC), 30, Calendar.parse("Europe/London", EARLY))
@example(datetime(2026, 10, 25, 0, 15, tzinfo=UTC), 200, Calendar.parse("Europe/London", EARLY))
def test_adding_equals_walking(start, minutes, calendar):
    assert clock.add_business(start, minutes, calendar) == reference_add(start, minutes, calendar)


@given(moments, st.integers(-600, 3 * 1440), calendars)
def test_between_equals_walking(start, minutes, calendar):
    end = start + minutes * MINUTE

    assert clock.business_between(start, end, calendar) == reference_between(start, end, calendar)


@given(moments, st.integers(1, 900), calendars)
def test_what_was_added_lies_between_and_no_earlier_instant_will_do(start, minutes, calendar):
    due = clock.add_business(start, minutes, calendar)

    assert clock.business_between(start, due, calendar) == minutes * MINUTE
    assert clock.business_between(start, due - timedelta(seconds=1), calendar) < minutes * MINUTE


@given(moments, st.integers(0, 600), st.integers(0, 2000), st.integers(0, 2000), calendars)
def test_pauses_extend_by_the_business_time_they_cover(start, minutes, wait, length, calendar):
    pause = (start + wait * MINUTE, start + (wait + length) * MINUTE)

    due = clock.add_business(start, minutes, calendar, [pause])

    assert due == reference_add(start, minutes, calendar, [pause])


@given(moments, st.integers(1, 600), st.integers(0, 2000), st.integers(0, 2000), calendars)
def test_extending_a_running_clock_equals_reckoning_afresh(start, minutes, wait, length, calendar):
    due = clock.add_business(start, minutes, calendar)
    pause = (start + wait * MINUTE, start + (wait + length) * MINUTE)
    assume(pause[0] < due)

    assert clock.extend(due, *pause, calendar) == clock.add_business(start, minutes, calendar, [pause])


@given(moments, st.integers(0, 400), st.integers(0, 400), calendars)
def test_adding_twice_is_adding_the_sum(start, first, second, calendar):
    once = clock.add_business(start, first + second, calendar)

    assert clock.add_business(clock.add_business(start, first, calendar), second, calendar) == once


def test_an_hour_that_never_happens_counts_nothing():
    calendar = Calendar.parse("Europe/London", EARLY)

    assert clock.business_between(*_day("2026-03-29"), calendar) == timedelta(hours=2)


def test_an_hour_that_happens_twice_counts_twice():
    calendar = Calendar.parse("Europe/London", EARLY)

    assert clock.business_between(*_day("2026-10-25"), calendar) == timedelta(hours=4)


def _day(text: str) -> tuple[datetime, datetime]:
    start = datetime.combine(date.fromisoformat(text), datetime.min.time(), ZoneInfo("Europe/London"))
    return start, start + timedelta(days=1)


def test_holidays_are_closed_unless_that_day_says_otherwise():
    christmas = date(2026, 12, 25)
    plain = Calendar.parse("Europe/London", SHOP, country="GB")
    open_anyway = Calendar.parse("Europe/London", SHOP, country="GB", days={"2026-12-25": [["10:00", "14:00"]]})

    assert plain.hours(christmas) == ()
    assert open_anyway.hours(christmas) == ((600, 840),)


def test_friday_evening_runs_on_to_monday():
    calendar = Calendar.parse("Europe/London", LUNCH)
    friday = datetime(2026, 11, 20, 17, 30, tzinfo=UTC)

    assert clock.add_business(friday, 60, calendar) == datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


def test_a_clock_that_ran_out_before_the_pause_stays_where_it_was():
    due = datetime(2026, 11, 20, 12, tzinfo=UTC)

    assert clock.extend(due, due + MINUTE, due + 90 * MINUTE, clock.ALWAYS) == due


def test_a_calendar_that_never_opens_says_so():
    with pytest.raises(clock.NeverOpen):
        clock.add_business(datetime(2026, 11, 20, tzinfo=UTC), 1, Calendar.parse("UTC", [[]] * 7))


@pytest.mark.parametrize(
    "week",
    [[[]] * 6, [[["09:00", "25:00"]]] * 7, [[["09:00", "12:00"], ["11:00", "13:00"]]] * 7, [[["9.00", "x"]]] * 7],
)
def test_opening_hours_that_make_no_sense_are_refused(week):
    with pytest.raises(ValueError, match=r"seven|time of day|overlap|invalid literal"):
        Calendar.parse("UTC", week)


def test_a_naive_time_is_refused():
    with pytest.raises(ValueError, match="aware"):
        clock.add_business(datetime(2026, 1, 1), 1, clock.ALWAYS)
