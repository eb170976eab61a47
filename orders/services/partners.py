"""Work that a partner does: asked of it as the work opens, and whatever it answers carried out here.

A partner is a supplier who sends to our customers or a third-party warehouse. It answers through its connection, or a
person enters what it said. Every verb takes the request's uid and is safe to repeat; the order is locked, so an answer
and a cancellation that race end in one of the two.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from core.actors import SYSTEM, Actor
from core.errors import Invalid, Problem, Refusal
from core.subjects import Subject
from exceptions.services import cases
from inventory.models import PARTNERS, AdjustmentReason, Location, State, Tracking
from inventory.services import movements
from inventory.services.locking import lock_stock, retrying
from orders import canonical
from orders import events as facts
from orders.models import (
    FulfilmentLine,
    FulfilmentOrder,
    FulfilmentStatus,
    NodeExclusion,
    PartnerLink,
    PartnerRequest,
    PartnerRequestStatus,
    RejectReason,
)
from orders.services import allocation, lifecycle, promises, shipping, transit, withdrawing
from orders.services.desk import Desk
from orders.services.work import Work, open_work

S = PartnerRequestStatus
NOT_THERE = frozenset({RejectReason.OUT_OF_STOCK, RejectReason.DISCONTINUED})


def ask(desk: Desk, jobs: Sequence[FulfilmentOrder], nodes: Mapping[int, Location]) -> None:
    """Ask the partners among these nodes to do their work. In the transaction that opens it; nothing is sent yet."""
    theirs = [job for job in jobs if nodes[job.location_id].kind in PARTNERS]
    if not theirs:
        return
    links = PartnerLink.objects.filter(location__in={job.location_id for job in theirs}, active=True)
    by_place = {link.location_id: link for link in links}
    now = timezone.now()
    asked = [
        PartnerRequest(
            fulfilment=job,
            requested_at=now,
            answer_by=now + timedelta(minutes=link.answer_minutes),
            ship_by=now + timedelta(hours=link.ship_hours),
        )
        for job in theirs
        if (link := by_place.get(job.location_id))
    ]
    PartnerRequest.objects.bulk_create(asked)
    for request in asked:
        data = {"request": str(request.uid), "answer_by": request.answer_by.isoformat()}
        desk.note_work(facts.ASKED, request.fulfilment, data)


def ask_again(uid: UUID | str, *, actor: Actor) -> None:
    """Send a request that stays unanswered once more: the partner knows it by its uid, so it counts once."""

    def work() -> None:
        w, request = _open(uid, actor)
        if request.status != S.REQUESTED:
            raise _over(request)
        w.desk.note_work(facts.ASKED, w.job, {"request": str(request.uid), "answer_by": request.answer_by.isoformat()})
        lifecycle.announce(w.desk)

    retrying(work)


def taken(uid: UUID | str) -> None:
    """The partner's system has the request; it says what it will do later."""
    PartnerRequest.objects.filter(uid=uid, sent_at=None).update(sent_at=timezone.now())


def accept(uid: UUID | str, *, partner_ref: str = "", sends_at: datetime | None = None, actor: Actor) -> PartnerRequest:
    """The partner will do it. A day later than was promised is a new promise to the customer.

    Refusal("request_over") once it was declined, withdrawn or sent.
    """

    def work() -> PartnerRequest:
        w, request = _open(uid, actor)
        if request.status in {S.ACCEPTED, S.SHIPPED}:
            return request
        _accept(w, request, partner_ref, sends_at)
        lifecycle.save(w.desk)
        return request

    return retrying(work)


def _accept(w: Work, request: PartnerRequest, partner_ref: str, sends_at: datetime | None) -> None:
    if request.status != S.REQUESTED:
        raise _over(request)
    now = timezone.now()
    request.move(S.ACCEPTED, partner_ref=canonical.clean(partner_ref)[:120], promised_at=sends_at, answered_at=now,
                 ship_by=max(request.ship_by, sends_at) if sends_at else request.ship_by)  # fmt: skip
    w.move(FulfilmentStatus.ACCEPTED, facts.ACCEPTED, accepted_at=now)
    w.desk.note_work(facts.ANSWERED, w.job, {"request": str(request.uid), "accepted": True})
    if sends_at is not None:
        there = transit.of_work(w.job, packed_at=sends_at)
        if w.desk.order.promise_by is not None and there > w.desk.order.promise_by:
            promises.set_(w.desk, there, f"{w.job.location.name} sends it later")


