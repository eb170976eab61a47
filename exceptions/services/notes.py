"""Notes on a case, and the people they name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q

from core import events
from core.actors import Actor
from core.errors import Refusal
from core.models import User
from core.subjects import Subject
from exceptions import events as facts
from exceptions.models import Case, CaseNote
from exceptions.services import handling, notices, watching
from exceptions.services.closing import about, subject_of

NAMED = 20  # people in one note
# An e-mail address, the part before its @, or a name with a dot for the space: @amira, @amira.khan, @amira@example.com
_MENTION = re.compile(r"(?<![\w@.])@([\w+-]+(?:\.[\w+-]+)*(?:@[\w-]+(?:\.[\w-]+)+)?)")


@dataclass(frozen=True, slots=True)
class Noted:
    """A note that was left: its id, whom it told, and every name in it that told nobody, with why."""

    id: int
    told: list[User]
    missed: list[tuple[str, str]]


def note(case_id: int, *, text: str, actor: Actor) -> int:
    """Leave a note for the next person; returns its id. It changes nothing else, so it needs no version."""
    return leave(case_id, text=text, actor=actor).id


@transaction.atomic
def leave(case_id: int, *, text: str, actor: Actor) -> Noted:
    """Leave a note and tell everybody it names (@amira, @amira.khan), who watch the case from then on."""
    words = text.strip()
    if not words or len(words) > handling.NOTE_LENGTH:
        raise Refusal("bad_note", f"Write between 1 and {handling.NOTE_LENGTH:,} characters.", status=422)
    case = handling.locked(case_id, None)
    made = CaseNote.objects.create(
        case=case, author_kind=actor.kind, author_uid=actor.uid, author_label=actor.label, text=words
    )
    told, missed = named(words, case)
    people = [(Subject("person", str(person.pk), person.get_full_name()), "mentioned") for person in told]
    data = {"note": made.pk, "text": words[:500]}
    events.record(facts.NOTED, subject_of(case), actor=actor, data=data, related=(*about(case), *people))
    key = f"note:{made.pk}"
    if told:
        watching.watch(case.pk, [person.pk for person in told])
        notices.tell(told, kind="mention", case=case, text=words[:300], key=key, actor=actor)
    watching.tell(case, f"Note: {words[:280]}", key=key, actor=actor, but=[person.pk for person in told])
    return Noted(made.pk, told, missed)


def named(text: str, case: Case) -> tuple[list[User], list[tuple[str, str]]]:
    """The people a note names who may see the case, and the names that reach nobody, with why."""
    names = list(dict.fromkeys(found.lower().rstrip(".") for found in _MENTION.findall(text)))[:NAMED]
    told: dict[int, User] = {}
    missed: list[tuple[str, str]] = []
    candidates = _candidates(names) if names else []
    for name in names:
        fitting = _fitting(name, candidates)
        if len(fitting) != 1:
            why = f"fits {len(fitting)} people; write more of the name" if fitting else "is nobody here"
            missed.append((name, why))
        elif not may_see(fitting[0], case):
            missed.append((name, "may not see this case"))
        else:
            told[fitting[0].pk] = fitting[0]
    return list(told.values()), missed


def _candidates(names: Iterable[str]) -> list[User]:
    wanted = Q()
    for name in names:
        wanted |= Q(email__iexact=name) | Q(email__istartswith=f"{name}@") | Q(name__istartswith=name.replace(".", " "))
    return list(User.objects.filter(wanted, is_active=True).order_by("pk")[:500])


def _fitting(name: str, people: list[User]) -> list[User]:
    """Whom a name means: by address, else by the whole name, else by the first name."""
    for fits in (
        lambda person: name in {person.email.lower(), person.email.lower().partition("@")[0]},
        lambda person: name == ".".join(person.get_full_name().lower().split()),
        lambda person: name == person.get_full_name().lower().split()[0] if person.name else False,
    ):
        if found := [person for person in people if fits(person)]:
            return found
    return []


def may_see(person: User, case: Case) -> bool:
    sites = person.site_ids()
    return person.has_perm("exceptions.view_case") and (sites is None or case.site_id in sites)
