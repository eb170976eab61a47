"""What a person does to one case. Each view parses, calls one service and shows the case as it is now.

GET of a verb that asks something answers its form for the shared dialog (or as a page of its own); POST does it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_http_methods, require_POST

from core import actors, htmx, typed
from core.errors import Invalid, Refusal
from core.models import User
from exceptions import reasons, wakes
from exceptions.models import Case, WaitingOn
from exceptions.services import acting, approvals, cases, notes
from exceptions.views import detail, people, queue

works = permission_required("exceptions.work_case", raise_exception=True)


def visible(request: HttpRequest, case_id: int) -> Case:
    """The case, if this person may see it; a foreign one doesn't exist (404)."""
    case = Case.objects.for_user(request.user).select_related("owner", "site").filter(pk=case_id).first()
    if case is None:
        raise Refusal("no_such_case", "There is no such case.", status=404)
    return case


def version_of(request: HttpRequest) -> int | None:
    """The version the person saw. One that is no number is a mistake in the form (400)."""
    text = request.POST.get("v", "")
    return typed.seen(request) if text else None


def on_queue(request: HttpRequest) -> bool:
    """Whether the person acts from the list rather than from the case's own page."""
    return urlsplit(request.headers.get("HX-Current-URL", "")).path == reverse("exceptions:queue")


def perform(
    request: HttpRequest, case_id: int, verb: Callable[..., object], said: str = "", **options: Any
) -> HttpResponse:
    """Call the service, then show the case; on a refusal show why, and the case as it really is.

    What the person typed stays: a refused form isn't replaced, only its version is.
    """
    visible(request, case_id)
    try:
        outcome = verb(case_id, actor=actors.person(request.user), **options)
    except Refusal as refusal:
        if not htmx.asked(request):
            raise
        return _refused(request, case_id, refusal)
    words = outcome if isinstance(outcome, str) else said
    if words:
        htmx.toast(request, words)
    if not htmx.asked(request):
        return htmx.redirect(request, reverse("exceptions:detail", args=[case_id]))
    names, context = fresh(request, case_id)
    return htmx.part(request, names, context)


def fresh(request: HttpRequest, case_id: int) -> tuple[list[str], dict[str, Any]]:
    """The fragments that bring this person's screen up to date."""
    if on_queue(request):
        return ["exceptions/_fresh_row.html", "exceptions/_tally_fresh.html"], queue.rows_context(request, [case_id])
    return ["exceptions/_fresh_case.html"], detail.context_of(request, visible(request, case_id))


def _refused(request: HttpRequest, case_id: int, refusal: Refusal) -> HttpResponse:
    names, context = fresh(request, case_id)
    context["form_version"] = refusal.facts.get("version")
    # A dialog stands in front of the page's notice, so its forms show the refusal themselves.
    notice = "exceptions/_refused.html" if request.POST.get("dialog") else "components/_notice.html"
    return htmx.part(request, [notice, *names], {"refusal": refusal, **context}, status=refusal.status)


@require_POST
@works
def claim(request: HttpRequest, case_id: int) -> HttpResponse:
    """POST /exceptions/<id>/claim: yours, or who has it (409)."""
    return perform(request, case_id, cases.claim, version=version_of(request))


@require_POST
@works
def release(request: HttpRequest, case_id: int) -> HttpResponse:
    """POST /exceptions/<id>/release: back to everyone. Only its owner, or whoever may assign."""
    case = visible(request, case_id)
    if case.owner_id != request.user.pk and not _may(request, "exceptions.assign_case"):
        raise Refusal("not_yours", f"{case.number} isn't yours to put back.", status=403)
    return perform(request, case_id, cases.release, version=version_of(request))


@require_POST
@works
def resume(request: HttpRequest, case_id: int) -> HttpResponse:
    """POST /exceptions/<id>/resume: the clock runs again."""
    return perform(request, case_id, cases.resume, version=version_of(request))


@require_POST
@works
def note(request: HttpRequest, case_id: int) -> HttpResponse:
    """POST /exceptions/<id>/note: the note in the timeline and an empty form; 422 with the text kept."""
    case = visible(request, case_id)
    text = request.POST.get("text", "")
    try:
        left = notes.leave(case.pk, text=text, actor=actors.person(request.user))
    except Refusal as refusal:
        if not htmx.asked(request):
            raise
        context = {"case": case, "text": text, "problems": {"text": refusal.message}}
        return htmx.part(request, "exceptions/_note_form.html", context, status=refusal.status)
    tell_whom(request, left)
    if not htmx.asked(request):
        return htmx.redirect(request, reverse("exceptions:detail", args=[case.pk]))
    context = detail.context_of(request, case) | {"text": "", "problems": {}}
    return htmx.part(request, ["exceptions/_note_form.html", "exceptions/_timeline_fresh.html"], context)


def tell_whom(request: HttpRequest, left: notes.Noted) -> None:
    """Say whom a note told, and which of its names told nobody."""
    if left.told:
        htmx.toast(request, f"Told {', '.join(person.get_full_name() for person in left.told)}")
    for name, why in left.missed[:3]:
        htmx.toast(request, f"@{name} {why}", tone="warn")


def ask(request: HttpRequest, case: Case, template: str, **context: Any) -> HttpResponse:
    """A form: alone for the dialog, or as a page where there is no script."""
    return htmx.render(
        request,
        "exceptions/form.html",
        {"case": case, "form": template, **context},
        fragment=template,
    )


