"""Lines whose SKU nobody knew, once somebody says what it means."""

from __future__ import annotations

from core import events
from core.actors import Actor
from core.errors import Refusal
from core.subjects import Subject
from inventory.models import Item, ItemAlias
from inventory.services.locking import retrying
from orders import canonical
from orders.models import Channel, OrderLine
from orders.services import changes, lifecycle, lookups
from orders.services.desk import Desk, open_desk

ALIAS_ADDED = "item.alias_added"


def teach(sku: str, item_id: int, *, channel: Channel, actor: Actor) -> int:
    """Say what a channel's SKU means, and map every waiting line of it; returns how many. Safe to repeat.

    Refusal("alias_taken") when the SKU means another item already, Refusal("no_sku") for an empty one.
    """
    code = canonical.sku_text(sku)
    if not code:
        raise Refusal("no_sku", "A line without a SKU is mapped one by one.", status=422)

    def work() -> None:
        item = Item.objects.filter(pk=item_id).first()
        if item is None:
            raise Refusal("unknown_item", "No such item.", status=404)
        alias, made = ItemAlias.objects.get_or_create(system=channel.code, code=code, defaults={"item": item})
        if alias.item_id != item_id:
            raise Refusal("alias_taken", f"{code} means {alias.item} at {channel} already.", item=alias.item.sku)
        if made:
            about = Subject("item", str(item.pk), item.sku)
            events.record(ALIAS_ADDED, about, actor=actor, data={"system": channel.code, "code": code})

    retrying(work)
    return retry(code, channel, actor=actor)


def retry(sku: str, channel: Channel | None, *, actor: Actor) -> int:
    """Look this SKU up again for every line that waits for it, at one channel or all; returns how many were mapped."""
    waiting = OrderLine.objects.filter(item__isnull=True, sku=canonical.sku_text(sku)).exclude(sku="")
    if channel is not None:
        waiting = waiting.filter(order__channel=channel)
    orders = waiting.order_by("order_id").values_list("order_id", flat=True).distinct()
    return sum(retry_order(order_id, actor=actor) for order_id in list(orders))


def retry_known(*, limit: int = 200, actor: Actor) -> int:
    """Map every waiting line whose SKU somebody made known, however they did it; returns how many. For a timer."""
    return sum(retry_order(order_id, actor=actor) for order_id in lookups.mappable_orders(limit))


def retry_order(order_id: int, *, actor: Actor) -> int:
    """Look every unknown SKU of one order up again and source what it found; returns how many lines. Safe to repeat."""

    def work() -> int:
        desk = open_desk(order_id, actor=actor)
        unknown = [line for line in desk.lines if line.item_id is None and line.sku]
        items = Item.objects.resolve([line.sku for line in unknown], system=desk.order.channel.code)
        return _map(desk, {line.pk: items[line.sku] for line in unknown if line.sku in items})

    return retrying(work)


def set_item(line_id: int, item_id: int, *, actor: Actor) -> None:
    """Say which item this one line means (it may have no SKU). It stays so while the source's SKU stays unknown."""

    def work() -> None:
        line = OrderLine.objects.filter(pk=line_id).first()
        if line is None or not Item.objects.filter(pk=item_id).exists():
            raise Refusal("not_found", "No such line or item.", status=404)
        desk = open_desk(line.order_id, actor=actor)
        if desk.line(line_id).item_id is not None:
            raise Refusal("mapped_already", "This line has its item already.")
        _map(desk, {line_id: item_id})

    retrying(work)


def _map(desk: Desk, found: dict[int, int]) -> int:
    if not found:
        return 0
    before = changes.demand(desk)
    for line in desk.lines:
        if line.pk in found:
            line.item_id = found[line.pk]
    changes.note_mapping(desk, found)
    changes.reconsider(desk, before=before)
    lifecycle.save(desk)
    return len(found)
