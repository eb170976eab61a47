"""/api/v1/orders/<number>/holds: what stops an order, who stops it, and who lets it go on."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import Http404, HttpResponse

from core.api import ApiView, idempotent, parse, reply
from orders.api.v1 import described, finding, shapes
from orders.api.v1.bodies import NewApproval, NewHold, NewVerdict
from orders.models import Hold, HoldType
from orders.services import approving, holds, risk


class Holds(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"GET": "orders:read", "POST": "orders:write"}

    @described.HOLDS
    def get(self, request: Any, number: str) -> HttpResponse:
        """All of them, those that ended included, newest first."""
        found = Hold.objects.filter(order=finding.order(request, number)).order_by("-pk")
        return reply({"items": [shapes.hold(hold) for hold in found]})

    @described.HOLD
    @idempotent()
    def post(self, request: Any, number: str) -> HttpResponse:
        """Hold it by hand; 409 when such a hold stands already or nothing is left to hold."""
        asked = parse(request, NewHold)
        found = finding.order(request, number)
        version = finding.seen_version(request, found)
        holds.place(
            found.pk,
            kind=asked.type,
            reason=asked.reason,
            blocks=asked.blocks,
            actor=request.auth.actor,
            version=version,
        )
        return finding.answer(request, number, status=201)


class OneHold(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"DELETE": "orders:write"}

    @described.LIFT
    @idempotent(required=False)
    def delete(self, request: Any, number: str, hold_type: str) -> HttpResponse:
        """Lift it; 409 while its own reason is still true. One that doesn't stand is lifted already."""
        if hold_type not in HoldType.values:
            raise Http404
        found = finding.order(request, number)
        version = finding.seen_version(request, found)
        note = request.GET.get("note", "").replace("\0", "")[:500]
        holds.release(found.pk, hold_type=hold_type, actor=request.auth.actor, version=version, note=note)
        return finding.answer(request, number)


class Approve(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"POST": "orders:approve"}

    @described.APPROVE
    @idempotent()
    def post(self, request: Any, number: str) -> HttpResponse:
        """Say yes to the order as it stands now; one that grows afterwards is held again."""
        asked = parse(request, NewApproval)
        found = finding.order(request, number)
        version = finding.seen_version(request, found)
        approving.approve(found.pk, kind=asked.kind, note=asked.note, actor=request.auth.actor, version=version)
        return finding.answer(request, number)


class Verdict(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"POST": "orders:judge"}

    @described.JUDGE
    @idempotent()
    def post(self, request: Any, number: str) -> HttpResponse:
        """Keep a provider's verdict on fraud; the rules look at it at once and hold the order or let it go."""
        said = parse(request, NewVerdict)
        found = finding.order(request, number)
        risk.judge(
            found.pk,
            provider=said.provider,
            level=said.level,
            score=said.score,
            reasons=said.reasons,
            actor=request.auth.actor,
        )
        return finding.answer(request, number)
