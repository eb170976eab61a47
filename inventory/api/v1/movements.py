"""/api/v1/stock/movements: what happened to units, told by a till, a warehouse or a partner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db.models import Prefetch
from django.http import HttpResponse

from core.api import ApiView, idempotent, keyset, page_reply, parse, reply
from core.errors import Invalid, Problem
from core.subjects import Subject
from inventory.api.v1 import lists, names, words
from inventory.api.v1.bodies import MoveLine, NewMovements
from inventory.filters import LedgerFilter
from inventory.models import AdjustmentReason, LotStep, State, StockMovement
from inventory.services import kits, movements
from inventory.services.movements import Move

# type -> (where from, where to): a state outside, "state" (the line's, or this default), or a fixed state
_FROM = {"receive": State.SUPPLIER, "return": State.CUSTOMER, "found": State.FOUND}
_TO = {"issue": State.CUSTOMER, "missing": State.SHRINKAGE}
_NEEDS = {"move": "to_state", "transfer_out": "to_location", "found": "reason", "missing": "reason"}

_JOINED = ("item", "from_location", "to_location")


class Movements(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"GET": "stock:read", "POST": "stock:write"}

    @words.LEDGER
    def get(self, request: Any) -> HttpResponse:
        """A page of the ledger, newest first."""
        lists.known(request, LedgerFilter)
        rows = LedgerFilter(request.GET, StockMovement.objects.for_caller(request.auth), request=request).found()
        named = Prefetch("lots", LotStep.objects.select_related("lot").order_by("lot__code"))
        page = keyset(rows.select_related(*_JOINED).prefetch_related(named), request)
        return page_reply(request, page, _movement)

    @words.MOVE
    @idempotent()
    def post(self, request: Any) -> HttpResponse:
        """The document as a whole or not at all; 200 where its reference was posted before."""
        asked = parse(request, NewMovements)
        names.may_speak_for(request.auth, asked.channel)
        _require_fields(asked)
        lines = list(enumerate(asked.moves))
        items, locations = names.resolve(
            [(f"moves[{n}].sku", line.sku) for n, line in lines],
            [(f"moves[{n}].location", line.location) for n, line in lines]
            + [(f"moves[{n}].to_location", line.to_location) for n, line in lines if line.to_location],
            channel=asked.channel,
        )
        parts = kits.components(set(items.values()))
        moves = [
            move
            for line in asked.moves
            for move in _moves(line, items[line.sku], locations, parts.get(items[line.sku]))
        ]
        actor = request.auth.actor
        posted = movements.post(
            moves,
            key=f"api:{actor.uid}:{asked.reference}",
            cause=Subject("document", asked.reference, asked.reference),
            actor=actor,
            occurred_at=asked.occurred_at,
            note=asked.note,
        )
        body = {"reference": asked.reference, "movement_ids": posted.movement_ids, "replayed": posted.replayed}
        return reply(body, status=200 if posted.replayed else 201)


def _movement(row: StockMovement) -> dict[str, Any]:
    return {
        "id": row.pk,
        "sku": row.item.sku,
        "quantity": row.quantity,
        "from": {"location": row.from_location.code if row.from_location else None, "state": row.from_state},
        "to": {"location": row.to_location.code if row.to_location else None, "state": row.to_state},
        "units": [{"code": step.lot.code, "quantity": step.quantity} for step in row.lots.all()],
        "reason": row.reason or None,
        "cause": {"kind": row.cause_kind, "uid": row.cause_uid, "label": row.cause_label},
        "by": row.actor_label,
        "note": row.note,
        "compensates": row.compensates_id,
        "occurred_at": row.occurred_at,
        "recorded_at": row.recorded_at,
    }


def _require_fields(asked: NewMovements) -> None:
    problems = []
    for n, line in enumerate(asked.moves):
        needed = _NEEDS.get(line.type)
        for name in ("to_state", "to_location", "reason"):
            given = getattr(line, name) is not None
            if name == needed and not given:
                problems.append(Problem(f"moves[{n}].{name}", "required", f"{line.type} needs it."))
            if name != needed and given and not (name == "to_state" and line.type == "transfer_in"):
                problems.append(Problem(f"moves[{n}].{name}", "pointless", f"{line.type} knows nothing of it."))
        if line.type == "transfer_in" and line.state is not None:
            problems.append(Problem(f"moves[{n}].state", "pointless", "It comes from in transit; say to_state."))
    if problems:
        raise Invalid(problems[:50])


def _moves(
    line: MoveLine, item_id: int, locations: Mapping[str, int], parts: list[tuple[int, int]] | None
) -> list[Move]:
    """One move; of a kit that was sold or came back, one for each of its parts."""
    here = locations[line.location]
    origin: tuple[int | None, str] = (here, line.state or State.SELLABLE)
    target: tuple[int | None, str] = origin
    if line.type == "transfer_in":
        origin, target = (here, State.IN_TRANSIT_IN), (here, line.to_state or State.SELLABLE)
    elif line.type == "transfer_out" and line.to_location:
        target = (locations[line.to_location], State.IN_TRANSIT_IN)
    elif line.type == "move" and line.to_state:
        target = (here, line.to_state)
    elif line.type in _TO:
        target = (None, _TO[line.type])
    elif line.type in _FROM:
        back = line.type == "return" and line.state is None
        origin, target = (None, _FROM[line.type]), (here, State.AWAITING_INSPECTION) if back else origin
    units: dict[str, Any] = {"serials": line.serials, "lot": line.lot or "", "expires_on": line.expires_on}
    reason = AdjustmentReason(line.reason) if line.reason else ""
    if parts and line.type in {"issue", "return"} and not line.serials and not line.lot:
        return [Move(part, line.quantity * each, *origin, *target, reason) for part, each in parts]
    return [Move(item_id, line.quantity, *origin, *target, reason, **units)]
