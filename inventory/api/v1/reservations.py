"""/api/v1/reservations: hold units for a while, keep them longer, make them firm, give them back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from django.db.models import Case, CharField, F, Value, When
from django.db.models.functions import Now
from django.http import Http404, HttpResponse
from django.urls import reverse

from core.api import ApiView, idempotent, parse, reply
from core.errors import Refusal
from core.subjects import Subject
from inventory.api.v1 import names, words
from inventory.api.v1.bodies import Confirmation, Extension, NewReservation, Release
from inventory.models import Item, Location, Reservation, ReservationDemand
from inventory.services import kits, reservations
from inventory.services.reservations import Short, Want


class Reservations(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"POST": "reservations:write"}

    @words.HOLD
    @idempotent()
    def post(self, request: Any) -> HttpResponse:
        """Every line or none; 409 `not_enough_stock` says what is short."""
        asked = parse(request, NewReservation)
        names.may_speak_for(request.auth, asked.channel)
        items, locations = names.resolve(
            [(f"lines[{n}].sku", line.sku) for n, line in enumerate(asked.lines)],
            [(f"lines[{n}].location", line.location) for n, line in enumerate(asked.lines)],
            channel=asked.channel,
        )
        wants = [Want(line.ref, items[line.sku], locations[line.location], line.quantity) for line in asked.lines]
        held = reservations.hold(
            _uid(request, asked.demand),
            kits.explode(wants),
            kind="SOFT",
            ttl=timedelta(seconds=asked.ttl_seconds),
            actor=request.auth.actor,
        )
        if not held.ok:
            raise _short(held.short)
        where = reverse("api:v1:reservation", args=[asked.demand])
        return _answer(request, asked.demand, status=200 if held.replayed else 201, headers={"Location": where})


class OneReservation(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"GET": "reservations:read"}

    @words.READ_RESERVATION
    def get(self, request: Any, demand: str) -> HttpResponse:
        """What was promised and what became of it, exact at this moment."""
        return _answer(request, demand)


class Extend(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"POST": "reservations:write"}

    @words.EXTEND
    @idempotent()
    def post(self, request: Any, demand: str) -> HttpResponse:
        """Held from now for so long; never shorter than it was."""
        asked = parse(request, Extension)
        _find(request, demand)
        ttl = timedelta(seconds=asked.ttl_seconds)
        reservations.extend(_uid(request, demand), ttl=ttl, actor=request.auth.actor)
        return _answer(request, demand)


class Confirm(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"POST": "reservations:write"}

    @words.CONFIRM
    @idempotent()
    def post(self, request: Any, demand: str) -> HttpResponse:
        """Firm from now on: it no longer runs out."""
        asked = parse(request, Confirmation)
        _find(request, demand)
        cause = Subject("external order", asked.order[:64], asked.order) if asked.order else None
        reservations.confirm(_uid(request, demand), actor=request.auth.actor, cause=cause)
        return _answer(request, demand)


class GiveBack(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"POST": "reservations:write"}

    @words.RELEASE
    @idempotent()
    def post(self, request: Any, demand: str) -> HttpResponse:
        """All that is still held goes back to everybody."""
        asked = parse(request, Release)
        found = _find(request, demand)
        held = list(Reservation.objects.held().filter(demand=found).values_list("pk", flat=True))
        if held:
            reservations.release(
                [(pk, None) for pk in held],
                key=f"{found.demand_uid}:release",
                reason=asked.reason or "Given back by the caller",
                actor=request.auth.actor,
            )
        return _answer(request, demand)


def _uid(request: Any, demand: str) -> str:
    """Each client has demands of its own, so none can touch another's, or an order's."""
    return f"api:{request.auth.uid}:{demand}"[:120]


def _find(request: Any, demand: str) -> ReservationDemand:
    found = ReservationDemand.objects.filter(demand_uid=_uid(request, demand)).first()
    if found is None:
        raise Http404
    return found


def _answer(request: Any, demand: str, *, status: int = 200, headers: dict[str, str] | None = None) -> HttpResponse:
    found = _find(request, demand)
    ran_out = When(status="HELD", expires_at__lte=Now(), then=Value("EXPIRED"))
    rows = list(
        Reservation.objects.filter(demand=found)
        .annotate(now=Case(ran_out, default=F("status"), output_field=CharField()))
        .order_by("pk")
        .values("id", "ref", "item__sku", "location__code", "quantity", "now", "expires_at")
    )
    states = {row["now"] for row in rows}
    (whole,) = states if len(states) == 1 else ("HELD",) if "HELD" in states else ("ENDED",)
    ends = [row["expires_at"] for row in rows if row["now"] == "HELD" and row["expires_at"]]
    body = {
        "demand": demand,
        "kind": found.kind,
        "status": whole,
        "created_at": found.created_at,
        "expires_at": min(ends, default=None),
        "reservations": [
            {
                "id": row["id"],
                "ref": row["ref"],
                "sku": row["item__sku"],
                "location": row["location__code"],
                "quantity": row["quantity"],
                "status": row["now"],
            }
            for row in rows
        ],
    }
    return reply(body, status=status, headers=headers)


def _short(short: list[Short]) -> Refusal:
    skus = dict(Item.objects.filter(pk__in={s.item_id for s in short}).values_list("pk", "sku"))
    codes = dict(Location.objects.filter(pk__in={s.location_id for s in short}).values_list("pk", "code"))
    lines = [
        {"sku": skus[s.item_id], "location": codes[s.location_id], "wanted": s.wanted, "available": max(0, s.available)}
        for s in short
    ]
    return Refusal("not_enough_stock", "Not all of this is free. Nothing was held.", short=lines)
