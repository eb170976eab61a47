"""Rejected goods are still the customer's: they go back to them, or stay with their word, as ours or as scrap.

Every choice is for units of one inspection, once per key. What goes back waits for its parcel to be handed over; what
is collected at the counter is handed over at once. Consent is kept in the customer's words.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.db.models import Q, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from core.subjects import Subject
from exceptions.services import cases
from inventory.services.locking import retrying
from orders.models import LabelStatus
from orders.services import choosing
from returns import disposing
from returns import events as facts
from returns.models import (
    Acceptance,
    ChoiceKind,
    ChoiceStatus,
    Disposition,
    Inspection,
    RejectionChoice,
    ReturnRequest,
)
from returns.services import dispositions, labels, lifecycle, routes
from returns.services.labels import Option
from returns.services.lifecycle import ReturnDesk

WAITS = "returns.rejected_waits"


def left(inspection: Inspection) -> int:
    """Units of a rejected inspection about which nothing was agreed yet."""
    waiting = inspection.choices.filter(status=ChoiceStatus.WAITING).aggregate(n=Sum("quantity"))["n"] or 0
    return inspection.quantity - inspection.chosen - waiting


def stayed(return_id: int) -> dict[tuple[int, str], int]:
    """{(line, code of the place): units} of a return's rejected goods that are ours without money for them: kept or
    scrapped with the customer's word, or missing here. One query."""
    home = Sum("choices__quantity", filter=Q(choices__kind=ChoiceKind.BACK, choices__status=ChoiceStatus.DONE))
    seen = Inspection.objects.filter(line__request=return_id, verdict=Acceptance.REJECTED, chosen__gt=0)
    found: Counter[tuple[int, str]] = Counter()
    rows = seen.annotate(home=Coalesce(home, 0)).values_list("line_id", "location__code", "chosen", "home")
    for line, place, chosen, sent in rows.order_by("pk"):
        found[line, place] += chosen - sent
    return dict(+found)


def ways(rma: ReturnRequest, inspection: Inspection) -> list[Option]:
    """What carriers take them home for, the cheapest first. Reads only; empty where nobody knows the address."""
    weight = routes.grams([(inspection.line.item, max(left(inspection), 1))])
    there = routes.place_of(rma.sent_from)
    origin = choosing.origin(inspection.location)
    return labels.offered(labels.quotes(min(weight, labels.MOST_GRAMS), origin=origin, destination=there))


def give_back(
    inspection_id: int, *, quantity: int | None = None, service: str = "", by_hand: bool = False, key: str, actor: Actor
) -> RejectionChoice:
    """They go back to the customer: over the counter now (`by_hand`), or in a parcel of this service or the cheapest.

    Refusal("not_rejected"), ("nothing_left"), and what ordering a label refuses: an address that lacks something, no
    carrier that goes there.
    """

    def choose(desk: ReturnDesk, seen: Inspection, units: int) -> RejectionChoice:
        if by_hand:
            made = _made(seen, ChoiceKind.BACK, units, key, actor)
            _hand_over(desk, seen, made)
            return made
        grams = routes.grams([(desk.line(seen.line_id).item, units)])
        label = labels.to_customer(desk, seen.location, service=service, grams=grams)
        made = _made(seen, ChoiceKind.BACK, units, key, actor, label=label, cost=label.cost, currency=label.currency)
        _tell(desk, made)
        return made

    return _choose(inspection_id, quantity, key, ChoiceKind.BACK, choose, actor)


def keep(inspection_id: int, *, words: str, quantity: int | None = None, key: str, actor: Actor) -> RejectionChoice:
    """The customer doesn't want them: they are ours, and anything may become of them. No money goes back."""
    said = _said(words)

    def choose(desk: ReturnDesk, seen: Inspection, units: int) -> RejectionChoice:
        made = _made(seen, ChoiceKind.KEEP, units, key, actor, words=said)
        _done(desk, seen, made)
        return made

    return _choose(inspection_id, quantity, key, ChoiceKind.KEEP, choose, actor)


def scrap(inspection_id: int, *, words: str, quantity: int | None = None, key: str, actor: Actor) -> RejectionChoice:
    """The customer agreed to have them scrapped: they leave the ledger in this transaction."""
    said = _said(words)

    def choose(desk: ReturnDesk, seen: Inspection, units: int) -> RejectionChoice:
        made = _made(seen, ChoiceKind.SCRAP, units, key, actor, words=said)
        _done(desk, seen, made)
        _place(desk, seen, made, disposing.SCRAP, note=said)
        return made

    return _choose(inspection_id, quantity, key, ChoiceKind.SCRAP, choose, actor)


def handed_over(choice_id: int, *, actor: Actor) -> RejectionChoice:
    """Its parcel is with the carrier: the units are the customer's again, in the ledger too. Safe to repeat.

    Refusal("no_label") while its label isn't there, ("called_off").
    """

    def work() -> RejectionChoice:
        desk, made = _open(choice_id, actor)
        if made.status == ChoiceStatus.DONE:
            return made
        if made.status == ChoiceStatus.CANCELLED:
            raise Refusal("called_off", "That was called off.")
        if made.label is not None and made.label.status != LabelStatus.BOUGHT:
            raise Refusal("no_label", "Its label is not there yet.", status_now=made.label.status)
        _hand_over(desk, made.inspection, made)
        lifecycle.save(desk)
        return made

    return retrying(work)


