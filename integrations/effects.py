"""Carrying out what a message means, by calling the services that own it. Nothing is decided here."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from core import events
from core.errors import NotYet, Refusal
from core.subjects import Subject
from finance.models import FileStatus
from finance.services import settlements
from integrations import aliases, amending, codes, expecting, goods, masters, numbers, outgoing
from integrations import events as facts
from integrations.arrivals import order_key, payment_key
from integrations.channels.meaning import (
    Act,
    AmendOrder,
    AnswerRequest,
    AskFor,
    CancelOrder,
    ClaimNumber,
    FollowParcel,
    HearOfMoney,
    JudgeDocument,
    KeepMaster,
    LearnCodes,
    MoveGoods,
    PlaceOrder,
    RecordPayments,
    RecordRefund,
    SetAside,
    TakeReturn,
    TakeSettlement,
    TakeSnapshot,
)
from integrations.models import InboundMessage
from integrations.payments import hearing
from integrations.suppliers import answers
from inventory.models import StockSnapshot
from inventory.services import snapshots, sources
from orders.canonical import IncomingPayment
from orders.models import Channel, Payment
from orders.services import intake, payments, tracking
from returns.services import taking
from returns.services import tracking as back


@dataclass(slots=True)
class Done:
    """What came of it. `made_known` are the keys other messages may be waiting for."""

    changed: bool = False
    idle_status: str = InboundMessage.Status.DUPLICATE
    words: str = ""
    order_id: int | None = None
    number: str = ""
    snapshot: Subject | None = None
    moved: Subject | None = None  # the first movement of goods without an order
    kept: Subject | None = None  # the item, place or account whose master data it was
    made_known: list[str] = field(default_factory=list)


def carry_out(acts: Sequence[Act], message: InboundMessage) -> Done:
    """All of them or none: runs inside the caller's transaction. Raises NotYet when an order isn't known yet."""
    done = Done()
    for act in acts:
        _one(act, message, done)
    return done


def _one(act: Act, message: InboundMessage, done: Done) -> None:
    if isinstance(act, MoveGoods):
        posted = goods.move(aliases.moved(act, message.connection), message)
        done.moved = Subject("movement", str(posted.movement_ids[0]), act.ref)
        done.changed, done.words = True, ""
        return
    connection = message.connection
    if isinstance(act, LearnCodes):
        learnt = codes.learn(act, connection)
        done.changed, done.words = done.changed or learnt.new > 0, learnt.words
        return
    if isinstance(act, TakeSnapshot):
        _take(act, message, done)
        return
    if isinstance(act, KeepMaster):
        _keep(act, message, done)
        return
    if isinstance(act, AnswerRequest | JudgeDocument | ClaimNumber | AmendOrder):
        _of_document(act, message, done)
        return
    if isinstance(act, AskFor):
        data = {"connection": connection.code, "what": act.what, "ref": act.ref}
        events.record(facts.DOCUMENT_WANTED, message.subject, actor=connection.actor, data=data)
        done.changed = True
        return
    if isinstance(act, TakeReturn):
        _take_return(act, message, done)
        return
    if isinstance(act, SetAside | FollowParcel):
        _follow(act, message, done)
        return
    if isinstance(act, HearOfMoney):
        _hear(act, message, done)
        return
    if isinstance(act, TakeSettlement):
        _settle(act, message, done)
        return
    _placing(act, message, done)


def _settle(act: TakeSettlement, message: InboundMessage, done: Done) -> None:
    """Statements refused for what they say are processed: the books have a case of each."""
    connection = message.connection
    account = str(connection.settings.get("settlement_account") or "")
    taken = settlements.import_(
        act.provider, f"{message.external_id}.json", bytes(message.body), connection_uid=str(connection.pk),
        terms={"account": account} if account else None, actor=connection.actor,
    )  # fmt: skip
    done.changed = done.changed or not taken.known
    refused = taken.status == FileStatus.REFUSED
    done.words = "the books refuse this statement: see its case" if refused else "" if done.changed else "known already"


def _of_document(
    act: AnswerRequest | JudgeDocument | ClaimNumber | AmendOrder, message: InboundMessage, done: Done
) -> None:
    """What partners who write documents say: of work we asked for, of documents of ours, of orders of theirs."""
    connection = message.connection
    if isinstance(act, ClaimNumber):
        numbers.claim(act, message)
    elif isinstance(act, AmendOrder):
        amending.carry_out(act, message, lambda order: _placing(PlaceOrder(order), message, done))
    elif isinstance(act, JudgeDocument):
        known = outgoing.answer(connection, act.number, act.verdict, act.words)
        done.changed = done.changed or known
        done.words = act.words if known else f"it answers number {act.number}, which we never sent"
        if not known and not done.changed:
            done.idle_status = InboundMessage.Status.IGNORED
    elif act.coming and not answers.is_asked(act, connection):
        done.words, done.changed = expecting.expect(act, act.coming, connection), True
    else:
        done.order_id, done.number, done.changed = answers.carry_out(act, connection)
        done.words = "" if done.changed else "this was known already"


def _placing(
    act: PlaceOrder | CancelOrder | RecordRefund | RecordPayments, message: InboundMessage, done: Done
) -> None:
    """What the channel says of one order of its."""
    channel, actor, source = message.connection.channel, message.connection.actor, message.subject
    if channel is None:
        raise Refusal("no_channel", f"{message.connection.name} is not the connection of a channel.")
    if isinstance(act, PlaceOrder):
        act = aliases.placed(act, message.connection)
        placed = intake.place(act.order, channel=channel, actor=actor, source=source)
        done.made_known.append(order_key(channel.code, act.order.channel_ref))
        if act.order.po_number and act.order.po_number != act.order.channel_ref:
            done.made_known.append(order_key(channel.code, act.order.po_number))
        done.made_known += [key for payment in act.order.payments for key in _names(channel.code, payment)]
    elif isinstance(act, CancelOrder):
        try:
            placed = intake.cancel(channel, act.order_ref, actor=actor, reason=act.reason, at=act.at, source=source)
        except NotYet:  # it was never taken in, so there is nothing to take back
            done.idle_status = InboundMessage.Status.IGNORED
            done.words = f"order {act.order_ref} was cancelled before it was taken in"
            return
    elif isinstance(act, RecordRefund):
        placed = intake.refund(act.refund, channel=channel, actor=actor, source=source)
    else:
        ref = act.order_ref or _paid_with(act.of_payment, channel)
        placed = payments.record(
            ref, aliases.paid(act.payments, message.connection), channel=channel, actor=actor, source=source
        )
        done.made_known += [key for payment in act.payments for key in _names(channel.code, payment)]
    done.order_id, done.number = placed.order_id, placed.number
    if placed.outcome in {"created", "changed"}:
        done.changed = True
        done.words = ""
    elif not done.changed:
        stale = placed.outcome == "stale"
        done.idle_status = InboundMessage.Status.IGNORED if stale else InboundMessage.Status.DUPLICATE
        done.words = (
            f"not newer than what is known of order {placed.number}"
            if stale
            else f"order {placed.number} already says all of this"
        )


def _take_return(act: TakeReturn, message: InboundMessage, done: Done) -> None:
    connection = message.connection
    if connection.channel is None:
        raise Refusal("no_channel", f"{connection.name} is not the connection of a channel.")
    taken = taking.take(act.ret, channel=connection.channel, actor=connection.actor, source=message.subject)
    rma = taken.rma
    if rma.order is not None:
        done.order_id, done.number = rma.order_id, rma.order.number
    done.changed = done.changed or taken.changed
    done.words = "" if done.changed else f"return {rma.number} already says all of this"


def _names(channel: str, payment: IncomingPayment) -> list[str]:
    """What may wait for a payment: its own channel's messages, and its provider's by any name of it."""
    refs = {payment.ref, payment.parent_ref} - {""}
    return [payment_key(channel, payment.ref), *(payment_key("", ref) for ref in sorted(refs))]


def _paid_with(payment_ref: str, channel: Channel) -> str:
    """The order this payment was for. Raises NotYet while nobody knows."""
    paid = Payment.objects.filter(provider_ref=payment_ref, order__channel=channel).exclude(kind="refunded")
    ref = paid.values_list("order__channel_ref", flat=True).order_by("pk").first()
    if ref is None:
        raise NotYet(payment_key(channel.code, payment_ref))
    return ref


def _hear(act: HearOfMoney, message: InboundMessage, done: Done) -> None:
    heard = hearing.hear(act, message)
    done.order_id, done.number = heard.order_id, heard.number
    done.changed = done.changed or heard.changed
    done.words = "" if done.changed else heard.known
    if heard.left:
        done.idle_status = InboundMessage.Status.IGNORED


def _set_aside(body: bytes, message: InboundMessage, done: Done) -> None:
    """One item of a list as a message of its own, once: it waits or is refused with its reason, the others go in."""
    from integrations import inbox  # which imports this module

    external_id = f"{message.external_id[:120]}#{hashlib.sha256(body).hexdigest()[:24]}"
    inbox.accept(
        message.connection,
        external_id=external_id,
        headers={},
        body=body,
        topic=message.topic,
        verdict=message.verdict,
    )
    done.changed = True


def _follow(act: FollowParcel | SetAside, message: InboundMessage, done: Done) -> None:
    if isinstance(act, SetAside):
        _set_aside(act.body, message, done)
        return
    try:
        _record(act, message, done)
    except NotYet:
        if not act.alone:
            raise
        _set_aside(act.alone, message, done)


def _record(act: FollowParcel, message: InboundMessage, done: Done) -> None:
    """A parcel that goes out, else one that comes back. NotYet while it is neither."""
    followed: Any
    try:
        followed = tracking.record(act.tracking_number, act.scans, actor=message.connection.actor)
        done.order_id = followed.order_id
    except NotYet:
        followed = back.record(act.tracking_number, act.scans, actor=message.connection.actor)
    done.number = followed.number
    done.changed = done.changed or followed.new > 0
    done.words = "" if done.changed else f"the parcel {act.tracking_number} is known to be {followed.state} already"


def _keep(act: KeepMaster, message: InboundMessage, done: Done) -> None:
    kept = masters.keep(act, message)
    done.kept = kept.subject
    done.changed = done.changed or kept.changed
    done.words = kept.words
    if kept.stale:
        done.idle_status = InboundMessage.Status.IGNORED


def _take(act: TakeSnapshot, message: InboundMessage, done: Done) -> None:
    """A connection is a source of its own; its codes are looked up among the aliases of its channel, if it has one."""
    connection = message.connection
    kind = connection.kind if connection.kind in {"ERP", "WMS", "POS"} else "CHANNEL"
    source = sources.ensure(
        connection.code,
        name=connection.name,
        kind=kind,
        alias_system=connection.channel.code if connection.channel else connection.code,
        statuses=act.statuses,
        actor=connection.actor,
    )
    incoming = act.snapshot
    if incoming.as_of is None:
        # A document that names no moment is about the one it arrived at, however often it is tried again; the same
        # bytes tomorrow say something about tomorrow.
        incoming = replace(incoming, as_of=message.received_at, ref=f"message:{message.pk}")
    taken = snapshots.take(source, incoming, cause=message.subject, actor=connection.actor)
    snapshot = taken.snapshot
    done.snapshot = snapshot.subject
    done.words = _tally(snapshot)
    done.changed = done.changed or not taken.replayed


def _tally(snapshot: StockSnapshot) -> str:
    counts = [
        (snapshot.compared, "compared"),
        (snapshot.ignored, "left out as no stock level"),
        (snapshot.unresolved, "not understood yet"),
        (snapshot.refused, "refused"),
    ]
    said = ", ".join(f"{count} {words}" for count, words in counts if count)
    return f"{snapshot.number} of {snapshot.lines_total} lines: {said}"
