"""Sales files: every row of every invoice accounted for, whatever is in them."""

from __future__ import annotations

import gzip
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from core import audit
from core.models import Job
from exceptions.models import Case
from integrations import inbox
from integrations.files.sales import reading
from integrations.files.sales.mapping import SalesMapping
from integrations.models import Connection, InboundMessage
from inventory.models import Item, Stock, StockMovement
from orders.models import Channel, ChannelKind, Order, OrderLine
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory

pytestmark = pytest.mark.django_db
HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
DAY = "2010-12-01"


def row(
    invoice: str, sku: str, quantity: object, price: object = "2.55", customer: str = "17850.0", **more: str
) -> str:
    title = more.get("title", "WHITE LANTERN")
    at = more.get("at", f"{DAY} 08:26:00")
    return f"{invoice},{sku},{title},{quantity},{at},{price},{customer},United Kingdom"


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def make(*rows: str, name: str = "december.csv", header: str = HEADER) -> Path:
        path = tmp_path / name
        content = "\n".join((header, *rows)).encode() + b"\n"
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return path

    return make


@pytest.fixture
def lamp() -> Stock:
    return StockFactory(item=ItemFactory(sku="LAMP"), location=LocationFactory(code="STORE"), sellable=100)


@pytest.fixture
def web(lamp: Stock) -> Channel:
    return Channel.objects.create(
        code="web", name="Web", currency="GBP", time_zone="Europe/London", sells_from=lamp.location
    )


@pytest.fixture
def till(lamp: Stock) -> Channel:
    return Channel.objects.create(
        code="till", name="Till", kind=ChannelKind.POS, currency="GBP", sells_from=lamp.location
    )


def feed(*paths: Path, channel: str = "web", **options: Any) -> dict[str, Any]:
    out = StringIO()
    call_command("ingest_sales", *map(str, paths), channel=channel, json=True, stdout=out, stderr=StringIO(), **options)
    said = [json.loads(line) for line in out.getvalue().splitlines()]
    assert all(each["report"]["adds_up"] for each in said)
    return said[-1]["report"]


def counts(report: dict[str, Any]) -> dict[str, tuple[int, int]]:
    names = ("sale", "return", "adjustment", "ignored", "case", "waiting")
    return {n: (report[n]["rows"], report[n]["units"]) for n in names if report.get(n, {}).get("rows")}


def sellable(stock: Stock) -> int:
    stock.refresh_from_db()
    return stock.sellable


def test_a_sale_is_an_order_that_left_the_shelf_at_its_own_time(lamp, web, write):
    report = feed(write(row("536365", "LAMP", 6), row("536365", "LAMP", 2, "3.39")))

    order = Order.objects.get()
    assert counts(report) == {"sale": (2, 8)}
    assert (order.channel_ref, order.status, str(order.total)) == ("536365", "COMPLETED", "22.0800")
    assert order.placed_at.isoformat() == "2010-12-01T08:26:00+00:00"
    assert order.buyer_ref == "17850"
    assert sellable(lamp) == 92
    assert StockMovement.objects.get(to_state="customer").occurred_at == order.placed_at
    assert not Case.objects.exists()


def test_feeding_it_again_changes_nothing_and_reports_the_same(lamp, web, write):
    path = write(row("536365", "LAMP", 6), row("C536366", "LAMP", -2), row("536367", "NOBODY", 1), row("x", "", "?"))
    first = feed(path)
    movements, orders, cases = StockMovement.objects.count(), Order.objects.count(), Case.objects.count()

    again = feed(path)

    assert (StockMovement.objects.count(), Order.objects.count(), Case.objects.count()) == (movements, orders, cases)
    assert counts(again) == counts(first)
    assert (first["new"], again["new"], again["known"]) == (4, 0, 4)


