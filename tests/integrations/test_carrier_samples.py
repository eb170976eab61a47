"""Every public carrier document goes in as scans of a parcel or is left out with a named reason, and twice is once."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from core.actors import SYSTEM
from exceptions import reasons
from exceptions.models import Case
from exceptions.services import cases
from integrations import inbox
from integrations.carriers.readers import READERS
from integrations.channels.meaning import FollowParcel
from integrations.failures import Unreadable
from integrations.models import Connection, InboundMessage
from orders.models import FulfilmentOrder, Package, TrackingEvent
from orders.services import fulfilment, tracking
from orders.tracking import Scan, standing
from tests.integrations.conftest import SAMPLES
from tests.orders.parcels import packed

FILES = sorted(SAMPLES.glob("carrier/*.json"))
BY_NAME = {reader.name: reader for reader in READERS}
# file: (vendor, how many parcels it speaks of, where it says the first one is)
FOLLOWED = {
    "easypost_shipment_buy.json": ("easypost", 1, "unknown"),
    "easypost_tracker_all.json": ("easypost", 5, "pre_transit"),
    "easypost_tracker_create.json": ("easypost", 1, "pre_transit"),
    "karrio_dhl_parcel_de_tracking_response.json": ("dhl", 1, "pre_transit"),
    "karrio_fedex_tracking_response.json": ("fedex", 1, "in_transit"),
    "karrio_laposte_tracking_response.json": ("laposte", 1, "delivered"),
    "karrio_ups_tracking_response.json": ("ups", 1, "delivered"),
}
LEFT_OUT = {
    "easypost_claim_create.json": "easypost",
    "easypost_event_retrieve_payload.json": "easypost",
    "easypost_order_create.json": "easypost",
    "easypost_shipment_refund.json": "easypost",
    "karrio_australiapost_shipment_response.json": "australiapost",
    "karrio_hermes_shipment_response.json": "hermes",
    "karrio_mydhl_shipment_response.json": "dhl",
    "karrio_sendle_order_response.json": "sendle",
    "karrio_ups_shipping_response.json": "ups",
    "karrio_usps_label_response.json": "usps",
}


def meant(name: str, vendor: str):
    return BY_NAME[vendor].understand("tracking", (SAMPLES / "carrier" / name).read_bytes())


@pytest.mark.skipif(not FILES, reason="no public samples here")
def test_every_document_is_either_followed_or_left_out_with_a_reason():
    assert {path.name for path in FILES} == FOLLOWED.keys() | LEFT_OUT.keys()
    for name, (vendor, parcels, state) in FOLLOWED.items():
        acts = [act for act in meant(name, vendor).acts if isinstance(act, FollowParcel)]
        assert len({act.tracking_number for act in acts}) >= min(parcels, 2) if parcels > 1 else len(acts) == 1, name
        assert standing((scan.state, scan.at) for scan in acts[0].scans)[0] == state, name
        assert all(scan.words or scan.code for act in acts for scan in act.scans), name
    for name, vendor in LEFT_OUT.items():
        found = meant(name, vendor)
        assert found.ignored, name
        assert not found.acts, name


@pytest.mark.django_db
@pytest.mark.skipif(not FILES, reason="no public samples here")
@pytest.mark.parametrize("name", sorted(FOLLOWED))
def test_a_document_moves_its_parcel_once_and_waits_where_nobody_knows_it(name: str):
    vendor, _, state = FOLLOWED[name]
    body = (SAMPLES / "carrier" / name).read_bytes()
    account = Connection.objects.create(code=vendor, name=vendor, kind="CARRIER", vendor=vendor)
    first, _ = inbox.accept(account, external_id="1", headers={}, body=body, verdict="NONE")
    many = len({act.tracking_number for act in meant(name, vendor).acts}) > 1
    # Nobody knows the parcel yet: alone the document waits, in a list each item waits by itself.
    assert inbox.process(first).status == ("PROCESSED" if many else "RECEIVED")

    number = next(act.tracking_number for act in meant(name, vendor).acts)
    job = packed()
    fulfilment.ship(job.pk, carrier=vendor, tracking_number=number, actor=SYSTEM)
    InboundMessage.objects.update(next_at="2020-01-01T00:00:00Z")
    inbox.process_due()
    status = inbox.outcome(first).status
    count = TrackingEvent.objects.count()
    second, _ = inbox.accept(account, external_id="2", headers={}, body=body, verdict="NONE")
    again = inbox.process(second)

    if many:  # its other parcels are nobody's and go on waiting
        assert count > 0
        assert InboundMessage.objects.filter(status="PROCESSED", external_id__startswith="1#").count() == 1
        assert InboundMessage.objects.filter(status="RECEIVED", external_id__startswith="1#").exists()
        return
    assert (status, again.status) == ("PROCESSED", "DUPLICATE")
    assert "already" in again.reason
    assert TrackingEvent.objects.count() == count > 0
    assert Package.objects.get().tracker == state
    job.refresh_from_db()
    assert job.status == ("DELIVERED" if state == "delivered" else "SHIPPED")


@pytest.mark.parametrize(
    "body", ["[]", "{}", '{"trackers": 1}', '{"object": "Tracker", "status": "delivered"}', '{"x": 1}']
)
@pytest.mark.parametrize("vendor", ["easypost", "dhl", "fedex", "ups", "laposte", "usps"])
def test_what_no_map_knows_is_refused_or_left_out_and_never_guessed(vendor: str, body: str):
    found = None
    with suppress(Unreadable):
        found = BY_NAME[vendor].understand("", body.encode())

    assert found is None or found.ignored


UPS_STATUS = {"type": "D", "code": "011", "description": "DELIVERED"}


@pytest.mark.parametrize(
    "said",
    [
        {"date": "20260105", "time": "161000", "gmtDate": "20260105", "gmtTime": "21:10:00", "gmtOffset": "-05:00"},
        {"date": "20260105", "time": "161000", "gmtOffset": "-05:00"},
        {"date": "2026-01-05", "time": "21:10:00"},
    ],
)
def test_ups_activities_happen_when_gmt_says(said: dict[str, str]):
    package = {"trackingNumber": "1Z1", "activity": [{**said, "status": UPS_STATUS}]}
    document = {"trackResponse": {"shipment": [{"package": [package]}]}}

    (followed,) = BY_NAME["ups"].understand("", json.dumps(document).encode()).acts

    assert isinstance(followed, FollowParcel)
    assert [scan.at for scan in followed.scans] == [datetime(2026, 1, 5, 21, 10, tzinfo=UTC)]


def test_an_alert_of_ups_is_one_scan():
    document = {
        "trackingNumber": "1Z2", "localActivityDate": "20260105", "localActivityTime": "161000",
        "gmtActivityDate": "20260105", "gmtActivityTime": "211000", "activityStatus": UPS_STATUS,
        "activityLocation": {"city": "ATLANTA", "stateProvince": "GA", "country": "US"},
    }  # fmt: skip

    (followed,) = BY_NAME["ups"].understand("", json.dumps(document).encode()).acts

    assert isinstance(followed, FollowParcel)
    (scan,) = followed.scans
    assert (followed.tracking_number, scan.state, scan.at, scan.place) == (
        "1Z2", "delivered", datetime(2026, 1, 5, 21, 10, tzinfo=UTC), "ATLANTA, GA, US",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("vendor", "document"),
    [
        ("dhl", {"title": "No result found", "status": 404, "detail": "No shipment with that number"}),
        ("ups", {"response": {"errors": [{"code": "TW0001", "message": "No shipment with that number"}]}}),
        ("fedex", {"transactionId": "x", "errors": [{"code": "NF", "message": "No shipment with that number"}]}),
    ],
)
def test_an_error_a_carrier_answered_with_is_told_in_its_words(vendor: str, document: dict[str, object]):
    with pytest.raises(Unreadable, match="No shipment with that number"):
        BY_NAME[vendor].understand("", json.dumps(document).encode())


@pytest.mark.django_db
def test_scans_in_any_order_end_alike_and_trouble_is_a_case_until_it_is_over():
    at = [Scan("unknown", tracking_at(0), "x")] + [
        Scan(state, tracking_at(n), state)
        for n, state in enumerate(("pre_transit", "in_transit", "delivery_failed", "out_for_delivery"), start=1)
    ]
    job = packed()
    fulfilment.ship(job.pk, tracking_number="N1", actor=SYSTEM)

    for scan in (at[3], at[1], at[0], at[2]):
        followed = tracking.record("N1", [scan], actor=SYSTEM)
    case = Case.objects.get(reason="orders.parcel_in_trouble")
    assert (followed.state, case.is_open) == ("delivery_failed", True)

    tracking.record("N1", at, actor=SYSTEM)
    case.refresh_from_db()
    assert (Package.objects.get().tracker, case.is_open) == ("out_for_delivery", False)

    tracking.record(
        "N1", [Scan("delivered", tracking_at(9)), Scan("in_transit", tracking_at(10), "late news")], actor=SYSTEM
    )
    job.refresh_from_db()
    assert (Package.objects.get().tracker, job.status) == ("delivered", "DELIVERED")
    tracking.record("N1", [Scan("return_to_sender", tracking_at(12))], actor=SYSTEM)
    assert Case.objects.filter(reason="orders.parcel_returned", is_open=True).exists()


@pytest.mark.django_db
def test_a_parcel_that_stops_moving_is_found_once_and_one_nobody_tells_of_is_not():
    job = packed()
    fulfilment.ship(job.pk, tracking_number="N1", actor=SYSTEM)
    FulfilmentOrder.objects.update(shipped_at=timezone.now() - timedelta(days=9))
    cases.open_standing(["orders.parcel_stalled"])
    assert not Case.objects.exists()  # its carrier never said a word, and has no account to be asked

    tracking.record("N1", [Scan("in_transit", timezone.now() - timedelta(hours=73), "Depot")], actor=SYSTEM)
    cases.open_standing(["orders.parcel_stalled"])
    cases.open_standing(["orders.parcel_stalled"])
    case = Case.objects.get(reason="orders.parcel_stalled")
    assert "N1" in str(reasons.get(case.reason).evidence(case.subject_uid))

    tracking.record("N1", [Scan("in_transit", timezone.now(), "Another depot")], actor=SYSTEM)
    case.refresh_from_db()
    assert not case.is_open


def tracking_at(hour: int) -> datetime:
    return datetime(2026, 3, 4, hour, tzinfo=UTC)
