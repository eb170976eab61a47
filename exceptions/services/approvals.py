"""Two people for what is worth much: asked with its preview, agreed to by somebody else, done at that moment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import Permission
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from core import actors, events, live
from core.actors import CLIENT, PERSON, Actor
from core.errors import Refusal
from core.models import User
from exceptions import events as facts
from exceptions import playbook
from exceptions.models import ActionRun, ApprovalRequest, ApprovalStatus, Case, Status
from exceptions.playbook import ApprovalRule
from exceptions.services import acting, notices, rulebooks
from exceptions.services.acting import Plan
from exceptions.services.closing import TOPIC, about, subject_of

SWEPT = 500
Check = Callable[[str, str], bool]
_programs: dict[str, Check] = {}


def register_programs(kind: str, check: Check) -> None:
    """Programs of a higher floor may ask: `check(uid, permission)` says whether one still may do what it asked for."""
    _programs[kind] = check


def needed(plan: Plan) -> ApprovalRule | None:
    """The rule that wants a second person for what this would do, if one does."""
    if plan.amount is None or plan.delta.refusal is not None:
        return None
    return rule_for(plan.case, plan.action.code, plan.amount)


def rule_for(case: Case, action: str, amount: tuple[Decimal, str]) -> ApprovalRule | None:
    return playbook.rule_for(
        rulebooks.approvals(), reason=case.reason, queue=case.queue_id, action=action, amount=amount[0],
        currency=amount[1],
    )  # fmt: skip


def fingerprint(plan: Plan) -> str:
    """Names what was shown: the delta, the label-value pairs and the amount."""
    from hashlib import sha256

    shown = "\n".join([plan.delta.fingerprint, repr(plan.words), repr(plan.amount)])
    return sha256(shown.encode()).hexdigest()


def ask(plan: Plan, rule: ApprovalRule, *, actor: Actor) -> ApprovalRequest:
    """Write down what is wanted and tell those who may agree. Asking again while it waits is the same request.

    A person asks, or a program in its own name; nothing that Backroom does by itself.
    """
    if actor.kind not in {PERSON, CLIENT}:
        raise Refusal("needs_approval", f"{rule.words}: a person has to ask for this.", status=403)
    person = actor.kind == PERSON
    if plan.amount is None:
        raise Refusal("no_amount", "There is no amount to approve.", status=400)
    amount, currency = plan.amount
    standing = ApprovalRequest.objects.filter(
        case=plan.case, action=plan.action.code, status=ApprovalStatus.WAITING
    ).first()
    if standing is not None:
        if standing.params != plan.params:
            raise Refusal(
                "asked_already", f"{plan.action.title} waits for approval with other values. Decide it first."
            )
        return standing
    try:
        with transaction.atomic():
            request = ApprovalRequest.objects.create(
                case=plan.case, action=plan.action.code, title=plan.action.title, params=plan.params,
                asked_by_id=int(actor.uid) if person else None, asked_kind=actor.kind,
                asked_uid="" if person else actor.uid, asked_label=actor.label[:200],
                expires_at=timezone.now() + timedelta(hours=rule.hours), why=rule.words, permission=rule.permission,
                delta=plan.delta.as_json(), fingerprint=fingerprint(plan), amount=amount,
                currency=currency,
            )  # fmt: skip
            _tell(request, "asked", actor)
    except IntegrityError:
        return ApprovalRequest.objects.get(case=plan.case, action=plan.action.code, status=ApprovalStatus.WAITING)
    notices.tell(
        approvers(request),
        kind="approval",
        case=plan.case,
        subject=f"Approve? {plan.action.title}, {amount:,.2f} {currency}",
        text=f"{actor.label} asks for it: {rule.words}.",
        key=f"approval:{request.pk}",
        actor=actor,
        url=reverse("exceptions:approval", args=[request.pk]),
    )
    return request


def approvers(request: ApprovalRequest) -> QuerySet[User]:
    """Who may agree to it, without whoever asked. Their sites are looked at where they are told and where they act."""
    app, _, name = request.permission.partition(".")
    held = Permission.objects.filter(content_type__app_label=app, codename=name)
    found = Q(groups__permissions__in=held) | Q(user_permissions__in=held) | Q(is_superuser=True)
    people = User.objects.filter(found, is_active=True).distinct()
    return people if request.asked_by_id is None else people.exclude(pk=request.asked_by_id)


def approve(request_id: int, *, actor: Actor, note: str = "") -> ActionRun:
    """Agree: it is done now, in the name of whoever asked, with both names kept.

    Locks the request, so that two approvers, or one and the expiry, end in one outcome. Refusal 403 for one's own or
    without the permission, 410 expired, 409 decided_already or preview_changed (it is void then), and what the action
    refuses (the request has failed then).
    """
    person = _person(actor)
    with transaction.atomic():
        request = _locked(request_id)
        refusal = _may_not(request, person)
        if refusal is None and request.expires_at <= timezone.now():
            _decide(request, ApprovalStatus.EXPIRED, actors.SYSTEM)
            refusal = Refusal("expired", "Nobody agreed in time. Ask again.", status=410)
        run = None
        if refusal is None:
            run, refusal = _carry_out(request, person, note)
    if run is None:
        raise refusal or _decided(request)
    acting.settle(run, actor=request.asker)
    _answer(request, f"{actor.label} approved it: {run.said}", actor)
    return run


def _carry_out(request: ApprovalRequest, person: User, note: str) -> tuple[ActionRun | None, Refusal | None]:
    """Under the request's lock: look again, then do it. What is refused is decided too, so it comes back as a value."""
    case, asker, approver = request.case, request.asker, actors.person(person)
    try:
        reason, action = acting.find(case, request.action)
        if case.status == Status.RESOLVED:
            raise Refusal("already_resolved", f"{case.number} is already resolved.")
        if not _still_may(request, action.permission):
            raise Refusal("may_not", f"{asker.label} may not do that any more.")
        params = action.said(request.params, case.subject_uid)
        with transaction.atomic():
            seen = acting.plan(case, reason, action, params, actor=asker)
    except Refusal as refusal:
        _decide(request, ApprovalStatus.VOID, approver, note=refusal.message)
        return None, refusal
    if fingerprint(seen) != request.fingerprint:
        words = "It would do something else by now than what was asked for. It has to be asked for again."
        _decide(request, ApprovalStatus.VOID, approver, note=words)
        return None, Refusal("preview_changed", words)
    try:
        with transaction.atomic():
            run = acting.perform(case, action, reason=reason, params=params, actor=asker, approver_id=person.pk)
    except Refusal as refusal:
        _decide(request, ApprovalStatus.FAILED, approver, note=refusal.message, decided_by=person)
        return None, refusal
    _decide(request, ApprovalStatus.APPROVED, approver, note=note, decided_by=person, run=run)
    return run, None


