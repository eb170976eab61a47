"""Taking in, inspecting and disposing on a handheld, and what a return's page shows of it."""

from __future__ import annotations

import io
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from core.errors import Refusal
from core.models import User
from inventory.models import Stock
from returns.models import (
    Disposition,
    DispositionRules,
    Exchange,
    Inspection,
    InspectionPhoto,
    OnBench,
    ReturnLine,
    ReturnSignal,
)
from returns.services import inspection, photos, rejected
from returns.services.inspection import Seen
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.inventory.test_count_screens import HTMX, send
from tests.returns.bench import ANNA, approved, bench_of, came_back, sold

pytestmark = pytest.mark.django_db


def person(*permissions: str, sites=()) -> User:
    from django.contrib.auth.models import Permission

    user = User.objects.create_user(f"{uuid4().hex[:8]}@example.test", "pw")
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="returns", codename__in=permissions))
    user.sites.set(sites)
    return User.objects.get(pk=user.pk)


WORKER = ("view_returnrequest", "inspect_return")


def picture(kind: str = "JPEG", size=(640, 480)) -> bytes:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x8825] = {1: "N", 2: (51.0, 30.0, 0.0)}
    extra = {"exif": exif} if kind == "JPEG" else {}
    Image.effect_noise(size, 60).convert("RGB").save(out, kind, **extra)
    return out.getvalue()


@pytest.fixture
def leeds():
    return LocationFactory(code="LEEDS", name="Leeds", kind="STORE", returns=True)


def test_from_the_parcel_to_the_shelf_on_a_handheld(client, leeds):
    jacket = ItemFactory(sku="JACKET", name="Chore jacket")
    ItemFactory(sku="MUG", name="Mug")
    rma = approved(sold((jacket, 2)), (jacket, 2), at=leeds)
    client.force_login(person(*WORKER, sites=[leeds.site]))
    here = f"/s/LEEDS/returns/{rma.number}"

    assert rma.number in client.get("/s/LEEDS/returns/").content.decode()
    assert client.get(f"/s/LEEDS/returns/?q={rma.order.number}").headers["Location"] == here
    key = uuid4().hex
    for _ in range(2):
        assert send(client, f"{here}/scan", "JACKET", key).status_code == 200
    refused = send(client, f"{here}/scan", "MUG")
    assert refused.status_code == 422
    assert "It came instead of Chore jacket" in refused.content.decode()
    line = ReturnLine.objects.get(request=rma)
    wrong = client.post(f"{here}/instead", {"code": "MUG", "line": line.pk, "key": "k2"}, headers=HTMX)
    assert "Mug came instead" in wrong.content.decode()

    page = client.get(here).content.decode()
    assert "How is it?" in page
    rule = client.get(f"{here}/rule?line={line.pk}&grade=A").content.decode()
    assert "Back on sale" in rule
    bench = OnBench.objects.get(line=line)
    form = {"bench": bench.pk, "grade": "A", "verdict": "ACCEPTED", "units": 1, "disposition": "RULE", "key": "k3"}
    for _ in range(2):
        done = client.post(f"{here}/inspect", form, headers=HTMX)
    assert "1 accepted: back on sale" in done.content.decode()
    assert Stock.objects.get(item=jacket).sellable == 1

    late = client.post(f"{here}/inspect", form | {"key": "k4"}, headers=HTMX)
    assert late.status_code == 409
    assert "looked at them already" in late.content.decode()
    assert Inspection.objects.count() == 1


def test_the_rest_never_came_and_what_is_put_aside_moves_on(client, leeds):
    rma = came_back(1, at=leeds)
    ReturnLine.objects.filter(request=rma).update(quantity=2)
    client.force_login(person(*WORKER))
    here = f"/w/LEEDS/returns/{rma.number}"

    empty = client.post(f"{here}/finish", {"v": 2}, headers=HTMX)
    assert empty.status_code == 200
    form = {
        "bench": bench_of(rma).pk,
        "grade": "D",
        "verdict": "ACCEPTED",
        "units": 1,
        "disposition": "RULE",
        "key": "a",
    }
    client.post(f"{here}/inspect", form, headers=HTMX)
    first = Disposition.objects.get()
    assert first.kind == "REFURBISH"
    onward = {"inspection": first.inspection_id, "after": first.pk, "disposition": "RESTOCK", "units": 1, "key": "b"}
    assert client.post(f"{here}/dispose", onward, headers=HTMX).status_code == 200
    assert Stock.objects.get(location=leeds).sellable == 1
    assert client.post(f"{here}/nonsense", {}, headers=HTMX).status_code == 404


