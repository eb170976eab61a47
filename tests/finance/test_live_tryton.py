"""Against a real Tryton 8.2, started for these tests: what the local server stands in for is shown to be true."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from config.devstack import tryton
from core import actors, outbox
from core.errors import TryLater
from core.subjects import Subject
from exceptions.models import Case
from finance.models import ChartMapping, Posting, Status
from finance.services import deciding, entering, entities, postings
from integrations import inbox
from integrations.channels import polling
from integrations.erp import adjusting, drift, registry, sending
from integrations.erp.tryton import lookups
from integrations.erp.tryton.client import Rest
from integrations.models import Connection, FeedState, InboundMessage, StockDocument
from inventory.models import Item, SnapshotLine
from inventory.services import movements
from tests.factories.inventory import ItemFactory, LocationFactory
from tests.finance import making
from tests.finance.erp import Books, connection
from tests.finance.test_books import as_person, person

pytestmark = [pytest.mark.live, pytest.mark.django_db]

SKUS = ("TEE-NVY-M", "CAP", "SCARF")


@pytest.fixture(scope="module")
def running(live_tryton: tryton.Running) -> tryton.Running:
    live_tryton.add_products([{"sku": sku, "name": sku, "price": "10"} for sku in SKUS])
    return live_tryton


@pytest.fixture
def books(running: tryton.Running) -> Books:
    connection(running.url, running.database, running.books.key)
    return Books(running)


def prepared(*lines: dict[str, Any], **more: Any) -> Posting:
    return Posting.objects.get(pk=postings.prepare(making.order(*lines, **more).pk))


def test_a_shipped_order_becomes_exactly_one_confirmed_sale_with_the_same_total(books):
    order = making.order(
        {"ordered": 2, "price": "19.90", "discount": "3.98", "tax": "7.16"},
        {"sku": "CAP", "ordered": 3, "price": "5.05", "tax": "3.03"},
        shipping="4.90",
    )
    making.complete(order)
    making.complete(order)

    tally = outbox.drain(hurry=True)  # an ERP that has just started may take longer over its first answer than we wait

    posting = Posting.objects.get(order=order)
    (sale,) = books.sales(order.number)
    assert tally.dead == 0
    assert sale["state"] in {"confirmed", "processing"}
    assert sale["total_amount"] == posting.total == posting.erp_total == order.total == Decimal("66.06")
    assert (posting.status, posting.erp_number) == (Status.POSTED, sale["number"])
    assert [len(posting.answer["deliveries"]), len(posting.answer["invoices"])] == [1, 1]
    assert all((*posting.answer["deliveries"], *posting.answer["invoices"]))
    call_command("erp_drift")


def test_what_is_owed_is_a_return_and_a_credit_note(books):
    order = making.order({"ordered": 2, "price": "10", "tax": "4"})
    making.complete(order)
    outbox.drain()
    sold = Posting.objects.get()
    back = {**sold.document, "reference": f"{sold.reference}-2", "key": f"{sold.document['key']}-2"}
    (line,) = back["lines"]
    back["lines"] = [{**line, "quantity": -2, "gross": "-20.00", "tax": "-4.00"}]
    back["total"] = "-24.00"

    first, again = (registry.port(Connection.objects.get()).post_sale(back, Memory()) for _ in range(2))

    (sale,) = books.sales(back["reference"])
    assert first == again
    assert sale["total_amount"] == first.total == Decimal("-24.00")
    assert [len(first.answer["deliveries"]), len(first.answer["invoices"])] == [1, 1]
    assert Decimal(first.answer["invoiced"]) == Decimal("-24.00")


def test_a_sale_changed_there_is_drift_and_says_which_figure(books):
    order = making.order({"ordered": 1, "price": "10"})
    making.complete(order)
    outbox.drain()
    Posting.objects.update(erp_number="X-1")

    (compared,) = drift.compare(list(Posting.objects.all()))

    assert len(compared.differences) == 1
    assert "kept here is X-1" in compared.differences[0]


def test_units_found_and_lost_are_moved_from_and_to_lost_and_found(books, running):
    running.add_products([{"sku": "GLOVE", "name": "Glove", "price": "10"}], opening=4)
    made = Connection.objects.get()
    made.settings["adjustments_since"] = (timezone.now() - timedelta(days=1)).isoformat()
    made.save()
    item, place = ItemFactory(sku="GLOVE"), LocationFactory(code="MAIN")
    about = {"cause": Subject("count", "1", "Count 1"), "actor": actors.SYSTEM}
    movements.adjust(item.pk, place.pk, 5, key="count:1", **about)
    movements.adjust(item.pk, place.pk, -2, key="count:2", **about)

    for _ in range(2):
        adjusting.prepare()
        outbox.drain()

    told = StockDocument.objects.order_by("pk").values_list("status", "document__direction")
    warehouse = lookups.warehouses(Rest(made))["MAIN"]
    context = {"locations": [warehouse], "with_childs": True}
    (row,) = Rest(made).raw("product.product", [["code", "=", "GLOVE"]], ("quantity",), limit=1, context=context)
    assert list(told) == [("POSTED", "found"), ("POSTED", "lost")]
    assert row["quantity"] == 4 + 5 - 2


class Memory:
    erp_id = ""

    def keep(self, erp_id):
        self.erp_id = erp_id

    def still_ours(self):
        pass


@pytest.mark.parametrize(
    "lines, more",
    [
        ([{"ordered": 3, "price": "19.99", "tax": "10"}], {"shipping": "5", "tax_included": True}),
        ([{"price": "100", "tax": "8.88"}], {}),
        ([{"sku": "CAP", "price": "0.33", "tax": "0.07"}, {"sku": "SCARF", "price": "0.33", "tax": "0.07"}], {}),
        ([{"ordered": 700, "price": "1", "discount": "233.33"}], {}),
        ([{"price": "20", "discount": "20"}], {}),
        ([{"price": "12.3456", "ordered": 7}], {"currency": "EUR"}),
    ],
    ids=["tax inside prices", "collected tax", "rounding", "split price", "free", "four places"],
)
def test_totals_agree_to_the_cent(books, lines, more):
    posting = prepared(*lines, **more)

    sending.send(posting.pk)

    posting.refresh_from_db()
    (sale,) = books.sales(posting.reference)
    assert posting.status == Status.POSTED, posting.last_error
    assert sale["total_amount"] == posting.erp_total == posting.total


def test_a_missing_product_is_rejected_and_goes_through_once_it_is_there(books, running):
    posting = prepared({"sku": "BRAND-NEW"})

    sending.send(posting.pk)
    posting.refresh_from_db()
    assert (posting.status, posting.answer["skus"]) == (Status.REJECTED, ["BRAND-NEW"])
    case = Case.objects.get(is_open=True)

    running.add_products([{"sku": "BRAND-NEW", "name": "Brand new", "price": "10"}])
    postings.retry(posting.pk, actor=actors.SYSTEM)
    sending.send(posting.pk)

    posting.refresh_from_db()
    case.refresh_from_db()
    assert posting.status == Status.POSTED
    assert not case.is_open
    assert len(books.sales(posting.reference)) == 1


def test_scarce_stock_is_a_rejection_in_trytons_words(books, running):
    running.add_products([{"sku": "RARE", "name": "Rare", "price": "10"}], opening=1)
    posting = prepared({"sku": "RARE", "ordered": 5})

    sending.send(posting.pk)

    posting.refresh_from_db()
    assert (posting.status, posting.failure_class) == (Status.REJECTED, "bad_value")
    assert "RARE" in posting.last_error
    (draft,) = books.sales(posting.reference)
    assert draft["state"] == "draft"


def test_each_buyer_is_a_party_of_their_own(books):
    made = registry.connection_for("webshop")
    made.settings["customers"] = "email"
    made.save()
    first, second = prepared(buyer_email="new@example.com"), prepared(buyer_email="new@example.com")

    for posting in (first, second):
        sending.send(posting.pk)
        posting.refresh_from_db()
        assert posting.status == Status.POSTED, posting.last_error


def test_an_erp_stopped_midway_gets_everything_when_it_is_back(books, running):
    orders = [making.order() for _ in range(4)]
    for order in orders:
        making.complete(order)
    outbox.drain("default")
    outbox.drain("outside", limit=2)
    running.kill()
    outbox.dispatch("outside")

    running.start()
    outbox.drain(hurry=True)

    assert {posting.status for posting in Posting.objects.all()} == {Status.POSTED}
    for order in orders:
        (sale,) = books.sales(order.number)
        assert sale["number"]


def test_a_wrong_key_is_the_connections_trouble(books):
    made = registry.connection_for("webshop")
    made.keep_secret("key", "x" * 64, retire_others=True)
    posting = prepared()

    with pytest.raises(TryLater):
        sending.send(posting.pk)

    posting.refresh_from_db()
    assert posting.status == Status.PENDING
    assert books.sales(posting.reference) == []


def test_ping_names_the_company(books):
    assert registry.port(registry.connection_for("webshop")).ping() == (
        "Tryton answers for Backroom demonstration (EUR)."
    )


def test_products_warehouses_and_quantities_come_in_once_and_what_changed_comes_again(books, running):
    running.add_products([{"sku": "LAMP", "name": "Lamp", "price": "10"}], opening=4)
    Connection.objects.update(settings={**Connection.objects.get().settings, "feeds": ["items", "locations", "stock"]})
    main = LocationFactory(code="MAIN", name="?")
    LocationFactory(code="STORES")

    read_everything()

    lamp = Item.objects.get(sku="LAMP")
    main.refresh_from_db()
    failed = InboundMessage.objects.filter(status="FAILED").values_list("reason", flat=True)
    assert (lamp.name, lamp.attributes["unit"], lamp.active) == ("Lamp", "u", True)
    assert main.name == "Main warehouse"
    assert not Item.objects.filter(sku="SHIPPING").exists()
    assert not failed, list(failed)
    told = SnapshotLine.objects.filter(item=lamp).values_list("location__code", "quantity")
    assert dict(told) == {"MAIN": 4, "STORES": 4}

    before = InboundMessage.objects.count()
    FeedState.objects.exclude(name="stock").update(next_at=timezone.now())
    read_everything(but="stock")

    assert InboundMessage.objects.count() == before


def read_everything(but: str = "") -> None:
    polling.ensure()
    for feed in FeedState.objects.exclude(name=but):
        while polling.read(feed.pk):
            pass
        feed.refresh_from_db()
        assert not feed.last_error, feed.last_error
    inbox.process_due()


def test_a_journal_is_posted_once_and_taken_back_by_another(books):
    made = registry.connection_for("webshop")
    rest = Rest(made)
    kinds = [("party_required", "=", False), ("closed", "=", False), ("type", "!=", None), ("code", "!=", None)]
    plain, other = rest.find("account.account", [list(each) for each in kinds], ["code"], limit=2)
    owed, *_ = rest.find("account.account", [["type.receivable", "=", True], ["code", "!=", None]], ["code"])
    entity = entities.main()
    accounts = {"write_offs": plain["code"], "receivable": owed["code"], "adjustments": other["code"]}
    ChartMapping.objects.create(entity=entity, number=1, status="LIVE", accounts=accounts)
    one, two = person("Finance"), person("Finance")
    order = making.order({"price": "50"}, currency="EUR")
    posting = entering.write_off(None, Decimal("12.34"), "EUR", why="Lost", order=order, actor=as_person(one))
    deciding.approve(posting.pk, actor=as_person(two))

    sending.send(posting.pk)
    posting.refresh_from_db()
    assert posting.status == Status.POSTED, posting.last_error
    again = registry.port(made).post_journal(posting.document, Memory())
    back = deciding.reverse(posting.pk, why="It was found", actor=as_person(one))
    deciding.approve(back.pk, actor=as_person(two))
    sending.send(back.pk)

    back.refresh_from_db()
    posting.refresh_from_db()
    assert (again.number, again.total) == (posting.erp_number, posting.total)
    assert (back.status, posting.status) == (Status.POSTED, Status.REVERSED), back.last_error
    fields = ["number", "state", "date", "lines.account.code", "lines.debit", "lines.credit"]
    moves = rest.find("account.move", [["number", "in", [posting.erp_number, back.erp_number]]], fields)
    sums = [{each["account"]["code"]: each["debit"] - each["credit"] for each in move["lines"]} for move in moves]
    assert [move["state"] for move in moves] == ["posted", "posted"]
    assert sums == [
        {plain["code"]: Decimal("12.34"), owed["code"]: Decimal("-12.34")},
        {plain["code"]: Decimal("-12.34"), owed["code"]: Decimal("12.34")},
    ]
    call_command("erp_drift")