def reject(uid: UUID | str, *, reason: str, said: str = "", actor: Actor) -> PartnerRequest:
    """The partner declines: its units are sourced elsewhere, and it isn't asked again for these lines.

    OUT_OF_STOCK and DISCONTINUED also take what we believed it has off the books. Where no other node has the units, a
    case is opened. Invalid for an unknown reason; Refusal("request_over") once it was sent or withdrawn.
    """
    if reason not in RejectReason.values:
        raise Invalid([Problem("reason", "choice", f"must be one of {', '.join(RejectReason.values)}")], status=422)
    said = canonical.clean(said)[:255]

    def work() -> PartnerRequest:
        w, request = _open(uid, actor)
        if request.status == S.REJECTED:
            return request
        if request.status not in {S.REQUESTED, S.ACCEPTED}:
            raise _over(request)
        now = timezone.now()
        request.move(S.REJECTED, reason=reason, said=said, answered_at=now, ended_at=now)
        words = f"{RejectReason(reason).label}{f': {said}' if said else ''}"
        w.move(FulfilmentStatus.REJECTED, facts.REJECTED, {"reason": words}, ended_reason=words[:255])
        data = {"request": str(request.uid), "accepted": False, "reason": reason, "said": said}
        w.desk.note_work(facts.ANSWERED, w.job, data)
        lines = list(w.lines)
        withdrawing.free(w, words)
        if reason in NOT_THERE:
            _disbelieve(w, lines)
        found = allocation.source(w.desk)
        lifecycle.save(w.desk)
        if not found.ok:
            _complain(w, "orders.supplier_rejected", f"{w.job.location.name}: {words}")
        return request

    return retrying(work)


def ship(
    uid: UUID | str,
    *,
    lines: Sequence[tuple[str, int]] = (),
    carrier: str = "",
    service: str = "",
    tracking_number: str = "",
    tracking_url: str = "",
    actor: Actor,
) -> PartnerRequest:
    """The partner has sent it: all, or the (line ref, units) named; what it leaves out is sourced elsewhere.

    A request that was withdrawn but left all the same is noted, and a case says so. Invalid for lines that were never
    asked of it.
    """

    def work() -> PartnerRequest:
        w, request = _open(uid, actor)
        if request.status == S.SHIPPED:
            return request
        if request.status in {S.REJECTED, S.WITHDRAWN}:
            return _sent_anyway(w, request)
        missing = _missing(w, lines) if lines else []
        unheard = request.status == S.REQUESTED
        if unheard:
            _accept(w, request, "", None)
        if missing:
            _leave_out(w, missing)
        if unheard or missing:
            lifecycle.save(w.desk)
        request.move(S.SHIPPED, ended_at=timezone.now())
        shipping.ship(
            w.job.pk, carrier=carrier, service=service, tracking_number=tracking_number, tracking_url=tracking_url,
            by_partner=True, actor=actor,
        )  # fmt: skip
        return request

    return retrying(work)


def withdraw(fulfilment_id: int, *, why: str, actor: Actor = SYSTEM) -> bool:
    """The work was taken back: the partner need not do it. True when it has to be told. Safe to repeat."""

    def work() -> bool:
        request = PartnerRequest.objects.filter(fulfilment=fulfilment_id).first()
        if request is None or request.status not in {S.REQUESTED, S.ACCEPTED}:
            return False
        w, request = _open(request.uid, actor)
        if w.job.status not in {FulfilmentStatus.CANCELLED, FulfilmentStatus.REJECTED}:
            return False
        request.move(S.WITHDRAWN, said=why[:255], ended_at=timezone.now())
        w.desk.note_work(facts.WITHDRAWN, w.job, {"request": str(request.uid), "why": why})
        lifecycle.announce(w.desk)
        cases.recheck(_subject(w.job), actor=actor)
        return True

    return retrying(work)


def took_note(uid: UUID | str) -> None:
    """The partner confirms that it won't send what was withdrawn."""
    PartnerRequest.objects.filter(uid=uid, told_withdrawn_at=None).update(told_withdrawn_at=timezone.now())


def left_already(uid: UUID | str, *, actor: Actor) -> None:
    """The partner says that the withdrawal came too late."""

    def work() -> None:
        w, request = _open(uid, actor)
        _sent_anyway(w, request)

    retrying(work)


