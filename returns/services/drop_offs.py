"""The place where a customer hands their parcel in: chosen among those a carrier named, kept, and printed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from core.actors import Actor
from core.errors import Refusal
from inventory.services.locking import retrying
from returns import events as facts
from returns.models import ReturnLabel, ReturnRequest, ReturnStatus
from returns.services import lifecycle


def named(carrier: str, names: Iterable[str]) -> bool:
    """Whether one of the names is the carrier's, or begins it: DHL takes what DHL Express carries."""
    return any(carrier.casefold().startswith(name.casefold()) for name in names if name)


def takes(place: Mapping[str, Any], *carriers: str) -> bool:
    """Whether parcels of that carrier, by any of its names, can be handed in there. Without a place anybody's can."""
    names = place.get("serves") or [place.get("carrier") or ""]
    return not any(names) or any(named(carrier, names) for carrier in carriers if carrier)


def require(place: Mapping[str, Any], *carriers: str) -> None:
    """Refusal("other_carrier") where a parcel of that carrier can't be handed in there."""
    if not takes(place, *carriers):
        words = f"{place.get('name')} takes parcels of {place.get('carrier')}, and none of {carriers[0]}."
        raise Refusal("other_carrier", f"{words} Choose a service of it, or another place.")


def choose(
    return_id: int, place: Mapping[str, Any] | None, *, version: int | None = None, actor: Actor
) -> ReturnRequest:
    """Keep the place, or none. Safe to repeat.

    Refusal("not_approved"), ("nothing_to_send"), ("other_carrier") where its label is of a carrier that isn't there.
    """

    def work() -> ReturnRequest:
        desk = lifecycle.open_return(return_id, version=version, actor=actor)
        rma, chosen = desk.rma, dict(place or {})
        if rma.drop_off == chosen:
            return rma
        if rma.status != ReturnStatus.OPEN or rma.approved_at is None:
            raise Refusal("not_approved", f"{rma} is not approved, so nothing is handed in for it.")
        if chosen and not any(line.awaited for line in desk.lines):
            raise Refusal("nothing_to_send", f"Nothing of {rma} is still to come.")
        label = ReturnLabel.objects.live().way_back().filter(request=rma).select_related("service").first()
        if label is not None:
            require(chosen, label.carrier, label.service.vendor_carrier if label.service else "")
        before = str(rma.drop_off.get("name") or "")
        rma.drop_off = chosen
        change = {"field": "drop_off", "before": before, "after": str(chosen.get("name") or "")}
        desk.note(facts.CHANGED, {"changes": [change]})
        return lifecycle.save(desk, fields=["drop_off"])

    return retrying(work)