def test_a_zipped_file_says_the_same(lamp, web, write):
    rows = [row("536365", "LAMP", 6), row("536366", "LAMP", 1)]

    assert counts(feed(write(*rows, name="a.csv.gz"))) == counts(feed(write(*rows)))
    assert Order.objects.count() == 2


def test_pseudo_products_are_charges_of_the_order_or_ignored_with_their_reason(lamp, web, write):
    report = feed(
        write(
            row("536370", "LAMP", 10, "1.00"), row("536370", "POST", 3, "18.00"), row("536370", "M", 1, "5.00"),
            row("536370", "D", 1, "4.00"), row("536370", "BANK CHARGES", 1, "15.00"),
            row("536544", "DOT", 1, "569.77", ""),
        )
    )  # fmt: skip

    order = Order.objects.get()
    assert counts(report) == {"sale": (1, 10), "ignored": (5, 7)}
    assert set(report["ignored"]["reasons"]) == {
        "postage: no goods, kept as a charge of the order",
        "a manual amount: no goods, kept as a charge of the order",
        "a discount: no goods, kept as a charge of the order",
        "a bank's charges",
        "postage of the web shop, on an invoice without goods",
    }
    assert (order.shipping_total, order.other_total, order.discount_total, order.total) == (54, 5, 4, 65)
    assert order.disagreements == []


def test_a_gift_card_is_sold_but_lies_on_no_shelf(lamp, web, write):
    report = feed(write(row("539492", "gift_0001_40", 1, "34.04")))

    assert counts(report) == {"sale": (1, 1)}
    assert OrderLine.objects.get().gift_card
    assert not StockMovement.objects.filter(to_state="customer").exists()
    assert not Case.objects.exists()


def test_a_cancelled_invoice_brings_goods_back_to_be_inspected(lamp, web, write):
    report = feed(write(row("C536379", "LAMP", -3), row("C536379", "D", -1, "27.5")))

    lamp.refresh_from_db()
    assert counts(report) == {"return": (1, -3), "ignored": (1, -1)}
    assert (lamp.sellable, lamp.awaiting_inspection) == (100, 3)
    assert report["ignored"]["reasons"] == {"a discount given back: money without goods": {"rows": 1, "units": -1}}
    moved = StockMovement.objects.get(from_state="customer")
    message = InboundMessage.objects.get()
    assert (moved.cause_kind, moved.cause_label) == ("message", "C536379")
    assert (message.result_kind, message.result_uid) == ("movement", str(moved.pk))
    assert [found.invariant.name for found in audit.audit("integrations.") if found.broken] == []


def test_an_invoice_to_nobody_for_nothing_puts_stock_right(lamp, web, write):
    report = feed(
        write(
            row("536414", "LAMP", 56, "0.0", "", title="found"), row("537000", "LAMP", -10, "0.0", "", title="damaged")
        )
    )

    assert counts(report) == {"adjustment": (2, 46)}
    assert sellable(lamp) == 146
    notes = StockMovement.objects.exclude(from_state="opening").order_by("id")
    assert [(m.from_state, m.to_state, m.note) for m in notes] == [
        ("found", "sellable", "found"), ("sellable", "shrinkage", "damaged"),
    ]  # fmt: skip


def test_a_free_article_beside_paid_ones_is_sold(lamp, web, write):
    assert counts(feed(write(row("1", "LAMP", 1, "0.0", ""), row("1", "LAMP", 1, "5.00", "")))) == {"sale": (2, 2)}


def test_more_gone_than_there_is_is_a_case_and_takes_nothing(lamp, web, write):
    report = feed(write(row("537000", "LAMP", -101, "0.0", "")))

    assert counts(report) == {"case": (1, -101)}
    assert sellable(lamp) == 100
    assert "LAMP" in InboundMessage.objects.get().reason


def test_a_sale_beyond_the_books_stands(lamp, web, write):
    report = feed(write(row("536365", "LAMP", 120)))

    assert counts(report) == {"sale": (1, 120)}
    assert sellable(lamp) == 0
    assert Case.objects.get().reason == "inventory.sold_beyond_the_books"