def test_a_photo_is_written_anew_and_anything_else_is_refused(client, leeds):
    rma = came_back(1, at=leeds)
    line = rma.lines.get()
    client.force_login(person(*WORKER, sites=[leeds.site]))
    there = f"/s/LEEDS/returns/{rma.number}/photo"
    sent = picture(size=(3000, 1000))

    for _ in range(2):
        file = SimpleUploadedFile("../../evil.php", sent, content_type="text/html")
        assert client.post(there, {"line": line.pk, "photo": file}, headers=HTMX).status_code == 200

    kept = InspectionPhoto.objects.get()
    shown = client.get(f"/returns/photos/{kept.pk}")
    assert shown.headers["Content-Type"] == "image/jpeg"
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    drawn = Image.open(io.BytesIO(shown.content))
    assert (max(drawn.size), dict(drawn.getexif())) == (1600, {})
    assert shown.content != sent

    client.force_login(person(*WORKER, sites=[LocationFactory().site]))
    assert client.get(f"/returns/photos/{kept.pk}").status_code == 404


@pytest.mark.parametrize(
    "content",
    [b"", b"<svg onload=alert(1)>", b"\xff\xd8\xff" + b"x" * 200, b"GIF89a" + b"\0" * 50, b"%PDF-1.4",
     picture("PNG", (4, 4)), picture()[:300]],
)  # fmt: skip
def test_what_is_no_picture_is_refused_whatever_it_is_called(content):
    with pytest.raises(Refusal) as refusal:
        photos.redraw(content)

    assert refusal.value.code == "not_a_picture"


def test_a_line_holds_a_dozen_photos_of_eight_megabytes(leeds, monkeypatch):
    rma = came_back(1, at=leeds)
    line = rma.lines.get()
    monkeypatch.setattr(photos, "MOST", 1)
    photos.keep(rma.pk, line.pk, picture(), person=None, actor=ANNA)

    with pytest.raises(Refusal) as many:
        photos.keep(rma.pk, line.pk, picture("PNG"), person=None, actor=ANNA)
    with pytest.raises(Refusal) as large:
        photos.keep(rma.pk, line.pk, b"\0" * (photos.LARGEST + 1), person=None, actor=ANNA)

    assert (many.value.code, large.value.code) == ("too_many", "too_large")


def test_a_returns_panel_decides_corrects_and_exchanges(client, leeds):
    rma = came_back(2, at=leeds)
    instead = ItemFactory()
    StockFactory(item=instead, sellable=3)
    here = f"/s/LEEDS/returns/{rma.number}/inspect"
    boss = person(*WORKER, "approve_return", "request_return", "exchange_return")
    client.force_login(boss)
    form = {"bench": bench_of(rma).pk, "grade": "C", "verdict": "REVIEW", "units": 1, "disposition": "", "key": "k"}
    client.post(here, form, headers=HTMX)
    panel = f"/returns/{rma.number}/bench"

    seen = client.get(panel).content.decode()
    assert "Receipt to disposition" in seen
    said = client.post(f"{panel}/reason", {"line": rma.lines.get().pk, "reason": "TOO_SMALL"}, headers=HTMX)
    assert "Too small" in said.content.decode()
    wanted = {"sku-0": instead.sku, "units-0": "1", "price-0": "60", "key": "x1"}
    reckoned = client.post(f"{panel}/preview", wanted, headers=HTMX)
    assert reckoned.status_code == 200
    assert not Exchange.objects.exists()
    assert client.post(f"{panel}/exchange", wanted | {"sku-0": "NOBODY"}, headers=HTMX).status_code == 422
    for text in ("1,5,0", "-5", "NaN", "1e3", "60.001", "\u0661\u0662"):
        assert client.post(f"{panel}/exchange", wanted | {"price-0": text}, headers=HTMX).status_code == 422, text
    assert client.post(f"{panel}/exchange", wanted, headers=HTMX).status_code == 200
    assert Exchange.objects.get().worth == 60
    decided = {"inspection": Inspection.objects.get().pk, "verdict": "REJECTED"}
    assert client.post(f"{panel}/decide", decided, headers=HTMX).status_code == 422
    assert client.post(f"{panel}/decide", decided | {"note": "Worn"}, headers=HTMX).status_code == 200
    assert ReturnLine.objects.get(request=rma).rejected == 1

    client.force_login(person(*WORKER))
    assert client.post(f"{panel}/decide", decided, headers=HTMX).status_code == 403


