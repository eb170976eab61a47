"""What people do about cases: a playbook in force, a fix that waits for a second person, one that can be undone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

from core import actors
from core.errors import Refusal
from core.models import User
from exceptions.models import ActionRun, Case, Rulebook
from exceptions.services import acting, cases, rulebooks
from inventory.services import differences

PLAYBOOK = {
    "steps": [
        {
            "action": "count",
            "note": "A look at the shelf first, where it is worth the walk.",
            "when": [{"field": "severity", "op": "at_least", "value": "1"}],
        },
        {"action": "correct", "note": "Then the books say what was found.", "when": []},
    ]
}


def make(say: Callable[[str], None]) -> None:
    """Safe to repeat."""
    if Rulebook.objects.exists():
        return
    people = list(User.objects.filter(is_active=True, is_superuser=False).order_by("pk"))
    chief = actors.person(User.objects.filter(is_superuser=True).earliest("pk"))
    _launch(differences.REASON, PLAYBOOK, chief)
    open_ = Case.objects.still_open().filter(reason=differences.REASON).order_by("pk")
    counted = _ask_for_a_count(open_.last(), people)
    asked = _ask_a_second_person(open_.iterator(), people, chief)
    say(f"A playbook in force, {asked} fix that waits for approval, {counted} that can be taken back")


def _launch(code: str, document: object, chief: actors.Actor) -> None:
    book = rulebooks.open_book(code, actor=chief)
    version = rulebooks.draft(book.pk, actor=chief)
    rulebooks.save(version.pk, document=document, note="For the first weeks", version=None, actor=chief)
    rulebooks.go_live(version.pk, version=None, actor=chief)


def _who(people: list[User], permission: str) -> Iterator[actors.Actor]:
    return (actors.person(user) for user in people if user.has_perm(permission))


def _ask_for_a_count(case: Case | None, people: list[User]) -> int:
    actor = next(_who(people, "inventory.request_count"), None)
    if case is None or actor is None:
        return 0
    cases.acting_on(case.pk, "count", actor=actor)
    return ActionRun.objects.filter(case=case, undo_until__isnull=False).count()


def _ask_a_second_person(open_: Iterator[Case], people: list[User], chief: actors.Actor) -> int:
    """The first correction that is worth something is asked for, just above the amount that needs two people."""
    actor = next(_who(people, "inventory.correct_difference"), chief)
    for case in open_:
        try:
            plan = acting.preview(case, "correct", actor=actor)
        except Refusal:
            continue
        if plan.amount is None or plan.delta.refusal is not None:
            continue
        amount, currency = plan.amount
        above = str(min(Decimal(20), amount / 2).quantize(Decimal("0.01")))
        _launch(
            rulebooks.APPROVALS,
            {"rules": [{"reason": differences.REASON, "above": above, "currency": currency}]},
            chief,
        )
        done = cases.acting_on(case.pk, "correct", actor=actor)
        return int(done.approval is not None)
    return 0
