"""A partner's answer, carried out by the service that owns the request. Nothing is decided here."""

from __future__ import annotations

from core.errors import NotYet
from integrations.channels.meaning import AnswerRequest
from integrations.models import Connection
from orders.models import PartnerRequest
from orders.services import partners


def carry_out(act: AnswerRequest, connection: Connection) -> tuple[int, str, bool]:
    """(order, its number, whether anything changed). A partner answers for its own locations alone.

    Raises NotYet for a request nobody knows, or of somebody else.
    """
    rows = PartnerRequest.objects.filter(
        uid=act.uid, fulfilment__location__partner_link__connection_code=connection.code
    )
    request = rows.select_related("fulfilment__order").first()
    if request is None:
        raise NotYet(f"request:{connection.code}:{act.uid}")
    actor, before = connection.actor, request.version
    if act.status == "accepted":
        after = partners.accept(act.uid, partner_ref=act.partner_ref, sends_at=act.sends_at, actor=actor)
    elif act.status == "rejected":
        after = partners.reject(act.uid, reason=act.reason, said=act.said, actor=actor)
    else:
        after = partners.ship(
            act.uid, lines=act.lines, carrier=act.carrier, service=act.service, tracking_number=act.tracking_number,
            tracking_url=act.tracking_url, actor=actor,
        )  # fmt: skip
    order = request.fulfilment.order
    return order.pk, order.number, after.version != before or after.sent_anyway
