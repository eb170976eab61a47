"""Pure: what each tender of an order still holds, and which of them give a sum back, in the order they were taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

_ZERO = Decimal(0)
GIVES, TAKES = {"refunded", "capture_failed"}, {"refund_failed"}


@dataclass(frozen=True, slots=True)
class Event:
    """One money event as orders.Payment keeps it."""

    id: int
    kind: str
    ref: str
    parent_ref: str
    amount: Decimal
    currency: str
    gateway: str = ""


@dataclass(frozen=True, slots=True)
class Tender:
    """Money that was taken: `room` is what of it can still go back."""

    id: int
    ref: str
    parent_ref: str
    gateway: str
    amount: Decimal
    currency: str
    room: Decimal


@dataclass(frozen=True, slots=True)
class Part:
    tender: Tender
    amount: Decimal


def rooms(events: Iterable[Event], under_way: Mapping[int, Decimal], currency: str) -> list[Tender]:
    """The captures in order with what they still hold. What names no tender that is known comes off the first ones."""
    known = [event for event in events if event.currency == currency]
    held = [
        Tender(e.id, e.ref, e.parent_ref, e.gateway, e.amount, currency, e.amount - under_way.get(e.id, _ZERO))
        for e in known
        if e.kind == "captured"
    ]
    loose = _ZERO
    for event in known:
        sign = -1 if event.kind in GIVES else 1 if event.kind in TAKES else 0
        if sign:
            loose += _book(held, event, sign * event.amount)
    for parent, withheld in _withheld(known).items():
        loose += _book(held, replace(known[0], ref="", parent_ref=parent), -withheld)
    return _spread(held, loose)


def _withheld(events: Sequence[Event]) -> dict[str, Decimal]:
    """By tender, what banks hold back: a notice of dispute and its chargeback are the same money."""
    noticed: dict[str, Decimal] = {}
    taken: dict[str, Decimal] = {}
    given: dict[str, Decimal] = {}
    for event in events:
        of = {"disputed": noticed, "chargeback": taken, "reinstated": given}.get(event.kind)
        if of is not None:
            of[event.parent_ref] = of.get(event.parent_ref, _ZERO) + event.amount
    return {
        parent: left
        for parent in {*noticed, *taken}
        if (left := max(noticed.get(parent, _ZERO), taken.get(parent, _ZERO)) - given.get(parent, _ZERO)) > 0
    }


def _book(held: list[Tender], event: Event, change: Decimal) -> Decimal:
    """Change the tender the event speaks of; answers what of it names none."""
    names = {event.parent_ref, event.ref if event.kind == "capture_failed" else ""} - {""}
    matches = [n for n, tender in enumerate(held) if {tender.ref, tender.parent_ref} & names]
    # Several captures of one authorisation share its ref: the one named itself first, then whichever holds the most.
    matches.sort(key=lambda n: (held[n].ref not in names, -held[n].room))
    if not matches:
        return change
    best = held[matches[0]]
    held[matches[0]] = replace(best, room=best.room + change)
    return _ZERO


def _spread(held: list[Tender], loose: Decimal) -> list[Tender]:
    """Nothing below nothing: what one tender lacks, and what names none, comes off the others in order."""
    lacking = loose + sum((min(tender.room, _ZERO) for tender in held), _ZERO)
    found = []
    for tender in held:
        room = max(tender.room, _ZERO)
        off = min(room, -lacking) if lacking < 0 else _ZERO
        lacking += off
        found.append(replace(tender, room=room - off))
    return found


def split(amount: Decimal, tenders: Sequence[Tender]) -> list[Part]:
    """So much, from the first tender that holds anything on; less than asked for where they hold less."""
    parts = []
    for tender in tenders:
        taken = min(amount, tender.room)
        if taken > 0:
            parts.append(Part(tender, taken))
            amount -= taken
    return parts


def less(tenders: Sequence[Tender], amount: Decimal) -> list[Tender]:
    """The tenders after so much more went to none of them in particular."""
    return _spread(list(tenders), -amount)
