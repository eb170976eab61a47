"""The one way Backroom calls anybody: deadlines, a breaker, checked addresses, a log without secrets.

`request` returns an Answer for 2xx and raises otherwise: TryLater for what time may heal (network, 5xx, 408, 425, 429
with its Retry-After), Permanent for what it won't (other 4xx, redirects, oversized answers). A call that was never made
(breaker open, rate limit used up, connection paused) spends no attempt.
"""

from __future__ import annotations

import json as jsonlib
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx2
from django.db.models import Q
from django.utils import timezone

from core import correlation, in_hand, spans
from core.errors import Permanent, TryLater
from integrations import addresses, breaker, bulkhead, pace, rate_limits, redaction
from integrations.documents import clean, read_json, without_nul
from integrations.failures import FailureClass, Unreadable
from integrations.models import Connection, OutboundCall

DEADLINE = 30.0  # seconds for one whole call; stays under half of a delivery's lease
TIMEOUT = httpx2.Timeout(connect=5.0, read=15.0, write=10.0, pool=5.0)
IN_LINE = 2.0  # seconds a call waits for its turn under the connection's own rate limit before the work is put off
ANSWER_AT_MOST = 10 * 1024 * 1024
EXCERPT = 2000
AGENT = "Backroom/0.1"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body read strictly, without what no text of ours can hold (NUL, lone surrogates); TryLater when it isn't
        JSON, because a gateway's page says nothing about the call."""
        try:
            return without_nul(read_json(self.body))
        except Unreadable as error:
            raise TryLater(f"The answer can't be read: {error.reason}") from None


@dataclass(frozen=True, slots=True)
class Limits:
    """Until when (of time.monotonic) and how many bytes an answer may take."""

    stop_at: float
    answer_at_most: int


class Failed(Exception):
    """Mixed into what `request` raises: which class of failure it was."""

    failure_class: FailureClass


class FailedForNow(Failed, TryLater):
    def __init__(self, failure_class: FailureClass, message: str, *, seconds: float | None = None):
        TryLater.__init__(self, message, seconds=seconds)
        self.failure_class = failure_class


class FailedForGood(Failed, Permanent):
    def __init__(self, failure_class: FailureClass, message: str, *, status: int = 0, body: bytes = b""):
        Permanent.__init__(self, message)
        self.failure_class = failure_class
        self.status = status  # 0 where there was no usable answer
        self.body = body


def request(
    connection: Connection,
    method: str,
    url: str,
    *,
    purpose: str = "",
    about: str = "",
    private_allowed: bool | None = None,
    headers: Mapping[str, str] | None = None,
    json: Any = None,
    content: bytes | None = None,
    deadline: float = DEADLINE,
    answer_at_most: int = ANSWER_AT_MOST,
) -> Answer:
    """Make one call for this connection. `purpose` is what the log calls it; secrets never reach the log.

    `about` is the fact it carries, by itself the one that is being handed over. `private_allowed` overrules what the
    connection's settings say of private addresses.
    """
    if connection.status != Connection.Status.ACTIVE:
        raise TryLater(f"{connection.name} is {connection.status.lower()}.", seconds=300, spends_attempt=False)
    breaker.allow(connection.pk)
    if private_allowed is None:
        private_allowed = bool(connection.settings.get("private_address_allowed"))
    target = addresses.resolve(url, private_allowed=private_allowed)
    if json is not None:
        content = jsonlib.dumps(json, separators=(",", ":")).encode()
    call = OutboundCall(
        connection=connection,
        method=method,
        url=redaction.url(url)[:500],
        purpose=purpose[:100],
        about=about or in_hand.fact(),
        correlation_id=correlation.current(),
        request_excerpt=_sent_excerpt(content or b"", headers or {}),
    )
    with bulkhead.slot(connection, seconds=IN_LINE + deadline) as slot:
        pace.take(connection.pk, connection.rate_per_minute, patience=IN_LINE)
        slot.started = started = time.monotonic()
        try:
            limits = Limits(started + deadline, answer_at_most)
            told = {
                "http.request.method": method,
                "server.address": target.host,
                "backroom.connection": connection.code,
            }
            with spans.span(f"{connection.code}: {purpose or method}", spans.CLIENT, **told) as span:
                answer = _send(connection, method, url, target, headers or {}, content, limits)
                if span is not None:
                    span.set_attribute("http.response.status_code", answer.status)
            call.status, call.response_excerpt = answer.status, _excerpt(answer.body)
            return _judge(connection, answer)
        except Failed as failure:
            call.failure_class, call.error = failure.failure_class, str(failure)[:500]
            raise
        finally:
            call.duration_ms = int((time.monotonic() - started) * 1000)
            call.save()


def _send(
    connection: Connection,
    method: str,
    url: str,
    target: addresses.Target,
    headers: Mapping[str, str],
    content: bytes | None,
    limits: Limits,
) -> Answer:
    """The call itself, to the address that was checked, under its name."""
    sent = {
        "User-Agent": AGENT,
        "Accept": "application/json",
        **({"Content-Type": "application/json"} if content is not None else {}),
        **headers,
        "Host": _host(target),
        correlation.HEADER: correlation.current(),
    }
    if parent := spans.traceparent():
        sent["traceparent"] = parent
    try:
        outgoing = _client(str(connection.pk)).build_request(
            method, _addressed(url, target), headers=sent, content=content, extensions={"sni_hostname": target.host}
        )
        response = _client(str(connection.pk)).send(outgoing, stream=True)
        try:
            body = _read(response, limits)
        finally:
            response.close()
    except (httpx2.TransportError, httpx2.DecodingError, OSError) as error:
        words = f"{target.host}: {type(error).__name__} {error}".strip()
        _troubled(connection, words)
        raise FailedForNow(FailureClass.CONNECTION, words) from None
    return Answer(response.status_code, {k.lower(): v for k, v in response.headers.items()}, body)


