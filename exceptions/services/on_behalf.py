"""What a program does to a case in somebody's name. The fact says which program it was."""

from __future__ import annotations

from django.db import transaction

from core.actors import Actor
from core.errors import Refusal
from core.models import User
from exceptions.models import Status
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