@require_http_methods(["GET", "POST"])
@works
def pause(request: HttpRequest, case_id: int) -> HttpResponse:
    """/exceptions/<id>/pause: wait for somebody; the acknowledge and resolve clocks stand still."""
    case = visible(request, case_id)
    if request.method == "GET":
        return ask(
            request, case, "exceptions/_pause.html", waiting=WaitingOn.choices, wakes=wakes.offered(case.subject_kind)
        )
    until = moment(request.POST.get("until", ""))
    options: dict[str, Any] = {
        "on": request.POST.get("on", ""),
        "until": until,
        "wake_on": request.POST.get("wake_on", "")[:40],
        "note": request.POST.get("note", "").strip(),
    }
    return perform(request, case_id, cases.wait, version=version_of(request), **options)


def moment(text: str) -> datetime | None:
    if not text.strip():
        return None
    try:
        found = parse_datetime(text.strip())
    except ValueError:
        found = None
    if found is None:
        raise Refusal("bad_time", "That is no date and time.", status=400)
    if found.tzinfo is None:
        found = timezone.make_aware(found)
    return found


@require_http_methods(["GET", "POST"])
@works
def resolve(request: HttpRequest, case_id: int) -> HttpResponse:
    """/exceptions/<id>/resolve: fixed, or the same as another case. Refused while it is still true."""
    case = visible(request, case_id)
    if request.method == "GET":
        context = {
            "holds": reasons.holds(case.reason, case.subject_uid),
            "others": Case.objects.for_user(request.user)
            .still_open()
            .filter(subject_kind=case.subject_kind, subject_uid=case.subject_uid)
            .exclude(pk=case.pk)
            .order_by("pk")[:20],
            "may_waive": _may(request, "exceptions.waive_case"),
        }
        return ask(request, case, "exceptions/_resolve.html", **context)
    other = request.POST.get("duplicate_of", "").upper().removeprefix("EX-")
    duplicate_of = typed.whole(other, 18)
    if duplicate_of is not None:
        visible(request, duplicate_of)
    outcome = "duplicate" if request.POST.get("outcome") == "duplicate" else "fixed"
    options = {"outcome": outcome, "duplicate_of": duplicate_of, "note": request.POST.get("note", "")}
    said = f"{case.number} resolved"
    return perform(request, case_id, cases.resolve, said, version=version_of(request), **options)


@require_http_methods(["GET", "POST"])
@permission_required("exceptions.waive_case", raise_exception=True)
def waive(request: HttpRequest, case_id: int) -> HttpResponse:
    """/exceptions/<id>/waive: sign that it may stay as it is."""
    case = visible(request, case_id)
    if request.method == "GET":
        return ask(request, case, "exceptions/_waive.html", holds=reasons.holds(case.reason, case.subject_uid))
    said = f"{case.number} waived, signed by you"
    return perform(
        request, case_id, cases.waive, said, version=version_of(request), reason=request.POST.get("reason", "")
    )


@require_http_methods(["GET", "POST"])
@permission_required("exceptions.assign_case", raise_exception=True)
def assign(request: HttpRequest, case_id: int) -> HttpResponse:
    """/exceptions/<id>/assign: give it to somebody who may see it."""
    case = visible(request, case_id)
    if request.method == "GET":
        return ask(request, case, "exceptions/_assign.html", people=people.who_may_work({case.site_id}))
    to = people.chosen(request)
    return perform(request, case_id, cases.assign, version=version_of(request), to=to)


@require_http_methods(["GET", "POST"])
@works
def reopen(request: HttpRequest, case_id: int) -> HttpResponse:
    """/exceptions/<id>/reopen: the same case again, with its history and fresh clocks."""
    case = visible(request, case_id)
    if request.method == "GET":
        return ask(request, case, "exceptions/_reopen.html")
    return perform(request, case_id, cases.reopen, version=version_of(request), note=request.POST.get("note", ""))


@require_http_methods(["GET", "POST"])
@works
def act(request: HttpRequest, case_id: int, code: str) -> HttpResponse:
    """/exceptions/<id>/do/<action>: what it would do (GET), or do it (POST) and see whether the case clears."""
    case = visible(request, case_id)
    reason = reasons.find(case.reason)
    if reason is None:
        raise Refusal("unknown_action", "This case offers no actions.", status=404)
    action = reason.action(code)
    if not _may(request, action.permission):
        raise Refusal("may_not", f"You may not do that: {action.title}.", status=403)
    if request.method == "GET":
        return ask(request, case, "exceptions/_act.html", **_what_it_would_do(request, case, action))
    try:
        params = action.said(request.POST.dict(), case.subject_uid)
    except Invalid as invalid:
        if not htmx.asked(request):
            raise
        return htmx.part(request, "exceptions/_refused.html", {"refusal": invalid}, status=422)

    def verb(case_id: int, **options: Any) -> str:
        return cases.act(case_id, code, params=params, **options)

    return perform(request, case_id, verb, version=version_of(request))


def _what_it_would_do(request: HttpRequest, case: Case, action: reasons.Action) -> dict[str, Any]:
    """The action's form, and its preview. Parameters that are still to be told make the preview wait for them."""
    context: dict[str, Any] = {"action": action, "asked": None, "plan": None, "preview": (), "values": {}}
    if action.run is None:
        return context
    values = {param.name: request.GET.get(param.name, "") for param in action.params}
    context["values"] = values
    context["choices"] = {param.name: param.choices(case.subject_uid) for param in action.params if param.choices}
    if any(param.required and not values[param.name] for param in action.params):
        context["wants"] = True
        return context
    plan = acting.preview(case, action.code, params=values, actor=actors.person(request.user))
    return context | {"plan": plan, "preview": plan.words, "asked": approvals.needed(plan)}


def _may(request: HttpRequest, permission: str) -> bool:
    user = request.user
    return isinstance(user, User) and user.has_perm(permission)
