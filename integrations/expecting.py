"""Ship notices of goods that nobody was asked to send to a customer: they come to us, so they are expected."""

from __future__ import annotations

import hashlib

from django.db.models import Q

from core.subjects import Subject
from integrations.aliases import system_of
from integrations.channels.meaning import AnswerRequest, ComingGoods
from integrations.failures import FailureClass, Fault, Unreadable, Wanted
from integrations.models import Connection
from inventory.models import Item, Location, LocationAlias
from inventory.services import inbound

UID_AT_MOST = 60


def expect(act: AnswerRequest, coming: ComingGoods, connection: Connection) -> str:
    """Say what comes, to where and until when; returns words. Safe to repeat: the notice's number is its cause.

    Raises Unreadable for a place, an article or a day nobody knows.
    """
    system = system_of(connection)
    faults: list[Fault] = []
    place = _place(coming.place, system)
    if place is None:
        words = f"goods come to {coming.place or 'no place'}, which is none of ours"
        faults.append(Fault("place", words, Wanted("LOCATION", coming.place)))
    if coming.due_at is None:
        faults.append(Fault("due_at", "nobody says when they arrive"))
    items = Item.objects.resolve({code for code, _ in act.lines}, system=system)
    items |= _by_gtin({code for code, _ in act.lines} - items.keys())
    unknown = sorted({code for code, _ in act.lines} - items.keys())
    faults += [Fault("lines", f"no item is called {code}", Wanted("ITEM", code)) for code in unknown]
    if place is None or coming.due_at is None or faults:
        raise Unreadable(FailureClass.MISSING_REFERENCE, *faults)
    lines = [inbound.Line(items[code], place, units) for code, units in act.lines]
    uid = f"{connection.code}:{coming.ref}"
    if len(uid) > UID_AT_MOST:
        uid = hashlib.sha256(uid.encode()).hexdigest()[:UID_AT_MOST]
    cause = Subject("ship_notice", uid, coming.ref)
    inbound.expect(cause, lines, due_at=coming.due_at, actor=connection.actor)
    return f"{sum(units for _, units in act.lines)} units are expected by {coming.due_at:%Y-%m-%d}"


def _place(code: str, system: str) -> int | None:
    if not code:
        return None
    theirs = LocationAlias.objects.filter(system=system, code=code).values_list("location_id", flat=True).first()
    return theirs or Location.objects.filter(Q(code=code) | Q(gln=code)).values_list("pk", flat=True).first()


def _by_gtin(codes: set[str]) -> dict[str, int]:
    """Articles by what is printed on them, where only one is meant."""
    rows = Item.objects.filter(gtin__in=codes - {""}).values_list("gtin", "pk").order_by("gtin")
    found = list(rows)
    return {gtin: pk for gtin, pk in found if sum(each == gtin for each, _ in found) == 1}
