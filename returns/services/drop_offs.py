"""The place where a customer hands their parcel in: chosen among those a carrier named, kept, and printed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.actors import Actor
from core.errors import Refusal
from inventory.services.locking import retrying
from returns import events as facts
from returns.models import ReturnRequest, ReturnStatus
from returns.services import lifecycle


def choose(
    return_id: int, place: Mapping[str, Any] | None, *, version: int | None = None, actor: Actor
) -> ReturnRequest:
    """Keep the place, or none. Safe to repeat. Refusal("not_approved"), ("nothing_to_send")."""

    def work() -> ReturnRequest:
        desk = lifecycle.open_return(return_id, version=version, actor=actor)
        rma, chosen = desk.rma, dict(place or {})
        if rma.drop_off == chosen:
            return rma
        if rma.status != ReturnStatus.OPEN or rma.approved_at is None:
            raise Refusal("not_approved", f"{rma} is not approved, so nothing is handed in for it.")
        if chosen and not any(line.awaited for line in desk.lines):
            raise Refusal("nothing_to_send", f"Nothing of {rma} is still to come.")
        before = str(rma.drop_off.get("name") or "")
        rma.drop_off = chosen
        change = {"field": "drop_off", "before": before, "after": str(chosen.get("name") or "")}
        desk.note(facts.CHANGED, {"changes": [change]})
        return lifecycle.save(desk, fields=["drop_off"])

    return retrying(work)
