"""Counting what became of actions and of cases: two statements over the past year.

Of each action and each reason the latest few thousand are counted, which is more than an interval needs: how long it
takes depends on how many actions there are, not on how often they were used.
"""

from __future__ import annotations

from django.db import connection, transaction

from exceptions.suggesting import STEPS

YEAR = 365
MOST = 5_000  # the latest of an action, and of a reason's ended cases
SETTLES = 7  # days: how long an action has to end its case, and a case to come back

# An action worked when it was the last one and the case then ended as fixed or cleared. A waived case speaks against
# it; one that is still open says nothing until its days are over, a duplicate never.
_COUNT = """
WITH RECURSIVE pairs AS (  -- each pair there is, by one step down the index for each
    (SELECT reason, action FROM exceptions_actionrun ORDER BY reason, action LIMIT 1)
    UNION ALL
    SELECT following.* FROM pairs CROSS JOIN LATERAL (
        SELECT reason, action FROM exceptions_actionrun
        WHERE (reason, action) > (pairs.reason, pairs.action) ORDER BY reason, action LIMIT 1
    ) following
), picked AS (
    SELECT latest.* FROM pairs CROSS JOIN LATERAL (
        SELECT id, case_id, reason, action, created_at FROM exceptions_actionrun
        WHERE reason = pairs.reason AND action = pairs.action AND ok AND undoes_id IS NULL
            AND created_at > now() - make_interval(days => %(days)s)
        ORDER BY id DESC LIMIT %(most)s
    ) latest
), runs AS (
    SELECT p.reason, p.action, p.created_at, c.*, NOT EXISTS (
        SELECT FROM exceptions_actionrun later
        WHERE later.case_id = p.case_id AND later.id > p.id AND later.ok AND later.undoes_id IS NULL
    ) AS last
    FROM picked p
    JOIN (
        SELECT id AS case_id, status, outcome, resolved_at, site_id, severity, value, data, subject_kind, subject_uid
        FROM exceptions_case
    ) c USING (case_id)
), judged AS (
    SELECT *, last AND outcome IN ('fixed', 'cleared') AS worked FROM runs
    WHERE outcome <> 'duplicate'
        AND (status = 'RESOLVED' OR NOT last OR created_at < now() - make_interval(days => %(settles)s))
), told AS (
    SELECT reason, action, worked, false AS declined, site_id, severity, value, data,
        worked AND EXISTS (
            SELECT FROM exceptions_case again
            WHERE again.subject_kind = judged.subject_kind AND again.subject_uid = judged.subject_uid
                AND again.id > judged.case_id AND again.reason = judged.reason
                AND again.opened_at < judged.resolved_at + make_interval(days => %(settles)s)
        ) AS reopened,
        CASE WHEN worked THEN extract(epoch FROM greatest(resolved_at - created_at, interval '0')) END AS seconds
    FROM judged
    UNION ALL
    SELECT s.reason, s.action, false, true, c.site_id, c.severity, c.value, c.data, false, NULL
    FROM exceptions_suggestion s JOIN exceptions_case c ON c.id = s.case_id
    WHERE s.status = 'OVERRIDDEN' AND NOT s.instead AND s.created_at > now() - make_interval(days => %(days)s)
), placed AS (
    SELECT reason, action, worked, declined, reopened, seconds, 'site:' || site_id AS site,
        'channel:' || (data ->> 'channel') AS channel, 'severity:' || severity AS severity,
        'value:' || CASE WHEN value < 50 THEN 0 WHEN value < 250 THEN 1 WHEN value < 1000 THEN 2 ELSE 3 END AS value
    FROM told
), counted AS (
    SELECT reason, action, coalesce(site, channel, severity, value, '') AS context,
        count(*) FILTER (WHERE NOT declined) AS tried, count(*) FILTER (WHERE worked) AS worked,
        count(*) FILTER (WHERE reopened) AS reopened, count(*) FILTER (WHERE declined) AS declined,
        percentile_disc(0.5) WITHIN GROUP (ORDER BY seconds) AS seconds,
        grouping(site, channel, severity, value) AS sets
    FROM placed
    GROUP BY GROUPING SETS (
        (reason, action), (reason, action, site), (reason, action, channel), (reason, action, severity),
        (reason, action, value)
    )
)
INSERT INTO exceptions_actioncount (reason, action, context, tried, worked, reopened, declined, seconds, counted_at)
SELECT reason, action, context, tried, worked, reopened, declined, seconds, now() FROM counted
WHERE sets = 15 OR context <> ''  -- no count of the cases that have no site, no channel
"""

_CURVE = f"""
WITH RECURSIVE codes AS (
    (SELECT reason FROM exceptions_case WHERE status = 'RESOLVED' ORDER BY reason LIMIT 1)
    UNION ALL
    SELECT following.* FROM codes CROSS JOIN LATERAL (
        SELECT reason FROM exceptions_case WHERE status = 'RESOLVED' AND reason > codes.reason ORDER BY reason LIMIT 1
    ) following
), ended AS (
    SELECT codes.reason,
        extract(epoch FROM resolved_at - started_at) / extract(epoch FROM resolve_by - started_at) AS used
    FROM codes CROSS JOIN LATERAL (
        SELECT started_at, resolve_by, resolved_at FROM exceptions_case c
        WHERE c.reason = codes.reason AND status = 'RESOLVED' AND outcome IN ('fixed', 'cleared')
            AND resolve_by > started_at AND resolved_at > now() - make_interval(days => %(days)s)
        ORDER BY resolved_at DESC LIMIT %(most)s
    ) latest
)
INSERT INTO exceptions_reasonhistory (reason, closed, missed, open_at, counted_at)
SELECT reason, count(*), count(*) FILTER (WHERE used > 1),
    jsonb_build_array({", ".join(f"count(*) FILTER (WHERE used > {step})" for step in STEPS)}), now()
FROM ended GROUP BY reason
"""  # noqa: S608  (numbers of ours)


@transaction.atomic
def recount() -> tuple[int, int]:
    """Count the past year anew; returns how many counts and how many reasons there are. Safe to repeat and to race."""
    days = {"days": YEAR, "settles": SETTLES, "most": MOST}
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('exceptions.recount', 0))")
        cursor.execute("DELETE FROM exceptions_actioncount")
        cursor.execute(_COUNT, days)
        counts = cursor.rowcount
        cursor.execute("DELETE FROM exceptions_reasonhistory")
        cursor.execute(_CURVE, days)
        return counts, cursor.rowcount