def decline(request_id: int, *, note: str, actor: Actor) -> None:
    """Say no, with the reason. Nothing happens to the case."""
    words = note.replace("\0", "").strip()[:1000]
    if len(words) < 3:
        raise Refusal("needs_a_reason", "Say why not.", status=422)
    person = _person(actor)
    with transaction.atomic():
        request = _locked(request_id)
        if refusal := _may_not(request, person):
            raise refusal
        _decide(request, ApprovalStatus.DECLINED, actor, note=words, decided_by=person)
    _answer(request, f"{actor.label} declined it: {words}", actor)


def withdraw(request_id: int, *, actor: Actor) -> None:
    """Whoever asked doesn't want it any more."""
    person = _person(actor)
    with transaction.atomic():
        request = _locked(request_id)
        if request.asked_by_id != person.pk:
            raise Refusal("not_yours", "Only whoever asked can withdraw it.", status=403)
        if request.status != ApprovalStatus.WAITING:
            raise _decided(request)
        _decide(request, ApprovalStatus.WITHDRAWN, actor, decided_by=person)


def expire(*, limit: int = SWEPT) -> int:
    """End what nobody agreed to in time; returns how many. One somebody decides at this moment is left to them."""
    ended = 0
    with transaction.atomic():
        rows = ApprovalRequest.objects.select_for_update(of=("self",), skip_locked=True).select_related("case")
        for request in rows.filter(status=ApprovalStatus.WAITING, expires_at__lte=timezone.now())[:limit]:
            _decide(request, ApprovalStatus.EXPIRED, actors.SYSTEM)
            ended += 1
    return ended


def _locked(request_id: int) -> ApprovalRequest:
    rows = ApprovalRequest.objects.select_for_update(of=("self",)).select_related("case", "asked_by")
    found = rows.filter(pk=request_id).first()
    if found is None:
        raise Refusal("no_such_request", "There is no such request.", status=404)
    return found


def _still_may(request: ApprovalRequest, permission: str) -> bool:
    if request.asked_by is None:
        check = _programs.get(request.asked_kind)
        return check is not None and check(request.asked_uid, permission)
    return request.asked_by.is_active and request.asked_by.has_perm(permission)


def _may_not(request: ApprovalRequest, person: User) -> Refusal | None:
    if request.asked_by_id == person.pk:
        return Refusal("own_request", "Somebody else has to agree to what you asked for.", status=403)
    if not person.has_perm(request.permission):
        return Refusal("may_not_approve", "You may not approve this.", status=403)
    sites = person.site_ids()
    if sites is not None and request.case.site_id not in sites:
        return Refusal("no_such_request", "There is no such request.", status=404)
    return _decided(request) if request.status != ApprovalStatus.WAITING else None


def _decided(request: ApprovalRequest) -> Refusal:
    words = request.get_status_display()
    return Refusal("decided_already", f"This request is decided: {words[0].lower()}{words[1:]}.")


def _person(actor: Actor) -> User:
    found = User.objects.filter(pk=int(actor.uid), is_active=True).first() if actor.kind == PERSON else None
    if found is None:
        raise Refusal("not_a_person", "Only a person can decide this.", status=403)
    return found


def _decide(request: ApprovalRequest, status: ApprovalStatus, actor: Actor, **fields: Any) -> None:
    request.move(status, decided_at=timezone.now(), **fields)
    _tell(request, status.label.lower(), actor)
    live.poke(TOPIC)


def _tell(request: ApprovalRequest, what: str, actor: Actor) -> None:
    data = {
        "request": request.pk, "action": request.action, "title": request.title, "what": what,
        "amount": str(request.amount), "currency": request.currency, "note": request.note,
    }  # fmt: skip
    events.record(facts.APPROVAL, subject_of(request.case), actor=actor, data=data, related=about(request.case))


def _answer(request: ApprovalRequest, text: str, actor: Actor) -> None:
    if request.asked_by_id is None:
        return  # a program reads the case, or hears of the fact
    notices.tell(
        [request.asked_by_id], kind="approval", case=request.case, text=text, key=f"approval:{request.pk}:answer",
        actor=actor, url=reverse("exceptions:approval", args=[request.pk]),
    )  # fmt: skip
