"""Returns that channels bring: taken in once by their ref, and kept in step with what the channel says afterwards."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q

from core.actors import Actor
from core.errors import NotYet
from core.subjects import Subject
from inventory.services.locking import retrying
from orders.models import Channel, Order
from returns.eligibility import NOT_SENT
from returns.incoming import IncomingReturn
from returns.models import Reception, ReturnKind, ReturnRequest, ReturnStatus
from returns.services import labels, lifecycle, requests
from returns.services.asking import Asked, AskedLine

AGREED = frozenset({"approved", "closed"})


@dataclass(frozen=True, slots=True)
class Taken:
    rma: ReturnRequest
    changed: bool


def take(incoming: IncomingReturn, *, channel: Channel, actor: Actor, source: Subject | None = None) -> Taken:
    """What the channel says of one return. Safe to repeat: nothing that is so already is done again.

    NotYet while its order isn't known. A return the channel agreed to is agreed here; one it declined or called off
    ends here as far as its goods have not come.
    """
    known = ReturnRequest.objects.filter(channel=channel, channel_ref=incoming.ref).first()
    changed = known is None
    if known is None:
        known = _ask(incoming, channel, actor, source)
    changed |= _follow(known.pk, incoming, actor, source)
    if incoming.tracking_number:
        before = known.labels.count()
        labels.from_channel(
            known.pk, tracking_number=incoming.tracking_number, carrier=incoming.carrier, url=incoming.tracking_url,
            actor=actor,
        )  # fmt: skip
        changed |= known.labels.count() != before
    known.refresh_from_db()
    return Taken(known, changed)


def _ask(incoming: IncomingReturn, channel: Channel, actor: Actor, source: Subject | None) -> ReturnRequest:
    named = Q(channel_ref=incoming.order_ref) | Q(po_number=incoming.order_ref)
    rows = Order.objects.filter(named, channel=channel).exclude(channel_ref="")
    order = rows.order_by("-placed_at", "-pk").first() if incoming.order_ref else None
    if order is None and incoming.order_ref:
        raise NotYet(f"order:{channel.code}:{incoming.order_ref}")
    asked = Asked(
        kind=ReturnKind.EDI if incoming.edi else ReturnKind.CHANNEL,
        proof="ORDER" if order else "NONE",
        order_id=order.pk if order else None,
        channel_id=channel.pk,
        channel_ref=incoming.ref,
        channel_number=incoming.number,
        refund_to="ORIGINAL" if order else "STORE_CREDIT",
        agreed_by_channel=incoming.state in AGREED,
        promised_until=incoming.promised_until,
        asked_on=incoming.at,
        lines=tuple(
            AskedLine(
                quantity=line.quantity, line=line.line_ref, sku=line.sku, title=line.title, reason=line.reason,
                reason_text=line.reason_text, serials=line.serials, ref=line.ref,
            )
            for line in incoming.lines
            if line.quantity
        ),
    )  # fmt: skip
    return requests.request(asked, actor=actor, source=source)


def _follow(return_id: int, incoming: IncomingReturn, actor: Actor, source: Subject | None) -> bool:
    """Bring a known return to what the channel says; whether that changed anything."""

    def work() -> bool:
        desk = lifecycle.open_return(return_id, actor=actor, source=source)
        rma = desk.rma
        before = rma.version
        if incoming.state == "declined" and rma.waits_for_approval:
            requests.decline(return_id, reason=incoming.reason or "Declined at the channel", actor=actor)
        elif incoming.state == "cancelled" and _awaits(desk):
            requests.cancel(return_id, reason=incoming.reason or "Called off at the channel", actor=actor)
        elif incoming.state in AGREED and rma.waits_for_approval:
            if _not_sent(desk):
                return False
            requests.approve(return_id, override="The channel agreed to it", actor=actor)
        elif rma.status == ReturnStatus.OPEN:
            _fewer(desk, incoming)
        rma.refresh_from_db()
        return rma.version != before

    return retrying(work)


def sent(order_id: int, *, actor: Actor) -> None:
    """Something of the order left: returns that waited for just that, agreed to by their channel, are agreed. Safe to
    repeat; locks each return with its order."""
    waiting = ReturnRequest.objects.filter(order=order_id, status=ReturnStatus.OPEN, approved_at=None, rule=NOT_SENT)
    for return_id in waiting.order_by("pk").values_list("pk", flat=True):

        def work(return_id: int = return_id) -> None:
            desk = lifecycle.open_return(return_id, actor=actor)
            if desk.rma.waits_for_approval and not _not_sent(desk):
                requests.approve(return_id, override="The channel agreed to it, and it has left by now", actor=actor)

        retrying(work)


def _not_sent(desk: lifecycle.ReturnDesk) -> bool:
    """Whether it waits for goods of which nothing is known to have left."""
    lines = [line.order_line for line in desk.lines if line.order_line]
    return desk.rma.rule == NOT_SENT and any(not line.fulfilled for line in lines)


def _awaits(desk: lifecycle.ReturnDesk) -> bool:
    return desk.rma.status == ReturnStatus.OPEN and any(line.awaited for line in desk.lines)


def _fewer(desk: lifecycle.ReturnDesk, incoming: IncomingReturn) -> None:
    """Units the channel took off a line again are not awaited any more."""
    wanted = {line.ref: line.quantity for line in incoming.lines if line.ref}
    told = []
    for line in desk.lines:
        if not line.ref or line.ref not in wanted:
            continue
        surplus = min(line.quantity - line.gone - wanted[line.ref], line.awaited)
        if surplus > 0:
            line.gone += surplus
            if not line.awaited and not line.received and not line.kept:
                desk.receive_as(line, Reception.CANCELLED)
            told.append({"line": line.pk, "sku": line.sku, "quantity": surplus})
    if told:
        desk.note(lifecycle.facts.CANCELLED, {"reason": "Taken off the return at the channel", "lines": told})
        lifecycle.save(desk)
