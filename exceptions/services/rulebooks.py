"""The life of playbooks and approval rules: drafted, reworded, live, retired. And what a rule sees of a case."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from core import events
from core.actors import Actor
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
            _new(book, document, "", actor)
            return book
    except IntegrityError:  # somebody made it a moment ago
        return Rulebook.objects.get(code=code)


def draft(book_id: int, *, from_number: int | None = None, actor: Actor) -> RulebookVersion:
    """A new draft worded as another version, by default the latest. The draft there is, where one is.

    Locks the book.
    """
    with transaction.atomic():
        book = Rulebook.objects.select_for_update().get(pk=book_id)
        standing = book.versions.filter(status=RuleStatus.DRAFT).first()
        if standing is not None:
            return standing
        rows = book.versions.order_by("-number")
        source = rows.filter(number=from_number).first() if from_number else rows.first()
        if source is None:
            raise Refusal("not_found", "There is no such version.", status=404)
        return _new(book, source.document, f"From version {source.number}", actor)


def _new(book: Rulebook, document: Any, note: str, actor: Actor) -> RulebookVersion:
    last = book.versions.aggregate(last=Max("number"))["last"] or 0
    version = RulebookVersion.objects.create(
        rulebook=book, number=last + 1, document=document, note=note, created_by=actor.label[:200]
    )
    _record(version, "drafted", actor)
    return version


def save(version_id: int, *, document: Any, note: str, version: int | None, actor: Actor) -> RulebookVersion:
    """Reword a draft. Invalid with every problem by its path; Refusal("stale"), ("not_a_draft")."""
    with transaction.atomic():
        row = locked(version_id, version)
        if row.status != RuleStatus.DRAFT:
            raise Refusal("not_a_draft", f"{row} is {row.get_status_display().lower()}: its wording stays.")
        row.document = check(row.rulebook, document)
        row.note, row.version, row.rehearsal = note[:300], row.version + 1, None
        row.save(update_fields=["document", "note", "version", "rehearsal"])
        _record(row, "reworded", actor)
    return row


def go_live(version_id: int, *, version: int | None, actor: Actor) -> RulebookVersion:
    """A draft counts from now on; the version that did so retires in the same moment."""
    try:
        with transaction.atomic():
            row = locked(version_id, version)
            check(row.rulebook, row.document)
            if not row.may(row.status, RuleStatus.LIVE):
                raise Refusal("bad_move", f"{row} is {row.get_status_display().lower()}.", status_now=row.status)
            for old in row.rulebook.versions.filter(status=RuleStatus.LIVE).select_for_update():
                old.move(RuleStatus.RETIRED, retired_at=timezone.now())
                _record(old, "retired", actor)
            row.move(RuleStatus.LIVE, live_at=timezone.now())
            _record(row, "live", actor)
    except IntegrityError:
        raise Refusal("moved_meanwhile", "Another version went live a moment ago. Look again.") from None
    return row


def retire(version_id: int, *, version: int | None, actor: Actor) -> RulebookVersion:
    """Out of use for good: without a live playbook a reason's actions stand in the order code gives them."""
    with transaction.atomic():
        row = locked(version_id, version)
        row.move(RuleStatus.RETIRED, retired_at=timezone.now())
        _record(row, "retired", actor)
    return row


def locked(version_id: int, version: int | None) -> RulebookVersion:
    rows = RulebookVersion.objects.select_for_update(of=("self",)).select_related("rulebook")
    row = rows.filter(pk=version_id).first()
    if row is None:
        raise Refusal("not_found", "There is no such version.", status=404)
    if version is not None and version != row.version:
        raise Refusal("stale", f"{row} was changed meanwhile.", status_now=row.status, version=row.version)
    return row


def _record(version: RulebookVersion, what: str, actor: Actor) -> None:
    subject = Subject("rulebook", version.rulebook.code[:64], version.rulebook.name)
    data = {"what": what, "version": version.number, "document": version.document}
    events.record(facts.RULES_CHANGED, subject, actor=actor, data=data)
