"""One reason that turned true of many subjects at once, in a few statements instead of a few for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from pydantic_core import to_json

from core import events, live
from core.actors import Actor
from core.events import EventDraft
from core.subjects import Subject
from exceptions import events as facts
from exceptions import reasons
from exceptions.models import Case, EscalationStep
from exceptions.reasons import Impact, Reason
from exceptions.services import causes, clocks, closing, escalation
from exceptions.services.clocks import Clocks
from exceptions.services.opening import MOST_UNITS, adopts, open_, searchable, touched


@dataclass(frozen=True, slots=True)
class Said:
    """One subject, and the words of its case. What is None here is what was said of all of them.

    `impact` is what it touches, where the opener knows; otherwise the reason is asked of each.
    """

    subject: Subject
    summary: str = ""
    site_id: int | None = None
    started_at: datetime | None = None
    promise_by: datetime | None = None
    impact: Impact | None = None


@transaction.atomic
def open_many(
    reason_code: str,
    said: Sequence[Said],
    *,
    site_id: int | None = None,
    started_at: datetime | None = None,
    repeats: bool = True,
    actor: Actor,
) -> None:
    """What `open_` does for each of them. Safe to repeat and to race.

    With `repeats` off, an open case is left as it is instead of being counted once more.
    """
    reason = reasons.get(reason_code)
    uids = [each.subject.uid for each in said]
    rows = Case.objects.filter(reason=reason.code, subject_kind=reason.subject_kind, subject_uid__in=uids, is_open=True)
    known = set(rows.values_list("subject_uid", flat=True)) if said else set()
    fresh = []
    for each in said:
        if each.subject.uid not in known:
            fresh.append(each)
        elif repeats:
            open_(
                reason.code, each.subject, summary=each.summary, site_id=site_id, promise_by=each.promise_by,
                started_at=started_at, actor=actor,
            )  # fmt: skip
    if fresh:
        _open(reason, sorted(fresh, key=lambda each: each.subject.uid), site_id, started_at or timezone.now(), actor)


@dataclass(frozen=True, slots=True)
class _Row:
    """A case about to be written."""

    uid: str
    label: str
    summary: str
    search: str
    site_id: int | None
    units: int
    value: str
    currency: str
    tier: int
    promise_by: datetime | None
    parent_id: int | None
    started_at: datetime
    escalation_id: int | None
    policy_id: int | None
    acknowledge_minutes: int
    resolve_minutes: int
    business_time: bool
    acknowledge_by: datetime
    resolve_by: datetime
    warn_at: datetime


def _open(reason: Reason, said: Sequence[Said], site_id: int | None, began: datetime, actor: Actor) -> None:
    sites = {each.site_id or site_id for each in said}
    rules = clocks.rules_at(reason, sites, severity=reason.severity)
    ladders = escalation.choose_at(reason.code, sites, queue=reason.queue, severity=reason.severity)
    roots = causes.probable_many(reason, [each.subject.uid for each in said])
    rows = []
    for each in said:
        place = each.site_id or site_id
        times = clocks.started(rules[place], each.started_at or began)
        root = roots.get(each.subject.uid)
        rows.append(_row(reason, each, place, times, each.started_at or began, ladders[place], root))
    ids = _insert(reason, rows)
    about = [(ids[row.uid], each.subject, row) for each, row in zip(said, rows, strict=True) if row.uid in ids]
    escalation.begin_many(
        [
            (_case(case_id, row), ladders[row.site_id], rules[row.site_id].calendar)
            for case_id, _, row in about
            if ladders[row.site_id]
        ]
    )
    drafts = [_opened(case_id, subject, reason, row, actor) for case_id, subject, row in about]
    under = [(case_id, roots[row.uid]) for case_id, _, row in about if row.uid in roots]
    made = Case.objects.in_bulk([case_id for case_id, _ in under])
    drafts += [causes.linked(made[case_id], root, actor, by_itself=True) for case_id, root in under]
    events.record_many(drafts)
    for case_id, _, _ in about:
        adopts(reason, case_id)
    if about:
        live.poke(closing.TOPIC)


def _row(
    reason: Reason,
    said: Said,
    site_id: int | None,
    times: Clocks,
    began: datetime,
    steps: Sequence[EscalationStep],
    root: Case | None,
) -> _Row:
    weight = said.impact or touched(reason, said.subject.uid)
    return _Row(
        uid=said.subject.uid, label=said.subject.label[:200], summary=said.summary[:500],
        search=searchable(said.subject, reason.title, said.summary), site_id=site_id,
        units=max(0, min(weight.units, MOST_UNITS)), value=str(weight.value or 0),
        currency=weight.currency if weight.value is not None else "", tier=max(0, min(weight.tier, 3)),
        promise_by=said.promise_by or weight.promise_by, parent_id=root.pk if root else None, started_at=began,
        escalation_id=steps[0].policy_id if steps else None, **{name: getattr(times, name) for name in times.__slots__},
    )  # fmt: skip


def _insert(reason: Reason, rows: Sequence[_Row]) -> dict[str, int]:
    """The ids of those that were new, by their subject."""
    team = reasons.team(reason.queue)
    values: dict[str, Any] = {
        "queue": team.code,
        "queue_name": team.title,
        "queue_icon": team.icon,
        "queue_position": team.position,
        "reason": reason.code,
        "title": reason.title[:200],
        "kind": reason.subject_kind,
        "severity": reason.severity,
        "rows": to_json([asdict(row) for row in rows]).decode(),
    }
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, values)
        return {uid: case_id for case_id, uid, is_new in cursor.fetchall() if is_new}


def _case(case_id: int, row: _Row) -> Case:
    """What a ladder has to know of a case just written."""
    names = ("site_id", "promise_by", "started_at", *Clocks.__slots__)
    return Case(pk=case_id, **{name: getattr(row, name) for name in names})


def _opened(case_id: int, subject: Subject, reason: Reason, row: _Row, actor: Actor) -> EventDraft:
    data = {
        "reason": reason.code,
        "title": reason.title,
        "queue": reason.queue,
        "severity": reason.severity,
        "site_id": row.site_id,
        "resolve_by": row.resolve_by.isoformat(),
        "resolve_minutes": row.resolve_minutes,
        "policy_id": row.policy_id,
        **({"value": row.value, "currency": row.currency} if row.currency else {}),
        "units": row.units,
        "tier": row.tier,
    }
    case = Subject("case", str(case_id), f"EX-{case_id}")
    return EventDraft(facts.OPENED, case, actor, data, ((subject, "about"),), row.started_at)


# As for one case (opening._INSERT). In key order, so that two openers never wait for each other crosswise.
_INSERT = """
WITH team AS (
    INSERT INTO exceptions_queue (code, name, icon, position)
    VALUES (%(queue)s, %(queue_name)s, %(queue_icon)s, %(queue_position)s)
    ON CONFLICT (code) DO NOTHING
)
INSERT INTO exceptions_case (
    reason, queue_id, severity, subject_kind, subject_uid, subject_label, title, summary, site_id, value, currency,
    units, tier, data, search, status, parent_id, previous_id, started_at, policy_id, escalation_id,
    acknowledge_minutes, resolve_minutes, business_time, acknowledge_by, resolve_by, warn_at, promise_by, occurrences,
    reopened
)
SELECT %(reason)s, %(queue)s, %(severity)s, %(kind)s, said.uid, said.label, %(title)s, said.summary, said.site_id,
    said.value, said.currency, said.units, said.tier, '{}'::jsonb, said.search, 'OPEN', said.parent_id, (
        SELECT max(id) FROM exceptions_case
        WHERE reason = %(reason)s AND subject_kind = %(kind)s AND subject_uid = said.uid AND NOT is_open
    ), said.started_at, said.policy_id, said.escalation_id, said.acknowledge_minutes, said.resolve_minutes,
    said.business_time, said.acknowledge_by, said.resolve_by, said.warn_at, said.promise_by, 1, 0
FROM json_to_recordset(%(rows)s::json) AS said(
    uid text, label text, summary text, search text, site_id bigint, units int, value numeric, currency text,
    tier smallint, promise_by timestamptz, parent_id bigint, started_at timestamptz, escalation_id bigint,
    policy_id bigint, acknowledge_minutes int, resolve_minutes int, business_time boolean, acknowledge_by timestamptz,
    resolve_by timestamptz, warn_at timestamptz
)
ORDER BY said.uid
ON CONFLICT (reason, subject_kind, subject_uid) WHERE is_open DO UPDATE SET
    occurrences = exceptions_case.occurrences + 1, last_seen_at = now()
RETURNING id, subject_uid, xmax = 0
"""
