"""Collected at the store instead of sent: ready, reminded, handed over in whole or in part, or never fetched."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone
from markupsafe import Markup

from core import qr
from core.actors import SYSTEM, Actor
from core.errors import Refusal
from inventory.models import Location
from inventory.services.locking import retrying
from orders import canonical, due, quantities
from orders import events as facts
from orders.models import (
    COLLECTED_HERE,
    Blocks,
    Collection,
    FulfilmentLine,
    FulfilmentOrder,
    FulfilmentStatus,
    IdCheck,
    Proof,
    StorePolicy,
)
from orders.services import holds, keeping, lifecycle, refunds_due
from orders.services.shipping import leave, leaving
from orders.services.withdrawing import free
from orders.services.work import Work, open_work

# No vowels, so that no word appears; nothing that is misheard or misread for something else.
ALPHABET = "2345679BCDFGHJKMNPQRSTVWXZ"
LENGTH = 6


@dataclass(frozen=True, slots=True)
class PickupCode:
    """What the customer shows: read out as `text`, or scanned from `qr` (an SVG)."""

    text: str
    qr: Markup


def code_of(fulfilment: FulfilmentOrder | int) -> PickupCode | None:
    """The code an order is handed over by; None before it is ready."""
    pk = fulfilment if isinstance(fulfilment, int) else fulfilment.pk
    code = Collection.objects.filter(fulfilment=pk).values_list("code", flat=True).first()
    return PickupCode(spaced(code), qr.svg(code, label=f"Pickup code {spaced(code)}")) if code else None


def spaced(code: str) -> str:
    """In two groups, as people read it out."""
    return f"{code[:3]} {code[3:]}"


def find(code: str, *, location_id: int) -> Collection | None:
    """The collection of a scanned or typed code at this place, or of its fulfilment order's or order's number."""
    text = "".join(canonical.clean(code).upper().split())
    rows = Collection.objects.filter(location=location_id).select_related("fulfilment__order")
    named = rows.filter(code=text).first() or rows.filter(fulfilment__number=text).first()
    return named or rows.filter(fulfilment__order__number=text).order_by("handed_over_at", "-pk").first()


def ready(fulfilment_id: int, *, shelf: str = "", version: int | None = None, actor: Actor) -> FulfilmentOrder:
    """Picked and waiting at the counter, at a place on the ready shelf if one is named. The customer may come."""

    def work() -> FulfilmentOrder:
        w = open_work(fulfilment_id, version=version, actor=actor)
        if w.job.method not in COLLECTED_HERE:
            raise Refusal("sent_not_collected", f"{w.job.number} is sent, not collected.")
        await_customer(w, w.job.location, shelf=shelf)
        lifecycle.save(w.desk)
        return w.job

    return retrying(work)


def await_customer(w: Work, place: Location, *, shelf: str = "") -> Collection:
    """The work is READY at `place` (its own, or the store it was sent to), with a code and a time to come by."""
    now, policy = timezone.now(), StorePolicy.of(place.pk)
    until = due.collect_by(now, keep_days=policy.keep_days, time_zone=place.time_zone)
    remind = until - timedelta(days=policy.remind_days) if policy.remind_days else None
    made = Collection.objects.create(
        fulfilment=w.job,
        location=place,
        code=_new_code(),
        shelf=_shelf(shelf),
        ready_at=now,
        collect_by=until,
        remind_at=remind if remind and remind > now else None,
    )
    w.move(
        FulfilmentStatus.READY,
        facts.READY,
        {"code": made.code, "shelf": made.shelf, "collect_by": until.isoformat()},
    )
    return made


def shelve(fulfilment_id: int, *, shelf: str, version: int | None = None, actor: Actor) -> FulfilmentOrder:
    """It stands at another place on the ready shelf. Safe to repeat."""

    def work() -> FulfilmentOrder:
        w = open_work(fulfilment_id, version=version, actor=actor)
        _require_ready(w)
        Collection.objects.filter(fulfilment=w.job).update(shelf=_shelf(shelf))
        w.touch()
        return w.job

    return retrying(work)


def hand_over(
    fulfilment_id: int,
    *,
    code: str = "",
    id_seen: bool = False,
    given_to: str = "",
    taken: Mapping[int, int] | None = None,
    keep_rest: bool = False,
    version: int | None = None,
    actor: Actor,
) -> FulfilmentOrder:
    """The customer has it. Channels and the ERP hear of it as of any other dispatch (`fulfilment.shipped`).

    `taken` says by fulfilment line how many units the customer takes (lines left out: all of them). What they leave
    goes back to stock, is cancelled, and is due to be refunded; or, with `keep_rest`, waits for them under a code of
    its own. Refusal("identity_needed") 422 where the store's policy asks for more than was shown, ("wrong_code") 422
    for another order's code, ("nothing_taken") 422.
    """

    def work() -> FulfilmentOrder:
        w = open_work(fulfilment_id, version=version, actor=actor)
        _require_ready(w)
        holds.require_free(w.desk, Blocks.SHIP)
        proof = _proof(w, code, id_seen)
        left = _left(w, taken or {})
        kept = keeping.keep(w, left) if left and keep_rest else None
        declined = _leave_behind(w, left) if left and not keep_rest else 0
        now = timezone.now()
        w.move(FulfilmentStatus.COLLECTED, facts.SHIPPED, leaving(w), shipped_at=now)
        Collection.objects.filter(fulfilment=w.job).update(
            handed_over_at=now, proof=proof, given_to=canonical.clean(given_to)[:120], declined=declined
        )
        if kept is not None:
            keeping.await_again(w, kept, code=_new_code())
        Collection.objects.filter(fulfilment=w.job).update(remind_at=None)
        leave(w)
        return w.job

    return retrying(work)


def uncollected(
    fulfilment_id: int, *, reason: str = "Not collected", version: int | None = None, actor: Actor
) -> FulfilmentOrder:
    """Nobody came, or nobody wants it: the units are free again and off the order, and what was paid is due back."""

    def work() -> FulfilmentOrder:
        w = open_work(fulfilment_id, version=version, actor=actor)
        units = {line.order_line_id: line.quantity for line in w.lines}
        w.move(FulfilmentStatus.UNCOLLECTED, facts.UNCOLLECTED, {"reason": reason}, ended_reason=reason[:255])
        free(w, reason)
        Collection.objects.filter(fulfilment=w.job).update(remind_at=None)
        w.desk.order.cancel_reason = w.desk.order.cancel_reason or reason[:255]
        _take_off(w, units, why=f"{w.job.number} was not collected" if reason == "Not collected" else reason)
        lifecycle.save(w.desk)
        return w.job

    return retrying(work)


def put_back(fulfilment_id: int, *, actor: Actor) -> None:
    """What nobody wanted is back on its own shelf, says the person who carried it. Safe to repeat."""
    Collection.objects.to_put_back().filter(fulfilment=fulfilment_id).update(
        put_back_at=timezone.now(), put_back_by=actor.label[:200]
    )


def sweep(*, limit: int = 200, actor: Actor = SYSTEM) -> tuple[int, int]:
    """Remind customers and take back what nobody fetched in time; returns how many of each. For a timer."""
    now = timezone.now()
    waiting = Collection.objects.waiting()
    soon = waiting.filter(remind_at__lte=now, collect_by__gt=now).order_by("remind_at")
    reminded = sum(_remind(pk) for pk in soon.values_list("fulfilment_id", flat=True)[:limit])
    over = waiting.filter(collect_by__lte=now).order_by("collect_by").values_list("fulfilment_id", flat=True)
    ended = 0
    for pk in over[:limit]:
        try:
            uncollected(pk, actor=actor)
            ended += 1
        except Refusal:  # somebody was faster: handed over or cancelled meanwhile
            continue
    return reminded, ended


def _remind(fulfilment_id: int) -> bool:
    def work() -> bool:
        w = open_work(fulfilment_id, version=None, actor=SYSTEM)
        due_now = Collection.objects.waiting().filter(fulfilment=w.job, remind_at__lte=timezone.now())
        waiting = due_now.first()
        if waiting is None:
            return False
        Collection.objects.filter(pk=waiting.pk).update(remind_at=None)
        told = {"code": waiting.code, "collect_by": waiting.collect_by.isoformat()}
        w.desk.note_work(facts.COLLECT_SOON, w.job, told)
        lifecycle.announce(w.desk)
        return True

    return retrying(work)


def _require_ready(w: Work) -> None:
    if w.job.status != FulfilmentStatus.READY:
        raise Refusal(
            "not_ready",
            f"{w.job.number} is {w.job.get_status_display().lower()}, not ready to collect.",
            status_now=w.job.status,
            version=w.job.version,
        )


def _proof(w: Work, code: str, id_seen: bool) -> str:
    """How the person showed that it is theirs; refuses what the store's policy does not accept."""
    waiting = Collection.objects.get(fulfilment=w.job)
    text = "".join(code.upper().split())
    if text and text != waiting.code:
        raise Refusal("wrong_code", f"{code.strip()[:20]} is not the code of {w.job.number}.", status=422)
    check = StorePolicy.of(waiting.location_id).id_check
    if not id_seen and (check == IdCheck.ALWAYS or (check == IdCheck.WITHOUT_CODE and not text)):
        words = "an identity document" if text or check == IdCheck.ALWAYS else "the code or an identity document"
        raise Refusal("identity_needed", f"Ask for {words} first.", status=422, id_check=check)
    if text:
        return Proof.BOTH if id_seen else Proof.CODE
    return Proof.ID if id_seen else Proof.NONE


