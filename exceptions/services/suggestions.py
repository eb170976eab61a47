"""What to do about a case, by what worked before: proposed with its figures, decided once, and learnt from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from urllib.parse import urlencode

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from core import events
from core.actors import PERSON, Actor
from core.errors import Invalid, Problem, Refusal
from core.events import Fact
from exceptions import events as facts
from exceptions import reasons
from exceptions.models import (
    ActionCount,
    Case,
    Learnt,
    Outcome,
    ReasonHistory,
    Severity,
    Status,
    Suggestion,
    SuggestionStatus,
)
from exceptions.reasons import Action, Reason
from exceptions.services import learning, past
from exceptions.services.closing import about, subject_of
from exceptions.suggesting import Count, Curve, counts, likelihood, words
from exceptions.suggesting.counts import Ranked
from exceptions.suggesting.weights import Said
from exceptions.suggesting.words import Sentence

Features = dict[str, float]

VALUE_BANDS = ((50, "Worth less than 50"), (250, "Worth 50 to 250"), (1000, "Worth 250 to 1,000"))
LONGEST = 300


@dataclass(frozen=True, slots=True)
class Proposed:
    """One action with what speaks for it and against it, in figures."""

    action: Action
    ranked: Ranked
    speaks_for: tuple[Sentence, ...]
    speaks_against: tuple[Sentence, ...]


@dataclass(frozen=True, slots=True)
class Advice:
    """What history says of one case. `suggestion` is the row for the first action, where there is one."""

    proposed: Sequence[Proposed]
    breach: Sentence | None
    suggestion: Suggestion | None


def contexts(case: Case) -> dict[str, str]:
    """The contexts a case is in, the narrowest first, with their words."""
    found = {}
    if case.site_id is not None and case.site is not None:
        found[f"site:{case.site_id}"] = f"At {case.site.name}"
    if channel := case.data.get("channel"):
        found[f"channel:{channel}"] = f"On {channel}"
    band = next((n for n, (most, _) in enumerate(VALUE_BANDS) if case.value < most), len(VALUE_BANDS))
    found[f"value:{band}"] = VALUE_BANDS[band][1] if band < len(VALUE_BANDS) else "Worth 1,000 or more"
    found[f"severity:{case.severity}"] = f"Of {Severity(case.severity).label.lower()} severity"
    return found


def ranked(case: Case, reason: Reason, learnt: Mapping[str, Learnt], known: tuple[Features, int]) -> list[Ranked]:
    """The actions offered on this case that have a history, the surest first; `learnt` are the models in use."""
    places = contexts(case)
    rows = ActionCount.objects.filter(reason=case.reason, context__in=["", *places])
    counted = [count_of(row) for row in rows]
    if not counted:
        return []
    offered = [
        action.code
        for action in reason.actions
        if action.run is not None and (action.offered is None or action.offered(case.subject_uid))
    ]

    def said(action: str) -> Said | None:
        return learning.said(learnt[action], past.at_try(*known)) if action in learnt else None

    return counts.rank(counted, contexts=list(places), offered=offered, said=said)


def count_of(row: ActionCount) -> Count:
    """A stored count as the arithmetic wants it."""
    return Count(row.action, row.context, row.tried, row.worked, row.reopened, row.declined, row.seconds)


def advise(case: Case, *, now: datetime | None = None) -> Advice:
    """What history says; keeps the first action as the suggestion of this case unless one stands already."""
    reason = reasons.find(case.reason)
    if reason is None or case.status == Status.RESOLVED:
        return Advice((), None, None)
    places, learnt = contexts(case), learning.in_use(case.reason)
    known = past.of_case(case.pk) if learnt else ({}, 0)
    found = ranked(case, reason, learnt, known)
    proposed = [
        Proposed(
            reason.action(each.action),
            each,
            (*_modelled(case.reason, each, places), *words.speaks_for(each, places, partial(_rows, case.reason))),
            tuple(words.speaks_against(each, partial(_rows, case.reason))),
        )
        for each in found
    ]
    return Advice(
        proposed,
        _breach(case, now or timezone.now(), learnt.get(""), known[0]),
        _kept(case, found[0]) if found else None,
    )


def _rows(reason: str, count: Count) -> str:
    query = {"action": count.action} | ({"context": count.context} if count.context else {})
    return f"{reverse('exceptions:suggestion_runs', args=[reason])}?{urlencode(query)}"


def _modelled(reason: str, each: Ranked, places: Mapping[str, str]) -> Iterator[Sentence]:
    if each.said is not None:
        yield from words.modelled(each.said, places, f"{_page(reason)}#action-{each.action}", "ended for good")


def _page(reason: str) -> str:
    return reverse("exceptions:suggestions_of", args=[reason])


def _breach(case: Case, now: datetime, learnt: Learnt | None, known: Features) -> Sentence | None:
    row = ReasonHistory.objects.filter(pk=case.reason).first()
    whole = (case.resolve_by - case.started_at).total_seconds()
    if row is None or whole <= 0 or case.status != Status.OPEN:
        return None
    used = (now - case.started_at).total_seconds() / whole
    if learnt is not None and used < 1:
        features = known | past.progress(used, case.acknowledged_at is not None)
        if (by_model := learning.said(learnt, features)) is not None:
            return next(words.modelled(by_model, {}, f"{_page(case.reason)}#in-time", "missed their time"))
    said = likelihood(Curve(row.closed, row.missed, tuple(row.open_at)), used)
    if said is None:
        return None
    url = f"{reverse('exceptions:queue')}?{urlencode({'reason': case.reason, 'status': 'RESOLVED'})}"
    return Sentence(words.breach(*said, used=max(0.0, used)), url)


def _kept(case: Case, first: Ranked) -> Suggestion | None:
    """The standing suggestion of the case: the one there is while it proposes the same, else a new one."""
    standing = Suggestion.objects.filter(case=case, status=SuggestionStatus.PROPOSED).first()
    if standing is not None and standing.action == first.action:
        return standing
    if Suggestion.objects.filter(case=case, action=first.action, status=SuggestionStatus.OVERRIDDEN).exists():
        return standing  # it was said already that this is not right here
    deciding = first.deciding
    try:
        with transaction.atomic():
            if standing is not None:
                _decide(standing, SuggestionStatus.EXPIRED)
            return Suggestion.objects.create(
                case=case,
                reason=case.reason,
                action=first.action,
                context=deciding.context if first.said is None else "",
                trials=first.said.of if first.said else deciding.trials,
                held=first.said.good if first.said else deciding.held,
                probability=first.probability,
                low=first.low,
                by=first.by,
            )
    except IntegrityError:  # somebody else looked at the same moment
        return Suggestion.objects.filter(case=case, status=SuggestionStatus.PROPOSED).first()


@transaction.atomic
def not_right(case_id: int, *, why: str, actor: Actor) -> Suggestion:
    """A person says that what is suggested is not right here, and why. It counts against it from the next counting.

    Invalid without a reason of at least five letters; Refusal("nothing_suggested") 409 where nothing stands.
    """
    text = " ".join(why.split())[:LONGEST]
    if len(text) < 5:
        raise Invalid([Problem("why", "missing", "Say in a few words why it is not right here.")], status=422)
    if actor.kind != PERSON:
        raise Refusal("not_a_person", "Only a person can say so.", status=400)
    case = Case.objects.select_for_update(no_key=True).get(pk=case_id)
    standing = Suggestion.objects.filter(case=case, status=SuggestionStatus.PROPOSED).first()
    if standing is None:
        raise Refusal("nothing_suggested", "Nothing is suggested for this case now.")
    _decide(standing, SuggestionStatus.OVERRIDDEN, why_not=text, decided_by_id=int(actor.uid))
    data = {"action": standing.action, "why": text}
    events.record(facts.DECLINED, subject_of(case), actor=actor, data=data, related=about(case))
    return standing


def acted(event: Fact) -> None:
    """An action was carried out: the suggestion of its case was taken, or something else was done instead."""
    if not event.data.get("ok"):
        return
    standing = Suggestion.objects.filter(case=int(event.subject.uid), status=SuggestionStatus.PROPOSED).first()
    if standing is None:
        return
    person = int(event.actor.uid) if event.actor.kind == PERSON else None
    if event.data.get("action") == standing.action:
        _decide(standing, SuggestionStatus.ACCEPTED, decided_by_id=person)
    else:
        why = f"{event.data.get('title') or event.data.get('action')} was done instead"[:LONGEST]
        _decide(standing, SuggestionStatus.OVERRIDDEN, why_not=why, decided_by_id=person, instead=True)


def ended(event: Fact) -> None:
    """The case is over: what was accepted worked or not; what nobody decided on has expired."""
    case = Case.objects.filter(pk=event.subject.uid).first()
    if case is None:
        return
    for standing in Suggestion.objects.filter(case=case, status=SuggestionStatus.PROPOSED):
        _decide(standing, SuggestionStatus.EXPIRED)
    worked = case.status == Status.RESOLVED and case.outcome in {Outcome.FIXED, Outcome.CLEARED}
    last = Suggestion.objects.filter(case=case, status=SuggestionStatus.ACCEPTED).order_by("-pk").first()
    Suggestion.objects.filter(case=case, status=SuggestionStatus.ACCEPTED).update(worked=False)
    if last is not None:
        Suggestion.objects.filter(pk=last.pk).update(worked=worked)


def _decide(suggestion: Suggestion, status: str, **fields: object) -> None:
    Suggestion.objects.filter(pk=suggestion.pk, status=SuggestionStatus.PROPOSED).update(
        status=status, decided_at=timezone.now(), **fields
    )
