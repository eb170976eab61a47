"""Sourcing policies: their versions, how each is worded, and the way from draft to shadow to live."""

from __future__ import annotations

import difflib
import json
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
from inventory.models import Location, LocationKind
from orders.models import Channel, Method, PolicyStatus, PolicyVersion, SourcingPolicy
from orders.services import policies, replays
from orders.sourcing import document
from orders.sourcing.criteria import CRITERIA
from orders.views import policy_form

SEE, CHANGE, LAUNCH = "orders.view_sourcingpolicy", "orders.change_sourcingpolicy", "orders.launch_sourcingpolicy"
CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
FIRST_RULES = [
    {"name": "one_node", "criteria": [{"name": "domestic"}, {"name": "distance"}, {"name": "priority"}]},
    {"name": "fewest_nodes", "split": True, "criteria": [{"name": "domestic"}, {"name": "distance"}]},
]
MOVES = {"shadow": policies.watch, "live": policies.go_live, "retire": policies.retire}
DONE = {"shadow": "runs in shadow now", "live": "is live now", "retire": "is retired"}


@require_safe
@permission_required(SEE, raise_exception=True)
def policy_list(request: HttpRequest) -> HttpResponse:
    """GET /ops/policies/: every policy with the version that is live, in shadow and in draft."""
    current = PolicyVersion.objects.exclude(status=PolicyStatus.RETIRED).order_by("number")
    rows = SourcingPolicy.objects.for_user(request.user).select_related("channel")
    page = htmx.keyset_page(rows.prefetch_related(Prefetch("versions", current, "current")), request, order=("code",))
    context = {"page": page, "total": htmx.capped_count(rows)}
    return htmx.render(request, "orders/policies.html", context, fragment="orders/_policies.html")


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(CHANGE, raise_exception=True)
def new(request: HttpRequest) -> HttpResponse:
    """GET, POST /ops/policies/new: a policy with a first draft, or the form again (422)."""
    values = {name: request.POST.get(name, "").strip() for name in ("code", "name", "channel")}
    problems: dict[str, str] = {}
    if request.method == "POST":
        try:
            version = _create(request, values)
        except Invalid as invalid:
            problems = {problem.path: problem.message for problem in invalid.problems}
        except Refusal as refusal:
            problems = {"code": refusal.message}
        else:
            htmx.toast(request, f"{version.policy.name} has its first draft")
            return htmx.redirect(request, _address(version))
    context = {"values": values, "problems": problems, "channels": _channels()}
    status = 422 if problems else 200
    return htmx.render(request, "orders/policy_new.html", context, fragment="orders/_policy_new.html", status=status)


def _create(request: HttpRequest, values: dict[str, str]) -> PolicyVersion:
    found = []
    if not CODE.fullmatch(values["code"]):
        found.append(Problem("code", "shape", "Small letters, digits and hyphens, at most 40."))
    if not 0 < len(values["name"]) <= 120 or "\0" in values["name"]:
        found.append(Problem("name", "required", "Give it a name."))
    channel = Channel.objects.filter(code=values["channel"]).first() if values["channel"] else None
    if values["channel"] and channel is None:
        found.append(Problem("channel", "unknown", "There is no such channel."))
    if found:
        raise Invalid(found, status=422)
    return policies.create(
        values["code"], values["name"], channel=channel, rules=FIRST_RULES, actor=actors.person(request.user)
    )


@require_safe
@permission_required(SEE, raise_exception=True)
def policy(request: HttpRequest, code: str) -> HttpResponse:
    """GET /ops/policies/<code>/: its versions, newest first, and the replays of them."""
    found = get_object_or_404(SourcingPolicy.objects.for_user(request.user).select_related("channel"), code=code)
    rows = found.versions.all()
    context = {
        "policy": found,
        "page": htmx.keyset_page(rows, request, order=("-number",)),
        "total": htmx.capped_count(rows),
    }
    return htmx.render(request, "orders/policy.html", context, fragment="orders/_policy_versions.html")


