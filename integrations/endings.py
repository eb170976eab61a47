"""How a try of a message ends: written with the holder's lease token, so a process that lost its lease changes nothing.

A failure opens its case in the same transaction; a failed message that goes through clears it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from core import events
from core.actors import Actor
from core.errors import Refusal
from core.subjects import Subject
from exceptions.services import cases
from integrations import aliases, arrivals
from integrations import events as facts
from integrations.channels import registry
from integrations.documents import clean
from integrations.effects import Done
from integrations.failures import FailureClass, Fault, Unreadable
from integrations.models import InboundMessage

Status = InboundMessage.Status
REASON = "integrations.message_failed"


class Fenced(Exception):
    """Somebody else has this message by now."""


def fence(message: InboundMessage, token: UUID) -> None:
    """Lock the message inside the caller's transaction; raises Fenced where the lease was lost."""
    held = InboundMessage.objects.select_for_update(no_key=True).filter(
        pk=message.pk, status=Status.RECEIVED, lease_token=token
    )
    if not held.exists():
        raise Fenced


def done(message: InboundMessage, token: UUID, what: Done, *, mapping_version: str) -> None:
    """It went through. Inside the transaction of its effects."""
    status = Status.PROCESSED if what.changed else what.idle_status
    became = (
        Subject("order", str(what.order_id), what.number) if what.order_id else what.snapshot or what.moved or what.kept
    )
    _end(
        message,
        token,
        status,
        reason=what.words,
        mapping_version=mapping_version,
        result_kind=became.kind if became else "",
        result_uid=became.uid if became else "",
        result_label=became.label if became else "",
    )


def ignore(message: InboundMessage, token: UUID, reason: str, *, mapping_version: str) -> None:
    """Understood, and nothing has to be done."""
    with transaction.atomic():
        _end(message, token, Status.IGNORED, reason=reason, mapping_version=mapping_version)


def fail(
    message: InboundMessage,
    token: UUID | None,
    failure_class: FailureClass,
    faults: Sequence[Fault],
    *,
    waits_for: str = "",
) -> None:
    """It can't be understood or carried out: say why, and open its case."""
    # A fault may quote the payload's own keys, which can hold what a database can't.
    faults = [Fault(clean(fault.path)[:300], clean(fault.message)[:1000], fault.wants) for fault in faults]
    reason = Unreadable(failure_class, *faults).reason or failure_class.label
    vendor = registry.find(message.connection.vendor)
    with transaction.atomic():
        _end(
            message,
            token,
            Status.FAILED,
            reason=reason,
            failure_class=failure_class,
            faults=[fault.kept for fault in faults],
            waits_for=waits_for,
            mapping_version=aliases.version_of(message.connection, vendor.mapping_version) if vendor else "",
        )
        events.record(
            facts.MESSAGE_FAILED,
            message.subject,
            actor=message.connection.actor,
            data={"failure_class": failure_class.value, "reason": reason[:500]},
        )
        cases.open_(
            REASON,
            message.subject,
            title=f"{message.connection.name}: {failure_class.label}",
            summary=reason,
            data={"failure_class": failure_class.value, "topic": message.topic, "connection": message.connection.code},
            actor=message.connection.actor,
            started_at=message.received_at,
        )


def postpone(message: InboundMessage, token: UUID, seconds: float, reason: str, *, waits_for: str = "") -> None:
    """Not now: try again in so many seconds, or when what it waits for arrives."""
    InboundMessage.objects.filter(pk=message.pk, status=Status.RECEIVED, lease_token=token).update(
        lease_token=None,
        next_at=timezone.now() + timedelta(seconds=seconds),
        reason=reason,
        waits_for=waits_for,
    )


@transaction.atomic
def reopen(message_id: int, *, actor: Actor) -> None:
    """Make a failed or ignored message due again. Refusal("nothing_to_reprocess") when it is neither."""
    message = _locked(message_id)
    if message.status not in {Status.FAILED, Status.IGNORED}:
        now = message.get_status_display().lower()
        words = f"Message {message_id} is {now}; only a failed or ignored one is tried again."
        raise Refusal("nothing_to_reprocess", words)
    message.move(Status.RECEIVED, attempts=0, next_at=Now(), lease_token=None, waits_for="")
    events.record(facts.MESSAGE_REPROCESSED, message.subject, actor=actor)
    arrivals.wake_on_commit()


@transaction.atomic
def discard(message_id: int, reason: str, *, actor: Actor) -> None:
    """Give a failed message up for good, with a person's reason. Clears its case."""
    if not reason.strip():
        raise Refusal("reason_needed", "Say why this message is not needed.", status=422)
    message = _locked(message_id)
    if message.status != Status.FAILED:
        raise Refusal("nothing_to_discard", f"Message {message_id} has not failed.")
    words = f"discarded by {actor.label}: {reason.strip()[:500]}"
    message.move(Status.IGNORED, reason=words, failure_class="", waits_for="", processed_at=Now())
    events.record(facts.MESSAGE_DISCARDED, message.subject, actor=actor, data={"reason": reason.strip()[:500]})
    cases.recheck(message.subject, cause=words, actor=actor)


def _locked(message_id: int) -> InboundMessage:
    locked = InboundMessage.objects.select_for_update(no_key=True).defer("body", "headers")
    return locked.select_related(None).get(pk=message_id)


def _end(message: InboundMessage, token: UUID | None, status: str, **fields: Any) -> None:
    """Leave RECEIVED, fenced by the token (None: the message must be nobody's)."""
    had_failed = bool(message.failure_class)
    changes: dict[str, Any] = {"failure_class": "", "faults": [], "waits_for": "", **fields}
    held = Q(lease_token=token) if token else Q(lease_token=None)
    changed = InboundMessage.objects.filter(held, pk=message.pk, status=Status.RECEIVED).update(
        status=status, lease_token=None, processed_at=Now(), **changes
    )
    if changed != 1:
        raise Fenced
    if had_failed and status != Status.FAILED:
        events.record(facts.MESSAGE_RECOVERED, message.subject, actor=message.connection.actor)
        cases.recheck(message.subject, cause="The message went through.", actor=message.connection.actor)
