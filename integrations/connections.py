"""Pausing and resuming connections, and what a page shows of them."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from core import events
from core.actors import Actor
from core.errors import Refusal
from core.subjects import Subject
from integrations import arrivals, breaker
from integrations import events as facts
from integrations.models import Connection

Status = Connection.Status


@transaction.atomic
def pause(connection_id: UUID, *, reason: str, actor: Actor) -> None:
    """Nothing is processed or sent for it any more; what arrives is kept. Safe to repeat."""
    if not reason.strip():
        raise Refusal("reason_needed", "Say why it is paused: others will want to know.", status=422)
    connection = _locked(connection_id)
    if connection.status == Status.PAUSED:
        return
    if connection.status == Status.DISABLED:
        raise Refusal("disabled", f"{connection.name} is disabled.")
    _set(connection, Status.PAUSED, reason.strip()[:300])
    events.record(facts.CONNECTION_PAUSED, subject(connection), actor=actor, data={"reason": reason.strip()[:300]})


@transaction.atomic
def resume(connection_id: UUID, *, actor: Actor) -> None:
    """Go on: what waited is processed, and its breaker starts afresh. Safe to repeat."""
    connection = _locked(connection_id)
    if connection.status == Status.DISABLED:
        raise Refusal("disabled", f"{connection.name} is disabled; an administrator can enable it.")
    breaker.reset(connection.pk)
    if connection.status == Status.ACTIVE:
        return
    _set(connection, Status.ACTIVE, "")
    events.record(facts.CONNECTION_RESUMED, subject(connection), actor=actor)
    arrivals.wake_on_commit()


def subject(connection: Connection) -> Subject:
    return Subject("connection", str(connection.pk), connection.name)


def _locked(connection_id: UUID) -> Connection:
    return Connection.objects.select_for_update(no_key=True, of=("self",)).get(pk=connection_id)


def _set(connection: Connection, status: str, reason: str) -> None:
    connection.status, connection.status_reason = status, reason
    connection.save(update_fields=["status", "status_reason", "updated_at"])
