"""What partners are sent by EDI: one document, one number, to the cent, whatever is repeated."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Permanent, TryLater
from exceptions.models import Case
from integrations import inbox, outgoing
from integrations.channels.edi import acknowledging, selling, translate
from integrations.channels.edi.billing import Bill, Item, Whole, bill
from integrations.channels.edi.terms import EdiTerms
from integrations.channels.news import ShipmentNews
from integrations.files import edifact, x12
from integrations.models import Connection, OutgoingDocument
from integrations.suppliers import tasks
from inventory.models import ExpectedReceipt
from inventory.services.figures import Level
from orders.models import FulfilmentOrder, Order, Package, PartnerLink, PartnerRequest
from orders.services import fulfilment
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.factories.orders import incoming_line, place
from tests.integrations.conftest import connect

FIXTURES = Path(translate.__file__).parent / "fixtures"


class Gateway(BaseHTTPRequestHandler):
    """A value-added network's drop: it takes what is posted, once under its key, or answers as it is told to."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        box = self.server.box  # type: ignore[attr-defined]
        status = box.answers.pop(0) if box.answers else 202
        if status in {202, 500}:  # the answer may be lost after it was taken
            box.taken.setdefault(self.headers["Idempotency-Key"], body.decode("latin-1"))
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def gateway() -> Iterator[SimpleNamespace]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
    box = SimpleNamespace(answers=[], taken={}, url=f"http://127.0.0.1:{server.server_port}/drop")
    server.box = box  # type: ignore[attr-defined]
    Thread(target=server.serve_forever, daemon=True).start()
    yield box
    server.shutdown()
    server.server_close()


def partner(gateway: SimpleNamespace, **settings: Any) -> Connection:
    said = {"send_url": gateway.url, "private_address_allowed": True, "our_id": "ZZ:BACKROOM",
            "partner_id": "08:6112390000"}  # fmt: skip
    channel = connect("b2b").channel
    assert channel
    channel.currency = "USD"
    channel.save()
    return Connection.objects.create(
        code="edi-b2b", name="Harbour", kind="CHANNEL", vendor="edi", channel=channel, settings=said | settings
    )


def comes(connection: Connection, text: str, *, name: str = "") -> inbox.Outcome:
    body = text.encode("latin-1")
    message, _ = inbox.accept(connection, external_id=name or text[-300:], headers={}, body=body, verdict="NONE")
    return inbox.process(message)


def fixture(name: str) -> str:
    return (FIXTURES / name).read_bytes().decode("latin-1")


def sets(text: str) -> list[list[tuple[str, ...]]]:
    return [[segment.elements for segment in each.segments[1:-1]] for each in x12.transactions(text.encode())]


def ordered(connection: Connection) -> Order:
    here = LocationFactory()
    for sku in ("LAMP-1", "SHADE-2"):
        StockFactory(item=ItemFactory(sku=sku), location=here, sellable=100)
    assert comes(connection, fixture("850.edi")).status == "PROCESSED"
    return Order.objects.get()


def news(order: Order, lamps: int, shades: int, n: int) -> ShipmentNews:
    lines = tuple((ref, units) for ref, units in (("1", lamps), ("2", shades)) if units)
    return ShipmentNews(order.channel_ref, f"{order.number}-{n}", lines, "UPS", f"1Z{n}")


@pytest.mark.django_db
def test_shipments_are_noticed_and_billed_once_and_together_come_to_the_orders_total(gateway: SimpleNamespace):
    connection = partner(gateway)
    order = ordered(connection)
    first, second = news(order, 3, 10, 1), news(order, 4, 14, 2)

    told = selling.tell_shipment(connection, first)
    assert selling.tell_shipment(connection, first) == told == "856 1, 810 2"
    gateway.answers = [500]
    with pytest.raises(TryLater):
        selling.tell_shipment(connection, second)
    selling.tell_shipment(connection, second)

    assert sorted(gateway.taken) == [f"edi-b2b-{n}" for n in (1, 2, 3, 4)]
    texts = [gateway.taken[f"edi-b2b-{n}"] for n in (1, 2, 3, 4)]
    bills = [OutgoingDocument.objects.get(number=n).facts["total"] for n in (2, 4)]
    assert sum(map(Decimal, bills), Decimal(0)) == order.total == Decimal("198.12")
    for text in texts:  # whoever reads them finds nothing to object to, the invoice's sum least of all
        translate.understand("", text.encode(), EdiTerms(currency="USD"))
    notice, invoice = sets(texts[0])[0], sets(texts[1])[0]
    assert ("PRF", "PO-7001", "", "", "20260301") in notice
    assert ("LIN", "1", "UP", "036000291452", "VN", "LAMP-1", "SK", "88120") in notice
    assert notice[-1] == ("CTT", "4", "13")
    assert invoice[0][2:5:2] == (f"{order.number}-1", "PO-7001")
    assert ("ITD", "05", "3", "", "", "", "", "30") in invoice
    header = x12.interchanges(texts[0].encode())[0]
    assert (header.sender, header.receiver, header.control) == ("BACKROOM", "6112390000", "000000001")


