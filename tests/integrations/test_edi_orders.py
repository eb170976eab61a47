"""Purchase orders by EDI: to the cent, once, and the same whatever comes first."""

from __future__ import annotations

import itertools
import json
from datetime import date
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command

from integrations.channels.edi import translate
from integrations.channels.edi.terms import EdiTerms
from integrations.channels.meaning import AmendOrder, ClaimNumber, Meaning, PlaceOrder, SetAside
from integrations.failures import Unreadable
from integrations.models import Connection, DocumentNumber, InboundMessage
from orders.canonical import IncomingOrder, totals_problem
from orders.models import Order
from tests.integrations.conftest import SAMPLES, connect

FIXTURES = Path(translate.__file__).parent / "fixtures"
TERMS = EdiTerms(currency="USD", zone=ZoneInfo("America/New_York"), accounts={"HS": "HARBOUR"})


def read(name: str) -> str:
    return (FIXTURES / name).read_bytes().decode("latin-1")


def meaning(text: str, terms: EdiTerms = TERMS) -> Meaning:
    return translate.understand("", text.encode("latin-1"), terms)


def orders(text: str, terms: EdiTerms = TERMS) -> list[IncomingOrder]:
    return [act.order for act in meaning(text, terms).acts if isinstance(act, PlaceOrder)]


def test_a_purchase_order_is_taken_to_the_cent():
    (order,) = orders(read("850.edi"))
    assert order.ship_to
    assert order.buyer

    # 24 at 49.00 a dozen are 98.00: what four places make too much of a piece is the line's discount.
    assert [(line.ref, line.sku, line.title, line.quantity, line.unit_price, line.discount_total) for line in order.lines] == [
        ("1", "LAMP-1", "DESK LAMP", 7, Decimal("12.5"), Decimal("3.5")),
        ("2", "SHADE-2", "SHADE, LINEN", 24, Decimal("4.0834"), Decimal("0.0016")),
    ]  # fmt: skip
    assert (order.channel_ref, order.number, order.po_number) == ("PO-7001",) * 3
    assert (order.total, order.shipping_total, order.tax_total) == (Decimal("198.12"), Decimal(15), Decimal("6.12"))
    assert totals_problem(order) == []
    assert (order.account, order.payment_terms, order.requested_ship_on) == ("HARBOUR", "NET30", date(2026, 3, 5))
    assert (order.ship_to.company, order.ship_to.line1, order.ship_to.line2) == (
        "HARBOUR DC 4", "12 QUAY ROAD", "DOCK 7",
    )  # fmt: skip
    assert (order.ship_to.country, order.ship_to.name, order.buyer.ref) == ("US", "ANA REYES", "HS")
    assert order.placed_at.isoformat() == "2026-03-01T05:00:00+00:00"  # the day began at midnight in New York
    assert order.note.splitlines() == ["Line 2: PACK FLAT", "Cancel after 2026-03-20."]
    assert order.tags == ("DP 021",)


def test_an_edifact_order_is_taken_to_the_cent():
    (order,) = orders(read("orders.edi"))
    assert order.ship_to

    assert [(line.sku, line.title, line.quantity, line.unit_price, line.discount_total) for line in order.lines] == [
        ("STIFT-9", "FASERSTIFTSCHWARZ", 40, Decimal("0.75"), None),
        ("4006381333948", "4006381333948", 10, Decimal("1.2"), Decimal(2)),
    ]
    assert (order.channel_ref, order.currency, order.total) == ("B-900+1", "EUR", Decimal("52.50"))
    assert (order.shipping_total, totals_problem(order)) == (Decimal("12.50"), [])
    assert (order.ship_to.company, order.ship_to.city, order.ship_to.name) == ("KAUFHAUS MÜLLER", "KÖLN", "Frau O'Neil")
    assert (order.ship_to.phone, order.ship_to.country) == ("+49221555", "DE")
    assert order.note == "Bitte an Rampe 3\nDeliver on 2026-03-09."


