"""Files of orders: dropped, mapped, shown as they'd be understood, read order by order, the refused rows taken back."""

from __future__ import annotations

import base64
import json
import os
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from core.actors import SYSTEM
from core.errors import Invalid, Refusal
from core.models import Job
from core.models.jobs import JobStatus
from integrations.files.orders import drops, fields, formats, watching
from integrations.models import AliasChange, ApiClient, Connection, FileDrop, FileMapping, InboundMessage
from orders.models import Channel, Order, OrderLine
from tests.core.test_sheets import workbook
from tests.integrations.test_screens import person

pytestmark = pytest.mark.django_db
GERMAN = """Bestellnummer;Datum;Artikelnummer;Bezeichnung;Menge;Einzelpreis;Versand;Strasse;Ort;PLZ;Land;Customer name
B-1;29.03.2026 03:10;KRUG;Emailkrug groß;2;1.250,50;4,90;Töpferweg 4;Köln;50667;DE;Änne Müller
B-2;30.03.2026;KRUG;Emailkrug;zwei;12,50;;Weg 1;Bonn;53111;DE;Bo
B-1;29.03.2026 03:10;TUCH;Tuch;1;9,95;;Töpferweg 4;Köln;50667;DE;Änne Müller
B-3;31.03.2026;TUCH;Tuch;1;9,95;;Weg 2;Bonn;53111;XX;Cy
;31.03.2026;TUCH;Tuch;1;9.95;;Weg 2;Bonn;53111;DE;Cy
""".encode("cp1252")
SAID = {"decimal": ",", "thousands": ".", "dates": "D.M.Y", "time_zone": "Europe/Berlin", "currency": "EUR"}


@pytest.fixture
def files() -> Connection:
    channel = Channel.objects.create(
        code="wholesale", name="Wholesale", currency="EUR", kind="WHOLESALE", time_zone="Europe/Berlin"
    )
    return Connection.objects.create(code="files", name="Files", kind="CHANNEL", vendor="orderfile", channel=channel)


def test_an_id_that_a_spreadsheet_rounded_names_nothing(files):
    seen = drops.preview(drop(files, GERMAN.replace(b"B-1;", b"1.00E+12;").replace(b"TUCH", b"4.00638E+12")))

    assert (
        "row 2, Bestellnummer: is 1.00E+12: a spreadsheet rounded it, so what it names is lost" in seen.shown[0].faults
    )
    assert any("Artikelnummer: is 4.00638E+12" in each for each in seen.shown[0].faults)


def test_a_file_in_an_encoding_nobody_can_tell_is_read_as_somebody_said(files):
    content = "order,date,sku,qty,price,name\nJ-1,2026-03-29,マグ,1,12.50,青いマグカップ\n".encode("cp932")

    with pytest.raises(Invalid, match="say its encoding"):
        drops.keep(files, "j.csv", content, label="Sana")
    with pytest.raises(Invalid, match="one of those offered"):
        drops.keep(files, "j.csv", content, label="Sana", encoding="rot13")
    made = drops.keep(files, "j.csv", content, label="Sana", encoding="cp932")
    seen = drops.preview(made)

    assert made.draft["encoding"] == "cp932"
    assert [(each.ref, each.faults) for each in seen.shown] == [("J-1", ())]


def drop(files: Connection, content: bytes = GERMAN, name: str = "orders.csv", **said: Any) -> FileDrop:
    made = drops.keep(files, name, content, label="Sana")
    drops.arrange(made.pk, {**made.draft, **SAID, **said})
    return FileDrop.objects.get(pk=made.pk)


def read(made: FileDrop) -> Job:
    job = drops.confirm(made.pk, actor=SYSTEM)
    drops.run(job.pk)
    job.refresh_from_db()
    return job


def _cell(at: str, value: str | float) -> str:
    if isinstance(value, str):
        return f'<c r="{at}" t="inlineStr"><is><t>{value}</t></is></c>'
    return f'<c r="{at}"><v>{value}</v></c>'


