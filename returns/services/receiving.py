"""Taking returned goods in: scan by scan, what was announced and what was not, and what is missing in the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from core.subjects import Subject
from exceptions.services import cases
from inventory import skus
from inventory.models import Item, Location, Lot, State
from inventory.services import naming
from inventory.services.locking import retrying
from returns import clocks
from returns import events as facts
from returns.models import Arrival, ArrivalKind, OnBench, Reception, ReturnLine, ReturnStatus
from returns.services import goods, lifecycle, targets
from returns.services.lifecycle import ReturnDesk

MOST_AT_ONCE = 10_000
KINDS_OF_NEWS = {ArrivalKind.UNEXPECTED: "returns.unexpected_item", ArrivalKind.WRONG_ITEM: "returns.wrong_item"}


@dataclass(frozen=True, slots=True)
class Found:
    """Units out of a parcel: the code that was scanned, and what the person says of it.

    `line` is the announced line they are of, where the code alone doesn't say. `unexpected` takes in what nobody
    announced; `instead_of` says which line it came in place of. `other_serial` takes in a unit of the right article
    whose number was not sold on this order.
    """

    code: str
    quantity: int = 1
    line: int | None = None
    item: int | None = None
    unexpected: bool = False
    instead_of: int | None = None
    other_serial: bool = False


def receive(
    return_id: int, found: Found, *, location_id: int, key: str, actor: Actor, version: int | None = None,
    at: datetime | None = None,
) -> Arrival:  # fmt: skip
    """Units of a return are here. Safe to repeat by key; each unit becomes stock that waits to be looked at.

    Locks the order, the return, then stock. Refusal("not_approved"), ("declined"), ("not_expected") with what is
    awaited, ("nothing_left") where all of it is here already, ("serial_mismatch"), and what scanning refuses.
    """
    _check(found, key)

    def work() -> Arrival:
        if (known := Arrival.objects.select_related("line").filter(key=key).first()) is not None:
            return _same(known, return_id, found)
        desk = lifecycle.open_return(return_id, version=version, actor=actor)
        if (known := Arrival.objects.select_related("line").filter(key=key).first()) is not None:
            return _same(known, return_id, found)
        _require_open(desk)
        arrival = _take_in(desk, found, location_id, key, at or timezone.now())
        _come_here(desk, location_id)
        lifecycle.save(desk, fields=("location",))
        _tell_a_person(desk, arrival)
        return arrival

    return retrying(work)


def finish(
    return_id: int, *, location_id: int, actor: Actor, version: int | None = None, lines: Sequence[int] | None = None
) -> list[ReturnLine]:
    """Everything that was in the parcel is out: what is still awaited never came. Returns the lines that are short.

    With `lines`, only these. Safe to repeat. Opens one case for the return, and the customer is asked by a person.
    """

    def work() -> list[ReturnLine]:
        desk = lifecycle.open_return(return_id, version=version, actor=actor)
        _require_open(desk)
        short = [line for line in desk.lines if line.awaited and (lines is None or line.pk in lines)]
        if not short:
            return []
        told = []
        for line in short:
            told.append({"line": line.pk, "sku": line.sku, "quantity": line.awaited})
            line.gone += line.awaited
            if line.reception != Reception.WRONG_ITEM:
                desk.receive_as(line, Reception.RECEIVED if line.received else Reception.SHORT)
        desk.note(facts.SHORT, {"lines": told, "location": location_id})
        lifecycle.save(desk)
        words = ", ".join(f"{each['quantity']} × {each['sku']}" for each in told[:5])
        cases.open_(
            "returns.short", desk.rma.subject, summary=f"Not in the parcel: {words}", site_id=_site(location_id),
            units=sum(int(str(each["quantity"])) for each in told), actor=actor,
        )  # fmt: skip
        return short

    return retrying(work)


def _check(found: Found, key: str) -> None:
    problems = []
    if not 0 < len(key) <= 120 or not key.isprintable():
        problems.append(Problem("key", "required", "A key of 1 to 120 characters is needed."))
    if not 1 <= found.quantity <= MOST_AT_ONCE:
        problems.append(Problem("quantity", "range", f"From 1 to {MOST_AT_ONCE} units at once."))
    if problems:
        raise Invalid(problems, status=422)


def _same(known: Arrival, return_id: int, found: Found) -> Arrival:
    if known.line.request_id != return_id or known.quantity != found.quantity:
        raise Refusal("key_reused", "This key was used for other units.", key=known.key)
    return known


def _require_open(desk: ReturnDesk) -> None:
    rma = desk.rma
    if rma.status == ReturnStatus.DECLINED:
        raise Refusal("declined", f"{rma} was declined: nothing is taken in for it.", status_now=rma.status)
    if rma.approved_at is None:
        raise Refusal("not_approved", f"{rma} waits for a person to approve it.", status_now=rma.status)


def _take_in(desk: ReturnDesk, found: Found, location_id: int, key: str, at: datetime) -> Arrival:
    items, name = _meant(desk, found)
    line = _announced(desk, items, found)
    kind, replaced = ArrivalKind.EXPECTED, None
    if line is None:
        kind, replaced = _surprise(desk, items, found)
        line = _added(desk, items, found)
    item = line.item or Item.objects.get(pk=min(items))
    naming.one_unit(item, name, found.quantity, seen=_seen(line, name))
    sold = goods.sold_names([line])
    fits = goods.fits(line, name, sold)
    if fits is False and item.tracking != "LOT" and not found.other_serial and kind == ArrivalKind.EXPECTED:
        raise Refusal("serial_mismatch", f"{name} was not sold on this order.", status=422, scanned=name,
                      expected=sorted(sold.get(line.pk, set()) | set(line.serials))[:20])  # fmt: skip
    arrival = Arrival.objects.create(
        line=line, location_id=location_id, item=item, quantity=found.quantity, kind=kind, instead_of=replaced,
        serial=name, serial_fits=fits, key=key, received_by=desk.actor.label[:200], occurred_at=at,
    )  # fmt: skip
    goods.move(
        item, found.quantity, location_id=location_id, from_state=_origin(item, name),
        to_state=State.AWAITING_INSPECTION, key=f"return:arrival:{arrival.pk}", cause=desk.rma.subject,
        actor=desk.actor, name=name,
    )  # fmt: skip
    _count(desk, line, arrival, at)
    return arrival


def _origin(item: Item, name: str) -> str:
    """Customers bring back what we sold; a unit whose number we never had was sold by somebody else, and is found."""
    ours = not naming.tracked(item) or Lot.objects.filter(item=item, code=name).exists()
    return State.CUSTOMER if ours else State.FOUND


def _meant(desk: ReturnDesk, found: Found) -> tuple[set[int], str]:
    """(items the code may mean, which unit). Of a tracked article its number is scanned, and names the article."""
    items = [line.item for line in desk.lines if line.item]
    chosen = Item.objects.filter(pk=found.item).first() if found.item else None
    if found.line is not None:
        chosen = desk.line(found.line).item
    text = skus.normalise(found.code.replace("\0", ""))
    mine = {item.pk for item in items}
    if chosen is None and found.unexpected and not Lot.objects.filter(code=text, item__in=mine).exists():
        items += Item.objects.filter(lots__code=text).exclude(pk__in=mine).order_by("pk")[:5]
    if chosen is not None and not naming.tracked(chosen):
        chosen = None if found.line is None else chosen
    if chosen is not None and not naming.tracked(chosen) and (not text or text == chosen.sku):
        return {chosen.pk}, ""
    by_serial = [line for line in desk.lines if line.item and text and text in line.serials]
    if chosen is None and by_serial and by_serial[0].item and naming.tracked(by_serial[0].item):
        return {by_serial[0].item_id or 0}, naming.checked(text)
    return naming.meant(found.code, items, chosen=chosen)


def _announced(desk: ReturnDesk, items: set[int], found: Found) -> ReturnLine | None:
    """The line these units are of: the one named, else the first of the article with enough still awaited."""
    mine = [line for line in desk.lines if line.item_id in items and (found.line in (None, line.pk))]
    open_ = [line for line in mine if line.awaited or line.reception in (Reception.LOST, Reception.EXPIRED)]
    for line in open_:
        if line.awaited >= found.quantity:
            return line
    for line in open_:  # given up as lost, and here it is after all
        if not line.awaited and line.gone >= found.quantity:
            line.gone -= found.quantity
            return line
    if mine and not found.unexpected:
        left = sum(line.awaited for line in mine)
        words = f"{left} of {mine[0].sku} are still awaited." if left else f"All of {mine[0].sku} is here already."
        raise Refusal("nothing_left", words, scanned=found.code, awaited=left, sku=mine[0].sku)
    return None


def _surprise(desk: ReturnDesk, items: set[int], found: Found) -> tuple[ArrivalKind, ReturnLine | None]:
    if not found.unexpected and found.instead_of is None:
        awaited = [{"sku": line.sku, "quantity": line.awaited} for line in desk.lines if line.awaited]
        raise Refusal("not_expected", f"{found.code} was not announced with {desk.rma}.", status=422,
                      scanned=found.code, awaited=awaited)  # fmt: skip
    naming.require(items)
    if found.instead_of is None:
        return ArrivalKind.UNEXPECTED, None
    replaced = desk.line(found.instead_of)
    if replaced.awaited < found.quantity:
        raise Refusal("nothing_left", f"{replaced.awaited} of {replaced.sku} are still awaited.", sku=replaced.sku)
    replaced.gone += found.quantity
    if not replaced.awaited:
        desk.receive_as(replaced, Reception.RECEIVED if replaced.received else Reception.WRONG_ITEM)
    return ArrivalKind.WRONG_ITEM, replaced


def _added(desk: ReturnDesk, items: set[int], found: Found) -> ReturnLine:
    """A line for what nobody announced; it has no value until a person says that it was bought here."""
    item = Item.objects.get(pk=found.item if found.item in items else min(items))
    line = next((each for each in desk.lines if each.unexpected and each.item_id == item.pk), None)
    if line is not None:
        line.quantity += found.quantity
        line.save(update_fields=["quantity"])
        return line
    line = ReturnLine.objects.create(
        request=desk.rma, position=max((each.position for each in desk.lines), default=0) + 1, item=item, sku=item.sku,
        title=item.name, quantity=found.quantity, unexpected=True,
    )  # fmt: skip
    desk.lines.append(line)
    return line


def _seen(line: ReturnLine, name: str) -> int:
    return Arrival.objects.filter(line=line, serial=name).count() if name else 0


def _count(desk: ReturnDesk, line: ReturnLine, arrival: Arrival, at: datetime) -> None:
    due = at + timedelta(hours=targets.hours()[clocks.DISPOSE])
    bench, made = OnBench.objects.get_or_create(
        line=line, location_id=arrival.location_id, serial=arrival.serial,
        defaults={"received": 0, "first_at": at, "due_at": due, "serial_fits": arrival.serial_fits},
    )  # fmt: skip
    if not made and bench.received == bench.inspected:  # nothing waited any more: its clock starts anew
        bench.first_at, bench.due_at = at, due
    bench.received += arrival.quantity
    bench.save(update_fields=["received", "first_at", "due_at"])
    line.received += arrival.quantity
    desk.receive_as(line, Reception.RECEIVED)
    told = {"line": line.pk, "order_line": line.order_line_id, "sku": line.sku, "quantity": arrival.quantity}
    desk.note(
        facts.RECEIVED,
        {"arrival": arrival.pk, "kind": arrival.kind, "location": arrival.location_id, "serial": arrival.serial,
         "lines": [told]},
        [(Subject("item", str(arrival.item_id), arrival.item.sku), "item")],
    )  # fmt: skip


def _come_here(desk: ReturnDesk, location_id: int) -> None:
    """It came to another place than it was sent to: from now on it is that place's."""
    if desk.rma.location_id != location_id:
        desk.rma.location = Location.objects.get(pk=location_id)


def _tell_a_person(desk: ReturnDesk, arrival: Arrival) -> None:
    words = f"{arrival.quantity} × {arrival.item.sku}"
    site = _site(arrival.location_id)
    if reason := KINDS_OF_NEWS.get(ArrivalKind(arrival.kind)):
        if arrival.instead_of:
            words += f" instead of {arrival.instead_of.sku}"
        cases.open_(reason, desk.rma.subject, summary=words, site_id=site, units=arrival.quantity, actor=desk.actor)
    if arrival.serial_fits is False:
        words = f"{arrival.serial} was not sold on this order"
        cases.open_("returns.serial_mismatch", desk.rma.subject, summary=words, site_id=site, units=1, actor=desk.actor)


def _site(location_id: int) -> int | None:
    return Location.objects.values_list("site_id", flat=True).get(pk=location_id)
