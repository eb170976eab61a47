"""Writing down what was agreed, and finding it again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils import timezone

from core.actors import Actor
from core.errors import Refusal
from exceptions.services import cases
from inventory.services.locking import retrying
from orders import edits as shapes
from orders import events as facts
from orders.edits import Edits
from orders.models import ChangeStatus, OrderChange, Told
from orders.services import lifecycle
from orders.services.desk import Desk, open_desk
from orders.services.effects import Effect

UNTOLD = "orders.channel_untold"


def known(order_id: int, key: str) -> OrderChange | None:
    return OrderChange.objects.filter(order_id=order_id, key=key).first() if key else None


def words(desk: Desk, edits: Edits) -> str:
    """What is changed, in one line, with the articles' SKUs."""
    return shapes.summary(edits, {line.ref: line.sku or line.title for line in desk.lines})


def record(desk: Desk, edits: Edits, effect: Effect, *, key: str, note: str = "") -> OrderChange:
    """A confirmed change, with its fact on the desk: channel, ERP and customer hear of it from there."""
    now, who = timezone.now(), desk.actor.label[:200]
    change = OrderChange.objects.create(
        order_id=desk.order.pk,
        key=key[:255],
        edits=shapes.write(edits),
        effect=effect.as_json(),
        summary=words(desk, edits),
        status=ChangeStatus.CONFIRMED,
        seen_version=desk.order.version,
        note=note[:500],
        created_by=who,
        decided_at=now,
        decided_by=who,
    )
    tell(desk, change)
    return change


def tell(desk: Desk, change: OrderChange) -> None:
    desk.note(facts.CHANGE_CONFIRMED, told(change))


def is_told(change_id: int) -> bool:
    """Whether nothing is left to tell: told, or a person did it."""
    return OrderChange.objects.filter(pk=change_id, channel_told__in=(Told.TOLD, Told.BY_HAND)).exists()


def ref_of(change_id: int) -> str:
    return OrderChange.objects.values_list("channel_ref", flat=True).get(pk=change_id)


def keep_ref(change_id: int, ref: str) -> None:
    """The channel's key of what it does about the change, before anything waits for it."""
    OrderChange.objects.filter(pk=change_id).update(channel_ref=ref[:120])


def mark_told(change_id: int, state: str, *, words: str = "", actor: Actor) -> None:
    """What came of telling the channel; where it can't be told, a case says so. Safe to repeat."""

    def work() -> None:
        change = OrderChange.objects.select_related("order").get(pk=change_id)
        if change.channel_told == state:
            return
        # Under the order's lock, as every fact and case about it.
        desk = open_desk(change.order_id, actor=actor)
        OrderChange.objects.filter(pk=change_id).update(
            channel_told=state, channel_words=words[:500], channel_told_at=timezone.now()
        )
        if state == Told.CANNOT:
            desk.case(UNTOLD, summary=f"{change.summary}. {words}"[:255])
        lifecycle.announce(desk)
        cases.recheck(desk.subject, actor=actor)

    retrying(work)


def told_by_hand(order_id: int, *, actor: Actor) -> int:
    """Somebody told the channel themselves; returns of how many changes. Safe to repeat."""

    def work() -> int:
        desk = open_desk(order_id, actor=actor)
        untold = OrderChange.objects.filter(order_id=order_id, status=ChangeStatus.CONFIRMED, channel_told=Told.CANNOT)
        count = untold.update(channel_told=Told.BY_HAND, channel_told_at=timezone.now())
        cases.recheck(desk.subject, actor=actor)
        return count

    return retrying(work)


def untell(order_id: int, ids: Sequence[int], *, actor: Actor) -> int:
    """These changes were not told after all; returns how many. Refusal("told_since") where one is in another state."""

    def work() -> int:
        open_desk(order_id, actor=actor)
        rows = OrderChange.objects.filter(order_id=order_id, pk__in=ids, channel_told=Told.BY_HAND)
        count = rows.update(channel_told=Told.CANNOT)
        if count != len(set(ids)):
            raise Refusal("told_since", "One of these changes isn't marked as told by hand any more.")
        return count

    return retrying(work)


def told(change: OrderChange) -> dict[str, Any]:
    return {
        "change": change.pk,
        "summary": change.summary,
        "edits": change.edits,
        "effect": change.effect,
        "note": change.note,
    }
