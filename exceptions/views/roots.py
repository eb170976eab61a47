"""Root causes: naming one, taking it back, and what stands under it."""

from __future__ import annotations

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import htmx, typed
from core.errors import Refusal
from exceptions import board, present, reasons
from exceptions.models import Case
from exceptions.services import cases
from exceptions.views.actions import ask, perform, version_of, visible, works

OFFERED = 10
SHOWN = 10


@require_http_methods(["GET", "POST"])
@works
def link(request: HttpRequest, case_id: int) -> HttpResponse:
    """/exceptions/<id>/link: say what it is a symptom of. The probable root is offered first."""
    case = visible(request, case_id)
    if request.method == "GET":
        context = {"roots": _offered(request, case), "probable": _probable(request, case)}
        return ask(request, case, "exceptions/_link.html", **context)
    number = typed.whole(request.POST.get("root", "").strip().upper().removeprefix("EX-"), 18)
    if number is None:
        raise Refusal("no_such_case", "Name a case, such as EX-20418.", status=400)
    root = visible(request, number)
    said = f"{case.number} is a symptom of {root.number} now"
    return perform(request, case_id, cases.link, said, version=version_of(request), parent=root.pk)


def _probable(request: HttpRequest, case: Case) -> Case | None:
    reason = reasons.find(case.reason)
    named = reason.root(case.subject_uid) if reason and reason.root else None
    rows = Case.objects.for_user(request.user).still_open().filter(parent=None).exclude(pk=case.pk)
    return rows.filter(reason=named.reason, subject_uid=named.uid).first() if named else None


def _offered(request: HttpRequest, case: Case) -> list[Case]:
    """Open cases it might come from: those with symptoms already, nearest their time first."""
    rows = Case.objects.for_user(request.user).still_open().filter(parent=None).exclude(pk=case.pk)
    roots = Case.objects.filter(parent__isnull=False, is_open=True).values("parent")[:1_000]
    return list(rows.filter(pk__in=roots).order_by("rank", "pk")[:OFFERED])


@require_POST
@works
def unlink(request: HttpRequest, case_id: int) -> HttpResponse:
    """POST /exceptions/<id>/unlink: it stands for itself again."""
    return perform(request, case_id, cases.unlink, version=version_of(request))


@require_safe
@permission_required("exceptions.view_case", raise_exception=True)
def symptoms(request: HttpRequest, case_id: int) -> HttpResponse:
    """GET /exceptions/<id>/symptoms: what stands under it, added up, nearest its time first; or nothing."""
    case = visible(request, case_id)
    seen = Case.objects.for_user(request.user).filter(parent=case)
    first = seen.still_open().order_by("rank", "pk").values(*board.COLUMNS)[:SHOWN]
    site_ids = request.user.site_ids()  # type: ignore[union-attr]
    context = {
        "case": case,
        "rows": present.lines(first, request.user, timezone.now()),  # type: ignore[arg-type]
        "under": board.symptoms([case.pk], site_ids).get(case.pk),
        "ended": htmx.capped_count(seen.filter(is_open=False).exclude(outcome="duplicate"), 1001),
        "may_work": request.user.has_perm("exceptions.work_case"),
    }
    return htmx.part(request, "exceptions/_symptoms.html", context)
