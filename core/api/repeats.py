"""The Idempotency-Key header over core/idempotency.py."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.http import HttpResponse
from rest_framework.response import Response

from core import idempotency
from core.api import problems, reading
from core.api.answers import reply
from core.errors import Refusal
from core.idempotency import Answer
from core.retry import retrying

HEADER, REPLAYED = "Idempotency-Key", "Idempotency-Replayed"
KEPT_HEADERS = ("Content-Type", "Location", "ETag", "Link")

View = Callable[..., Any]


def idempotent(*, required: bool = True, limit: int = reading.MAX_BYTES) -> Callable[[View], View]:
    """Run a view's method once per key: its effect and its answer are one transaction, and repeats get that answer.

    The method runs inside `transaction.atomic` and may run again when a lock stood in the way, so it must have no
    effect outside the database. A 4xx other than 400, 401, 403, 429 is an answer, too, and is kept.
    """

    def decorate(method: View) -> View:
        @functools.wraps(method)
        def wrapper(self: Any, request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
            def work() -> HttpResponse:
                return _plain(method(self, request, *args, **kwargs))

            key = request.META.get("HTTP_IDEMPOTENCY_KEY")
            if key is None and not required:
                return retrying(work)
            if not key or not idempotency.valid(key):
                raise Refusal(
                    "idempotency_key_missing" if not key else "idempotency_key_invalid",
                    f"Send {HEADER}: 1 to {idempotency.MAX_LENGTH} printable ASCII characters, new for each new call.",
                    status=400,
                )
            return once(request, key, _fingerprint(request, limit), work)

        wrapper.idempotency_key_required = required  # type: ignore[attr-defined]
        return wrapper

    return decorate


def once(request: Any, key: str, fingerprint: bytes, work: Callable[[], HttpResponse]) -> HttpResponse:
    """Run `work` once under this key and keep its answer; a repeat gets that answer. Never raises a Refusal of it."""
    return _Once(request, key, fingerprint).run(work)


def fingerprint_of(about: str, value: Any) -> bytes:
    """What a body says: neither the order of its keys nor blanks make it another."""
    hashed = hashlib.sha256(f"{about}\n".encode())
    hashed.update(json.dumps(value, sort_keys=True, separators=(",", ":"), default=str).encode())
    return hashed.digest()


class _Once:
    """One call under one key."""

    def __init__(self, request: Any, key: str, fingerprint: bytes):
        caller = request.auth
        match = request.resolver_match
        route = f"{request.method} {match.route if match else request.path}"[:120]
        self.names = (f"{caller.kind}:{caller.uid}"[:80], route, key)
        self.fingerprint = fingerprint

    def run(self, work: Callable[[], HttpResponse]) -> HttpResponse:
        claim = idempotency.claim(*self.names, self.fingerprint)
        if claim.other_body:
            raise Refusal(
                "idempotency_key_reused", "This key was used for a different call. Take a new one.", status=422
            )
        if claim.answer:
            return _replay(claim.answer)
        if claim.token is None:
            raise _in_flight(claim.busy_seconds)
        return self._first(work, claim.token)

    def _first(self, work: Callable[[], HttpResponse], token: Any) -> HttpResponse:
        def effect_and_answer() -> HttpResponse:
            response = work()
            if response.status_code in idempotency.NOT_STORED or response.status_code >= 500:
                raise _NotKept(response)
            idempotency.done(*self.names, token, _answer(response))
            return response

        # An outer transaction (there is one in tests only) must survive what is rolled back here.
        nested = transaction.get_connection().in_atomic_block
        try:
            return transaction.atomic(effect_and_answer)() if nested else retrying(effect_and_answer)
        except idempotency.LockLost:
            raise _in_flight(1) from None
        except _NotKept as unkept:
            idempotency.release(*self.names, token)
            return unkept.response
        except Exception as error:  # noqa: BLE001  (problems.answer knows every kind)
            return self._failed(error, token)

    def _failed(self, error: Exception, token: Any) -> HttpResponse:
        """The effect was rolled back. A refusal is kept as the answer; a failure frees the key for another try."""
        response = problems.answer(error)
        try:
            if response.status_code in idempotency.NOT_STORED or response.status_code >= 500:
                idempotency.release(*self.names, token)
            else:
                idempotency.done(*self.names, token, _answer(response))
        except Exception:  # noqa: BLE001
            # The database is gone, too: the lock runs out by itself. What went wrong first is what the caller hears.
            problems.log.warning("idempotency.not_released", exc_info=True)
        return response


class _NotKept(Exception):
    """Rolls the effect back and carries the answer past the transaction."""

    def __init__(self, response: HttpResponse):
        super().__init__()
        self.response = response


def _fingerprint(request: Any, limit: int) -> bytes:
    """Method, path and canonical body: neither the order of keys nor blanks make it another call."""
    about = f"{request.method} {request.get_full_path()}"
    if request.META.get("CONTENT_LENGTH") in {None, "", "0"}:
        return hashlib.sha256(f"{about}\n".encode()).digest()
    return fingerprint_of(about, reading.read_json(request, limit=limit))


def _plain(response: Any) -> HttpResponse:
    """DRF renders late; an answer that is to be kept has to be bytes now."""
    if isinstance(response, Response):
        return reply(response.data, status=response.status_code, headers=dict(response.headers.items()))
    return response


def _answer(response: HttpResponse) -> Answer:
    headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
    return Answer(response.status_code, response.content, headers)


def _replay(answer: Answer) -> HttpResponse:
    return HttpResponse(answer.body, status=answer.status, headers={**answer.headers, REPLAYED: "true"})


def _in_flight(seconds: int) -> Refusal:
    return Refusal("in_flight", "The first call with this key is still running.", status=409, retry_after=seconds)