def test_an_unknown_sku_is_a_case_until_it_is_known(lamp, web, write):
    path = write(row("536365", "LAMP", 1), row("536365", "SHADE", 2), row("C536400", "SHADE", -1))

    report = feed(path)

    assert counts(report) == {"sale": (1, 1), "case": (2, 1)}
    assert set(report["case"]["reasons"]) == {"unknown SKU", "missing reference"}
    assert set(Case.objects.values_list("reason", flat=True)) == {"orders.unknown_sku", "integrations.message_failed"}

    from core.actors import SYSTEM
    from orders.services import mapping

    ItemFactory(sku="SHADE")
    mapping.retry("SHADE", None, actor=SYSTEM)
    inbox.reprocess(InboundMessage.objects.get(status="FAILED").pk, actor=SYSTEM)

    assert counts(feed(path)) == {"sale": (2, 3), "return": (1, -1)}
    assert not Case.objects.filter(is_open=True).exclude(reason="inventory.sold_beyond_the_books").exists()


def test_articles_are_made_where_somebody_asks_for_it(lamp, web, write):
    report = feed(write(row("536365", "shade", 2, title="A SHADE"), row("536366", "SHADE", 1)), make_items=True)

    assert counts(report) == {"sale": (2, 3)}
    assert Item.objects.exclude(sku="LAMP").values_list("sku", "name").get() == ("SHADE", "A SHADE")


def test_invoices_without_a_customer_are_the_tills(lamp, web, till, write):
    feed(write(row("1", "LAMP", 1), row("2", "LAMP", 1, "2.00", "")), till="till")

    assert dict(Order.objects.values_list("channel_ref", "channel__code")) == {"1": "web", "2": "till"}
    assert sellable(lamp) == 98


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (row("9", "LAMP", "many"), "row 2.quantity"),
        (row("9", "LAMP", "1.5"), "row 2.quantity"),
        (row("9", "LAMP", "٣"), "row 2.quantity"),
        (row("9", "LAMP", 1, "free"), "row 2.price"),
        (row("9", "LAMP", 1, "NaN"), "row 2.price"),
        (row("9", "", 1), "row 2.sku"),
        ("9,LAMP", "row 2: has 2 values under 8 columns"),
        (row("9", "LAMP", 1, "-5.00"), "row 2.price"),
        (row("9", "LAMP", 9_999_999), "row 2.quantity"),
    ],
)
def test_one_bad_row_fails_its_invoice_and_no_other(lamp, web, write, bad: str, words: str):
    report = feed(write(row("8", "LAMP", 1), row("9", "LAMP", 1), bad, row("10", "LAMP", 1)))

    assert counts(report)["sale"] == (2, 2)
    assert counts(report)["case"][0] == 2
    failed = InboundMessage.objects.get(status="FAILED")
    assert words in failed.reason
    assert Case.objects.get(subject_uid=str(failed.pk)).reason == "integrations.message_failed"
    assert sellable(lamp) == 98


def test_an_impossible_time_is_a_case(lamp, web, write):
    report = feed(write(row("9", "LAMP", 1, at="2010-13-01 08:00"), row("10", "LAMP", 1, at="2011-03-27 01:30:00")))

    assert counts(report) == {"case": (2, 2)}  # the second hour does not exist in London


