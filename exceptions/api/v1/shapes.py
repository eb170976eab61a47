"""How a case, its evidence and its clocks are told over the API."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from core import subjects
from core.models import Event
from core.subjects import Subject
from exceptions import present, reasons
from exceptions.models import ActionRun, ApprovalRequest, Case, Severity, Status
from exceptions.reasons import Action, Cell, Column, Context, Evidence, Param, Reason, Row


def case(row: Case) -> dict[str, Any]:
    """What a list shows; a case needs `owner` and `site` loaded."""
    return {
        "number": row.number,
        "version": row.version,
        "reason": row.reason,
        "title": row.title,
        "summary": row.summary,
        "queue": row.queue_id,
        "severity": Severity(row.severity).name.lower(),
        "status": row.status,
        "waiting_on": row.waiting_on or None,
        "waiting_since": row.waiting_since,
        "wait_until": row.wait_until,
        "owner": {"name": row.owner.get_full_name(), "email": row.owner.email} if row.owner else None,
        "site": row.site.code if row.site else None,
        "subject": subject(Subject(row.subject_kind, row.subject_uid, row.subject_label)),
        "value": row.value if row.currency else None,
        "currency": row.currency or None,
        "occurrences": row.occurrences,
        "parent": f"EX-{row.parent_id}" if row.parent_id else None,
        "started_at": row.started_at,
        "opened_at": row.opened_at,
        "due_at": row.due_at,
        "acknowledge_by": row.acknowledge_by,
        "acknowledged_at": row.acknowledged_at,
        "resolve_by": row.resolve_by,
        "promise_by": row.promise_by,
        "resolved_at": row.resolved_at,
        "outcome": row.outcome or None,
        "outcome_note": row.outcome_note or None,
        "updated_at": row.updated_at,
    }


def subject(about: Subject) -> dict[str, Any]:
    return {"kind": about.kind, "uid": about.uid, "label": about.label, "url": subjects.url(about)}


def clocks(row: Case, calendar: str, now: datetime) -> list[dict[str, Any]]:
    """Every clock, the nearest unmet first: running, late, paused, met or missed."""
    return [
        {
            "clock": item["kind"],
            "state": item["state"] or ("late" if item["due"] <= now else "running"),
            "due_at": item["due"],
            "minutes": item["minutes"],
            "calendar": calendar if item["kind"] != "promise" else None,
            "seconds_left": int(item["left"].total_seconds()) if item["left"] is not None else None,
        }
        for item in present.clocks(row, calendar, now)
    ]


def evidence(reason: Reason | None, uid: str) -> list[dict[str, Any]]:
    """The tables that prove the case, as they stand now."""
    if reason is None or reason.evidence is None:
        return []
    found = reason.evidence(uid)
    return [_table(each) for each in ([found] if isinstance(found, Evidence) else found)]


def _table(table: Evidence) -> dict[str, Any]:
    columns = [each if isinstance(each, Column) else Column(each) for each in table.columns]
    return {
        "heading": table.heading,
        "columns": [{"title": each.title, "numeric": each.numeric} for each in columns],
        "rows": [_row(each) for each in table.rows],
        "empty": table.empty,
    }


def _row(row: Row | Sequence[Cell | str]) -> dict[str, Any]:
    cells = row.cells if isinstance(row, Row) else row
    return {"hot": isinstance(row, Row) and row.hot, "cells": [cell(each) for each in cells]}


def cell(given: Cell | str) -> dict[str, Any]:
    made = given if isinstance(given, Cell) else Cell(given)
    return {
        "text": made.text,
        "note": made.note,
        "subject": subject(made.subject) if made.subject else None,
        "url": made.url,
    }


def context(found: Context | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "title": found.title,
        "subject": subject(found.subject) if found.subject else None,
        "facts": [{"name": name, "value": value} for name, value in found.facts],
        "related": [cell(each) for each in found.related],
    }


def actions(row: Case, caller: Any) -> list[dict[str, Any]]:
    """What the reason offers here and now; `allowed` says whether this key holds the scope it asks for."""
    reason = reasons.find(row.reason)
    if reason is None or row.status == Status.RESOLVED:
        return []
    offered = [each for each in reason.actions if each.offered is None or each.offered(row.subject_uid)]
    return [
        {
            "code": each.code,
            "title": each.title,
            "detail": each.detail,
            "primary": each.primary,
            "runs": each.run is not None,
            "url": each.href(row.subject_uid) if each.href else None,
            "previews": each.rehearsed or each.preview is not None,
            "params": [_param(param, row.subject_uid) for param in each.params],
            "undo_minutes": each.undo_minutes if each.undo else None,
            "confirm": each.confirm,
            "scope": scope_of(each),
            "allowed": each.run is not None and caller.may(scope_of(each)),
        }
        for each in offered
    ]


def _param(param: Param, uid: str) -> dict[str, Any]:
    choices = [{"value": value, "title": title} for value, title in param.choices(uid)] if param.choices else None
    return {
        "name": param.name, "title": param.title, "kind": param.kind, "required": param.required, "hint": param.hint,
        "choices": choices,
    }  # fmt: skip


def delta(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What changes, row by row; ids of rows are ours alone."""
    return [{name: value for name, value in row.items() if name != "ref"} for row in rows]


