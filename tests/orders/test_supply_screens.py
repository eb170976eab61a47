"""What orders wait for, and what partners were asked to do, as people see and work it."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission

from core.models import User
from inventory.models import Stock
from orders.models import FulfilmentOrder, PartnerLink, PartnerRequest
from orders.services import fulfilment
from tests.factories.inventory import ItemFactory, LocationFactory, SiteFactory, StockFactory
from tests.factories.orders import incoming_line, place
from tests.orders.test_backorders import back_order, item, node, on_its_way

__all__ = ["item", "node"]
pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
SEE = ("view_order", "view_fulfilmentorder")


def person(*permissions, sites=()):
    user = User.objects.create_user(f"{uuid4().hex}@harrow.example", "correct horse battery", name="Amira Khan")
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="orders", codename__in=permissions))
    user.sites.set(sites)
    return user


@pytest.fixture
def mill(db):
    """A supplier without a connection, who alone has an article."""
    stock = StockFactory(
        item=ItemFactory(sku="SKU-1"), location=LocationFactory(code="mill", kind="SUPPLIER", site=None)
    )
    PartnerLink.objects.create(location=stock.location)
    return stock.location


def asked(ref="1"):
    order = place(incoming_line(quantity=2), channel_ref=ref)
    fulfilment.create(order.pk)
    return PartnerRequest.objects.get(fulfilment__order=order)


def test_back_orders_are_listed_by_when_their_delivery_is_due(client, query_count, item, node):
    client.force_login(person(*SEE))
    assert "No back-orders yet" in client.get("/backorders/").content.decode()
    on_its_way(item, node, 5)
    orders = [place(incoming_line(quantity=1), channel_ref=str(n)) for n in range(3)]
    back_order(orders[0])

    with query_count("backorders-list", lambda: client.get("/backorders/")):
        back_order(orders[1])
        back_order(orders[2])

    found = client.get("/backorders/", {"q": orders[1].number}, headers=HTMX).content.decode()
    assert orders[1].number in found
    assert orders[0].number not in found
    assert "PO-7" in found
    assert "No delivery is late" in client.get("/backorders/", {"late": "slipped"}).content.decode()
    assert client.get("/backorders/", {"status": "NONSENSE"}).status_code == 400
    panel = client.get(f"/orders/{orders[0].number}/supply").content.decode()
    assert "PO-7" in panel
    assert f"/orders/{orders[0].number}/supply" in client.get(f"/orders/{orders[0].number}").content.decode()


def test_people_of_another_site_see_nothing_of_it(client, item, node):
    on_its_way(item, node, 5)
    order = place(incoming_line(quantity=1))
    back_order(order)
    client.force_login(person(*SEE, sites=[SiteFactory(code="elsewhere")]))

    assert order.number not in client.get("/backorders/").content.decode()
    assert client.get(f"/orders/{order.number}/supply").status_code == 404
    client.force_login(person(*SEE, sites=[node.site]))
    assert order.number in client.get("/backorders/").content.decode()


def test_a_person_passes_a_request_on_and_enters_what_the_partner_said(client, query_count, mill):
    first = asked()
    client.force_login(person(*SEE, "answer_partnerrequest"))
    with query_count("partners-list", lambda: client.get("/partners/")):
        asked("2")
    assert first.fulfilment.number in client.get("/partners/", {"owes": "passing"}).content.decode()
    page = f"/partners/{first.uid}"
    assert "Pass the request on" in client.get(page).content.decode()

    client.post(f"{page}/accepted", {"ref": "M-7", "sends_at": "2031-02-30"}, headers=HTMX)
    assert PartnerRequest.objects.get(pk=first.pk).status == "REQUESTED"
    accepted = client.post(f"{page}/accepted", {"ref": "M-7", "sends_at": "2031-02-27"}, headers=HTMX)
    sent = client.post(f"{page}/sent", {"carrier": "DHL", "tracking": "JD014"})

    assert "M-7" in accepted.content.decode()
    assert sent.status_code == 303
    work = FulfilmentOrder.objects.select_related("shipment").get(pk=first.fulfilment_id)
    assert (work.status, work.shipment.tracking_number) == ("SHIPPED", "JD014")
    assert Stock.objects.get().sellable == 8


def test_declining_and_taking_back_ask_another_place_and_need_the_right(client, mill):
    declined, taken = asked("1"), asked("2")
    client.force_login(person(*SEE))
    assert client.post(f"/partners/{declined.uid}/declined", {"reason": "PRICE"}, headers=HTMX).status_code == 403
    StockFactory(item=Stock.objects.get().item, location=LocationFactory(code="depot"))

    client.force_login(person(*SEE, "answer_partnerrequest", "cancel_fulfilment"))
    client.post(f"/partners/{declined.uid}/declined", {"reason": "PRICE", "said": "Too dear"}, headers=HTMX)
    client.post(f"/partners/{taken.uid}/take-back", {"reason": "Too slow"}, headers=HTMX)

    assert client.get(f"/partners/{declined.uid}").content.decode().count("Too dear") >= 1
    assert set(FulfilmentOrder.objects.values_list("status", flat=True)) == {"REJECTED", "CANCELLED"}
    assert Stock.objects.get(location__code="depot").reserved == 4
    assert client.post(f"/partners/{declined.uid}/nonsense", headers=HTMX).status_code == 404
