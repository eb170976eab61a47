"""Where handhelds send their scans: in order, as many as they kept while there was no connection."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated, Literal, cast

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.timezone import is_naive
from django.views.decorators.http import require_POST
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from core import actors, htmx
from core.api import reading
from orders.services import scans
from orders.services.scans import Scan
from orders.views import asked

MOST = 100
LIMIT = 128 * 1024
AHEAD = timedelta(minutes=10)  # a device's clock may be wrong; what was scanned "tomorrow" was scanned now

Short = Annotated[str, StringConstraints(strip_whitespace=True, max_length=40)]


class Sent(BaseModel):
    """One scan as a device sends it."""

    model_config = ConfigDict(extra="forbid")

    key: Annotated[str, StringConstraints(pattern=r"^[!-~]{8,64}$")]
    kind: Literal["pick", "batch"]
    target: Annotated[Short, StringConstraints(min_length=1)]
    code: Annotated[str, StringConstraints(max_length=100)]
    at: datetime
    into: Annotated[str, StringConstraints(max_length=12)] = ""


class Lot(BaseModel):
    """Scans in the order they were made."""

    model_config = ConfigDict(extra="forbid")

    scans: Annotated[list[Sent], Field(min_length=1, max_length=MOST)]


@require_POST
@permission_required("orders.work_fulfilment", raise_exception=True)
def receive(request: HttpRequest, code: str) -> HttpResponse:
    """POST /s/<site>/scans: a verdict for each key, in order. Sent again, it answers the same and changes nothing."""
    place = asked.place(request, code)
    lot = reading.parse(request, Lot, limit=LIMIT)
    verdicts = scans.judge(
        place.pk,
        [Scan(one.key, one.kind, one.target, one.code, _at(one.at), one.into) for one in lot.scans],
        person_id=cast(int, request.user.pk),
        actor=actors.person(request.user),
    )
    return htmx.finish(JsonResponse({"verdicts": [asdict(verdict) for verdict in verdicts]}))


def _at(moment: datetime) -> datetime:
    now = timezone.now()
    return now if is_naive(moment) or moment > now + AHEAD else moment
