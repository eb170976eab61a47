"""Returns as Shopify, Amazon and trading partners tell of them: read, taken in once, kept in step."""

from __future__ import annotations

import json

import pytest

from core.errors import NotYet
from exceptions.models import Case
from integrations.channels import amazon, shopify
from integrations.channels.edi import translate as edi
from integrations.channels.meaning import AskFor, SetAside, TakeReturn
from integrations.failures import Unreadable
from returns.incoming import IncomingReturn, IncomingReturnLine, reason_of
from returns.models import ReturnRequest
from returns.services import taking
from tests.factories.inventory import ItemFactory, LocationFactory
from tests.factories.orders import PLACED_AT, ChannelFactory, incoming_line, place
from tests.factories.returns import ASKED_ON, CLERK, sold

GID = "gid://shopify/"


def asks(meaning):
    return [act.ret for act in meaning.acts if isinstance(act, TakeReturn)]


def read_shopify(document, topic=""):
    return shopify.SHOPIFY.understand(topic, json.dumps(document).encode())


def read_amazon(document):
    return amazon.AMAZON.understand("", document if isinstance(document, bytes) else json.dumps(document).encode())


def shopify_return(**fields):
    line = {
        "id": f"{GID}ReturnLineItem/7", "quantity": 2, "customerNote": "Far too long",
        "returnReasonDefinition": {"handle": "too-long"},
        "fulfillmentLineItem": {"id": f"{GID}FulfillmentLineItem/5", "lineItem": {"id": f"{GID}LineItem/44"}},
    }  # fmt: skip
    return {"id": f"{GID}Return/9", "name": "#1001-R1", "status": "OPEN", "createdAt": "2026-03-07T09:00:00Z",
            "returnLineItems": {"nodes": [line]}} | fields  # fmt: skip


def test_a_shopify_webhook_without_lines_has_the_return_fetched():
    told = {"id": 9, "admin_graphql_api_id": f"{GID}Return/9", "status": "requested", "order": {"id": 3},
            "return_line_items": []}  # fmt: skip
    changed = {"admin_graphql_api_id": f"{GID}Return/9", "return_line_items": {"removals": [{"delta": 1}]}}

    assert read_shopify(told, "returns/request").acts == (AskFor("return", "9"),)
    assert read_shopify(changed, "returns/update").acts == (AskFor("return", "9"),)
    whole = told | {"return_line_items": [{"id": 7, "quantity": 1, "return_reason": "DEFECTIVE",
                                           "fulfillment_line_item": {"id": 5, "line_item": {"id": 44}}}]}  # fmt: skip
    (found,) = asks(read_shopify(whole, "returns/approve"))
    assert (found.order_ref, found.lines[0].line_ref, found.lines[0].reason) == ("3", "44", "DEFECTIVE")


def test_shopifys_returns_are_read_from_its_graphql_forms():
    order = {"id": f"{GID}Order/3", "returns": [shopify_return()]}
    fetched = {"data": {"return": shopify_return(order={"id": f"{GID}Order/3"}, status="DECLINED")}}

    (listed,), (alone,) = asks(read_shopify(order)), asks(read_shopify(fetched))

    assert (listed.ref, listed.order_ref, listed.state, listed.number) == ("9", "3", "approved", "#1001-R1")
    line = listed.lines[0]
    assert (line.line_ref, line.quantity, line.reason, line.reason_text) == ("44", 2, "TOO_LARGE", "Far too long")
    assert alone.state == "declined"
    with pytest.raises(Unreadable):
        read_shopify({"id": f"{GID}Order/3", "returns": [shopify_return(status="DANCING")]})


