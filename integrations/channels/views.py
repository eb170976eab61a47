"""Where outside systems deliver: POST /hooks/<connection>/."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError, InterfaceError
from django.db.models import F
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse, UnreadablePostError
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from integrations import inbox
from integrations.channels import registry, signers
from integrations.channels.vendor import Vendor
from integrations.models import Connection
from integrations.secrets import Undecipherable, reveal

log = logging.getLogger(__name__)

SIGNING_SECRET = "webhook"  # noqa: S105  (the name of a secret, not one)
CHALLENGE_SECRET = "verification_token"  # noqa: S105


@csrf_exempt
@login_not_required
@require_http_methods(["GET", "POST"])
def receive(request: HttpRequest, connection_id: UUID, topic: str = "") -> HttpResponse:
    """Store one signed delivery: 202 new, 200 known, 401 not signed, 404 nobody's, 413 too large, 503 come again.

    Nothing is parsed before the signature holds, and nothing is understood before the answer is given. A GET is a
    vendor that asks whether the address is ours.
    """
    try:
        if request.method == "GET":
            return _challenged(request, connection_id)
        return _receive(request, connection_id, topic)
    except (DatabaseError, InterfaceError):
        log.warning("hook.database_down", extra={"connection": str(connection_id)})
        return _answer(503, "come again", retry_after=30)


def _challenged(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    connection = Connection.objects.exclude(status=Connection.Status.DISABLED).filter(pk=connection_id).first()
    vendor = registry.find(connection.vendor) if connection else None
    if connection is None or vendor is None:
        return _answer(404, "no such hook")
    if vendor.answer_challenge is None:
        return HttpResponseNotAllowed(["POST"])
    token = connection.secret(CHALLENGE_SECRET)
    told = vendor.answer_challenge(request.GET.dict(), _address(connection), token)
    return JsonResponse(dict(told)) if told else _answer(400, "nothing was asked")


def _receive(request: HttpRequest, connection_id: UUID, topic: str) -> HttpResponse:
    connection = Connection.objects.receiving(connection_id, SIGNING_SECRET)
    if connection is not None and connection.status == Connection.Status.DISABLED:
        connection = None
    vendor = registry.find(connection.vendor) if connection else None
    if connection is None or vendor is None:
        return _answer(404, "no such hook")
    limit = int(connection.settings.get("max_bytes") or inbox.MAX_BYTES)
    body = _body(request, limit)
    if body is None:
        return _answer(413, f"at most {limit} bytes")
    headers = {name.lower(): value for name, value in request.headers.items()}
    if not _signed(vendor, connection, body, headers):
        # Counted, not kept: whoever can't sign must not be able to fill the disk.
        Connection.objects.filter(pk=connection.pk).update(refused_signatures=F("refused_signatures") + 1)
        log.warning("hook.signature_refused", extra={"connection": connection.code})
        if vendor.signer is not None:
            signers.missing(connection.pk, vendor.signer(headers))
        return _answer(401, "the signature does not fit")
    told = vendor.delivery(body, headers)
    message_id, created = inbox.accept(
        connection,
        external_id=told.external_id,
        headers=headers,
        body=body,
        topic=told.topic or topic.strip("/").lower(),
        verdict=inbox.Verdict.GOOD,
    )
    return _answer(202 if created else 200, "kept" if created else "known", message=message_id)


def _body(request: HttpRequest, limit: int) -> bytes | None:
    """The raw bytes, None when there are too many of them (told or sent)."""
    try:
        told = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        told = 0
    if told > limit:
        return None
    try:
        body = request.body
    except (RequestDataTooBig, UnreadablePostError):
        return None
    return body if len(body) <= limit else None


def _signed(vendor: Vendor, connection: Connection, body: bytes, headers: Mapping[str, str]) -> bool:
    try:
        secrets = [reveal(sealed) for sealed in connection.sealed_now]
    except Undecipherable:
        log.exception("hook.secret_unreadable", extra={"connection": connection.code})
        return False
    if not secrets:
        return False
    if vendor.verify_at is not None:
        return vendor.verify_at(_address(connection), body, headers, secrets, timezone.now())
    return vendor.verify(body, headers, secrets, timezone.now())


def _address(connection: Connection) -> str:
    """Where the vendor was told to send to: as it was told, not as a proxy in between rewrote it."""
    told = connection.settings.get("webhook_address")
    return str(told) if told else settings.PUBLIC_URL + reverse("integrations:hook", args=[connection.pk])


def _answer(status: int, words: str, *, retry_after: int | None = None, **facts: object) -> HttpResponse:
    answer = JsonResponse({"status": words, **facts}, status=status)
    if retry_after:
        answer["Retry-After"] = str(retry_after)
    return answer
