from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from core import seal
from core.models import Event, EventSeal
from tests import flushing

pytestmark = pytest.mark.django_db


@pytest.fixture
def long_ago(wired, happen, monkeypatch):
    """Three events, one a day, the last one yesterday, and no open transaction but the test's."""
    made = [happen(str(n)) for n in range(3)]
    today = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    tamper("UPDATE core_event SET recorded_at = %s - interval '1 day' * (3 - (id - %s))", today, made[0])
    monkeypatch.setattr(seal, "_settled_until", lambda: datetime.now(UTC))
    return made


def tamper(sql: str, *parameters):
    """What only somebody who may silence the triggers can do."""
    with connection.cursor() as cursor:
        off, on = flushing.switches(cursor)
        for statement in off:
            cursor.execute(statement)
        cursor.execute(sql, parameters)
        for statement in on:
            cursor.execute(statement)


def test_finished_days_are_sealed_once(long_ago):
    made = seal.seal()

    assert [s.events for s in made] == [1, 1, 1]
    assert seal.seal() == []
    assert list(seal.verify()) == []
    assert made[-1].day == (datetime.now(UTC) - timedelta(days=1)).date()


@pytest.mark.parametrize(
    "sql",
    [
        'UPDATE core_event SET data = \'{"total": "1.00"}\' WHERE id = (SELECT min(id) FROM core_event)',
        "UPDATE core_event SET actor_label = 'somebody else' WHERE id = (SELECT min(id) FROM core_event)",
        "DELETE FROM core_event WHERE id = (SELECT min(id) FROM core_event)",
        (
            "INSERT INTO core_eventobject (event_id, kind, uid, label, qualifier)"
            " SELECT min(id), 'part', '1', '', 'part' FROM core_event"
        ),
    ],
)
def test_a_change_of_the_past_shows(long_ago, sql):
    first = seal.seal()[0]

    tamper(sql)

    assert [b.day for b in seal.verify()] == [first.day]


def test_a_day_is_chained_to_the_day_before(long_ago):
    first, second, _ = seal.seal()

    tamper("UPDATE core_eventseal SET digest = sha256('forged') WHERE id = %s", first.pk)

    assert [b.day for b in seal.verify()] == [first.day, second.day]


def test_a_seal_cannot_be_replaced(long_ago):
    seal.seal()

    with pytest.raises(IntegrityError), transaction.atomic():
        EventSeal.objects.update(events=0)

    assert Event.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_a_day_with_a_transaction_still_open_is_not_sealed(wired, happen):
    happen()

    assert seal._settled_until() < datetime.now(UTC)
    assert seal.seal() == []
