"""Items, places, customers and levels from every ERP: once each, newer over older, nothing guessed, each fault a case."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from core.actors import SYSTEM
from core.subjects import Subject
from exceptions.models import Case
from integrations import inbox
from integrations.channels import polling
from integrations.channels.registry import get
from integrations.erp import sweep
from integrations.failures import Unreadable
from integrations.models import Connection, FeedState, InboundMessage
from inventory.models import Item, ItemAlias, Location, SnapshotLine
from inventory.services import differences, movements
from orders.models import Account
from tests.factories.inventory import ItemFactory, LocationFactory
from tests.integrations.erp_masters import BOOKS
from tests.integrations.test_erps import ERPS

pytestmark = pytest.mark.django_db
GTIN = "4006381333931"


@pytest.fixture(params=["businesscentral", "erpnext", "netsuite", "odoo", "odoo-18", "sap"])
def erp(request, monkeypatch):
    monkeypatch.setattr(sweep, "AT_ONCE", 2)
    server, vendor, settings = ERPS[request.param]
    with server() as running:
        books = BOOKS[vendor]
        running.masters = json.loads(json.dumps(books.rows), object_hook=books.revive)
        connection = Connection.objects.create(
            code="erp",
            name="The ERP",
            kind=Connection.Kind.ERP,
            rate_per_minute=100_000,
            vendor=vendor,
            settings={
                "url": running.url,
                "private_address_allowed": True,
                **running.settings(),
                **settings,
                **books.settings,
                "feeds": ["items", "locations", "customers", "stock"],
            },
        )
        for name, value in getattr(running, "secrets", {"key": running.key}).items():
            connection.keep_secret(name, value)
        running.connection, running.books = connection, books
        yield running


def read(*names):
    """Read the feeds to their end and work off what they brought; the messages nobody had brought before."""
    before = set(InboundMessage.objects.values_list("pk", flat=True))
    polling.ensure()
    for feed in FeedState.objects.filter(name__in=names):
        polling.restart(feed, feed.cursor)
        polling.read(feed.pk)
        feed.refresh_from_db()
        assert feed.last_error == ""
    inbox.process_due()
    return list(InboundMessage.objects.exclude(pk__in=before).order_by("pk"))


def test_masters_and_levels_come_in_and_only_changes_come_again(erp):
    place = LocationFactory(code="MAIN", name="?")
    known = ItemFactory(sku="CAP", name="?", weight_grams=None)

    first = read("items", "locations", "customers", "stock")

    known.refresh_from_db()
    place.refresh_from_db()
    made = Item.objects.get(sku="TEE")
    told = {message.reason for message in first if message.status == "FAILED"}
    assert (made.name, made.gtin, made.weight_grams, made.active) == ("Tee shirt", GTIN, erp.books.weight, True)
    assert made.tracking == erp.books.tracking
    assert (made.unit_cost, made.cost_currency) == erp.books.cost
    assert made.attributes["unit"] == erp.books.unit
    assert (known.name, place.name) == ("Cap", "Main warehouse")
    assert not Item.objects.filter(name="Repair").exists()
    assert len(told) == erp.books.failures, told
    buyer = Account.objects.get()
    assert (buyer.code, buyer.name, buyer.payment_terms, buyer.currency) == ("HALDEN", "Halden Ltd", "NET30", "EUR")
    assert (buyer.tax_id, buyer.on_stop) == ("GB123456789", False)
    assert ItemAlias.objects.filter(system="erp", item=made).exists()
    levels = SnapshotLine.objects.filter(item=made).values_list("location__code", "quantity", "measure")
    assert list(levels) == [("MAIN", 7, erp.books.measure)]
    assert Case.objects.filter(reason=differences.REASON, is_open=True).count() >= 1

    again = read("items", "locations", "customers")
    erp.books.rename(erp.masters)
    changed = read("items")

    made.refresh_from_db()
    assert (len(again), len(changed), made.name) == (0, 1, "Tee shirt, long")


# --- What is kept, whoever sends it --------------------------------------------------------------------------------


@pytest.fixture
def odoo():
    return Connection.objects.create(code="erp", name="Odoo", kind=Connection.Kind.ERP, vendor="odoo", settings={})


def product(**more):
    values = {"id": 7, "default_code": "TEE", "name": "Tee", "type": "consu", "write_date": "2026-03-01 10:00:00"}
    return {**values, **more}


def send(connection, *records):
    taken = []
    for record in records:
        body = json.dumps(record).encode()
        pk, _ = inbox.accept(connection, external_id="", headers={}, body=body, verdict=inbox.Verdict.NONE)
        taken.append(inbox.process(pk))
    return taken


def test_an_older_version_changes_nothing_whenever_it_arrives(odoo):
    newer = product(name="Tee, new", write_date="2026-03-02 10:00:00")

    outcomes = send(odoo, newer, product(), {**newer, "uom_id": False})

    assert [outcome.status for outcome in outcomes] == ["PROCESSED", "IGNORED", "DUPLICATE"]
    assert outcomes[1].reason == "not newer than what is known of TEE"
    assert Item.objects.get().name == "Tee, new"


def test_what_contradicts_our_data_is_a_case_and_changes_nothing(odoo):
    ItemFactory(sku="OTHER", gtin=GTIN)
    ItemFactory(sku="МUG")  # its first letter is Cyrillic, and prints like ours

    outcomes = send(
        odoo,
        product(barcode=f"0{GTIN}"),
        product(id=8, default_code="MUG"),
        product(id=9, default_code=False),
        product(id=10, weight=2, weight_uom_name="stone"),
        product(id=11, tracking="sometimes"),
    )

    assert [outcome.failure_class for outcome in outcomes] == ["conflict", "conflict", *["bad_value"] * 3]
    assert f"The GTIN 0{GTIN} of TEE is OTHER's already" in outcomes[0].reason
    assert "prints like" in outcomes[1].reason
    assert Case.objects.filter(reason="integrations.message_failed", is_open=True).count() == 5
    assert set(Item.objects.values_list("sku", flat=True)) == {"OTHER", "МUG"}


def test_a_code_that_changed_there_is_another_name_of_the_same_item_here(odoo):
    send(odoo, product(), product(default_code="TEE-2", write_date="2026-03-02 10:00:00", barcode="IN-HOUSE-1"))

    item = Item.objects.get()
    assert item.sku == "TEE"
    assert set(item.aliases.values_list("code", flat=True)) == {"TEE", "TEE-2", "IN-HOUSE-1"}


def test_tracking_stays_while_there_is_stock(odoo):
    send(odoo, product())
    item, place = Item.objects.get(), LocationFactory()
    move = movements.Move(item.pk, 3, None, "opening", place.pk, "sellable")
    movements.post([move], key="open", cause=Subject("location", str(place.pk)), actor=SYSTEM)

    (outcome,) = send(odoo, product(tracking="lot", write_date="2026-03-02 10:00:00"))

    assert (outcome.status, outcome.failure_class) == ("FAILED", "conflict")
    assert Item.objects.get().tracking == "NONE"


def test_fields_that_are_ours_stay_ours(odoo):
    odoo.settings = {"ours": ["name", "cost"]}
    odoo.save()
    ItemFactory(sku="TEE", name="Our words", unit_cost=Decimal(2), cost_currency="EUR")

    send(odoo, product(standard_price=9, cost_currency_id=[1, "USD"], barcode=GTIN))

    item = Item.objects.get()
    assert (item.name, item.unit_cost, item.gtin) == ("Our words", 2, GTIN)


def test_a_place_nobody_knows_is_not_made_up(odoo):
    warehouse = {"id": 1, "code": "NEW", "name": "New", "lot_stock_id": [8, "NEW/Stock"]}

    (unknown,) = send(odoo, warehouse)
    odoo.settings = {"new_locations": "WAREHOUSE"}
    odoo.save()
    (made,) = send(odoo, {**warehouse, "write_date": "2026-03-02 10:00:00"})

    assert (unknown.failure_class, made.status) == ("conflict", "PROCESSED")
    place = Location.objects.get()
    assert (place.code, place.kind, place.status) == ("NEW", "WAREHOUSE", "PAUSED")


def test_terms_nobody_explained_are_a_fault_until_the_settings_do(odoo):
    customer = {
        "id": 3, "ref": "HALDEN", "name": "Halden", "is_company": True, "vat": False, "currency_id": [1, "GBP"],
        "property_payment_term_id": [5, "End of Following Month"],
    }  # fmt: skip

    (unknown,) = send(odoo, customer)
    odoo.settings = {"payment_terms": {"End of Following Month": "NET60"}}
    odoo.save()
    known = inbox.reprocess(unknown.message_id, actor=SYSTEM)

    assert (unknown.failure_class, known.status) == ("bad_value", "PROCESSED")
    assert Account.objects.get().payment_terms == "NET60"


@pytest.mark.parametrize("vendor", sorted(BOOKS))
def test_a_list_is_split_and_garbage_is_refused(vendor):
    understand, rows = get(vendor).understand, BOOKS[vendor].rows
    items = next(iter(rows.values()))

    split = understand("item", json.dumps([{k: v for k, v in row.items() if k != "key"} for row in items]).encode())

    assert len(split.acts) == len(items)
    for body in (b"", b"[", b'"text"', b"[1]", b"{}", b'{"a": 1}', b"[" * 100_000):
        with pytest.raises(Unreadable):
            understand("", body)
