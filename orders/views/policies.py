"""Sourcing policies: their versions, how each is worded, and the way from draft to shadow to live."""

from __future__ import annotations

import difflib
import json
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import actors, htmx, typed
from core.errors import Invalid, Refusal
from inventory.models import Location, LocationKind
from orders.models import Method, PolicyStatus, PolicyVersion, SourcingPolicy
from orders.services import policies, replays
from orders.sourcing import document
from orders.sourcing.criteria import CRITERIA
from orders.views import policy_form, worded

SEE, CHANGE, LAUNCH = "orders.view_sourcingpolicy", "orders.change_sourcingpolicy", "orders.launch_sourcingpolicy"
FIRST_RULES = [
    {"name": "one_node", "criteria": [{"name": "domestic"}, {"name": "distance"}, {"name": "priority"}]},
    {"name": "fewest_nodes", "split": True, "criteria": [{"name": "domestic"}, {"name": "distance"}]},
]
PAGES = worded.Pages(
    app="orders",
    policies=SourcingPolicy,
    versions=PolicyVersion,
    create=lambda code, name, channel, actor: policies.create(
        code, name, channel=channel, rules=FIRST_RULES, actor=actor
    ),
    draft_of=policies.draft,
    moves={"shadow": policies.watch, "live": policies.go_live, "retire": policies.retire},
)
find = PAGES.find

# GET /ops/policies/: every policy with the version that is live, in shadow and in draft.
policy_list = require_safe(permission_required(SEE, raise_exception=True)(PAGES.listed))
# GET, POST /ops/policies/new: a policy with a first draft, or the form again (422).
new = require_http_methods(["GET", "HEAD", "POST"])(permission_required(CHANGE, raise_exception=True)(PAGES.new))
# GET /ops/policies/<code>/: its versions, newest first, and the replays of them.
policy = require_safe(permission_required(SEE, raise_exception=True)(PAGES.policy))
# POST /ops/policies/<code>/draft: a new draft from the version named, or the draft there is.
draft = require_POST(permission_required(CHANGE, raise_exception=True)(PAGES.draft))
# POST /ops/policies/<code>/<number>/(shadow|live|retire): the version's next stage.
launch = require_POST(permission_required(LAUNCH, raise_exception=True)(PAGES.launch))


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
            policies.save(
                found.pk, rules=rules, note=note, version=typed.version(request), actor=actors.person(request.user)
            )
        except Invalid as invalid:
            problems = policy_form.problems(invalid)
        else:
            htmx.toast(request, f"Draft {number} is saved")
            return htmx.redirect(request, PAGES.address(found))
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
        "channels": [code for code, _ in worded.channels()],
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
