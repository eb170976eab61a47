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
        "Exactly the cases that wait for somebody outside have a pause that runs.",
        """
        SELECT c.id, c.status, c.waiting_on, count(p.id) AS running FROM exceptions_case c
        LEFT JOIN exceptions_casepause p ON p.case_id = c.id AND p.ended_at IS NULL
        WHERE c.status = 'WAITING' OR p.id IS NOT NULL
        GROUP BY c.id, c.status, c.waiting_on
        HAVING (c.status = 'WAITING' AND c.waiting_on NOT IN ('store', 'colleague')) <> (count(p.id) = 1)
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
    audit.register(
        "exceptions.symptoms_have_an_open_root",
        "An open case stands under an open case that is no symptom itself; an ended root lets go within the hour.",
        """
        SELECT c.id, c.parent_id, r.status, r.resolved_at FROM exceptions_case c
        JOIN exceptions_case r ON r.id = c.parent_id
        WHERE c.is_open AND (r.resolved_at < now() - interval '1 hour' OR (r.is_open AND r.parent_id IS NOT NULL))
        """,
    )
    audit.register(
        "exceptions.aside_comes_back",
        "What is put aside is open, and its time is not long past.",
        """
        SELECT id, status, snoozed_until FROM exceptions_case
        WHERE snoozed_at IS NOT NULL AND (status <> 'OPEN' OR snoozed_until < now() - interval '1 hour')
        """,
    )
    audit.register(
        "exceptions.merged_notes_came_from_duplicates",
        "A note that was carried over came from a case that ended as a duplicate, or was reopened since.",
        """
        SELECT n.id, n.case_id, n.carried_from_id FROM exceptions_casenote n
        JOIN exceptions_case c ON c.id = n.carried_from_id
        WHERE c.outcome <> 'duplicate' AND c.reopened = 0
        """,
    )
    audit.register(
        "exceptions.files_are_whole",
        "A file on a case is as long as it says.",
        "SELECT id, case_id, size FROM exceptions_caseattachment WHERE octet_length(content) <> size",
    )
    audit.register(
        "exceptions.two_people_where_asked",
        "A run that was approved has its approver, who isn't whoever asked, and its request names the same run.",
        """
        SELECT a.id, a.asked_by_id, a.decided_by_id, a.run_id FROM exceptions_approvalrequest a
        LEFT JOIN exceptions_actionrun r ON r.id = a.run_id
        WHERE a.status = 'APPROVED' AND (a.decided_by_id = a.asked_by_id
            OR r.approver_id IS DISTINCT FROM a.decided_by_id
            OR r.case_id <> a.case_id OR r.action <> a.action OR NOT r.ok)
        """,
    )
    audit.register(
        "exceptions.undone_runs_were_done",
        "What was taken back had worked, belongs to the same case, and was taken back within its time.",
        """
        SELECT u.id, r.id AS run FROM exceptions_actionrun u JOIN exceptions_actionrun r ON r.id = u.undoes_id
        WHERE NOT r.ok OR r.case_id <> u.case_id OR r.undoes_id IS NOT NULL OR r.undo_until IS NULL
            OR u.created_at > r.undo_until + interval '1 minute'
        """,
    )
    audit.register(
        "exceptions.steps_fire_in_time_order",
        "No step fired before it was due, none is held once it fired, and no closed case has one to come.",
        """
        SELECT e.id, e.case_id, e.due_at, e.fired_at FROM exceptions_escalation e
        JOIN exceptions_case c ON c.id = e.case_id
        WHERE e.fired_at < e.due_at OR (e.fired_at IS NOT NULL AND e.held)
            OR (e.fired_at IS NULL AND c.status = 'RESOLVED')
        """,
    )
    audit.register(
        "exceptions.each_step_is_told_once",
        "A step that fired has exactly one fact, dated when it was due.",
        """
        SELECT e.id, e.case_id, count(f.id) AS facts FROM exceptions_escalation e
        JOIN exceptions_escalationstep s ON s.id = e.step_id
        JOIN exceptions_escalationpolicy p ON p.id = s.policy_id
        LEFT JOIN core_event f ON f.subject_kind = 'case' AND f.subject_uid = e.case_id::text
            AND f.type = 'case.escalated' AND (f.data->>'run')::int = e.run + 1
            AND (f.data->>'step')::int = s.number
            AND f.data->>'rule' = p.code AND (f.data->>'rule_version')::int = p.version AND f.occurred_at = e.due_at
        WHERE e.fired_at IS NOT NULL GROUP BY e.id, e.case_id HAVING count(f.id) <> 1
        """,
    )
    audit.register(
        "exceptions.held_steps_belong_to_pauses",
        "A step stands still only while its case pauses.",
        """
        SELECT e.id, e.case_id FROM exceptions_escalation e
        WHERE e.held AND NOT EXISTS (
            SELECT 1 FROM exceptions_casepause p WHERE p.case_id = e.case_id AND p.ended_at IS NULL)
        """,
    )
