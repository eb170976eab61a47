"""A person is told once per cause, and their letters keep to their preferences and quiet hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.utils import timezone

from core import actors
from core.models import User
from exceptions import quiet
from exceptions.models import Notice
from exceptions.services import letters, notices

pytestmark = pytest.mark.django_db

NIGHT = {"quiet": {"from": "21:00", "to": "07:00"}, "time_zone": "Europe/London"}


def say(users, case=None, *, kind="mention", key="note:1", actor=actors.SYSTEM, **options) -> list[int]:
    return notices.tell(users, kind=kind, case=case, text="Have a look.", key=key, actor=actor, **options)


def prefer(user: User, **preferences: object) -> User:
    User.objects.filter(pk=user.pk).update(preferences=preferences)
    return User.objects.get(pk=user.pk)


def test_each_is_told_once_per_cause_and_nobody_of_what_they_did(open_case, person):
    case, amira, ben = open_case(), person("Amira Khan"), person("Ben Osei")

    first = say([amira, ben.pk, ben], case, actor=actors.person(amira))
    again = say([amira, ben], case, actor=actors.person(amira))

    assert (first, again) == ([ben.pk], [])
    told = Notice.objects.get()
    assert told.subject == f"{case.number}: {case.title}"
    assert told.url == f"/exceptions/{case.pk}"
    assert told.actor_label == "Amira Khan"


def test_nobody_hears_of_a_case_they_may_not_see(open_case, person, site):
    elsewhere, here, everywhere = person("A", site), person("B", site), person("C")
    gone = person("D")
    User.objects.filter(pk=gone.pk).update(is_active=False)
    head_office, local = open_case(), open_case(site_id=site.pk)

    assert say([elsewhere, here, everywhere, gone], head_office) == [everywhere.pk]
    assert say([here, everywhere, gone], local, key="note:2") == [here.pk, everywhere.pk]


def test_letters_leave_once_and_several_are_one(open_case, person):
    amira = person("Amira Khan")
    say([amira], open_case(), key="note:1")
    say([amira], open_case(), key="note:2")

    assert (letters.send_letters(), letters.send_letters()) == (1, 0)

    letter = mail.outbox[0]
    assert letter.to == [amira.email]
    assert letter.subject.startswith("2 notices")
    assert letter.body.count("http://") >= 3


def test_what_was_read_in_the_portal_needs_no_letter(open_case, person):
    amira = person("Amira Khan")
    say([amira], open_case())

    assert notices.unread(amira) == 1
    assert (notices.read(amira), notices.read(amira), notices.unread(amira)) == (1, 0, 0)
    assert letters.send_letters() == 0
    assert mail.outbox == []


def test_a_kind_is_told_by_letter_as_its_reader_says(open_case, person):
    amira = prefer(person("Amira Khan"), letters={"mention": False, "watch": True})
    ben = person("Ben Osei")

    say([amira, ben], open_case())
    say([amira, ben], open_case(), kind="watch", key="watch:1")

    owed = set(Notice.objects.filter(mail_at__isnull=False).values_list("user_id", "kind"))
    assert owed == {(ben.pk, "mention"), (amira.pk, "watch")}


def test_at_night_letters_wait_till_morning_unless_urgent(open_case, person, time_machine_at):
    amira = prefer(person("Amira Khan"), **NIGHT)
    time_machine_at(datetime(2026, 7, 1, 22, 30, tzinfo=UTC))  # half past eleven in London
    morning = datetime(2026, 7, 2, 6, 0, tzinfo=UTC)

    say([amira], open_case(), key="calm")
    say([amira], open_case(), key="urgent", urgent=True)

    due = dict(Notice.objects.values_list("key", "mail_at"))
    assert due == {"calm": morning, "urgent": timezone.now()}
    assert letters.send_letters() == 1
    assert letters.send_letters(now=morning) == 1


def test_a_letter_that_fails_is_tried_again_and_given_up_in_the_end(open_case, person, settings):
    settings.EMAIL_BACKEND = "tests.exceptions.test_notices.Broken"
    say([person("Amira Khan")], open_case())
    now = timezone.now()

    for attempt in range(letters.ATTEMPTS):
        letters.send_letters(now=now + timedelta(days=attempt))

    notice = Notice.objects.get()
    assert notice.mail_attempts == letters.ATTEMPTS
    assert notice.mail_failed_at
    assert letters.send_letters(now=now + timedelta(days=99)) == 0


class Broken:
    """A mail server that is always down."""

    def __init__(self, *args: object, **kwargs: object) -> None: ...

    def send_messages(self, messages: list[object]) -> int:
        raise ConnectionRefusedError


@pytest.mark.parametrize(
    ("preferences", "moment", "expected"),
    [
        ({}, "2026-07-01T23:00", "2026-07-01T23:00"),
        ({"quiet": {"from": "21:00", "to": "07:00"}}, "2026-07-01T20:59", "2026-07-01T20:59"),
        ({"quiet": {"from": "21:00", "to": "07:00"}}, "2026-07-01T21:00", "2026-07-02T07:00"),
        ({"quiet": {"from": "12:00", "to": "13:00"}}, "2026-07-01T12:10", "2026-07-01T13:00"),
        ({"quiet": {"from": "21:00", "to": "07:00", "days": [5, 6]}}, "2026-07-03T21:30", "2026-07-06T07:00"),
        ({"quiet": {"days": [6]}}, "2026-07-05T10:00", "2026-07-06T00:00"),
        ({"quiet": {"from": "01:30", "to": "03:30"}, "time_zone": "Europe/London"}, "2026-03-29T01:10", "2026-03-29T02:30"),
        ({"quiet": {"from": "nonsense", "to": "07:00"}}, "2026-07-01T23:00", "2026-07-01T23:00"),
        ({"quiet": {"from": "21:00", "to": "07:00"}, "time_zone": "No/Where"}, "2026-07-01T23:00", "2026-07-01T23:00"),
    ],
)  # fmt: skip
def test_quiet_hours_end_when_the_person_may_be_disturbed(preferences, moment, expected):
    at, until = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (moment, expected))

    assert quiet.of(preferences).until(at) == until
