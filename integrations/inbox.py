"""Everything that comes in: stored once, understood later, never lost and never half done.

`accept` writes the raw bytes and answers; `process` claims one message, asks its vendor's pure translator what it means
and lets `effects` act on that in one transaction with the message's own end. What can't be understood is FAILED with a
class, a reason and a case; what speaks of an order nobody knows yet waits for it and is tried again when it arrives.
The broker is only a wake-up: `claim_due` finds every message by itself.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from core import correlation, live, spans
from core.actors import Actor
from core.errors import Invalid, NotYet, Refusal, TryLater
from integrations import aliases, arrivals, cutover, effects, endings, redaction, shadowing
from integrations.channels import registry
from integrations.channels.meaning import Meaning
from integrations.documents import clean
from integrations.failures import FailureClass, Fault, Unreadable
from integrations.models import Connection, InboundMessage
from inventory.services.locking import retrying

log = logging.getLogger(__name__)

Status = InboundMessage.Status
Verdict = InboundMessage.Verdict

LEASE_SECONDS = 60
MAX_ATTEMPTS = 8  # of a transient failure
MAX_BYTES = 10 * 1024 * 1024  # of one message that is worth reading; a connection may set its own `max_bytes`
PATIENCE = timedelta(hours=1)  # how long a message waits quietly for what it speaks of before it is a case


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a message stands after a try. RECEIVED means: not over, it will be tried again at its time."""

    message_id: int
    status: str
    reason: str = ""
    failure_class: str = ""
    order: str = ""
    snapshot: str = ""
    waits_for: str = ""


def accept(
    to: Connection, *, external_id: str, headers: Mapping[str, str], body: bytes, topic: str = "", verdict: str
) -> tuple[int, bool]:
    """Store one delivery; returns (message id, whether it is new). One statement, safe to race and to repeat.

    A delivery known by its external id is counted on the first one. Should it bring other bytes under the same id, they
    are kept too, as a message of their own.
    """
    digest = hashlib.sha256(body).hexdigest()
    row = _insert(to, clean(external_id)[:150] or f"sha256:{digest}", headers, body, digest, topic, verdict)
    if not row[1] and row[2] != digest:
        row = _insert(to, f"{clean(external_id)[:150]}#{digest[:32]}", headers, body, digest, topic, verdict)
    if row[1]:
        arrivals.wake_on_commit()
        live.poke("messages")
    return row[0], row[1]


def process(message_id: int) -> Outcome:
    """Try one message now and say how it stands. Safe to repeat and to race: only one caller works on it at a time.

    Never raises for anything the message holds. Nothing is done for a connection that is not active.
    """
    token = uuid4()
    claimed = _claim(token, message_id)
    if claimed:
        message = InboundMessage.objects.select_related("connection__channel").get(pk=message_id)
        with correlation.using(message.correlation_id):
            _work_on(message, token)
    return outcome(message_id)


def process_together(message_ids: Sequence[int]) -> None:
    """What `process` does for each of these, in their order, after one claim and one read for all of them.

    Each still succeeds or fails alone, in a transaction of its own. Send few: their lease runs from the claim.
    """
    token = uuid4()
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM_MANY, {"token": token, "ids": list(message_ids), "lease": LEASE_SECONDS})
        claimed = [row[0] for row in cursor.fetchall()]
    messages = InboundMessage.objects.select_related("connection__channel").in_bulk(claimed)
    for message_id in message_ids:
        if message := messages.get(message_id):
            with correlation.using(message.correlation_id):
                _work_on(message, token)


def process_due(limit: int = 100) -> int:
    """Work off what is due, oldest first; returns how many messages were tried."""
    tried = 0
    while tried < limit:
        due = arrivals.due(min(50, limit - tried))
        if not due:
            break
        for message_id in due:
            process(message_id)
        tried += len(due)
    return tried


def outcome(message_id: int) -> Outcome:
    row = InboundMessage.objects.values_list(
        "status", "reason", "failure_class", "result_kind", "result_label", "waits_for"
    ).get(pk=message_id)
    became = {"order": row[4] if row[3] == "order" else "", "snapshot": row[4] if row[3] == "snapshot" else ""}
    return Outcome(message_id, row[0], row[1], row[2], waits_for=row[5], **became)


