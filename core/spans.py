"""Spans for OpenTelemetry: what a cause did where, and how long it took. Off unless installed and configured.

`requirements/otel.lock` brings the libraries and OTEL_EXPORTER_OTLP_ENDPOINT (or …_TRACES_ENDPOINT) says where to; all
other OTEL_… variables mean what they mean everywhere. The trace is the correlation id, so it needs no carrier of its
own: what a fact caused in another process, after a broker that lost everything, is in the trace of the request that
caused it. What begins anew somewhere has the cause itself as its parent.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from core import correlation

SERVER, CLIENT, CONSUMER, INTERNAL = "SERVER", "CLIENT", "CONSUMER", "INTERNAL"
_TRACE_ID = re.compile(r"[0-9a-f]{32}")
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_tracers: dict[int, Any] = {}  # by process: a sender's thread doesn't survive a fork


@contextmanager
def span(name: str, kind: str = INTERNAL, **attributes: Any) -> Iterator[Any]:
    """A span around a piece of work, child of the one around it or of its cause's first one. Yields it, or None."""
    tracer = _tracer()
    if tracer is None:
        yield None
        return
    trace: Any = import_module("opentelemetry.trace")

    inside = trace.get_current_span().get_span_context().is_valid
    cause = correlation.current()
    parent = None if inside else trace.set_span_in_context(trace.NonRecordingSpan(_first_of(cause)))
    kept = {key: value for key, value in attributes.items() if value not in (None, "")}
    with tracer.start_as_current_span(
        name, context=parent, kind=getattr(trace.SpanKind, kind), attributes=kept
    ) as started:  # fmt: skip
        yield started


def traceparent() -> str:
    """The W3C header that hands the current span on, "" while nothing is traced."""
    if _tracer() is None:
        return ""
    trace: Any = import_module("opentelemetry.trace")

    here = trace.get_current_span().get_span_context()
    return f"00-{here.trace_id:032x}-{here.span_id:016x}-{here.trace_flags:02x}" if here.is_valid else ""


def use(exporter: Any) -> None:
    """Send spans of this process to `exporter`, at once; None turns it off. For tests and for other ways to send."""
    _tracers[os.getpid()] = _made(exporter, at_once=True) if exporter is not None else None


@cache
def configured() -> bool:
    return any(os.environ.get(name) for name in _ENDPOINTS) and find_spec("opentelemetry.sdk") is not None


def _tracer() -> Any:
    pid = os.getpid()
    if pid not in _tracers:
        if not configured():
            _tracers[pid] = None
        else:
            otlp: Any = import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
            _tracers[pid] = _made(otlp.OTLPSpanExporter(), at_once=False)
    return _tracers[pid]


def _made(exporter: Any, *, at_once: bool) -> Any:
    resources: Any = import_module("opentelemetry.sdk.resources")
    sdk: Any = import_module("opentelemetry.sdk.trace")
    sending: Any = import_module("opentelemetry.sdk.trace.export")
    name = os.environ.get("OTEL_SERVICE_NAME", "backroom")
    provider = sdk.TracerProvider(resource=resources.Resource.create({"service.name": name}))
    sender = sending.SimpleSpanProcessor if at_once else sending.BatchSpanProcessor
    provider.add_span_processor(sender(exporter))
    return provider.get_tracer("backroom")


def _first_of(cause: str) -> Any:
    """What every span of a cause hangs from: the cause itself, as trace and as parent."""
    trace: Any = import_module("opentelemetry.trace")
    digest = hashlib.sha256(cause.encode()).digest()
    trace_id = int(cause, 16) if _TRACE_ID.fullmatch(cause) and int(cause, 16) else int.from_bytes(digest[:16])
    parent = int.from_bytes(digest[16:24]) or 1
    return trace.SpanContext(trace_id, parent, is_remote=True, trace_flags=trace.TraceFlags(1))