def test_amazons_returns_are_read_one_by_one_and_from_the_report():
    one = {
        "id": "a-1", "merchantSku": "SKU-1", "numberOfUnits": 1, "returnType": "CUSTOMER", "status": "CREATED",
        "creationDateTime": "2026-03-07T09:00:00Z", "marketplaceChannelDetails": {"customerOrderId": "107-1"},
        "returnMetadata": {"returnReason": "CR-DEFECTIVE", "rmaId": "R1"},
        "returnShippingInfo": {"reverseTrackingInfo": {"carrierName": "UPSN", "trackingId": "T9"}},
    }  # fmt: skip
    broken = one | {"id": "a-2", "numberOfUnits": 0}

    listed = read_amazon({"returns": [one, broken]})
    (found,) = asks(listed)
    assert (found.order_ref, found.lines[0].sku, found.lines[0].reason) == ("107-1", "SKU-1", "DEFECTIVE")
    assert (found.state, found.tracking_number) == ("approved", "T9")
    assert len(listed.acts) == 2  # the broken one is set aside, with its own case
    assert asks(read_amazon(one)) == [found]
    head = "Order ID\tReturn request date\tReturn request status\tAmazon RMA ID\tMerchant SKU\tReturn quantity\tReturn Reason"
    row = "107-1\t07-Mar-2026\tApproved\tR7\tSKU-1\t2\tAMZ-PG-TOO-SMALL"
    (reported,) = asks(read_amazon(f"{head}\n{row}\n".encode()))
    assert (reported.ref, reported.lines[0].quantity, reported.lines[0].reason) == ("R7:SKU-1", 2, "TOO_SMALL")
    assert read_amazon(f"{head}\n".encode()).ignored
    with pytest.raises(Unreadable):
        read_amazon((head + "\n" + row.replace("\t2\t", "\ttwo\t")).encode())


def test_shopifys_lines_that_were_taken_off_or_match_no_sale_are_no_fault():
    lines = shopify_return()["returnLineItems"]["nodes"]
    emptied = {**lines[0], "id": f"{GID}ReturnLineItem/8", "quantity": 0}

    (found,) = asks(read_shopify({"id": f"{GID}Order/3", "returns": [
        shopify_return(returnLineItems={"nodes": [*lines, emptied, {}]})]}))  # fmt: skip

    assert [(line.ref, line.quantity) for line in found.lines] == [("7", 2), ("8", 0)]


def test_amazons_report_is_read_row_by_row_whatever_its_names_and_letters():
    head = (
        "Order ID\tReturn request date\tReturn request status\tAmazon RMA ID\tMerchant SKU\tReturn quantity\tItem Name"
    )
    rows = (
        '107-1\t07-Mar-2026\tApproved\tR7\tSKU-1\t1\t"27 inch screen',
        '107-1\t07-Mar-2026\tApproved\tR7\tSKU-1\t2\t"27 inch screen',
        "107-2\t08.03.2026\tPending Approval\tR8\tSKU-2\t1\tGarçon’s ﬁne café".replace("’", "'").replace("ﬁ", "fi"),
        "107-3\t08.03.2026\tClosed\tR9\tSKU-3\tmany\tChair",
    )

    meaning = read_amazon("\r\n".join([head, *rows]).encode("cp1252"))

    first, second = asks(meaning)
    assert (first.lines[0].quantity, first.lines[0].title, first.at.day) == (3, '"27 inch screen', 7)
    assert (second.state, second.lines[0].title) == ("requested", "Garçon's fine café")
    (broken,) = [act for act in meaning.acts if isinstance(act, SetAside)]
    assert broken.body.decode("latin-1").splitlines()[1].startswith("107-3")


def x12(*segments, element="*", end="~"):
    isa = "ISA*00*          *00*          *ZZ*BUYER          *ZZ*SELLER         *260307*0900*^*00501*000000001*0*P*>"
    body = ["ST*180*0001", *segments]
    rest = ["GS*AN*BUYER*SELLER*20260307*0900*1*X*005010", *body, f"SE*{len(body) + 1}*0001", "GE*1*1",
            "IEA*1*000000001"]  # fmt: skip
    return (end.join([isa, *rest]) + end).replace("*", element).encode()


def test_an_x12_180_asks_for_one_return_for_each_purchase_order():
    found = asks(edi.understand("", x12(
        "BGN*00*123401*20260307", "BLI*PR*SKU-1*12*EA", "RDR*KA*DA", "NTE*CAR*Crushed in transit", "PRF*PO-1",
        "BLI*PR*SKU-2*1*EA", "PRF*PO-2",
    )))  # fmt: skip

    assert [(r.ref, r.order_ref, r.edi) for r in found] == [
        ("123401/PO-1", "PO-1", True), ("123401/PO-2", "PO-2", True),
    ]  # fmt: skip
    line = found[0].lines[0]
    assert (line.sku, line.quantity, line.reason, line.reason_text) == ("SKU-1", 12, "DAMAGED", "Crushed in transit")
    with pytest.raises(Unreadable) as refused:
        edi.understand("", x12("BGN*00*123401*20260307", "BLI*PR**many*EA"))
    assert len(refused.value.faults) >= 2


