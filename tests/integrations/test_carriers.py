"""Labels from an account that speaks EasyPost, and what its webhooks and the poll say, with everything that goes wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from config.devstack import easypost as server_of
from config.devstack.easypost import Server
from core import outbox
from core.actors import SYSTEM
from core.errors import TryLater
from core.models import Event
from integrations import breaker, inbox
from integrations.carriers import following, labelling, registry, suspending
from integrations.carriers.easypost import webhooks
from integrations.carriers.port import Rejected
from integrations.models import Breaker, Connection, InboundMessage, OutboundCall
from orders.models import CarrierOutage, FulfilmentOrder, Package, ParcelLabel, TrackingEvent
from orders.services import changing, fulfilment, labels, outages
from tests.orders.parcels import bought, packed, service

pytestmark = pytest.mark.django_db
KEY, HOOK_SECRET = "EZTKtest", "ﬁne-secret"  # a ligature: its NFKD form is another text


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(KEY) as server:
        yield server


@pytest.fixture
def account(db: None, server: Server) -> Connection:
    account = Connection.objects.create(
        code="easypost", name="EasyPost", kind=Connection.Kind.CARRIER, vendor="easypost",
        settings={"url": f"{server.url}/v2", "private_address_allowed": True},
    )  # fmt: skip
    account.keep_secret("key", KEY)
    account.keep_secret("webhook", HOOK_SECRET)
    return account


@pytest.fixture
def wanted(account: Connection) -> ParcelLabel:
    bought()
    return labels.buy(packed().pk, actor=SYSTEM)[0]


def shipments(server: Server) -> list[dict[str, Any]]:
    return list(server.account.shipments.values())


def paid(server: Server) -> int:
    return sum(bool(each["postage_label"]) for each in shipments(server))


def test_a_label_is_bought_once_with_its_number_its_price_and_its_file(wanted: ParcelLabel, server: Server):
    labelling.carry(wanted.pk)
    labelling.carry(wanted.pk)

    wanted.refresh_from_db()
    assert wanted.status == "BOUGHT"
    assert wanted.tracking_number == shipments(server)[0]["tracking_code"]
    assert wanted.cost == Decimal("3.27")  # 2.99, and two pence for each of 14.2 ounces
    assert bytes(wanted.content).startswith(b"%PDF")
    assert shipments(server)[0]["reference"] == str(wanted.uid)
    assert paid(server) == len(shipments(server)) == 1
    said = json.dumps(list(OutboundCall.objects.values_list("request_excerpt", "url", "purpose")))
    assert KEY not in said
    assert "Park Row" not in said


@pytest.mark.parametrize("fault", ["500", "hang_up", "garbage", "429", "lose_answer", "no_file"])
def test_whatever_goes_wrong_in_between_one_label_is_paid_for(wanted: ParcelLabel, server: Server, fault: str):
    server.account.faults[fault] = 1

    with pytest.raises(TryLater):
        labelling.carry(wanted.pk)
    breaker.reset(Connection.objects.get().pk)  # the pause a 429 asks for, and the breaker
    labelling.carry(wanted.pk)

    wanted.refresh_from_db()
    assert wanted.status == "BOUGHT"
    assert paid(server) == 1


def test_an_answer_lost_while_buying_is_found_by_reading_the_shipment_again(wanted: ParcelLabel, server: Server):
    class Losing:
        def keep(self, ref: str) -> str:
            wanted.vendor_ref = ref
            server.account.faults["lose_answer"] = 1
            return ref

        ref = property(lambda self: wanted.vendor_ref)

        def still_wanted(self) -> None: ...

    port, parcel = registry.port(Connection.objects.get()), labelling.parcel(wanted)
    with pytest.raises(TryLater):
        port.label(parcel, Losing())

    again = port.label(parcel, Losing())

    assert paid(server) == len(shipments(server)) == 1
    assert again.tracking_number == shipments(server)[0]["tracking_code"]


def test_what_a_carrier_will_not_do_is_said_in_its_words(wanted: ParcelLabel, server: Server):
    server.account.faults["no_rates"] = 1

    labelling.carry(wanted.pk)

    wanted.refresh_from_db()
    assert (wanted.status, wanted.failure) == ("FAILED", "The service is not available at this address.")
    assert paid(server) == 0


def test_while_calls_are_suspended_another_service_takes_over_and_nothing_bought_is_kept(
    account: Connection, server: Server
):
    service("own", rank=90)
    bought(fallbacks=["own"])
    job = packed()
    first = labels.buy(job.pk, service="parcel-post", actor=SYSTEM)[0]
    Breaker.objects.create(connection=account, state="OPEN", next_probe_at=timezone.now() + timedelta(hours=1))

    labelling.carry(first.pk)

    taken = ParcelLabel.objects.live().get()
    assert (taken.service.code, taken.status) == ("own", "BOUGHT")
    assert shipments(server) == []
    first.refresh_from_db()
    assert first.status == "VOIDED"


def test_a_label_given_back_while_it_was_being_bought_costs_nothing(wanted: ParcelLabel, server: Server):
    labelling.carry(wanted.pk)
    changing.cancel(wanted.package.fulfilment.order_id, actor=SYSTEM, reason="changed their mind")

    outbox.drain()

    wanted.refresh_from_db()
    assert wanted.status == "VOIDED"
    assert shipments(server)[0]["refund_status"] == "submitted"


def test_a_carrier_that_keeps_the_money_says_so(wanted: ParcelLabel, server: Server):
    labelling.carry(wanted.pk)
    wanted.refresh_from_db()
    server.account.scan({"tracking_code": wanted.tracking_number, "status": "in_transit"})
    labels.void(wanted.pk, reason="wrong parcel", actor=SYSTEM)

    labelling.carry(wanted.pk)

    wanted.refresh_from_db()
    assert (wanted.status, wanted.failure) == ("VOID_REFUSED", "The carrier says rejected.")


def test_abroad_customs_are_told_what_it_is(account: Connection, server: Server):
    bought(
        zones=[{"name": "EU", "days": 4, "prices": [[30000, "12.00"]]}],
        vendor_carrier="PostNL",
        vendor_service="Standard",
    )
    job = packed(
        ship_to={"name": "Joris", "line1": "Oudegracht 1", "city": "Utrecht", "postal_code": "3511", "country": "NL"}
    )
    label = labels.buy(job.pk, actor=SYSTEM)[0]

    labelling.carry(label.pk)

    item = shipments(server)[0]["customs_info"]["customs_items"][0]
    assert (item["description"], item["value"], item["currency"]) == ("Article SKU-1", "10.00", "GBP")


def test_rates_tracking_and_ping_go_through_the_same_account(wanted: ParcelLabel, account: Connection):
    labelling.carry(wanted.pk)
    wanted.refresh_from_db()
    port = registry.port(account)

    assert {rate.service for rate in port.rates(labelling.parcel(wanted))} >= {"Tracked48", "NextDay"}
    assert [scan.state for scan in port.track("EZ4000000004", "USPS")] == ["delivered"]
    assert "Harrowvale" in port.ping()
    with pytest.raises(Rejected, match="tracking code"):
        port.track("", "USPS")


# --- Where parcels are


def sent(wanted: ParcelLabel) -> FulfilmentOrder:
    labelling.carry(wanted.pk)
    wanted.refresh_from_db()
    job = wanted.package.fulfilment
    fulfilment.ship(job.pk, actor=SYSTEM)
    job.refresh_from_db()
    return job


def deliver(client: Any, account: Connection, event: dict[str, Any], secret: str = HOOK_SECRET) -> Any:
    body = json.dumps(event)
    headers = {"X-Hmac-Signature": server_of.sign(body.encode(), secret)}
    return client.post(f"/hooks/{account.pk}/", body, content_type="application/json", headers=headers)


def test_a_webhook_moves_the_parcel_to_its_door_once(
    client: Any, wanted: ParcelLabel, account: Connection, server: Server
):
    job = sent(wanted)
    moving = server.account.scan({"tracking_code": wanted.tracking_number, "status": "in_transit", "city": "Leeds"})
    there = server.account.scan({"tracking_code": wanted.tracking_number, "status": "delivered"})

    statuses = [deliver(client, account, event).status_code for event in (there, moving, moving)]
    for message in InboundMessage.objects.order_by("pk"):
        labelling_process(message.pk)

    assert statuses == [202, 202, 200]
    job.refresh_from_db()
    assert job.status == "DELIVERED"
    assert Package.objects.get().tracker == "delivered"
    assert TrackingEvent.objects.count() == 3  # the label, the depot, the door: however often each was told
    assert deliver(client, account, moving, secret="fine-secret").status_code == 200  # its NFKD form signs the same
    assert deliver(client, account, {**moving, "id": "evt_x"}, secret="wrong").status_code == 401


def labelling_process(message_id: int) -> None:
    from integrations import inbox

    inbox.process(message_id)


def test_a_scan_that_comes_before_its_label_waits_for_it(client: Any, account: Connection, server: Server):
    event = server.account.scan({"tracking_code": "RO100000002GB", "status": "in_transit"})
    deliver(client, account, event)
    message = InboundMessage.objects.get()
    labelling_process(message.pk)
    message.refresh_from_db()
    assert (message.status, message.reason) == ("RECEIVED", "waits for parcel RO100000002GB")

    bought()
    label = labels.buy(packed().pk, actor=SYSTEM)[0]
    outbox.drain()  # the second number this account gives

    label.refresh_from_db()
    message.refresh_from_db()
    assert label.tracking_number == "RO100000002GB"
    assert message.status == "PROCESSED"
    assert Package.objects.get().tracker == "in_transit"


def test_a_parcel_nobody_hears_of_is_asked_for_now_and_then(wanted: ParcelLabel, server: Server):
    sent(wanted)
    server.account.scan({"tracking_code": wanted.tracking_number, "status": "out_for_delivery"})
    ParcelLabel.objects.update(bought_at=timezone.now() - timedelta(hours=7))

    assert (following.poll(), following.poll()) == (1, 0)

    assert Package.objects.get().tracker == "out_for_delivery"
    assert webhooks.delivery(b"{}", {}).external_id.startswith("sha256:")


def test_a_list_of_trackers_goes_in_item_by_item(account: Connection):
    bought()
    job = packed()
    parcel = job.packages.get()
    Package.objects.filter(pk=parcel.pk).update(tracking_number="JD1")
    at = "2026-03-02T10:00:00Z"
    known, unknown, broken = (
        {"object": "Tracker", "tracking_code": code, "status": "in_transit", "tracking_details": [
            {"object": "TrackingDetail", "status": "in_transit", "datetime": when}]}
        for code, when in (("JD1", at), ("JD9", at), ("JD1", "yesterday"))
    )  # fmt: skip
    body = json.dumps({"trackers": [broken, unknown, known], "has_more": False}).encode()
    given = {"headers": {}, "body": body, "topic": "tracking", "verdict": "GOOD"}
    message, _ = inbox.accept(account, external_id="list-1", **given)

    assert inbox.process(message).status == "PROCESSED"
    inbox.process_due()

    assert TrackingEvent.objects.filter(package=parcel).count() == 1
    said = {row.status: row for row in InboundMessage.objects.exclude(pk=message)}
    assert set(said) == {"FAILED", "RECEIVED"}
    assert "yesterday" in said["FAILED"].reason
    assert "JD9" in said["RECEIVED"].waits_for
    inbox.accept(account, external_id="list-1", **given)
    inbox.process_due()
    assert InboundMessage.objects.count() == 3


def test_a_carrier_whose_only_account_is_suspended_is_out_until_it_answers(account: Connection, server: Server):
    bought()
    service("dispatch-too", carrier="Dispatch")

    for _ in range(25):
        breaker.report(account.pk, ok=False, reason="500")
    outbox.drain("default")

    (outage,) = CarrierOutage.objects.filter(ended_at=None)
    assert (outage.carrier, outage.by_breaker) == ("Royal Mail", True)
    assert "suspended: 500" in outage.reason
    (label,) = labels.buy(packed().pk, actor=SYSTEM)
    assert label.service.carrier == "Dispatch"

    server.account.faults["500"] = 1
    Breaker.objects.update(next_probe_at=datetime(2020, 1, 1, tzinfo=UTC))
    assert suspending.probe() == 0
    outbox.drain("default")
    assert outages.out() == {"Royal Mail"}

    Breaker.objects.update(next_probe_at=datetime(2020, 1, 1, tzinfo=UTC))
    assert suspending.probe() == 3
    outbox.drain("default")
    assert (outages.out(), Breaker.objects.get().state) == (set(), "CLOSED")
    types = Event.objects.filter(type__startswith="connection.").order_by("pk").values_list("type", flat=True)
    assert list(types) == ["connection.suspended", "connection.restored"]


def test_what_a_person_reported_out_stays_out_and_another_account_keeps_a_carrier_in(account: Connection):
    bought()
    service("royal-own", carrier="Royal Mail")
    outages.begin("Dispatch", reason="Strike", actor=SYSTEM)

    for _ in range(25):
        breaker.report(account.pk, ok=False, reason="500")
    outbox.drain("default")
    breaker.reset(account.pk)
    outbox.drain("default")

    assert outages.out() == {"Dispatch"}
