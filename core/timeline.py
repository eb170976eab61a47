"""What happened to something, in the words of the apps that own the facts.

The events table is the timeline; this only reads it, and asks whoever registered an event type how to say it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from core.models import Event, EventObject
from core.subjects import Subject

LIMIT = 100


@dataclass(frozen=True, slots=True)
class Words:
    """How a fact reads: the sentence, a detail beneath it, the symbol beside it. Tones: "", ok, warn, crit."""

    text: str
    detail: str = ""
    icon: str = "activity"
    tone: str = ""

    def get(self, name: str, default: Any = None) -> Any:
        return getattr(self, name, default)


Teller = Callable[[Event], Words]
_tellers: dict[str, Teller] = {}


def register(types: Sequence[str], teller: Teller) -> None:
    """Have `teller` word events of these types. Called from the owning app's AppConfig.ready()."""
    for type_ in types:
        _tellers[type_] = teller


def words(event: Event) -> Words:
    """The event in words; one nobody words reads as its own type."""
    teller = _tellers.get(event.type)
    if teller is not None:
        return teller(event)
    return Words(event.type.replace(".", " ").replace("_", " ").capitalize())


def all_of(subject: Subject) -> QuerySet[Event]:
    """Every fact about the subject or touching it, as rows to page through."""
    about = Event.objects.filter(subject_kind=subject.kind, subject_uid=subject.uid).values("id")
    touching = EventObject.objects.filter(kind=subject.kind, uid=subject.uid).values("event_id")
    return Event.objects.filter(pk__in=about.union(touching))


def of(subject: Subject, limit: int = LIMIT) -> list[Event]:
    """The latest facts about the subject or touching it, newest first. Two queries, both by index."""
    about = (
        Event.objects.filter(subject_kind=subject.kind, subject_uid=subject.uid)
        .order_by("-id")
        .values_list("id", flat=True)
    )
    touching = (
        EventObject.objects.filter(kind=subject.kind, uid=subject.uid)
        .order_by("-event_id")
        .values_list("event_id", flat=True)
    )
    ids = list(about[:limit].union(touching[:limit]))
    return list(Event.objects.filter(pk__in=ids).order_by("-id")[:limit])
