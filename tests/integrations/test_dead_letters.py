"""What could not be taken in and what never got out: by cause, rehearsed, edited, tried again at a rate, given up."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from core import actors, events, jobs, outbox
from core.actors import SYSTEM
from core.errors import Refusal
from core.models import Delivery, Event, Job
from core.subjects import Subject
from exceptions.models import Case
from integrations import alike, dead_deliveries, edits, inbox, replaying
from integrations.models import Connection, InboundMessage, MessageEdit
from orders.models import Order
from tests.integrations.conftest import FIXTURES
from tests.integrations.test_inbox import deliver
from tests.integrations.test_trace import person

pytestmark = pytest.mark.django_db
WORKS = (
    "integrations.view_inboundmessage", "integrations.reprocess_inboundmessage", "integrations.see_message_payload",
    "integrations.view_connection", "core.view_delivery",
)  # fmt: skip


def wrong(shop: Connection, n: int = 0, line: int = 0, price: str = "free") -> int:
    body = json.loads((FIXTURES / "orders_create.json").read_text())
    body["line_items"][line]["price"] = price
    body["id"] += n
    message_id = deliver(shop, "bad", "orders/create", body=json.dumps(body).encode())
    inbox.process(message_id)
    return message_id


def test_failures_are_grouped_by_cause_whatever_the_index(shop: Connection):
    ids = [wrong(shop, n, n % 2) for n in range(3)]
    cut = deliver(shop, "cut", "orders/create", body=b"{")
    inbox.process(cut)

    found = alike.groups([shop])

    assert [(g.cause.failure, g.cause.place, g.count) for g in found] == [
        ("bad_value", "line_items[].price", 3), ("unparsable", "", 1),
    ]  # fmt: skip
    assert sorted(found[0].cause.rows.values_list("pk", flat=True)) == ids
    assert list(found[1].cause.rows.values_list("pk", flat=True)) == [cut]
    assert found[0].oldest < found[0].newest
    assert found[0].cause == alike.cause_of(ids[1])


def test_a_rehearsal_says_what_would_come_of_it_and_leaves_nothing(shop: Connection):
    bad = wrong(shop)
    good = (FIXTURES / "orders_create.json").read_bytes()
    before = Event.objects.count()

    assert inbox.rehearse(bad).failure_class == "bad_value"
    assert inbox.rehearse(bad, good).status == "PROCESSED"
    assert inbox.rehearse(deliver(shop, "refunds_create", "refunds/create")).waits_for

    assert (Order.objects.count(), Event.objects.count()) == (0, before)
    assert InboundMessage.objects.get(pk=bad).status == "FAILED"


def test_an_edit_is_a_version_beside_the_bytes_that_came(shop: Connection):
    bad = wrong(shop)
    raw = InboundMessage.objects.get(pk=bad)
    right = edits.text_of(raw).replace('"free"', '"120.00"', 1)
    body = edits.body_of(raw, right.replace("\n", "\r\n"))

    for refused, code in (
        (lambda: edits.apply(bad, body, reason=" ", actor=SYSTEM), "reason_needed"),
        (lambda: edits.apply(bad, bytes(raw.body), reason="x", actor=SYSTEM), "nothing_changed"),
        (lambda: edits.apply(bad, b"{", reason="x", actor=SYSTEM), "still_fails"),
    ):
        with pytest.raises(Refusal) as refusal:
            refused()
        assert refusal.value.code == code
    assert not MessageEdit.objects.exists()

    outcome = edits.apply(bad, body, reason="They sent a word for a price", actor=SYSTEM)

    kept = InboundMessage.objects.get(pk=bad)
    assert outcome.status == "PROCESSED"
    assert Order.objects.get().number == outcome.order
    assert bytes(kept.body) == bytes(raw.body)
    assert kept.content == body
    assert Event.objects.get(type="message.edited").data["reason"] == "They sent a word for a price"
    assert not Case.objects.filter(is_open=True, subject_kind="message").exists()
    with pytest.raises(IntegrityError), transaction.atomic():
        MessageEdit.objects.update(reason="nothing")


@pytest.mark.parametrize(
    ("came", "typed", "read"),
    [
        (b"a\nb", "a\r\nc", b"a\nc"), (b"a\r\nb", "a\r\nc", b"a\r\nc"), (b"ISA*a\rb", "ISA*a\r\nc", b"ISA*a\rc"),
        ("é".encode("latin-1"), "è", b"\xe8"), ("é€".encode(), "é$", "é$".encode()),
    ],
)  # fmt: skip
def test_what_a_browser_makes_of_line_breaks_and_code_pages_is_undone(came: bytes, typed: str, read: bytes):
    assert edits.body_of(InboundMessage(body=came), typed) == read


def test_a_page_that_can_t_give_the_bytes_back_doesn_t_edit_them():
    for body in (b"a\nb\r\nc", b"a\x00", b"x" * (edits.MOST_BYTES + 1)):
        with pytest.raises(Refusal, match=r"bytes back|too large"):
            edits.text_of(InboundMessage(body=body))
    with pytest.raises(Refusal, match="code page"):
        edits.body_of(InboundMessage(body=b"\xe9"), "€")


def test_a_job_goes_at_its_rate_stops_and_never_makes_up_for_a_pause(shop: Connection):
    ids = [wrong(shop, n) for n in range(17)]
    job = alike.start(ids[0], actor=SYSTEM, expected=17, per_minute=60)

    replaying.step(job.pk)
    replaying.tick()
    assert Job.objects.get(pk=job.pk).failed == 1  # the first at once, the next in a second

    Job.objects.filter(pk=job.pk).update(started_at=timezone.now() - timedelta(seconds=4))
    replaying.tick()
    assert Job.objects.get(pk=job.pk).failed == 5
    Job.objects.filter(pk=job.pk).update(started_at=timezone.now() - timedelta(hours=1))
    replaying.tick()
    assert Job.objects.get(pk=job.pk).failed == 15  # two ticks' worth, not an hour's

    jobs.stop(job.pk)
    replaying.tick()
    stopped = Job.objects.get(pk=job.pk)
    assert (stopped.status, stopped.failed) == ("STOPPED", 15)
    assert "free" in stopped.failures[0]["reason"] or "price" in stopped.failures[0]["reason"]


def test_a_rehearsal_of_all_counts_what_would_pass(shop: Connection):
    ids = [wrong(shop, n) for n in range(3)]
    job = alike.start(ids[0], actor=SYSTEM, verb=replaying.REHEARSE)

    alike.run(job.pk)

    told = Job.objects.get(pk=job.pk)
    assert (told.done, told.failed, told.status) == (0, 3, "DONE")
    assert told.failures[0]["code"] == "would_fail"
    assert InboundMessage.objects.filter(status="FAILED").count() == 3


def test_giving_all_up_needs_a_reason_and_is_kept_with_it(shop: Connection):
    ids = [wrong(shop, n) for n in range(2)]
    with pytest.raises(Refusal, match="why"):
        alike.start(ids[0], actor=SYSTEM, verb=replaying.DISCARD)

    job = alike.start(ids[0], actor=SYSTEM, verb=replaying.DISCARD, reason="Their test run")
    alike.run(job.pk)

    assert set(InboundMessage.objects.values_list("status", flat=True)) == {"IGNORED"}
    assert Event.objects.filter(type="message.discarded", data__reason="Their test run").count() == 2


def dead(
    n: int, words: str = "shop.example: 500 of order 1000{n}", handler: str = "channels.tell_shipment"
) -> Delivery:
    with transaction.atomic():
        fact = events.record("order.shipped", Subject("order", str(n), f"SO-{n}"), actor=actors.SYSTEM)
    row = Delivery.objects.filter(event=fact, handler=handler).first()
    values = {"status": "DEAD", "last_error": words.format(n=n), "finished_at": timezone.now(), "attempts": 12}
    if row is None:
        return Delivery.objects.create(
            event_id=fact, handler=handler, lane=f"{handler}|order:{n}", seq=fact, queue="outside", **values
        )
    Delivery.objects.filter(pk=row.pk).update(**values)
    return row


def test_dead_deliveries_are_grouped_delivered_again_and_given_up():
    rows = [dead(n) for n in range(3)] + [dead(9, "shop.example: refused")]

    found = dead_deliveries.groups()
    assert [(g.words, g.count) for g in found] == [
        ("shop.example: 500 of order #", 3), ("shop.example: refused", 1),
    ]  # fmt: skip

    with pytest.raises(Refusal, match="rehearsed"):
        dead_deliveries.start(found[0].handler, found[0].words, verb="rehearse", actor=SYSTEM)
    with pytest.raises(Refusal, match="not 7"):
        dead_deliveries.start(found[0].handler, found[0].words, verb="retry", actor=SYSTEM, expected=7)
    replaying.step(dead_deliveries.start(found[0].handler, found[0].words, verb="retry", actor=SYSTEM).pk)
    given_up = dead_deliveries.start(
        found[1].handler, found[1].words, verb="discard", actor=SYSTEM, reason="They closed the shop"
    )
    replaying.step(given_up.pk)

    now = dict(Delivery.objects.filter(pk__in=[row.pk for row in rows]).values_list("pk", "status"))
    assert [now[row.pk] for row in rows] == ["PENDING"] * 3 + ["DISCARDED"]
    assert Event.objects.get(type=outbox.DISCARDED).data["reason"].endswith("They closed the shop")


def test_the_screens_of_dead_letters(shop: Connection, query_count: Any):
    bad = wrong(shop)
    row = dead(1)
    client = person(*WORKS)
    cause = {"connection": shop.code, "failure": "bad_value", "topic": "orders/create", "place": "line_items[].price"}

    with query_count("dead-letters", lambda: client.get("/ops/dead/")):
        wrong(shop, 1)
        dead(2, "another")
    with query_count("dead-messages", lambda: client.get("/ops/dead/messages", cause)):
        wrong(shop, 2)
    out = {"handler": row.handler, "words": "shop.example: 500 of order #"}
    with query_count("dead-deliveries", lambda: client.get("/ops/dead/deliveries", out)):
        dead(3)
    query_count("edit-message", lambda: client.get(f"/ops/messages/{bad}/edit"))

    assert client.post("/ops/dead/messages/retry", {**cause, "expected": "1"}).status_code == 409
    assert client.post("/ops/dead/messages/retry", {**cause, "expected": "3", "per_minute": "0"}).status_code == 422
    assert client.post("/ops/dead/messages/rehearse", {**cause, "expected": "3"}).status_code == 303
    assert client.post("/ops/dead/deliveries/retry", {**out, "expected": "2", "per_minute": "60"}).status_code == 303
    assert client.get("/ops/dead/messages", {**cause, "connection": "nobody"}).status_code == 404
    assert set(Job.objects.values_list("params__verb", "total")) == {("rehearse", 3), ("retry", 2)}


def test_an_edit_on_screen_is_rehearsed_before_it_is_kept(shop: Connection):
    bad, client = wrong(shop), person(*WORKS)
    address = f"/ops/messages/{bad}/edit"
    text = edits.text_of(InboundMessage.objects.get(pk=bad))
    right = {"text": text.replace('"free"', '"120.00"', 1), "reason": "A word for a price"}

    assert "It would fail again." in client.post(address, {**right, "text": text + " "}).content.decode()
    seen = client.post(address, right).content.decode()
    assert "It would go through." in seen
    assert Order.objects.count() == 0
    digest = seen.partition('name="seen" value="')[2].partition('"')[0]
    assert client.post(address, {**right, "seen": digest}).status_code == 303
    assert Order.objects.count() == 1
    assert client.get(address).status_code == 409
    assert "Version 1 by" in client.get(f"/ops/messages/{bad}").content.decode()


@pytest.mark.parametrize(
    "path", ["/ops/dead/", "/ops/dead/messages", "/ops/dead/deliveries", "/ops/messages/{id}/edit"]
)
def test_nobody_sees_dead_letters_without_permission(shop: Connection, path: str):
    bad = wrong(shop)
    assert person().get(path.format(id=bad)).status_code == 403
    watches = person("integrations.view_inboundmessage")
    if path.endswith(("edit", "deliveries")):
        assert watches.get(path.format(id=bad)).status_code == 403
    else:
        assert watches.post("/ops/dead/messages/retry").status_code == 403
