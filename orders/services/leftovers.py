"""What is in somebody's hands when work ends or shrinks after its picking: noted, so that it gets back."""

from __future__ import annotations

from collections.abc import Sequence

from core import live
from orders.models import COLLECTED_HERE, FulfilmentLine, FulfilmentPart, PutBack

TOPIC = "putbacks"
Picked = tuple[FulfilmentLine | FulfilmentPart, int, list[str]]


def picked(lines: Sequence[FulfilmentLine]) -> list[Picked]:
    """What was taken off the shelf for these lines so far; for `note`, once they have changed."""
    return [(slot, slot.picked, list(slot.codes)) for line in lines if line.fulfilment_id for slot in line.slots]


def note(before: Sequence[Picked]) -> None:
    """Remember the units that were picked and belong to no work any more.

    What waits on a ready shelf is not noted: the collection itself says what to take off it.
    """
    rows = []
    for slot, had, codes in before:
        line = slot if isinstance(slot, FulfilmentLine) else slot.fulfilment_line
        work = line.fulfilment
        if work is None or had <= slot.picked or (work.method in COLLECTED_HERE and hasattr(work, "collection")):
            continue
        rows.append(
            PutBack(
                location_id=line.location_id,
                fulfilment=work,
                item_id=slot.item_id,
                quantity=had - slot.picked,
                codes=codes[slot.picked :],
            )
        )
    if rows:
        PutBack.objects.bulk_create(rows)
        live.poke(TOPIC)