def call_off(choice_id: int, *, actor: Actor) -> RejectionChoice:
    """It does not go back after all, while it is still here; its label is given back. Safe to repeat."""

    def work() -> RejectionChoice:
        desk, made = _open(choice_id, actor)
        if made.status == ChoiceStatus.CANCELLED:
            return made
        if made.status == ChoiceStatus.DONE:
            raise Refusal("done", "That has happened already.")
        if made.label is not None:
            labels.give_back(desk, made.label, "It is not sent back after all")
        made.move(ChoiceStatus.CANCELLED)
        _tell(desk, made)
        lifecycle.save(desk)
        return made

    return retrying(work)


# --- The pieces


def _choose(
    inspection_id: int, quantity: int | None, key: str, kind: str, choose: Any, actor: Actor
) -> RejectionChoice:  # fmt: skip
    if not 0 < len(key) <= 100 or not key.isprintable():
        raise Invalid([Problem("key", "required", "A key of 1 to 100 characters is needed.")], status=422)
    if quantity is not None and quantity < 1:
        raise Invalid([Problem("quantity", "range", "At least one unit.")], status=422)

    def work() -> RejectionChoice:
        found = Inspection.objects.filter(pk=inspection_id).values_list("line__request_id", flat=True).first()
        if found is None:
            raise Refusal("not_found", "No such inspection.", status=404)
        desk = lifecycle.open_return(found, actor=actor)
        if (known := RejectionChoice.objects.filter(key=key).first()) is not None:
            if (known.inspection_id, known.kind) != (inspection_id, kind) or quantity not in (None, known.quantity):
                raise Refusal("key_reused", "This key was used for other units.", key=key)
            return known
        seen = Inspection.objects.select_related("location", "line__item").get(pk=inspection_id)
        if seen.verdict != Acceptance.REJECTED:
            raise Refusal("not_rejected", "They were not rejected: they are ours.", verdict=seen.verdict)
        free = left(seen)
        units = free if quantity is None else quantity
        if not 0 < units <= free:
            raise Refusal("nothing_left", f"{free} rejected units are left, not {units}.", left=free, wanted=units)
        made: RejectionChoice = choose(desk, seen, units)
        lifecycle.save(desk)
        return made

    return retrying(work)


def _said(words: str) -> str:
    said = words.replace("\0", "").strip()[:500]
    if not said:
        raise Invalid(
            [Problem("words", "required", "Say what the customer agreed to, and how: the goods are theirs.")],
            status=422,
        )
    return said


def _made(seen: Inspection, kind: str, units: int, key: str, actor: Actor, **fields: Any) -> RejectionChoice:
    return RejectionChoice.objects.create(
        inspection=seen, line_id=seen.line_id, location_id=seen.location_id, kind=kind, quantity=units, key=key,
        decided_by=actor.label[:200], **fields,
    )  # fmt: skip


def _open(choice_id: int, actor: Actor) -> tuple[ReturnDesk, RejectionChoice]:
    found = RejectionChoice.objects.filter(pk=choice_id).values_list("line__request_id", flat=True).first()
    if found is None:
        raise Refusal("not_found", "No such choice.", status=404)
    desk = lifecycle.open_return(found, actor=actor)
    rows = RejectionChoice.objects.select_related("inspection__location", "inspection__line__item", "label__service")
    return desk, rows.get(pk=choice_id)


def _hand_over(desk: ReturnDesk, seen: Inspection, made: RejectionChoice) -> None:
    _done(desk, seen, made)
    _place(desk, seen, made, disposing.SEND_BACK)
    line = desk.line(seen.line_id)
    line.sent_back += made.quantity
    desk.note(facts.SENT_BACK, _told(desk, made))


def _done(desk: ReturnDesk, seen: Inspection, made: RejectionChoice) -> None:
    made.move(ChoiceStatus.DONE, done_at=timezone.now())
    seen.chosen += made.quantity
    seen.save(update_fields=["chosen"])
    _tell(desk, made)


def _place(desk: ReturnDesk, seen: Inspection, made: RejectionChoice, kind: str, note: str = "") -> None:
    """Its units become that: those nobody had placed first, then those that were put aside."""
    aside = Disposition.objects.filter(inspection=seen, kind=disposing.QUARANTINE).order_by("pk")
    todo = made.quantity
    sources: list[tuple[int | None, int]] = [(None, seen.left), *((each.pk, each.here) for each in aside)]
    for after, there in sources:
        units = min(todo, there)
        if units > 0:
            dispositions.place(
                desk, seen, kind, quantity=units, after=after, key=f"choice:{made.pk}:{after or 0}", note=note,
                agreed=True,
            )  # fmt: skip
            todo -= units
    if todo:
        raise Refusal("not_here", f"{todo} of them are not here any more.", missing=todo)


def _tell(desk: ReturnDesk, made: RejectionChoice) -> None:
    desk.note(facts.CHOSEN, _told(desk, made))


def _told(desk: ReturnDesk, made: RejectionChoice) -> dict[str, Any]:
    line = desk.line(made.line_id)
    return {
        "choice": made.pk, "inspection": made.inspection_id, "kind": made.kind, "status": made.status,
        "words": made.words, "cost": None if made.cost is None else str(made.cost), "currency": made.currency,
        "label": made.label_id, "tracking_number": made.label.tracking_number if made.label else "",
        "location": made.location_id,
        "lines": [{"line": line.pk, "order_line": line.order_line_id, "sku": line.sku, "quantity": made.quantity}],
    }  # fmt: skip


def tell_a_person(rma_subject: Subject, inspection: Inspection, actor: Actor) -> None:
    """Rejected goods wait for the customer's word: a case, until it is carried out."""
    words = f"{inspection.quantity} × {inspection.line.sku}: {inspection.note}"
    cases.open_(
        WAITS, rma_subject, summary=words[:200], site_id=inspection.location.site_id, units=inspection.quantity,
        actor=actor,
    )  # fmt: skip