def test_a_file_is_shown_as_it_would_be_understood_with_every_fault_in_its_place(files: Connection):
    seen = drops.preview(drop(files))

    assert (seen.orders, seen.rows, seen.bad, seen.missing) == (4, 5, 3, [])
    assert "Windows-1252" in seen.remarks[0]
    first, *others = seen.shown
    assert first.words == "2 lines, 3 units, 2515.85 EUR, 2026-03-29 01:10 UTC, Änne Müller"
    assert [each.faults for each in others] == [
        ("row 3, Menge: should be a whole number of units, is 'zwei'",),
        ("row 5, Land: should be the code of a country, is 'XX'",),
        (
            "row 6, Einzelpreis: should be an amount such as 1.234,50, is '9.95'",
            "row 6, Bestellnummer: is missing",
        ) if "Einzelpreis" in others[2].faults[0] else others[2].faults,
    ]  # fmt: skip
    assert any("row 6, Bestellnummer: is missing" in fault for fault in others[2].faults)


def test_each_order_is_a_message_of_its_own_and_a_bad_one_stops_nobody(files: Connection):
    made = drop(files)

    job = read(made)

    assert (job.status, job.done, job.failed, job.result) == (JobStatus.DONE, 1, 3, {"processed": 1, "failed": 3})
    order = Order.objects.get()
    assert (order.channel_ref, order.total, order.placed_at) == (
        "B-1", Decimal("2515.85"), datetime(2026, 3, 29, 1, 10, tzinfo=UTC),
    )  # fmt: skip
    assert list(OrderLine.objects.order_by("position").values_list("sku", "ordered", "unit_price")) == [
        ("KRUG", 2, Decimal("1250.5")), ("TUCH", 1, Decimal("9.95"))
    ]  # fmt: skip
    assert (order.ship_to["name"], order.ship_to["line1"], order.disagreements) == ("Änne Müller", "Töpferweg 4", [])
    message = InboundMessage.objects.get(status="PROCESSED")
    assert json.loads(bytes(message.body))["rows"][1]["n"] == 4
    assert message.mapping_version == "orderfile/1+1"
    assert FileMapping.objects.get().version == AliasChange.objects.get(kind="FILE").version == 1
    assert bytes(FileDrop.objects.get().content) == GERMAN


def test_the_same_file_again_changes_nothing_and_a_corrected_one_heals(files: Connection):
    read(drop(files))

    again = read(drop(files))
    assert again.result == {"known": 1, "failed": 3}
    assert FileMapping.objects.count() == 1

    corrected = (
        GERMAN.replace(b"zwei", b"2").replace(b"XX", b"AT").replace(b"\n;31", b"\nB-4;31").replace(b"9.95", b"9,95")
    )
    job = read(drop(files, corrected))
    assert job.result == {"known": 1, "processed": 3}
    assert set(Order.objects.values_list("channel_ref", flat=True)) == {"B-1", "B-2", "B-3", "B-4"}

    changed = read(drop(files, corrected.replace(b"B-4;31.03.2026;TUCH;Tuch;1", b"B-4;31.03.2026;TUCH;Tuch;5")))
    assert changed.result == {"known": 3, "processed": 1}
    assert OrderLine.objects.get(order__channel_ref="B-4").ordered == 5


def test_what_was_said_once_is_remembered_by_title_and_stops_when_told(files: Connection):
    read(drop(files))

    next_one = drops.keep(files, "next.csv", GERMAN.replace(b"Menge", b"Units"), label="Sana")
    assert next_one.draft["decimal"] == ","
    assert next_one.draft["columns"]["quantity"] == "Units"  # known by its own title
    assert next_one.draft["columns"]["ship_city"] == "Ort"

    job = drops.confirm(next_one.pk, actor=SYSTEM)
    Job.objects.filter(pk=job.pk).update(status=JobStatus.STOPPING)
    drops.run(job.pk)
    job.refresh_from_db()
    assert job.status == JobStatus.STOPPED
    assert FileDrop.objects.get(pk=next_one.pk).status == "UPLOADED"


def test_a_workbook_s_numbers_are_numbers_whatever_the_texts_look_like(files: Connection):
    rows = [["Order no", "Order date", "SKU", "Qty", "Unit price"], ["X-1", "2026-03-29 10:00", "KRUG", 2, 12.5]]
    cells = "".join(
        f'<row r="{n}">' + "".join(_cell(f"{'ABCDE'[at]}{n}", value) for at, value in enumerate(row)) + "</row>"
        for n, row in enumerate(rows, 1)
    )
    book = workbook(**{"xl/worksheets/first.xml": f"<worksheet><sheetData>{cells}</sheetData></worksheet>"})

    read(drop(files, book, "orders.xlsx"))

    assert Order.objects.get().total == Decimal(25)


