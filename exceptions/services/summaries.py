"""A case in a few sentences, each read from a row and leading to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from django.urls import reverse
from django.utils.timezone import localtime

from core import formats, subjects
from core.models import Event
from core.subjects import Subject
from exceptions import events as facts
from exceptions.models import Case, Status
from exceptions.suggesting.words import Sentence


def of(case: Case) -> list[Sentence]:
    """What happened so far, in order of what matters. Three queries."""
    events = list(
        Event.objects.filter(subject_kind="case", subject_uid=str(case.pk))
        .order_by("pk")
        .only("type", "data", "occurred_at", "actor_label")[:200]
    )
    return [*_opening(case), *_work(case, events), *_around(case)]


def _opening(case: Case) -> Iterator[Sentence]:
    subject = Subject(case.subject_kind, case.subject_uid, case.subject_label)
    url = subjects.url(subject) or ""
    label = subject.label or f"{subjects.title(subject.kind)} {subject.uid}"
    began = f"{localtime(case.started_at):%d %b %H:%M}"
    yield Sentence(f"{case.title}: {label}, since {began}.", url)
    if case.currency and case.value:
        yield Sentence(f"{formats.money(case.value, case.currency)} depend on it.", url)
    if case.occurrences > 1:
        last = f"{localtime(case.last_seen_at):%d %b %H:%M}"
        yield Sentence(f"It was seen {case.occurrences} times, last {last}.", "#timeline")
    if case.promise_by:
        yield Sentence(f"The customer was promised {localtime(case.promise_by):%d %b %H:%M}.", url)


def _work(case: Case, events: list[Event]) -> Iterator[Sentence]:
    said = Counter(event.type for event in events)
    for event in events:
        if event.type == facts.ACTED:
            verdict = "done" if event.data.get("ok") else "refused"
            what = f"{event.data.get('title', event.data.get('action', ''))} was {verdict}"
            yield Sentence(f"{what} by {event.actor_label}: {event.data.get('said', '')}".strip(": "), "#timeline")
    if said[facts.PAUSED]:
        yield Sentence(f"The clock was stopped {formats.plural(said[facts.PAUSED], 'time')}.", "#timeline")
    if said[facts.BREACHED]:
        clocks = sorted({str(event.data.get("clock", "")) for event in events if event.type == facts.BREACHED})
        yield Sentence(f"Missed: {', '.join(clocks)}.", "#timeline")
    if said[facts.NOTED]:
        yield Sentence(f"{formats.plural(said[facts.NOTED], 'note')} from people who worked on it.", "#timeline")
    if said[facts.REOPENED]:
        yield Sentence(f"It was reopened {formats.plural(said[facts.REOPENED], 'time')}.", "#timeline")


def _around(case: Case) -> Iterator[Sentence]:
    if case.previous_id:
        page = reverse("exceptions:detail", args=[case.previous_id])
        yield Sentence(f"The same came up before, as EX-{case.previous_id}.", page)
    if case.status == Status.RESOLVED:
        return
    query = f"{reverse('exceptions:queue')}?reason={case.reason}"
    alike = Case.objects.still_open().filter(reason=case.reason).exclude(pk=case.pk)[:100].count()
    if alike:
        count = "100 or more" if alike == 100 else str(alike)
        yield Sentence(f"Open besides, for the same reason: {count}.", query)