@pytest.mark.django_db
def test_parcels_stand_in_the_notice_with_their_sscc(gateway: SimpleNamespace):
    connection = partner(gateway, send=["856"])
    order = ordered(connection)
    fulfilment.create(order.pk)
    job = FulfilmentOrder.objects.get()
    Package.objects.create(fulfilment=job, sequence=1, sscc="340123450000000018", weight_grams=4536)

    selling.tell_shipment(connection, ShipmentNews(order.channel_ref, job.number, (("1", 7), ("2", 24)), "UPS", "1Z"))

    (notice,) = sets(next(iter(gateway.taken.values())))
    levels = [row[1:4] for row in notice if row[0] == "HL"]
    assert levels == [("1", "", "S"), ("2", "1", "O"), ("3", "2", "P"), ("4", "3", "I"), ("5", "3", "I")]
    assert ("MAN", "GM", "00340123450000000018") in notice
    assert ("TD1", "CTN", "1", "", "", "", "G", "10", "LB") in notice


@pytest.mark.django_db
def test_an_edifact_partner_gets_desadv_and_invoic(gateway: SimpleNamespace):
    connection = partner(gateway, standard="edifact", partner_id="14:4012345500004", our_id="14:5410000000009")
    assert comes(connection, fixture("orders.edi")).status == "PROCESSED"
    order = Order.objects.get()

    selling.tell_shipment(
        connection, ShipmentNews("B-900+1", f"{order.number}-1", (("1", 40), ("2", 10)), "DHL", "JD1")
    )

    documents = list(OutgoingDocument.objects.order_by("number"))
    assert [each.kind for each in documents] == ["DESADV", "INVOIC"]
    assert documents[1].facts["total"] == "52.50"
    for each in documents:
        (read,) = edifact.interchanges(each.text.encode("latin-1"))
        assert read.fault is None
        assert read.messages[0].fault is None
        translate.understand("", each.text.encode("latin-1"))
    words = [(segment.name, segment.get(1), segment.get(1, 1)) for segment in read.messages[0].segments]
    assert {("MOA", "77", "52.5"), ("MOA", "79", "40"), ("RFF", "ON", "B-900+1")} <= set(words)


@pytest.mark.django_db
def test_orders_taken_on_are_answered_once(gateway: SimpleNamespace):
    connection = partner(gateway)
    order = ordered(connection)

    selling.acknowledge_orders(connection, "")
    selling.acknowledge_orders(connection, "")

    (text,) = gateway.taken.values()
    (answer,) = sets(text)
    assert order.status == "ACCEPTED"
    assert answer[0][:4] == ("BAK", "00", "AD", "PO-7001")
    assert [row[1:4] for row in answer if row[0] == "ACK"] == [("IA", "7", "EA"), ("IA", "24", "EA")]


@pytest.mark.django_db
def test_what_came_is_acknowledged_set_by_set_with_the_element_that_was_refused(gateway: SimpleNamespace):
    connection = partner(gateway, send=["997"])
    bad = fixture("850_shops.edi").replace("*10*EA*3**", "*ten*EA*3**")
    comes(connection, fixture("850.edi"))
    comes(connection, bad)
    comes(connection, fixture("860.edi").replace("SE*7*", "SE*9*"))

    page = acknowledging.acknowledge(connection, "")
    again = acknowledging.acknowledge(connection, "")

    assert page == again
    assert acknowledging.acknowledge(connection, page.cursor) == page
    accepted, refused, miscounted = (sets(text)[0] for text in gateway.taken.values())
    assert accepted == [("AK1", "PO", "101"), ("AK2", "850", "0001"), ("AK5", "A"), ("AK9", "A", "1", "1", "1")]
    assert refused == [
        ("AK1", "PO", "102"), ("AK2", "850", "0001"), ("AK3", "PO1", "5", "", "8"), ("AK4", "2", "", "6", "ten"),
        ("AK5", "R", "5"), ("AK9", "R", "1", "1", "0"),
    ]  # fmt: skip
    assert miscounted[2:] == [("AK5", "R", "4"), ("AK9", "R", "1", "1", "0")]


