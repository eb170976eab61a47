"""Return policies: their versions, how each is worded, what it would have said, and the way from draft to live."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import actors, htmx, typed
from core.errors import Invalid, Refusal
from orders.views import worded
from returns import rules
from returns.models import ReturnPolicy, ReturnPolicyStatus, ReturnPolicyVersion
from returns.services import policies, trying
from returns.views import policy_form

SEE, CHANGE, LAUNCH = "returns.view_returnpolicy", "returns.change_returnpolicy", "returns.launch_returnpolicy"
PAGES = worded.Pages(
    app="returns",
    policies=ReturnPolicy,
    versions=ReturnPolicyVersion,
    create=lambda code, name, channel, actor: policies.create(
        code, name, channel=channel, document=rules.STANDARD, actor=actor
    ),
    draft_of=policies.draft,
    moves={"live": policies.go_live, "retire": policies.retire},
)

# GET /ops/returns/: every policy with the version that is live and in draft.
listed = require_safe(permission_required(SEE, raise_exception=True)(PAGES.listed))
# GET, POST /ops/returns/new: a policy with a first draft worded as the built-in rules, or the form again (422).
new = require_http_methods(["GET", "HEAD", "POST"])(permission_required(CHANGE, raise_exception=True)(PAGES.new))
# GET /ops/returns/<code>/: its versions, newest first.
policy = require_safe(permission_required(SEE, raise_exception=True)(PAGES.policy))
# POST /ops/returns/<code>/draft: a new draft from the version named, or the draft there is.
draft = require_POST(permission_required(CHANGE, raise_exception=True)(PAGES.draft))
# POST /ops/returns/<code>/<number>/(live|retire): the version's next stage.
launch = require_POST(permission_required(LAUNCH, raise_exception=True)(PAGES.launch))


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(SEE, raise_exception=True)
def version(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """GET, POST /ops/returns/<code>/<number>: its wording; a draft is a form (422 what is wrong, 409 stale)."""
    found = PAGES.find(request, code, number)
    document, note, problems = found.rules, found.note, {}
    if request.method == "POST":
        if not request.user.has_perm(CHANGE):
            raise Refusal("forbidden", "You may look at policies, not reword them.", status=403)
        note = typed.words(request, "note", 300)
        try:
            document = policy_form.read(request.POST)
            policies.save(
                found.pk, document=document, note=note, version=typed.version(request),
                actor=actors.person(request.user),
            )  # fmt: skip
        except Invalid as invalid:
            problems = {problem.path: f"{problem.path}: {problem.message}" for problem in invalid.problems}
        else:
            htmx.toast(request, f"Draft {number} is saved")
            return htmx.redirect(request, PAGES.address(found))
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
    found = PAGES.find(request, code, number)
    context: dict[str, Any] = {"problem": "", "outcomes": []}
    try:
        typed = found.status == ReturnPolicyStatus.DRAFT and any(key.startswith("windows-") for key in request.POST)
        document = policy_form.read(request.POST) if typed else found.rules
        context["outcomes"] = trying.recent(rules.read(document), channel_id=found.scope_id)
    except Invalid as invalid:
        context["problem"] = invalid.message
    return htmx.part(request, "returns/_policy_preview.html", context)
