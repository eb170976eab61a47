"""One reason that turned true of many subjects at once, in a few statements instead of a few for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.utils import timezone

from core import events, live
from core.actors import Actor
from core.events import EventDraft
from core.subjects import Subject
from exceptions import events as facts
from exceptions import reasons
from exceptions.models import Case
from exceptions.reasons import Reason
from exceptions.services import clocks, closing
from exceptions.services.clocks import Clocks
from exceptions.services.opening import open_, searchable


@dataclass(frozen=True, slots=True)
class Said:
    """One subject, and the words of its case."""

    subject: Subject
    summary: str = ""


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
    """What `open_` does for each of them, all of one site. Safe to repeat and to race.

    With `repeats` off, an open case is left as it is instead of being counted once more. Reasons that weigh each
    subject or look for its root cause are opened one by one.
    """
    reason = reasons.get(reason_code)
    uids = [each.subject.uid for each in said]
    rows = Case.objects.filter(reason=reason.code, subject_kind=reason.subject_kind, subject_uid__in=uids, is_open=True)
    known = set(rows.values_list("subject_uid", flat=True)) if said else set()
    alone = reason.root is not None or reason.impact is not None or reason.value is not None
    fresh = []
    for each in said:
        if each.subject.uid in known and not repeats:
            continue
        if each.subject.uid in known or alone:
            open_(reason.code, each.subject, summary=each.summary, site_id=site_id, started_at=started_at, actor=actor)
        else:
            fresh.append(each)
    if fresh:
        _insert(reason, sorted(fresh, key=lambda each: each.subject.uid), site_id, started_at or timezone.now(), actor)


def _insert(reason: Reason, said: Sequence[Said], site_id: int | None, began: datetime, actor: Actor) -> None:
    times = clocks.start(reason, site_id=site_id, severity=reason.severity, started_at=began)
    team = reasons.team(reason.queue)
    values = {
        "queue": team.code,
        "queue_name": team.title,
        "queue_icon": team.icon,
        "queue_position": team.position,
        "reason": reason.code,
        "title": reason.title[:200],
        "kind": reason.subject_kind,
        "severity": reason.severity,
        "site_id": site_id,
        "began": began,
        "uids": [each.subject.uid for each in said],
        "labels": [each.subject.label[:200] for each in said],
        "summaries": [each.summary[:500] for each in said],
        "searches": [searchable(each.subject, reason.title, each.summary) for each in said],
        **{name: getattr(times, name) for name in times.__slots__},
    }
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, values)
        opened = {uid: case_id for case_id, uid, is_new in cursor.fetchall() if is_new}
    about = [(opened[each.subject.uid], each.subject) for each in said if each.subject.uid in opened]
    events.record_many([_opened(case_id, subject, reason, site_id, times, began, actor) for case_id, subject in about])
    if about:
        live.poke(closing.TOPIC)


def _opened(
    case_id: int, subject: Subject, reason: Reason, site_id: int | None, times: Clocks, began: datetime, actor: Actor
) -> EventDraft:
    data = {
        "reason": reason.code,
        "title": reason.title,
        "queue": reason.queue,
        "severity": reason.severity,
        "site_id": site_id,
        "resolve_by": times.resolve_by.isoformat(),
        "resolve_minutes": times.resolve_minutes,
        "policy_id": times.policy_id,
    }
    case = Subject("case", str(case_id), f"EX-{case_id}")
    return EventDraft(facts.OPENED, case, actor, data, ((subject, "about"),), began)


# As for one case (opening._INSERT). In key order, so that two openers never wait for each other crosswise.
_INSERT = """
WITH team AS (
    INSERT INTO exceptions_queue (code, name, icon, position)
    VALUES (%(queue)s, %(queue_name)s, %(queue_icon)s, %(queue_position)s)
    ON CONFLICT (code) DO NOTHING
)
INSERT INTO exceptions_case (
    reason, queue_id, severity, subject_kind, subject_uid, subject_label, title, summary, site_id, value, currency,
    units, tier, data, search, status, previous_id, started_at, policy_id, acknowledge_minutes, resolve_minutes,
    business_time, acknowledge_by, resolve_by, warn_at, occurrences, reopened
)
SELECT %(reason)s, %(queue)s, %(severity)s, %(kind)s, said.uid, said.label, %(title)s, said.summary, %(site_id)s, 0, '',
    0, 0, '{}'::jsonb, said.search, 'OPEN', (
        SELECT max(id) FROM exceptions_case
        WHERE reason = %(reason)s AND subject_kind = %(kind)s AND subject_uid = said.uid AND NOT is_open
    ), %(began)s, %(policy_id)s, %(acknowledge_minutes)s, %(resolve_minutes)s, %(business_time)s,
    %(acknowledge_by)s, %(resolve_by)s, %(warn_at)s, 1, 0
FROM unnest(%(uids)s::text[], %(labels)s::text[], %(summaries)s::text[], %(searches)s::text[])
    AS said(uid, label, summary, search)
ORDER BY said.uid
ON CONFLICT (reason, subject_kind, subject_uid) WHERE is_open DO UPDATE SET
    occurrences = exceptions_case.occurrences + 1, last_seen_at = now()
RETURNING id, subject_uid, xmax = 0
"""
