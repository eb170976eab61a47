"""Business time backwards, over many pauses, and rotas: all against a reference that walks minute by minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from hypothesis import assume, example, given
from hypothesis import strategies as st

from exceptions import clock, rota
from exceptions.clock import ALWAYS, Calendar
from exceptions.rota import Shift
from tests.exceptions.test_clock import (
    MINUTE,
    SEAMS,
    ZONES,
    calendars,
    is_open,
    moments,
    reference_add,
    reference_between,
)

LEAP = Calendar.parse("Pacific/Auckland", [[["22:00", "06:00"]]] * 7, days={"2028-02-29": [["10:00", "11:00"]]})
HALF = Calendar.parse(
    "Asia/Kathmandu",
    [[["09:00", "12:00"], ["13:00", "17:00"]]] * 5 + [[], []],
    days={"2026-12-24": [["09:00", "12:00"]]},
)


def reference_subtract(end: datetime, minutes: int, calendar: Calendar) -> datetime:
    """Back minute by minute until so many of them were open; then on over shut ones, to the first such instant."""
    at, left = end, minutes
    while left:
        at -= MINUTE
        left -= is_open(calendar, at)
    while minutes and not is_open(calendar, at - MINUTE):
        at -= MINUTE
    return at


@given(moments, st.integers(0, 900), calendars)
@example(datetime(2026, 3, 29, 2, 45, tzinfo=UTC), 90, Calendar.parse("Europe/London", [[["00:30", "03:30"]]] * 7))
@example(datetime(2026, 10, 25, 2, 30, tzinfo=UTC), 200, Calendar.parse("Europe/London", [[["00:30", "03:30"]]] * 7))
@example(datetime(2028, 2, 29, 21, tzinfo=UTC), 300, LEAP)
@example(datetime(2026, 12, 24, 8, tzinfo=UTC), 180, HALF)
def test_subtracting_equals_walking_back(end, minutes, calendar):
    assert clock.subtract_business(end, minutes, calendar) == reference_subtract(end, minutes, calendar)


@given(moments, st.integers(1, 900), calendars)
def test_what_was_subtracted_lies_between_and_a_minute_before_there_is_more(end, minutes, calendar):
    start = clock.subtract_business(end, minutes, calendar)

    assert clock.business_between(start, end, calendar) == minutes * MINUTE
    assert clock.business_between(start - timedelta(seconds=1), end, calendar) > minutes * MINUTE


@given(moments, st.integers(1, 900), calendars)
def test_back_and_forth_is_where_it_began_unless_that_was_shut(end, minutes, calendar):
    start = clock.subtract_business(end, minutes, calendar)
    again = clock.add_business(start, minutes, calendar)

    assert again <= end
    assert reference_between(again, end, calendar) == timedelta()


pauses = st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 2000)), max_size=4)


@given(moments, st.integers(0, 600), pauses, calendars)
@example(datetime(2026, 3, 28, 20, tzinfo=UTC), 300, [(60, 700), (500, 600), (2000, 1)], LEAP)
def test_any_pauses_over_nights_and_over_each_other_extend_by_what_they_cover(start, minutes, given_, calendar):
    spans = [(start + begins * MINUTE, start + (begins + length) * MINUTE) for begins, length in given_]

    assert clock.add_business(start, minutes, calendar, spans) == reference_add(start, minutes, calendar, spans)


@given(moments, st.integers(1, 600), pauses, calendars)
def test_pauses_one_after_the_other_extend_a_running_clock_as_reckoning_afresh_does(start, minutes, given_, calendar):
    due, at, spans = clock.add_business(start, minutes, calendar), start, []
    for wait, length in given_:
        begins = at + wait * MINUTE
        assume(begins < due)
        at = begins + length * MINUTE
        spans.append((begins, at))
        due = clock.extend(due, begins, at, calendar)

    assert due == clock.add_business(start, minutes, calendar, spans)


@given(moments, st.integers(0, 3 * 1440), pauses, calendars)
def test_time_between_with_pauses_equals_walking(start, minutes, given_, calendar):
    end = start + minutes * MINUTE
    spans = [(start + begins * MINUTE, start + (begins + length) * MINUTE) for begins, length in given_]

    walked, at = timedelta(), start
    while at < end:
        walked += MINUTE * (is_open(calendar, at) and not any(a <= at < b for a, b in spans))
        at += MINUTE

    assert clock.business_between(start, end, calendar, spans) == walked


# --- rotas ----------------------------------------------------------------------------------------------------------

shifts = st.builds(
    lambda user, zone, days, opens, closes, first, length, every, cover: Shift(
        user, zone, tuple(sorted(days)), opens * 15, closes * 15, first,
        first + timedelta(days=length) if length is not None else None, every, cover,
    ),
    st.integers(1, 4),
    st.sampled_from(ZONES),
    st.sets(st.integers(0, 6), min_size=1),
    st.integers(0, 95),
    st.integers(0, 95),
    st.sampled_from([day.date() - timedelta(days=n) for day in SEAMS for n in (0, 3, 9)]),
    st.one_of(st.none(), st.integers(0, 12)),
    st.integers(1, 3),
    st.booleans(),
)  # fmt: skip


def runs(shift: Shift, moment: datetime) -> bool:
    """By the definition: the wall clock stands in the hours of a day on which a shift of this person begins."""
    return is_open(shift, moment)  # type: ignore[arg-type]


def reference_duty(given_: list[Shift], moment: datetime) -> tuple[int, ...]:
    running = [shift for shift in given_ if runs(shift, moment)]
    covers = [shift for shift in running if shift.cover]
    return tuple(sorted({shift.user for shift in covers or running}))


def begins_on(shift: Shift, day: date) -> bool:
    """Does a shift begin that day? By counting weeks one by one from the first."""
    if day < shift.first or (shift.last and day > shift.last) or day.weekday() not in shift.days:
        return False
    monday, weeks = shift.first - timedelta(days=shift.first.weekday()), 0
    while monday + timedelta(days=7) <= day:
        monday, weeks = monday + timedelta(days=7), weeks + 1
    return weeks % shift.every == 0


@given(shifts, st.integers(-20, 60))
def test_a_shift_begins_on_its_weekdays_every_so_many_weeks_between_its_days(shift, offset):
    day = shift.first + timedelta(days=offset)

    assert bool(shift.hours(day)) == begins_on(shift, day)


@given(st.lists(shifts, max_size=4), moments)
def test_who_is_on_duty_equals_the_definition(given_, moment):
    assert rota.on_duty(given_, moment) == reference_duty(given_, moment)


@given(st.lists(shifts, max_size=3), moments)
def test_the_stretches_of_a_period_name_who_is_on_duty_at_each_of_their_minutes(given_, start):
    end = start + timedelta(hours=30)
    found = rota.duties(given_, start, end)

    assert all(before.end <= after.start for before, after in pairwise(found))
    at = start
    while at < end:
        users = next((duty.users for duty in found if duty.start <= at < duty.end), ())
        assert users == reference_duty(given_, at), at
        at += 15 * MINUTE


@given(calendars, st.lists(shifts, max_size=3), moments)
def test_the_gaps_are_the_minutes_that_should_be_covered_and_are_not(wanted, given_, start):
    end = start + timedelta(hours=30)
    found = rota.gaps(wanted, given_, start, end)

    at = start
    while at < end:
        gap = is_open(wanted, at) and not any(runs(shift, at) for shift in given_)
        assert any(a <= at < b for a, b in found) == gap, at
        at += 15 * MINUTE


def test_round_the_clock_is_plain_subtraction():
    noon = datetime(2028, 2, 29, 12, tzinfo=UTC)

    assert clock.subtract_business(noon, 24 * 60, ALWAYS) == datetime(2028, 2, 28, 12, tzinfo=UTC)
