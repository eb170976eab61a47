"""Notes on an order, for whoever looks at it next."""

from __future__ import annotations

from django.db import transaction

from core import events
from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from core.subjects import Subject
from orders import events as facts
from orders.models import NOTE_LENGTH, Order, OrderNote


def write(order_id: int, *, text: str, actor: Actor) -> OrderNote:
    """Leave a note; it changes nothing else, so it needs no version. Locks the order for the fact's sake.

    Raises Invalid for an empty or endless text.
    """
    words = text.replace("\0", "").strip()
    if not words or len(words) > NOTE_LENGTH:
        raise Invalid([Problem("text", "length", f"Write between 1 and {NOTE_LENGTH:,} characters.")], status=422)
    with transaction.atomic():
        order = Order.objects.select_for_update(no_key=True, of=("self",)).filter(pk=order_id).first()
        if order is None:
            raise Refusal("not_found", "No such order.", status=404)
        made = OrderNote.objects.create(
            order=order,
            text=words,
            author_kind=actor.kind,
            author_uid=actor.uid[:64],
            author_label=actor.label[:200],
        )
        about = Subject("order", str(order.pk), order.number)
        events.record(facts.NOTED, about, actor=actor, data={"note": made.pk, "text": words[:500]})
    return made
