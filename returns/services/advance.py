"""What leaves before its goods are back: only against money that is held, for as long as it is held.

The new order waits until the hold stands. A hold that ends is asked for anew; one that can't be had, or isn't there
when it is due, is a case: somebody charges, waits or calls it off. Nothing is sent without.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from django.utils import timezone

from core.actors import SYSTEM, Actor
from core.errors import Refusal
from core.subjects import Subject
from exceptions.services import cases
from inventory.services.locking import retrying
from orders.models import HoldType, InstructionKind, InstructionStatus, PaymentInstruction
from orders.services import holds
from returns import events as facts
from returns.models import Exchange, ExchangeStatus
from returns.services import exchange_ends, exchange_holds, lifecycle
from returns.services.lifecycle import ReturnDesk

NOT_HELD = "returns.exchange_not_held"
RENEW = timedelta(hours=24)  # before its end a hold is asked for anew
WAIT_DAYS = 14
LIMIT = 200
NEVER_CAME = "The goods never came."


# --- What the payment's holder says


def follow(exchange_id: int, instruction_id: int, *, actor: Actor) -> None:
    """An instruction of the exchange was done, or failed. Safe to repeat."""

    def work() -> None:
        found = _open(exchange_id, actor)
        row = PaymentInstruction.objects.filter(pk=instruction_id).first()
        if found is None or row is None:
            return
        desk, made = found
        if row.kind == InstructionKind.AUTHORISE:
            _follow_hold(desk, made, row)
        elif row.kind == InstructionKind.CAPTURE and row.status == InstructionStatus.DONE:
            exchange_ends.move_charge(desk, made, ref=row.key, amount=row.amount)
        lifecycle.save(desk)
        if row.status in {InstructionStatus.FAILED, InstructionStatus.CANCELLED}:
            _tell(desk, made, row.failure or f"{row} was not done.")

    retrying(work)


def _follow_hold(desk: ReturnDesk, made: Exchange, row: PaymentInstruction) -> None:
    latest = exchange_holds.asked(made).filter(status=InstructionStatus.DONE).last()
    if latest is None or latest.pk != row.pk:  # not done, or heard of once more after another took its place
        return
    if made.status == ExchangeStatus.HELD:
        exchange_holds.let_go(made, why="It is held anew", but=row.provider_ref, actor=desk.actor)
        note = f"{row.amount} {row.currency} is held for it"
        holds.release(made.order_id, hold_type=HoldType.MANUAL, actor=desk.actor, note=note)
    else:  # it came when nobody wanted it any more
        exchange_holds.let_go(made, why=f"The exchange is {made.get_status_display().lower()}", actor=desk.actor)


# --- By the clock


def keep_held(*, actor: Actor = SYSTEM, now: datetime | None = None) -> int:
    """Ask anew for holds that end before their goods are due; returns how many were asked for."""
    at = now or timezone.now()
    return _each(Exchange.objects.filter(status=ExchangeStatus.HELD), partial(_keep_one, at=at, actor=actor))


def _keep_one(pk: int, *, at: datetime, actor: Actor) -> int:
    found = _open(pk, actor)
    if found is None or found[1].status != ExchangeStatus.HELD:
        return 0
    desk, made = found
    ends = [end for *_, end in exchange_holds.standing(made)]
    known = exchange_holds.asked(made).last()
    if not ends or max(ends) > at + RENEW or (known and known.status != InstructionStatus.DONE):
        return 0
    _hold_anew(desk, made)
    lifecycle.save(desk)
    return 1


def charge_overdue(*, actor: Actor = SYSTEM, now: datetime | None = None) -> int:
    """Take the holds of exchanges whose goods never came in time; returns how many. What isn't held is a case."""
    at = now or timezone.now()
    return _each(Exchange.objects.filter(status=ExchangeStatus.HELD, due_at__lt=at), partial(_charge_one, at, actor))


def _charge_one(at: datetime, actor: Actor, pk: int) -> int:
    found = _open(pk, actor)
    if found is None or found[1].status != ExchangeStatus.HELD or not found[1].due_at or found[1].due_at > at:
        return 0
    desk, made = found
    done = give_up(desk, made, NEVER_CAME)
    lifecycle.save(desk)
    return int(done)


def give_up(desk: ReturnDesk, made: Exchange, why: str) -> bool:
    """Its goods are not coming: charged where they left, called off where they didn't. Else a person decides."""
    if not exchange_ends.has_left(made):
        exchange_ends.call_off(desk, made, why)
        return True
    if exchange_ends.charge(desk, made, why):
        return True
    _tell(desk, made, f"{why} {exchange_ends.unpaid(made)} {made.currency} is not held for what was sent.")
    return False


