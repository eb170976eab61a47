"""What reasons about orders and about work share: who it is about, what it is worth, and which stand now."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from django.db.models import OuterRef

from core.actors import Actor
from core.errors import Refusal
from core.subjects import Subject
from exceptions.models import ActionRun
from exceptions.reasons import Cell, Context, Opening
from orders import lens
from orders.models import FulfilmentOrder, Order, SourcingDecision
from orders.sourcing import Then

SWEPT = 1_000


def left_to_care() -> Any:
    """For a query over orders: the last try of sourcing it ended with a rule that asks for a person."""
    last = SourcingDecision.objects.filter(order=OuterRef("pk"), sequence=OuterRef("sourcings"))
    return last.filter(explanation__then=Then.CARE)


def value(uid: str) -> tuple[Decimal, str] | None:
    row = Order.objects.filter(pk=uid).values_list("total", "currency").first()
    return (row[0], row[1]) if row and row[0] is not None else None


def context(uid: str) -> Context | None:
    order = Order.objects.select_related("channel").filter(pk=uid).first()
    if order is None:
        return None
    total = f"{order.total:.2f} {order.currency}" if order.total is not None else "not stated"
    return Context(
        title=f"Order {order.number}",
        subject=Subject("order", uid, order.number),
        facts=(
            ("Channel", order.channel.name),
            ("Channel number", order.channel_number or order.channel_ref),
            ("Buyer", order.buyer_name or "Anonymous"),
            ("Total", total),
            ("Payment", order.get_payment_state_display()),
            ("Status", order.get_status_display()),
        ),
    )


def work_context(uid: str) -> Context | None:
    work = FulfilmentOrder.objects.select_related("order", "location").filter(pk=uid).first()
    if work is None:
        return None
    return Context(
        title=f"Fulfilment {work.number}",
        subject=Subject("fulfilment", uid, work.number),
        facts=(("Node", work.location.name), ("Status", work.get_status_display())),
        related=(Cell(work.order.number, Subject("order", str(work.order_id), work.order.number)),),
    )


def describe(uid: str) -> Opening | None:
    order = Order.objects.filter(pk=uid).first()
    if order is None:
        return None
    return Opening(label=order.number, value=order.total, currency=order.currency, promise_by=order.promise_by)


def describe_work(uid: str) -> Opening | None:
    work = FulfilmentOrder.objects.select_related("location", "order").filter(pk=uid).first()
    if work is None:
        return None
    return Opening(
        label=work.number, site_id=work.location.site_id, value=work.order.total, currency=work.order.currency
    )


def open_again(run: ActionRun, *, actor: Actor) -> str:
    """The undo of having an order sourced: what no node has begun is open again, and held so that it stays so."""
    from orders.services import giving_back

    lines = lens.named(run, "line")
    if not lines:
        raise Refusal("nothing_to_undo", "It gave no unit a node.")
    units = giving_back.open_again(int(run.case.subject_uid), lines, reason=f"Undo of {run.title}", actor=actor)
    return f"{units} units have no node again. The order is held until a person lets it go on."


def standing(query: Callable[[], Any]) -> Callable[[], Iterable[str]]:
    return lambda: [str(pk) for pk in query()[:SWEPT]]
