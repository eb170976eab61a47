"""An order on the desk: locked, with its lines, and everything that will be written when it leaves the desk.

Every service that changes an order opens its desk, changes the objects on it, and calls `lifecycle.save`, which
derives the status, writes everything in a few statements and records the facts. Locks are always taken in this order:
the order, then (through inventory's services) demands and stock rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import prefetch_related_objects
from django.db.models.expressions import RawSQL

from core.actors import Actor
from core.errors import Refusal
from core.events import EventDraft
from core.subjects import Subject
from orders.models import (
    BackOrder,
    FulfilmentLine,
    FulfilmentOrder,
    FulfilmentPart,
    Hold,
    Order,
    OrderLine,
    PaymentDisagreement,
    ShadowDecision,
    SourcingDecision,
)


@dataclass(slots=True)
class Desk:
    """Objects under the order's row lock. `promises` are the lines' shares at nodes that have not left yet."""

    order: Order
    lines: list[OrderLine]
    actor: Actor
    holds: list[Hold] = field(default_factory=list)  # those that stand
    new_holds: list[Hold] = field(default_factory=list)  # of them, those not written yet
    rules_stamp: int = 0  # which hold rules are in force (services.hold_rules)
    promises: list[FulfilmentLine] = field(default_factory=list)
    new_promises: list[FulfilmentLine] = field(default_factory=list)
    new_parts: list[FulfilmentPart] = field(default_factory=list)  # of kits among the new promises
    new_backorders: list[BackOrder] = field(default_factory=list)
    decisions: list[SourcingDecision] = field(default_factory=list)
    shadows: list[ShadowDecision] = field(default_factory=list)
    cases: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)  # the reasons of cases opened already
    disputed: list[PaymentDisagreement] = field(default_factory=list)  # found a moment ago
    facts: list[EventDraft] = field(default_factory=list)
    is_new: bool = False  # on its way in, not written yet
    source: Subject | None = None  # the message that brought this about
    keys_used: int = 0

    @property
    def subject(self) -> Subject:
        return Subject("order", str(self.order.pk), self.order.number)

    def note(self, event: str, data: dict[str, Any] | None = None, related: Sequence[tuple[Subject, str]] = ()) -> None:
        """A fact about the order, recorded when the desk is saved."""
        if self.source is not None:
            related = [*related, (self.source, "source")]
        self.facts.append(EventDraft(event, self.subject, self.actor, data or {}, related))

    def note_work(self, event: str, work: FulfilmentOrder, data: dict[str, Any] | None = None) -> None:
        """A fact about one of the order's fulfilment orders."""
        about = Subject("fulfilment", str(work.pk), work.number)
        related = ((self.subject, "order"), (location_subject(work.location_id), "location"))
        self.facts.append(EventDraft(event, about, self.actor, data or {}, related))

    def case(self, reason: str, **words: Any) -> None:
        """Open (or count up) a case about the order when the desk is saved."""
        self.cases.append((reason, words))

    def line(self, line_id: int) -> OrderLine:
        for line in self.lines:
            if line.pk == line_id:
                return line
        raise Refusal("unknown_line", "No such line.", status=404)

    def key(self, verb: str) -> str:
        """A key for inventory that no other change of this order ever uses: its version is taken under the lock."""
        self.keys_used += 1
        return f"order:{self.order.pk}:{self.order.version}:{verb}:{self.keys_used}"


def location_subject(location_id: int, label: str = "") -> Subject:
    return Subject("location", str(location_id), label)


def open_desk(order_id: int, *, actor: Actor, source: Subject | None = None) -> Desk:
    """Lock the order and read what belongs to it. Must run inside a transaction."""
    order = (
        Order.objects.select_for_update(no_key=True, of=("self",))
        .select_related("channel")
        .annotate(rules_stamp=RawSQL("SELECT coalesce(max(stamp), 0) FROM orders_holdrule", ()))
        .filter(pk=order_id)
        .first()
    )
    if order is None:
        raise Refusal("not_found", "No such order.", status=404)
    promises = list(
        FulfilmentLine.objects.filter(order_line__order=order, shipped=False, quantity__gt=0)
        .select_related("fulfilment")
        .order_by("pk")
    )
    prefetch_related_objects([promise for promise in promises if promise.is_kit], "parts")
    return Desk(
        order=order,
        source=source,
        lines=list(OrderLine.objects.filter(order=order).order_by("position", "pk")),
        actor=actor,
        holds=list(Hold.objects.standing().filter(order=order).order_by("pk")),
        promises=promises,
        rules_stamp=order.rules_stamp,
    )
