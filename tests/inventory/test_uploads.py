"""A list somebody uploads: shown first, then taken whole or not at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from core import jobs
from core.actors import Actor, person
from core.errors import Invalid, Refusal
from core.models import Job, User
from inventory import uploads as files
from inventory.models import StockDifference, StockSnapshot, StockUpload
from inventory.services import sources, uploads
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory

pytestmark = pytest.mark.django_db
GOOD = b"SKU,Location,Status,Quantity\nCOAT,LEEDS,On hand,5\nCAP,LEEDS,Damaged,1\n"


@pytest.fixture
def user(db: None) -> User:
    place = LocationFactory(code="LEEDS")
    StockFactory(item=ItemFactory(sku="COAT"), location=place, sellable=8)
    StockFactory(item=ItemFactory(sku="CAP"), location=place, sellable=3)
    return User.objects.create_user("sana@harrow.example", "correct horse battery", name="Sana Qureshi")


@pytest.fixture
def source(user: User):
    return sources.ensure("erp", name="ERP", kind="ERP", actor=person(user))


def keep(source, user, content=GOOD, name="levels.csv", **more) -> StockUpload:
    return uploads.keep(source.pk, name, content, as_of=timezone.now() - timedelta(minutes=1), user=user, **more)


def take(upload: StockUpload, user: User) -> Job:
    job = uploads.confirm(upload.pk, actor=person(user))
    uploads.run(job.pk)
    job.refresh_from_db()
    upload.refresh_from_db()
    return job


def test_a_list_is_shown_before_it_is_taken_and_then_taken_as_one_snapshot(source, user):
    upload = keep(source, user)

    seen = uploads.preview(upload)

    assert (seen.missing, len(seen.lines), seen.counts["COMPARED"]) == ([], 2, 2)
    assert not StockSnapshot.objects.exists()
    job = take(upload, user)
    assert (job.status, job.done, job.failed) == ("DONE", 2, 0)
    assert (upload.status, upload.snapshot.compared) == ("TAKEN", 2)
    assert StockDifference.objects.count() == 2


def test_bad_rows_are_named_and_block_until_they_are_left_out(source, user):
    rows = (
        b"SKU,Location,Status,Quantity\nCOAT,LEEDS,On hand,5\n,LEEDS,On hand,5\nCAP,LEEDS,On hand,1e3\nCAP,,On hand,3\n"
    )
    upload = keep(source, user, rows)

    bad = uploads.preview(upload).parsed.bad
    with pytest.raises(Refusal) as refusal:
        uploads.confirm(upload.pk, actor=person(user))

    assert [(each.number, each.rule) for each in bad] == [(3, "code"), (4, "quantity"), (5, "place")]
    assert (refusal.value.code, Job.objects.count(), StockSnapshot.objects.count()) == ("bad_rows", 0, 0)
    uploads.arrange(upload.pk, columns=upload.columns, leave_out_bad=True)
    job = take(StockUpload.objects.get(), user)
    assert (job.status, job.done, job.failed) == ("DONE", 1, 3)
    assert [failure["row"] for failure in job.failures] == [3, 4, 5]


@pytest.mark.parametrize(
    ("cells", "rule"),
    [
        ("COAT,LEEDS,On hand,5,0", "cells"),  # a decimal comma, or a name with one: never taken for 5
        ('COAT,LEEDS,On hand,"5,0"', "quantity"),
        ("COAT,LEEDS,On hand,\u22125", "quantity"),
        ("COAT,LEEDS,On hand,=2+3", "quantity"),
        ("COAT\u200b,LEEDS,On hand,5", "text"),
        ("COAT", "place"),
    ],
)
def test_a_row_that_could_mean_two_things_is_a_bad_row(source, user, cells, rule):
    upload = keep(source, user, f"SKU,Location,Status,Quantity\n{cells}\n".encode())

    assert [(bad.number, bad.rule) for bad in uploads.preview(upload).parsed.bad] == [(2, rule)]


def test_units_given_in_several_rows_are_added_up_and_it_is_said(source, user):
    row = b"COAT,LEEDS,On hand,5\n"

    seen = uploads.preview(keep(source, user, b"SKU,Location,Status,Quantity\n" + row + row))

    assert "Added up: 1 figures" in seen.remarks[0]


@pytest.mark.parametrize("year", [1, 1969, 9999])
def test_a_moment_nobody_means_is_refused_and_nothing_is_kept(source, user, year):
    with pytest.raises(Invalid):
        uploads.keep(source.pk, "levels.csv", GOOD, as_of=datetime(year, 1, 1, tzinfo=UTC), user=user)

    assert not StockUpload.objects.exists()


def test_columns_nobody_can_recognise_are_pointed_at_by_a_person(source, user):
    upload = keep(source, user, b"Artikel;Bestand\nCOAT;5\n")

    assert uploads.preview(upload).missing == ["code", "quantity", "place", "status"]
    with pytest.raises(Refusal):
        uploads.confirm(upload.pk, actor=person(user))
    with pytest.raises(Invalid):
        uploads.arrange(upload.pk, columns={"code": 0, "quantity": 0})
    with pytest.raises(Invalid):
        uploads.arrange(upload.pk, columns={"code": 0, "quantity": 7})
    uploads.arrange(upload.pk, columns={"code": 0, "quantity": 1}, place="LEEDS", status="On hand")

    assert take(StockUpload.objects.get(), user).status == "DONE"
    assert StockDifference.objects.get().units == -3


def test_the_same_list_uploaded_again_changes_nothing(source, user):
    moment = timezone.now() - timedelta(minutes=5)
    for _ in range(2):
        upload = uploads.keep(source.pk, "levels.csv", GOOD, as_of=moment, user=user)
        take(upload, user)

    assert StockSnapshot.objects.count() == 1
    assert StockUpload.objects.filter(snapshot__isnull=False).count() == 2


def test_a_list_that_is_stopped_leaves_nothing_behind_and_may_be_confirmed_again(source, user):
    upload = keep(source, user)
    job = uploads.confirm(upload.pk, actor=person(user))

    jobs.stop(job.pk)
    uploads.run(job.pk)

    upload.refresh_from_db()
    assert (upload.status, StockSnapshot.objects.count()) == ("UPLOADED", 0)
    assert take(upload, user).status == "DONE"


def test_a_list_whose_worker_died_may_be_confirmed_again(source, user):
    upload = keep(source, user)
    lost = uploads.confirm(upload.pk, actor=person(user))
    Job.objects.filter(pk=lost.pk).update(status="FAILED", finished_at=timezone.now())

    assert take(upload, user).status == "DONE"
    with pytest.raises(Refusal, match="taken"):
        uploads.confirm(upload.pk, actor=person(user))


def test_a_list_that_breaks_off_leaves_nothing_behind(source, user):
    upload = keep(source, user)
    job = uploads.confirm(upload.pk, actor=Actor("SYSTEM", "x", "x"))
    sources.StockSource.objects.update(active=False)

    uploads.run(job.pk)

    job.refresh_from_db()
    upload.refresh_from_db()
    assert (job.status, upload.status, StockSnapshot.objects.count()) == ("FAILED", "FAILED", 0)


@pytest.mark.parametrize("name", ["../../levels.csv", "a\\b.csv", ".csv", "x" * 200 + ".csv"])
def test_a_name_with_a_path_is_refused_and_nothing_is_kept(source, user, name):
    with pytest.raises(Invalid):
        keep(source, user, name=name)

    assert not StockUpload.objects.exists()


def test_a_file_that_says_what_its_figures_are_needs_no_status_column(source, user):
    assert keep(source, user, b"sku,store,On hand\nCOAT,LEEDS,5\n").default_status == "On hand"
    assert keep(source, user, b"sku,store,qty\nCOAT,LEEDS,5\n").default_status == ""


@pytest.mark.parametrize("text", ["1e3", "٣", "1,000", "5.5", "--1", "+1", "9" * 11, "0x10", "", " "])
def test_what_is_no_whole_number_is_a_bad_row(text):
    parsed = files.parse([("A", text)], [2], {"code": 0, "quantity": 1}, width=2, place="X", status="s")

    assert [bad.rule for bad in parsed.bad] == ["quantity"]


@pytest.mark.parametrize(("text", "units"), [("0", 0), ("-7", -7), ("12.0", 12), ("1000000000", 1_000_000_000)])
def test_whole_numbers_are_taken_as_they_are(text, units):
    parsed = files.parse([("A", text)], [2], {"code": 0, "quantity": 1}, width=2, place="X", status="s")

    assert parsed.lines[0].quantity == units