def run(row: ActionRun) -> dict[str, Any]:
    return {
        "id": row.pk,
        "action": row.action,
        "title": row.title,
        "params": row.params,
        "by": {"kind": row.actor_kind, "label": row.actor_label},
        "approved_by": row.approver.get_full_name() if row.approver else None,
        "ok": row.ok,
        "code": row.code or None,
        "said": row.said,
        "delta": delta(row.delta),
        "amount": row.amount,
        "currency": row.currency or None,
        "still_true": row.holds,
        "undo_until": row.undo_until,
        "undoes": row.undoes_id,
        "at": row.created_at,
    }


def approval(row: ApprovalRequest) -> dict[str, Any]:
    return {
        "id": row.pk,
        "action": row.action,
        "title": row.title,
        "params": row.params,
        "status": row.status,
        "why": row.why,
        "asked_by": {"kind": row.asker.kind, "label": row.asker.label},
        "asked_at": row.asked_at,
        "expires_at": row.expires_at,
        "delta": delta(row.delta),
        "amount": row.amount,
        "currency": row.currency,
        "decided_by": row.decided_by.get_full_name() if row.decided_by else None,
        "decided_at": row.decided_at,
        "note": row.note or None,
        "run": row.run_id,
    }


def scope_of(action: Action) -> str:
    """The scope an action asks a key for: where people need a permission of its own, a scope of that very name."""
    return reasons.scope_for(action.permission)


def fact(event: Event) -> dict[str, Any]:
    """One entry of the timeline."""
    said = present.words(event)
    return {
        "id": event.uid,
        "type": event.type,
        "at": event.occurred_at,
        "recorded_at": event.recorded_at,
        "by": {"kind": event.actor_kind, "label": event.actor_label},
        "text": said.get("text", ""),
        "detail": said.get("detail", ""),
        "data": event.data,
    }


def reason(known: Reason, count: int) -> dict[str, Any]:
    return {
        "code": known.code,
        "title": known.title,
        "queue": known.queue,
        "severity": Severity(known.severity).name.lower(),
        "subject_kind": known.subject_kind,
        "description": known.description,
        "clears_when": known.clears_when,
        "proves_itself": known.predicate is not None,
        "acknowledge_minutes": known.acknowledge_minutes,
        "resolve_minutes": known.resolve_minutes,
        "business_time": known.business_time,
        "actions": [{"code": each.code, "title": each.title, "scope": scope_of(each)} for each in known.actions],
        "open": count,
    }
