"""A site's day: what is due soonest, what may be picked together, what waits for its customer."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import groupby

from django.contrib.auth.decorators import permission_required
from django.db.models import Count, Q, Sum
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from core import htmx
from inventory.models import Location
from orders.models import BatchStatus, Collection, DeviceScan, FulfilmentOrder, FulfilmentStatus, PickBatch, PutBack
from orders.models.fulfilment import ACTIVE
from orders.services import batches, scans
from orders.views import asked

PERMISSION = "orders.view_fulfilmentorder"
SOON = timedelta(hours=1)
SHOWN = 50  # refused scans
# Work a person here still does something about; what is READY waits for somebody else.
TO_DO = ACTIVE - {FulfilmentStatus.READY}


@require_safe
@permission_required(PERMISSION, raise_exception=True)
def today(request: HttpRequest, code: str) -> HttpResponse:
    """GET /s/<site>/: what this site has to do, the most urgent first."""
    place = asked.place(request, code)
    rows = FulfilmentOrder.objects.for_user(request.user).filter(location=place, status__in=TO_DO)
    page = htmx.keyset_page(
        rows.select_related("order", "order__channel").annotate(
            units=Sum("lines__quantity", default=0), found=Sum("lines__picked", default=0)
        ),
        request,
        order=("due_at", "id"),
    )
    waiting = batches.candidates(place.pk) if request.user.has_perm("orders.work_fulfilment") else []
    context = {
        "place": place,
        "page": page,
        "total": htmx.capped_count(rows),
        "groups": _groups(page.rows, place.time_zone),
        "together": waiting if len(waiting) > 1 else [],
        "choosable": {job.pk for job in waiting} if len(waiting) > 1 else set(),
        "walks": _walks(request, place),
        "shelf": _shelf(request, place),
        "loose": PutBack.objects.for_user(request.user).waiting().filter(location=place).order_by()[:100].count(),
        "closed": place.closed_until is not None and place.closed_until > timezone.now(),
    }
    return htmx.render(request, "orders/site.html", context, fragment="orders/_site.html")


@require_safe
@permission_required(PERMISSION, raise_exception=True)
def outbox(request: HttpRequest, code: str) -> HttpResponse:
    """GET /s/<site>/outbox: what this device has not sent yet, and the scans the server refused lately."""
    place = asked.place(request, code)
    rows = scans.refused(DeviceScan.objects.for_user(request.user).filter(location=place))
    page = htmx.keyset_page(rows, request, order=("-id",), size=SHOWN)
    return htmx.render(request, "orders/outbox.html", {"place": place, "page": page}, fragment="orders/_outbox.html")


def _groups(rows: Iterable[FulfilmentOrder], time_zone: str) -> list[tuple[str, list[FulfilmentOrder]]]:
    """The page's work by when it is due, in words."""
    now = timezone.now()
    return [(name, list(group)) for name, group in groupby(rows, lambda job: _when(job.due_at, now))]


def _when(due: datetime, now: datetime) -> str:
    if due < now:
        return "Overdue"
    if due < now + SOON:
        return "Due within an hour"
    here = timezone.localtime(due).date()
    return "Due today" if here == timezone.localtime(now).date() else "Due later"


def _walks(request: HttpRequest, place: Location) -> list[PickBatch]:
    open_ = PickBatch.objects.for_user(request.user).filter(location=place, status=BatchStatus.OPEN)
    return list(open_.annotate(orders=Count("works")).order_by("pk")[:10])


def _shelf(request: HttpRequest, place: Location) -> dict[str, int]:
    """What waits on the ready shelf, in one query."""
    rows = Collection.objects.for_user(request.user).filter(location=place, put_back_at=None)
    ready = Q(fulfilment__status=FulfilmentStatus.READY)
    back = Q(fulfilment__status__in=("UNCOLLECTED", "CANCELLED", "REJECTED")) | Q(declined__gt=0)
    return rows.order_by().aggregate(
        waiting=Count("pk", filter=ready),
        ending=Count("pk", filter=ready & Q(collect_by__lt=timezone.now() + timedelta(days=1))),
        back=Count("pk", filter=back),
    )
