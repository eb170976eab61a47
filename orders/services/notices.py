"""Inquiries, disputes and fraud warnings about a payment: kept as told last, each with its case and its deadline."""

from __future__ import annotations

from django.db.models import QuerySet

from core.actors import Actor
from core.formats import money
from exceptions.services import cases
from inventory.services.locking import retrying
from orders import events as facts
from orders.models import NoticeKind, NoticeState, PaymentNotice
from orders.notices import IncomingNotice
from orders.services import lifecycle
from orders.services.desk import Desk, open_desk

REASONS = {
    NoticeKind.INQUIRY: "orders.payment_inquiry",
    NoticeKind.DISPUTE: "orders.payment_disputed",
    NoticeKind.FRAUD: "orders.payment_fraud_warning",
}


def keep(order_id: int, notice: IncomingNotice, *, actor: Actor) -> bool:
    """Write it down and open, refresh or clear its case. True where that was news; safe to repeat. Locks the order."""

    def work() -> bool:
        desk = open_desk(order_id, actor=actor)
        known = PaymentNotice.objects.filter(order=order_id, provider_ref=notice.ref)
        rows = list(known.filter(kind=notice.kind) if notice.kind else known)
        if notice.kind and not rows:
            rows = [PaymentNotice(order_id=order_id, kind=notice.kind, provider_ref=notice.ref)]
        changed = [row for row in rows if _apply(row, notice)]
        if changed and notice.kind == NoticeKind.DISPUTE:
            changed += _grown(known, notice)
        for row in changed:
            row.save()
            _tell(desk, row)
        if changed:
            lifecycle.save_parts(desk)
            lifecycle.announce(desk)
            for row in changed:
                _case(desk, row)
            cases.recheck(desk.subject, actor=actor)
        return bool(changed)

    return retrying(work)


def _grown(known: QuerySet[PaymentNotice], notice: IncomingNotice) -> list[PaymentNotice]:
    """The inquiry that became this dispute is over."""
    rows = list(known.filter(kind=NoticeKind.INQUIRY).exclude(state=NoticeState.CLOSED))
    for row in rows:
        row.state, row.told_state = NoticeState.CLOSED, "became a dispute"
        row.said_at = max(row.said_at, notice.said_at)
    return rows


def _apply(row: PaymentNotice, notice: IncomingNotice) -> bool:
    """Bring a row to the latest word; False where it is older or says nothing new. What isn't said again stays."""
    if row.pk is not None and notice.said_at < row.said_at:
        return False
    said = {
        "state": notice.state, "parent_ref": notice.parent_ref[:120], "gateway": notice.gateway,
        "amount": notice.amount, "currency": notice.currency, "reason": notice.reason[:120],
        "told_state": notice.told_state[:60], "due_at": notice.due_at,
    }  # fmt: skip
    news = {name: value for name, value in said.items() if value not in (None, "") and getattr(row, name) != value}
    if row.pk is not None and not news:
        return False
    for name, value in news.items():
        setattr(row, name, value)
    row.said_at = notice.said_at
    return True


def _tell(desk: Desk, row: PaymentNotice) -> None:
    desk.note(
        facts.PAYMENT_QUESTIONED,
        {
            "ref": row.provider_ref, "kind": row.kind, "state": row.state, "reason": row.reason,
            "amount": str(row.amount) if row.amount is not None else None, "currency": row.currency,
            "gateway": row.gateway, "parent_ref": row.parent_ref,
            "due_at": row.due_at.isoformat() if row.due_at else None,
        },
    )  # fmt: skip


def _case(desk: Desk, row: PaymentNotice) -> None:
    if row.state != NoticeState.OPEN:
        return
    about = f"{money(row.amount, row.currency)} of " if row.amount is not None and row.currency else ""
    until = f", answer by {row.due_at:%d %b %H:%M} UTC" if row.due_at else ""
    cases.open_(
        REASONS[NoticeKind(row.kind)], desk.subject, actor=desk.actor, value=row.amount, currency=row.currency,
        promise_by=row.due_at,
        summary=f"{about}{desk.order.number}: {row.reason or row.get_kind_display().lower()}{until}"[:255],
    )  # fmt: skip