def repeated_set(text: str) -> str:
    start, end = text.index("ST*"), text.index("GE*")
    return text[:start] + text[start:end] * 2 + text[end:].replace("GE*1*", "GE*2*", 1)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("IEA*1*", "IEA*2*", ("TA1", "R", "021")),
        ("IEA*1*000000101~", "", ("TA1", "R", "023")),
        ("IEA*1*000000101~", "IEA*1*000000101~\nSE*1*9~", ("TA1", "R", "022")),
        ("GS*PO", "ST*850*0000~\nGS*PO", ("TA1", "R", "022")),
        ("ISA*00*", "ISA*00*", ("AK5", "A", "A")),
        ("GE*1*", "GE*4*", ("AK9", "R", "5")),
        ("GE*1*101", "GE*1*999", ("AK9", "R", "4")),
        ("GE*1*101~", "", ("AK9", "R", "3")),
        ("SE*25*0001~\n", "", ("AK5", "R", "2")),
        ("*850*0001", "*85A*0001", ("AK5", "R", "1")),
        ("BEG*00*", "REF*00*", ("AK3", "BEG", "3")),
        ("PO1*", "po1*", ("AK3", "po1", "1")),
        ("", "", ("AK5", "R", "23")),
    ],
)  # fmt: skip
def test_each_wrong_envelope_is_refused_by_its_own_code(gateway: SimpleNamespace, old: str, new: str, said: Any):
    connection = partner(gateway, send=["997"])
    whole = fixture("850.edi")
    assert old in whole
    comes(connection, whole.replace(old, new) if old else repeated_set(whole))

    acknowledging.acknowledge(connection, "")

    (answer,) = gateway.taken.values()
    told = [segment.elements for each in x12.interchanges(answer.encode()) for segment in each.segments]
    name, verdict, code = said
    assert [(row[4], row[5]) for row in told if row[0] == name == "TA1"] or name != "TA1"
    assert any(row[0] == name and verdict in row and row[-1] == code for row in told)
    assert not (name == "TA1" and any(row[0] == "GS" for row in told))


@pytest.mark.django_db
def test_an_interchange_number_used_again_for_something_else_is_refused_and_the_same_again_is_answered_once(
    gateway: SimpleNamespace,
):
    connection = partner(gateway, send=["997"])
    comes(connection, fixture("850.edi").replace("*0*P*", "*1*P*"), name="1")
    comes(connection, fixture("850.edi").replace("*0*P*", "*1*P*"), name="2")
    comes(connection, fixture("850.edi").replace("*0*P*", "*1*P*").replace("PO-7001", "PO-7002"), name="3")

    acknowledging.acknowledge(connection, "")

    told = [
        [segment.elements[4:6] for segment in each.segments if segment.name == "TA1"]
        for text in gateway.taken.values()
        for each in x12.interchanges(text.encode())
    ]
    assert sorted(filter(None, told)) == [[("A", "000")], [("R", "025")]]
    assert len(told) == 3  # both of them, and one 997


@pytest.mark.django_db
def test_a_trailer_that_names_another_interchange_is_taken_with_a_note_where_an_answer_is_asked_for(
    gateway: SimpleNamespace,
):
    connection = partner(gateway, send=["997"])
    comes(connection, fixture("850.edi").replace("*0*P*", "*1*P*").replace("IEA*1*000000101", "IEA*1*000000109"))

    acknowledging.acknowledge(connection, "")

    rows = [row.elements for text in gateway.taken.values() for row in x12.interchanges(text.encode())[0].segments]
    assert next(row[4:6] for row in rows if row[0] == "TA1") == ("E", "001")
    assert next(row[1] for row in rows if row[0] == "AK5") == "A"


