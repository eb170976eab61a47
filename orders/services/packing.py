"""Putting picked units into parcels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from inventory.services.locking import retrying
from orders import events as facts
from orders.models import COLLECTED_HERE, FulfilmentOrder, FulfilmentStatus, Package
from orders.services import lifecycle
from orders.services.work import open_work

MAX_PARCELS = 100
MAX_GRAMS = 2_000_000


@dataclass(frozen=True, slots=True)
class Parcel:
    """One parcel; its weight in grams, None when nobody weighed it."""

    weight_grams: int | None = None
    kind: str = ""


def pack(
    fulfilment_id: int, *, parcels: Sequence[Parcel] = (Parcel(),), version: int | None = None, actor: Actor
) -> FulfilmentOrder:
    """Everything picked is in these parcels. Refusal("collected_not_sent") for work that is collected here."""
    problems = [
        Problem(f"parcels[{n}].weight_grams", "range", f"must be 1 to {MAX_GRAMS} grams")
        for n, parcel in enumerate(parcels)
        if parcel.weight_grams is not None and not 1 <= parcel.weight_grams <= MAX_GRAMS
    ]
    if not 1 <= len(parcels) <= MAX_PARCELS:
        problems.append(Problem("parcels", "range", f"must be 1 to {MAX_PARCELS} parcels"))
    if problems:
        raise Invalid(problems)

    def work() -> FulfilmentOrder:
        w = open_work(fulfilment_id, version=version, actor=actor)
        if w.job.method in COLLECTED_HERE:
            raise Refusal("collected_not_sent", f"{w.job.number} is collected here, not sent.")
        w.move(FulfilmentStatus.PACKED, facts.PACKED, {"parcels": len(parcels)}, packed_at=timezone.now())
        Package.objects.bulk_create(
            [
                Package(fulfilment=w.job, sequence=n, weight_grams=parcel.weight_grams, kind=parcel.kind[:40])
                for n, parcel in enumerate(parcels, start=1)
            ]
        )
        lifecycle.save(w.desk)
        return w.job

    return retrying(work)