TRADACOMS = (
    "STX=ANA:1+5000000000000:SHOPS LTD+5010000000000:US+260302:130233+000007++ORDHDR'MHD=1+ORDHDR:9'TYP=0430+NEW-ORDERS'"
    "SDT=5010000000000'CDT=5000000000000:S1+SHOPS LTD'FIL=1630+1+260302'MTR=6'MHD=2+ORDERS:9'"
    "CLO=5000000000283:89828+EAST DEPOT+UNIT 5:LEEDS:::LS1 5HD'ORD=70970::260301'DIN=260321++0000'"
    "OLD=1+5010210000000:ROLL-4++:00893592+12+60+12500+++CRUSTY ROLLS:4 PACK'OTR=1'MTR=7'"
    "MHD=3+ORDTLR:9'OFT=1'MTR=3'END=3'"
)


def test_a_tradacoms_file_of_orders_is_taken_to_the_penny():
    (order,) = orders(TRADACOMS, EdiTerms(currency="GBP"))

    assert [(line.sku, line.title, line.quantity, line.unit_price) for line in order.lines] == [
        ("ROLL-4", "CRUSTY ROLLS 4 PACK", 60, Decimal("1.25"))
    ]
    assert (order.channel_ref, order.total, order.note) == ("70970", Decimal(75), "Deliver on 2026-03-21.")
    assert order.ship_to
    assert (order.ship_to.company, order.ship_to.line1, order.ship_to.postal_code) == (
        "EAST DEPOT",
        "UNIT 5",
        "LS1 5HD",
    )
    assert "file of invoices" in meaning(TRADACOMS.replace("1+ORDHDR:9", "1+INVFIL:9")).ignored


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("MTR=7", "MTR=8", "segment 14 MTR: counts 8 segments, there are 7"),
        ("END=3", "END=2", "counts 2 messages, there are 3"),
        ("END=3'", "", "breaks off before its END"),
        ("OTR=1", "OTR=2", "counts 2 lines, there are 1"),
        ("OFT=1", "OFT=3", "counts 3 orders, there are 1"),
        ("+12500+", "+1,25+", "should hold a price, holds '1,25'"),
        ("260301'DIN", "260231'DIN", "should hold a date, holds '260231'"),
        ("1+ORDHDR:9", "1+XXXHDR:9", "TRADACOMS has no file 'XXXHDR'"),
    ],
)
def test_what_can_not_be_right_in_tradacoms_is_named_by_its_segment(old: str, new: str, words: str):
    with pytest.raises(Unreadable) as refused:
        meaning(TRADACOMS.replace(old, new))

    assert words in str(refused.value)


def test_an_order_spread_over_shops_is_one_order_for_each_shop():
    first, second = orders(read("850_shops.edi"))

    assert (first.channel_ref, second.channel_ref, first.po_number) == ("PO-7002/0015", "PO-7002/0022", "PO-7002")
    assert [(line.sku, line.quantity) for line in first.lines] == [("LAMP-1", 6), ("SHADE-2", 5)]
    assert [(line.sku, line.quantity) for line in second.lines] == [("LAMP-1", 4)]
    # Freight of 10.00 by the goods' value, 28 to 12.
    assert (first.shipping_total, second.shipping_total) == (Decimal(7), Decimal(3))
    assert (first.total, second.total) == (Decimal(35), Decimal(15))
    assert first.ship_to
    assert first.ship_to.company == "0015"


def test_goods_for_shops_that_go_to_one_place_stay_one_order():
    place = "N1*ST*DC 4*92*DC4~\nN3*12 QUAY ROAD~\nN4*PORTLAND*OR*97201~\nPO1*1*10"
    text = read("850_shops.edi").replace("PO1*1*10", place).replace("SE*10*", "SE*13*")

    (order,) = orders(text)

    assert order.ship_to
    assert [(line.ref, line.title, line.quantity) for line in order.lines] == [
        ("1/0015", "(for 0015)", 6), ("1/0022", "(for 0022)", 4), ("2/0015", "(for 0015)", 5),
    ]  # fmt: skip
    assert (order.channel_ref, order.total, order.ship_to.line1) == ("PO-7002", Decimal(50), "12 QUAY ROAD")


