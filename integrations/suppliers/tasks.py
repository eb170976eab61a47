"""Asking partners and telling them that work is off: handlers of facts, delivered at least once by the outbox."""

from __future__ import annotations

from typing import Any

from core.errors import Permanent, Refusal, TryLater
from core.events import Fact
from integrations.models import Connection
from integrations.suppliers import registry
from integrations.suppliers.port import Answer
from inventory.models import ItemAlias
from orders.models import PartnerRequest, PartnerRequestStatus
from orders.services import partners

PAUSE_SECONDS = 120.0


def ask(fact: Fact) -> None:
    """partner.asked: send the request, and carry out what the partner answers at once. Safe to repeat.

    Without a connection a person passes it on. A paused one keeps the request waiting without spending attempts.
    """
    request = _request(fact)
    connection = _connection(request)
    if request.status != PartnerRequestStatus.REQUESTED or connection is None:
        return
    answer = registry.port(connection).ask(document(request, connection.code))
    partners.taken(request.uid)
    _carry_out(request, answer, connection)


def withdraw(fact: Fact) -> None:
    """partner.withdrawn: the partner need not do it. Safe to repeat."""
    request = _request(fact)
    connection = _connection(request)
    if request.told_withdrawn_at or connection is None:
        return
    why = str(fact.data.get("why") or "")
    if registry.port(connection).withdraw(str(request.uid), why):
        partners.took_note(request.uid)
    else:
        partners.left_already(request.uid, actor=connection.actor)


def document(request: PartnerRequest, system: str) -> dict[str, Any]:
    """The request as the partner reads it: its own codes for our articles where it has some."""
    work = request.fulfilment
    lines = list(work.lines.filter(quantity__gt=0).select_related("order_line", "item").order_by("pk"))
    theirs = dict(
        ItemAlias.objects.filter(system=system, item__in={line.item_id for line in lines})
        .order_by("-pk")
        .values_list("item_id", "code")
    )
    order = work.order
    return {
        "request": str(request.uid),
        "reference": work.number,
        "kind": "dropship" if work.method == "DROPSHIP" else "fulfilment",
        "account": work.location.partner_link.account_ref,
        "ship_from": work.location.code,
        "answer_by": request.answer_by.isoformat(),
        "ship_by": request.ship_by.isoformat(),
        "promise_by": order.promise_by and order.promise_by.isoformat(),
        "ship_to": order.ship_to or {},
        "phone": order.buyer_phone,
        "lines": [
            {
                "ref": line.order_line.ref,
                "sku": theirs.get(line.item_id, line.item.sku),
                "our_sku": line.item.sku,
                "gtin": line.item.gtin,
                "title": line.order_line.title,
                "quantity": line.quantity,
            }
            for line in lines
        ],
    }


def _carry_out(request: PartnerRequest, answer: Answer, connection: Connection) -> None:
    try:
        if answer.status == "accepted":
            partners.accept(
                request.uid, partner_ref=answer.partner_ref, sends_at=answer.sends_at, actor=connection.actor
            )
        elif answer.status == "rejected":
            partners.reject(request.uid, reason=answer.reason, said=answer.said, actor=connection.actor)
    except Refusal as no:
        # Taken back while the partner thought about it: it is told of that by the withdrawal.
        if no.code != "request_over":
            raise


def _request(fact: Fact) -> PartnerRequest:
    rows = PartnerRequest.objects.select_related("fulfilment__order", "fulfilment__location__partner_link")
    request = rows.filter(uid=fact.data["request"]).first()
    if request is None:
        raise Permanent(f"There is no request {fact.data['request']}.")
    return request


def _connection(request: PartnerRequest) -> Connection | None:
    connection = registry.connection_of(request.fulfilment.location.partner_link.connection_code)
    if connection is not None and connection.status != Connection.Status.ACTIVE:
        words = f"{connection.name} is {connection.status.lower()}."
        raise TryLater(words, seconds=PAUSE_SECONDS, spends_attempt=False)
    return connection
