"""The relay: brings recorded facts to their handlers, at least once, in order within a lane.

PostgreSQL is the record and the queue; the broker only says when to look. Whatever dies (a worker, the broker, this
process), what it held comes back when its lease ends.
"""

from __future__ import annotations

import logging
import math
import random
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from celery.exceptions import SoftTimeLimitExceeded
from django.db import connection, transaction
from django.db.models import Q

from core import correlation, events, in_hand, leases, metrics, spans, wake
from core.actors import SYSTEM, Actor
from core.errors import NotWanted, Permanent, Refusal, TryLater
from core.events import EventDraft, Subscription
from core.leases import Ending, Lease, Leased
from core.models import Delivery
from core.models.events import DeliveryStatus as Status
from core.subjects import Subject

log = logging.getLogger(__name__)

SLOW = "slow"
QUEUES = ("default", "outside", "webhooks", SLOW)
# Handlers of `default` only touch our own database; those of `outside` wait for somebody else's server. `webhooks` are
# apart from both: a receiver nobody here knows must not make a carrier's label wait. What calls a server that is slow
# moves to `slow` by itself (TryLater.queue), where one delivery at a time is taken and few workers go. Batches of what
# waits for others are small, because a call that hangs holds up the rest of its batch.
BATCH = {"default": 500, "outside": 5, "webhooks": 5, SLOW: 1}
WIDE = 8  # how many batches deep to look when the first one yields nothing
LEASE_SHARE = 0.8  # no new attempt starts after this much of a lease
FLUSH_SECONDS = 1.0  # a slow batch writes down what is done this often, so that a crash repeats little
BACKOFF_SECONDS, BACKOFF_LIMIT = 5.0, 3600.0
RETRY_AFTER_LIMIT = 24 * 3600.0
ERROR_LENGTH = 2000
PATIENCE = 20  # rounds in a row a hurried drain asks those that only wait

DEAD, REPLAYED, DISCARDED = "delivery.dead", "delivery.replayed", "delivery.discarded"


@dataclass(slots=True)
class Tally:
    """What a dispatch did. `lost` were finished by somebody else after our lease had ended; `deferred` are those of
    the `failed` that spent no attempt."""

    taken: int = 0
    delivered: int = 0
    failed: int = 0
    deferred: int = 0
    dead: int = 0
    superseded: int = 0
    released: int = 0
    lost: int = 0

    def add(self, other: Tally) -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


def backoff(attempts: int) -> float:
    """Seconds until the next attempt: full jitter below an exponentially growing bound."""
    return random.uniform(0, min(BACKOFF_LIMIT, BACKOFF_SECONDS * 2 ** min(attempts - 1, 30)))


def dispatch(
    queue: str, *, batch: int | None = None, seconds: float | None = None, until: float | None = None
) -> Tally:
    """Lease one batch for `seconds`, hand each delivery to its handler, write down how it ended.

    Never inside a transaction. No attempt starts after `until` (of time.monotonic); what was not tried goes back.
    """
    size = batch or BATCH.get(queue, 100)
    seconds = leases.SECONDS if seconds is None else seconds
    levels = _levels()
    started = time.monotonic()
    lease = leases.claim(queue, size, seconds=seconds, levels=levels)
    if not lease.lanes:  # nothing due, or the first `size` are blocked or in another dispatcher's hands: look further
        window = WIDE * size
        leases.park(queue, window, levels=levels)
        lease = leases.claim(queue, size, window=window, seconds=seconds, levels=levels)
    if not lease.lanes:
        return Tally()
    tally = _Dispatch(
        lease, queue=queue, stop_at=min(started + LEASE_SHARE * seconds, until or math.inf), levels=frozenset(levels)
    ).run()
    for outcome in ("delivered", "failed", "dead", "superseded", "lost"):
        metrics.DELIVERED.labels(outcome).inc(getattr(tally, outcome))
    return tally


def relay(queue: str, *, seconds: float) -> bool:
    """Dispatch batches of `queue` until nothing is due; True if so, False if `seconds` were up first."""
    stop_at = time.monotonic() + seconds
    while time.monotonic() < stop_at:
        if not dispatch(queue, until=stop_at).taken:
            return True
    return False


def drain(queue: str | None = None, limit: int | None = None, *, hurry: bool = False) -> Tally:
    """Dispatch until nothing is due any more, here and now; for the command line and for tests.

    `hurry` doesn't wait for the delay of a failed attempt; what waits for something else without spending attempts
    would be asked for ever, so it is left alone after PATIENCE rounds in which nothing else moved. Stops after about
    `limit` deliveries.
    """
    total, idle = Tally(), 0
    while idle < PATIENCE and (limit is None or total.taken < limit):
        if hurry:
            now = _now()
            Delivery.objects.filter(status=Status.PENDING, lease_token=None, next_at__gt=now).update(next_at=now)
        round_ = Tally()
        for each in (queue,) if queue else QUEUES:
            size = None if limit is None else max(1, min(BATCH.get(each, 100), limit - total.taken - round_.taken))
            round_.add(dispatch(each, batch=size))
        total.add(round_)
        idle = idle + 1 if round_.taken == round_.deferred + round_.released else 0
        if not round_.taken:
            break
    return total