def test_disposition_rules_are_drafted_tried_and_put_live(client):
    client.force_login(person("view_dispositionrules", "change_dispositionrules", "launch_dispositionrules"))
    assert "built-in rules" in client.get("/ops/dispositions/").content.decode()
    client.post("/ops/dispositions/draft")
    rows = {"category": ["", "Shoes"], "grade": ["A", "A"], "at_least": ["", "x"], "below": ["", ""],
            "disposition": ["RESTOCK", "OUTLET"]}  # fmt: skip

    assert client.post("/ops/dispositions/1/save", rows | {"v": "1"}).status_code == 422
    assert client.post("/ops/dispositions/1/save", rows | {"at_least": ["", "20"], "v": "1"}).status_code == 303
    assert 'value="20.00"' in client.get("/ops/dispositions/1").content.decode()
    client.post("/ops/dispositions/1/launch", {"v": "2"})

    assert DispositionRules.objects.get().status == "LIVE"
    assert "Version 1" in client.get("/ops/dispositions/").content.decode()


def test_signals_show_their_figures_to_those_who_may_see_them(client):
    figures = {"returned": 12, "expected": 3.1, "rate": 0.3, "past_rate": 0.08, "days": 28, "past_days": 364,
               "exposure": 40, "past_returned": 40, "past_exposure": 500, "swing": 1, "from": "a", "until": "b"}  # fmt: skip
    item = ItemFactory()
    made = ReturnSignal.objects.create(
        kind="RATE", dimension="SKU", key=str(item.pk), label=item.sku, figures=figures, chance=1e-5
    )
    client.force_login(person("view_returnsignal"))

    assert "30.0 % against 8.0 %" in client.get("/returns/signals/?kind=RATE").content.decode()
    assert "once in 100,000 times" in client.get(f"/returns/signals/{made.pk}").content.decode()
    assert "No signals match" in client.get("/returns/signals/?kind=RECEIPT").content.decode()
    assert client.post("/returns/signals/measure").status_code == 403
    client.force_login(person("view_returnsignal", "change_returnsignal"))
    assert client.post("/returns/signals/measure").status_code == 303


def test_no_screen_of_the_bench_asks_more_as_parcels_and_signals_pile_up(client, leeds, query_count):
    jacket = ItemFactory(sku="JACKET")
    rma = came_back(2, at=leeds, item=jacket)
    seen = ("view_returnrequest", "inspect_return", "view_returnsignal", "view_dispositionrules")
    client.force_login(person(*seen, sites=[leeds.site]))

    with (
        query_count("returns-site", lambda: client.get("/s/LEEDS/returns/")),
        query_count("returns-receive", lambda: client.get(f"/s/LEEDS/returns/{rma.number}")),
        query_count("returns-bench-panel", lambda: client.get(f"/returns/{rma.number}/bench")),
        query_count("returns-signals", lambda: client.get("/returns/signals/")),
        query_count("dispositions", lambda: client.get("/ops/dispositions/")),
    ):
        for n in range(4):
            came_back(1, at=leeds, item=jacket)
            ReturnSignal.objects.create(kind="RATE", dimension="SKU", key=f"{n}", label=f"SKU-{n}", chance=0.001)
            DispositionRules.objects.create(number=100 + n, status="RETIRED")


def test_what_is_still_the_customer_s_is_only_put_aside_on_the_handheld(client, leeds):
    rma = came_back(1, at=leeds)
    seen = inspection.inspect(bench_of(rma).pk, Seen("D", "REJECTED", note="Worn"), key="look", actor=ANNA)
    client.force_login(User.objects.create_superuser("boss@harrow.example", "correct horse battery"))
    handheld = f"/s/LEEDS/returns/{rma.number}"

    page = client.get(handheld).content.decode()
    assert "still the customer’s" in page
    assert "RESTOCK" not in page

    rejected.keep(seen.pk, words="Keep it", key="keep", actor=ANNA)
    assert "RESTOCK" in client.get(handheld).content.decode()
