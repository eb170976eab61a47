"""/api/v1/cases/<number>/actions/<code>: what can be done about a case: looked at, done, agreed to, taken back."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpResponse

from core.api import ApiView, etag, idempotent, keyset, page_reply, reply
from core.api.problems import answer as told
from core.errors import Invalid, Problem, Refusal
from exceptions import reasons
from exceptions.api.v1 import bodies, described, finding, shapes
from exceptions.models import ActionRun, ApprovalRequest, Case
from exceptions.reasons import Action
from exceptions.services import acting, approvals, cases, undoing
from exceptions.services.acting import Done

WORK: dict[str, str] = {"POST": "cases:work"}
READ: dict[str, str] = {"GET": "cases:read"}


class Act(ApiView):
    """Actions ask for cases:work and for what each says itself."""

    scope_required: ClassVar[dict[str, str]] = WORK

    @described.ACT
    @idempotent()
    def post(self, request: Any, number: str, code: str) -> HttpResponse:
        """Do it (200), ask a second person (202), or with `dry_run` only say what it would do."""
        body = bodies.read(request, bodies.Doing)
        found = finding.case(request, number)
        action = _action(request, found, code)
        params = _params(action, found, body.params)
        if body.dry_run:
            return reply(_preview(request, found, action, params))
        done: list[Done] = []

        def run(case_id: int, **options: Any) -> None:
            done.append(cases.acting_on(case_id, action.code, params=params, **options))

        try:
            finding.change(request, found, body, run)
        except Refusal as refusal:
            if refusal.status in {400, 403, 429, 503}:
                raise
            return told(refusal)  # returned, not raised: that it was tried stays in the timeline
        return _answer(found.pk, done[0])


def _answer(case_id: int, done: Done) -> HttpResponse:
    fresh = Case.objects.select_related("owner", "site").get(pk=case_id)
    shown = {"said": done.said, "case": shapes.case(fresh), "run": None, "approval": None}
    if done.run is not None:
        shown["run"] = shapes.run(ActionRun.objects.select_related("approver").get(pk=done.run.pk))
    if done.approval is not None:
        shown["approval"] = shapes.approval(done.approval)
    return reply(shown, status=202 if done.approval else 200, headers={"ETag": etag(fresh.version)})


class PreviewAct(ApiView):
    scope_required: ClassVar[dict[str, str]] = READ

    @described.PREVIEW
    def get(self, request: Any, number: str, code: str) -> HttpResponse:
        """What an action would do; nothing is changed. Its parameters come in the query, each under its name."""
        found = finding.case(request, number)
        action = _offered(found, code)
        given = {name: request.GET[name] for name in request.GET}
        return reply(_preview(request, found, action, _params(action, found, given)))


def _preview(request: Any, found: Case, action: Action, params: dict[str, Any]) -> dict[str, Any]:
    shown = {
        "code": action.code, "title": action.title, "confirm": action.confirm, "version": found.version, "would": [],
        "said": "", "delta": [], "amount": None, "currency": None, "approval": None, "refusal": None,
    }  # fmt: skip
    if action.run is None:
        return shown
    plan = acting.preview(found, action.code, params=params, actor=request.auth.actor)
    rule = approvals.needed(plan)
    refusal = plan.delta.refusal
    return shown | {
        "would": [{"name": name, "value": value} for name, value in plan.words],
        "said": plan.delta.said,
        "delta": shapes.delta(plan.delta.as_json()),
        "amount": plan.amount[0] if plan.amount else None,
        "currency": plan.amount[1] if plan.amount else None,
        "approval": {"why": rule.words, "permission": rule.permission} if rule else None,
        "refusal": {"code": refusal.code, "detail": refusal.message} if refusal else None,
    }


def _params(action: Action, found: Case, given: dict[str, Any]) -> dict[str, Any]:
    """As the action takes them. Invalid (422) by `params.<name>` for each that is wrong, missing or unknown."""
    known = {param.name for param in action.params}
    problems = [
        Problem(f"params.{name[:40]}", "unknown", f"{action.title} doesn't ask for it.")
        for name in sorted(given.keys() - known)[:20]
    ]
    said: dict[str, Any] = {}
    try:
        said = action.said({name: str(value) for name, value in given.items() if name in known}, found.subject_uid)
    except Invalid as invalid:
        problems += [Problem(f"params.{each.path}", each.rule, each.message) for each in invalid.problems]
    if problems:
        raise Invalid(problems, status=422)
    return said


class Approvals(ApiView):
    scope_required: ClassVar[dict[str, str]] = READ

    @described.APPROVALS
    def get(self, request: Any, number: str) -> HttpResponse:
        """What of this case waits, or waited, for a second person, newest first."""
        rows = ApprovalRequest.objects.filter(case=finding.case(request, number)).select_related(
            "asked_by", "decided_by", "run"
        )
        return page_reply(request, keyset(rows, request), shapes.approval)


class Runs(ApiView):
    scope_required: ClassVar[dict[str, str]] = READ

    @described.RUNS
    def get(self, request: Any, number: str) -> HttpResponse:
        """What was done about this case, newest first."""
        rows = ActionRun.objects.filter(case=finding.case(request, number)).select_related("approver")
        return page_reply(request, keyset(rows, request), shapes.run)


class Undo(ApiView):
    scope_required: ClassVar[dict[str, str]] = WORK

    @described.UNDO
    @idempotent()
    def post(self, request: Any, number: str, run: int) -> HttpResponse:
        """Take a run back by compensating it: a run of its own. 410 when too late, 409 where it can't be."""
        bodies.read(request, bodies.Nothing)
        found = finding.case(request, number)
        known = ActionRun.objects.filter(case=found, pk=run).first() if run < finding.BIGGEST else None
        if known is None:
            raise Refusal("no_such_run", "There is no such run.", status=404)
        reason = reasons.find(known.reason)
        action = next((each for each in reason.actions if each.code == known.action), None) if reason else None
        if action is not None:
            _may(request, action)
        made = undoing.undo(known.pk, actor=request.auth.actor)
        return _answer(found.pk, Done(made.said, run=made))


def _offered(found: Case, code: str) -> Action:
    reason = reasons.find(found.reason)
    if reason is None:
        raise Refusal("unknown_action", "This case offers no actions.", status=404)
    action = reason.action(code)
    if action.offered is not None and not action.offered(found.subject_uid):
        raise Refusal("not_offered", f"{action.title} is not offered for this case now.", status=409)
    return action


def _action(request: Any, found: Case, code: str) -> Action:
    action = _offered(found, code)
    _may(request, action)
    return action


def _may(request: Any, action: Action) -> None:
    if not request.auth.may(scope := shapes.scope_of(action)):
        raise Refusal("scope_missing", f"{action.title} asks for the scope {scope}.", status=403, scope=scope)
