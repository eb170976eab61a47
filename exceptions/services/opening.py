"""Cases that open and clear by themselves."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from core import actors, events, live, wake
from core.actors import Actor
from core.subjects import Subject
from exceptions import events as facts
from exceptions import origins, reasons
from exceptions.models import Case, Outcome
from exceptions.reasons import Impact, Reason
from exceptions.services import causes, clearing, clocks, closing, escalation

MOST_UNITS = 2**31 - 1

# A repeat of an open case: count it, and let it say what is true now. Its clocks, owner and version stay.
_BUMP = """
UPDATE exceptions_case SET
    occurrences = occurrences + 1,
    last_seen_at = now(),
    title = coalesce(%(title)s, title),
    summary = CASE WHEN %(summary)s <> '' THEN %(summary)s ELSE summary END,
    search = CASE WHEN %(summary)s <> '' THEN %(search)s ELSE search END,
    value = coalesce(%(value)s, value),
    currency = CASE WHEN %(value)s IS NULL THEN currency ELSE %(currency)s END,
    promise_by = coalesce(%(promise_by)s, promise_by),
    units = coalesce(%(units)s, units),
    tier = coalesce(%(tier)s, tier),
    data = data || %(data)s::jsonb
WHERE reason = %(reason)s AND subject_kind = %(kind)s AND subject_uid = %(uid)s AND is_open
RETURNING id, escalation_id IS NOT NULL AND %(promise_by)s IS NOT NULL
"""

# The queue's row is made on first use; its foreign key is checked at commit. A racing opener becomes a repeat.
_INSERT = """
WITH team AS (
    INSERT INTO exceptions_queue (code, name, icon, position)
    VALUES (%(queue)s, %(queue_name)s, %(queue_icon)s, %(queue_position)s)
    ON CONFLICT (code) DO NOTHING
)
INSERT INTO exceptions_case (
    reason, queue_id, severity, subject_kind, subject_uid, subject_label,
    title, summary, site_id, value, currency, units, tier, data, search, status,
    parent_id, previous_id, started_at, policy_id, escalation_id,
    acknowledge_minutes, resolve_minutes, business_time,
    acknowledge_by, resolve_by, warn_at, promise_by, occurrences, reopened
) VALUES (
    %(reason)s, %(queue)s, %(severity)s, %(kind)s, %(uid)s, %(label)s,
    coalesce(%(title)s, %(reason_title)s), %(summary)s, %(site_id)s,
    coalesce(%(value)s, 0), %(currency)s, coalesce(%(units)s, 0), coalesce(%(tier)s, 0),
    %(data)s::jsonb, %(search)s, 'OPEN', %(parent_id)s,
    (SELECT max(id) FROM exceptions_case
     WHERE reason = %(reason)s AND subject_kind = %(kind)s AND subject_uid = %(uid)s AND NOT is_open),
    %(started_at)s, %(policy_id)s, %(escalation_id)s, %(acknowledge_minutes)s, %(resolve_minutes)s, %(business_time)s,
    %(acknowledge_by)s, %(resolve_by)s, %(warn_at)s, %(promise_by)s, 1, 0
)
ON CONFLICT (reason, subject_kind, subject_uid) WHERE is_open DO UPDATE SET
    occurrences = exceptions_case.occurrences + 1, last_seen_at = now()
