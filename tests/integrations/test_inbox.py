"""Messages: claimed by one, done once, parked, tried again, never lost."""

from __future__ import annotations

import json
import random
import threading
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.core.management import call_command
from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from core.actors import SYSTEM
from core.errors import Refusal
from core.models import Event, Job
from exceptions.models import Case
from integrations import alike, arrivals, effects, endings, inbox
from integrations.models import Connection, InboundMessage
from orders.models import Order, Payment
from tests.integrations.conftest import FIXTURES, connect, state
from tests.integrations.test_translate import mutated

pytestmark = pytest.mark.django_db


def deliver(to: Connection, name: str, topic: str = "", *, body: bytes | None = None) -> int:
    body = (FIXTURES / f"{name}.json").read_bytes() if body is None else body
    message_id, _ = inbox.accept(
        to, external_id=f"{name}-{random.random()}", headers={}, body=body, topic=topic, verdict="GOOD"
    )
    return message_id


def open_cases() -> list[str]:
    return sorted(Case.objects.filter(is_open=True).values_list("reason", flat=True))


def test_an_order_is_placed_once_whatever_is_delivered_twice(shop: Connection):
    outcomes = [inbox.process(deliver(shop, "orders_create", "orders/create")) for _ in range(3)]

    assert [outcome.status for outcome in outcomes] == ["PROCESSED", "DUPLICATE", "DUPLICATE"]
    assert {outcome.order for outcome in outcomes} == {Order.objects.get().number}


def test_a_message_that_is_over_is_left_alone(shop: Connection):
    message_id = deliver(shop, "orders_create", "orders/create")
    inbox.process(message_id)

    assert inbox.process(message_id).status == "PROCESSED"
    assert InboundMessage.objects.get().attempts == 1


def test_a_failure_says_why_where_and_opens_its_case(shop: Connection):
    message_id = deliver(shop, "cut", "orders/create", body=b'{"id": 1, "line_items": [{"id": 2,')

    outcome = inbox.process(message_id)

    assert (outcome.status, outcome.failure_class) == ("FAILED", "unparsable")
    assert "cut off" in outcome.reason
    case = Case.objects.get()
    assert (case.reason, case.subject_uid) == ("integrations.message_failed", str(message_id))
    assert not Order.objects.exists()
    assert Event.objects.filter(type="message.failed", subject_uid=str(message_id)).count() == 1


@pytest.mark.parametrize(
    "body", [b'{"a\\u0000b": 1}', b'{"\\ud800": 1}', b'{"\\u0000": 1, "\\u0000": 2}', b'{"topic": "\\u0000"}']
)
@pytest.mark.parametrize("topic", ["", "orders/create"])
def test_what_a_database_cannot_hold_is_named_all_the_same(shop: Connection, body: bytes, topic: str):
    outcome = inbox.process(deliver(shop, "odd", topic, body=body))

    assert outcome.status == "FAILED"
    assert "\x00" not in outcome.reason


def test_a_failed_message_that_goes_through_clears_its_case(shop: Connection):
    message_id = deliver(shop, "orders_create", "orders/create")
    with mock.patch.object(effects.intake, "place", side_effect=Refusal("no", "The range is closed today.")):
        assert inbox.process(message_id).failure_class == "conflict"
    assert open_cases() == ["integrations.message_failed"]

    outcome = inbox.reprocess(message_id, actor=SYSTEM)

    assert outcome.status == "PROCESSED"
    assert "integrations.message_failed" not in open_cases()
    with pytest.raises(Refusal, match="only a failed or ignored one"):
        inbox.reprocess(message_id, actor=SYSTEM)


def test_a_refund_before_its_order_waits_and_goes_on_by_itself(shop: Connection):
    early = deliver(shop, "refunds_create", "refunds/create")

    waiting = inbox.process(early)
    inbox.process(deliver(shop, "orders_create", "orders/create"))

    assert (waiting.status, waiting.waits_for) == ("RECEIVED", "order:web:5600000000001")
    assert inbox.outcome(early).status == "PROCESSED"
    assert Payment.objects.get().provider_ref == "660000000002"
    assert "integrations.message_failed" not in open_cases()


