"""What may be done about a case: its playbook's steps in their order, then whatever else its reason offers."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from core.models import User
from exceptions import playbook
from exceptions.models import ActionRun, ApprovalRequest, ApprovalStatus, Case, Status
from exceptions.reasons import Action, Reason
from exceptions.services import rulebooks

RUNS = 20


def panel(reason: Reason | None, case: Case, user: User) -> dict[str, Any]:
    """The action panel of a case: `actions` to show, the playbook they come from, the runs so far, what waits."""
    runs = list(ActionRun.objects.filter(case=case).select_related("undone_by").order_by("-pk")[:RUNS])
    waiting = list(
        ApprovalRequest.objects.filter(
            case=case, status=ApprovalStatus.WAITING, expires_at__gt=timezone.now()
        ).select_related("asked_by")
    )
    found = rulebooks.steps_of(case.reason)
    context: dict[str, Any] = {
        "runs": runs, "approvals": waiting, "playbook": found[0] if found else None, "actions": [], "done": 0,
        "moment": timezone.now(),
    }  # fmt: skip
    if reason is None or case.status == Status.RESOLVED:
        return context
    ran = {run.action: run for run in reversed(runs) if run.ok and not run.undoes_id and not hasattr(run, "undone_by")}
    if found is None:
        rows = [_row(action, case, user) for action in reason.actions]
    else:
        rows = _in_order(found[1], reason, case, user, ran)
    asked = {request.action for request in waiting}
    for row in rows:
        row["run"] = ran.get(row["action"].code)
        row["asked"] = row["action"].code in asked
    context["actions"] = [row for row in rows if row["usable"] or row.get("step")]
    context["done"] = sum(1 for row in rows if row.get("step") and row["run"])
    context["steps"] = sum(1 for row in rows if row.get("step"))
    return context


def _in_order(
    steps: playbook.Steps, reason: Reason, case: Case, user: User, ran: dict[str, ActionRun]
) -> list[dict[str, Any]]:
    known = {action.code: action for action in reason.actions}
    judged = [each for each in playbook.judge(steps, rulebooks.fields_of(case)) if each.step.action in known]
    rows = []
    for each in judged:
        row = _row(known[each.step.action], case, user)
        skipped = each.skipped or ("" if row["usable"] else "It can't be done here now")
        rows.append(row | {"step": each.step, "skipped": skipped})
    stands = [playbook.Judged(each.step, row["skipped"]) for each, row in zip(judged, rows, strict=True)]
    following = playbook.next_step(stands, lambda action: action in ran)
    if following is not None:
        rows[following]["next"] = True
    named = {each.step.action for each in judged}
    return rows + [_row(action, case, user) for action in reason.actions if action.code not in named]


def _row(action: Action, case: Case, user: User) -> dict[str, Any]:
    """What the person may not do is shown as such, never hidden."""
    offered = action.offered is None or action.offered(case.subject_uid)
    href = action.href(case.subject_uid) if action.href and offered else None
    return {
        "action": action,
        "href": href,
        "asks": bool(action.preview or action.confirm or action.rehearsed or action.params),
        "allowed": user.has_perm(action.permission),
        "usable": offered and (action.run is not None or bool(href)),
    }
