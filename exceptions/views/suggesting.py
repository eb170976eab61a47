"""What history suggests: the panel of a case, what people make of it, and how sure it is by reason."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.db.models import Avg, Count, Q
from django.db.models.expressions import RawSQL
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from core import actors, htmx, jobs
from core.errors import Invalid, Problem, Refusal
from exceptions import reasons
from exceptions.models import ActionCount, ActionRun, Autonomy, AutonomyState, Case, Learnt, ReasonHistory, Suggestion
from exceptions.reasons import Reason
from exceptions.services import autonomy, calibration, learning, suggestions, summaries
from exceptions.suggesting.learning import available

LATEST = 500  # suggestions of a reason its line speaks of
_LATEST = """
SELECT latest.id FROM unnest(%s::text[]) AS code CROSS JOIN LATERAL (
    SELECT id FROM exceptions_suggestion WHERE reason = code ORDER BY id DESC LIMIT %s
) latest
"""
SEE, SWITCH = "exceptions.view_case", "exceptions.switch_autonomy"


@require_safe
@permission_required(SEE, raise_exception=True)
def panel(request: HttpRequest, case_id: int) -> HttpResponse:
    """GET /exceptions/<id>/suggestion: the case in sentences, the ranked actions, how likely it misses its time."""
    return htmx.part(request, "exceptions/_suggestion.html", _context(request, _visible(request, case_id)))


@require_POST
@permission_required("exceptions.work_case", raise_exception=True)
def not_right(request: HttpRequest, case_id: int) -> HttpResponse:
    """POST /exceptions/<id>/suggestion/not-right: with why; 422 without."""
    case = _visible(request, case_id)
    suggestions.not_right(case.pk, why=request.POST.get("why", ""), actor=actors.person(request.user))
    if not htmx.asked(request):
        return htmx.redirect(request, reverse("exceptions:detail", args=[case.pk]))
    return htmx.part(request, "exceptions/_suggestion.html", _context(request, case) | {"learnt": True})


def _visible(request: HttpRequest, case_id: int) -> Case:
    case = Case.objects.for_user(request.user).select_related("site").filter(pk=case_id).first()
    if case is None:
        raise Refusal("no_such_case", "There is no such case.", status=404)
    return case


def _context(request: HttpRequest, case: Case) -> dict[str, Any]:
    user: Any = request.user
    advice = suggestions.advise(case)
    return {
        "case": case,
        "advice": advice,
        "first": advice.proposed[0] if advice.proposed else None,
        "others": advice.proposed[1:],
        "summary": summaries.of(case),
        "allowed": {each.action.code: user.has_perm(each.action.permission) for each in advice.proposed},
        "may_work": user.has_perm("exceptions.work_case"),
        "learnt": False,
    }


@require_safe
@permission_required(SEE, raise_exception=True)
def by_reason(request: HttpRequest) -> HttpResponse:
    """GET /exceptions/suggestions/: acceptance, calibration and drift by reason, and what works by itself."""
    codes = [reason.code for reason in reasons.every()]
    latest = Suggestion.objects.filter(pk__in=RawSQL(_LATEST, [codes, LATEST]))  # noqa: S611  (text of ours)
    made = latest.for_user(request.user).values("reason").annotate(
        made=Count("pk"),
        accepted=Count("pk", filter=Q(status="ACCEPTED")),
        overridden=Count("pk", filter=Q(status="OVERRIDDEN")),
        said=Avg("probability", filter=Q(worked__isnull=False)),
        judged=Count("pk", filter=Q(worked__isnull=False)),
        worked=Count("pk", filter=Q(worked=True)),
    )  # fmt: skip
    figures = {row["reason"]: row for row in made}
    histories = ReasonHistory.objects.in_bulk()
    models = dict(Learnt.objects.filter(in_use=True).values_list("reason").annotate(Count("pk")).order_by())
    switches: dict[str, list[Autonomy]] = {}
    for switch in Autonomy.objects.exclude(state=AutonomyState.OFF).order_by("pk"):
        switches.setdefault(switch.reason, []).append(switch)
    lines: list[dict[str, Any]] = [
        {"reason": reason, "figures": figures.get(reason.code), "history": histories.get(reason.code),
         "switches": switches.get(reason.code, []), "models": models.get(reason.code, 0)}
        for reason in reasons.every() if reason.actions
    ]  # fmt: skip
    lines.sort(key=lambda line: -(line["figures"] or {"made": 0})["made"])
    context = {"lines": lines, "running": sum(len(each) for each in switches.values()),
               "may_switch": request.user.has_perm(SWITCH), "can_learn": available()}  # fmt: skip
    return htmx.render(request, "exceptions/suggestions.html", context)


@require_safe
@permission_required(SEE, raise_exception=True)
def of_reason(request: HttpRequest, code: str) -> HttpResponse:
    """GET /exceptions/suggestions/<reason>: each action's counts with intervals, calibration, drift, its switch."""
    return htmx.render(
        request, "exceptions/suggestions_of.html", _of_reason(request, _known(code)),
        fragment="exceptions/_suggestions_of.html",
    )  # fmt: skip