@pytest.mark.parametrize(
    ("layout", "text", "amount"),
    [
        ({}, "1234.50", "1234.50"), ({}, "1,234.50", None), ({}, "12,50", None), ({"thousands": ","}, "1,234.50", "1234.50"),
        ({"thousands": ","}, "1,23.50", None), ({"decimal": ",", "thousands": " "}, "1\u00a0234,50", "1234.50"),
        ({"decimal": ","}, "€ 12,50", None), ({}, "1e3", None), ({}, "", None), ({"thousands": "'"}, "-1'234", "-1234"),
    ],
)  # fmt: skip
def test_amounts_are_read_by_what_was_stated(layout: dict[str, str], text: str, amount: str | None):
    found = formats.Layout(**layout).amount(text, typed=False)

    assert found == (Decimal(amount) if amount else None)


def test_times_are_those_of_the_stated_zone():
    layout = formats.Layout(dates="M/D/Y", time_zone="America/New_York")
    assert layout.moment("03/29/2026") == datetime(2026, 3, 29, 4, tzinfo=UTC)
    assert layout.moment("03/29/2026 01:05 PM") == datetime(2026, 3, 29, 17, 5, tzinfo=UTC)
    assert layout.moment("2026-03-29T10:00:00+02:00") == datetime(2026, 3, 29, 8, tzinfo=UTC)
    for text, words in (
        ("29/03/2026", "should be a date"),
        ("03/08/2026 02:30", "skipped"),
        ("11/01/2026 01:30", "twice"),
    ):
        assert words in str(layout.moment(text))


def test_a_mapping_that_makes_no_sense_is_refused_by_name(files: Connection):
    made = drops.keep(files, "orders.csv", GERMAN, label="Sana")
    for said, path in (
        ({"currency": "EURO"}, "currency"), ({"time_zone": "Mars"}, "time_zone"), ({"decimal": ";"}, "decimal"),
        ({"thousands": ","}, "thousands"), ({"columns": {"sku": "A", "title": "A"}}, "columns"), ({"colour": "x"}, "colour"),
    ):  # fmt: skip
        with pytest.raises(Invalid) as refused:
            drops.arrange(made.pk, {**made.draft, **SAID, **said})
        assert path in [problem.path for problem in refused.value.problems]
    drops.arrange(made.pk, {**SAID, "columns": {"sku": "Artikelnummer"}})
    with pytest.raises(Refusal, match="Order number, Placed on, Units, Price of one"):
        drops.confirm(made.pk, actor=SYSTEM)
    assert fields.suggested(["Qty", "Quantity"], {}) == {}  # two that could be it: a person says which


def test_the_screens_from_the_drop_to_the_refused_rows(files: Connection, query_count: Any):
    client, seeing = person("view_connection", "drop_file"), person("view_connection")
    where = f"/ops/links/{files.pk}/files"
    content = GERMAN.replace(b"Cy", b"=cmd()")

    assert seeing.post(f"{where}/upload", {"file": SimpleUploadedFile("o.csv", content)}).status_code == 403
    for name, bad, status in (("o.pdf", b"%PDF", 400), ("o.xlsx", b"text", 400), ("o.csv", b"", 400)):
        assert client.post(f"{where}/upload", {"file": SimpleUploadedFile(name, bad)}).status_code == status
    assert client.post(f"{where}/upload", {}).status_code == 422
    answer = client.post(f"{where}/upload", {"file": SimpleUploadedFile("o.csv", content)})
    made = FileDrop.objects.get()
    assert answer.headers["Location"] == f"/ops/files/{made.pk}"

    form = {f"c-{name}": title for name, title in made.draft["columns"].items()} | SAID
    assert client.post(f"/ops/files/{made.pk}/arrange", form | {"currency": "EURO"}).status_code == 422
    client.post(f"/ops/files/{made.pk}/arrange", form)
    page = client.get(f"/ops/files/{made.pk}").content.decode()
    assert "row 3, Menge: should be a whole number of units" in page
    assert "Take 4 orders" in page

    assert client.post(f"/ops/files/{made.pk}/confirm").status_code == 303
    drops.run(Job.objects.latest("pk").pk)
    assert client.post(f"/ops/files/{made.pk}/discard").status_code == 409
    sheet = b"".join(client.get(f"/ops/files/{made.pk}/refused.csv")).decode()  # type: ignore[arg-type]
    assert "'=cmd()" in sheet
    assert sheet.count("\r\n") == 4
    with query_count("order-files", lambda: seeing.get(where)):
        drop(files)
    query_count("order-file", lambda: seeing.get(f"/ops/files/{made.pk}"))
    assert "DONE" not in client.get(where).content.decode()
    assert client.get(f"/ops/files/{made.pk}/raw").status_code == 403
    assert Client().get(where).status_code == 302