def replay(
    delivery_ids: Iterable[int] | None = None, *, where: Q | None = None, actor: Actor, limit: int = 10_000
) -> int:
    """Deliver again, whatever became of it the first time; the event keeps its id. Returns how many.

    Rows in hand are left alone. Names the rows by id or by a condition on Delivery.
    """
    chosen = Delivery.objects.exclude(status=Status.PENDING)
    if delivery_ids is not None:
        chosen = chosen.filter(pk__in=list(delivery_ids))
    if where is not None:
        chosen = chosen.filter(where)
    if delivery_ids is None and where is None:
        raise ValueError("Say which deliveries to replay.")
    with transaction.atomic():
        rows = list(chosen.select_for_update(of=("self",)).order_by("pk")[:limit])
        Delivery.objects.filter(pk__in=[row.pk for row in rows]).update(
            status=Status.PENDING,
            attempts=0,
            next_at=_now(),
            lease_token=None,
            leased_until=None,
            finished_at=None,
            last_error="",
        )
        _freed(rows, REPLAYED, actor)
    return len(rows)


def discard(delivery_id: int, reason: str, *, actor: Actor) -> None:
    """Give a delivery up for good; its lane goes on. Safe to repeat.

    Refusal("delivery_is_over") when it has been delivered or superseded, Refusal("delivery_is_running") while a
    handler has it.
    """
    with transaction.atomic():
        row = Delivery.objects.select_for_update().get(pk=delivery_id)
        if row.status == Status.DISCARDED:
            return
        if row.status not in {Status.PENDING, Status.DEAD}:
            raise Refusal("delivery_is_over", f"This delivery is {row.status}.", status_now=row.status)
        if row.leased_until and row.leased_until > _now():
            raise Refusal("delivery_is_running", "A worker has this delivery in hand; try again in a minute.")
        Delivery.objects.filter(pk=row.pk).update(
            status=Status.DISCARDED,
            last_error=reason[:ERROR_LENGTH],
            finished_at=_now(),
            lease_token=None,
            leased_until=None,
        )
        _freed([row], DISCARDED, actor, reason=reason)


def _freed(rows: list[Delivery], type_: str, actor: Actor, **data: Any) -> None:
    leases.unpark([row.lane for row in rows])
    events.record_many(
        [EventDraft(type_, subject(row.pk, row.handler), actor, {"event": row.event_id, **data}) for row in rows]
    )
    for queue in {row.queue for row in rows}:
        wake.on_commit(queue)


def subject(delivery_id: int, handler: str) -> Subject:
    return Subject("delivery", str(delivery_id), handler)