@require_POST
@permission_required(SWITCH, raise_exception=True)
def switch(request: HttpRequest, code: str, action: str) -> HttpResponse:
    """POST /exceptions/suggestions/<reason>/<action>: let it be carried out without a person, or stop that."""
    reason = _known(code)
    problems: dict[str, str] = {}
    try:
        autonomy.switch(
            reason.code, action, on=request.POST.get("on") == "1",
            threshold=_number(request, "threshold") / 100, minimum=int(_number(request, "minimum")),
            hourly=int(_number(request, "hourly")), version=int(_number(request, "v")),
            actor=actors.person(request.user),
        )  # fmt: skip
    except Invalid as invalid:
        problems = {problem.path: problem.message for problem in invalid.problems}
    if not htmx.asked(request) and not problems:
        return htmx.redirect(request, reverse("exceptions:suggestions_of", args=[code]))
    context = _of_reason(request, reason) | {"problems": problems, "of": action}
    return htmx.part(request, "exceptions/_suggestions_of.html", context, status=422 if problems else 200)


@require_POST
@permission_required(SWITCH, raise_exception=True)
def learn(request: HttpRequest) -> HttpResponse:
    """POST /exceptions/suggestions/learn: learn anew from past cases, as a job; 422 without the library for it."""
    from exceptions import tasks

    try:
        job = learning.start(actor=actors.person(request.user))
    except Refusal as refusal:
        return htmx.refuse(request, refusal)
    jobs.send(job.pk, tasks.learn)
    return htmx.redirect(request, reverse("core:job", args=[job.pk]))


@require_POST
@permission_required(SWITCH, raise_exception=True)
def stop_all(request: HttpRequest) -> HttpResponse:
    """POST /exceptions/suggestions/stop: nothing is carried out without a person any more."""
    count = autonomy.stop_all(actor=actors.person(request.user))
    htmx.toast(request, f"{count} switched off. Nothing is done without a person now.")
    return htmx.redirect(request, reverse("exceptions:suggestions"))


@require_safe
@permission_required(SEE, raise_exception=True)
def runs(request: HttpRequest, code: str) -> HttpResponse:
    """GET /exceptions/suggestions/<reason>/runs?action=&context=: the rows a figure was counted from, newest first."""
    reason = _known(code)
    rows = ActionRun.objects.filter(
        reason=reason.code, ok=True, undoes=None, case__in=Case.objects.for_user(request.user)
    )
    action, context = request.GET.get("action", "")[:60], request.GET.get("context", "")[:80]
    if action:
        rows = rows.filter(action=action)
    kind, _, value = context.partition(":")
    if kind == "site" and value.isdecimal() and len(value) < 10:
        rows = rows.filter(case__site=int(value))
    elif kind == "severity" and value.isdecimal() and len(value) < 3:
        rows = rows.filter(case__severity=int(value))
    elif kind == "channel":
        rows = rows.filter(case__data__channel=value)
    elif kind == "value" and value in {"0", "1", "2", "3"}:
        bounds = (0, *(most for most, _ in suggestions.VALUE_BANDS), 10**15)
        rows = rows.filter(case__value__gte=bounds[int(value)], case__value__lt=bounds[int(value) + 1])
    page = htmx.keyset_page(rows.select_related("case"), request, order=("-id",))
    context_ = {"reason": reason, "page": page, "action": action, "titles": {a.code: a.title for a in reason.actions}}
    return htmx.render(
        request, "exceptions/suggestion_runs.html", context_, fragment="exceptions/_suggestion_runs.html"
    )


def _known(code: str) -> Reason:
    reason = reasons.find(code)
    if reason is None:
        raise Refusal("no_such_reason", "There is no such reason.", status=404)
    return reason


def _number(request: HttpRequest, name: str) -> float:
    text = request.POST.get(name, "").strip().replace(",", ".")
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not -1e9 < value < 1e9:
        raise Invalid([Problem(name, "number", "must be a number")], status=422)
    return value


def _of_reason(request: HttpRequest, reason: Reason) -> dict[str, Any]:
    user: Any = request.user
    rows = ActionCount.objects.filter(reason=reason.code, context="")
    counted = {row.action: suggestions.count_of(row) for row in rows}
    switches = {row.action: row for row in Autonomy.objects.filter(reason=reason.code)}
    learnt = {row.action: row for row in Learnt.objects.filter(reason=reason.code)}
    actions = [
        {
            "action": action,
            "learnt": learnt.get(action.code),
            "count": counted.get(action.code),
            "switch": switches.get(action.code) or Autonomy(reason=reason.code, action=action.code),
            "calibration": calibration.of(reason.code, action.code),
            "drift": calibration.drift(reason.code, action.code),
            "why_not": calibration.why_not(reason.code, action.code),
        }
        for action in reason.actions
        if action.run is not None
    ]
    return {
        "reason": reason, "actions": actions, "learnt": learnt.get(""), "can_learn": available(),
        "history": ReasonHistory.objects.filter(pk=reason.code).first(),
        "may_switch": user.has_perm(SWITCH), "problems": {}, "of": "",
    }  # fmt: skip
