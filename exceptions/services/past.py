"""Past cases as examples to learn from: only what stood in rows at the moment it is asked about.

A case's own row goes on changing until it ends, so nothing of it is taken but its clocks' start. What was known at its
beginning is read from the fact that it was opened, which nobody can change; tries before are counted by their time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from math import log1p
from typing import Any

from django.db import connection

from exceptions.services.history import MOST, SETTLES, YEAR
from exceptions.suggesting.learning import Example

CHECKPOINTS = (0.0, 0.3, 0.6, 0.8)  # shares of its time at which a case is asked whether it will miss it
BANDS = (50, 250, 1000)

_OPENED = """
LEFT JOIN LATERAL (
    SELECT data, occurred_at FROM core_event
    WHERE subject_kind = 'case' AND subject_uid = c.id::text AND type = 'case.opened' ORDER BY id LIMIT 1
) o ON true
"""

# A try is judged as history.py judges it; with the moment at which that was known.
_TRIES = f"""
WITH picked AS (
    SELECT r.id, r.case_id, r.created_at, later.at AS next_at
    FROM exceptions_actionrun r
    LEFT JOIN LATERAL (
        SELECT min(n.created_at) AS at FROM exceptions_actionrun n
        WHERE n.case_id = r.case_id AND n.id > r.id AND n.ok AND n.undoes_id IS NULL
    ) later ON true
    WHERE r.reason = %(reason)s AND r.action = %(action)s AND r.ok AND r.undoes_id IS NULL
        AND r.created_at > now() - make_interval(days => %(days)s)
    ORDER BY r.id DESC LIMIT %(most)s
), told AS (
    SELECT p.case_id, p.created_at AS at, p.id AS run_id, c.subject_kind, c.subject_uid, c.reason, c.resolved_at,
        p.next_at IS NULL AND c.status = 'RESOLVED' AND c.outcome IN ('fixed', 'cleared') AS good,
        coalesce(p.next_at, c.resolved_at, p.created_at + make_interval(days => %(settles)s)) AS known_at
    FROM picked p JOIN exceptions_case c ON c.id = p.case_id
    WHERE c.outcome <> 'duplicate'
        AND (c.status = 'RESOLVED' OR p.next_at IS NOT NULL
            OR p.created_at < now() - make_interval(days => %(settles)s))
    UNION ALL
    SELECT s.case_id, s.created_at, NULL, '', '', '', NULL, false, s.decided_at
    FROM exceptions_suggestion s
    WHERE s.reason = %(reason)s AND s.action = %(action)s AND s.status = 'OVERRIDDEN' AND NOT s.instead
        AND s.created_at > now() - make_interval(days => %(days)s)
)
SELECT t.case_id, t.at, t.known_at, t.good, o.data, o.occurred_at,
    (SELECT count(*) FROM exceptions_actionrun b
     WHERE b.case_id = t.case_id AND b.ok AND b.undoes_id IS NULL AND b.created_at < t.at),
    CASE WHEN t.good THEN (
        SELECT min(again.opened_at) FROM exceptions_case again
        WHERE again.subject_kind = t.subject_kind AND again.subject_uid = t.subject_uid AND again.reason = t.reason
            AND again.id > t.case_id AND again.opened_at < t.resolved_at + make_interval(days => %(settles)s)
    ) END
FROM told t JOIN exceptions_case c ON c.id = t.case_id {_OPENED}
"""  # noqa: S608  (text of ours)

_ENDED = f"""
SELECT c.id, c.started_at, c.resolve_by, c.resolved_at, c.acknowledged_at, o.data, o.occurred_at
FROM (
    SELECT * FROM exceptions_case
    WHERE reason = %(reason)s AND status = 'RESOLVED' AND outcome IN ('fixed', 'cleared') AND resolve_by > started_at
        AND resolved_at > now() - make_interval(days => %(days)s)
    ORDER BY resolved_at DESC LIMIT %(most)s
) c {_OPENED}
"""  # noqa: S608  (text of ours)

_CASE = f"""
SELECT o.data, o.occurred_at,
    (SELECT count(*) FROM exceptions_actionrun b WHERE b.case_id = c.id AND b.ok AND b.undoes_id IS NULL)