def rehearse(message_id: int, body: bytes | None = None) -> Outcome:
    """What a try would come to now, by trying and taking all of it back; `body` is read in place of what is kept.

    Nothing is left behind and nobody is told. The locks of a real try are held for as long as it takes.
    """
    message = InboundMessage.objects.select_related("connection__channel", "edit").get(pk=message_id)
    content = message.content if body is None else body
    try:
        meaning = _read(message, content)
        if meaning.ignored:
            return Outcome(message_id, Status.IGNORED, meaning.ignored)
        with transaction.atomic():
            done = effects.carry_out(meaning.acts, message)
            transaction.set_rollback(True)
    except NotYet as wait:
        return Outcome(message_id, Status.RECEIVED, f"waits for {_spoken(wait.waits_for)}", waits_for=wait.waits_for)
    except (TryLater, DatabaseError) as error:
        return Outcome(message_id, Status.RECEIVED, str(error)[:300])
    except Exception as error:
        failed = _failure(error)
        if failed is None:
            log.exception("message.rehearsal_broke", extra={"message_id": message_id})
            failed = FailureClass.CONFLICT, (Fault("", f"Backroom stumbled over it ({type(error).__name__})"),)
        reason = Unreadable(failed[0], *failed[1]).reason or failed[0].label
        return Outcome(message_id, Status.FAILED, reason, failed[0].value)
    return Outcome(message_id, Status.PROCESSED if done.changed else done.idle_status, done.words, order=done.number)


def reprocess(message_id: int, *, actor: Actor) -> Outcome:
    """Try a failed or ignored message again, now. Refusal("nothing_to_reprocess") when it is neither."""
    endings.reopen(message_id, actor=actor)
    return process(message_id)


def _work_on(message: InboundMessage, token: UUID) -> None:
    told = {"backroom.connection": message.connection.code, "backroom.message": message.pk}
    try:
        with spans.span(f"process {message.topic or 'message'}", spans.CONSUMER, **told):
            _try(message, token)
    except endings.Fenced:
        log.warning("message.lease_lost", extra={"message_id": message.pk})


def _try(message: InboundMessage, token: UUID) -> None:
    try:
        if message.attempts > MAX_ATTEMPTS + 2:
            raise Unreadable(FailureClass.CONFLICT, Fault("", "every try ended with the death of its process"))
        _carry_out(message, token)
    except endings.Fenced:
        raise
    except NotYet as wait:
        _wait(message, token, wait)
    except (Unreadable, Refusal) as error:
        failed = _failure(error)
        if failed is None:
            _later(message, token, str(error), None)
            return
        endings.fail(message, token, *failed)
    except TryLater as later:
        _later(message, token, str(later), later.seconds)
    except DatabaseError as error:
        # A deadlock, a lost connection, a full disk: the message is as good as before. Its own data can't be at fault,
        # because the canonical check bounds every value.
        log.warning("message.database_error", extra={"message_id": message.pk, "error": type(error).__name__})
        _later(message, token, f"the database refused: {type(error).__name__}", None)
    except Exception as error:
        log.exception("message.broke", extra={"message_id": message.pk})
        words = f"Backroom stumbled over it ({type(error).__name__}); the log has the details under "
        endings.fail(message, token, FailureClass.CONFLICT, (Fault("", words + correlation.current()),))


def _failure(error: Exception) -> tuple[FailureClass, Sequence[Fault]] | None:
    """The class and faults of an error that trying again won't heal; None for any other."""
    if isinstance(error, Unreadable):
        return error.failure_class, error.faults
    if isinstance(error, Invalid):
        return FailureClass.BAD_VALUE, [Fault(p.path, p.message) for p in error.problems]
    if isinstance(error, Refusal) and error.status != 503:
        return FailureClass.CONFLICT, (Fault("", error.message),)
    return None


def _read(message: InboundMessage, content: bytes) -> Meaning:
    """What these bytes mean to the connection of the message. Pure but for the registry."""
    limit = int(message.connection.settings.get("max_bytes") or MAX_BYTES)
    if len(content) > limit:
        raise Unreadable(FailureClass.TOO_LARGE, Fault("", f"{len(content)} bytes; at most {limit} are read"))
    with aliases.reading_by(message.connection):
        return registry.get(message.connection.vendor).reader(message.connection)(message.topic, content)


def _carry_out(message: InboundMessage, token: UUID) -> None:
    meaning = _read(message, message.content)
    vendor = registry.get(message.connection.vendor)
    version = aliases.version_of(message.connection, vendor.mapping_version)
    if meaning.ignored:
        endings.ignore(message, token, meaning.ignored, mapping_version=version)
        return

    acts, shadowed = cutover.split(meaning.acts, message)

    def work() -> effects.Done:
        with transaction.atomic():  # also inside a caller's transaction it is all or nothing
            endings.fence(message, token)
            seen = shadowing.look(shadowed, message) if shadowed else ""
            done = effects.carry_out(acts, message)
            if seen and not done.changed:
                done.idle_status, done.words = Status.IGNORED, seen
            endings.done(message, token, done, mapping_version=version)
        return done

    arrivals.let_go(retrying(work).made_known, process)


