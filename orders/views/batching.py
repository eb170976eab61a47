"""Waiting orders placed together: worked out as a job, shown beside one-by-one, and placed once confirmed."""

from __future__ import annotations

from django.contrib.auth.decorators import permission_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from core import actors, htmx, jobs
from core.models import Job
from orders import tasks
from orders.services import batching
from orders.views.policies import LAUNCH, SEE


@require_POST
@permission_required(LAUNCH, raise_exception=True)
def start(request: HttpRequest) -> HttpResponse:
    """POST /ops/together: work out a batch of what waits now. Changes nothing else."""
    with transaction.atomic():
        job = batching.start(actor=actors.person(request.user))
        jobs.send(job.pk, tasks.work_out_batch)
    return htmx.redirect(request, reverse("orders:together", args=[job.pk]))


@require_safe
@permission_required(SEE, raise_exception=True)
def together(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /ops/together/<id>: how far it is; then both ways side by side, and what came of placing it."""
    plan = get_object_or_404(Job.objects.select_related("owner"), pk=pk, kind=batching.PLAN)
    placing = Job.objects.select_related("owner").filter(pk=plan.params.get("placed_by")).first()
    context = {"plan": plan, "job": placing or plan, "placing": placing, "result": plan.result or {}}
    return htmx.render(request, "orders/together.html", context, fragment="orders/_together.html")


@require_POST
@permission_required(LAUNCH, raise_exception=True)
def confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """POST /ops/together/<id>/confirm: place them so. 409 where that was done already."""
    actor = actors.person(request.user)
    with transaction.atomic():
        job = batching.confirm(pk, actor=actor)
        jobs.send(job.pk, tasks.place_batch)
    return htmx.redirect(request, reverse("orders:together", args=[pk]))
