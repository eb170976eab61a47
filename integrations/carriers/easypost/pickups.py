"""EasyPost's pickups: made, then bought, each once.

A pickup that was made and not bought costs nothing and nobody comes; its id is kept before it is bought, and one that
was bought without our hearing of it says "scheduled" when it is read again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from integrations.carriers.easypost.client import Refused, Rest
from integrations.carriers.port import Collection, Memory, Rejected, Voided
from integrations.failures import FailureClass

SCHEDULED, CANCELLED = "scheduled", "canceled"  # as EasyPost spells them


def book(
    rest: Rest, refs: Sequence[str], address: Mapping[str, Any], memory: Memory, *, since: datetime, until: datetime
) -> Collection:
    """Have these shipments fetched. Rejected in the carrier's words."""
    pickup = rest.get(f"pickups/{memory.ref}") if memory.ref else _make(rest, refs, address, since, until)
    kept = memory.keep(str(pickup["id"]))
    if kept != pickup["id"]:
        pickup = rest.get(f"pickups/{kept}")
    if pickup.get("status") != SCHEDULED:
        pickup = _buy(rest, pickup, memory)
    rates = sorted(pickup.get("pickup_rates") or (), key=_cost)
    cost, currency = (_cost(rates[0]), str(rates[0].get("currency") or "")) if rates else (None, "")
    return Collection(str(pickup["id"]), str(pickup.get("confirmation") or ""), cost, currency)


def cancel(rest: Rest, ref: str) -> Voided:
    """Cancel one; a pickup nobody bought, or that is cancelled already, is."""
    if not ref:
        return Voided(True, "Nothing had been booked.")
    try:
        pickup = rest.get(f"pickups/{ref}")
        if pickup.get("status") == SCHEDULED:
            pickup = rest.post(f"pickups/{ref}/cancel", {})
    except Refused as no:
        return Voided(False, no.message)
    status = str(pickup.get("status") or "")
    return Voided(status != SCHEDULED, "" if status != SCHEDULED else "The carrier comes all the same.")


def _make(
    rest: Rest, refs: Sequence[str], address: Mapping[str, Any], since: datetime, until: datetime
) -> dict[str, Any]:
    what: dict[str, Any] = {"shipment": {"id": refs[0]}}
    if len(refs) > 1:
        batch = rest.post("batches", {"batch": {"shipments": [{"id": ref} for ref in refs]}})
        what = {"batch": {"id": batch["id"]}}
    moments = {"min_datetime": since.isoformat(), "max_datetime": until.isoformat()}
    return rest.post("pickups", {"pickup": {**what, "address": address, **moments, "is_account_address": False}})


def _buy(rest: Rest, pickup: Mapping[str, Any], memory: Memory) -> dict[str, Any]:
    rates = sorted(pickup.get("pickup_rates") or (), key=_cost)
    if not rates:
        said = "; ".join(str(m.get("message") or "") for m in pickup.get("messages") or () if isinstance(m, dict))
        raise Rejected(FailureClass.BAD_VALUE, said[:400] or "No carrier offers to fetch these parcels then.")
    memory.still_wanted()
    wanted = {"carrier": rates[0]["carrier"], "service": rates[0]["service"]}
    try:
        return rest.post(f"pickups/{pickup['id']}/buy", wanted)
    except Refused:
        again = rest.get(f"pickups/{pickup['id']}")
        if again.get("status") == SCHEDULED:  # by a try that did not hear the answer
            return again
        raise


def _cost(rate: Mapping[str, Any]) -> Decimal:
    try:
        return Decimal(str(rate.get("rate") or 0)).quantize(Decimal("0.0001"))
    except InvalidOperation:
        return Decimal(0)
