"""Parcels, labels and templates over HTTP: what is shown to whom, and refusals that change nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from core.actors import SYSTEM
from orders.models import CustomerMessage, MessageTemplate, Order, ParcelLabel
from orders.services import fulfilment, label_answers, labels, templates
from tests.factories.inventory import SiteFactory
from tests.orders.parcels import bought, packed, service
from tests.orders.test_screens import person

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
SEE, WORK = "orders.view_fulfilmentorder", "orders.work_fulfilment"


@pytest.fixture
def packer(client: Client) -> Client:
    client.force_login(person(SEE, WORK, "orders.view_order"))
    return client


def test_labels_are_ordered_printed_and_given_back_on_one_page(packer: Client, query_count: Any):
    service(tracking_url="https://track.example/{tracking}")
    job = packed(400, 900)
    at = f"/fulfilments/{job.number}/parcels"
    assert "Dispatch Own-Standard: 3.20 GBP" in packer.get(at).content.decode()

    answer = packer.post(f"/fulfilments/{job.number}/labels", {"service": ""}, headers=HTMX)

    first, second = ParcelLabel.objects.order_by("pk")
    assert answer.status_code == 200
    assert first.tracking_number in answer.content.decode()
    query_count("orders-parcels", lambda: packer.get(at))
    assert packer.post(f"/labels/{first.pk}/printed").headers["Location"] == f"/labels/{first.pk}"
    page = packer.get(f"/labels/{first.pk}").content.decode()
    assert f"(00) {first.tracking_number}" in page
    assert "Nadia Osei" in page
    text = packer.get(f"/labels/{first.pk}/zpl")
    assert (text["Content-Type"], b"^XA" in text.content) == ("application/zpl", True)
    packer.post(f"/labels/{second.pk}/void", {"v": second.version}, headers=HTMX)
    second.refresh_from_db()
    assert second.status == "VOIDED"
    assert packer.get(f"/labels/{second.pk}").status_code == 404
    panel = packer.get(f"/orders/{job.order.number}/parcels").content.decode()
    assert f"{job.number}, parcel 1" in panel
    assert "Label made" in panel


def test_a_carriers_own_file_is_printed_as_it_is_and_while_one_is_on_its_way_the_page_asks_again(packer: Client):
    bought()
    job = packed()
    packer.post(f"/fulfilments/{job.number}/labels", headers=HTMX)
    label = ParcelLabel.objects.get()
    assert 'hx-trigger="every 3s"' in packer.get(f"/fulfilments/{job.number}/parcels").content.decode()

    label_answers.bought(
        label.pk, tracking_number="RM1", content=b"%PDF-1.4", content_type="application/pdf", actor=SYSTEM
    )

    assert "every 3s" not in packer.get(f"/fulfilments/{job.number}/parcels").content.decode()
    file = packer.get(f"/labels/{label.pk}")
    assert (file["Content-Type"], file.content) == ("application/pdf", b"%PDF-1.4")
    assert file["Content-Disposition"].startswith("inline")
    assert packer.get(f"/labels/{label.pk}/zpl").status_code == 404


def test_another_sites_parcels_are_not_there_and_looking_is_not_working(client: Client):
    service()
    job = packed()
    label = labels.buy(job.pk, actor=SYSTEM)[0]
    client.force_login(person(SEE, WORK, "orders.view_order", sites=[SiteFactory(code="other")]))
    for path in (f"/fulfilments/{job.number}/parcels", f"/labels/{label.pk}", f"/labels/{label.pk}/zpl"):
        assert client.get(path).status_code == 404, path
    assert client.post(f"/labels/{label.pk}/void").status_code == 404

    client.force_login(person(SEE, email="b@harrow.example"))
    assert client.get(f"/labels/{label.pk}").status_code == 200
    assert client.post(f"/labels/{label.pk}/void").status_code == 403
    assert client.get(f"/orders/{job.order.number}/messages").status_code == 403
    label.refresh_from_db()
    assert label.status == "BOUGHT"


def test_a_refusal_on_the_page_changes_nothing(packer: Client):
    service(zones=[{"name": "IE", "countries": ["IE"], "days": 1, "prices": [[1000, "1"]]}])
    job = packed()

    answer = packer.post(f"/fulfilments/{job.number}/labels", headers=HTMX)
    unknown = packer.post(f"/labels/{10**9}/void")

    assert (answer.status_code, unknown.status_code) == (409, 404)
    assert "No carrier takes" in answer.content.decode()
    assert not ParcelLabel.objects.exists()


# --- Templates


@pytest.fixture
def writer(client: Client) -> Client:
    client.force_login(person("orders.view_messagetemplate", "orders.change_messagetemplate"))
    return client


WORDS = {
    "event": "fulfilment.shipped", "language": "en", "medium": "EMAIL", "subject": "{{ order.ref }}",
    "body": "Dear {{ customer.name }}", "channel": "",
}  # fmt: skip


def test_a_template_is_drafted_previewed_and_edited_but_not_put_live_by_its_writer(writer: Client, query_count: Any):
    made = writer.post("/ops/templates/new", WORDS)
    row = MessageTemplate.objects.get()
    shown = writer.post("/ops/templates/preview", WORDS, headers=HTMX).content.decode()
    bad = writer.post("/ops/templates/preview", WORDS | {"body": "{{ nobody }}"}, headers=HTMX).content.decode()
    refused = writer.post("/ops/templates/new", WORDS | {"body": "{% if %}"}, headers=HTMX)
    edited = writer.post(f"/ops/templates/{row.pk}", WORDS | {"body": "Hello", "v": row.version})
    stale = writer.post(f"/ops/templates/{row.pk}", WORDS | {"body": "Late", "v": row.version})

    assert (made.status_code, edited.status_code, stale.status_code, refused.status_code) == (303, 303, 409, 422)
    assert "Dear Nadia Osei" in shown
    assert "nobody" in bad
    assert writer.post(f"/ops/templates/{row.pk}/publish", {"v": 2}).status_code == 403
    row.refresh_from_db()
    assert (row.body, row.status, MessageTemplate.objects.count()) == ("Hello", "DRAFT", 1)

    with query_count("message-templates", lambda: writer.get("/ops/templates/")):
        for n in range(5):
            templates.draft(
                "fulfilment.ready",
                channel_id=None,
                language="en",
                medium="EMAIL",
                subject="",
                body=f"{n}",
                actor=SYSTEM,
            )
    assert "No templates match" in writer.get("/ops/templates/?q=nothing+such").content.decode()
    assert writer.get("/ops/templates/?event=order.eaten").status_code == 400


def test_who_may_puts_it_live_and_the_order_shows_what_was_said_and_why_not(client: Client):
    client.force_login(person("orders.view_messagetemplate", "orders.publish_messagetemplate", "orders.view_order"))
    row = templates.draft(
        "fulfilment.shipped",
        channel_id=None,
        language="en",
        medium="EMAIL",
        subject="On its way",
        body="x",
        actor=SYSTEM,
    )
    assert client.post(f"/ops/templates/{row.pk}/publish", {"v": row.version}).status_code == 303
    assert client.post(f"/ops/templates/{row.pk}/eat", {}).status_code == 404
    job = packed()
    fulfilment.ship(job.pk, tracking_number="N1", actor=SYSTEM)
    order = Order.objects.get()
    message = CustomerMessage.objects.create(
        uid="0" * 32, order=order, event="fulfilment.shipped", cause="0" * 32, medium="EMAIL", status="FAILED", why="550",
        body="words",
    )  # fmt: skip

    panel = client.get(f"/orders/{order.number}/messages").content.decode()

    row.refresh_from_db()
    assert row.status == "LIVE"
    assert "Could not be sent" in panel
    assert "550" in panel
    assert client.post(f"/orders/{order.number}/messages/{message.pk}/again").status_code == 403
