"""Cases about work that suppliers and third parties do for us."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils import timezone

from core.actors import Actor
from exceptions import reasons
from exceptions.reasons import Action, Column, Evidence, Reason, Row
from orders.models import FulfilmentOrder, PartnerRequest, PartnerRequestStatus
from orders.reasons import shared, weights
from orders.services import partners, withdrawing

S = PartnerRequestStatus


def _request(uid: str) -> PartnerRequest | None:
    return PartnerRequest.objects.select_related("fulfilment__location").filter(fulfilment=int(uid)).first()


def _silent_rows() -> Any:
    return PartnerRequest.objects.unanswered().filter(answer_by__lt=timezone.now())


def _late_rows() -> Any:
    return PartnerRequest.objects.filter(status=S.ACCEPTED, ship_by__lt=timezone.now())


def _subjects(rows: Any) -> Iterable[str]:
    return [str(pk) for pk in rows.order_by("pk").values_list("fulfilment_id", flat=True)[: shared.SWEPT]]


def _units_wait(uid: str) -> bool:
    """Declined, and still no other node has the units."""
    return FulfilmentOrder.objects.filter(
        pk=int(uid), partner_request__status=S.REJECTED, lines__order_line__open__gt=0
    ).exists()


def _evidence(uid: str) -> Evidence:
    request = _request(uid)
    facts = []
    if request is not None:
        facts = [
            Row(("Asked of", request.fulfilment.location.name)),
            Row(("State", request.get_status_display()), hot=True),
            *(
                Row((title, f"{moment:%d %b %H:%M} UTC"))
                for title, moment in (
                    ("Asked", request.requested_at),
                    ("Taken by its system", request.sent_at),
                    ("Owes an answer by", request.answer_by),
                    ("Answered", request.answered_at),
                    ("Owes the dispatch by", request.ship_by),
                )
                if moment
            ),
            *([Row(("Why not", request.get_reason_display()))] if request.reason else []),
            *([Row(("In its words", request.said))] if request.said else []),
        ]
    return Evidence("What was asked of the partner", ("", Column("")), facts, empty="Nothing was asked of a partner.")


def _remind(uid: str, *, actor: Actor) -> str:
    request = _request(uid)
    if request is None:
        return "Nothing was asked of a partner."
    partners.ask_again(request.uid, actor=actor)
    return "It is asked once more."


def _take_back(uid: str, *, actor: Actor) -> str:
    withdrawing.cancel(int(uid), reason="The partner didn't do it", actor=actor)
    return "It is taken back and sourced elsewhere."


_TAKE_BACK = Action(
    code="take_back",
    title="Take it back",
    detail="Its units are sourced from other nodes; the partner is told that it is off.",
    permission="orders.cancel_fulfilment",
    run=_take_back,
    rehearsed=True,
    offered=lambda uid: FulfilmentOrder.objects.filter(pk=int(uid), status__in=["OPEN", "ACCEPTED"]).exists(),
    confirm="Take this work back from the partner?",
    lasting="The partner is told that it is off. Have its units sourced there again by taking them off their new node.",
)
_SHARED: dict[str, Any] = {
    "queue": "orders",
    "subject_kind": "fulfilment",
    "evidence": _evidence,
    "context": shared.work_context,
    "describe": shared.describe_work,
    "impact": weights.of_work,
}
REASONS = (
    Reason(
        code="orders.supplier_silent",
        title="A partner doesn't answer",
        icon="hourglass",
        severity=reasons.HIGH,
        acknowledge_minutes=30,
        resolve_minutes=2 * 60,
        description="A supplier or third party was asked to send something and has not answered in the agreed time.",
        clears="when it answers or the work is taken back",
        predicate=lambda uid: _silent_rows().filter(fulfilment=int(uid)).exists(),
        standing=lambda: _subjects(_silent_rows()),
        actions=(
            Action(
                code="remind",
                title="Ask again",
                detail="Sends the same request once more; it counts once.",
                permission="orders.work_fulfilment",
                run=_remind,
                rehearsed=True,
                lasting="A request that has gone out can't be called back; it counts once.",
                primary=True,
            ),
            _TAKE_BACK,
        ),
        **_SHARED,
    ),
    Reason(
        code="orders.supplier_late",
        title="A partner hasn't sent in time",
        icon="truck",
        severity=reasons.HIGH,
        acknowledge_minutes=60,
        resolve_minutes=4 * 60,
        description="A supplier or third party took work on and has not said that it left by the time it owes us.",
        clears="when it has left or is taken back",
        predicate=lambda uid: _late_rows().filter(fulfilment=int(uid)).exists(),
        standing=lambda: _subjects(_late_rows()),
        actions=(_TAKE_BACK,),
        **_SHARED,
    ),
    Reason(
        code="orders.supplier_rejected",
        title="Declined by a partner, and nobody else has it",
        icon="circle-x",
        severity=reasons.HIGH,
        acknowledge_minutes=30,
        resolve_minutes=4 * 60,
        description="A supplier or third party declined, and no other node has the units.",
        clears="when every unit has a node or is cancelled",
        predicate=_units_wait,
        **_SHARED,
    ),
    Reason(
        code="orders.sent_anyway",
        title="A partner sent what was taken back",
        icon="undo-2",
        severity=reasons.CRITICAL,
        acknowledge_minutes=30,
        resolve_minutes=4 * 60,
        description="Work was withdrawn from a partner, who sent it all the same: the customer may get it twice.",
        clears="when a person has settled it with the partner and the customer",
        **_SHARED,
    ),
)
