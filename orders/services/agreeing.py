"""Money that a person moves by hand: at once up to the limit, above it after somebody else's word.

The limits are the approval rules' own; where none covers a currency, the one below does. What waits is a case with its
request in the inbox of every other approval, and runs from there in the name of whoever asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from django.conf import settings
from django.db.models import QuerySet

from core.actors import Actor
from core.errors import Refusal
from core.formats import exponent
from core.subjects import Subject
from exceptions import playbook
from exceptions.models import ApprovalRequest, ApprovalStatus, Case
from exceptions.playbook import ApprovalRule
from exceptions.services import acting, approvals, cases, rulebooks
from inventory.services.locking import retrying

QUEUE = "payments"
HOURS = 72


def rule(reason: str, action: str, amount: Decimal, currency: str, *, permission: str) -> ApprovalRule | None:
    """The rule that wants a second person for so much, if one does."""
    rules = rulebooks.approvals()
    found = playbook.rule_for(rules, reason=reason, queue=QUEUE, action=action, amount=amount, currency=currency)
    covered = any(each.covers(reason=reason, queue=QUEUE, action=action, currency=currency) for each in rules.rules)
    if found is not None or covered:
        return found
    # The limit is stated for currencies with hundredths: as many of the smallest coins in any other.
    above = Decimal(settings.REFUND_LIMIT).scaleb(2 - exponent(currency))
    usual = ApprovalRule(reason=reason, above=above, currency=currency, permission=permission, hours=HOURS)
    return usual if amount > usual.above else None


def ask(
    reason: str,
    action: str,
    subject: Subject,
    params: Mapping[str, str],
    wanted: ApprovalRule,
    *,
    value: Decimal,
    currency: str,
    summary: str,
    actor: Actor,
) -> ApprovalRequest:
    """Open its case and write down who asked for what. Refusal("asked_already") while something else of it waits."""

    def work() -> ApprovalRequest:
        case_id = cases.open_(reason, subject, actor=actor, value=value, currency=currency, summary=summary[:255])
        case = Case.objects.get(pk=case_id)
        found, known = acting.find(case, action)
        given = known.said(params, subject.uid)
        return approvals.ask(acting.plan(case, found, known, given, actor=actor), wanted, actor=actor)

    return retrying(work)


def must_be_agreed(wanted: ApprovalRule | None, approver_id: int | None) -> None:
    """Above its limit nothing runs without a second person, whichever way it was started."""
    if wanted is not None and approver_id is None:
        raise Refusal("needs_approval", f"{wanted.words}: somebody else has to agree.", status=403)


def waits(reason: str, kind: str, uid: str) -> bool:
    """The predicate of such a case."""
    return _waiting(reason).filter(case__subject_kind=kind, case__subject_uid=uid).exists()


def waiting(reason: str, kind: str, uid: str) -> ApprovalRequest | None:
    """What waits, for the page of what it is about."""
    rows = _waiting(reason).filter(case__subject_kind=kind, case__subject_uid=uid)
    return rows.select_related("case").order_by("-pk").first()


def standing(reason: str) -> list[str]:
    """Whatever waits of this reason."""
    return list(_waiting(reason).order_by("pk").values_list("case__subject_uid", flat=True)[:1000])


def _waiting(reason: str) -> QuerySet[ApprovalRequest]:
    return ApprovalRequest.objects.filter(case__reason=reason, status=ApprovalStatus.WAITING)
