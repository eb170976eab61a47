"""Carriers' collections against bad input: named, refused, and nothing is called."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from core.actors import SYSTEM
from core.errors import Invalid
from orders.models import FulfilmentOrder, VanCall
from orders.services import van_calls
from tests.orders.parcels import packed, service
from tests.orders.test_van_calls import EVERY_DAY, call, labelled, window
from tests.shared_rows import shared

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def packed_by_hand(django_db_setup: None, django_db_blocker: Any) -> Iterator[int]:
    yield from shared(django_db_blocker, _packed_by_hand)


def _packed_by_hand() -> int:
    service(collects=EVERY_DAY)
    return labelled(packed(400, 500)).pk


@pytest.fixture
def by_hand(packed_by_hand: int) -> FulfilmentOrder:
    """One packed order of two parcels, labelled by a carrier people call themselves."""
    return FulfilmentOrder.objects.get(pk=packed_by_hand)


@pytest.mark.parametrize(
    "given, path",
    [
        ({"carrier": "Nobody"}, "carrier"),
        ({"connection": "nowhere"}, "carrier"),
        ({"since": -5, "until": -3}, "until"),
        ({"since": 1, "until": 1.2}, "until"),
        ({"since": 1, "until": 20}, "until"),
        ({"since": 400, "until": 402}, "since"),
    ],
)
def test_a_time_no_van_comes_is_named(by_hand, given, path):
    now = timezone.now()
    hours = {"since": 1, "until": 3} | {name: at for name, at in given.items() if name in {"since", "until"}}
    moments = {name: now + timedelta(hours=at) for name, at in hours.items()}
    who = {"carrier": "Dispatch"} | {name: value for name, value in given.items() if isinstance(value, str)}

    with pytest.raises(Invalid) as refused:
        van_calls.book(by_hand.location_id, key="k", actor=SYSTEM, **who, **moments)

    assert path in {problem.path for problem in refused.value.problems}
    assert not VanCall.objects.exists()


@pytest.mark.parametrize(
    "bad",
    [
        {"who": ""}, {"who": "\0|"}, {"day": ""}, {"day": "2026-02-30"}, {"day": "９"}, {"from": "25:00"}, {"to": "x"},
        {"day": "9999-12-31"}, {"day": "0001-01-01"}, {"who": "Dispatch|" + "x" * 500}, {"from": "15:00+14"},
    ],
)  # fmt: skip
def test_a_form_that_makes_no_sense_is_answered_in_words(admin_client, by_hand, bad):
    form = {"who": "Dispatch|", "day": "2030-01-01", "from": "15:00", "to": "17:00", "key": "k"} | bad

    for verb, wanted in (("preview", {200}), ("book", {422})):
        answer = admin_client.post(f"/w/{by_hand.location.site.code}/collections/{verb}", form)
        assert answer.status_code in wanted, answer.content
    assert not VanCall.objects.exists()


@pytest.mark.parametrize(
    "left, verb, status",
    [("x", "came", 422), ("-1", "came", 422), ("9" * 30, "came", 422), ("7", "fly", 404), ("1", "cancel", 303)],
)
def test_a_wrong_answer_changes_nothing(admin_client, by_hand, left, verb, status):
    made = call(by_hand)

    answer = admin_client.post(f"/collections/{made.pk}/{verb}", {"left": left})

    made.refresh_from_db()
    assert answer.status_code == status
    assert made.status == ("CANCELLED" if status == 303 else "BOOKED")


@pytest.mark.parametrize(
    "bad",
    [
        {"location": "NOWHERE"}, {"carrier": ""}, {"carrier": "\0"}, {"since": "tomorrow"}, {"until": None},
        {"since": "9999-01-01T00:00:00Z"}, {"until": "2026-01-01T00:00:00"}, {"extra": 1}, {"connection": "nowhere"},
    ],
)  # fmt: skip
def test_the_api_names_what_is_wrong(api: Any, by_hand, bad):
    moments = {name: at.isoformat() for name, at in window().items()}
    body = {"location": by_hand.location.code, "carrier": "Dispatch", **moments} | bad

    answer = api.post("/api/v1/carrier-collections", body)

    assert answer.status_code in {400, 422}, answer.content
    assert next(iter(bad)) in json.dumps(answer.json()) or "carrier" in json.dumps(answer.json())
    assert not VanCall.objects.exists()