@require_POST
@permission_required(CHANGE, raise_exception=True)
def draft(request: HttpRequest, code: str) -> HttpResponse:
    """POST /ops/policies/<code>/draft: a new draft from the version named, or the draft there is."""
    found = get_object_or_404(SourcingPolicy.objects.for_user(request.user), code=code)
    number = request.POST.get("from", "")
    version = policies.draft(
        found.pk,
        from_number=int(number) if number.isascii() and number.isdigit() and len(number) < 9 else None,
        actor=actors.person(request.user),
    )
    return htmx.redirect(request, _address(version))


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(SEE, raise_exception=True)
def version(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """GET, POST /ops/policies/<code>/<number>: its wording; a draft is a form (422 what is wrong, 409 stale)."""
    found = find(request, code, number)
    rules, note, problems = found.rules, found.note, {}
    if request.method == "POST":
        if not request.user.has_perm(CHANGE):
            raise Refusal("forbidden", "You may look at policies, not reword them.", status=403)
        rules, note = policy_form.read(request.POST), request.POST.get("note", "").replace("\0", "").strip()
        try:
            policies.save(found.pk, rules=rules, note=note, version=_seen(request), actor=actors.person(request.user))
        except Invalid as invalid:
            problems = policy_form.problems(invalid)
        else:
            htmx.toast(request, f"Draft {number} is saved")
            return htmx.redirect(request, _address(found))
    context = _worded(request, found, rules, note, problems)
    fragment = "orders/_policy_form.html"
    return htmx.render(
        request, "orders/policy_version.html", context, fragment=fragment, status=422 if problems else 200
    )


@require_POST
@permission_required(CHANGE, raise_exception=True)
def rows(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """POST /ops/policies/<code>/<number>/rows: the form as typed, with a row added, removed or moved. Saves nothing."""
    found = find(request, code, number)
    rules = policy_form.changed(policy_form.read(request.POST), request.POST.get("do", ""))
    context = _worded(request, found, rules, request.POST.get("note", ""), {})
    return htmx.part(request, "orders/_policy_form.html", context)


@require_POST
@permission_required(SEE, raise_exception=True)
def preview(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """POST /ops/policies/<code>/<number>/preview: the latest orders by the form's rules. Changes nothing."""
    found = find(request, code, number)
    context: dict[str, Any] = {"problem": ""}
    try:
        rules = policy_form.read(request.POST) if found.status == PolicyStatus.DRAFT else found.rules
        ladder = document.ladder(code, number, rules, version_id=found.pk)
        context["sums"], context["outcomes"] = replays.recent(ladder, channel_id=found.scope_id)
    except Invalid as invalid:
        context["problem"] = "; ".join(policy_form.problems(invalid).values())
    return htmx.part(request, "orders/_policy_preview.html", context)


@require_POST
@permission_required(LAUNCH, raise_exception=True)
def launch(request: HttpRequest, code: str, number: int, verb: str) -> HttpResponse:
    """POST /ops/policies/<code>/<number>/(shadow|live|retire): the version's next stage."""
    found = find(request, code, number)
    if verb not in MOVES:
        raise Refusal("unknown_step", "There is no such step.", status=404)
    MOVES[verb](found.pk, version=_seen(request), actor=actors.person(request.user))
    htmx.toast(request, f"{found} {DONE[verb]}")
    return htmx.redirect(request, _address(found))


def find(request: HttpRequest, code: str, number: int) -> PolicyVersion:
    rows = PolicyVersion.objects.for_user(request.user).select_related("policy__channel")
    return get_object_or_404(rows, policy__code=code, number=number)


def _address(found: PolicyVersion) -> str:
    return reverse("orders:policy_version", args=[found.policy.code, found.number])


def _seen(request: HttpRequest) -> int | None:
    sent = request.POST.get("v", "")
    return int(sent) if sent.isascii() and sent.isdigit() and len(sent) < 10 else None


def _channels() -> list[tuple[str, str]]:
    return list(Channel.objects.order_by("name").values_list("code", "name"))


def _worded(
    request: HttpRequest, found: PolicyVersion, rules: list[dict[str, Any]], note: str, problems: dict[str, str]
) -> dict[str, Any]:
    before = found.policy.versions.filter(number__lt=found.number).order_by("-number").first()
    return {
        "policy": found.policy,
        "version": found,
        "draft": found.status == PolicyStatus.DRAFT,
        "rows": policy_form.rows(rules),
        "note": note,
        "problems": problems,
        "criteria": [(kind.name, kind.title) for kind in CRITERIA.values()],
        "kinds": LocationKind.choices,
        "methods": Method.choices,
        "then": policy_form.THEN,
        "channels": [code for code, _ in _channels()],
        "codes": list(Location.objects.for_user(request.user).order_by("code").values_list("code", flat=True)[:500]),
        "before": before,
        "diff": _diff(before.rules, found.rules) if before else [],
        "sent": request.POST.get("v", ""),
    }


def _diff(before: Any, after: Any) -> list[tuple[str, str]]:
    """Lines that went ("-"), came ("+") or stand around them ("")."""
    old, new = (json.dumps(rules, indent=1, ensure_ascii=False).splitlines() for rules in (before, after))
    lines = difflib.unified_diff(old, new, lineterm="", n=2)
    return [(line[0].strip(), line[1:]) for line in lines if not line.startswith(("---", "+++", "@@"))]
