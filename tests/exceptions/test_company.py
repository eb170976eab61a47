"""Who else is with a case: names in notes, watchers, files, duplicates, views people share, and what they are told."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from core import actors
from core.errors import Refusal
from core.models import Site
from exceptions.models import Case, CaseAttachment, CaseNote, CaseWatcher, Notice, SavedView
from exceptions.services import cases, merging, notes, watching
from exceptions.services.attachments import Given, kind_of
from tests.exceptions.conftest import TRUE_OF
from tests.exceptions.test_screens import HX, ON_QUEUE, shown

pytestmark = pytest.mark.django_db
PDF = b"%PDF-1.7\nA letter"


@pytest.fixture
def amira(client, person):
    user = person()
    client.force_login(user)
    return user


def told(user) -> list[tuple[str, str]]:
    return list(Notice.objects.filter(user=user).order_by("pk").values_list("kind", "text"))


def test_a_note_tells_whom_it_names_and_they_watch_from_then_on(open_case, person, site):
    case, author = open_case(site_id=site.pk), person("Sana Qureshi")
    tom, twin, other = (
        person("Tom Baker"),
        person("Tom Chen"),
        person("Una", Site.objects.create(code="YRK", name="York")),
    )
    text = f"@tom.baker and @{twin.email}, see @una @tom @nobody, sana@example.com: @tom.baker!"

    left = notes.leave(case.pk, text=text, actor=actors.person(author))
    TRUE_OF.clear()
    cases.resolve(case.pk, note="Called them", actor=actors.person(author))

    assert {person.pk for person in left.told} == {tom.pk, twin.pk}
    assert [name for name, _ in left.missed] == ["una", "tom", "nobody"]
    assert told(tom) == [("mention", text), ("watch", "Resolved: Called them")]
    assert told(other) == told(author) == []
    assert set(CaseWatcher.objects.values_list("user_id", flat=True)) == {tom.pk, twin.pk}


def office(*names: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return packed.getvalue()


@pytest.mark.parametrize(
    "name, content, kind",
    [
        ("a.exe", PDF, "pdf"),
        ("a.pdf", b"MZ\x90\x00", None),
        ("a.png", b"\x89PNG\r\n\x1a\n...", "png"),
        ("a.jpg", b"\xff\xd8\xff\xe0", "jpg"),
        ("a.csv", "sku,näme\n1,2".encode(), "csv"),
        ("a.txt", b"plain words", "txt"),
        ("a.txt", b"<!doctype html><script>", None),
        ("a.svg", b"\xef\xbb\xbf <svg onload=alert(1)>", None),
        ("a.txt", b"nul\x00", None),
        ("a.xlsx", office("[Content_Types].xml", "xl/workbook.xml"), "xlsx"),
        ("a.xlsx", office("[Content_Types].xml", "xl/workbook.xml", "xl/vbaProject.bin"), None),
        ("a.docx", b"PK\x03\x04 broken", None),
        ("a.zip", office("a.txt"), None),
    ],
)
def test_a_file_is_what_its_content_says(name, content, kind):
    assert kind_of(Given(name, content)) == kind


def test_files_are_kept_once_and_served_to_be_saved_never_shown(client, amira, person, open_case, site):
    case = open_case(site_id=site.pk)
    address = reverse("exceptions:attach", args=[case.pk])

    for _ in range(2):
        response = client.post(address, {"file": SimpleUploadedFile("../../Läter<b>.html", PDF)}, **HX)
    refused = client.post(address, {"file": SimpleUploadedFile("a.pdf", b"MZ\x90\x00")}, **HX)
    file = CaseAttachment.objects.get()
    served = client.get(reverse("exceptions:attachment", args=[case.pk, file.pk]))

    assert (response.status_code, refused.status_code) == (200, 422)
    assert "Läter&lt;b&gt;.html" in response.content.decode()
    assert served.content == PDF
    assert served["Content-Disposition"] == f'attachment; filename="EX-{case.pk}-{file.pk}.pdf"'
    assert (served["X-Content-Type-Options"], served["Content-Type"]) == ("nosniff", "application/pdf")
    client.force_login(person("Una", Site.objects.create(code="YRK", name="York")))
    assert client.get(reverse("exceptions:attachment", args=[case.pk, file.pk])).status_code == 404
    assert client.post(address, {"file": SimpleUploadedFile("b.pdf", PDF)}, **HX).status_code == 404


def test_duplicates_are_merged_after_a_preview_and_nothing_of_theirs_is_lost(client, amira, person, open_case):
    keep, copy, symptom = open_case(), open_case(), open_case()
    me, tom = actors.person(amira), person("Tom Baker")
    cases.link(symptom.pk, copy.pk, actor=me)
    cases.note(copy.pk, text="Their line is down", actor=actors.person(tom))
    watching.watch(copy.pk, [tom.pk])
    client.post(reverse("exceptions:attach", args=[copy.pk]), {"file": SimpleUploadedFile("a.pdf", PDF)}, **HX)
    form = {"id": [keep.pk, copy.pk], "keep": keep.pk}
    address = reverse("exceptions:bulk_merge")

    preview = client.post(address, form, **ON_QUEUE).content.decode()
    seen = merging.preview(keep.pk, [copy.pk]).seen
    assert seen in preview
    assert f"<dd>{copy.number}</dd>" in preview
    stale = client.post(address, form | {"seen": f"{keep.pk}:9,{copy.pk}:9"}, **ON_QUEUE)
    assert (stale.status_code, Case.objects.still_open().count()) == (409, 3)
    done = client.post(address, form | {"seen": seen}, **ON_QUEUE)

    assert done.status_code == 200
    copy.refresh_from_db(), symptom.refresh_from_db()
    assert (copy.outcome, copy.parent_id, symptom.parent_id) == ("duplicate", keep.pk, keep.pk)
    assert list(CaseNote.objects.filter(case=keep).values_list("text", "author_label", "carried_from")) == [
        ("Their line is down", "Tom Baker", copy.pk)
    ]
    assert set(CaseWatcher.objects.filter(case=keep).values_list("user_id", flat=True)) == {tom.pk}
    assert CaseAttachment.objects.filter(case=keep).count() == 1
    page = client.get(reverse("exceptions:detail", args=[keep.pk])).content.decode()
    assert "Their line is down" in page
    assert f"Merged {copy.number} into this" in page


def test_views_are_kept_shared_begun_with_and_counted(client, amira, person, open_case):
    tom, outsider = person("Tom Baker"), person("Una")
    team = Group.objects.create(name="Operations")
    amira.groups.add(team), tom.groups.add(team)
    mine = open_case()
    open_case(reason="tests.flat")
    form = {
        "name": " Orders  at risk ",
        "list": "queue=orders&sort=priority&after=xyz&nonsense=1",
        "team": team.pk,
        "begin": 1,
    }

    made = client.post(reverse("exceptions:new_view"), form)
    taken = client.post(reverse("exceptions:new_view"), form)
    view = SavedView.objects.get()

    assert (made.status_code, taken.status_code) == (303, 400)
    assert (view.name, view.query) == ("Orders at risk", "queue=orders&sort=priority")
    begun = client.get("/exceptions/")
    assert begun["Location"] == made["Location"] == f"/exceptions/?queue=orders&sort=priority&view={view.pk}"
    assert shown(client.get(begun["Location"]).content.decode()) == [mine.pk]
    assert client.get("/exceptions/?view=all").status_code == 200
    counts = client.get(reverse("exceptions:view_counts"), **HX).content.decode()
    assert f'hx-target="#vn-{view.pk}" hx-swap="innerHTML">1<' in counts

    client.force_login(outsider)
    assert "Orders at risk" not in client.get("/exceptions/").content.decode()
    assert client.get(reverse("exceptions:view", args=[view.pk])).status_code == 404
    client.force_login(tom)
    assert "Orders at risk" in client.get("/exceptions/").content.decode()
    assert client.post(reverse("exceptions:view_delete", args=[view.pk])).status_code == 404
    client.force_login(amira)
    client.post(reverse("exceptions:view", args=[view.pk]), {"name": "Renamed"})
    view.refresh_from_db()
    assert (view.name, view.team, view.query) == ("Renamed", None, "queue=orders&sort=priority")
    assert client.post(reverse("exceptions:view_delete", args=[view.pk])).status_code == 303
    assert client.get("/exceptions/").status_code == 200


@pytest.mark.parametrize("query", ["sort=password", "reason=nope", "group=moon", "owner=x"])
def test_a_view_that_makes_no_sense_is_not_kept(client, amira, query):
    assert client.post(reverse("exceptions:new_view"), {"name": "Mine", "list": query}).status_code == 400
    assert not SavedView.objects.exists()


def test_grouped_by_root_a_list_shows_roots_with_what_stands_under_them(client, amira, person, open_case, site):
    root, alone = open_case(units=1), open_case(site_id=site.pk)
    under = [open_case(site_id=site.pk, units=4) for _ in range(3)]
    for case in under:
        cases.link(case.pk, root.pk, actor=actors.person(amira))

    html = client.get("/exceptions/?group=root").content.decode()

    assert set(shown(html)) == {root.pk, alone.pk}
    assert "Root of 3 cases" in html
    assert "£1,236.00, 12 pieces" in html
    assert set(shown(client.get(f"/exceptions/?parent={root.pk}").content.decode())) == {case.pk for case in under}
    client.force_login(person("Sue", site))  # the root is head office's: her symptoms must not vanish with it
    assert set(shown(client.get("/exceptions/?group=root").content.decode())) == {
        alone.pk,
        *(case.pk for case in under),
    }


def test_by_priority_a_list_says_why(client, amira, open_case):
    plain = open_case(value=0, currency="")
    weighty = open_case(started_at=timezone.now() + timedelta(hours=1), units=12, tier=3)

    html = client.get("/exceptions/?sort=priority").content.decode()

    assert shown(html) == [weighty.pk, plain.pk]
    assert (
        "Stands 4 h 30 m before its time: money £412.00 +1 h 00 m, pieces 12 +1 h 00 m" in html or "pieces 12" in html
    )
    assert "By its time left alone" in html
    assert "<dt>Pieces</dt><dd>12" in client.get(reverse("exceptions:detail", args=[weighty.pk])).content.decode()


def test_aside_link_and_unlink_from_the_screen(client, amira, open_case):
    case, root = open_case(), open_case()
    on_case = {**HX, "HTTP_HX_CURRENT_URL": f"http://testserver/exceptions/{case.pk}"}
    tomorrow = (timezone.localtime() + timedelta(minutes=20)).strftime("%Y-%m-%dT%H:%M")

    for verb in ("snooze", "link", "notes", "pause"):
        assert "dialog-title" in client.get(reverse(f"exceptions:{verb}", args=[case.pk]), **HX).content.decode()
    aside = client.post(reverse("exceptions:snooze", args=[case.pk]), {"v": 1, "until": tomorrow}, **on_case)
    assert "Put aside" in aside.content.decode()
    assert "Put aside until" in client.get("/exceptions/").content.decode()
    client.post(reverse("exceptions:wake", args=[case.pk]), {"v": 2}, **on_case)
    client.post(reverse("exceptions:link", args=[case.pk]), {"v": 3, "root": root.number.lower()}, **on_case)

    case.refresh_from_db()
    assert (case.snoozed_at, case.parent_id) == (None, root.pk)
    assert "Root of 1 open case" in client.get(reverse("exceptions:symptoms", args=[root.pk])).content.decode()
    client.post(reverse("exceptions:unlink", args=[case.pk]), {"v": 4}, **on_case)
    case.refresh_from_db()
    assert case.parent_id is None


def test_the_notice_centre_belongs_to_one_person(client, amira, person, open_case, query_count):
    tom = person("Tom Baker")
    made = [open_case() for _ in range(3)]
    for case in made:
        cases.assign(case.pk, to=amira.pk, actor=actors.person(tom))
    first = Notice.objects.order_by("pk").first()

    query_count("inbox", lambda: client.get("/inbox"))
    assert client.get("/live/counts").json()["counts"]["inbox"]["value"] == 3
    assert "Mark all as read" in client.get("/inbox/menu", **HX).content.decode()
    gone = client.get(reverse("exceptions:notice", args=[first.pk]))
    assert gone["Location"] == reverse("exceptions:detail", args=[made[0].pk])
    assert len(shown_notices(client.get("/inbox?state=unread").content.decode())) == 2
    client.force_login(tom)
    assert shown_notices(client.get("/inbox").content.decode()) == []
    assert client.get(reverse("exceptions:notice", args=[first.pk])).status_code == 404
    client.post("/inbox/read", {"id": [row.pk for row in Notice.objects.all()]})
    client.force_login(amira)
    assert "All read" not in client.get("/inbox?state=unread").content.decode()
    client.post("/inbox/read")
    assert "All read" in client.get("/inbox?state=unread").content.decode()


def shown_notices(html: str) -> list[str]:
    import re

    return re.findall(r'<tr id="notice-(\d+)"', html)


def test_presence_names_who_else_looks_and_forgets_who_left(client, amira, person, open_case, settings):
    case, tom = open_case(), person("Tom Baker")
    address = reverse("exceptions:here", args=[case.pk])

    assert "Tom" not in client.post(address, **HX).content.decode()
    client.force_login(tom)
    assert "<b>Amira Khan</b> is looking at this too" in " ".join(client.post(address, **HX).content.decode().split())
    assert client.post(address, {"gone": 1}).status_code == 204
    client.force_login(amira)
    assert "Tom" not in client.post(address, **HX).content.decode()
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert client.post(address, **HX).status_code == 200


def test_what_is_not_a_case_or_merge_is_refused(open_case, person):
    case, me = open_case(), actors.person(person())
    with pytest.raises(Refusal):
        cases.merge(case.pk, [case.pk], actor=me)
