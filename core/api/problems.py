"""Everything that goes wrong, said the same way: RFC 9457 problem+json. Never a traceback, never a database's words."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import ObjectDoesNotExist, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import DatabaseError, DataError, InterfaceError, OperationalError
from django.http import Http404, HttpResponse
from rest_framework import exceptions as drf

from core import correlation
from core.api.answers import reply
from core.errors import Invalid, Refusal
from core.retry import PASSING, sqlstate

log = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
TRY_AGAIN_SECONDS = 2


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    errors: list[dict[str, str]] | None = None,
    facts: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """One problem: `code` is for programs and never changes, `detail` is for people."""
    body: dict[str, Any] = {
        "type": f"urn:backroom:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "correlation_id": correlation.current(),
    }
    if errors:
        body["errors"] = errors
    if facts:
        body["facts"] = dict(facts)
    return reply(body, status=status, headers=headers, content_type=CONTENT_TYPE)


def answer(error: Exception) -> HttpResponse:
    """The response an exception deserves."""
    for kinds, make in _KINDS:
        if isinstance(error, kinds):
            return make(error)
    log.error("api.failed", exc_info=error)
    return problem(500, "internal", "Something went wrong here. It has been logged under the correlation id.")


def _refusal(error: Any) -> HttpResponse:
    headers = {}
    if error.status in {409, 429, 503} and "retry_after" in error.facts:
        headers["Retry-After"] = str(math.ceil(error.facts["retry_after"]))
    elif error.status == 503:
        headers["Retry-After"] = str(TRY_AGAIN_SECONDS)
    return problem(error.status, error.code, error.message, facts=error.facts, headers=headers)


def _invalid(error: Any) -> HttpResponse:
    errors = [{"path": p.path, "rule": p.rule, "message": p.message} for p in error.problems]
    return problem(error.status, error.code, error.message, errors=errors)


def _database(error: Any) -> HttpResponse:
    if isinstance(error, DataError):  # a bug of ours (validation should have caught it), yet the caller's to change
        log.error("api.value_refused_by_database", exc_info=error)
        return problem(400, "value_out_of_range", "A value can't be kept.")
    if isinstance(error, OperationalError | InterfaceError) or sqlstate(error) in PASSING:
        log.warning("api.database_unavailable", extra={"sqlstate": sqlstate(error)})
        return problem(
            503,
            "unavailable",
            "Not possible at this moment. Try again.",
            headers={"Retry-After": str(TRY_AGAIN_SECONDS)},
        )
    log.error("api.failed", exc_info=error)
    return problem(500, "internal", "Something went wrong here. It has been logged under the correlation id.")


def _drf(error: Any) -> HttpResponse:
    headers: dict[str, str] = {}
    if getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = error.auth_header
    if getattr(error, "wait", None) is not None:
        headers["Retry-After"] = str(math.ceil(error.wait))
    detail = error.detail if isinstance(error.detail, str) else "The request can't be understood."
    return problem(error.status_code, str(error.default_code), str(detail), headers=headers)


_KINDS: tuple[tuple[Any, Any], ...] = (
    (Invalid, _invalid),
    (Refusal, _refusal),
    (drf.APIException, _drf),
    ((Http404, ObjectDoesNotExist), lambda _: problem(404, "not_found", "There is no such thing here.")),
    (PermissionDenied, lambda _: problem(403, "permission_denied", "This key may not do that.")),
    (RequestDataTooBig, lambda _: problem(413, "too_large", "The body is too large.")),
    (SuspiciousOperation, lambda _: problem(400, "bad_request", "The request can't be understood.")),
    (DatabaseError, _database),
    (InterfaceError, _database),
)