FROM exceptions_case c {_OPENED} WHERE c.id = %s
"""  # noqa: S608  (text of ours)


def tries(reason: str, action: str) -> list[Example]:
    """Every try of an action in the past year (the latest of them), and every time it was found not right."""
    about = {"reason": reason, "action": action, "days": YEAR, "settles": SETTLES, "most": MOST}
    return [
        Example(case_id, at, known_at, good, known(opened, began) | _before(earlier), contexts(opened), back_at)
        for case_id, at, known_at, good, text, began, earlier, back_at in _rows(_TRIES, about)
        for opened in [_read(text)]
    ]


def ends(reason: str) -> list[Example]:
    """Ended cases of a reason, asked at four shares of their time whether they would miss it."""
    return list(_ends(reason))


def _ends(reason: str) -> Iterator[Example]:
    about = {"reason": reason, "days": YEAR, "most": MOST}
    for case_id, start, due, ended, acknowledged, text, began in _rows(_ENDED, about):
        whole = due - start
        first = known(_read(text), began)
        for used in CHECKPOINTS:
            at = start + whole * used
            if at >= ended:
                break
            taken_up = acknowledged is not None and acknowledged <= at
            yield Example(case_id, at, ended, ended > due, first | progress(used, taken_up), (f"used:{used}",))


def of_case(case_id: int) -> tuple[dict[str, float], int]:
    """What a case has been known by since it was opened, and how many actions were carried out on it."""
    ((text, began, earlier),) = _rows(_CASE, [case_id])
    return known(_read(text), began), earlier


def at_try(first: dict[str, float], earlier: int) -> dict[str, float]:
    return first | _before(earlier)


def progress(used: float, taken_up: bool) -> dict[str, float]:
    """How far into its time a case is, and whether somebody had acknowledged it by then."""
    step = max(each for each in CHECKPOINTS if each <= max(0.0, used))
    return {f"used:{step}": 1.0} | ({"taken up": 1.0} if taken_up else {})


def known(opened: dict[str, Any] | None, began: datetime | None) -> dict[str, float]:
    """What the fact of its opening says of a case, as features."""
    found: dict[str, float] = dict.fromkeys(contexts(opened), 1.0)
    if opened and opened.get("tier") is not None:
        found[f"tier:{opened['tier']}"] = 1.0
    if (value := _value(opened)) is not None:
        found["value"] = round(log1p(float(value)) / 5, 4)
    if began is not None:
        utc = began.astimezone(UTC)
        found[f"hour:{utc.hour // 4 * 4}"] = 1.0
        found[f"day:{utc.weekday()}"] = 1.0
    return found


def contexts(opened: dict[str, Any] | None) -> tuple[str, ...]:
    """Those counts are kept in (services.suggestions.contexts), by what was known when the case was opened."""
    if not opened:
        return ()
    value = _value(opened)
    band = sum(value >= most for most in BANDS) if value is not None else None
    pairs = (("site", opened.get("site_id")), ("channel", opened.get("channel")), ("value", band),
             ("severity", opened.get("severity")))  # fmt: skip
    return tuple(f"{kind}:{what}" for kind, what in pairs if what not in (None, ""))


def _read(text: str | None) -> dict[str, Any] | None:
    return json.loads(text) if text else None


def _value(opened: dict[str, Any] | None) -> Decimal | None:
    try:
        value = Decimal(str((opened or {})["value"]))
    except (KeyError, InvalidOperation):
        return None
    return value if value.is_finite() and value >= 0 else None


def _before(earlier: int) -> dict[str, float]:
    return {f"before:{min(earlier, 2)}": 1.0}


def _rows(statement: str, parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()
