"""Spans: one trace from the request through the outbox to the call, and nothing at all while it is off."""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import copy_context
from typing import Any

import pytest
from celery.app.trace import build_tracer
from django.db import transaction
from django.test import Client

from config.celery import app
from core import actors, correlation, events, outbox, spans
from core.subjects import Subject
from integrations import http
from integrations.models import Connection
from tests.integrations.receiver import Receiver

pytestmark = pytest.mark.django_db
CAUSE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def seen() -> Iterator[Any]:
    memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
    exporter = memory.InMemorySpanExporter()
    spans.use(exporter)
    yield exporter.get_finished_spans
    spans.use(None)


def test_a_request_a_delivery_and_its_call_are_one_trace(seen: Any):
    quick = Connection.objects.create(
        code="quick", name="Quick", kind="CARRIER", vendor="ups", settings={"private_address_allowed": True}
    )
    Client().get("/livez", headers={"X-Correlation-ID": CAUSE})
    with Receiver() as receiver, events.only():

        def call(fact: events.Fact) -> None:
            http.request(quick, "POST", receiver.url, json={}, purpose="tell")

        events.subscribe("test.told", "test.call", call, queue="outside")
        with correlation.using(CAUSE), transaction.atomic():
            events.record("test.told", Subject("order", "1", ""), actor=actors.SYSTEM)
        outbox.drain("outside")

    found = {span.name: span for span in seen()}
    assert set(found) == {"GET livez", "deliver test.call", "quick: tell"}
    assert {f"{span.context.trace_id:032x}" for span in found.values()} == {CAUSE}
    assert found["deliver test.call"].parent == found["GET livez"].parent
    assert found["quick: tell"].parent.span_id == found["deliver test.call"].context.span_id
    assert found["quick: tell"].attributes["http.response.status_code"] == 200
    (got,) = receiver.got
    sent = {name.lower(): value for name, value in got["headers"].items()}
    assert sent["traceparent"] == f"00-{CAUSE}-{found['quick: tell'].context.span_id:016x}-01"


def test_a_task_is_a_span_of_its_cause_with_what_it_did_inside_it_and_how_it_failed(seen: Any):
    @app.task(name="test.traced", shared=False)
    def traced(fails: bool) -> None:
        with spans.span("outer"), spans.span("inner", lines=3, nothing=""):
            if fails:
                raise ValueError("no such order")

    run = build_tracer("test.traced", traced, app=app, eager=True, propagate=False)
    try:
        for fails in (False, True):
            context = {"correlation_id_of_cause": CAUSE, "id": str(fails), "is_eager": True}
            copy_context().run(run, str(fails), (fails,), {}, context)
    finally:
        app.tasks.unregister("test.traced")

    first, second = seen()[:3], seen()[3:]
    for inner, outer, task in (first, second):
        assert (inner.name, outer.name, task.name) == ("inner", "outer", "run test.traced")
        assert (inner.parent.span_id, outer.parent.span_id) == (outer.context.span_id, task.context.span_id)
        assert f"{task.context.trace_id:032x}" == f"{inner.context.trace_id:032x}" == CAUSE
        assert dict(inner.attributes) == {"lines": 3}
    assert [span.status.status_code.name for span in (*first, *second)] == ["UNSET"] * 3 + ["ERROR"] * 3
    assert second[2].events[0].attributes["exception.message"] == "no such order"
    assert first[2].parent == second[2].parent  # the cause itself


def test_nothing_is_traced_unless_it_is_asked_for():
    with spans.span("work") as span:
        assert span is None
    assert spans.traceparent() == ""