def test_rows_nobody_can_read_cost_only_themselves(lamp, web, tmp_path):
    path = tmp_path / "broken.csv"
    path.write_bytes(
        b"\xef\xbb\xbf" + HEADER.encode() + b"\r\n" + row("8", "LAMP", 1).encode() + b"\r\n\r\n"
        b'9,LAMP,"never closed,1,2010-12-01 08:26:00,2.55,1,UK\r\n'
        b'10,LAMP,"a ""quoted"", name\nover two lines",1,2010-12-01 08:26:00,2.55,1,UK\r\n'
        b"11,LAMP,entr\xe9e,1,2010-12-01 08:26:00,2.55,1,UK\r\n" + row("12", "LAMP", 1).encode()
    )  # fmt: skip

    report = feed(path)

    assert (report["rows"], counts(report)["sale"][0], counts(report)["case"][0]) == (5, 3, 2)
    assert OrderLine.objects.get(order__channel_ref="10").title == 'a "quoted", name\nover two lines'
    reasons = " ".join(InboundMessage.objects.filter(status="FAILED").values_list("reason", flat=True))
    assert "not CSV" in reasons
    assert "name the file's encoding" in reasons


def test_an_encoding_that_is_named_is_used(lamp, web, tmp_path):
    Connection.objects.create(
        code="sales-web",
        name="Files",
        kind="CHANNEL",
        vendor="sales",
        channel=web,
        settings={"sales": {"encoding": "cp1252"}},
    )
    path = tmp_path / "cafe.csv"
    path.write_bytes(f"{HEADER}\n11,LAMP,café,1,2010-12-01 08:26:00,2.55,1,UK\n".encode("cp1252"))

    feed(path)

    assert OrderLine.objects.get().title == "café"


def test_another_layout_is_read_by_its_mapping(lamp, web, till, tmp_path):
    columns = {"invoice": "receipt", "sku": "article", "quantity": "qty", "at": "sold", "price": "net", "store": "shop"}
    york = StockFactory(item=lamp.item, location=LocationFactory(code="YORK"), sellable=5)
    Connection.objects.create(
        code="t", name="Files", kind="CHANNEL", vendor="sales", channel=till,
        settings={"sales": {"columns": columns, "delimiter": ";", "codes": {"BAG": {"means": "other", "words": "a bag"}}}},
    )  # fmt: skip
    path = tmp_path / "receipts.csv"
    path.write_text(
        "shop;receipt;article;qty;sold;net\nYORK;R1;LAMP;2;2026-01-05 10:00;4.00\nYORK;R1;BAG;1;2026-01-05 10:00;0.10\n"
    )

    report = feed(path, channel="till")

    assert counts(report) == {"sale": (1, 2), "ignored": (1, 1)}
    assert (sellable(york), sellable(lamp)) == (3, 100)
    assert str(Order.objects.get().total) == "8.1000"


@pytest.mark.parametrize(
    "stated",
    [
        {"kolumns": {}}, {"columns": {"invoice": "x"}}, {"columns": []}, {"columns": {"invoice": 1}}, {"delimiter": ";;"},
        {"encoding": "utf-7"}, {"time_zone": "Mars/Olympus"}, {"currency": "XXQ"}, {"codes": {"POST": {"means": "magic"}}},
        {"capital_skus": "yes"},
    ],
)  # fmt: skip
def test_a_mapping_that_makes_no_sense_feeds_nothing(web, write, stated: dict[str, Any]):
    Connection.objects.create(
        code="s", name="Files", kind="CHANNEL", vendor="sales", channel=web, settings={"sales": stated}
    )

    with pytest.raises(CommandError) as refused:
        feed(write(row("1", "LAMP", 1)))

    assert refused.value.returncode == 2
    assert not InboundMessage.objects.exists()


def test_a_file_without_its_columns_says_which(web, write):
    with pytest.raises(CommandError) as refused:
        call_command(
            "ingest_sales",
            str(write("1;2", header="InvoiceNo;Menge")),
            channel="web",
            stdout=StringIO(),
            stderr=StringIO(),
        )

    assert refused.value.returncode == 1
    assert "header.InvoiceNo" in Job.objects.get().result["reason"]