def test_what_waits_too_long_is_a_case_and_still_goes_on_when_its_order_arrives(shop: Connection):
    early = deliver(shop, "refunds_create", "refunds/create")
    InboundMessage.objects.update(received_at=timezone.now() - inbox.PATIENCE)

    assert inbox.process(early).failure_class == "missing_reference"
    assert open_cases() == ["integrations.message_failed"]
    inbox.process(deliver(shop, "orders_create", "orders/create"))

    assert inbox.outcome(early).status == "PROCESSED"
    assert "integrations.message_failed" not in open_cases()


def test_a_database_error_is_tried_again_later_and_gives_up_in_the_end(shop: Connection):
    message_id = deliver(shop, "orders_create", "orders/create")
    with mock.patch.object(effects.intake, "place", side_effect=OperationalError("deadlock")):
        first = inbox.process(message_id)
        InboundMessage.objects.update(attempts=inbox.MAX_ATTEMPTS - 1)
        last = inbox.process(message_id)

    assert (first.status, last.status, last.failure_class) == ("RECEIVED", "FAILED", "connection")
    assert not Order.objects.exists()


def test_a_bug_of_ours_ends_as_a_named_failure_not_as_a_traceback(shop: Connection):
    message_id = deliver(shop, "orders_create", "orders/create")
    with mock.patch.object(effects.intake, "place", side_effect=ZeroDivisionError):
        outcome = inbox.process(message_id)

    assert (outcome.status, outcome.failure_class) == ("FAILED", "conflict")
    assert "ZeroDivisionError" in outcome.reason


def test_a_half_written_order_is_never_left(shop: Connection):
    message_id = deliver(shop, "orders_create", "orders/create")
    with mock.patch.object(endings, "done", side_effect=ZeroDivisionError):
        inbox.process(message_id)

    assert not Order.objects.exists()
    assert inbox.outcome(message_id).status == "FAILED"


def test_who_lost_the_lease_changes_nothing(shop: Connection):
    message_id = deliver(shop, "orders_create", "orders/create")
    understand = inbox.registry.get

    def meanwhile(name: str) -> Any:
        InboundMessage.objects.filter(pk=message_id).update(lease_token=None)  # its lease ran out and was taken over
        return understand(name)

    with mock.patch.object(inbox.registry, "get", meanwhile):
        outcome = inbox.process(message_id)

    assert outcome.status == "RECEIVED"
    assert not Order.objects.exists()
    assert inbox.process(message_id).status == "PROCESSED"


def test_a_dead_workers_message_comes_back_when_its_lease_ends(shop: Connection):
    message_id = deliver(shop, "orders_create", "orders/create")
    with mock.patch.object(inbox, "_work_on"):  # dies right after claiming
        inbox.process(message_id)
    assert inbox.process_due() == 0

    InboundMessage.objects.update(next_at=timezone.now() - timedelta(seconds=1))

    assert inbox.process_due() == 1
    assert inbox.outcome(message_id).status == "PROCESSED"


def test_what_kills_every_worker_is_given_up(shop: Connection):
    message_id = deliver(shop, "orders_create", "orders/create")
    InboundMessage.objects.update(attempts=20)

    assert inbox.process(message_id).failure_class == "conflict"


def test_the_sweeper_finds_what_no_wake_up_told_of(shop: Connection):
    for name in ("orders_create", "orders_cancelled", "draft_orders_create"):
        deliver(shop, name)

    assert inbox.process_due() == 3
    assert arrivals.due(10) == []


def test_the_database_refuses_to_change_bytes(shop: Connection):
    deliver(shop, "orders_create")

    with pytest.raises(IntegrityError), transaction.atomic():
        InboundMessage.objects.update(body=b"other")


