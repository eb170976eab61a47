"""Rate limits as other systems state them, and what a connection makes of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations import http, pace, rate_limits
from integrations.models import Pace
from integrations.rate_limits import Limit

NOW = 1_780_000_000.0


@pytest.mark.parametrize(
    ("headers", "limit"),
    [
        ({"x-shopify-shop-api-call-limit": "10/40"}, Limit(150)),
        ({"x-shopify-shop-api-call-limit": "40/40"}, Limit(120, hold=0.5)),
        ({"ratelimit-remaining": "50", "ratelimit-reset": "30"}, Limit(100)),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(NOW + 20)}, Limit(3, hold=20)),
        ({"x-rate-limit-requests-left": "149", "x-rate-limit-time-reset-ms": "29800"}, Limit(300)),
        ({"ratelimit": '"default";r=10;t=60'}, Limit(10)),
        ({"x-ratelimit-remaining": "many", "x-ratelimit-reset": "5"}, None),
        ({"x-ratelimit-remaining": "5", "x-ratelimit-reset": "-5"}, None),
        ({"x-ratelimit-remaining": "5"}, None),
        ({"x-shopify-shop-api-call-limit": "40"}, None),
        ({"x-amzn-ratelimit-limit": "0.5"}, None),
        ({"x-ratelimit-remaining": "nan", "x-ratelimit-reset": "5"}, None),
        ({}, None),
    ],
)
def test_every_form_of_a_rate_limit_is_read(headers, limit):
    assert rate_limits.read(headers, now=NOW) == limit


@pytest.mark.django_db
def test_the_slower_of_our_own_and_the_told_rate_holds_while_it_is_fresh(shop):
    pace.take(shop.pk, 600)
    pace.learn(shop.pk, 6)
    spent = timezone.now() + timedelta(minutes=1)
    Pace.objects.update(spent_until=spent)

    with pytest.raises(pace.TooFast) as slow:
        pace.take(shop.pk, 600)
    assert 59 < slow.value.seconds <= 61
    Pace.objects.update(told_at=timezone.now() - timedelta(minutes=6))
    with pytest.raises(pace.TooFast) as own:
        pace.take(shop.pk, 600)
    assert 49 < own.value.seconds <= 51
    pace.learn(shop.pk, 60_000)
    with pytest.raises(pace.TooFast) as still:
        pace.take(shop.pk, 600)
    assert 49 < still.value.seconds <= 51


def test_walmart_names_the_moment_of_the_next_call_instead_of_a_pause():
    soon = int((timezone.now() + timedelta(seconds=30)).timestamp() * 1000)

    assert 25 < (http.retry_after({"x-next-replenish-time": str(soon)}) or 0) <= 30
    assert http.retry_after({"x-next-replenish-time": str(soon), "retry-after": "3"}) == 3
    assert http.retry_after({"x-next-replenish-time": "soon"}) is None