@pytest.mark.parametrize(("element", "end"), [("|", "\r\n"), ("\x1d", "\x1c"), ("+", "'")])
def test_an_x12_180_is_read_with_other_separators_and_qualifiers(element, end):
    segments = (
        "BGN*11*7788*260307", "N9*PO*PO-9", "BLI*UP*0012345678905*2.0*EA", "RDR*CR*WI", "N9*SE*A1", "N9*SE*A2",
        "BLI*VP*SKU-2*1*EA", "N9*PO*PO-8",
    )  # fmt: skip

    first, second = asks(edi.understand("", x12(*segments, element=element, end=end)))

    assert (first.order_ref, first.state, first.lines[0].quantity) == ("PO-9", "approved", 2)
    assert (first.lines[0].reason, first.lines[0].serials) == ("WRONG_ITEM", ("A1", "A2"))
    assert (second.order_ref, second.lines[0].sku) == ("PO-8", "SKU-2")


def test_words_for_reasons_are_understood_whoever_writes_them():
    assert [reason_of(said) for said in ("Too long", "size_too_small", "CR-DEFECTIVE", "", "moon")] == [
        "TOO_LARGE", "TOO_SMALL", "DEFECTIVE", "UNKNOWN", "OTHER",
    ]  # fmt: skip


@pytest.mark.django_db
def test_what_its_channel_agreed_to_waits_until_its_goods_are_known_to_have_left():
    ItemFactory(sku="SKU-1")
    LocationFactory(code="centre", kind="RETURNS_CENTRE", returns=True)
    order, channel = place(incoming_line(quantity=2)), ChannelFactory()
    line = IncomingReturnLine(ref="7", line_ref="line-SKU-1", quantity=1, reason="TOO_LARGE")
    told = IncomingReturn(
        ref="R-1", order_ref=order.channel_ref, lines=(line,), at=ASKED_ON, number="R1", state="approved"
    )

    taken = taking.take(told, channel=channel, actor=CLERK).rma
    assert not taking.take(told, channel=channel, actor=CLERK).changed
    taking.sent(order.pk, actor=CLERK)

    taken.refresh_from_db()
    assert (taken.status, taken.rule, taken.waits_for_approval) == ("OPEN", "not-sent-yet", True)
    assert Case.objects.filter(reason="returns.awaiting_approval", is_open=True).count() == 1
    place(incoming_line(quantity=2, fulfilled_elsewhere=2), channel=channel, version=2_000_000_000_000_000)
    taking.sent(order.pk, actor=CLERK)
    taken.refresh_from_db()
    assert (taken.status, taken.waits_for_approval) == ("OPEN", False)


@pytest.mark.django_db
def test_a_channels_return_is_taken_once_and_kept_in_step():
    ItemFactory(sku="SKU-1")
    LocationFactory(code="centre", kind="RETURNS_CENTRE", returns=True)
    channel = ChannelFactory()
    line = IncomingReturnLine(ref="7", line_ref="line-SKU-1", quantity=2, reason="TOO_LARGE")
    told = IncomingReturn(ref="R-9", order_ref="1001", lines=(line,), at=ASKED_ON, number="#1001-R1")

    def take(**fields):
        given = {name: getattr(told, name) for name in IncomingReturn.__dataclass_fields__} | fields
        return taking.take(IncomingReturn(**given), channel=channel, actor=CLERK)

    with pytest.raises(NotYet) as early:
        take()
    assert early.value.waits_for == "order:webshop:1001"
    sold(placed_at=PLACED_AT.replace(year=2024))

    first, again = take(), take()
    assert (first.rma.status, first.rma.rule, first.changed, again.changed) == ("DECLINED", "standard", True, False)
    other = take(ref="R-10", state="approved", tracking_number="T-1", carrier="UPS")
    assert (other.rma.verdict, other.rma.rule) == ("ELIGIBLE", "channel-agreed")
    assert other.rma.labels.get().tracking_number == "T-1"
    fewer = take(ref="R-10", state="approved", lines=(IncomingReturnLine(ref="7", line_ref="line-SKU-1", quantity=1),))
    assert fewer.rma.lines.get().gone == 1
    gone = take(ref="R-10", state="cancelled", reason="Keeps it")
    assert (gone.rma.status, gone.rma.ended_reason) == ("CANCELLED", "Keeps it")
    assert not take(ref="R-10", state="cancelled").changed
    assert ReturnRequest.objects.count() == 2
