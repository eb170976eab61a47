from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from core import actors, correlation, events, ids
from core.models import Delivery, Event, EventObject
from core.subjects import Subject

pytestmark = pytest.mark.django_db


def test_a_fact_its_objects_and_its_deliveries_cost_one_round_trip(wired, django_assert_num_queries):
    wired(name="first")
    wired(name="second", queue="outside")
    thing = Subject("thing", "7", "Seven")
    drafts = [
        events.EventDraft("thing.happened", thing, actors.SYSTEM, {"n": n}, [(Subject("part", str(n)), "part")])
        for n in range(20)
    ]

    with transaction.atomic(), django_assert_num_queries(1):
        made = events.record_many(drafts)

    assert made == sorted(made)
    assert [e.data["n"] for e in Event.objects.filter(pk__in=made).order_by("pk")] == list(range(20))
    assert EventObject.objects.count() == 20
    assert set(Delivery.objects.values_list("lane", flat=True)) == {"first|thing:7", "second|thing:7"}
    assert Delivery.objects.filter(queue="outside").count() == 20


def test_a_fact_keeps_who_when_and_why(wired, happen):
    at = datetime(2026, 2, 28, 23, 59, tzinfo=UTC)

    with correlation.using("cause-1"):
        made = happen("9", data={"total": Decimal("10.10"), "at": at}, occurred_at=at)

    event = Event.objects.get(pk=made)
    assert event.correlation_id == "cause-1"
    assert event.occurred_at == at
    assert event.recorded_at > at
    assert event.data == {"total": "10.10", "at": "2026-02-28T23:59:00Z"}
    assert (event.actor_kind, event.subject_label) == ("SYSTEM", "Thing 9")
    assert event.uid.version == 7


def test_a_fact_nobody_hears_of_owes_nothing(wired, happen):
    happen()

    assert not Delivery.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_fact_is_only_recorded_inside_a_transaction(wired):
    with pytest.raises(transaction.TransactionManagementError):
        events.record("thing.happened", Subject("thing", "1"), actor=actors.SYSTEM)

    assert not Event.objects.exists()


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE core_event SET type = 'forged'",
        "DELETE FROM core_event",
        "TRUNCATE core_event CASCADE",
        "UPDATE core_eventobject SET uid = '0'",
        "DELETE FROM core_eventobject",
        "TRUNCATE core_eventobject",
    ],
)
def test_the_past_cannot_be_rewritten(wired, happen, sql):
    happen(related=[(Subject("part", "1"), "part")])

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)

    assert Event.objects.get().type == "thing.happened"
    assert EventObject.objects.get().uid == "1"


def test_labels_longer_than_their_column_are_cut(wired):
    with transaction.atomic():
        made = events.record("thing.happened", Subject("thing", "1", "x" * 500), actor=actors.SYSTEM)

    assert len(Event.objects.get(pk=made).subject_label) == events.LABEL_LENGTH


def test_a_subscription_made_twice_hears_once(wired, happen):
    wired(name="same")
    wired(name="same")

    happen()

    assert Delivery.objects.count() == 1


def test_version_7_uuids_sort_by_time():
    made = [ids.uuid7() for _ in range(200)]

    assert {uid.version for uid in made} == {7}
    assert {uid.variant for uid in made} == {"specified in RFC 4122"}
    assert [uid.int >> 80 for uid in made] == sorted(uid.int >> 80 for uid in made)


def test_a_subject_made_by_the_same_statement_has_its_own_lane(wired):
    wired(name="listener")
    draft = events.EventDraft("thing.happened", Subject("thing", "", "T"), actors.SYSTEM)
    facts = events.ctes(source="made", subject_uid="made.id::text")

    for made in (41, 42):
        recording = events.Recording([draft])
        with connection.cursor() as cursor:
            cursor.execute(f"WITH made AS (SELECT {made} AS id), {facts} SELECT id FROM drawn", recording.parameters())

    assert list(Delivery.objects.order_by("id").values_list("lane", flat=True)) == [
        "listener|thing:41",
        "listener|thing:42",
    ]
    assert list(Event.objects.order_by("id").values_list("subject_uid", flat=True)) == ["41", "42"]


def test_objects_keep_the_order_they_were_named_in(wired):
    parts = [(Subject("part", str(n)), "part") for n in (9, 3, 7, 1)]

    with transaction.atomic():
        made = events.record("thing.happened", Subject("thing", "1"), actor=actors.SYSTEM, related=parts)

    assert list(EventObject.objects.filter(event=made).order_by("id").values_list("uid", flat=True)) == list("9371")


def test_a_lane_of_ones_own_is_kept(wired, happen):
    wired(name="listener", lane=lambda draft: draft.data["account"])
    happen("1", data={"account": "a"})
    happen("2", data={"account": "a"})

    assert set(Delivery.objects.values_list("lane", flat=True)) == {"listener|a"}
