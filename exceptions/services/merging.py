"""Several cases that are one: the others end as duplicates, and what people put on them is carried over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from core.actors import Actor
from core.errors import Refusal
from core.subjects import Subject
from exceptions import events as facts
from exceptions.models import Case, CaseAttachment, CaseNote, CaseWatcher, Outcome
from exceptions.services import attachments, handling, watching
from exceptions.services.closing import about, close, subject_of

MOST = 50

_CARRY_NOTES = """
INSERT INTO exceptions_casenote (case_id, author_kind, author_uid, author_label, text, created_at, carried_from_id)
SELECT %(target)s, author_kind, author_uid, author_label, text, created_at, case_id FROM exceptions_casenote
WHERE case_id = %(source)s ORDER BY id
"""


@dataclass(frozen=True, slots=True)
class Preview:
    """What merging would do. `seen` stands for the cases as they are; it goes back with the decision."""

    target: Case
    others: list[Case]
    notes: int
    watchers: int
    files: int
    symptoms: int
    seen: str


def preview(target_id: int, ids: Sequence[int]) -> Preview:
    """What merging these into the target would carry over; changes nothing."""
    some = list(Case.objects.filter(pk__in={target_id, *ids}).order_by("pk"))
    target, others = _sorted_out(target_id, some)
    keys = [case.pk for case in others]
    return Preview(
        target=target,
        others=others,
        notes=CaseNote.objects.filter(case__in=keys).count(),
        watchers=CaseWatcher.objects.filter(case__in=keys).values("user").distinct().count(),
        files=CaseAttachment.objects.filter(case__in=keys).count(),
        symptoms=Case.objects.filter(parent__in=keys, is_open=True).count(),
        seen=_seen(some),
    )


def _seen(some: Sequence[Case]) -> str:
    return ",".join(f"{case.pk}:{case.version}" for case in some)


def _sorted_out(target_id: int, some: Sequence[Case]) -> tuple[Case, list[Case]]:
    target = next((case for case in some if case.pk == target_id), None)
    others = [case for case in some if case.pk != target_id]
    if target is None or not others or len(others) > MOST:
        raise Refusal("nothing_to_merge", f"Choose between 2 and {MOST + 1} cases, one of them to keep.", status=400)
    for case in some:
        handling.must_be_open(case)
    if any(target.parent_id == case.pk for case in others):
        raise Refusal("keeps_its_root", "Keep the root, not its symptom.", status=400)
    return target, others


@transaction.atomic
def merge(target_id: int, ids: Sequence[int], *, seen: str = "", note: str = "", actor: Actor) -> int:
    """End these as duplicates of the target; their notes, watchers, files and symptoms go over to it.

    Locks all in key order. Refusal changed_meanwhile (409) when one is no longer as it was `seen` in the preview.
    Returns how many ended.
    """
    some = list(Case.objects.select_for_update(no_key=True).filter(pk__in={target_id, *ids}).order_by("pk"))
    target, others = _sorted_out(target_id, some)
    if seen and seen != _seen(some):
        raise Refusal("changed_meanwhile", "One of these cases changed meanwhile. Look at the preview again.")
    totals = {"notes": 0, "watchers": 0, "files": 0}
    for case in others:
        _carry(case, target, totals)
        close(
            case, Outcome.DUPLICATE, note=note.strip()[: handling.NOTE_LENGTH], actor=actor, fact=facts.RESOLVED,
            parent_id=target.pk, acknowledged_at=case.acknowledged_at or timezone.now(),
        )  # fmt: skip
    data = {"cases": [case.number for case in others], **totals}
    related = [(Subject("case", str(case.pk), case.number), "merged") for case in others]
    handling.change(
        target,
        [handling.EventDraft(facts.MERGED, subject_of(target), actor, data, (*about(target), *related))],
        timezone.now(),
        occurrences=F("occurrences") + sum(case.occurrences for case in others),
    )
    return len(others)


def _carry(case: Case, target: Case, totals: dict[str, int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_CARRY_NOTES, {"target": target.pk, "source": case.pk})
        totals["notes"] += cursor.rowcount
    people = set(CaseWatcher.objects.filter(case=case).values_list("user_id", flat=True))
    if case.owner_id and case.owner_id != target.owner_id:
        people.add(case.owner_id)
    watching.watch(target.pk, people)
    totals["watchers"] += len(people)
    totals["files"] += attachments.carry(case, target)
    root = target.parent_id or target.pk
    Case.objects.filter(parent=case, is_open=True).update(parent_id=root, version=F("version") + 1)
