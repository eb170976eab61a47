"""The case a failed message opens."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q
from django.urls import reverse

from core.actors import Actor
from exceptions import reasons
from exceptions.reasons import Action, Cell, Column, Context, Evidence, Opening, Reason, Row
from integrations import alike, documents, inbox, origins
from integrations.connection_reasons import CONNECTION_DOWN
from integrations.endings import REASON
from integrations.erp.reasons import ADJUSTMENT_REJECTED
from integrations.feed_reasons import FEED_BEHIND
from integrations.models import InboundMessage
from integrations.outgoing_reasons import DOCUMENT_REFUSED

Status = InboundMessage.Status


def register() -> None:
    for reason in (ADJUSTMENT_REJECTED, MESSAGE_FAILED, CONNECTION_DOWN, FEED_BEHIND, DOCUMENT_REFUSED):
        reasons.register(reason)
    origins.register()


def _still_failed(uid: str) -> bool:
    return InboundMessage.objects.filter(_standing(), pk=uid).exists()


def _standing() -> Q:
    """Failed, or failed before and in the middle of another try."""
    return Q(status=Status.FAILED) | (Q(status=Status.RECEIVED) & ~Q(failure_class=""))


def _all_failed() -> Iterable[str]:
    failed = InboundMessage.objects.filter(status=Status.FAILED).values_list("pk", flat=True)
    return (str(pk) for pk in failed.order_by("pk")[:10_000])


def _message(uid: str) -> InboundMessage | None:
    return InboundMessage.objects.select_related("connection__channel").defer("body").filter(pk=uid).first()


def _describe(uid: str) -> Opening | None:
    message = _message(uid)
    if message is None:
        return None
    return Opening(
        label=message.subject.label,
        title=f"{message.connection.name}: {message.get_failure_class_display()}",
        summary=message.reason,
        started_at=message.received_at,
    )


def _evidence(uid: str) -> list[Evidence]:
    message = _message(uid)
    if message is None:
        return []
    faults = [
        Row(
            (Cell(fault.get("path") or "the whole message", code=bool(fault.get("path"))), fault["message"]), hot=n == 0
        )
        for n, fault in enumerate(message.faults[:20])
    ]
    return [
        Evidence(f"Not understood: {message.get_failure_class_display()}", ("Where", "What is wrong"), faults),
        Evidence(
            "What arrived",
            (Column("Topic"), Column("Bytes", numeric=True), Column("Begins with")),
            [Row((message.topic or "none", f"{message.size:,}", Cell(_beginning(message), code=True)))],
        ),
    ]


def _beginning(message: InboundMessage) -> str:
    head = InboundMessage.objects.filter(pk=message.pk).values_list("body", flat=True).first() or b""
    return documents.first_characters(bytes(head[:1000]), 120) or "nothing"


def _context(uid: str) -> Context | None:
    message = _message(uid)
    if message is None:
        return None
    facts = [
        ("Connection", message.connection.name),
        ("Topic", message.topic or "none"),
        ("Delivery", message.external_id),
        ("Tries", str(message.attempts)),
    ]
    if message.waits_for:
        facts.append(("Waits for", message.waits_for))
    return Context(title=message.subject.label, subject=message.subject, facts=facts)


def _reprocess(uid: str, *, actor: Actor) -> str:
    result = inbox.reprocess(int(uid), actor=actor)
    if result.status == Status.FAILED:
        return f"It failed again: {result.reason}"
    return f"It is {Status(result.status).label.lower()} now."


def _preview_again(uid: str) -> list[tuple[str, str]]:
    message = InboundMessage.objects.get(pk=uid)
    return [("Read again from its stored bytes", message.subject.label), ("Tries so far", str(message.attempts))]


def _reprocess_alike(uid: str, *, actor: Actor) -> str:
    job = alike.start(int(uid), actor=actor)
    return f"{job.total} messages that failed alike are being tried again."


def _preview_alike(uid: str) -> list[tuple[str, str]]:
    family = alike.of(int(uid))
    return [("Messages that failed alike", str(family.count)), ("Alike means", family.words)]


def _page(uid: str) -> str | None:
    return reverse("integrations:message", args=[uid])


MESSAGE_FAILED = Reason(
    code=REASON,
    weightless="What a message is worth is not known before it is understood.",
    title="Message not understood",
    queue="integration",
    subject_kind="message",
    icon="webhook",
    severity=reasons.NORMAL,
    acknowledge_minutes=60,
    resolve_minutes=8 * 60,
    description="Something another system sent could not be understood or carried out. Its bytes are kept.",
    clears="The message goes through when it is tried again, or a person discards it with a reason.",
    predicate=_still_failed,
    evidence=_evidence,
    context=_context,
    standing=_all_failed,
    describe=_describe,
    actions=(
        Action(
            code="reprocess",
            title="Try again",
            detail="Once its cause is fixed: a mapping added, a product known, a translator corrected.",
            permission="integrations.reprocess_inboundmessage",
            run=_reprocess,
            lasting="What the message said has been carried out. Change what it made.",
            preview=_preview_again,
            primary=True,
        ),
        Action(
            code="reprocess_alike",
            title="Try all that failed alike",
            permission="integrations.reprocess_inboundmessage",
            run=_reprocess_alike,
            lasting="What the messages said has been carried out. Stop the job to keep the rest from it.",
            preview=_preview_alike,
            offered=lambda uid: alike.of(int(uid)).count > 1,
        ),
        Action(code="open", title="Open the message", href=_page),
    ),
)