def acknowledgement(verdict: str, group: int, control: int) -> str:
    text = fixture("860_cancel.edi").replace("*860*", "*997*").replace("GS*PC", "GS*FA").replace("104", str(control))
    lines = (
        f"AK1*SH*{group}~\nAK2*856*0001~\nAK3*PRF*9**8~\nAK4*1**7*PO-7001~\nAK5*{verdict}*5~\nAK9*{verdict}*1*1*0~\n"
    )
    start, end = text.index("BCH"), text.index("SE*4")
    return text[:start] + lines + text[end:].replace("SE*4*", "SE*8*")


def envelope(said: str) -> str:
    """An interchange of theirs that holds nothing but what it says of one of ours."""
    head, tail = fixture("850.edi").split("GS*")[0], "IEA*0*000000101~\n"
    return f"{head}TA1*{said}~\n{tail}"


@pytest.mark.django_db
def test_an_interchange_refused_as_a_whole_is_a_case_and_one_taken_waits_for_its_997(gateway: SimpleNamespace):
    connection = partner(gateway, send=["856"])
    selling.tell_shipment(connection, news(ordered(connection), 3, 10, 1))

    taken = comes(connection, envelope("000000001*260302*0900*A*000"), name="1")
    refused = comes(connection, envelope("000000001*260302*0900*R*009"), name="2")
    unknown = comes(connection, envelope("000000001*260302*0900*Q*000"), name="3")

    assert (taken.status, refused.status, unknown.status) == ("IGNORED", "PROCESSED", "FAILED")
    assert "what it makes of its documents follows" in taken.reason
    assert "is no verdict Backroom knows: 'Q'" in unknown.reason
    assert "the receiver is unknown (009)" in Case.objects.get(reason=outgoing.REASON).summary


@pytest.mark.django_db
def test_a_refused_document_is_a_case_until_a_later_one_is_accepted(gateway: SimpleNamespace):
    connection = partner(gateway, send=["856"])
    order = ordered(connection)
    selling.tell_shipment(connection, news(order, 3, 10, 1))

    refused = comes(connection, acknowledgement("R", 1, 501))
    unknown = comes(connection, acknowledgement("R", 77, 502))

    assert (refused.status, unknown.status) == ("PROCESSED", "IGNORED")
    case = Case.objects.get(reason=outgoing.REASON)
    assert case.is_open
    assert "segment 9 PRF01 is a code they don't know (7), 'PO-7001'" in case.summary
    selling.tell_shipment(connection, news(order, 4, 14, 2))
    comes(connection, acknowledgement("A", 2, 503))
    case.refresh_from_db()
    assert not case.is_open


@pytest.mark.django_db
def test_stock_goes_out_under_one_number_however_often_it_is_sent(gateway: SimpleNamespace):
    connection = partner(gateway)
    levels = [Level(1, ("LAMP-1",), "", {"": 12}), Level(2, ("SHADE-2",), "", {"LEEDS": 3, "YORK": -1})]

    for _ in range(2):
        assert [each.problem for each in selling.set_levels(connection, levels, "batch-1")] == ["", ""]

    (text,) = gateway.taken.values()
    (rows,) = sets(text)
    connection.settings["send"] = ["856"]
    with pytest.raises(Permanent, match="takes no 846"):
        selling.set_levels(connection, levels, "batch-2")
    assert [row[1:3] for row in rows if row[0] == "QTY"] == [("33", "12"), ("33", "3"), ("33", "0")]


@pytest.mark.django_db
def test_a_warehouse_is_asked_by_940_and_answers_by_945(gateway: SimpleNamespace):
    connection = partner(gateway)
    connection.kind, connection.channel, connection.code = "WMS", None, "third"
    connection.save()
    stock = StockFactory(
        item=ItemFactory(sku="SKU-1"), location=LocationFactory(code="third", kind="THIRD_PARTY", site=None)
    )
    PartnerLink.objects.create(location=stock.location, connection_code="third", account_ref="BR-1")
    order = place(incoming_line(quantity=2))
    fulfilment.create(order.pk)
    request = PartnerRequest.objects.select_related("fulfilment").get()
    document = tasks.document(request, "third")
    port = tasks.registry.port(connection)

    assert port.ask(document).status == port.ask(document).status == "received"
    advice = fixture("940.edi").replace("*940*", "*945*").replace("GS*OW", "GS*SW")
    start, end = advice.index("W05"), advice.index("SE*14")
    lines = f"W06*F*{request.fulfilment.number}*20260303*SHP9~\nW27*M*UPSN~\nN9*2I*1Z999~\nLX*1~\n"
    lines += "W12*CC*2*2*0*EA**VN*SKU-1~\nW03*2~\n"
    done = comes(connection, advice[:start] + lines + advice[end:].replace("SE*14*", "SE*8*"))

    (asked,) = (sets(text)[0] for text in gateway.taken.values())
    assert asked[0] == ("W05", "N", request.fulfilment.number, str(request.uid))
    assert ("W01", "2", "EA", "", "VN", "SKU-1") in asked
    assert asked[-1] == ("W76", "2")
    assert done.status == "PROCESSED", done.reason
    request.refresh_from_db()
    assert (request.status, request.fulfilment.shipment.tracking_number) == ("SHIPPED", "1Z999")


