"""One action on many cases: chosen, previewed, run with progress, and each row's end to download."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from core import actors, downloads, htmx, jobs
from core.errors import Invalid, Refusal
from core.models import Job
from exceptions import tasks
from exceptions.models import BulkRow
from exceptions.services import bulk_acting
from exceptions.services.bulk_acting import Question
from exceptions.views.bulk import Chosen, chosen

MAY = "exceptions.bulk_action"


@require_POST
@permission_required(MAY, raise_exception=True)
def ask(request: HttpRequest) -> HttpResponse:
    """POST /exceptions/bulk/act: which action (for the dialog); with one, the preview begins and its page is next."""
    some = chosen(request)
    action = request.POST.get("action", "")
    if not action:
        return _ask(request, some)
    if action not in {code for code, _, _ in bulk_acting.offered(some.ids)}:
        raise Refusal("unknown_action", "None of these cases offers that action.", status=404)
    questions = bulk_acting.asks(some.ids, action)
    given = {name.removeprefix("p-"): str(request.POST[name]) for name in request.POST if name.startswith("p-")}
    if questions and request.POST.get("asked") != action:
        return _ask(request, some, action, questions)
    try:
        params = bulk_acting.told(questions, given)
    except Invalid as invalid:
        problems = {f"p-{each.path}": each.message for each in invalid.problems}
        return _ask(request, some, action, questions, values=given, problems=problems)
    with transaction.atomic():
        job = bulk_acting.start_preview(some.ids, action, params, actor=actors.person(request.user))
        jobs.send(job.pk, tasks.preview_many)
    return htmx.redirect(request, reverse("exceptions:bulk_job", args=[job.pk]))


def _ask(
    request: HttpRequest,
    some: Chosen,
    action: str = "",
    questions: Sequence[Question] = (),
    *,
    values: Mapping[str, str] | None = None,
    problems: Mapping[str, str] | None = None,
) -> HttpResponse:
    """The dialog: which action, and what it has to be told."""
    context = {
        "ids": [] if some.whole_view else some.ids,
        "count": len(some.ids),
        "offered": bulk_acting.offered(some.ids),
        "scope": request.POST.get("scope", "page"),
        "filter": request.POST.get("filter", ""),
        "expected": request.POST.get("expected", ""),
        "action": action,
        "questions": questions,
        "values": values or {},
        "problems": problems or {},
    }
    response = htmx.part(request, "exceptions/_act_many.html", context, status=422 if problems else 200)
    if action:
        response["HX-Retarget"] = "#dialog"
    return response


@require_safe
@permission_required(MAY, raise_exception=True)
def page(request: HttpRequest, job_id: int) -> HttpResponse:
    """GET /exceptions/bulk/<job>: how far it is; then what it would do, or what became of the rows."""
    job = _find(request, job_id)
    rows = BulkRow.objects.filter(job=job).select_related("case")
    context: dict[str, Any] = {"job": job, "preview": job.kind == bulk_acting.PREVIEW, "result": job.result or {}}
    if job.kind == bulk_acting.RUN:
        context |= {"page": htmx.keyset_page(rows, request, order=("id",)), "total": htmx.capped_count(rows)}
    return htmx.render(request, "exceptions/bulk_job.html", context, fragment="exceptions/_bulk_job.html")


@require_POST
@permission_required(MAY, raise_exception=True)
def run(request: HttpRequest, job_id: int) -> HttpResponse:
    """POST /exceptions/bulk/<job>/run: what was previewed begins, once."""
    with transaction.atomic():
        job = bulk_acting.start_run(_find(request, job_id).pk, actor=actors.person(request.user))
        jobs.send(job.pk, tasks.act_on_many)
    return htmx.redirect(request, reverse("exceptions:bulk_job", args=[job.pk]))


@require_safe
@permission_required(MAY, raise_exception=True)
def rows(request: HttpRequest, job_id: int) -> HttpResponseBase:
    """GET /exceptions/bulk/<job>/rows.csv: what became of each case."""
    job = _find(request, job_id)
    found = BulkRow.objects.filter(job=job).order_by("pk")
    values = found.values_list("case_id", "case__title", "case__subject_label", "outcome", "code", "said")
    titles = ["Case", "Title", "About", "Outcome", "Rule", "What was said"]
    return downloads.csv_file(f"bulk-{job.pk}", titles, values, line=lambda row: [f"EX-{row[0]}", *row[1:]])


def _find(request: HttpRequest, job_id: int) -> Job:
    """A bulk job is seen by whoever started it."""
    kinds = (bulk_acting.PREVIEW, bulk_acting.RUN)
    found = Job.objects.filter(pk=job_id, kind__in=kinds, owner=request.user.pk).first()
    if found is None:
        raise Refusal("no_such_job", "There is no such job.", status=404)
    return found
