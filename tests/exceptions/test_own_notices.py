"""What a person hears of is their own: quiet hours, letters by kind, kinds left out."""

from __future__ import annotations

import pytest
from django.urls import reverse

from core import actors
from exceptions import quiet
from exceptions.models import Notice
from exceptions.services import cases, notices, watching

pytestmark = pytest.mark.django_db
WAYS = {
    "way-assignment": "letter", "way-mention": "inbox", "way-watch": "nothing", "way-approval": "letter",
    "way-escalation": "inbox",
}  # fmt: skip


@pytest.fixture
def amira(client, person):
    user = person()
    client.force_login(user)
    return user


def test_what_is_said_on_the_screen_is_what_is_done(client, amira, person, open_case):
    said = {**WAYS, "from": "21:00", "to": "07:00", "days": ["5", "6"]}
    amira.preferences = {"theme": "dark"}
    amira.save()

    answer = client.post(reverse("exceptions:my_notices"), said)

    amira.refresh_from_db()
    assert (answer.status_code, amira.preferences["theme"]) == (303, "dark")
    assert amira.preferences["quiet"] == {"from": "21:00", "to": "07:00", "days": [5, 6]}
    assert quiet.of(amira.preferences) != quiet.NEVER
    assert [notices.wants_letter(amira, kind) for kind in ("assignment", "mention", "escalation")] == [
        True,
        False,
        False,
    ]
    case, actor = open_case(), actors.person(person("Tom Baker"))
    watching.watch(case.pk, [amira.pk])
    cases.note(case.pk, text="Seen", actor=actor)
    assert not Notice.objects.filter(user=amira).exists()
    cases.note(case.pk, text=f"@{amira.email} look", actor=actor)
    assert Notice.objects.get(user=amira).kind == "mention"
    html = client.get(reverse("exceptions:my_notices")).content.decode()
    assert 'value="21:00"' in html
    assert reverse("exceptions:my_notices") in client.get(reverse("exceptions:inbox")).content.decode()


@pytest.mark.parametrize(
    "wrong",
    [
        {"way-approval": "nothing"}, {"way-escalation": "nothing"}, {"way-mention": "pigeon"}, {"from": "21:00"},
        {"from": "25:00", "to": "07:00"}, {"from": "07:00", "to": "07:00"}, {"days": list("0123456")},
    ],
)  # fmt: skip
def test_what_makes_no_sense_changes_nothing(client, amira, wrong):
    answer = client.post(reverse("exceptions:my_notices"), {**WAYS, **wrong})

    amira.refresh_from_db()
    assert (answer.status_code, amira.preferences) == (422, {})


def test_an_urgent_word_reaches_whoever_left_its_kind_out(amira, open_case):
    amira.preferences = {"muted": ["watch", "escalation"]}
    amira.save()

    for urgent in (False, True):
        notices.tell(
            [amira], kind="watch", case=open_case(), text="x", key=f"k{urgent}", actor=actors.SYSTEM, urgent=urgent
        )
    notices.tell([amira], kind="escalation", case=open_case(), text="x", key="e", actor=actors.SYSTEM)

    assert set(Notice.objects.values_list("key", flat=True)) == {"kTrue", "e"}


def test_what_a_person_hears_of_takes_a_fixed_number_of_queries(client, amira, query_count):
    query_count("exceptions-my-notices", lambda: client.get(reverse("exceptions:my_notices")))
