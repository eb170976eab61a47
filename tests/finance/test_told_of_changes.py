"""What the ERP hears of changes: before the sale they are in it, after it they correct it, and the page says so."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from core import audit, outbox
from core.actors import SYSTEM
from exceptions.models import Case
from finance.models import Charge, Kind, Posting, Status
from finance.services import postings
from orders.edits import AddLine, Cancel, ChangeQuantity, Edit, Substitute
from orders.models import FulfilmentOrder, Order
from orders.services import changing, intake
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.factories.orders import ChannelFactory, incoming, incoming_line
from tests.finance import making
from tests.finance.test_from_shelf_to_books import ship
from tests.finance.test_postings import claim, confirm, reject

pytestmark = pytest.mark.django_db
TWO = (incoming_line("SKU-1", quantity=3, price="10.00"), incoming_line("SKU-2", price="5.00"))


@pytest.fixture
def books(erp: Any) -> Any:
    erp.add_products("SKU-1", "SKU-2", "SKU-3")
    erp.connect()
    node = LocationFactory()
    for sku in ("SKU-1", "SKU-2", "SKU-3"):
        StockFactory(item=ItemFactory(sku=sku), sellable=9, location=node)
    return erp


def send(version: int = 1, **fields: Any) -> Order:
    lines = fields.pop("lines", TWO)
    said = incoming(*lines, **{"version": version} | fields)
    placed = intake.place(said, channel=ChannelFactory(kind="PHONE"), actor=SYSTEM)
    drain()
    return Order.objects.get(pk=placed.order_id)


def drain() -> None:
    tally = outbox.drain()
    assert (tally.failed, tally.dead) == (0, 0)


def finish(order: Order) -> None:
    for job in FulfilmentOrder.objects.filter(order=order, status="OPEN"):
        ship(job)
    drain()


def owed(books: Any) -> list[Decimal]:
    return [Decimal(sale["total_amount"]) for sale in books.sales() if sale["state"] == "processing"]


def broken() -> list[str]:
    return [finding.invariant.name for finding in audit.audit() if finding.broken]


@pytest.mark.parametrize(
    "edits, total",
    [
        ([ChangeQuantity(line="line-SKU-1", quantity=2)], "25"),
        ([ChangeQuantity(line="line-SKU-1", quantity=5)], "55"),
        ([AddLine(sku="SKU-3", quantity=2, unit_price=Decimal(7))], "49"),
        ([Substitute(line="line-SKU-2", sku="SKU-3", unit_price=Decimal(4))], "34"),
        ([Cancel(lines=(), reason="")], None),
    ],
    ids=["cut", "more", "added", "substituted", "cancelled"],
)
def test_a_change_before_the_sale_is_in_the_sale_and_needs_no_telling(books, edits: list[Edit], total: str | None):
    order = send()

    changing.confirm(order.pk, edits, version=None, actor=SYSTEM, key="k")
    drain()
    assert not Posting.objects.exists()
    finish(order)

    wanted = [Decimal(total)] if total else []
    assert owed(books) == [posting.total for posting in Posting.objects.all()] == wanted
    assert broken() == []


def test_what_the_channel_corrects_after_the_sale_is_a_credit_memo_in_the_erp(books):
    order = send()
    finish(order)
    cheaper = (replace(TWO[0], unit_price=Decimal(8)), TWO[1])

    send(2, lines=cheaper)
    send(2, lines=cheaper)

    first, second = Posting.objects.order_by("sequence")
    assert [(p.kind, p.reference, p.total) for p in (first, second)] == [
        (Kind.SALES_ORDER, order.number, Decimal(35)),
        (Kind.CREDIT_MEMO, f"{order.number}-2", Decimal(-6)),
    ]
    assert owed(books) == [Decimal(35), Decimal(-6)]
    assert [(line["quantity"], line["gross"]) for line in second.document["lines"]] == [(0, "-6")]
    assert sum(charge.amount for charge in Charge.objects.all()) == Decimal(29)
    assert second.status == Status.POSTED
    assert broken() == []


def test_money_that_moves_within_a_sale_is_corrected_though_the_sum_stays(books):
    order = send(shipping_total=Decimal(4), total=Decimal(39))
    finish(order)

    send(2, lines=(TWO[0], replace(TWO[1], unit_price=Decimal(9))), shipping_total=None, total=Decimal(39))

    second = Posting.objects.get(sequence=2)
    assert (second.total, second.status) == (Decimal(0), Status.POSTED)
    assert {line.account: line.debit - line.credit for line in second.lines.all()} == {"sales": -4, "shipping": 4}
    assert broken() == []


def test_a_change_that_says_nothing_of_money_makes_no_document(books):
    order = send()
    finish(order)

    send(2, note="Leave it at the door")

    assert owed(books) == [Decimal(35)]
    assert Posting.objects.count() == 1


def test_a_rejected_sale_takes_the_correction_in_when_it_is_sent_again():
    order = making.order({"price": "10"})
    first = postings.prepare(order.pk)
    reject(claim(first))
    order.lines.update(unit_price=8)
    making.settle(order)

    assert postings.correct(order.pk) == first
    assert postings.retry(first, actor=SYSTEM).total == Decimal(8)
    confirm(claim(first), total="8")
    assert postings.correct(order.pk) == first
    assert [row.invariant.name for row in audit.audit("finance.") if row.broken] == []


def test_sums_of_two_currencies_have_no_difference_so_a_person_looks():
    order = making.order({"price": "10"})
    confirm(claim(postings.prepare(order.pk)))
    Order.objects.update(currency="EUR")

    postings.correct(order.pk)
    postings.correct(order.pk)

    case = Case.objects.get()
    assert (case.reason, case.is_open) == ("finance.posted_in_another_currency", True)
    assert Posting.objects.count() == 1


def test_nothing_is_corrected_of_what_was_never_posted():
    order = making.order({"ordered": 2, "fulfilled": 1, "open": 1})

    assert postings.correct(order.pk) is None
    assert not Posting.objects.exists()


def told(client: Any, order: Order) -> str:
    page = client.get(f"/finance/orders/{order.number}/told", headers={"HX-Request": "true"})
    return " ".join(page.content.decode().split())


def test_the_orders_page_says_who_was_told(books, admin_client):
    order = send()
    assert "Not yet. It hears of the order when the last unit has left" in told(admin_client, order)
    changing.confirm(order.pk, [ChangeQuantity(line="line-SKU-1", quantity=2)], version=None, actor=SYSTEM, key="k")
    drain()
    finish(order)

    panel = admin_client.get(f"/orders/{order.number}/told", headers={"HX-Request": "true"}).content.decode()

    assert "Nobody else keeps this order." in panel
    assert f"/finance/orders/{order.number}/told" in panel
    number = Posting.objects.get().erp_number
    assert f"Its number there: {number}" in told(admin_client, order)


def test_an_order_cancelled_before_anything_left_has_nothing_to_tell_the_erp(books, admin_client):
    order = send()
    changing.cancel(order.pk, actor=SYSTEM)

    assert "Nothing to tell: it was cancelled before anything left." in told(admin_client, order)
