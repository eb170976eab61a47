"""Long work, watched: the page of one job, its panel that asks every two seconds, and the stop button."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_POST, require_safe

from core import htmx, jobs
from core.models import Job


@require_safe
def detail(request: HttpRequest, job_id: int) -> HttpResponse:
    """GET /jobs/<id>: the page, or its panel. The panel of finished work no longer asks."""
    return _show(request, _mine(request, job_id))


@require_POST
def stop(request: HttpRequest, job_id: int) -> HttpResponse:
    """POST /jobs/<id>/stop: ask it to stop after the current batch. Safe to repeat."""
    job = _mine(request, job_id)
    jobs.stop(job.pk)
    if not htmx.asked(request):
        return htmx.redirect(request, f"/jobs/{job.pk}")
    job.refresh_from_db()
    return _show(request, job)


def _mine(request: HttpRequest, job_id: int) -> Job:
    job = Job.objects.select_related("owner").filter(pk=job_id).first()
    if job is None:
        raise Http404
    if job.owner_id != request.user.pk and not request.user.has_perm("core.view_job"):
        raise PermissionDenied
    return job


def _show(request: HttpRequest, job: Job) -> HttpResponse:
    return htmx.render(request, "core/job.html", {"job": job}, fragment="core/_job.html")
