"""One label a parcel, whatever is retried: made here, ordered elsewhere, given back, taken over by another service."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from core import barcodes
from core.actors import SYSTEM
from core.errors import Invalid, Refusal
from core.models import Event
from exceptions.models import Case
from orders import labels as makers
from orders.labels import Sheet, sscc
from orders.labels.zpl import escaped
from orders.models import ParcelLabel
from orders.services import changing, fulfilment, label_answers, labels, sheets
from tests.orders.parcels import bought, packed, parcel, service

# --- The pure pieces


def test_an_sscc_carries_prefix_serial_and_the_digit_gs1_demands():
    code = sscc.make("0614141", 1, 123456789)

    assert code == "106141411234567897"  # the example of the GS1 General Specifications
    assert sscc.is_valid(code)
    assert not sscc.is_valid("106141411234567890")
    with pytest.raises(ValueError, match="serial"):
        sscc.make("0614141", 0, 10**9)


def test_a_gs1_symbol_starts_with_fnc1_and_keeps_its_check():
    made = barcodes.values("00106141411234567897", gs1=True)

    assert made[:2] == [barcodes.START_C, barcodes.FNC1]
    assert made[-1] == (made[0] + sum(i * v for i, v in enumerate(made[:-1]))) % 103
    assert barcodes.FNC1 not in barcodes.values("00106141411234567897")


def test_nothing_a_customer_writes_becomes_a_printer_command():
    sheet = Sheet(
        carrier="Dispatch", service="Next day", sender=("DC",), receiver=("Eve ^XZ~JR", "Zoë_Straße\n1"), country="GB",
        postcode="LS1", sscc="106141411234567897", reference="SO-1-1-P1", parcel="Parcel 1 of 1", weight="0.40 kg",
    )  # fmt: skip

    text = makers.zpl(sheet)

    assert "Eve _5EXZ_7EJR" in text
    assert "Zoë_5FStraße 1" in text
    assert "^FD(00)106141411234567897^FS" in text
    assert text.count("^XZ") == 1
    assert escaped("a\x1b^") == "a _5E"


# --- The services


@pytest.mark.django_db
def test_a_parcel_gets_one_label_made_here_however_often_it_is_asked_for():
    service(tracking_url="https://track.example/{tracking}")
    job = packed(400, 2500)

    first = labels.buy(job.pk, actor=SYSTEM)
    again = labels.buy(job.pk, actor=SYSTEM)

    assert [label.pk for label in first] == [label.pk for label in again]
    assert [label.cost for label in first] == [Decimal("3.20"), Decimal("7.80")]
    numbers = [parcel(job, n).sscc for n in (1, 2)]
    assert len(set(numbers)) == 2
    assert all(sscc.is_valid(number) for number in numbers)
    assert parcel(job).tracker == "pre_transit"
    assert first[0].tracking_url == f"https://track.example/{numbers[0]}"
    assert Event.objects.filter(type="parcel.label_ready").count() == 2
    with pytest.raises(IntegrityError), transaction.atomic():
        ParcelLabel.objects.create(uid="0" * 32, package=parcel(job), service=first[0].service, grams=1)


@pytest.mark.django_db
def test_the_cheapest_that_keeps_the_promise_is_chosen_and_a_parcel_nobody_weighed_is_refused():
    service("slow")
    service("fast", zones=[{"name": "UK", "countries": ["GB"], "days": 1, "prices": [[30000, "9.00"]]}])
    job = packed(None)
    chosen = labels.buy(job.pk, actor=SYSTEM)[0]  # its goods' own weight is known and it is the only parcel
    assert (chosen.service.code, chosen.grams) == ("slow", 300)

    job.order.promise_by = chosen.created_at + timedelta(hours=1)
    job.order.save(update_fields=["promise_by"])
    labels.void(chosen.pk, reason="too slow", actor=SYSTEM)
    in_a_hurry = labels.buy(job.pk, actor=SYSTEM)[0]
    assert in_a_hurry.service.code == "fast"  # none keeps it, so the soonest

    labels.void(in_a_hurry.pk, reason="x", actor=SYSTEM)
    with pytest.raises(Refusal, match="no carrier service") as unknown:
        labels.buy(job.pk, service="carrier-pigeon", actor=SYSTEM)
    assert unknown.value.code == "unknown_service"


@pytest.mark.django_db
def test_two_parcels_without_weights_are_refused_and_work_that_is_not_packed_too():
    service()
    job = packed(None, None)

    with pytest.raises(Invalid) as refused:
        labels.buy(job.pk, actor=SYSTEM)

    assert refused.value.problems[0].path == "parcels[0].weight_grams"
    assert not ParcelLabel.objects.exists()
    changing.cancel(job.order_id, actor=SYSTEM, reason="changed their mind")
    with pytest.raises(Refusal, match="labels are for packed work"):
        labels.buy(job.pk, actor=SYSTEM)


@pytest.mark.django_db
def test_what_is_shipped_bears_what_the_label_says_and_waits_for_a_label_on_its_way():
    bought()
    job = packed()
    label = labels.buy(job.pk, actor=SYSTEM)[0]

    with pytest.raises(Refusal) as pending:
        fulfilment.ship(job.pk, actor=SYSTEM)
    assert pending.value.code == "label_pending"

    label_answers.bought(label.pk, tracking_number="RM1GB", cost=Decimal("2.99"), currency="GBP", actor=SYSTEM)
    label_answers.bought(label.pk, tracking_number="RM2GB", actor=SYSTEM)  # told twice
    shipment = fulfilment.ship(job.pk, actor=SYSTEM)

    assert (shipment.carrier, shipment.tracking_number) == ("Royal Mail", "RM1GB")
    assert ParcelLabel.objects.get().cost == Decimal("2.9900")
    assert Event.objects.get(type="fulfilment.shipped").data["tracking_number"] == "RM1GB"
    with pytest.raises(Refusal, match="has left"):
        labels.void(label.pk, reason="late", actor=SYSTEM)


@pytest.mark.django_db
def test_a_carrier_that_refuses_is_a_case_until_the_label_is_there():
    bought()
    job = packed()
    label = labels.buy(job.pk, actor=SYSTEM)[0]

    label_answers.failed(label.pk, reason="postcode and town disagree", actor=SYSTEM)

    case = Case.objects.get(reason="orders.label_failed")
    assert (case.is_open, case.subject_uid) == (True, str(job.pk))
    labels.retry(label.pk, actor=SYSTEM)
    label_answers.bought(label.pk, tracking_number="RM1", actor=SYSTEM)
    case.refresh_from_db()
    assert not case.is_open
    assert Event.objects.filter(type="parcel.label_wanted").count() == 2


@pytest.mark.django_db
def test_an_outage_falls_back_along_the_policy_once_each_and_gives_back_what_may_have_been_bought():
    service("own", rank=50)
    second = bought("second", fallbacks=["own"])
    bought("first", rank=1, fallbacks=["second", "own"])
    second.fallbacks = ["first", "own"]  # each names the other
    second.save()
    job = packed()
    first = labels.buy(job.pk, service="first", actor=SYSTEM)[0]
    label_answers.keep_ref(first.pk, "shp_1")

    patient = label_answers.delayed(first.pk, why="timed out", outage=False, actor=SYSTEM)
    moved = label_answers.delayed(first.pk, why="calls are suspended", outage=True, actor=SYSTEM)
    again = label_answers.delayed(first.pk, why="calls are suspended", outage=True, actor=SYSTEM)

    assert (patient, moved, again) == (False, True, True)
    first.refresh_from_db()
    assert first.status == "VOID_WANTED"  # it may have been bought: the carrier is asked
    following = ParcelLabel.objects.live().get()
    assert (following.service.code, following.instead_of_id) == ("second", first.pk)
    label_answers.failed(following.pk, reason="no", actor=SYSTEM)
    last = ParcelLabel.objects.live().get()
    assert (last.service.code, last.status) == ("own", "BOUGHT")
    assert not Case.objects.exists()
    label_answers.voided(first.pk, taken_back=True, actor=SYSTEM)
    first.refresh_from_db()
    assert first.status == "VOIDED"


@pytest.mark.django_db
def test_labels_of_cancelled_work_go_back():
    bought()
    job = packed()
    label = labels.buy(job.pk, actor=SYSTEM)[0]
    label_answers.keep_ref(label.pk, "shp_1")
    changing.cancel(job.order_id, actor=SYSTEM, reason="changed their mind")

    given = labels.void_all(job.pk, reason="cancelled", actor=SYSTEM)
    label_answers.bought(label.pk, tracking_number="RM1", actor=SYSTEM)  # the answer comes too late

    label.refresh_from_db()
    assert (given, label.status, label.tracking_number) == (1, "VOID_WANTED", "RM1")
    assert labels.void_all(job.pk, reason="cancelled", actor=SYSTEM) == 0


@pytest.mark.django_db
def test_a_sheet_names_both_ends_and_printing_again_is_counted():
    service()
    job = packed()
    label = labels.buy(job.pk, actor=SYSTEM)[0]

    labels.printed(label.pk, actor=SYSTEM)
    again = labels.printed(label.pk, actor=SYSTEM)
    sheet = sheets.sheet(sheets.for_print(ParcelLabel.objects).get(pk=label.pk))

    assert again.prints == 2
    assert sheet.receiver[0] == "Nadia Osei"
    assert "Wakefield" in sheet.sender
    assert (sheet.parcel, sheet.weight) == ("Parcel 1 of 1", "0.40 kg")


@pytest.mark.django_db
def test_a_service_that_makes_no_sense_is_refused():
    with pytest.raises(ValidationError, match="zones"):
        service(zones=[{"name": "UK", "days": 1, "prices": []}])
    with pytest.raises(ValidationError, match="No other service"):
        service(fallbacks=["own-standard"])
    with pytest.raises(ValidationError, match="weekday"):
        service(collects=[7])
