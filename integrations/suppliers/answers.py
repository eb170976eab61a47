"""A partner's answer, carried out by the service that owns the request. Nothing is decided here."""

from __future__ import annotations

from core.errors import NotYet
from integrations.channels.meaning import AnswerRequest
from integrations.models import Connection
from inventory.models import ItemAlias
from orders.models import PartnerRequest
from orders.services import partners


def carry_out(act: AnswerRequest, connection: Connection) -> tuple[int, str, bool]:
    """(order, its number, whether anything changed). A partner answers for its own locations alone.

    Raises NotYet for a request nobody knows, or of somebody else.
    """
    request = _request(act, connection)
    if request is None:
        raise NotYet(f"request:{connection.code}:{act.work or act.uid}")
    uid = request.uid
    actor, before = connection.actor, request.version
    if act.status == "accepted":
        after = partners.accept(uid, partner_ref=act.partner_ref, sends_at=act.sends_at, actor=actor)
    elif act.status == "rejected":
        after = partners.reject(uid, reason=act.reason, said=act.said, actor=actor)
    else:
        after = partners.ship(
            uid, lines=_lines(act, request) if act.work else act.lines, carrier=act.carrier, service=act.service,
            tracking_number=act.tracking_number, tracking_url=act.tracking_url, actor=actor,
        )  # fmt: skip
    order = request.fulfilment.order
    return order.pk, order.number, after.version != before or after.sent_anyway


def is_asked(act: AnswerRequest, connection: Connection) -> bool:
    return _request(act, connection) is not None


def _request(act: AnswerRequest, connection: Connection) -> PartnerRequest | None:
    rows = PartnerRequest.objects.filter(fulfilment__location__partner_link__connection_code=connection.code)
    rows = rows.filter(fulfilment__number=act.work) if act.work else rows.filter(uid=act.uid)
    return rows.select_related("fulfilment__order").first()


def _lines(act: AnswerRequest, request: PartnerRequest) -> tuple[tuple[str, int], ...]:
    """(line ref, units), where the partner named the article: its units go to the lines that want it, in their order.

    What is no article of this work stays as it was named: the service refuses it.
    """
    asked = list(request.fulfilment.lines.select_related("order_line", "item").order_by("pk"))
    aliases = ItemAlias.objects.filter(item__in={line.item_id for line in asked})
    codes: dict[str, set[int]] = {}
    for item, code in aliases.values_list("item_id", "code"):
        codes.setdefault(code, set()).add(item)
    left = {line.order_line.ref: line.quantity for line in asked}
    named: list[tuple[str, int]] = []
    for code, units in act.lines:
        mine = [line.order_line.ref for line in asked if code == line.order_line.ref] or [
            line.order_line.ref
            for line in asked
            if code in {line.item.sku, line.item.gtin, line.order_line.sku} or line.item_id in codes.get(code, ())
        ]
        rest = units
        for ref in mine:
            part = rest if ref == mine[-1] else min(rest, left[ref])
            left[ref] -= part
            rest -= part
            named.extend([(ref, part)] if part else [])
        named.extend([] if mine else [(code, units)])
    return tuple(named)