def _left(w: Work, taken: Mapping[int, int]) -> list[tuple[FulfilmentLine, int]]:
    """The lines, and how many units of each, that the customer does not take now."""
    left = []
    for line_id, kept in taken.items():
        line = w.line(line_id)
        if not 0 <= kept <= line.quantity:
            raise Refusal("not_there", f"Between 0 and {line.quantity} units of it can be taken.", status=422)
        if 0 < kept < line.quantity and any(slot.codes for slot in line.slots):
            raise Refusal("name_needed", "Units told apart by serial or lot are taken all or none.", status=422)
        if kept < line.quantity:
            left.append((line, line.quantity - kept))
    if left and sum(n for _, n in left) == w.units:
        raise Refusal("nothing_taken", "Nothing is taken: say that it is not wanted instead.", status=422)
    return left


def _leave_behind(w: Work, left: list[tuple[FulfilmentLine, int]]) -> int:
    """Take off the work what the customer does not want; returns the units."""
    units = {line.order_line_id: n for line, n in left}
    for line, n in left:
        w.desk.line(line.order_line_id).allocated -= n
        w.desk.line(line.order_line_id).open += n
    lifecycle.take_back(w.desk, left, reason="Left at the counter")
    w.lines = [line for line in w.lines if line.quantity]
    told = [{"line": pk, "sku": w.desk.line(pk).sku, "quantity": n} for pk, n in units.items()]
    w.desk.note_work(facts.DECLINED_AT_COUNTER, w.job, {"lines": told})
    _take_off(w, units, why=f"{sum(units.values())} of {w.job.number} were left at the counter")
    return sum(units.values())


def _take_off(w: Work, units: Mapping[int, int], *, why: str) -> None:
    """Cancel open units of the order's lines for good, and owe what was paid for them.

    Like any cut agreed here: when the source hears of it and repeats it, that counts once.
    """
    refunds_due.owe(w.desk, units, why=why)
    refunded = lifecycle.refunded_units(w.desk.order.pk)
    for line_id, n in units.items():
        line = w.desk.line(line_id)
        line.agreed_basis = quantities.said(line, refunded.get(line.ref, 0))
        line.agreed_units = line.fulfilled + quantities.to_deliver(line) - n
    lifecycle.settle(w.desk, refunded)


def _shelf(text: str) -> str:
    return canonical.clean(text).upper()[:20]


def _new_code() -> str:
    while True:
        code = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
        if not Collection.objects.filter(code=code).exists():
            return code
