"""Carriers' collections in a browser: what waits, a van called with a preview, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from orders.models import CalledParcel, VanCall
from tests.orders.parcels import packed, service
from tests.orders.test_van_calls import EVERY_DAY, labelled

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_van_is_called_with_a_preview_and_leaves_a_parcel_behind(
    page: Any, person: Callable[..., Any], sign_in: Any, axe: Any, shoot: Any
) -> None:
    service(collects=EVERY_DAY)
    job = labelled(packed(400, 500))
    sign_in(page, person())
    page.set_viewport_size({"width": 390, "height": 844})

    # What waits, and what a van would fetch: nothing is booked by looking.
    page.goto(f"/w/{job.location.site.code}/collections/")
    day = (timezone.now() + timedelta(days=1)).date().isoformat()
    page.get_by_label("Day").fill(day)
    page.get_by_label("The carrier's number").fill("D-4711")
    page.get_by_role("button", name="Show what it fetches").click()
    expect(page.locator("#seen-1")).to_contain_text("2 parcels of 1 order")
    assert not VanCall.objects.exists()
    axe(page)
    shoot(page, "collections-preview", full=True)

    # Called, then its time comes: one parcel stays, and nothing of the order is sent.
    page.get_by_role("button", name="Call Dispatch").click()
    expect(page.get_by_text("D-4711", exact=True)).to_be_visible()
    VanCall.objects.update(since=timezone.now() - timedelta(hours=1))
    page.reload()
    axe(page)
    page.get_by_text("Tick what it left behind").click()
    shoot(page, "collection-booked", full=True)
    page.get_by_label(f"{job.number}, parcel 2").check()
    page.get_by_role("button", name="It came").click()
    expect(page.get_by_text("Left behind", exact=True)).to_be_visible()
    axe(page)
    shoot(page, "collection-came", full=True)
    assert list(CalledParcel.objects.order_by("pk").values_list("released_because", flat=True)) == ["", "LEFT"]

    # The one that stayed waits again.
    page.goto(f"/w/{job.location.site.code}/collections/")
    expect(page.get_by_role("region", name="Dispatch")).to_contain_text("1 parcel of 1 order")
    axe(page)
    shoot(page, "collections", full=True)
