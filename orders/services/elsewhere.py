"""Units a channel handed over itself: they leave the books of the place the channel sells from."""

from __future__ import annotations

from collections import Counter

from inventory.models import State, StockMovement
from inventory.services import kits, selling
from orders import quantities
from orders.models import ChannelKind
from orders.services.desk import Desk

PREFIX = "sold"  # how the movements' keys begin; audits and cases know them by it


def hand_over(desk: Desk, *, new: bool = False) -> None:
    """Bring the ledger in line with what the source says has left without us. Safe to repeat.

    Applies to orders of a channel that names its place (`Channel.sells_from`), and to till sales that name their store
    (`pickup_location_code`). A unit is moved once, whichever version brought it; fewer units than before (a void at
    the till) come back to the shelf, and a line that means another item by now moves both. Must run inside the
    order's transaction, after its lines were settled. Locks stock rows.
    """
    here = place(desk)
    if here is None or desk.order.test:
        return
    left = {here: _left(desk)}
    before: dict[int, Counter[int]] = {} if new else _moved(desk.order.pk)
    for location_id in sorted(left.keys() | before.keys()):
        change = _difference(left.get(location_id, Counter()), before.get(location_id, Counter()))
        if any(change.values()):
            selling.sold(
                location_id,
                change,
                key=f"{PREFIX}:order:{desk.order.pk}:new" if new else f"{PREFIX}:{desk.key('elsewhere')}",
                cause=desk.subject,
                actor=desk.actor,
                occurred_at=desk.order.placed_at,
            )


def place(desk: Desk) -> int | None:
    """Where the channel of this order hands over by itself, if it does."""
    order, channel = desk.order, desk.order.channel
    if channel.kind == ChannelKind.POS and order.pickup_location_id is not None:
        return order.pickup_location_id
    return channel.sells_from_id


def _left(desk: Desk) -> Counter[int]:
    """Units per item that left without us; of a kit, its parts."""
    units: Counter[int] = Counter()
    for line in desk.lines:
        if line.item_id and quantities.is_physical(line):
            units[line.item_id] += line.fulfilled - line.shipped_here
    for kit, parts in kits.components(units).items():
        whole = units.pop(kit)
        for part, each in parts:
            units[part] += whole * each
    return units


def _moved(order_id: int) -> dict[int, Counter[int]]:
    """Per place, the units per item that left for this order's sake, those that came back taken off."""
    rows = StockMovement.objects.filter(cause_kind="order", cause_uid=str(order_id), key__startswith=f"{PREFIX}:")
    found: dict[int, Counter[int]] = {}
    sold = rows.filter(to_state=State.CUSTOMER).values_list("item_id", "from_location_id", "quantity")
    for item, location_id, units in sold:
        found.setdefault(location_id, Counter())[item] += units
    back = rows.filter(from_state=State.CUSTOMER).values_list("item_id", "to_location_id", "quantity")
    for item, location_id, units in back:
        found.setdefault(location_id, Counter())[item] -= units
    return found


def _difference(now: Counter[int], before: Counter[int]) -> Counter[int]:
    return Counter({item: now[item] - before[item] for item in now.keys() | before.keys()})