def test_a_depositors_shipping_order_is_worth_nothing_here():
    (order,) = orders(read("940.edi"))

    assert order.ship_to
    assert (order.channel_ref, order.total, order.ship_to.company) == ("DEP-55", Decimal(0), "CORNER SHOP")
    assert [(line.ref, line.sku, line.quantity) for line in order.lines] == [("1", "LAMP-1", 12), ("2", "SHADE-2", 3)]
    assert "Line 1 is ordered by CA." in order.note


def test_settings_say_which_number_is_ours_and_what_a_case_holds():
    terms = EdiTerms(currency="USD", codes=("UP", "IN"), units={"EA": 1, "CA": 6})

    (order,) = orders(read("850.edi").replace("*7*EA*12.5", "*7*CA*12.5"), terms)

    assert [(line.sku, line.quantity, line.unit_price) for line in order.lines] == [
        ("036000291452", 42, Decimal("2.0834")), ("88121", 24, Decimal("4.0834")),
    ]  # fmt: skip
    assert totals_problem(order) == []


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        ("850.edi", "CTT*2*31", "CTT*3*31", "segment 25 CTT01: counts 3 lines, there are 2"),
        ("850.edi", "CTT*2*31", "CTT*2*30", "adds the quantities up to 30, they make 31"),
        ("850.edi", "*7*EA*", "*7.5*EA*", "segment 17 PO102: should be a whole number of units, is '7.5'"),
        ("850.edi", "*7*EA*", "*-7*EA*", "should be a whole number of units"),
        ("850.edi", "*7*EA*", "*7*Q9*", "is ordered by a unit nobody knows, 'Q9'"),
        ("850.edi", "*12.5*CT", "*12,5*CT", "should be a number, is '12,5'"),
        ("850.edi", "*12.5*CT", "*12.5*PP", "states the price of another unit than EA"),
        ("850.edi", "*12.5*CT", "*12.5*Q!", "is no basis of a price Backroom knows"),
        ("850.edi", "CUR*BY*USD", "CUR*BY*US", "should be a currency of ISO 4217, is 'US'"),
        ("850.edi", "DTM*037*20260305", "DTM*037*20260231", "should be a date, is '20260231'"),
        ("850.edi", "BEG*00", "BEG*99", "segment 4 BEG01: is no purpose of a document Backroom knows"),
        ("850.edi", "BEG*00*NE", "BEG*00*TR", "segment 4 BEG02: is no type of an order Backroom knows: 'TR'"),
        ("850.edi", "PO-7001**20260301", "**20260301", "BEG03: names no purchase order"),
        ("850.edi", "SAC*C*D240", "SAC*D*D240", "should be A or C, is 'D'"),
        ("850_shops.edi", "0022*4", "0022*5", "orders 10, its shops 11 together"),
        ("940.edi", "W76*15", "W76*16", "adds the quantities up to 16, they make 15"),
        ("orders.edi", "CNT+2:2", "CNT+2:3", "counts 3 lines, there are 2"),
        ("orders.edi", "QTY+21:40:PCE", "QTY+21:40:QQQ", "is ordered by a unit nobody knows, 'QQQ'"),
        ("orders.edi", "137:20260301:102", "137:202603:610", "in a form Backroom doesn't read, '610'"),
        ("orders.edi", "+1+9'", "+1+99'", "has no function of a document Backroom knows: '99'"),
    ],
)
def test_what_can_not_be_meant_is_named_by_its_element(name: str, old: str, new: str, words: str):
    text = read(name)
    assert old in text

    with pytest.raises(Unreadable) as refused:
        meaning(text.replace(old, new, 1))

    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("BEG*00", "BEG*22", "purchase order PO-7001 is only an information copy"),
        ("BEG*00*NE", "BEG*00*BE", "is only a blanket order with estimated quantities"),
        ("BEG*00*NE", "BEG*00*KB", "is only an agreement, no order"),
    ],
)
def test_what_orders_nothing_is_left_with_its_reason(old: str, new: str, words: str):
    assert words in meaning(read("850.edi").replace(old, new)).ignored


