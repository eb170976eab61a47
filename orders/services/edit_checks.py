"""Whether edits can still be made: what is unknown, what makes no sense, and what the work is too far along for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from core.errors import Refusal
from inventory.models import Item, Location, LocationStatus
from orders import canonical, quantities
from orders.edits import (
    AddLine,
    Cancel,
    ChangeAddress,
    ChangeMethod,
    ChangeQuantity,
    Edit,
    Edits,
    RemoveLine,
    Substitute,
)
from orders.models import FulfilmentLine, FulfilmentStatus, Method, OrderLine
from orders.services.desk import Desk
from orders.services.effects import Effect

# From here on a label is bought or the bag stands at the counter.
TOO_FAR = frozenset({FulfilmentStatus.PACKED, FulfilmentStatus.READY})


def why_not(desk: Desk, edits: Edits) -> list[Refusal]:
    """Every reason why these edits can't be made as the order stands; empty when they can."""
    order = desk.order
    if not any(quantities.to_deliver(line) for line in desk.lines):
        words = f"Order {order.number} is {order.get_status_display().lower()}: nothing is left to change."
        return [Refusal("already_shipped", words, status_now=str(order.status), version=order.version)]
    if not edits:
        return [Refusal("nothing_changes", "Nothing is changed.", status=422)]
    return [*_between(edits), *(refusal for each in edits for refusal in _judge(desk, each))]


def _judge(desk: Desk, edit: Edit) -> Iterator[Refusal]:
    match edit:
        case ChangeAddress():
            yield from _address(desk, edit)
        case ChangeMethod():
            yield from _method(desk, edit)
        case AddLine():
            yield from _article(desk, edit.sku)
        case Substitute():
            yield from _units(desk, edit.line, lambda line: substituted(line, edit.quantity))
            yield from _article(desk, edit.sku)
        case ChangeQuantity():
            yield from _units(desk, edit.line, lambda line: edit.quantity)
        case RemoveLine():
            yield from _units(desk, edit.line, lambda line: line.fulfilled, removing=True)
        case Cancel():
            for part in edit.lines:
                yield from _units(desk, part.line, lambda line, n=part.quantity: wanted(line) - n)  # type: ignore[misc]


def why_not_after(edits: Edits, effect: Effect) -> list[Refusal]:
    """What only doing it shows: a substitute that isn't to be had is none."""
    short = {row["sku"] for row in effect.short}
    return [
        Refusal("not_in_stock", f"No place has enough of {sku} to spare.", sku=sku)
        for sku in sorted({each.sku for each in edits if isinstance(each, Substitute)} & short)
    ]


def wanted(line: OrderLine) -> int:
    """Units that have left or are to be delivered."""
    return line.fulfilled + quantities.to_deliver(line)


def substituted(line: OrderLine, units: int | None) -> int:
    """What is left of the line once so many units (None: all that haven't left) come as something else."""
    return line.fulfilled if units is None else wanted(line) - units


def _between(edits: Edits) -> Iterator[Refusal]:
    if len(edits) > 1 and any(isinstance(each, Cancel) and not each.lines for each in edits):
        yield Refusal("contradiction", "Cancelling everything leaves nothing else to change.", status=422)
    refs = [each.line for each in edits if isinstance(each, ChangeQuantity | RemoveLine | Substitute)]
    refs += [part.line for each in edits if isinstance(each, Cancel) for part in each.lines]
    if twice := sorted({ref for ref in refs if refs.count(ref) > 1}):
        yield Refusal("contradiction", f"Line {twice[0]} is changed twice.", status=422, line=twice[0])
    for kind in (ChangeAddress, ChangeMethod):
        if sum(isinstance(each, kind) for each in edits) > 1:
            yield Refusal("contradiction", "The same is changed twice.", status=422)


def _too_far(promises: list[FulfilmentLine], words: str) -> Iterator[Refusal]:
    far = next((p for p in promises if p.fulfilment is not None and p.fulfilment.status in TOO_FAR), None)
    if far is not None and far.fulfilment is not None:
        work = far.fulfilment
        yield Refusal(
            "too_far", f"{words} {work.number} is {work.get_status_display().lower()}.", work=work.number,
            status_now=work.status,
        )  # fmt: skip


def _address(desk: Desk, edit: ChangeAddress) -> Iterator[Refusal]:
    if desk.order.method != Method.SHIP:
        yield Refusal("collected_not_sent", "This order is collected, not sent.")
        return
    if missing := canonical.missing_parts(edit.address):
        words = f"The address lacks: {', '.join(missing).replace('_', ' ')}."
        yield Refusal("address_incomplete", words, status=422, missing=missing)
    yield from _too_far(desk.promises, "The parcel has its label already:")


def _method(desk: Desk, edit: ChangeMethod) -> Iterator[Refusal]:
    order = desk.order
    if (edit.method, edit.pickup_location_code) == (order.method, order.pickup_location_code):
        yield Refusal("nothing_changes", "It goes that way already.", status=422)
    if edit.method == Method.PICKUP and pickup_place(edit.pickup_location_code) is None:
        words = f"Nothing can be collected at {edit.pickup_location_code or 'no place'}."
        yield Refusal("unknown_place", words, status=422, place=edit.pickup_location_code)
    if edit.method == Method.SHIP and canonical.missing_parts(
        canonical.Address(**order.ship_to) if order.ship_to else None
    ):
        yield Refusal("address_incomplete", "There is no address to send it to.", status=422)
    yield from _too_far(desk.promises, "It is too late:")


def pickup_place(code: str) -> int | None:
    found = Location.objects.filter(code=code, pickup=True, status=LocationStatus.ACTIVE)
    return found.values_list("pk", flat=True).first() if code else None


def _article(desk: Desk, sku: str) -> Iterator[Refusal]:
    if item_of(desk, sku) is None:
        yield Refusal("unknown_sku", f"Nobody knows the article {sku}.", status=422, sku=sku)


def item_of(desk: Desk, sku: str) -> int | None:
    return Item.objects.resolve([sku], system=desk.order.channel.code).get(sku)


def line_of(desk: Desk, ref: str) -> OrderLine | None:
    return next((line for line in desk.lines if line.ref == ref), None)


def _units(desk: Desk, ref: str, target: Callable[[OrderLine], int], *, removing: bool = False) -> Iterator[Refusal]:
    line = line_of(desk, ref)
    if line is None:
        yield Refusal("unknown_line", f"The order has no line {ref}.", status=404, line=ref)
        return
    units = target(line)
    now = wanted(line)
    name = line.sku or line.title
    if units == now:
        yield Refusal("nothing_changes", f"Of {name} {now} units are wanted already.", status=422, line=ref)
    elif units < line.fulfilled or (removing and line.fulfilled == now):
        yield Refusal(
            "already_left", f"{line.fulfilled} units of {name} have left already.", line=ref, fulfilled=line.fulfilled
        )
    elif units < now:
        yield from _cut(desk, line, now - units, name)
    elif units > canonical.MAX_QUANTITY:
        yield Refusal("too_many", f"At most {canonical.MAX_QUANTITY} units.", status=422, line=ref)


def _cut(desk: Desk, line: OrderLine, units: int, name: str) -> Iterator[Refusal]:
    """Units in a packed parcel or a bag at the counter are too far along to be taken out."""
    far = [
        promise
        for promise in desk.promises
        if promise.order_line_id == line.pk and promise.fulfilment and promise.fulfilment.status in TOO_FAR
    ]
    free = quantities.to_deliver(line) - sum(promise.quantity for promise in far)
    if units > free:
        yield from _too_far(far, f"Only {free} units of {name} can still be taken off:")