def test_a_partner_s_program_drops_files_and_says_what_words_mean(files: Connection, client: Client):
    _, key = ApiClient.issue("Partner", scopes=["orders:write", "connections:manage"])

    def call(method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": uuid4().hex}
        content = json.dumps(body) if body is not None else ""
        where = f"/api/v1/connections/files/{path}"
        return client.generic(method, where, content, content_type="application/json", headers=headers)

    sent = {"name": "orders.csv", "content": base64.b64encode(GERMAN).decode()}
    made = drop(files)
    assert (
        call("POST", "files", {"name": "o.csv", "content": base64.b64encode(b"a,b\n1,2").decode()}).status_code == 422
    )
    assert FileDrop.objects.count() == 1  # what was refused isn't kept
    read(made)
    answer = call("POST", "files", sent)
    assert answer.status_code == 202
    drops.run(Job.objects.latest("pk").pk)
    found = client.get(answer.headers["Location"], headers={"Authorization": f"Bearer {key}"}).json()
    assert (found["status"], found["orders"], found["counts"]) == ("DONE", 4, {"known": 1, "failed": 3})
    assert call("POST", "files", sent | {"content": "no base64"}).status_code == 400
    assert call("GET", f"files/{uuid4()}").status_code == 404

    assert call("PUT", "aliases", {"kind": "STATUS", "code": "neu", "means": "OPEN"}).json()["version"] == 2
    assert call("PUT", "aliases", {"kind": "ITEM", "code": "X", "means": "NOBODY"}).status_code == 422
    assert call("GET", "aliases?kind=STATUS").json()["items"] == [{"kind": "STATUS", "code": "neu", "means": "OPEN"}]
    assert call("GET", "aliases?kind=FILE").status_code == 400
    assert call("PUT", "aliases", {"kind": "STATUS", "code": "neu", "means": ""}).json()["version"] == 3


def test_a_watched_folder_is_read_once_the_mapping_is_known(files: Connection, settings: Any, tmp_path: Any):
    settings.ORDER_FILES = str(tmp_path)
    files.settings = {"folder": "harbour"}
    files.save()
    folder = tmp_path / "harbour"
    folder.mkdir()

    def put(name: str, content: bytes, *, age: int = 60) -> None:
        (folder / name).write_bytes(content)
        then = time.time() - age
        os.utime(folder / name, (then, then))

    put("first.csv", GERMAN)
    put("growing.csv", GERMAN, age=1)
    assert watching.look() == 1  # nobody has said yet which column is what
    assert [path.name for path in (folder / "waiting").iterdir()] == ["first.csv"]
    made = FileDrop.objects.get()
    drops.arrange(made.pk, {**made.draft, **SAID})
    read(made)
    known = Order.objects.count()

    put("again.csv", GERMAN)
    put("second.csv", GERMAN.replace(b"B-1", b"C-1"))
    put("no-table.csv", b"")
    (folder / "link.csv").symlink_to(folder / "growing.csv")
    assert watching.look() == 3
    for job in Job.objects.exclude(status=JobStatus.DONE):
        drops.run(job.pk)

    assert sorted(path.name for path in (folder / "done").iterdir()) == ["again.csv", "second.csv"]
    assert sorted(path.name for path in (folder / "refused").iterdir()) == ["no-table.csv", "no-table.csv.txt"]
    assert FileDrop.objects.count() == 2
    assert Order.objects.count() > known >= 1
    assert (folder / "growing.csv").exists()
    assert watching.look() == 0