def test_a_message_is_discarded_only_with_a_reason(shop: Connection):
    message_id = deliver(shop, "cut", body=b"{")
    inbox.process(message_id)

    with pytest.raises(Refusal, match="Say why"):
        endings.discard(message_id, " ", actor=SYSTEM)
    endings.discard(message_id, "A test of the vendor's.", actor=SYSTEM)

    assert inbox.outcome(message_id).status == "IGNORED"
    assert open_cases() == []


def test_all_that_failed_alike_are_tried_again_as_one_job(shop: Connection):
    body = json.loads((FIXTURES / "orders_create.json").read_text())
    ids = []
    for index in range(3):
        wrong = json.loads(json.dumps(body))
        wrong["line_items"][index % 2]["price"] = "free"
        wrong["id"] += index
        ids.append(deliver(shop, "bad", "orders/create", body=json.dumps(wrong).encode()))
    other = deliver(shop, "cut", "orders/create", body=b"{")
    for message_id in (*ids, other):
        inbox.process(message_id)

    family = alike.of(ids[0])
    assert sorted(family.rows.values_list("pk", flat=True)) == ids
    with pytest.raises(Refusal, match="not 7"):
        alike.start(ids[0], actor=SYSTEM, expected=7)
    job = alike.start(ids[0], actor=SYSTEM, expected=3)
    alike.run(job.pk)

    job = Job.objects.get(pk=job.pk)
    assert (job.done, job.failed) == (0, 3)


@pytest.mark.django_db(transaction=True)
def test_many_workers_process_a_message_once():
    to = connect("web")
    message_id = deliver(to, "orders_create", "orders/create")
    barrier = threading.Barrier(6)

    def work() -> None:
        try:
            barrier.wait()
            inbox.process(message_id)
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    message = InboundMessage.objects.get()
    assert (message.status, message.attempts) == ("PROCESSED", 1)
    assert Order.objects.count() == 1


# --- Feeding our own fixtures, in any order and however often


def ingest(files: list[Path], channel: str) -> list[dict[str, Any]]:
    out = StringIO()
    call_command("ingest", "shopify", *map(str, files), "--channel", channel, "--json", stdout=out, stderr=StringIO())
    return [json.loads(line) for line in out.getvalue().splitlines()]


ALL = sorted(FIXTURES.iterdir())


@pytest.mark.parametrize("seed", range(2))
def test_any_order_and_any_number_of_times_ends_in_the_same_state(shop: Connection, seed: int):
    connect("other")
    ingest(ALL, "web")
    once = json.dumps(state("web"), default=str, sort_keys=True)

    again = ingest(ALL, "web")
    for path in random.Random(seed).sample(ALL, len(ALL)):
        ingest([path], "other")

    assert json.dumps(state("web"), default=str, sort_keys=True) == once
    assert {each["outcome"] for each in again} == {"duplicate"}
    assert json.dumps(state("other"), default=str, sort_keys=True).replace(" of other", " of web") == once


@given(which=st.sampled_from([p for p in ALL if p.suffix == ".json"]), seed=st.integers(0, 2**32), cut=st.floats(0, 3))
def test_every_wounded_message_ends_in_a_named_outcome_with_its_bytes(which: Path, seed: int, cut: float):
    with transaction.atomic():
        to = Connection.objects.filter(code="shopify-fuzz").first() or connect("fuzz")
        body = json.dumps(mutated(json.loads(which.read_text()), random.Random(seed))).encode()
        body = body[: int(len(body) * cut)] if cut < 1 else body

        outcome = inbox.process(deliver(to, which.stem, body=body))

        assert outcome.status in {"PROCESSED", "DUPLICATE", "IGNORED", "FAILED"} or outcome.waits_for
        assert outcome.reason or outcome.status == "PROCESSED"
        assert "stumbled" not in outcome.reason
        assert bytes(InboundMessage.objects.get(pk=outcome.message_id).body) == body
        transaction.set_rollback(True)
