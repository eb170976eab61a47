"""Rules by first match, in order: how long people have, and who hears when they had not. Each change is a version."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

from django.contrib.auth.decorators import permission_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import actors, htmx, jobs
from core.errors import Invalid, Problem, Refusal
from exceptions import forms
from exceptions.models import Case, EscalationPolicy, SlaPolicy
from exceptions.services import policies, reckoning

SEE_LEVELS, CHANGE_LEVELS = "exceptions.view_slapolicy", "exceptions.change_slapolicy"
SEE_LADDERS, CHANGE_LADDERS = "exceptions.view_escalationpolicy", "exceptions.change_escalationpolicy"
SHOWN = 20


@dataclass(frozen=True)
class Kind:
    """One of the two kinds of rules, as its screens differ."""

    model: Any
    form: Any
    title: str
    lead: str
    name: str
    change: str


LEVELS = Kind(
    SlaPolicy, forms.SlaForm, "Service levels", "How long people have to respond and to resolve. The first rule wins.",
    "service_level", CHANGE_LEVELS,
)  # fmt: skip
LADDERS = Kind(
    EscalationPolicy, forms.EscalationForm, "Escalation rules",
    "Who hears of a case nobody got to in time. The first rule that matches a case is its own.",
    "escalation_rule", CHANGE_LADDERS,
)  # fmt: skip


@require_safe
@permission_required(SEE_LEVELS, raise_exception=True)
def levels(request: HttpRequest) -> HttpResponse:
    """GET /ops/service-levels/: the rules in force, in the order they are tried."""
    return _list(request, LEVELS)


@require_safe
@permission_required(SEE_LADDERS, raise_exception=True)
def ladders(request: HttpRequest) -> HttpResponse:
    """GET /ops/escalations/: likewise, with their steps."""
    return _list(request, LADDERS)


def _list(request: HttpRequest, kind: Kind) -> HttpResponse:
    rows = kind.model.objects.filter(current=True).select_related("queue", "site")
    if kind is LADDERS:
        rows = rows.prefetch_related("steps__role", "steps__person")
    rules = [(rule, policies.steps_in_words(rule) if kind is LADDERS else "") for rule in rows]
    return htmx.render(request, "exceptions/rules.html", {"kind": kind, "rules": rules})


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(CHANGE_LEVELS, raise_exception=True)
def level(request: HttpRequest, code: str = "") -> HttpResponse:
    """GET, POST /ops/service-levels/<code> or new: its form, versions and differences; 422, 409 when refused."""
    return _edit(request, LEVELS, code)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(CHANGE_LADDERS, raise_exception=True)
def ladder(request: HttpRequest, code: str = "") -> HttpResponse:
    """GET, POST /ops/escalations/<code> or new: likewise."""
    return _edit(request, LADDERS, code)


def _edit(request: HttpRequest, kind: Kind, code: str) -> HttpResponse:
    versions = list(kind.model.objects.filter(code=code).order_by("-version")) if code else []
    if code and not versions:
        raise Http404
    rule = versions[0] if versions else None
    form = kind.form(request.POST or None, instance=kind.model.objects.get(pk=rule.pk) if rule else None)
    steps = _steps(request, kind, rule)
    problems: dict[str, str] = {}
    if request.method == "POST" and form.is_valid() and (steps is None or steps.is_valid()):
        if "look" in request.POST:
            return htmx.part(request, "exceptions/_rule_preview.html", _look(request, kind, form, rule))
        try:
            _save(request, kind, form, steps, rule)
        except Invalid as wrong:
            problems = {problem.path: problem.message for problem in wrong.problems}
        except Refusal as refusal:
            return htmx.refuse(request, refusal)
        else:
            htmx.toast(request, "Saved. Open cases keep the version they have until you reckon them afresh.")
            return htmx.redirect(request, reverse(f"exceptions:{kind.name}s"))
    problems |= _wrong(form, steps)
    pairs = [(new, policies.difference(old, new)) for new, old in pairwise([*versions, None]) if new]
    context = {"kind": kind, "rule": rule, "form": form, "steps": steps, "problems": problems, "versions": pairs}
    return htmx.render(request, "exceptions/rule.html", context, status=422 if problems else 200)


def _steps(request: HttpRequest, kind: Kind, rule: Any) -> Any:
    if kind is not LADDERS:
        return None
    known = [
        {
            "clock": step.clock, "minutes": abs(step.minutes), "side": "before" if step.minutes < 0 else "after",
            "target": step.target, "role": step.role_id, "person": step.person_id, "webhook": step.webhook,
            "letter": step.letter, "urgent": step.urgent,
        }
        for step in (rule.steps.all() if rule else ())
    ]  # fmt: skip
    made = forms.StepFormSet(request.POST or None, initial=known, prefix="s")
    made.extra = max(1, forms.STEPS - len(known)) if request.method == "POST" else min(2, forms.STEPS - len(known))
    return made


def _wrong(form: Any, steps: Any) -> dict[str, str]:
    """Every problem under the name of its field."""
    if not form.is_bound:
        return {}
    found = {name: str(messages[0]) for name, messages in form.errors.items()}
    for each in steps or ():
        found |= {each.add_prefix(name): str(messages[0]) for name, messages in each.errors.items()}
    return found


@transaction.atomic
def _save(request: HttpRequest, kind: Kind, form: Any, steps: Any, rule: Any) -> None:
    data, actor = dict(form.cleaned_data), actors.person(request.user)
    extra = {"steps": [row for each in steps if (row := each.given())]} if steps is not None else {}
    if steps is not None and not extra["steps"]:
        raise Invalid([Problem("s-0-clock", "required", "A rule has at least one step.")])
    if rule is None:
        policies.create(kind.model, actor=actor, **extra, **data)
        return
    if request.POST.get("v") != str(rule.version):
        raise Refusal("not_current", f"Somebody wrote version {rule.version} meanwhile. Look at it first.")
    policies.revise(rule.pk, model=kind.model, actor=actor, **extra, **data)


def _look(request: HttpRequest, kind: Kind, form: Any, rule: Any) -> dict[str, Any]:
    """Which open cases the rule would match as it stands in the form, and what reckoning them afresh would move."""
    draft = form.save(commit=False)
    draft.pk = None
    draft.code = draft.code or "new"
    mine = Case.objects.for_user(request.user).still_open()
    if kind is LADDERS:
        others = [r for r in EscalationPolicy.objects.filter(current=True) if r.code != draft.code]
        by = reckoning.Setting(sorted([*others, draft], key=lambda r: (r.position, r.pk or 0)), {})
        rows = list(mine.order_by("rank", "pk")[: reckoning.PREVIEWED])
        return {"matched": [case for case in rows if by.rule(case) is draft], "preview": None, "shown": SHOWN}
    by = reckoning.setting(rule=cast(SlaPolicy, draft))
    rows = list(mine.order_by("rank", "pk")[: reckoning.PREVIEWED])
    matched = [case for case in rows if by.rule(case) is draft]
    return {"matched": matched, "preview": reckoning.preview(by, user=request.user), "shown": SHOWN}


@require_safe
@permission_required(CHANGE_LEVELS, raise_exception=True)
def reckon(request: HttpRequest) -> HttpResponse:
    """GET /ops/service-levels/reckon: what reckoning the open cases afresh would move, before anything does."""
    calendar = request.GET.get("calendar", "")
    rows = reckoning.scope(calendar=calendar)
    context = {
        "preview": reckoning.preview(reckoning.setting(), user=request.user, cases=rows),
        "expected": rows.count(),
        "calendar": calendar,
        "shown": 50,
    }
    return htmx.render(request, "exceptions/reckon.html", context)


@require_POST
@permission_required(CHANGE_LEVELS, raise_exception=True)
def reckon_now(request: HttpRequest) -> HttpResponse:
    """POST /ops/service-levels/reckon/go: start the job; 409 when the number of open cases is another by now."""
    from exceptions import tasks

    expected = request.POST.get("expected", "")
    try:
        job = reckoning.start_job(
            actor=actors.person(request.user), because=request.POST.get("because", "").strip(),
            calendar=request.POST.get("calendar", ""), expected=int(expected) if expected.isdecimal() else None,
        )  # fmt: skip
    except Refusal as refusal:
        return htmx.refuse(request, refusal)
    jobs.send(job.pk, tasks.reckon)
    return htmx.redirect(request, reverse("core:job", args=[job.pk]))
