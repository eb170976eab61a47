"""What must always be true of cases, over the whole database."""

from __future__ import annotations

from core import audit


def register() -> None:
    audit.register(
        "exceptions.one_open_case_per_subject",
        "A reason has at most one open case per subject.",
        """
        SELECT reason, subject_kind, subject_uid, count(*) AS open_cases FROM exceptions_case
        WHERE status <> 'RESOLVED' GROUP BY reason, subject_kind, subject_uid HAVING count(*) > 1
        """,
    )
    audit.register(
        "exceptions.resolved_has_outcome",
        "A resolved case says how and when it ended; an open one doesn't.",
        """
        SELECT id, status, outcome, resolved_at FROM exceptions_case
        WHERE (status = 'RESOLVED') <> (outcome <> '' AND resolved_at IS NOT NULL)
        """,
    )
    audit.register(
        "exceptions.clocks_are_consistent",
        "Nothing is told as breached before it was due, and no clock ends before it starts.",
        """
        SELECT id, acknowledge_by, resolve_by, promise_by FROM exceptions_case
        WHERE acknowledge_by < started_at OR resolve_by < started_at OR breached_at < resolve_by
            OR acknowledge_breached_at < acknowledge_by OR promise_breached_at < promise_by
        """,
    )
    audit.register(
        "exceptions.waiting_has_one_pause",
        "Exactly the waiting cases have a pause that runs.",
        """
        SELECT c.id, c.status, count(p.id) AS running FROM exceptions_case c
        LEFT JOIN exceptions_casepause p ON p.case_id = c.id AND p.ended_at IS NULL
        WHERE c.status = 'WAITING' OR p.id IS NOT NULL
        GROUP BY c.id, c.status HAVING (c.status = 'WAITING') <> (count(p.id) = 1)
        """,
    )
    audit.register(
        "exceptions.waivers_are_signed",
        "A waived case has its reason, and a person signed it.",
        """
        SELECT c.id, c.outcome_note FROM exceptions_case c
        WHERE c.outcome = 'waived' AND (c.outcome_note = '' OR NOT EXISTS (
            SELECT 1 FROM core_event e WHERE e.type = 'case.waived' AND e.subject_kind = 'case'
                AND e.subject_uid = c.id::text AND e.actor_kind = 'PERSON'))
        """,
    )