def test_what_has_no_amount_leaves_the_total_open():
    text = read("850.edi").replace("AMT*TT*198.12~\n", "").replace("SE*25", "SE*24")
    (reckoned,) = orders(text)
    (silent,) = orders(text.replace("*12.5*CT", "**"))
    (percentage,) = orders(text.replace("C310***500", "C310****3*5"))

    assert reckoned.total == Decimal("198.12")
    assert silent.total is None
    assert percentage.total is None
    assert "an allowance without its amount" in percentage.note


# --- Through the inbox


@pytest.fixture
def b2b(db: None) -> Connection:
    return edi("b2b")


def edi(code: str) -> Connection:
    return Connection.objects.create(
        code=f"edi-{code}", name="Harbour", kind="CHANNEL", vendor="edi", channel=connect(code).channel
    )


def ingest(*files: Path | str, channel: str = "b2b") -> list[dict[str, Any]]:
    out = StringIO()
    paths = [str(FIXTURES / name) if isinstance(name, str) else str(name) for name in files]
    call_command("ingest", "edi", *paths, "--channel", channel, "--json", stdout=out, stderr=StringIO())
    return [json.loads(line) for line in out.getvalue().splitlines()]


def stands(channel: str, number: str = "PO-7001") -> tuple[Any, ...]:
    order = Order.objects.get(channel__code=channel, channel_ref=number)
    lines = order.lines.order_by("ref").values_list("ref", "sku", "ordered", "cancelled", "unit_price")
    return order.status, order.total, [(*line[:4], str(line[4])) for line in lines if line[2]]


def test_changes_end_the_same_in_whatever_order_they_come_and_twice_is_once(b2b: Connection):
    files = ("850.edi", "860.edi")
    for n, order in enumerate(itertools.permutations(files)):
        edi(f"c{n}")
        for name in order:
            ingest(name, channel=f"c{n}")
            ingest(name, channel=f"c{n}")

        # 5 lamps less 3.50, two bulbs, freight and allowance; the shades took their tax with them.
        assert stands(f"c{n}") == (
            "RECEIVED", Decimal("85.00"),
            [("1", "LAMP-1", 5, 0, "12.5000"), ("3", "BULB-3", 2, 0, "8.0000")],
        )  # fmt: skip
    ingest("850.edi", "860.edi", "860_cancel.edi")
    assert stands("b2b")[0] == "CANCELLED"
    assert {each["outcome"] for each in ingest("850.edi", "860.edi", "860_cancel.edi")} == {"duplicate"}


def test_an_edifact_change_takes_lines_off(b2b: Connection):
    ingest("ordchg.edi", "orders.edi")

    status, _, lines = stands("b2b", "B-900+1")
    assert status == "RECEIVED"
    assert [(line[1], line[2] - line[3]) for line in lines] == [("STIFT-9", 30)]


def test_an_increase_that_lowers_is_refused_with_the_setting_that_explains_it(b2b: Connection, tmp_path: Path):
    ingest("850.edi")
    wrong = tmp_path / "860.edi"
    wrong.write_text(read("860.edi").replace("POC*1*QD*5", "POC*1*QI*5"))

    (found,) = ingest(wrong)

    assert found["outcome"] == "failed"
    assert 'raises line 1 to 5, 7 are ordered; where it means by how many, set "change_quantities"' in found["reason"]
    b2b.settings = {"change_quantities": "difference"}
    b2b.save()
    message = InboundMessage.objects.get(status="FAILED")
    call = translate.understand("", bytes(message.body), EdiTerms(currency="USD", differences=True))
    (change,) = (act for act in call.acts if isinstance(act, AmendOrder))
    (order,) = change.orders([read("850.edi").encode()])
    assert order.lines[0].quantity == 12


