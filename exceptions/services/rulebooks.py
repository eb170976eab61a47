"""The life of playbooks and approval rules: drafted, reworded, live, retired. And what a rule sees of a case."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from core import events
from core.actors import Actor
from core.drafts import Drafts
from core.errors import Invalid, Problem, Refusal
from core.subjects import Subject
from exceptions import events as facts
from exceptions import playbook, reasons
from exceptions.models import Case, Rulebook, RulebookKind, RulebookVersion, RuleStatus

APPROVALS = "approvals"
More = Callable[[str, str], dict[str, Any]]
_more: dict[str, More] = {}


def register_fields(kind: str, more: More) -> None:
    """What a higher floor knows of its subjects: `more(kind, uid)` gives `channel` and `customer`."""
    _more[kind] = more


def fields_of(case: Case, *, now: datetime | None = None, more: bool = True) -> dict[str, Any]:
    """A case as conditions see it. Without `more`, only what is stored with the case."""
    at = now or timezone.now()
    known = _more.get(case.subject_kind) if more else None
    return {
        **{f"{playbook.DATA}{name}": value for name, value in case.data.items()},
        "value": case.value if case.currency else None,
        "currency": case.currency or None,
        "severity": case.severity,
        "site": case.site.code if case.site else None,
        "age_minutes": int((at - case.started_at).total_seconds() // 60),
        "occurrences": case.occurrences,
        "reopened": case.reopened,
        "promise_minutes": int((case.promise_by - at).total_seconds() // 60) if case.promise_by else None,
        **(known(case.subject_kind, case.subject_uid) if known else {}),
    }


def live(code: str) -> RulebookVersion | None:
    return RulebookVersion.objects.filter(rulebook__code=code, status=RuleStatus.LIVE).first()


def steps_of(reason: str) -> tuple[RulebookVersion, playbook.Steps] | None:
    found = live(reason)
    return (found, playbook.read_steps(found.document)) if found else None


def approvals() -> playbook.Approvals:
    found = live(APPROVALS)
    return playbook.read_approvals(found.document) if found else playbook.Approvals()


def check(book: Rulebook, document: Any) -> dict[str, Any]:
    """The document as it is stored. Invalid (422) by path for its shape, and for names nobody knows."""
    problems: list[Problem] = []
    if book.kind == RulebookKind.PLAYBOOK:
        reason = reasons.find(book.code)
        known = {action.code for action in reason.actions} if reason else set()
        steps = playbook.read_steps(document)
        for n, step in enumerate(steps.steps):
            if step.action not in known:
                problems.append(Problem(f"steps[{n}].action", "unknown", f"this reason has no action {step.action}"))
        found = steps.model_dump(mode="json")
    else:
        rules = playbook.read_approvals(document)
        for n, rule in enumerate(rules.rules):
            if rule.reason and reasons.find(rule.reason) is None:
                problems.append(Problem(f"rules[{n}].reason", "unknown", f"nobody knows {rule.reason}"))
            if rule.queue and rule.queue not in reasons.TEAMS:
                problems.append(Problem(f"rules[{n}].queue", "unknown", f"there is no queue {rule.queue}"))
        found = rules.model_dump(mode="json")
    if problems:
        raise Invalid(problems, status=422)
    return found


def open_book(code: str, *, actor: Actor) -> Rulebook:
    """The rules of that code, made with a first draft where there are none. Refusal 404 for an unknown reason."""
    found = Rulebook.objects.filter(code=code).first()
    if found is not None:
        return found
    document: dict[str, Any]
    if code == APPROVALS:
        kind, name, document = RulebookKind.APPROVAL, "Approval rules", {"rules": []}
    else:
        reason = reasons.find(code)
        if reason is None or not reason.actions:
            raise Refusal("unknown_reason", "There is no such reason, or it offers no actions.", status=404)
        kind, name = RulebookKind.PLAYBOOK, reason.title
        document = {"steps": [{"action": action.code, "note": "", "when": []} for action in reason.actions]}
    try:
        with transaction.atomic():
            book = Rulebook.objects.create(kind=kind, code=code, name=name)
            _drafts.new(book, document, "", actor)
            return book
    except IntegrityError:  # somebody made it a moment ago
        return Rulebook.objects.get(code=code)


def draft(book_id: int, *, from_number: int | None = None, actor: Actor) -> RulebookVersion:
    """A new draft worded as another version, by default the latest. The draft there is, where one is."""
    return _drafts.draft(book_id, from_number=from_number, actor=actor)


def save(version_id: int, *, document: Any, note: str, version: int | None, actor: Actor) -> RulebookVersion:
    """Reword a draft. Invalid with every problem by its path; Refusal("stale"), ("not_a_draft")."""

    def put(row: RulebookVersion) -> dict[str, Any]:
        return {"document": check(row.rulebook, document), "note": note[:300], "rehearsal": None}

    return _drafts.save(version_id, version, put, actor=actor)


def go_live(version_id: int, *, version: int | None, actor: Actor) -> RulebookVersion:
    """A draft counts from now on; the version that did so retires in the same moment."""
    return _drafts.launch(
        version_id,
        RuleStatus.LIVE,
        version,
        instead_of=lambda row: RulebookVersion.objects.filter(rulebook=row.rulebook_id),
        what="live",
        check=lambda row: check(row.rulebook, row.document),
        actor=actor,
    )


def retire(version_id: int, *, version: int | None, actor: Actor) -> RulebookVersion:
    """Out of use for good: without a live playbook a reason's actions stand in the order code gives them."""
    return _drafts.retire(version_id, version, actor=actor)


def locked(version_id: int, version: int | None) -> RulebookVersion:
    return _drafts.locked(version_id, version)


def _record(version: RulebookVersion, what: str, actor: Actor) -> None:
    subject = Subject("rulebook", version.rulebook.code[:64], version.rulebook.name)
    data = {"what": what, "version": version.number, "document": version.document}
    events.record(facts.RULES_CHANGED, subject, actor=actor, data=data)


_drafts = Drafts(
    RulebookVersion,
    owner="rulebook",
    wording="document",
    tell=_record,
    stays="its wording stays.",
    overtaken="Another version went live a moment ago. Look again.",
)