@pytest.mark.django_db
def test_a_suppliers_notice_of_goods_for_us_is_expected_once(gateway: SimpleNamespace):
    connection = partner(gateway)
    connection.kind, connection.channel, connection.code = "SUPPLIER", None, "mill"
    connection.save()
    dock = LocationFactory(code="DOCK", gln="0614141000012")
    item = ItemFactory(sku="SKU-1", gtin="036000291452")
    notice = fixture("940.edi").replace("*940*", "*856*").replace("GS*OW", "GS*SH")
    lines = (
        "BSN*00*SHP1*20260303*1200~\nDTM*017*20260310~\nHL*1**S~\nN1*ST*US*UL*0614141000012~\nHL*2*1*O~\nPRF*4711~\n"
        "HL*3*2*I~\nLIN*1*UP*036000291452~\nSN1**24*EA~\nCTT*3*24~\n"
    )
    start, end = notice.index("W05"), notice.index("SE*14")
    text = notice[:start] + lines + notice[end:].replace("SE*14*", "SE*12*")

    first, second = comes(connection, text, name="1"), comes(connection, text, name="2")
    unknown = comes(connection, text.replace("0614141000012", "999").replace("*000000105*", "*000000106*"), name="3")

    assert (first.status, first.reason) == ("PROCESSED", "24 units are expected by 2026-03-10")
    assert second.status == "PROCESSED"
    (row,) = ExpectedReceipt.objects.all()
    assert (row.item_id, row.location_id, row.quantity) == (item.pk, dock.pk, 24)
    assert unknown.status == "FAILED"
    assert "goods come to 999, which is none of ours" in unknown.reason


@pytest.mark.django_db
def test_settings_that_can_not_be_right_are_named_and_take_no_number(gateway: SimpleNamespace):
    connection = partner(gateway, partner_id="")
    order = ordered(connection)

    with pytest.raises(Permanent, match="has no partner_id in its settings"):
        selling.tell_shipment(connection, news(order, 1, 0, 1))

    connection.settings |= {"partner_id": "ZZ:THEM", "send_url": ""}
    with pytest.raises(Permanent, match="has no send_url"):
        selling.tell_shipment(connection, news(order, 1, 0, 1))
    connection.settings["send_url"] = gateway.url
    assert selling.tell_shipment(connection, news(order, 1, 0, 1)) == "856 1, 810 2"


MONEY = st.decimals("0", "99.99", places=2)
ITEM = st.tuples(st.integers(1, 9), MONEY, MONEY, MONEY)


@given(lines=st.lists(ITEM, min_size=1, max_size=4), whole=st.tuples(MONEY, MONEY, MONEY, MONEY), data=st.data())
def test_bills_of_any_shipments_add_up_to_the_order(lines: list[Any], whole: Any, data: st.DataObject):
    items = [Item(str(n), *line) for n, line in enumerate(lines)]
    left = {item.ref: item.ordered for item in items}
    bills: list[Bill] = []
    before: dict[str, int] = {}
    while any(left.values()):
        now = {ref: data.draw(st.integers(0, units)) for ref, units in left.items()}
        if not any(now.values()):
            now = dict(left)
        bills.append(bill(items, Whole(*whole), before, now))
        before = {ref: before.get(ref, 0) + units for ref, units in now.items()}
        left = {ref: units - now[ref] for ref, units in left.items()}

    goods = sum((item.price * item.ordered + item.tax - item.discount for item in items), Decimal(0))
    assert sum((each.total for each in bills), Decimal(0)) == goods - whole[0] + whole[1] + whole[2] + whole[3]
