"""What a version would have done: beside the live one as its shadow, and over past orders as a replay."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.db import transaction
from django.db.models import Count, Q, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_POST, require_safe

from core import actors, htmx, wake
from core.errors import Invalid, Problem
from inventory.models import Location
from orders import tasks
from orders.models import Channel, PolicyReplay, ShadowDecision
from orders.services import replays
from orders.views.policies import CHANGE, SEE, find

LOOKED_AT = 50_000  # the latest decisions a comparison adds up
MOST_NODES = 30


@require_safe
@permission_required(SEE, raise_exception=True)
def compare(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """GET /ops/policies/<code>/<number>/shadow: what it would have done beside what was done, and where they differ."""
    found = find(request, code, number)
    rows = ShadowDecision.objects.for_user(request.user).filter(policy_version=found)
    different = rows.filter(same=False).select_related("order")
    context = {
        "policy": found.policy,
        "version": found,
        "sums": _sums(rows),
        "page": htmx.keyset_page(different, request),
        "total": htmx.capped_count(different),
    }
    return htmx.render(request, "orders/policy_shadow.html", context, fragment="orders/_policy_shadow.html")


def _sums(rows: Any) -> dict[str, Any]:
    latest = ShadowDecision.objects.filter(pk__in=rows.order_by("-pk").values("pk")[:LOOKED_AT]).order_by()
    found: dict[str, Any] = latest.aggregate(orders=Count("pk"), changed=Count("pk", filter=Q(same=False)))
    for side, before in (("after", ""), ("before", "live_")):
        said = latest.aggregate(  # under names no column has
            a_found=Count("pk", filter=Q(**{f"{before}nodes__gt": 0})),
            a_split=Count("pk", filter=Q(**{f"{before}nodes__gt": 1})),
            a_nodes=Sum(f"{before}nodes", default=0),
            a_kilometres=Sum(f"{before}kilometres", default=0.0),
            a_cost=Sum(f"{before}cost", default=0.0),
            a_promised=Count("pk", filter=Q(**{f"{before}late__isnull": False})),
            a_late=Count("pk", filter=Q(**{f"{before}late": True})),
        )
        found[side] = {name.removeprefix("a_"): value for name, value in said.items()}
    return found


@require_POST
@permission_required(CHANGE, raise_exception=True)
def start(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """POST /ops/policies/<code>/<number>/replay: over the orders of a period, as a job."""
    found = find(request, code, number)
    channel = Channel.objects.filter(code=request.POST.get("channel", "")).first()
    begins, ends = (_day(request, name) for name in ("from", "to"))
    with transaction.atomic():
        replay = replays.start(
            found.pk,
            channel=channel,
            placed_from=_midnight(begins),
            placed_to=_midnight(ends + timedelta(days=1)),
            actor=actors.person(request.user),
        )
        wake.task(tasks.replay)
    return htmx.redirect(request, reverse("orders:replay", args=[replay.pk]))


def _day(request: HttpRequest, name: str) -> date:
    try:
        day = parse_date(request.POST.get(name, ""))
    except ValueError:
        day = None
    if day is None or not 1990 <= day.year <= 2200:
        raise Invalid([Problem(name, "date", "Say from which day to which.")], status=422)
    return day


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


@require_safe
@permission_required(SEE, raise_exception=True)
def replay(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /ops/replays/<id>: how far it is, and both sides of what it has added up so far."""
    rows = PolicyReplay.objects.for_user(request.user).select_related("policy_version__policy", "channel", "job__owner")
    found = get_object_or_404(rows, pk=pk)
    context = {"replay": found, "job": found.job, "sums": found.sums, "load": _load(found.sums)}
    return htmx.render(request, "orders/replay.html", context, fragment="orders/_replay.html")


def _load(sums: dict[str, Any]) -> list[dict[str, Any]]:
    """Units by node on both sides, the busiest first."""
    if not sums:
        return []
    before, after = sums["before"]["load"], sums["after"]["load"]
    ids = sorted(before.keys() | after.keys(), key=lambda pk: -max(before.get(pk, 0), after.get(pk, 0)))[:MOST_NODES]
    names = {str(pk): (code, name) for pk, code, name in Location.objects.filter(pk__in=ids).values_list(
        "pk", "code", "name")}  # fmt: skip
    most = max((max(before.get(pk, 0), after.get(pk, 0)) for pk in ids), default=1) or 1
    return [
        {"code": names.get(pk, ("", ""))[0], "name": names.get(pk, ("", "Gone since"))[1],
         "before": before.get(pk, 0), "after": after.get(pk, 0), "most": most}
        for pk in ids
    ]  # fmt: skip