def test_a_damaged_archive_gives_what_was_readable_and_says_so(lamp, web, tmp_path):
    content = "\n".join([HEADER, *(row(str(n), "LAMP", 1, f"{n}.37", title=str(n * 7919)) for n in range(1, 400))])
    path = tmp_path / "cut.csv.gz"
    path.write_bytes(gzip.compress(content.encode())[:-900])

    report = feed(path)

    assert report["sale"]["rows"] > 50
    assert any("breaks off" in bytes(m.body).decode() for m in InboundMessage.objects.filter(status="FAILED"))


def test_an_invoice_said_otherwise_before_is_a_case_not_a_correction(lamp, web, write):
    feed(write(row("8", "LAMP", 1)))

    report = feed(write(row("8", "LAMP", 5), name="again.csv"))

    assert counts(report) == {"case": (1, 5)}
    assert "came before with other rows" in InboundMessage.objects.get(status="FAILED").reason
    assert sellable(lamp) == 99


def test_an_invoice_whose_rows_do_not_stand_together_is_kept_whole(lamp, web, write):
    report = feed(write(row("8", "LAMP", 1), row("9", "LAMP", 1), row("8", "LAMP", 3)))

    assert counts(report) == {"sale": (3, 5)}
    assert set(Order.objects.values_list("channel_ref", flat=True)) == {"8", "9", "8~2"}
    assert sellable(lamp) == 95


def test_an_invoice_longer_than_an_order_may_be_becomes_several(lamp, web, write):
    report = feed(write(*(row("8", "LAMP", 1) for _ in range(502)), row("8", "POST", 1, "9.00")), make_items=True)

    assert counts(report) == {"sale": (502, 502), "ignored": (1, 1)}
    assert dict(Order.objects.values_list("channel_ref", "shipping_total")) == {"8": 9, "8+2": 0}
    assert Stock.objects.get(pk=lamp.pk).sellable == 0
    assert not [found.invariant.name for found in audit.audit() if found.broken]


def test_accounts_entries_are_no_sales(lamp, web, write):
    report = feed(write(row("A563185", "B", 1, "11062.06", ""), row("A563186", "B", 1, "-11062.06", "")))

    assert counts(report) == {"ignored": (2, 2)}
    assert set(InboundMessage.objects.values_list("status", flat=True)) == {"IGNORED"}


def test_a_channel_without_a_place_takes_sales_but_no_returns(write, lamp):
    Channel.objects.create(code="shop", name="Shop", currency="GBP")

    report = feed(write(row("1", "LAMP", 1), row("C2", "LAMP", -1)), channel="shop")

    assert counts(report) == {"sale": (1, 1), "case": (1, -1)}
    assert sellable(lamp) == 100
    assert "which place it sells from" in InboundMessage.objects.get(status="FAILED").reason


def test_the_report_stays_with_its_job_and_is_told_to_people(lamp, web, write):
    out = StringIO()
    call_command("ingest", "sales", str(write(row("1", "LAMP", 1))), channel="web", stdout=out, stderr=StringIO())

    assert "the report adds up" in out.getvalue()
    assert "sale" in out.getvalue()
    job = Job.objects.get()
    assert (job.status, job.done, job.result["sale"]) == ("DONE", 1, {"rows": 1, "units": 1})


@pytest.mark.parametrize("channel", ["nowhere"])
def test_wrong_usage_feeds_nothing(web, write, channel: str, tmp_path):
    for path, code in ((write(row("1", "LAMP", 1)), channel), (tmp_path / "missing.csv", "web")):
        with pytest.raises(CommandError) as refused:
            feed(path, channel=code)
        assert refused.value.returncode == 2
    assert not InboundMessage.objects.exists()


def test_the_rules_of_sorting_are_one_place():
    body = "\n".join(
        (HEADER, row("1", "LAMP", 1), row("1", "POST", 1), row("1", "LAMP", -1), row("1", "LAMP", 0))
    ).encode()

    kinds = [each.kind for each in reading.read(body, SalesMapping(currency="GBP")).rows]

    assert kinds == ["sale", "charge", "return", "ignored"]