def _wait(message: InboundMessage, token: UUID, wait: NotYet) -> None:
    """Park it: tried again when what it waits for arrives, and now and then in case that was missed."""
    if timezone.now() - message.received_at >= PATIENCE:
        give_up_waiting(message, token, wait.waits_for)
        return
    seconds = min(15 * 60, 5 * 4 ** min(message.attempts, 5))
    endings.postpone(message, token, seconds, reason=f"waits for {_spoken(wait.waits_for)}", waits_for=wait.waits_for)


def give_up_waiting(message: InboundMessage, token: UUID | None, waits_for: str) -> None:
    """Say that what the message speaks of is missing. It still goes on by itself should that arrive."""
    fault = Fault("", f"speaks of {_spoken(waits_for)}, which Backroom does not know")
    endings.fail(message, token, FailureClass.MISSING_REFERENCE, (fault,), waits_for=waits_for)


def _spoken(waits_for: str) -> str:
    kind, _, rest = waits_for.partition(":")
    channel, _, ref = rest.partition(":")
    return f"{kind} {ref} of {channel}" if ref else f"{kind} {rest}"


def _later(message: InboundMessage, token: UUID, words: str, seconds: float | None) -> None:
    if message.attempts >= MAX_ATTEMPTS:
        tries = f"{words} (after {message.attempts} tries)"
        endings.fail(message, token, FailureClass.CONNECTION, (Fault("", tries),))
        return
    endings.postpone(message, token, seconds if seconds is not None else arrivals.backoff(message.attempts), words)


def _claim(token: UUID, message_id: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"token": token, "id": message_id, "lease": LEASE_SECONDS})
        return cursor.rowcount == 1


def _insert(
    to: Connection, external_id: str, headers: Mapping[str, str], body: bytes, digest: str, topic: str, verdict: str
) -> tuple[int, bool, str]:
    values: dict[str, Any] = {
        "connection": to.pk,
        "external_id": external_id,
        "topic": clean(topic)[:100],
        "headers": json.dumps({clean(k): clean(v) for k, v in redaction.headers(headers).items()}),
        "body": body,
        "size": len(body),
        "sha256": digest,
        "verdict": verdict,
        "correlation_id": correlation.current(),
    }
    with connection.cursor() as cursor:
        cursor.execute(_ACCEPT, values)
        return cursor.fetchone()


_ACCEPT = """
INSERT INTO integrations_inboundmessage (
    connection_id, external_id, topic, headers, body, size, sha256, verdict, correlation_id, status, failure_class,
    reason, faults, waits_for, attempts, mapping_version, result_kind, result_uid, result_label, copies
) VALUES (
    %(connection)s, %(external_id)s, %(topic)s, %(headers)s, %(body)s, %(size)s, %(sha256)s, %(verdict)s,
    %(correlation_id)s, 'RECEIVED', '', '', '[]', '', 0, '', '', '', '', 0
)
ON CONFLICT (connection_id, external_id) DO UPDATE SET copies = integrations_inboundmessage.copies + 1
RETURNING id, (xmax = 0), sha256
"""

_CLAIM = """
UPDATE integrations_inboundmessage m
SET lease_token = %(token)s, attempts = m.attempts + 1,
    next_at = statement_timestamp() + make_interval(secs => %(lease)s)
WHERE m.id = (
    SELECT id FROM integrations_inboundmessage
    WHERE id = %(id)s AND status = 'RECEIVED'
        AND (lease_token IS NULL OR next_at <= statement_timestamp())
        AND connection_id IN (SELECT id FROM integrations_connection WHERE status = 'ACTIVE')
    FOR NO KEY UPDATE SKIP LOCKED
)
"""

_CLAIM_MANY = """
UPDATE integrations_inboundmessage m
SET lease_token = %(token)s, attempts = m.attempts + 1,
    next_at = statement_timestamp() + make_interval(secs => %(lease)s)
WHERE m.id IN (
    SELECT id FROM integrations_inboundmessage
    WHERE id = ANY(%(ids)s::bigint[]) AND status = 'RECEIVED'
        AND (lease_token IS NULL OR next_at <= statement_timestamp())
        AND connection_id IN (SELECT id FROM integrations_connection WHERE status = 'ACTIVE')
    ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
)
RETURNING m.id
"""
