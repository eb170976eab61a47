"""Reconciliation, snapshots, sources and imports, over HTTP."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from core.actors import SYSTEM
from core.subjects import Subject
from exceptions.models import Case
from inventory.models import Count, Item, ItemAlias, StatusMap, StockDifference, StockSnapshot, StockUpload
from inventory.services import reconciling, snapshots, sources, uploads
from inventory.snapshots import Code, IncomingSnapshot, ReportedLine
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.inventory.test_screens import person, signed_in

pytestmark = pytest.mark.django_db
SEE = ("inventory.view_stockdifference", "inventory.view_stocksnapshot", "inventory.view_stocksource")
ALL = (*SEE, "inventory.export_difference", "inventory.import_stock", "inventory.map_stocksource")
GOOD = b"SKU,Location,Status,Quantity\nCOAT,LEEDS,On hand,5\n"


@pytest.fixture
def wms():
    return sources.ensure("wms", name="Wakefield WMS", kind="WMS", actor=SYSTEM)


@pytest.fixture
def leeds():
    return LocationFactory(code="LEEDS", name="Leeds")


def differ(source, location, sku, have, said, ref="r"):
    item = Item.objects.filter(sku=sku).first() or ItemFactory(sku=sku, unit_cost=Decimal("2.50"), cost_currency="GBP")
    StockFactory(item=item, location=location, sellable=have)
    line = ReportedLine((Code(sku),), location.code, "on hand", said)
    incoming = IncomingSnapshot(f"{ref}-{sku}-{location.code}", None, (line,))
    return snapshots.take(source, incoming, cause=Subject("message", "1", "Message 1"), actor=SYSTEM).snapshot


def test_table_trend_list_and_export_say_the_same_figures(client, wms, leeds):
    york = LocationFactory(code="YORK", name="York")
    differ(wms, leeds, "COAT", 8, 5)
    differ(wms, leeds, "CAP", 2, 6)
    differ(wms, york, "BOOT", 3, 1)
    signed_in(client, person(*ALL))

    page = client.get("/stock/reconciliation/").content.decode()
    rows = list(
        csv.DictReader(io.StringIO(b"".join(client.get("/stock/reconciliation/export.csv")).decode("utf-8-sig")))
    )
    places, everywhere = reconciling.by_place(None)

    assert (everywhere.more, everywhere.less, everywhere.gross, everywhere.value["GBP"]) == (4, 5, 9, Decimal("-2.50"))
    assert [(row.code, row.gross) for row in places] == [("LEEDS", 7), ("YORK", 2)]
    assert sum(int(row["Units in question"]) for row in rows) == reconciling.trend(None)[-1].units == 9
    assert sum(Decimal(row["Value"]) for row in rows) == everywhere.value["GBP"]
    assert sum(case.value for case in Case.objects.filter(is_open=True)) == Decimal("22.50")
    assert "Wakefield WMS" in page
    assert page.count("EX-") == 3


def test_the_trend_goes_down_when_a_difference_ends(wms, leeds):
    differ(wms, leeds, "COAT", 8, 5)
    StockDifference.objects.update(began_at=timezone.now() - timedelta(days=3))
    differ(wms, leeds, "CAP", 2, 6)
    StockDifference.objects.filter(item__sku="COAT").update(ended_at=timezone.now() - timedelta(days=1))

    points = reconciling.trend(None)

    assert max(point.units for point in points[-4:-1]) == 3
    assert [points[0].units, points[-1].units] == [0, 4]


def test_another_sites_differences_are_nowhere(client, wms, leeds):
    york = LocationFactory(code="YORK", name="York")
    ours, theirs = differ(wms, leeds, "COAT", 8, 5), differ(wms, york, "BOOT", 3, 1)
    signed_in(client, person(*ALL, sites=[leeds.site]))

    page = client.get("/stock/reconciliation/").content.decode()
    exported = b"".join(client.get("/stock/reconciliation/export.csv")).decode()

    assert "COAT" in page + exported
    assert "BOOT" not in page + exported
    assert client.get(f"/stock/snapshots/{ours.pk}").status_code == 200
    assert client.get(f"/stock/snapshots/{theirs.pk}").status_code == 404
    assert client.get("/stock/reconciliation/?location=NOWHERE").status_code == 400


def test_every_screen_needs_its_permission(client, wms):
    signed_in(client, person())

    for path in (
        "reconciliation/",
        "reconciliation/export.csv",
        "snapshots/",
        "imports/",
        "sources/",
        f"sources/{wms.pk}",
    ):
        assert client.get(f"/stock/{path}").status_code == 403, path
    assert client.post("/stock/imports/upload").status_code == 403
    assert client.post(f"/stock/sources/{wms.pk}/status").status_code == 403
    client.logout()
    assert client.post("/stock/imports/upload").status_code == 302


def test_a_cell_that_would_start_a_formula_is_harmless_in_the_export(client, wms, leeds):
    ItemFactory(sku="EVIL", name='=HYPERLINK("http://x")')
    differ(wms, leeds, "EVIL", 1, 2)
    signed_in(client, person(*ALL))

    assert "\"'=HYPERLINK" in b"".join(client.get("/stock/reconciliation/export.csv")).decode()


def test_saying_what_words_mean_compares_the_lines_that_waited(client, wms, leeds, settings):
    stock = StockFactory(item=ItemFactory(sku="COAT"), location=leeds, sellable=8)
    line = ReportedLine((Code("their-coat"),), "dock-9", "Hospital stock", 1)
    snapshots.take(wms, IncomingSnapshot("r", None, (line,)), cause=Subject("message", "1"), actor=SYSTEM)
    signed_in(client, person(*ALL))
    page = client.get(f"/stock/sources/{wms.pk}").content.decode()
    assert all(word in page for word in ("their-coat", "dock-9", "Hospital stock"))

    url = f"/stock/sources/{wms.pk}"
    client.post(f"{url}/item", {"code": "their-coat", "sku": "COAT"})
    client.post(f"{url}/place", {"code": "dock-9", "location": "LEEDS"})
    client.post(f"{url}/status", {"word": "Hospital stock", "meaning": "damaged", "v": "1"})
    stale = client.post(f"{url}/status", {"word": "x", "meaning": "damaged", "v": "1"})
    wrong = client.post(f"{url}/item", {"code": "their-coat", "sku": "NOPE"})
    snapshots.resolve_again(wms.pk, actor=SYSTEM)

    assert (stale.status_code, wrong.status_code) == (409, 422)
    assert ItemAlias.objects.get().item == stock.item
    assert StatusMap.objects.filter(source=wms).count() == 2
    assert StockDifference.objects.get().deltas == {"damaged": 1}


def upload(client, source, content=GOOD, name="levels.csv", **fields):
    data = {"source": source.pk, "as_of": "2026-03-02T09:30", "file": SimpleUploadedFile(name, content)} | fields
    return client.post("/stock/imports/upload", data)


def test_a_list_is_uploaded_shown_confirmed_and_taken(client, wms, leeds):
    StockFactory(item=ItemFactory(sku="COAT"), location=leeds, sellable=8)
    signed_in(client, person(*ALL))

    shown = upload(client, wms)
    page = client.get(shown["Location"]).content.decode()
    assert "Take 1 lines" in page
    assert not StockSnapshot.objects.exists()
    client.post(shown["Location"] + "/confirm")
    kept = StockUpload.objects.get()
    uploads.run(kept.job_id)

    after = client.get(shown["Location"]).content.decode()
    assert "Open SN-" in after
    assert StockDifference.objects.get().units == -3


def test_bad_rows_are_shown_and_downloaded_harmlessly(client, wms, leeds):
    signed_in(client, person(*ALL))
    shown = upload(client, wms, b"SKU,Location,Status,Quantity\n=1+1,LEEDS,On hand,many\n")

    page = client.get(shown["Location"]).content.decode()
    file = b"".join(client.get(shown["Location"] + "/bad-rows.csv")).decode()

    assert "no whole number of units" in page
    assert "'=1+1" in file
    assert client.post(shown["Location"] + "/confirm").status_code == 422


@pytest.mark.parametrize(
    ("name", "content", "status"),
    [
        ("levels.csv", b'sku,qty\n"A,1\n', 400),
        ("levels.xlsx", b"sku,qty\n", 400),
        ("levels.csv", b"PK\x03\x04rest", 400),
        ("levels.exe", b"MZ", 400),
        ("levels.csv", b"", 400),
        ("levels.csv", b"x" * (9 * 1024 * 1024), 413),
        ("levels.csv", b"x" * (11 * 1024 * 1024), 413),
    ],
)
def test_what_is_no_list_is_refused_and_nothing_is_kept(client, wms, name, content, status):
    signed_in(client, person(*ALL))

    assert upload(client, wms, content, name).status_code == status
    assert not StockUpload.objects.exists()


def test_a_name_with_a_path_is_refused(client, wms):
    signed_in(client, person(*ALL))
    body = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="../../levels.csv"\r\n'
        b"Content-Type: text/csv\r\n\r\n" + GOOD + b"\r\n--x--\r\n"
    )

    answer = client.post("/stock/imports/upload", body, content_type="multipart/form-data; boundary=x")

    assert answer.status_code == 400
    assert not StockUpload.objects.exists()


def test_an_upload_without_its_form_token_is_refused(wms, leeds):
    from django.test import Client

    client = signed_in(Client(enforce_csrf_checks=True), person(*ALL))

    assert upload(client, wms).status_code == 403
    assert not StockUpload.objects.exists()


def test_the_case_offers_a_correction_and_a_count(client, wms, leeds):
    differ(wms, leeds, "COAT", 8, 5)
    case = Case.objects.get()
    rights = ("exceptions.view_case", "exceptions.work_case", "inventory.correct_difference", "inventory.request_count")
    signed_in(client, person(*rights))

    page = client.get(f"/exceptions/{case.pk}").content.decode()

    assert "Both sides as of" in page
    assert "Likely cause" in page
    assert "Correct the books" in page
    assert "Have it counted" in page
    from exceptions import reasons

    reason = reasons.get(case.reason)
    said = reasons.run(reason.action("count"), case.subject_uid, actor=SYSTEM)
    assert "is asked for" in said
    assert Count.objects.get().location == leeds


def test_the_pages_take_a_fixed_number_of_queries(client, wms, leeds, query_count):
    differ(wms, leeds, "COAT", 8, 5)
    snapshot = differ(wms, leeds, "CAP", 2, 6)
    signed_in(client, person(*ALL, "exceptions.view_case"))

    def more():
        for n in range(4):
            differ(wms, leeds, f"MORE-{n}", 1, 2 + n)

    with query_count("stock-reconciliation", lambda: client.get("/stock/reconciliation/")):
        more()
    with query_count("stock-snapshots", lambda: client.get("/stock/snapshots/")):
        differ(wms, leeds, "LAST", 1, 2)
    with query_count("stock-snapshot", lambda: client.get(f"/stock/snapshots/{snapshot.pk}")):
        differ(wms, leeds, "VERY-LAST", 1, 2)
