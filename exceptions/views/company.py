"""Who else is with a case: notes and the people they name, watchers, files, and who is looking right now."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import actors, htmx, presence
from core.errors import Refusal
from core.models import User
from exceptions.models import Case, CaseAttachment, CaseWatcher
from exceptions.services import attachments, notes, watching
from exceptions.views.actions import ask, fresh, on_queue, tell_whom, visible, works

sees = permission_required("exceptions.view_case", raise_exception=True)


@require_http_methods(["GET", "POST"])
@works
def note(request: HttpRequest, case_id: int) -> HttpResponse:
    """/exceptions/<id>/notes: write a note from the list, in the dialog."""
    case = visible(request, case_id)
    if request.method == "GET":
        return ask(request, case, "exceptions/_note.html")
    left = notes.leave(case.pk, text=request.POST.get("text", ""), actor=actors.person(request.user))
    tell_whom(request, left)
    if not htmx.asked(request):
        return htmx.redirect(request, reverse("exceptions:detail", args=[case.pk]))
    names, context = fresh(request, case_id)
    return htmx.part(request, names, context)


@require_POST
@sees
def watch(request: HttpRequest, case_id: int) -> HttpResponse:
    """POST /exceptions/<id>/watch: hear of it from now on, or no longer."""
    case, user = visible(request, case_id), _person(request)
    if watching.watches(case.pk, user.pk):
        watching.unwatch(case.pk, user.pk)
    else:
        watching.watch(case.pk, [user.pk])
    if not htmx.asked(request) or on_queue(request):
        return htmx.redirect(request, reverse("exceptions:detail", args=[case.pk]))
    return _panel(request, case)


@require_safe
@sees
def panel(request: HttpRequest, case_id: int) -> HttpResponse:
    """GET /exceptions/<id>/company: its watchers and files."""
    return _panel(request, visible(request, case_id))


def _panel(request: HttpRequest, case: Case, refusal: Refusal | None = None) -> HttpResponse:
    user = _person(request)
    watchers = [row.user for row in CaseWatcher.objects.filter(case=case).select_related("user").order_by("since")[:50]]
    context = {
        "case": case,
        "watchers": watchers,
        "watching": user.pk in {person.pk for person in watchers},
        "files": CaseAttachment.objects.filter(case=case).defer("content").select_related("added_by").order_by("pk"),
        "accepted": attachments.ACCEPTED,
        "largest": attachments.LARGEST,
        "refusal": refusal,
        "may_work": user.has_perm("exceptions.work_case"),
    }
    return htmx.part(request, "exceptions/_company.html", context, status=refusal.status if refusal else 200)


@require_POST
@works
def attach(request: HttpRequest, case_id: int) -> HttpResponse:
    """POST /exceptions/<id>/files: keep a file on the case, if its content is of a kind we keep."""
    case, user = visible(request, case_id), _person(request)
    file = request.FILES.get("file")
    if file is None or not hasattr(file, "read"):
        raise Refusal("no_file", "Choose a file first.", status=422)
    if (file.size or 0) > attachments.LARGEST:
        raise Refusal("too_large", f"A file may have up to {attachments.LARGEST // 1024 // 1024} MB.", status=413)
    given = attachments.Given(file.name or "", file.read(attachments.LARGEST + 1))
    try:
        attachments.attach(case.pk, given, person=user, actor=actors.person(user))
    except Refusal as refusal:
        if not htmx.asked(request):
            raise
        return _panel(request, case, refusal)
    if not htmx.asked(request):
        return htmx.redirect(request, reverse("exceptions:detail", args=[case.pk]))
    return _panel(request, case)


@require_safe
@sees
def download(request: HttpRequest, case_id: int, file_id: int) -> HttpResponse:
    """GET /exceptions/<id>/files/<file>: the file, for whoever may see the case; always saved, never shown."""
    case = visible(request, case_id)
    file = CaseAttachment.objects.filter(case=case, pk=file_id).first()
    if file is None:
        raise Refusal("no_such_file", "There is no such file.", status=404)
    headers = {
        "Content-Disposition": f'attachment; filename="{file.filename}"',
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "no-store",
    }
    return HttpResponse(bytes(file.content), content_type=attachments.KINDS[file.kind], headers=headers)


@require_POST
@sees
def here(request: HttpRequest, case_id: int) -> HttpResponse:
    """POST /exceptions/<id>/here: I am looking at it (or, with `gone`, no longer); answers who else is."""
    case, user = visible(request, case_id), _person(request)
    thing = f"case:{case.pk}"
    if request.POST.get("gone"):
        presence.gone(thing, user.pk)
        return htmx.finish(HttpResponse(status=204))
    others = presence.here(thing, user.pk)
    people = {person.pk: person for person in User.objects.filter(pk__in=others, is_active=True)} if others else {}
    looking = [people[pk] for pk in others if pk in people]
    return htmx.part(request, "exceptions/_presence.html", {"case": case, "looking": looking})


def _person(request: HttpRequest) -> Any:
    return request.user
