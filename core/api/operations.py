"""/api/v1/operations/<id>: how something that was only accepted (202) is getting on. A program sees its own."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.urls import path, reverse
from drf_spectacular.utils import extend_schema

from core import jobs
from core.api.answers import reply
from core.api.openapi import ANY, KEY, problems
from core.api.repeats import idempotent
from core.api.views import ApiView, HasKey
from core.models import Job


class Operation(ApiView):
    permission_classes = (HasKey,)

    @extend_schema(
        operation_id="operations_read",
        summary="How far something is that takes a while",
        description="`status` is QUEUED, RUNNING, STOPPING, or at the end DONE, STOPPED or FAILED; then `result`.",
        responses={200: ANY, **problems(401, 403, 404, 429, 503)},
    )
    def get(self, request: Any, pk: int) -> HttpResponse:
        return reply(shape(_find(request, pk)))


class Stop(ApiView):
    permission_classes = (HasKey,)

    @extend_schema(
        operation_id="operations_stop",
        summary="Stop it after the row at hand; what was done stays",
        parameters=[KEY],
        request=None,
        responses={202: ANY, **problems(400, 401, 403, 404, 409, 422, 429, 503)},
    )
    @idempotent()
    def post(self, request: Any, pk: int) -> HttpResponse:
        """Harmless once it is over."""
        job = _find(request, pk)
        jobs.stop(job.pk)
        job.refresh_from_db()
        return reply(shape(job), status=202)


def accepted(job: Job) -> HttpResponse:
    """202 with where to ask how it is getting on."""
    return reply(shape(job), status=202, headers={"Location": reverse("api:v1:operation", args=[job.pk])})


def shape(job: Job) -> dict[str, Any]:
    return {
        "id": job.pk, "kind": job.kind, "title": job.title, "status": job.status, "total": job.total,
        "done": job.done, "failed": job.failed, "created_at": job.created_at, "started_at": job.started_at,
        "finished_at": job.finished_at, "result": job.result,
    }  # fmt: skip


def _find(request: Any, pk: int) -> Job:
    found = Job.objects.filter(pk=pk, params__client=request.auth.uid).first()
    if found is None:
        raise Http404
    return found


urlpatterns = [
    path("operations/<int:pk>", Operation.as_view(), name="operation"),
    path("operations/<int:pk>/stop", Stop.as_view(), name="operation_stop"),
]
