"""Taking orders in: whoever sends them, in whatever order and however often."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from core.actors import Actor
from core.errors import NotYet
from core.subjects import Subject
from inventory.services.locking import retrying
from orders import canonical
from orders import events as facts
from orders.canonical import IncomingOrder, IncomingRefund
from orders.models import Channel, Order, OrderLine
from orders.services import allocation, changes, elsewhere, holds, lifecycle, lookups, money, rows
from orders.services.desk import Desk, open_desk


@dataclass(frozen=True, slots=True)
class Placed:
    """`outcome`: created, changed, unchanged (said the same before) or stale (a newer version is known).

    `problems` are the codes of the cases that intake opened about it, `version` is the order's in Backroom.
    """

    order_id: int
    number: str
    outcome: str
    problems: tuple[str, ...] = field(default=())
    version: int = 0


def place(incoming: IncomingOrder, *, channel: Channel, actor: Actor, source: Subject | None = None) -> Placed:
    """Make or update the one order (channel, channel_ref), in one transaction with its sourcing. Safe to repeat.

    What stands afterwards depends only on the set of messages seen, not on their order: the version that wins is the
    larger (version, digest); money events and refunds count once each, whichever version brought them. An unknown SKU
    or totals that disagree keep the order and open a case. `incoming` must have passed `canonical.check` or the API's
    parser. Locks the order, then stock rows.
    """
    digest = canonical.digest(incoming)
    return retrying(lambda: _place(incoming, digest, channel, actor, source))


def _place(incoming: IncomingOrder, digest: bytes, channel: Channel, actor: Actor, source: Subject | None) -> Placed:
    skus = list({line.sku for line in incoming.lines if line.sku})
    pickup = incoming.pickup_location_code or ""
    seen = lookups.look(
        channel.pk, channel.code, incoming.channel_ref, skus, len(incoming.lines), pickup, incoming.account
    )
    if not seen.known:
        return _create(incoming, digest, channel, actor, source, seen)
    if seen.source_digest == digest and seen.source_version == incoming.version:
        return Placed(seen.order_id, seen.number, "unchanged", version=seen.version)
    desk = open_desk(seen.order_id, actor=actor, source=source)
    added = money.add(desk, incoming.payments, incoming.refunds)
    if (incoming.version, digest) < (seen.source_version, seen.source_digest):
        return _drop(desk, incoming, added=added)
    changes.apply(desk, incoming, digest, seen)
    lifecycle.save(desk)
    return _placed(desk, "changed")


def _create(
    incoming: IncomingOrder,
    digest: bytes,
    channel: Channel,
    actor: Actor,
    source: Subject | None,
    seen: lookups.Seen,
) -> Placed:
    order = Order(pk=seen.order_id, number=seen.number, channel=channel, channel_ref=incoming.channel_ref)
    changes.describe(order, incoming, digest, seen)
    lines = [
        changes.describe_line(OrderLine(pk=pk, order_id=order.pk, ref=line.ref), line, position, seen.items)
        for position, (pk, line) in enumerate(zip(seen.line_ids, incoming.lines, strict=True))
    ]
    desk = Desk(order=order, lines=lines, actor=actor, source=source, rules_stamp=seen.rules_stamp, is_new=True)
    lifecycle.settle(desk, money.refunded(incoming.refunds))
    desk.note(
        facts.RECEIVED,
        {
            "channel": channel.code,
            "channel_ref": order.channel_ref,
            "total": str(order.total) if order.total is not None else None,
            "currency": order.currency,
            "units": sum(line.ordered for line in lines),
            "test": order.test,
        },
        [(Subject("item", str(pk)), "item") for pk in {line.item_id for line in lines if line.item_id}],
    )
    holds.sync(desk)
    changes.complain(desk)
    allocation.source(desk, nodes=seen.nodes, let_down={}, goods=seen.goods, versions=seen.policies)
    elsewhere.hand_over(desk, new=True)
    lifecycle.derive(desk)
    rows.insert(desk, desk.new_holds, *money.note(desk, incoming.payments, incoming.refunds))
    lifecycle.save_parts(desk)
    lifecycle.announce(desk)
    return _placed(desk, "created")


def _placed(desk: Desk, outcome: str) -> Placed:
    order = desk.order
    return Placed(order.pk, order.number, outcome, tuple(desk.opened), order.version)


def _drop(desk: Desk, incoming: IncomingOrder, *, added: bool) -> Placed:
    """An older version, or the loser of a tie: counted, and its money events kept."""
    order = desk.order
    if added:
        changes.reconsider(desk, before=changes.demand(desk))
    order.stale_updates += 1
    desk.note(facts.STALE_UPDATE, {"version": incoming.version, "kept": order.source_version})
    lifecycle.save(desk)
    return _placed(desk, "stale")


def refund(incoming: IncomingRefund, *, channel: Channel, actor: Actor, source: Subject | None = None) -> Placed:
    """Record a refund of a known order, once by its ref, and take its units that had not left off the work.

    Raises NotYet while the order isn't known. `incoming` must have passed `canonical.check`.
    """

    def work() -> Placed:
        desk = _known(channel, incoming.order_ref, actor, source)
        before = changes.demand(desk)
        if not money.add(desk, incoming.payments, (incoming,)):
            return _placed(desk, "unchanged")
        changes.reconsider(desk, before=before)
        lifecycle.save(desk)
        return _placed(desk, "changed")

    return retrying(work)


def cancel(
    channel: Channel,
    channel_ref: str,
    *,
    actor: Actor,
    reason: str = "",
    at: datetime | None = None,
    source: Subject | None = None,
) -> Placed:
    """The channel cancelled a known order: what has not left is taken off the work. Safe to repeat.

    For channels that only say so; one that sends the whole order goes through `place`. Units that left stay sold and
    open a case. Raises NotYet while the order isn't known.
    """

    def work() -> Placed:
        desk = _known(channel, channel_ref, actor, source)
        if desk.order.cancelled_here:
            return _placed(desk, "unchanged")
        changes.cancel_rest(desk, reason=reason, at=at, owe=False)
        lifecycle.save(desk)
        return _placed(desk, "changed")

    return retrying(work)


def _known(channel: Channel, channel_ref: str, actor: Actor, source: Subject | None) -> Desk:
    order_id = Order.objects.filter(channel=channel, channel_ref=channel_ref).values_list("pk", flat=True).first()
    if order_id is None:
        raise NotYet(f"order:{channel.code}:{channel_ref}")
    return open_desk(order_id, actor=actor, source=source)
