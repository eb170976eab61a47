"""Customers are told once of each fact, in their language, by sandboxed words; or the order says why not."""

from __future__ import annotations

import json
import smtplib
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django.core import mail
from django.db import transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from core import events, outbox
from core.actors import SYSTEM
from core.errors import Invalid, Refusal, TryLater
from core.events import Fact
from core.models import Event
from core.subjects import Subject
from exceptions.models import Case
from integrations import signatures
from integrations.messaging import sending
from integrations.models import Connection
from orders import message_words
from orders.message_words import SAMPLE, BadTemplate
from orders.models import CustomerMessage, MessageTemplate, Order
from orders.services import fulfilment, messages, templates
from tests.factories.orders import ChannelFactory
from tests.orders.parcels import packed

NADIA = {"buyer": {"name": "Nadia Osei", "email": "nadia@example.com"}}

# --- Words


def test_a_template_speaks_of_what_there_is_and_of_nothing_else():
    text = "{% for p in parcels %}{{ p.carrier }} {{ p.tracking }}{% endfor %} for {{ customer.name | upper }}"

    assert message_words.render(text, SAMPLE) == "Royal Mail RM100000001GB for NADIA OSEI"
    with pytest.raises(BadTemplate, match="colour"):
        message_words.render("{{ order.colour }}", SAMPLE)
    assert message_words.check("{{ order.number", "") == {
        "subject": "Line 1: unexpected end of template, expected 'end of print statement'.",
        "body": "Write what the customer is told.",
    }


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ order.items() }}",
        "{{ 'a' * 10000000 }}",
        "{{ 9 ** 999999 }}",
        "{% for i in range(10) %}{% endfor %}",
        "{{ '%99999999s' % 1 }}",
        "{{ cycler }}",
        "{{ order | pprint }}",
        "{% macro m() %}{% endmacro %}{{ m() }}",
        "{% include 'x' %}",
        "{% for a in order.number %}{% for b in order.number %}{{ 'x' * 9999 }}{% endfor %}{% endfor %}",
    ],
)
def test_a_template_can_neither_reach_out_nor_grow_without_end(source: str):
    with pytest.raises(BadTemplate):
        message_words.render(source, SAMPLE)


@given(st.text(max_size=60))
def test_any_text_is_refused_or_rendered_and_never_breaks(source: str):
    with suppress(BadTemplate):
        assert isinstance(message_words.render(source, SAMPLE), str)


def test_no_name_begins_another_header():
    assert message_words.header("Hello\r\nBcc: all@example.com\x00") == "Hello Bcc: all@example.com"


# --- Templates


def live(event: str = "fulfilment.shipped", **fields: Any) -> MessageTemplate:
    words = {"subject": "{{ order.ref }} is on its way", "body": "Dear {{ customer.name }}, {{ parcels[0].tracking }}"}
    given = {"channel_id": None, "language": "en", "medium": "EMAIL"} | words | fields
    return templates.publish(templates.draft(event, actor=SYSTEM, **given).pk, version=None, actor=SYSTEM)


@pytest.mark.django_db
def test_a_version_that_was_live_is_never_edited_and_the_next_one_retires_it():
    first = live()
    with pytest.raises(Refusal) as no:
        templates.edit(first.pk, subject="x", body="y", version=None, actor=SYSTEM)
    assert no.value.code == "not_a_draft"

    second = live(body="Better words")

    first.refresh_from_db()
    assert (first.status, second.status, second.number) == ("RETIRED", "LIVE", 2)
    with pytest.raises(Invalid) as refused:
        templates.draft(
            "order.eaten", channel_id=None, language="eng", medium="FAX", subject="{{", body="", actor=SYSTEM
        )
    assert {p.path for p in refused.value.problems} == {"event", "language", "medium", "subject", "body"}
    draft = templates.draft(
        "fulfilment.ready", channel_id=None, language="en", medium="EMAIL", subject="", body="x", actor=SYSTEM
    )
    with pytest.raises(Refusal, match="meanwhile"):
        templates.edit(draft.pk, subject="", body="z", version=9, actor=SYSTEM)


# --- Telling


def fact_of(event_type: str) -> Fact:
    """The latest fact of that type, as its handler gets it."""
    row = Event.objects.filter(type=event_type).latest("pk")
    about = Subject(row.subject_kind, row.subject_uid, row.subject_label)
    order = (Subject("order", str(Order.objects.get().pk)), "order")
    return Fact(row.pk, row.uid, row.type, about, SYSTEM, row.data, row.occurred_at, "", row.pk, (order,))


def sent_order(**fields: Any) -> Order:
    job = packed(**(NADIA | fields))
    fulfilment.ship(job.pk, carrier="DHL", tracking_number="JD014", actor=SYSTEM)
    return job.order


@pytest.mark.django_db
def test_a_parcel_on_its_way_is_told_once_in_the_channels_language():
    ChannelFactory(language="nl")
    live()
    live(
        language="nl",
        subject="{{ order.ref }} is onderweg",
        body="Beste {{ customer.name }}, {{ parcels[0].tracking }}",
    )
    order = sent_order()

    outbox.drain()
    messages.compose(fact_of("fulfilment.shipped"))
    outbox.drain()

    (letter,) = mail.outbox
    assert (letter.subject, letter.body, letter.to) == (
        "1001 is onderweg",
        "Beste Nadia Osei, JD014",
        ["nadia@example.com"],
    )
    message = CustomerMessage.objects.get()
    assert letter.extra_headers["Message-ID"] == f"<{message.uid}@localhost>"
    assert (message.status, message.order_id, message.language) == ("SENT", order.pk, "nl")
    assert Event.objects.filter(type="customer.message_sent", subject_uid=str(order.pk)).count() == 1


