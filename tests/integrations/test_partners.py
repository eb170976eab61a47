"""Work asked of a supplier or a third party, against a server that speaks the partner protocol."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from config.devstack.partner import Server
from core import audit
from core.actors import SYSTEM
from core.errors import Invalid, Refusal, TryLater
from core.events import Fact
from core.models import Event
from core.subjects import Subject
from exceptions import reasons
from exceptions.models import Case
from integrations.models import Connection, InboundMessage
from integrations.suppliers import tasks
from integrations.suppliers.standard import translate
from inventory.models import Stock
from orders.models import FulfilmentLine, FulfilmentOrder, PartnerLink, PartnerRequest, RejectReason
from orders.services import changing, fulfilment, partners
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.factories.orders import incoming_line, place

pytestmark = pytest.mark.django_db
SECRET = "partner-signing-secret"


@pytest.fixture
def server() -> Iterator[Server]:
    with Server("token", SECRET) as server:
        yield server


@pytest.fixture
def supplier(server):
    """A supplier who has ten of an article nobody else has, and its connection."""
    connection = Connection.objects.create(
        code="mill", name="The mill", kind=Connection.Kind.SUPPLIER, vendor="partner",
        settings={"base_url": server.url, "private_address_allowed": True},
    )  # fmt: skip
    connection.keep_secret("token", "token")
    connection.keep_secret("webhook", SECRET)
    stock = StockFactory(
        item=ItemFactory(sku="SKU-1"), location=LocationFactory(code="mill", kind="SUPPLIER", site=None, priority=900)
    )
    PartnerLink.objects.create(location=stock.location, connection_code="mill", account_ref="BR-1")
    return connection


def asked(quantity=2, **fields):
    order = place(incoming_line(quantity=quantity), **fields)
    fulfilment.create(order.pk)
    return PartnerRequest.objects.select_related("fulfilment__order").get(fulfilment__order=order)


def deliver(type_, handler):
    """Hand every fact of a type to a handler, as the outbox would."""
    for event in Event.objects.filter(type=type_).order_by("id"):
        about = Subject(event.subject_kind, event.subject_uid, event.subject_label)
        handler(
            Fact(event.pk, event.uid, type_, about, SYSTEM, event.data, event.occurred_at, correlation_id="", seq=0)
        )


def hears(client, server, connection, **event):
    body, headers = server.partner.event(event)
    answer = client.post(f"/hooks/{connection.pk}/", body, content_type="application/json", headers=headers)
    from integrations import inbox

    inbox.process_due()
    return answer


def broken():
    return [(finding.invariant.name, finding.examples) for finding in audit.audit() if finding.broken]


def test_a_suppliers_share_is_a_drop_ship_asked_of_it_once_and_answered_at_once(supplier, server):
    server.partner.manners = {"answer": "accepted"}
    request = asked()

    deliver("partner.asked", tasks.ask)
    deliver("partner.asked", tasks.ask)

    request.refresh_from_db()
    (sent,) = server.partner.requests.values()
    assert request.fulfilment.method == "DROPSHIP"
    assert (request.status, request.partner_ref) == ("ACCEPTED", "P-1000")
    assert FulfilmentOrder.objects.get().status == "ACCEPTED"
    assert sent["document"]["lines"] == [
        {"ref": "line-SKU-1", "sku": "SKU-1", "our_sku": "SKU-1", "gtin": "", "title": "Article SKU-1", "quantity": 2}
    ]
    assert (sent["document"]["kind"], sent["document"]["account"]) == ("dropship", "BR-1")
    assert broken() == []


def test_a_lost_answer_is_asked_for_again_under_the_same_key(supplier, server):
    server.partner.manners = {"answer": "accepted"}
    server.partner.faults["lose_answer"] = 1
    request = asked()

    with pytest.raises(TryLater):
        deliver("partner.asked", tasks.ask)
    deliver("partner.asked", tasks.ask)

    request.refresh_from_db()
    assert request.status == "ACCEPTED"
    assert len(server.partner.requests) == 1


def test_its_ship_notice_ships_the_order_and_takes_its_stock(supplier, server, client):
    request = asked()
    deliver("partner.asked", tasks.ask)
    assert PartnerRequest.objects.get().sent_at

    notice = {"type": "request.shipped", "request": str(request.uid)}
    notice["shipment"] = {"carrier": "DHL", "tracking_number": "JD014"}
    first = hears(client, server, supplier, **notice)
    again = hears(client, server, supplier, **notice)

    work = FulfilmentOrder.objects.select_related("shipment", "order").get()
    assert (first.status_code, again.status_code) == (202, 202)
    assert (work.status, work.order.status, work.shipment.tracking_number) == ("SHIPPED", "COMPLETED", "JD014")
    assert Stock.objects.get().sellable == 8
    assert Event.objects.filter(type="fulfilment.shipped").count() == 1
    assert sorted(InboundMessage.objects.values_list("status", flat=True)) == ["DUPLICATE", "PROCESSED"]
    assert broken() == []


def test_declined_for_want_of_stock_another_node_sends_it_and_nobody_believes_the_supplier(supplier, server):
    server.partner.manners = {"answer": "rejected", "reason": "OUT_OF_STOCK"}
    request = asked()
    StockFactory(item=Stock.objects.get().item, location=LocationFactory(code="depot"))

    deliver("partner.asked", tasks.ask)

    request.refresh_from_db()
    assert (request.status, request.reason) == ("REJECTED", "OUT_OF_STOCK")
    assert FulfilmentLine.objects.get(quantity=2).location.code == "depot"
    assert Stock.objects.get(location__code="mill").sellable == 0
    assert not Case.objects.still_open().exists()
    assert broken() == []


def test_declined_and_nobody_else_has_it_is_a_case_until_somebody_does(supplier, server):
    server.partner.manners = {"answer": "rejected", "reason": "BAD_ADDRESS"}
    asked()

    deliver("partner.asked", tasks.ask)

    found = set(Case.objects.still_open().values_list("reason", flat=True))
    assert found == {"orders.supplier_rejected", "orders.unallocated"}
    assert Stock.objects.get().sellable == 10


def test_a_part_that_was_sent_leaves_the_rest_to_others(supplier, server, client):
    request = asked(quantity=3)
    StockFactory(item=Stock.objects.get().item, location=LocationFactory(code="depot"))

    hears(client, server, supplier, type="request.shipped", request=str(request.uid),
          lines=[{"ref": "line-SKU-1", "quantity": 2}])  # fmt: skip

    shares = FulfilmentLine.objects.values_list("location__code", "quantity", "shipped")
    assert set(shares) == {("mill", 2, True), ("depot", 1, False)}
    assert broken() == []


def test_what_is_cancelled_is_withdrawn_from_the_partner_and_what_left_anyway_is_a_case(supplier, server):
    kept, left = asked(channel_ref="1"), asked(channel_ref="2")
    deliver("partner.asked", tasks.ask)
    server.partner.requests[str(left.uid)]["state"] = "shipped"

    for request in (kept, left):
        changing.cancel(request.fulfilment.order_id, actor=SYSTEM)
        assert partners.withdraw(request.fulfilment_id, why="Cancelled")
        assert not partners.withdraw(request.fulfilment_id, why="Cancelled")
    deliver("partner.withdrawn", tasks.withdraw)

    kept.refresh_from_db()
    left.refresh_from_db()
    assert kept.told_withdrawn_at
    assert not kept.sent_anyway
    assert left.sent_anyway
    assert not left.told_withdrawn_at
    assert Case.objects.still_open().exclude(reason="orders.refund_due").get().reason == "orders.sent_anyway"
    assert broken() == []


def test_silence_is_a_case_and_where_agreed_the_work_is_taken_back(supplier):
    request = asked()
    PartnerRequest.objects.update(answer_by=timezone.now() - timedelta(minutes=1))
    silent = reasons.get("orders.supplier_silent")

    assert list(silent.standing()) == [str(request.fulfilment_id)]
    assert partners.take_back_silent() == 0

    PartnerLink.objects.update(takes_back_silent=True)
    StockFactory(item=Stock.objects.get().item, location=LocationFactory(code="depot"))
    assert partners.take_back_silent() == 1
    partners.withdraw(request.fulfilment_id, why="No answer in time")
    assert FulfilmentLine.objects.get(quantity=2).location.code == "depot"
    assert list(silent.standing()) == []


def test_a_late_day_is_a_new_promise_and_an_answer_after_the_end_is_refused(supplier):
    request = asked()
    soon = timezone.now() + timedelta(days=1)
    type(request.fulfilment.order).objects.update(promise_by=soon)

    partners.accept(request.uid, sends_at=soon + timedelta(days=3), actor=SYSTEM)
    fulfilment.cancel(request.fulfilment_id, reason="Changed our mind", actor=SYSTEM)
    partners.withdraw(request.fulfilment_id, why="Changed our mind")

    request.fulfilment.order.refresh_from_db()
    assert request.fulfilment.order.promise_by > soon + timedelta(days=3)
    with pytest.raises(Refusal) as no:
        partners.accept(request.uid, actor=SYSTEM)
    assert no.value.code == "request_over"


def test_a_person_without_the_partner_cannot_ship_what_was_only_accepted(supplier):
    request = asked()
    partners.accept(request.uid, actor=SYSTEM)

    with pytest.raises(Refusal):
        fulfilment.ship(request.fulfilment_id, actor=SYSTEM)
    with pytest.raises(Invalid):
        partners.ship(request.uid, lines=[("another", 1)], actor=SYSTEM)

    assert FulfilmentOrder.objects.get().status == "ACCEPTED"


def test_nobody_of_ours_accepts_or_picks_what_a_partner_was_asked_to_do(supplier):
    request = asked()

    for refused in (fulfilment.accept, fulfilment.start_pick):
        with pytest.raises(Refusal) as caught:
            refused(request.fulfilment_id, actor=SYSTEM)
        assert caught.value.code == "partners_work"

    assert broken() == []


def test_another_partners_request_stays_unknown_to_it(supplier, server, client):
    request = asked()
    PartnerLink.objects.update(connection_code="somebody-else")

    hears(client, server, supplier, type="request.accepted", request=str(request.uid))

    request.refresh_from_db()
    assert request.status == "REQUESTED"
    assert InboundMessage.objects.get().waits_for.startswith("request:mill:")


def test_bad_answers_are_kept_and_say_what_is_wrong(supplier, server, client):
    hears(client, server, supplier, type="request.rejected", request="not-a-uid", reason="BECAUSE")
    hears(client, server, supplier, type="stock.changed", anything=1)

    failed, ignored = InboundMessage.objects.order_by("pk")
    assert failed.status == "FAILED"
    assert {fault["path"] for fault in failed.faults} >= {"request.rejected.request", "request.rejected.reason"}
    assert ignored.status == "IGNORED"


def test_the_protocols_reasons_are_those_we_know():
    assert set(translate.Reason.__args__) == set(RejectReason.values)
