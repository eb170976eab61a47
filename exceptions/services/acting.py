"""Running an action on a case: previewed, asked about where a second person is needed, stored either way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone

from core import events
from core.actors import Actor
from core.errors import Refusal
from exceptions import effects, reasons
from exceptions import events as facts
from exceptions.effects import Delta
from exceptions.models import ActionRun, ApprovalRequest, Case
from exceptions.reasons import Action, Evidence, Reason
from exceptions.services.closing import about, subject_of
from exceptions.services.opening import recheck_case

EVIDENCE_ROWS = 50


@dataclass(frozen=True, slots=True)
class Plan:
    """What an action would do to one case: label-value pairs, the delta, the money at stake."""

    case: Case
    reason: Reason
    action: Action
    params: dict[str, Any]
    words: tuple[tuple[str, str], ...] = ()
    delta: Delta = Delta()  # noqa: RUF009  (frozen)
    amount: tuple[Decimal, str] | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What became of an action: it ran, or it waits for a second person."""

    said: str
    run: ActionRun | None = None
    approval: ApprovalRequest | None = None


def find(case: Case, code: str) -> tuple[Reason, Action]:
    """Refusal 404 where the reason is no longer known or offers none of that code; 400 for what is only a page."""
    reason = reasons.find(case.reason)
    if reason is None:
        raise Refusal("unknown_action", "This case offers no actions.", status=404)
    action = reason.action(code)
    if action.run is None:
        raise Refusal("not_runnable", f"“{action.title}” is done on its own page.", status=400)
    return reason, action


def preview(case: Case, code: str, *, params: Mapping[str, Any] | None = None, actor: Actor) -> Plan:
    """What the action would do, by running it and taking it back where that is safe. Changes nothing."""
    reason, action = find(case, code)
    given = action.said(params or {}, case.subject_uid)
    return plan(case, reason, action, given, actor=actor)


def plan(case: Case, reason: Reason, action: Action, params: dict[str, Any], *, actor: Actor) -> Plan:
    uid = case.subject_uid
    delta = Delta()
    if action.rehearsed:
        delta = effects.rehearse(case.subject_kind, uid, lambda: reasons.run(action, uid, actor=actor, **params))
    words = tuple(action.preview(uid, **params)) if action.preview else ()
    amount = stake(action, uid, params) if action.amount else delta.amount
    return Plan(case, reason, action, params, words, delta, amount)


def stake(action: Action, uid: str, params: Mapping[str, Any]) -> tuple[Decimal, str] | None:
    """The action's own word on the money at stake, asked before it runs: afterwards there may be none left to see."""
    found = action.amount(uid, **params) if action.amount else None
    return (abs(found[0]), found[1]) if found and found[1] else None


def perform(
    case: Case,
    action: Action,
    *,
    reason: Reason,
    params: dict[str, Any],
    actor: Actor,
    approver_id: int | None = None,
    job_id: int | None = None,
) -> ActionRun:
    """Carry it out and store who, what, before and after. A refusal is stored too, then raised.

    Where the action writes to the database alone, it and its record are one transaction. Asks no permission and looks
    at no approval rule: its callers have.
    """
    about_it: dict[str, Any] = {
        "case": case, "reason": case.reason, "action": action.code, "title": action.title, "params": params,
        "playbook_id": _playbook(case.reason), "approver_id": approver_id, "job_id": job_id,
        "actor_kind": actor.kind, "actor_uid": actor.uid, "actor_label": actor.label[:200],
        "before": snapshot(reason, case.subject_uid),
    }  # fmt: skip
    worth = stake(action, case.subject_uid, params)
    told = {**params, "approver_id": approver_id} if action.countersigned else params

    def work() -> ActionRun:
        if not action.rehearsed:
            said = reasons.run(action, case.subject_uid, actor=actor, **told)
            return _store(case, reason, action, actor, about_it, said, (), worth)
        with transaction.atomic():
            watch = effects.Watch(case.subject_kind, case.subject_uid)
            said = reasons.run(action, case.subject_uid, actor=actor, **told)
            return _store(case, reason, action, actor, about_it, said, watch.changes(), worth)

    try:
        return effects.again_if_passing(work) if action.rehearsed else work()
    except Refusal as refusal:
        with transaction.atomic():
            ActionRun.objects.create(
                **about_it, ok=False, code=refusal.code[:60], said=refusal.message[:1000],
                after=about_it["before"], holds=about_it["before"]["holds"],
            )  # fmt: skip
            _tell(case, action, actor, ok=False, said=refusal.message)
        raise


def _store(
    case: Case,
    reason: Reason,
    action: Action,
    actor: Actor,
    about_it: dict[str, Any],
    said: str,
    changes: tuple[effects.Change, ...],
    worth: tuple[Decimal, str] | None,
) -> ActionRun:
    delta = Delta(changes)
    amount = worth if action.amount else delta.amount
    after = snapshot(reason, case.subject_uid)
    with transaction.atomic():
        run = ActionRun.objects.create(
            **about_it, ok=True, said=said[:1000], after=after, holds=after["holds"], delta=delta.as_json(),
            amount=amount[0] if amount else None, currency=amount[1] if amount else "",
            undo_until=timezone.now() + timedelta(minutes=action.undo_minutes) if action.undo else None,
        )  # fmt: skip
        _tell(case, action, actor, ok=True, said=said, run=run.pk)
    return run


def _tell(case: Case, action: Action, actor: Actor, *, ok: bool, said: str, **more: Any) -> None:
    data = {"action": action.code, "title": action.title, "ok": ok, "said": said, **more}
    events.record(facts.ACTED, subject_of(case), actor=actor, data=data, related=about(case))


def settle(run: ActionRun, *, actor: Actor) -> None:
    """See whether the case is still true after a run; it names the run as what cleared it."""
    recheck_case(run.case_id, cause=f"{run.title}.", actor=actor)


def snapshot(reason: Reason, uid: str) -> dict[str, Any]:
    """The reason's truth and evidence as text: what a person saw before, and would see after."""
    shown = reason.evidence(uid) if reason.evidence else ()
    tables = [shown] if isinstance(shown, Evidence) else list(shown)
    return {
        "holds": reason.predicate(uid) if reason.predicate else None,
        "evidence": [
            {
                "heading": table.heading,
                "columns": [column if isinstance(column, str) else column.title for column in table.columns],
                "rows": [_row(row) for row in table.rows[:EVIDENCE_ROWS]],
            }
            for table in tables
        ],
    }


def _row(row: Any) -> list[str]:
    cells = row.cells if isinstance(row, reasons.Row) else row
    return [cell if isinstance(cell, str) else cell.text for cell in cells]


def _playbook(reason: str) -> int | None:
    from exceptions.services import rulebooks

    live = rulebooks.live(reason)
    return live.pk if live else None
