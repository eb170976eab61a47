"""What orders wait for and what partners do, looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from playwright.sync_api import expect

from core.models import User
from inventory.models import Stock
from orders.models import PartnerLink, PartnerRequest
from orders.services import fulfilment
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.factories.orders import incoming_line, place
from tests.orders.test_backorders import back_order, on_its_way

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def desk(transactional_db: None) -> User:
    user = User.objects.create_user("amira@harrow.example", "correct horse battery", name="Amira Khan")
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="orders"))
    return user


def test_a_partner_declines_and_a_delivery_is_waited_for(
    page: Any, sign_in: Callable[..., None], axe: Callable[..., None], shoot: Callable[..., Any], desk: User
):
    jacket, beanie = ItemFactory(sku="CHJ-NVY-M", name="Chore jacket"), ItemFactory(sku="BNI-OAT", name="Beanie")
    depot = StockFactory(item=jacket, sellable=0, location=LocationFactory(code="DC", name="Wakefield")).location
    mill = StockFactory(
        item=beanie, location=LocationFactory(code="MILL", name="Calder Mill", kind="SUPPLIER", site=None)
    ).location
    PartnerLink.objects.create(location=mill)
    on_its_way(jacket, depot, 5)
    waits = place(incoming_line("CHJ-NVY-M", quantity=3), channel_ref="1")
    back_order(waits)
    sends = place(incoming_line("BNI-OAT", quantity=2), channel_ref="2")
    fulfilment.create(sends.pk)
    sign_in(page, desk)

    page.goto("/backorders/")
    expect(page.get_by_role("link", name=waits.number)).to_be_visible()
    axe(page)
    shoot(page, "backorders")
    page.goto(f"/orders/{waits.number}")
    expect(page.get_by_role("heading", name="Supply")).to_be_visible()
    axe(page)
    shoot(page, "order-waiting")

    page.goto("/partners/")
    axe(page)
    shoot(page, "partners")
    page.get_by_role("link", name=f"{sends.number}-1").click()
    axe(page)
    shoot(page, "partner")
    page.get_by_role("button", name="It declines").click()
    page.get_by_label("Why").select_option("OUT_OF_STOCK")
    axe(page)
    page.get_by_role("dialog").get_by_role("button", name="It declines").click()

    expect(page.get_by_text("Declined. Another place is asked")).to_be_visible()
    assert PartnerRequest.objects.get().reason == "OUT_OF_STOCK"
    assert Stock.objects.get(location=mill).sellable == 0