class _Dispatch:
    """One lease being worked off."""

    def __init__(self, lease: Lease, *, queue: str, stop_at: float, levels: frozenset[str]):
        self.lease = lease
        self.queue = queue
        self.stop_at = stop_at
        self.levels = levels
        self.endings: list[Ending] = []
        self.deaths: dict[int, tuple[Leased, str]] = {}
        self.newest: dict[str, int] = {}
        self.tally = Tally(taken=len(lease))
        self.flushed_at = time.monotonic()
        self.interrupted = False
        self.moved: set[str] = set()  # queues that deliveries moved to
        # Only tests come here inside a transaction; there a handler's database error must not spoil the rest.
        self.nested = connection.in_atomic_block

    def run(self) -> Tally:
        with correlation.using(""):
            for lane in self.lease.lanes:
                if lane[0].handler in self.levels:
                    self._level(lane)
                else:
                    self._lane(lane)
        self._flush()
        for queue in self.moved:
            wake.now(queue)
        return self.tally

    def _level(self, lane: list[Leased]) -> None:
        self.newest[lane[-1].lane] = lane[-1].fact.seq
        self.tally.superseded += len(lane) - 1
        self._lane(lane[-1:])

    def _lane(self, lane: list[Leased]) -> None:
        """Hand over one lane's run in order; what comes after a failure goes back untried."""
        for n, delivery in enumerate(lane):
            now = time.monotonic()
            if self.interrupted or now > self.stop_at:
                self._release(lane[n:], 0.0)
                return
            if now - self.flushed_at > FLUSH_SECONDS:
                self._flush()
            ending = self._attempt(delivery)
            self.endings.append(ending)
            if ending.status != Status.DELIVERED:
                self._release(lane[n + 1 :], ending.delay)
                return

    def _release(self, deliveries: list[Leased], delay: float) -> None:
        self.tally.released += len(deliveries)
        self.endings += [Ending(d.id, Status.PENDING, delay=delay, unspent=True) for d in deliveries]

    def _attempt(self, delivery: Leased) -> Ending:
        known = events.subscription(delivery.handler)
        limit = known.max_attempts if known else 12
        if delivery.attempts > limit:
            return self._dead(delivery, "Every attempt ended with the death of its process.")
        try:
            self._hand_over(known, delivery)
        except TryLater as error:
            return self._failed(delivery, limit, error, seconds=error.seconds, unspent=not error.spends_attempt)
        except NotWanted as error:
            return Ending(delivery.id, Status.DISCARDED, _words(error))
        except Permanent as error:
            return self._dead(delivery, _words(error))
        except SoftTimeLimitExceeded as error:
            self.interrupted = True
            return self._failed(delivery, limit, error)
        except Exception as error:
            log.warning("delivery.failed", extra=_told(delivery), exc_info=True)
            return self._failed(delivery, limit, error)
        self.tally.delivered += 1
        return Ending(delivery.id, Status.DELIVERED)

    def _hand_over(self, known: Subscription | None, delivery: Leased) -> None:
        if known is None:
            raise TryLater(f"No handler called {delivery.handler} is wired here.")
        correlation.adopt(delivery.fact.correlation_id)
        uid = str(delivery.fact.uid)
        told = {"messaging.destination.name": self.queue, "backroom.fact": uid, "backroom.event": delivery.fact.type}
        with (
            in_hand.holding(uid, self.queue),
            spans.span(f"deliver {delivery.handler}", spans.CONSUMER, **told),
        ):  # fmt: skip
            if self.nested:
                with transaction.atomic():
                    known.handler(delivery.fact)
            else:
                known.handler(delivery.fact)

    def _failed(
        self, delivery: Leased, limit: int, error: Exception, *, seconds: float | None = None, unspent: bool = False
    ) -> Ending:
        if delivery.attempts >= limit and not unspent:
            return self._dead(delivery, f"{_words(error)} (attempt {delivery.attempts} of {limit})")
        self.tally.failed += 1
        self.tally.deferred += unspent
        delay = backoff(delivery.attempts)
        if seconds is not None:
            asked = min(max(seconds, 0.0), RETRY_AFTER_LIMIT)
            delay = asked + random.uniform(0, min(BACKOFF_SECONDS, asked / 10))
        queue = error.queue if isinstance(error, TryLater) else ""
        if queue:
            self.moved.add(queue)
        return Ending(delivery.id, Status.PENDING, _words(error), delay, unspent, queue)

    def _dead(self, delivery: Leased, words: str) -> Ending:
        self.tally.dead += 1
        self.deaths[delivery.id] = (delivery, words)
        return Ending(delivery.id, Status.DEAD, words)

    def _flush(self) -> None:
        """Write the endings down. A death and the fact that tells of it are one transaction."""
        endings, self.endings = self.endings, []
        deaths, self.deaths = self.deaths, {}
        newest, self.newest = self.newest, {}
        if deaths or newest:
            with transaction.atomic():
                ours = leases.finish(self.lease.token, endings)
                leases.supersede(newest)
                events.record_many([_death(*deaths[i]) for i in deaths if i in ours and _worth_telling(deaths[i][0])])
        else:
            ours = leases.finish(self.lease.token, endings)
        if len(ours) < len(endings):
            self.tally.lost += len(endings) - len(ours)
            log.warning("lease.lost", extra={"deliveries": len(endings) - len(ours)})
        self.flushed_at = time.monotonic()


def _death(delivery: Leased, words: str) -> EventDraft:
    fact = delivery.fact
    data = {
        "handler": delivery.handler,
        "event": fact.id,
        "type": fact.type,
        "attempts": delivery.attempts,
        "error": words,
    }
    about = [(fact.subject, "about")]
    return EventDraft(DEAD, subject(delivery.id, delivery.handler), SYSTEM, data, about)


def _worth_telling(delivery: Leased) -> bool:
    """A handler of deaths that dies itself is only counted: telling it again would never end."""
    return delivery.fact.type != DEAD


def _words(error: Exception) -> str:
    said = str(error).replace("\x00", "")
    return (
        said if isinstance(error, TryLater | Permanent | NotWanted) and said else f"{type(error).__name__}: {said}"
    )[:ERROR_LENGTH]


def _told(delivery: Leased) -> dict[str, Any]:
    return {"delivery": delivery.id, "handler": delivery.handler, "event_type": delivery.fact.type}


def _levels() -> list[str]:
    return events.level_handlers()


def _now() -> Any:
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        return cursor.fetchone()[0]