def unanswered() -> list[PartnerRequest]:
    """Requests whose partner said nothing in the time it owes us an answer."""
    rows = PartnerRequest.objects.unanswered().filter(answer_by__lt=timezone.now())
    return list(rows.select_related("fulfilment__location__partner_link").order_by("answer_by", "pk")[:1000])


def take_back_silent(*, actor: Actor = SYSTEM) -> int:
    """What silent partners were asked goes elsewhere, where their link says so; returns how many."""
    done = 0
    for request in unanswered():
        if request.fulfilment.location.partner_link.takes_back_silent:
            withdrawing.cancel(request.fulfilment_id, reason="No answer in time", actor=actor)
            done += 1
    return done


# --- The details


def _open(uid: UUID | str, actor: Actor) -> tuple[Work, PartnerRequest]:
    fulfilment_id = PartnerRequest.objects.filter(uid=uid).values_list("fulfilment_id", flat=True).first()
    if fulfilment_id is None:
        raise Refusal("not_found", "No such request.", status=404)
    w = open_work(fulfilment_id, version=None, actor=actor)
    return w, PartnerRequest.objects.get(uid=uid)


def _over(request: PartnerRequest) -> Refusal:
    state = request.get_status_display().lower()
    return Refusal("request_over", f"This request is {state} already.", status_now=request.status)


def _subject(job: FulfilmentOrder) -> Subject:
    return Subject("fulfilment", str(job.pk), job.number)


def _missing(w: Work, sent: Sequence[tuple[str, int]]) -> list[tuple[FulfilmentLine, int]]:
    """What of each line wasn't sent, by what was; lines are named by their ref in the order, or their SKU."""
    left: Counter[str] = Counter()
    for name, units in sent:
        left[name] += units
    missing = []
    for line in w.lines:
        wanted = w.desk.line(line.order_line_id)
        name = wanted.ref if wanted.ref in left else wanted.sku
        units = min(line.quantity, left[name])
        left[name] -= units
        if units < line.quantity:
            missing.append((line, line.quantity - units))
    if over := sorted(name for name, units in left.items() if units > 0):
        words = f"Never asked of it, or more than was: {', '.join(over)}."
        raise Invalid([Problem("lines", "unknown", words)], status=422)
    if sum(units for _, units in missing) == w.units:
        raise Invalid([Problem("lines", "empty", "Nothing of it was sent. Decline it instead.")], status=422)
    return missing


def _leave_out(w: Work, missing: Sequence[tuple[FulfilmentLine, int]]) -> None:
    """Units the partner didn't send: back to open, and to another node."""
    desk = w.desk
    for line, units in missing:
        wanted = desk.line(line.order_line_id)
        wanted.allocated -= units
        wanted.open += units
        NodeExclusion.objects.get_or_create(
            order_line=wanted, location_id=line.location_id, defaults={"reason": "Not sent by the partner"}
        )
    lifecycle.take_back(desk, list(missing), reason="Not sent by the partner")
    allocation.source(desk)


def _disbelieve(w: Work, lines: Sequence[FulfilmentLine]) -> None:
    """The partner hasn't got it: whatever else we believed to be free there isn't there either."""
    items = sorted({line.item_id for line in lines if not line.is_kit})
    rows = lock_stock([(item_id, w.job.location_id) for item_id in items])
    moves = [
        movements.Move(item_id, free, w.job.location_id, State.SELLABLE, None, State.SHRINKAGE, AdjustmentReason.OTHER)
        for (item_id, _), row in sorted(rows.items())
        if (free := row.sellable - row.reserved) > 0 and row.tracking == Tracking.NONE
    ]
    if moves:
        movements.post(
            moves, key=w.desk.key("not-there"), cause=_subject(w.job), actor=w.desk.actor,
            note="The partner says it hasn't got it",
        )  # fmt: skip


def _sent_anyway(w: Work, request: PartnerRequest) -> PartnerRequest:
    if not request.sent_anyway:
        PartnerRequest.objects.filter(pk=request.pk).update(sent_anyway=True)
        request.sent_anyway = True
        _complain(w, "orders.sent_anyway", f"{w.job.location.name} sent {w.job.number} although it was off.")
    return request


def _complain(w: Work, reason: str, summary: str) -> None:
    order = w.desk.order
    cases.open_(
        reason, _subject(w.job), summary=summary[:300], site_id=w.job.location.site_id, value=order.total,
        currency=order.currency, promise_by=order.promise_by, actor=w.desk.actor,
    )  # fmt: skip
