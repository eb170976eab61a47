"""Return policies: their versions, how each is worded, what it would have said, and the way from draft to live."""

from __future__ import annotations

import re
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import actors, htmx
from core.errors import Invalid, Problem, Refusal
from orders.models import Channel
from returns import rules
from returns.models import ReturnPolicy, ReturnPolicyStatus, ReturnPolicyVersion
from returns.services import policies, trying
from returns.views import asked, policy_form

SEE, CHANGE, LAUNCH = "returns.view_returnpolicy", "returns.change_returnpolicy", "returns.launch_returnpolicy"
CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
MOVES = {"live": policies.go_live, "retire": policies.retire}
DONE = {"live": "is live now", "retire": "is retired"}


@require_safe
@permission_required(SEE, raise_exception=True)
def listed(request: HttpRequest) -> HttpResponse:
    """GET /ops/returns/: every policy with the version that is live and in draft."""
    current = ReturnPolicyVersion.objects.exclude(status=ReturnPolicyStatus.RETIRED).order_by("number")
    rows = ReturnPolicy.objects.for_user(request.user).select_related("channel")
    page = htmx.keyset_page(rows.prefetch_related(Prefetch("versions", current, "current")), request, order=("code",))
    context = {"page": page, "total": htmx.capped_count(rows)}
    return htmx.render(request, "returns/policies.html", context, fragment="returns/_policies.html")


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(CHANGE, raise_exception=True)
def new(request: HttpRequest) -> HttpResponse:
    """GET, POST /ops/returns/new: a policy with a first draft worded as the built-in rules, or the form again (422)."""
    values = {name: request.POST.get(name, "").strip() for name in ("code", "name", "channel")}
    problems: dict[str, str] = {}
    if request.method == "POST":
        try:
            made = _create(request, values)
        except Invalid as invalid:
            problems = {problem.path: problem.message for problem in invalid.problems}
        except Refusal as refusal:
            problems = {"code": refusal.message}
        else:
            htmx.toast(request, f"{made.policy.name} has its first draft")
            return htmx.redirect(request, _address(made))
    context = {"values": values, "problems": problems, "channels": list(Channel.objects.values_list("code", "name"))}
    status = 422 if problems else 200
    return htmx.render(request, "returns/policy_new.html", context, fragment="returns/_policy_new.html", status=status)


def _create(request: HttpRequest, values: dict[str, str]) -> ReturnPolicyVersion:
    found = []
    if not CODE.fullmatch(values["code"]) or values["code"] == "new":
        found.append(Problem("code", "shape", "Small letters, digits and hyphens, at most 40."))
    if not 0 < len(values["name"]) <= 120 or "\0" in values["name"]:
        found.append(Problem("name", "required", "Give it a name."))
    channel = Channel.objects.filter(code=values["channel"]).first() if values["channel"] else None
    if values["channel"] and channel is None:
        found.append(Problem("channel", "unknown", "There is no such channel."))
    if found:
        raise Invalid(found, status=422)
    return policies.create(
        values["code"], values["name"], channel=channel, document=rules.STANDARD, actor=actors.person(request.user)
    )


@require_safe
@permission_required(SEE, raise_exception=True)
def policy(request: HttpRequest, code: str) -> HttpResponse:
    """GET /ops/returns/<code>/: its versions, newest first."""
    found = get_object_or_404(ReturnPolicy.objects.for_user(request.user).select_related("channel"), code=code)
    rows = found.versions.all()
    page = htmx.keyset_page(rows, request, order=("-number",))
    context = {"policy": found, "page": page, "total": htmx.capped_count(rows)}
    return htmx.render(request, "returns/policy.html", context, fragment="returns/_policy_versions.html")


@require_POST
@permission_required(CHANGE, raise_exception=True)
def draft(request: HttpRequest, code: str) -> HttpResponse:
    """POST /ops/returns/<code>/draft: a new draft from the version named, or the draft there is."""
    found = get_object_or_404(ReturnPolicy.objects.for_user(request.user), code=code)
    number = request.POST.get("from", "")
    made = policies.draft(
        found.pk,
        from_number=int(number) if number.isascii() and number.isdigit() and len(number) < 9 else None,
        actor=actors.person(request.user),
    )
    return htmx.redirect(request, _address(made))


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(SEE, raise_exception=True)
def version(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """GET, POST /ops/returns/<code>/<number>: its wording; a draft is a form (422 what is wrong, 409 stale)."""
    found = _find(request, code, number)
    document, note, problems = found.rules, found.note, {}
    if request.method == "POST":
        if not request.user.has_perm(CHANGE):
            raise Refusal("forbidden", "You may look at policies, not reword them.", status=403)
        note = asked.text(request, "note", 300)
        try:
            document = policy_form.read(request.POST)
            policies.save(
                found.pk, document=document, note=note, version=asked.version(request),
                actor=actors.person(request.user),
            )  # fmt: skip
        except Invalid as invalid:
            problems = {problem.path: f"{problem.path}: {problem.message}" for problem in invalid.problems}
        else:
            htmx.toast(request, f"Draft {number} is saved")
            return htmx.redirect(request, _address(found))
    is_draft = found.status == ReturnPolicyStatus.DRAFT
    defaults = rules.Policy(windows=rules.standard().windows).model_dump(mode="json")
    context = {
        "policy": found.policy,
        "version": found,
        "draft": is_draft and request.user.has_perm(CHANGE),
        "sections": policy_form.shown(document, draft=is_draft and request.user.has_perm(CHANGE)),
        "plain": policy_form.plain(document, defaults),
        "note": note,
        "problems": problems,
        "words": list(policy_form.WORDS),
        "sent": request.POST.get("v", ""),
    }
    return htmx.render(
        request, "returns/policy_version.html", context, fragment="returns/_policy_form.html",
        status=422 if problems else 200,
    )  # fmt: skip


@require_POST
@permission_required(SEE, raise_exception=True)
def preview(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """POST /ops/returns/<code>/<number>/preview: the latest returns by the form's rules. Changes nothing."""
    found = _find(request, code, number)
    context: dict[str, Any] = {"problem": "", "outcomes": []}
    try:
        typed = found.status == ReturnPolicyStatus.DRAFT and any(key.startswith("windows-") for key in request.POST)
        document = policy_form.read(request.POST) if typed else found.rules
        context["outcomes"] = trying.recent(rules.read(document), channel_id=found.scope_id)
    except Invalid as invalid:
        context["problem"] = invalid.message
    return htmx.part(request, "returns/_policy_preview.html", context)


@require_POST
@permission_required(LAUNCH, raise_exception=True)
def launch(request: HttpRequest, code: str, number: int, verb: str) -> HttpResponse:
    """POST /ops/returns/<code>/<number>/(live|retire): the version's next stage."""
    found = _find(request, code, number)
    if verb not in MOVES:
        raise Refusal("unknown_step", "There is no such step.", status=404)
    MOVES[verb](found.pk, version=asked.version(request), actor=actors.person(request.user))
    htmx.toast(request, f"{found} {DONE[verb]}")
    return htmx.redirect(request, _address(found))


def _find(request: HttpRequest, code: str, number: int) -> ReturnPolicyVersion:
    rows = ReturnPolicyVersion.objects.for_user(request.user).select_related("policy__channel")
    found: ReturnPolicyVersion = get_object_or_404(rows, policy__code=code, number=number)
    return found


def _address(found: ReturnPolicyVersion) -> str:
    return reverse("returns:policy_version", args=[found.policy.code, found.number])