def promise(order: Order, why: str = "the delivery to us is late", *, days: int = 0) -> None:
    """Nodes say so through services.promises; here only the fact matters."""
    with events.only(), transaction.atomic():
        events.record(
            "order.promise_changed", Subject("order", str(order.pk), order.number), actor=SYSTEM,
            data={"before": "2026-11-24T18:00:00+00:00", "after": "2026-11-27T18:00:00+00:00", "why": why},
            occurred_at=timezone.now() - timedelta(days=days),
        )  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "template", "days", "why"),
    [
        ({}, False, 0, "no live template"),
        ({"buyer": None}, True, 0, "no e-mail address"),
        ({"buyer": {"email": "nobody at home"}}, True, 0, "address is none"),
        ({}, True, 4, "no news any more"),
    ],
)
def test_a_changed_promise_nobody_is_told_of_says_why(fields: dict[str, Any], template: bool, days: int, why: str):
    if template:
        live("order.promise_changed", subject="Later", body="{{ promise.after }}, because {{ promise.why }}")
    order = packed(**(NADIA | fields)).order
    promise(order, days=days)

    messages.compose(fact_of("order.promise_changed"))
    messages.compose(fact_of("order.promise_changed"))

    message = CustomerMessage.objects.get()
    assert message.status == "NOT_SENT"
    assert why in message.why
    assert mail.outbox == []
    assert not Case.objects.filter(reason="orders.customer_not_told").exists()


@pytest.mark.django_db
def test_a_channel_that_writes_itself_is_left_to_it_and_a_changed_promise_reads_as_one():
    live(
        "order.promise_changed",
        subject="New date",
        body="Not {{ promise.before }} but {{ promise.after }}: {{ promise.why }}",
    )
    order = packed(**NADIA).order
    promise(order)
    messages.compose(fact_of("order.promise_changed"))
    assert CustomerMessage.objects.get().body == "Not 24 November but 27 November: the delivery to us is late"

    order.channel.tells_customers = False
    order.channel.save()
    promise(order)
    messages.compose(fact_of("order.promise_changed"))

    assert "itself" in CustomerMessage.objects.latest("pk").why


@pytest.mark.django_db
def test_words_that_fail_on_the_real_order_are_a_case_and_the_order_goes_on():
    wrong = {"event": "fulfilment.shipped", "medium": "EMAIL", "number": 1, "status": "LIVE"}
    MessageTemplate.objects.create(**wrong, body="{{ parcels[7].tracking }}")
    order = sent_order()

    outbox.drain()

    assert CustomerMessage.objects.get().status == "FAILED"
    assert Case.objects.get(reason="orders.customer_not_told").subject_uid == str(order.pk)
    with pytest.raises(Refusal, match="never written"):
        messages.send_again(CustomerMessage.objects.get().pk, actor=SYSTEM)


@pytest.mark.django_db
def test_a_mail_server_that_is_down_is_tried_again_and_one_that_refuses_is_a_case(monkeypatch: pytest.MonkeyPatch):
    live()
    sent_order()
    outbox.drain()  # written and sent; now as if it had not been
    message = CustomerMessage.objects.get()
    CustomerMessage.objects.update(status="QUEUED", sent_at=None)
    answers: list[Exception] = [
        ConnectionRefusedError(),
        smtplib.SMTPRecipientsRefused({"nadia@example.com": (550, b"no")}),
    ]

    def answer(*_: Any, **__: Any) -> int:
        raise answers.pop(0)

    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", answer)
    with pytest.raises(TryLater):
        sending.send(message.pk)
    sending.send(message.pk)

    message.refresh_from_db()
    assert (message.status, "550" in message.why) == ("FAILED", True)
    case = Case.objects.get(reason="orders.customer_not_told")
    monkeypatch.undo()
    messages.send_again(message.pk, actor=SYSTEM)
    outbox.drain()
    case.refresh_from_db()
    assert not case.is_open


class Receiver(BaseHTTPRequestHandler):
    got: list[tuple[dict[str, str], bytes]]

    def do_POST(self) -> None:
        self.got.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(503 if len(self.got) == 1 else 204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[type[Receiver]]:
    made = type("Made", (Receiver,), {"got": []})
    server = HTTPServer(("127.0.0.1", 0), made)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    made.url = f"http://127.0.0.1:{server.server_address[1]}/"  # type: ignore[attr-defined]
    yield made
    server.shutdown()
    server.server_close()


@pytest.mark.django_db
def test_a_webhook_carries_the_same_id_on_every_try_and_a_signature_that_holds(receiver: Any):
    connection = Connection.objects.create(
        code="crm", name="CRM", kind="MESSAGING", vendor="standard",
        settings={"url": receiver.url, "private_address_allowed": True},
    )  # fmt: skip
    connection.keep_secret("webhook", "whsec_c2VjcmV0")
    live(medium="WEBHOOK", subject="")
    sent_order()

    outbox.drain(hurry=True)  # the first answer is 503
    message = CustomerMessage.objects.get()
    assert message.status == "SENT"
    sending.send(message.pk)

    assert len(receiver.got) == 2
    headers, body = receiver.got[1]
    assert headers["webhook-id"] == receiver.got[0][0]["webhook-id"] == str(message.uid)
    assert json.loads(body)["data"]["text"] == "Dear Nadia Osei, JD014"
    assert signatures.standard_webhook(
        body, message_id=headers["webhook-id"], timestamp=headers["webhook-timestamp"],
        signature=headers["webhook-signature"], secrets=["whsec_c2VjcmV0"], now=timezone.now(),
    )  # fmt: skip