def _each(rows: object, work: Callable[[int], int]) -> int:
    """One that can't be done doesn't keep the others from it."""
    done = 0
    for pk in rows.order_by("due_at").values_list("pk", flat=True)[:LIMIT]:  # type: ignore[attr-defined]
        try:
            done += retrying(partial(work, pk))
        except Refusal as no:
            found = Exchange.objects.select_related("request").get(pk=pk)
            cases.open_(NOT_HELD, found.request.subject, summary=no.message[:200], actor=SYSTEM)
    return done


# --- By a person


def hold_again(exchange_id: int, *, actor: Actor) -> PaymentInstruction:
    """Ask for the hold once more. Refusal("not_ahead") where it isn't one that goes ahead; what `authorise` refuses."""

    def work() -> PaymentInstruction:
        desk, made = _held(exchange_id, actor)
        row = _hold_anew(desk, made)
        lifecycle.save(desk)
        return row

    return retrying(work)


def charge_now(exchange_id: int, *, actor: Actor) -> Exchange:
    """Take what is held for it; where nothing is, it is held first and taken as soon as that stands."""

    def work() -> Exchange:
        desk, made = _held(exchange_id, actor)
        if not exchange_ends.has_left(made):
            raise Refusal("not_sent", "Nothing of it was sent: call it off, or wait for the goods.")
        if not exchange_ends.charge(desk, made, f"Charged by {actor.label}"):
            _hold_anew(desk, made)
            _due(made, timezone.now())
        lifecycle.save(desk)
        return made

    return retrying(work)


def wait(exchange_id: int, *, days: int = WAIT_DAYS, actor: Actor) -> Exchange:
    """Give the customer more time. What was not sent yet waits for the goods from now on, as any exchange does."""

    def work() -> Exchange:
        desk, made = _held(exchange_id, actor)
        if exchange_ends.has_left(made):
            _due(made, max(made.due_at or timezone.now(), timezone.now()) + timedelta(days=days))
        else:
            exchange_holds.let_go(made, why="It waits for the goods", actor=actor)
            made.move(ExchangeStatus.PLACED, advance=False, due_at=None)
            about = [(Subject("order", str(made.order_id), made.order.number), "replacement")]
            desk.note(facts.CHANGED, {"changes": [{"field": "exchange", "before": "sent ahead",
                                                   "after": "sent when the goods are back"}]}, about)  # fmt: skip
        lifecycle.save(desk)
        return made

    return retrying(work)


def call_off(exchange_id: int, *, actor: Actor) -> Exchange:
    """Cancel what has not left. Refusal("left_already") once any of it was sent: then it can only be charged."""

    def work() -> Exchange:
        desk, made = _held(exchange_id, actor)
        if exchange_ends.has_left(made):
            raise Refusal("left_already", f"{made.order.number} was sent: charge it, or wait for the goods.")
        exchange_ends.call_off(desk, made, f"Called off by {actor.label}")
        lifecycle.save(desk, fields=("refund_to",))
        return made

    return retrying(work)


# --- The pieces


def _open(exchange_id: int, actor: Actor) -> tuple[ReturnDesk, Exchange] | None:
    request_id = Exchange.objects.filter(pk=exchange_id).values_list("request_id", flat=True).first()
    if request_id is None:
        return None
    desk = lifecycle.open_return(request_id, actor=actor)
    return desk, Exchange.objects.select_related("order__channel", "request__order__channel").get(pk=exchange_id)


def _held(exchange_id: int, actor: Actor) -> tuple[ReturnDesk, Exchange]:
    found = _open(exchange_id, actor)
    if found is None:
        raise Refusal("not_found", "No such exchange.", status=404)
    if found[1].status != ExchangeStatus.HELD:
        raise Refusal("not_ahead", f"The exchange is {found[1].get_status_display().lower()}.")
    return found


def _hold_anew(desk: ReturnDesk, made: Exchange) -> PaymentInstruction:
    return exchange_holds.want(made, exchange_ends.unpaid(made) or made.worth, actor=desk.actor)


def _due(made: Exchange, at: datetime) -> None:
    made.due_at = at
    made.save(update_fields=("due_at",))


def _tell(desk: ReturnDesk, made: Exchange, why: str) -> None:
    cases.open_(
        NOT_HELD, desk.rma.subject, summary=why[:200], value=exchange_ends.unpaid(made) or made.worth,
        currency=made.currency, actor=desk.actor,
    )  # fmt: skip