def _judge(connection: Connection, answer: Answer) -> Answer:
    status = answer.status
    _hear_of_limits(connection, answer)
    if status >= 500:
        words = f"The other side answered {status}."
        _troubled(connection, words)
        raise FailedForNow(FailureClass.CONNECTION, words, seconds=retry_after(answer.headers))
    if status in {401, 403}:
        words = f"The other side refuses our credentials ({status})."
        breaker.report(connection.pk, ok=True)  # it answers, so there is nothing to wait for; but all is not well
        _ill(connection, words)
        raise FailedForGood(FailureClass.AUTHENTICATION, words, status=status, body=answer.body)
    _well(connection)
    if status == 429:
        seconds = retry_after(answer.headers) or 5.0
        breaker.hold(connection.pk, seconds)
        raise FailedForNow(FailureClass.RATE_LIMIT, "The other side asks for a pause (429).", seconds=seconds)
    if status in {408, 425}:
        raise FailedForNow(FailureClass.CONNECTION, f"The other side answered {status}.")
    if not 200 <= status < 300:
        kind = FailureClass.CONFLICT if status == 409 else FailureClass.BAD_VALUE
        words = f"The other side answered {status}: {_excerpt(answer.body)[:200]}"
        raise FailedForGood(kind, words, status=status, body=answer.body)
    return answer


def _hear_of_limits(connection: Connection, answer: Answer) -> None:
    told = rate_limits.read(answer.headers, now=time.time())
    if told is None:
        return
    pace.learn(connection.pk, told.per_minute)
    if told.hold and answer.status != 429:  # which says itself how long
        breaker.hold(connection.pk, told.hold)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Retry-After as seconds, from either of its two forms; or Walmart's own word for it, a moment in milliseconds."""
    text = headers.get("retry-after", "").strip()
    moment = headers.get("x-next-replenish-time", "").strip()
    if not text and moment.isascii() and moment.isdigit() and len(moment) <= 16:
        return max(0.0, int(moment) / 1000 - time.time())
    if not text:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(text) - timezone.now()).total_seconds())
    except (ValueError, TypeError):
        return None


# --- The details ---------------------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def _client(connection_id: str) -> httpx2.Client:
    """One client a connection: its pool is the bulkhead, a slow vendor can only fill its own."""
    return httpx2.Client(
        timeout=TIMEOUT,
        limits=httpx2.Limits(max_connections=8, max_keepalive_connections=2, keepalive_expiry=20),
        follow_redirects=False,
        trust_env=False,
        verify=_trusted(),
    )


@lru_cache(maxsize=1)
def _trusted() -> ssl.SSLContext:
    return ssl.create_default_context()


def _read(response: httpx2.Response, limits: Limits) -> bytes:
    """The body, up to a size and a moment: a server that trickles bytes must not hold a worker."""
    parts, size = [], 0
    for part in response.iter_bytes():
        size += len(part)
        if size > limits.answer_at_most:
            raise FailedForGood(FailureClass.TOO_LARGE, f"The answer is larger than {limits.answer_at_most} bytes.")
        if time.monotonic() > limits.stop_at:
            raise httpx2.ReadTimeout("the answer took too long")
        parts.append(part)
    return b"".join(parts)


def _addressed(url: str, target: addresses.Target) -> str:
    parts = urlsplit(url)
    address = f"[{target.address}]" if ":" in target.address else target.address
    return urlunsplit((parts.scheme, f"{address}:{target.port}", parts.path or "/", parts.query, ""))


def _host(target: addresses.Target) -> str:
    usual = addresses.PORTS["https" if target.secure else "http"]
    return target.host if target.port == usual else f"{target.host}:{target.port}"


def _sent_excerpt(body: bytes, headers: Mapping[str, str]) -> str:
    if "form-urlencoded" in headers.get("Content-Type", ""):
        return redaction.form(body.decode("utf-8", errors="replace"))[:EXCERPT]
    return _excerpt(body)


def _excerpt(body: bytes) -> str:
    """The beginning for the log: secrets hidden where it is JSON, people masked."""
    if not body:
        return ""
    try:
        text = jsonlib.dumps(redaction.people(jsonlib.loads(body)), ensure_ascii=False)
    except (ValueError, RecursionError):
        text = body[: EXCERPT * 4].decode("utf-8", errors="replace")
    return clean(text)[:EXCERPT]


def _troubled(connection: Connection, words: str) -> None:
    state = breaker.report(connection.pk, ok=False, reason=words)
    _ill(connection, f"Calls are suspended. {words}" if state != "CLOSED" else words)


def _ill(connection: Connection, words: str) -> None:
    Connection.objects.filter(pk=connection.pk).update(
        health=Connection.Health.TROUBLED, health_reason=words[:300], last_failure_at=timezone.now()
    )


def _well(connection: Connection) -> None:
    """Written at most twice a minute while all is well, so a busy connection's row stays cool."""
    breaker.report(connection.pk, ok=True)
    a_moment_ago = timezone.now() - timedelta(seconds=30)
    stale = ~Q(health=Connection.Health.OK) | Q(last_ok_at__isnull=True) | Q(last_ok_at__lt=a_moment_ago)
    Connection.objects.filter(stale, pk=connection.pk).update(
        health=Connection.Health.OK, health_reason="", last_ok_at=timezone.now()
    )
