"""An order through the real services: taken in, sourced, picked, shipped, and confirmed in the ERP."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core import audit, outbox
from core.actors import SYSTEM
from core.models import Event
from finance.models import Entity, Invoicing, Posting, Status
from orders.models import FulfilmentOrder, Order
from orders.services import fulfilment
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.factories.orders import incoming_line, place

pytestmark = pytest.mark.django_db


@pytest.fixture
def books(erp):
    erp.add_products("SKU-1", "SKU-2")
    erp.connect()
    return erp


def drain() -> None:
    """Everything but what talks to channels, which these orders have none of."""
    tally = outbox.drain()
    assert (tally.failed, tally.dead) == (0, 0)


def ship(job: FulfilmentOrder) -> None:
    fulfilment.start_pick(job.pk, actor=SYSTEM)
    for line in job.lines.select_related("item"):
        fulfilment.pick(job.pk, code=line.item.sku, quantity=line.quantity, actor=SYSTEM)
    fulfilment.pack(job.pk, actor=SYSTEM)
    fulfilment.ship(job.pk, carrier="DHL", tracking_number="JD014", actor=SYSTEM)


def test_a_split_order_is_one_sale_once_its_last_parcel_has_left_where_whole_orders_are_invoiced(books):
    Entity.objects.create(code="main", name="Main", currency="USD", invoices=Invoicing.ORDER)
    for sku in ("SKU-1", "SKU-2"):
        StockFactory(item=ItemFactory(sku=sku), sellable=5, location=LocationFactory())
    order = place(
        incoming_line("SKU-1", quantity=2, price="20.00", tax_total=Decimal("8.00")),
        incoming_line("SKU-2", price="5.00", tax_total=Decimal("1.00")),
        shipping_total=Decimal("4.00"),
        tax_total=Decimal("9.00"),
        total=Decimal("58.00"),
    )
    drain()
    first, second = FulfilmentOrder.objects.filter(order=order).order_by("sequence")

    ship(first)
    drain()
    assert not Posting.objects.exists()
    assert books.sales() == []

    ship(second)
    drain()
    drain()

    order.refresh_from_db()
    posting = Posting.objects.get()
    (sale,) = books.sales()
    assert order.status == "COMPLETED"
    assert (sale["state"], sale["reference"]) == ("processing", order.number)
    assert Decimal(sale["total_amount"]) == posting.total == order.total == Decimal("58.00")
    assert (posting.status, posting.erp_number) == (Status.POSTED, sale["number"])
    told = Event.objects.filter(subject_kind="posting").order_by("id").values_list("type", flat=True)
    assert list(told) == ["posting.prepared", "posting.posted"]
    assert [finding.invariant.name for finding in audit.audit() if finding.broken] == []


def test_what_was_cancelled_is_not_sold(books):
    StockFactory(item=ItemFactory(sku="SKU-1"), sellable=5, location=LocationFactory())
    order = place(incoming_line("SKU-1", quantity=3, cancelled_quantity=1), total=Decimal("30.00"))
    drain()

    ship(FulfilmentOrder.objects.get(order=order))
    drain()

    (sale,) = books.sales()
    assert Decimal(sale["total_amount"]) == Posting.objects.get().total == Decimal("20.00")
    assert Order.objects.get().status == "COMPLETED"
