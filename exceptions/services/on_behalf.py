"""What a program does to a case in somebody's name. The fact says which program it was."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from core.actors import Actor
from core.errors import Refusal
from core.models import User
from exceptions.models import Case, Status
from exceptions.services import merging, notes, watching
from exceptions.services.handling import assign, current, locked


def person_by_email(email: str) -> int:
    """The active person of that address. Refusal (422) where nobody has it."""
    found = User.objects.filter(email__iexact=email.strip(), is_active=True).values_list("pk", flat=True).first()
    if found is None:
        raise Refusal("no_such_person", "Nobody here has that e-mail address.", status=422)
    return int(found)


@transaction.atomic
def claim_for(case_id: int, *, person: int, version: int | None = None, actor: Actor) -> int:
    """Take a free case for this person; one they have already stays theirs. Returns the version.

    Refusal already_claimed (409) while somebody else has it.
    """
    case = locked(case_id, None)
    if case.status != Status.RESOLVED and case.owner is not None:
        if case.owner_id == person:
            return case.version
        raise Refusal("already_claimed", f"{case.owner.get_full_name()} has {case.number}.", **current(case))
    return assign(case_id, to=person, version=version, actor=actor)


@transaction.atomic
def merge_into(case_id: int, *, ids: Sequence[int], note: str = "", version: int | None = None, actor: Actor) -> int:
    """End these as duplicates of the case of that version; returns how many ended."""
    locked(case_id, version)
    return merging.merge(case_id, ids, note=note, actor=actor)


def watch_for(case_id: int, person: int) -> None:
    """Let a person hear of a case. Refusal may_not_see (422) where they couldn't open it."""
    if not notes.may_see(User.objects.get(pk=person), Case.objects.get(pk=case_id)):
        raise Refusal("may_not_see", "They may not see this case.", status=422)
    watching.watch(case_id, [person])