RETURNING id, xmax = 0 AS opened
"""


@transaction.atomic
def open_(
    reason_code: str,
    subject: Subject,
    *,
    title: str | None = None,
    summary: str = "",
    site_id: int | None = None,
    value: Decimal | None = None,
    currency: str = "",
    promise_by: datetime | None = None,
    units: int | None = None,
    tier: int | None = None,
    data: dict[str, Any] | None = None,
    parent: int | None = None,
    severity: int | None = None,
    started_at: datetime | None = None,
    actor: Actor,
) -> int:
    """Say that `reason` is true of `subject`; returns the id of its one open case. Safe to repeat and to race.

    A repeat raises the open case's counter and refreshes its words; it never touches a closed one. A new case keeps
    the clocks of the first matching rule, counted from `started_at` (the fact's own time; default now), and stands
    under the root cause its reason names while that is open. `units` and `tier` (0 to 3) are what it touches.
    """
    reason = reasons.get(reason_code)
    words = {
        "reason": reason.code,
        "kind": subject.kind,
        "uid": subject.uid,
        "title": title[:200] if title else None,
        "summary": summary[:500],
        "search": searchable(subject, title or reason.title, summary),
        "value": value,
        "currency": currency if value is not None else "",
        "promise_by": promise_by,
        "units": max(0, min(units, MOST_UNITS)) if units is not None else None,
        "tier": max(0, min(tier, 3)) if tier is not None else None,
        "data": json.dumps(data or {}, default=str),
    }
    with connection.cursor() as cursor:
        cursor.execute(_BUMP, words)
        if row := cursor.fetchone():
            if row[1]:
                escalation.move_promise(row[0])
            return row[0]
    _weigh(reason, subject.uid, words)
    words["channel"] = (data or {}).get("channel")
    return _insert(reason, subject, words, site_id, severity or reason.severity, parent, started_at, actor)


def _weigh(reason: Reason, uid: str, words: dict[str, Any]) -> None:
    """Fill in what the opener didn't say of what the case touches."""
    found = touched(reason, uid)
    words["units"] = found.units if words["units"] is None else words["units"]
    words["tier"] = found.tier if words["tier"] is None else words["tier"]
    words["promise_by"] = words["promise_by"] or found.promise_by
    if words["value"] is None and found.value is not None:
        words["value"], words["currency"] = found.value, found.currency


def touched(reason: Reason, uid: str) -> Impact:
    """What a case of this reason about this subject touches, as far as its domain knows."""
    found = (reason.impact(uid) if reason.impact is not None else None) or Impact()
    if found.value is None and reason.value is not None and (worth := reason.value(uid)):
        found = replace(found, value=worth[0], currency=worth[1])
    return found


def _insert(
    reason: Reason,
    subject: Subject,
    words: dict[str, Any],
    site_id: int | None,
    severity: int,
    parent: int | None,
    started_at: datetime | None,
    actor: Actor,
) -> int:
    began = started_at or timezone.now()
    times = clocks.start(reason, site_id=site_id, severity=severity, started_at=began)
    steps = escalation.choose(reason.code, queue=reason.queue, site_id=site_id, severity=severity)
    team = reasons.team(reason.queue)
    root = None if parent else causes.probable(reason, subject.uid)
    values = words | {
        "queue": team.code,
        "queue_name": team.title,
        "queue_icon": team.icon,
        "queue_position": team.position,
        "severity": severity,
        "label": subject.label[:200],
        "reason_title": reason.title[:200],
        "site_id": site_id,
        "parent_id": root.pk if root else parent,
        "started_at": began,
        "escalation_id": steps[0].policy_id if steps else None,
        **{name: getattr(times, name) for name in times.__slots__},
    }
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, values)
        case_id, opened = cursor.fetchone()
    if opened:
        if steps:
            escalation.begin(Case.objects.get(pk=case_id), steps)
        events.record(
            facts.OPENED,
            Subject("case", str(case_id), f"EX-{case_id}"),
            actor=actor,
            data={
                "reason": reason.code,
                "title": words["title"] or reason.title,
                "queue": reason.queue,
                "severity": severity,
                "site_id": site_id,
                "resolve_by": times.resolve_by.isoformat(),
                "resolve_minutes": times.resolve_minutes,
                "policy_id": times.policy_id,
                **_touched(words),
            },
            related=((subject, "about"),),
            occurred_at=began,
        )
        adopts(reason, case_id)
        if root is not None:
            events.record_many([causes.linked(Case.objects.get(pk=case_id), root, actor, by_itself=True)])
        live.poke(closing.TOPIC)
    return case_id


def _touched(words: dict[str, Any]) -> dict[str, Any]:
    """What is known of it at its beginning, kept where nothing changes it: what is learnt from it rests on that."""
    value = {"value": str(words["value"]), "currency": words["currency"]} if words["value"] is not None else {}
    rest = {name: words[name] for name in ("units", "tier", "channel") if words[name] is not None}
    return value | rest


def adopts(reason: Reason, case_id: int) -> None:
    """What was open before and comes from this one is found after the commit; the task is only a wake-up."""
    if reason.code in origins.roots():
        from exceptions import tasks

        wake.task(tasks.adopt, case_id)


def searchable(subject: Subject, title: str, summary: str) -> str:
    return f"{subject.label} {title} {summary}".lower()[:1000]


def recheck(subject: Subject, *, cause: str = "", event: int | None = None, actor: Actor = actors.SYSTEM) -> list[int]:
    """Clear every open case on `subject` whose predicate is no longer true; returns their ids. Safe to repeat.

    Each case is locked before its predicate is asked, so a repeat that arrives meanwhile waits and opens a new one.
    `cause` names the fact that cleared it, `event` is its row; without them it is looked for (see clearing.by_what).
    """
    ids = (
        Case.objects.still_open()
        .filter(subject_kind=subject.kind, subject_uid=subject.uid)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    return [case_id for case_id in list(ids) if recheck_case(case_id, cause=cause, event=event, actor=actor)]


@transaction.atomic
def recheck_case(
    case_id: int,
    *,
    cause: str = "",
    event: int | None = None,
    root: Case | None = None,
    actor: Actor = actors.SYSTEM,
) -> bool:
    """Clear this one case if it is open and no longer true; says whether it was cleared. Locks the case.

    What cleared it is named in its outcome, and stands with its row in the fact: `cause` of who noticed, the `event`
    heard, the `root` it ends with, or what is found.
    """
    case = Case.objects.select_for_update(no_key=True).filter(pk=case_id, is_open=True).first()
    if case is None or reasons.holds(case.reason, case.subject_uid) is not False:
        return False
    by = clearing.by_what(case, cause=cause, event=event, root=root)
    closing.close(case, Outcome.CLEARED, note=cause or by.words, actor=actor, fact=facts.CLEARED, by=by)
    return True
