"""One case by its number, as far as the key may see it, and the version a change is made to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpResponse

from core.api import etag, reply
from core.errors import Refusal
from exceptions.api.v1 import shapes
from exceptions.api.v1.bodies import Seen
from exceptions.filters import NUMBER
from exceptions.models import Case
from exceptions.services.handling import current

BIGGEST = 2**63


def case(request: Any, number: str) -> Case:
    """The case called EX-12 (or 12). A foreign one isn't there (404)."""
    found = NUMBER.fullmatch(number) if number.isascii() else None
    pk = int(found.group(1)) if found else BIGGEST
    rows = Case.objects.for_caller(request.auth).select_related("owner", "site", "policy")
    known = rows.filter(pk=pk).first() if pk < BIGGEST else None
    if known is None:
        raise Http404
    return known


def change(request: Any, found: Case, body: Seen | None, verb: Callable[..., object], **options: Any) -> HttpResponse:
    """Do it to the version the caller saw, and answer the case as it is now.

    A stale If-Match is 412, a stale `version` 409; both say what the case is now.
    """
    given = request.META.get("HTTP_IF_MATCH", "").strip()
    if given and given != "*" and etag(found.version) not in {tag.strip() for tag in given.split(",")}:
        words = f"{found.number} has changed since you read it. Nothing of yours was applied."
        raise Refusal("stale", words, status=412, **current(found))
    if body is not None:
        options["version"] = found.version if given and given != "*" else body.version
    verb(found.pk, actor=request.auth.actor, **options)
    return answer(request, found.pk)


def answer(request: Any, case_id: int, *, status: int = 200) -> HttpResponse:
    """The case as it is now, with its ETag."""
    fresh = Case.objects.select_related("owner", "site").get(pk=case_id)
    return reply(shapes.case(fresh), status=status, headers={"ETag": etag(fresh.version)})
