"""Who hears of a case: its owner, and whoever watches it."""

from __future__ import annotations

from collections.abc import Iterable

from core.actors import Actor
from exceptions.models import Case, CaseWatcher
from exceptions.services import notices


def watch(case_id: int, people: Iterable[int]) -> None:
    """Let these people hear of a case. Safe to repeat."""
    rows = [CaseWatcher(case_id=case_id, user_id=person) for person in sorted(set(people))]
    CaseWatcher.objects.bulk_create(rows, ignore_conflicts=True)


def unwatch(case_id: int, person: int) -> None:
    CaseWatcher.objects.filter(case_id=case_id, user_id=person).delete()


def watches(case_id: int, person: int) -> bool:
    return CaseWatcher.objects.filter(case_id=case_id, user_id=person).exists()


def tell(case: Case, text: str, *, key: str, actor: Actor, but: Iterable[int] = ()) -> None:
    """Tell whoever watches the case or has it, once per key; not whoever did it."""
    people = set(CaseWatcher.objects.filter(case_id=case.pk).values_list("user_id", flat=True))
    if case.owner_id is not None:
        people.add(case.owner_id)
    people -= set(but)
    if people:
        notices.tell(people, kind="watch", case=case, text=text, key=key, actor=actor)
