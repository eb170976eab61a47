"""An outside system that doesn't answer is one case, which ends with its first good call."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from core.actors import SYSTEM
from exceptions.models import Case
from exceptions.services import cases
from integrations import breaker
from integrations.connection_reasons import CONNECTION_DOWN
from integrations.feed_reasons import FEED_BEHIND
from integrations.models import Breaker, FeedState

pytestmark = pytest.mark.django_db


def test_it_opens_after_five_minutes_and_clears_with_the_next_good_call(shop):
    for _ in range(20):
        breaker.report(shop.pk, ok=False, reason="502 Bad Gateway")
    assert Breaker.objects.get().state == "OPEN"
    assert cases.open_standing([CONNECTION_DOWN.code]) == 0

    Breaker.objects.update(opened_at=timezone.now() - timedelta(minutes=6))
    assert cases.open_standing([CONNECTION_DOWN.code]) == 1
    case = Case.objects.get()
    said = CONNECTION_DOWN.evidence(str(shop.pk))
    cases.act(case.pk, "try_now", actor=SYSTEM)

    case.refresh_from_db()
    assert "502 Bad Gateway" in case.summary
    assert said[0].rows[0].cells[-1] == "502 Bad Gateway"
    assert (case.status, case.outcome) == ("RESOLVED", "cleared")


def test_a_connection_somebody_paused_is_not_down(shop):
    for _ in range(20):
        breaker.report(shop.pk, ok=False, reason="no")
    Breaker.objects.update(opened_at=timezone.now() - timedelta(minutes=6))
    type(shop).objects.update(status="PAUSED")

    assert cases.open_standing([CONNECTION_DOWN.code]) == 0


def test_a_feed_that_stays_unreadable_is_a_case_until_it_is_read_again(shop):
    feed = FeedState.objects.create(connection=shop, name="orders", failures=2, last_error="401", cursor="c-3")
    assert cases.open_standing([FEED_BEHIND.code]) == 0

    FeedState.objects.update(failures=3, ok_at=timezone.now() - timedelta(minutes=31))
    assert cases.open_standing([FEED_BEHIND.code]) == 1
    case = Case.objects.get()
    assert (case.summary, case.subject_label) == ("401", "Shopify web: orders")
    assert FEED_BEHIND.evidence(str(feed.pk))[0].rows[0].cells[-1] == "401"
    cases.act(case.pk, "read_on", actor=SYSTEM)

    feed.refresh_from_db()
    case.refresh_from_db()
    assert (feed.failures, feed.cursor) == (0, "c-3")
    assert case.status == "RESOLVED"