def test_a_repeated_control_number_is_the_same_document_or_refused(b2b: Connection, tmp_path: Path):
    text = read("850.edi")
    again, other = tmp_path / "again.edi", tmp_path / "other.edi"
    again.write_text(text.replace("~\n", "~\r\n\r\n") + "\x1a")
    other.write_text(text.replace("PO-7001", "PO-9999"))

    first, second, third = ingest("850.edi", again, other)

    assert [each["outcome"] for each in (first, second, third)] == ["processed", "duplicate", "failed"]
    assert "its sender used this number before, for other contents" in third["reason"]
    assert InboundMessage.objects.get(status="FAILED").failure_class == "duplicate"
    assert (Order.objects.count(), DocumentNumber.objects.count()) == (1, 1)


def test_every_set_of_a_file_has_its_own_outcome(b2b: Connection, tmp_path: Path):
    whole = tmp_path / "two.edi"
    bad = read("850_shops.edi").replace("SE*10*", "SE*11*")
    whole.write_text(read("850.edi") + bad + read("940.edi"))
    parts = translate.understand("", whole.read_bytes(), TERMS).acts
    assert [type(act) for act in parts] == [SetAside] * 3

    (found,) = ingest(whole)

    assert [each["outcome"] for each in found["deliveries"]] == ["processed", "failed", "processed"]
    assert "counts 11 segments, there are 10" in found["deliveries"][1]["reason"]
    assert set(Order.objects.values_list("channel_ref", flat=True)) == {"PO-7001", "DEP-55"}
    (again,) = ingest(whole)
    assert (again["outcome"], Order.objects.count()) == ("duplicate", 2)


SAMPLE_FILES = [*sorted(SAMPLES.glob("edi/*")), *sorted(SAMPLES.glob("malformed/edi*"))]
# What is truly wrong in a file: it may be refused, and for this.
DEFECTS = {
    "edifact_desadv_abridged_wrong_unt_count.edi": "counts 78 segments, there are 29",
    "net_edifact.Issue203.edi": "counts 13 segments, there are 102",
    "net_edifact.ORDRSP.edi": "is no segment of EDIFACT",
    "net_x12.832.edi": "counts 17 segments, there are 12",
    "pydifact_order.edi": "breaks off before its UNZ trailer",
    "x12_ORD_180_FromLowes.edi": "0123456789",  # a return of an order nobody knows
    "x12_ORD_820_Example3_HomeDepot.edi": "ends group '44', '44 (Group Control Number)' is open",
    "x12_ORD_860_Example1.edi": "counts 10 segments, there are 9",
    "x12_WAR_940_simplot.edi": "ends group '940001777', '177818711' is open",
    "x12types_945_waqe.edi": "counts 12 segments, there are 16",
}


@pytest.mark.skipif(not SAMPLE_FILES, reason="no public samples here")
def test_every_sample_is_processed_left_with_a_reason_or_refused_for_its_own_defect(b2b: Connection):
    found = ingest(*SAMPLE_FILES)

    failed = {Path(each["file"]).name: each["reason"] for each in found if each["outcome"] == "failed"}
    assert failed.keys() == DEFECTS.keys()
    assert all(words in failed[name] for name, words in DEFECTS.items())
    assert all(each["reason"] for each in found)
    assert sum(each["outcome"] == "processed" for each in found) == 8  # six orders, two reports of stock
    assert {each["outcome"] for each in ingest(*SAMPLE_FILES)} == {"duplicate"}
    assert not [act for act in meaning(read("850.edi")).acts if not isinstance(act, ClaimNumber | PlaceOrder)]
