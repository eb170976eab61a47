"""What EDI partners are told beyond shipments and bills: EDIFACT's answers and stock, changes of orders, and on screen."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from core.errors import Permanent
from core.models import User
from integrations.channels.edi import acknowledging, selling, translate
from integrations.channels.news import ChangeNews, Wanted
from integrations.files import edifact
from integrations.models import OutgoingDocument
from inventory.models import ExpectedReceipt
from inventory.services.figures import Level
from orders.models import Order
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.integrations.test_edi_sent import comes, fixture, gateway, ordered, partner, sets  # noqa: F401  (a fixture)

pytestmark = pytest.mark.django_db
EDIFACT = {"standard": "edifact", "partner_id": "14:4012345500004", "our_id": "14:5410000000009"}


def messages(texts: Any) -> list[list[list[str]]]:
    """Of each message its segments between UNH and UNT, as tag and first components."""
    found = []
    for text in texts:
        (read,) = edifact.interchanges(text.encode("latin-1"))
        assert read.fault is None
        (message,) = read.messages
        assert message.fault is None
        found.append([[segment.name, *(segment.get(n) for n in (1, 2, 3))] for segment in message.segments[1:-1]])
    return found


def test_an_edifact_order_is_answered_once_and_so_is_its_change(gateway: SimpleNamespace):  # noqa: F811
    connection = partner(gateway, **EDIFACT, send=["ORDRSP"])
    place = LocationFactory()
    for gtin, units in (("4006381333931", 100), ("4006381333948", 4)):
        StockFactory(item=ItemFactory(sku=gtin, gtin=gtin), location=place, sellable=units)
    assert comes(connection, fixture("orders.edi")).status == "PROCESSED"
    order = Order.objects.get()
    Order.objects.update(status="ACCEPTED")

    for _ in range(2):
        selling.acknowledge_orders(connection, "")
    change = ChangeNews(order.channel_ref, ({"edit": "quantity"},), (Wanted("1", "", 30), Wanted("2", "", 0)), "CH-1")
    told = [selling.tell_change(connection, change, None) for _ in range(2)]  # type: ignore[arg-type]

    answer, changed = messages(gateway.taken.values())
    assert told == ["It is told as ORDRSP 2."] * 2
    assert next(row[:3] for row in answer if row[0] == "BGM") == ["BGM", "231", order.number]
    assert next(row for row in answer if row[0] == "RFF")[:2] == ["RFF", "ON"]
    assert [row[3] for row in changed if row[0] == "BGM"] == ["4"]
    assert [row[2] for row in changed if row[0] == "LIN"] == ["3", "7"]
    assert OutgoingDocument.objects.count() == 2


def test_an_edifact_partner_hears_of_stock(gateway: SimpleNamespace):  # noqa: F811
    connection = partner(gateway, **EDIFACT)
    levels = [Level(1, ("LAMP-1",), "", {"": 12}), Level(2, ("SHADE-2",), "", {"LEEDS": 3, "YORK": -1})]

    for _ in range(2):
        selling.set_levels(connection, levels, "batch-1")

    (rows,) = messages(gateway.taken.values())
    assert rows[0] == ["BGM", "35", "batch-1", "9"]
    assert [row[1] for row in rows if row[0] == "LOC"] == ["18", "18"]
    assert sum(row[0] == "QTY" for row in rows) == 3
    connection.settings["send"] = ["DESADV"]
    with pytest.raises(Permanent, match="takes no INVRPT"):
        selling.set_levels(connection, levels, "batch-2")


def test_a_change_goes_out_as_865_and_what_it_can_t_say_is_told_by_hand(gateway: SimpleNamespace):  # noqa: F811
    connection = partner(gateway)
    order = ordered(connection)
    wanted = (Wanted("1", "LAMP-1", 5), Wanted("2", "SHADE-2", 0))

    for _ in range(2):
        selling.tell_change(connection, ChangeNews(order.channel_ref, ({"edit": "quantity"},), wanted, "CH-1"), None)  # type: ignore[arg-type]
    with pytest.raises(Permanent, match="by hand"):
        selling.tell_change(connection, ChangeNews(order.channel_ref, ({"edit": "address"},), wanted, "CH-2"), None)  # type: ignore[arg-type]

    (text,) = gateway.taken.values()
    (rows,) = sets(text)
    assert rows[0][:3] == ("BCA", "04", "AC")
    assert [row[2:5] for row in rows if row[0] == "POC"] == [("QD", "7", "5"), ("DI", "24", "0")]


def test_goods_a_supplier_advises_by_desadv_are_expected_once(gateway: SimpleNamespace):  # noqa: F811
    connection = partner(gateway)
    connection.kind, connection.channel, connection.code = "SUPPLIER", None, "mill"
    connection.save()
    dock = LocationFactory(code="DOCK", gln="5410000000016")
    item = ItemFactory(sku="SKU-1", gtin="4006381333931")
    text = (
        "UNA:+.? '\nUNB+UNOC:3+4012345500004:14+5410000000009:14+260302:0900+D1'\nUNH+1+DESADV:D:96A:UN:EAN005'\n"
        "BGM+351+ADV-7+9'\nDTM+137:20260302:102'\nDTM+132:20260310:102'\nRFF+ON:PO-4711'\nNAD+DP+5410000000016::9'\n"
        "CPS+1'\nLIN+1++4006381333931:EN'\nQTY+12:24:PCE'\nCNT+2:1'\nUNT+11+1'\nUNZ+1+D1'"
    )

    first = comes(connection, text, name="1")

    assert (first.status, first.reason) == ("PROCESSED", "24 units are expected by 2026-03-10")
    (row,) = ExpectedReceipt.objects.all()
    assert (row.item_id, row.location_id, row.quantity) == (item.pk, dock.pk, 24)


def test_documents_stand_on_screen_with_what_became_of_them(gateway: SimpleNamespace, query_count: Any):  # noqa: F811
    connection = partner(gateway)
    selling.set_levels(connection, [Level(1, ("LAMP-1",), "", {"": 12})], "batch-1")
    user = User.objects.create_user(email="edi@example.com", password="x")
    user.user_permissions.set(Permission.objects.filter(codename="view_connection"))
    client = Client()
    client.force_login(user)
    where = f"/ops/links/{connection.pk}/documents"
    made = OutgoingDocument.objects.get()

    query_count("edi-documents", lambda: client.get(where))
    assert "846 1" in client.get(where).content.decode()
    assert "No such document" in client.get(f"{where}?state=refused").content.decode()
    assert client.get(f"/ops/documents/{made.pk}").status_code == 403
    user.user_permissions.set(Permission.objects.filter(codename__in=("view_connection", "see_message_payload")))
    client.force_login(user)
    assert "LAMP-1" in client.get(f"/ops/documents/{made.pk}").content.decode()
    assert "Documents sent" in client.get(f"/ops/links/{connection.pk}").content.decode()


@pytest.mark.parametrize(
    ("old", "new", "segment", "code"),
    [
        ("UNZ+1+", "UNZ+3+", "UCI", "29"),
        ("UNT+", "UNT+9", "UCM", "29"),
        ("+1'\nUNZ", "+8'\nUNZ", "UCM", "28"),
        ("UNZ+1+B1'", "", "UCI", "13"),
        ("ORDERS:D", "ORDERZ:D", "UCM", "17"),
        ("UNOC:3", "UNOA:3", "UCI", "21"),
    ],
)
def test_each_wrong_envelope_of_edifact_is_refused_by_its_own_code(
    gateway: SimpleNamespace,  # noqa: F811
    old: str, new: str, segment: str, code: str,
):  # fmt: skip
    connection = partner(gateway, **EDIFACT, send=["CONTRL"])
    text = fixture("orders.edi")
    assert old in text
    comes(connection, text.replace(old, new).replace("NAD+BY", "FTX+AAI+++é'\nNAD+BY" if code == "21" else "NAD+BY"))

    acknowledging.acknowledge(connection, "")

    (answer,) = gateway.taken.values()
    (read,) = edifact.interchanges(answer.encode("latin-1"))
    place = {"UCI": 5, "UCM": 4}[segment]
    assert [(row.get(place - 1), row.get(place)) for row in read.segments if row.name == segment] == [("4", code)]


def test_what_comes_by_edifact_is_acknowledged_message_by_message(gateway: SimpleNamespace):  # noqa: F811
    connection = partner(gateway, **EDIFACT, send=["CONTRL"])
    good = fixture("orders.edi")
    bad = good.replace("+B1'", "+B2'").replace("QTY+21:40:PCE", "QTY+21:many:PCE")

    comes(connection, good, name="1")
    comes(connection, bad, name="2")
    cursor = acknowledging.acknowledge(connection, "").cursor
    acknowledging.acknowledge(connection, "")

    taken, refused = messages(gateway.taken.values())
    assert [row[0] for row in taken] == ["UCI", "UCM"]
    assert [row[3] for row in taken if row[0] == "UCM"] == ["7"]
    assert [row[3] for row in refused if row[0] == "UCM"] == ["4"]
    assert next(row for row in refused if row[0] == "UCS")[2] == "12"
    assert acknowledging.acknowledge(connection, cursor).documents == ()
    (ours,) = (each for each in gateway.taken.values() if "UCM+1+ORDERS:D:96A:UN:EAN008+7" in each)
    assert "UCI+B1+4012345500004:14+5410000000009:14+7" in ours
    # A partner that acknowledges ours is not acknowledged in turn.
    theirs = ours.replace(
        "UNB+UNOC:3+5410000000009:14+4012345500004:14", "UNB+UNOC:3+4012345500004:14+5410000000009:14"
    )
    comes(connection, theirs, name="3")
    acknowledging.acknowledge(connection, cursor)
    assert OutgoingDocument.objects.count() == 2


def judged(said: str) -> Any:
    head, tail = "UNB+UNOC:3+4012345500004:14+5410000000009:14+260302:0900+C1'\n", "UNZ+1+C1'"
    body = f"{head}UNH+1+CONTRL:D:3:UN'\n{said}UNT+{said.count(chr(39)) + 2}+1'\n{tail}"
    return translate.understand("", body.encode())


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        ("UCI+7+A:14+B:14+7'", "ACCEPTED"),
        ("UCI+7+A:14+B:14+1'", "ACCEPTED"),
        ("UCI+7+A:14+B:14+2'UCM+1+DESADV:D:96A:UN+2'", "ERRORS"),
        ("UCI+7+A:14+B:14+4+23+UNB'", "REFUSED"),
        ("UCI+7+A:14+B:14+6'", "REFUSED"),
        ("UCI+7+A:14+B:14+7'UCF+1+A+B+4+29'", "REFUSED"),
        ("UCI+7+A:14+B:14+7'UCM+1+DESADV:D:96A:UN+4'UCS+3+13'", "REFUSED"),
    ],
)
def test_each_action_of_a_contrl_is_taken_as_the_standard_means_it(said: str, verdict: str):
    (act,) = judged(said).acts[-1:]

    assert (act.number, act.verdict) == (7, verdict)


def test_a_mere_receipt_is_no_verdict():
    assert "what it makes of it follows" in judged("UCI+7+A:14+B:14+8'").ignored


def test_a_999_says_in_words_where_the_document_is_wrong():
    (_, act) = translate.understand("", fixture("999.edi").encode()).acts

    assert (act.number, act.verdict) == (1, "REFUSED")
    assert act.words == (
        "segment 7 N102 hasn't the agreed form (I12), 'LEEDS'; segment 5 TD5 is missing (3); segments are in error (5); "
        "segments are in error for its implementation (I5); documents are miscounted (5)"
    )
