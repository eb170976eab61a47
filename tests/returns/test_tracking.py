"""A return's parcel on its way: scans move its label and its lines, whatever order they come in."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from core.actors import SYSTEM
from core.errors import NotYet
from core.models import Event
from exceptions import reasons
from exceptions.models import Case
from integrations import inbox
from integrations.carriers import tasks
from integrations.models import Connection, InboundMessage
from orders.tracking import Scan
from returns.models import RefundDecision, ReturnLabel, ReturnLine, ReturnScan
from returns.services import labels, receiving, requests, tracking
from returns.services.receiving import Found
from tests.factories.inventory import ItemFactory, LocationFactory
from tests.factories.returns import CLERK, returned, service, sold

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def sent(units: int = 2, **fields: Any) -> ReturnLabel:
    """A return whose label was made here; its number is on the parcel."""
    ItemFactory(sku="SKU-1", weight_grams=400)
    LocationFactory(code="centre", name="Returns centre", kind="RETURNS_CENTRE", returns=True, country="GB")
    service()
    return labels.want(returned(sold(**fields), units).pk, actor=CLERK)


def scan(state: str, hours_ago: float = 1, words: str = "") -> Scan:
    return Scan(state, NOW - timedelta(hours=hours_ago), words or state, place="Leeds")


def told(label: ReturnLabel, *scans: Scan) -> tracking.Followed:
    found = tracking.record(label.tracking_number, scans, actor=CLERK)
    label.refresh_from_db()
    return found


def line_of(label: ReturnLabel) -> ReturnLine:
    return ReturnLine.objects.get(request=label.request)


def test_scans_move_a_return_whatever_order_they_come_in_and_each_counts_once():
    label = sent()
    with pytest.raises(NotYet) as early:
        tracking.record("nobody", [scan("in_transit")], actor=CLERK)
    assert early.value.waits_for == "parcel:nobody"

    first = told(label, scan("out_for_delivery", 2))
    again = told(label, scan("out_for_delivery", 2), scan("pre_transit", 9))

    assert (first.new, again.new, label.tracker) == (1, 1, "out_for_delivery")
    assert line_of(label).reception == "IN_TRANSIT"
    assert Event.objects.filter(type="return.tracked").count() == 1
    assert requests.expire(label.request_id, actor=CLERK, now=NOW + timedelta(days=400)).status == "OPEN"
    receiving.receive(label.request_id, Found("SKU-1", 2), location_id=label.request.location_id, key="in", actor=CLERK)
    told(label, scan("delivered", 0.5))
    assert (label.tracker, line_of(label).reception, ReturnScan.objects.count()) == ("delivered", "RECEIVED", 3)


def test_what_the_carrier_lost_is_a_case_whose_money_a_person_decides_and_may_turn_up_after_all():
    label = sent(payment_state="paid")
    told(label, scan("in_transit", 40))

    told(label, scan("lost", 1, "We can't find it"))

    line = line_of(label)
    assert (line.reception, line.gone, line.request.status) == ("LOST", 2, "CANCELLED")
    case = Case.objects.get(reason="returns.parcel_lost", is_open=True)
    assert case.summary == "We can't find it"
    refund = next(action for action in reasons.get(case.reason).actions if action.code == "refund")
    assert refund.offered(str(label.request_id))
    refund.run(str(label.request_id), actor=SYSTEM)
    assert RefundDecision.objects.get().amount == 20
    assert not refund.offered(str(label.request_id))
    receiving.receive(label.request_id, Found("SKU-1", 2), location_id=label.request.location_id, key="in", actor=CLERK)
    assert line_of(label).reception == "RECEIVED"


def test_clocks_give_up_a_silent_parcel_and_ask_for_one_that_was_delivered_and_not_taken_in():
    label = sent()
    told(label, scan("in_transit", 24 * 22))
    assert tracking.lose_silent(actor=CLERK, now=NOW - timedelta(days=3)) == 0

    assert (tracking.lose_silent(actor=CLERK), tracking.lose_silent(actor=CLERK)) == (1, 0)

    assert line_of(label).reception == "LOST"
    told(label, scan("delivered", 50))
    standing = reasons.get("returns.delivered_not_received").standing
    assert list(standing()) == [str(label.request_id)]
    receiving.receive(label.request_id, Found("SKU-1", 2), location_id=label.request.location_id, key="in", actor=CLERK)
    assert list(standing()) == []


def test_a_scan_from_outside_that_comes_before_its_label_waits_for_it():
    account = Connection.objects.create(code="ups", name="UPS", kind="CARRIER", vendor="ups")
    document = {"trackResponse": {"shipment": [{"package": [{"trackingNumber": "1Z9", "activity": [
        {"status": {"type": "I", "description": "Departed"}, "date": "20260310", "time": "101500",
         "location": {"address": {"city": "Leeds", "countryCode": "GB"}}}]}]}]}}  # fmt: skip
    given = {"headers": {}, "body": json.dumps(document).encode(), "topic": "tracking", "verdict": "GOOD"}
    message, _ = inbox.accept(account, external_id="scan-1", **given)
    inbox.process(message)
    assert InboundMessage.objects.get().waits_for == "parcel:1Z9"
    label = sent()
    labels.void(label.pk, actor=CLERK)

    labels.from_channel(label.request_id, tracking_number="1Z9", carrier="UPS", actor=CLERK)
    ready = Event.objects.filter(type="return.label_ready").latest("pk")
    tasks.let_waiting_go_back(type("F", (), {"data": ready.data})())  # type: ignore[arg-type]

    inbox.process_due()
    assert InboundMessage.objects.get().status == "PROCESSED"
    assert ReturnLabel.objects.get(tracking_number="1Z9").tracker == "in_transit"
    assert line_of(label).reception == "IN_TRANSIT"
