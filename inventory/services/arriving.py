"""The receiving half of a transfer: what came out of the box."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.utils import timezone

from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from exceptions.services import cases
from inventory import events as facts
from inventory import skus
from inventory.models import (
    DiscrepancyKind,
    Item,
    Lot,
    LotStock,
    State,
    Transfer,
    TransferDiscrepancy,
    TransferLine,
    TransferLot,
    TransferStatus,
)
from inventory.services import inbound, movements, naming
from inventory.services.handling import lines_of, lots_of, named_moves, open_transfer, record, touch, whole
from inventory.services.locking import retrying
from inventory.services.movements import Move

REASONS = {
    DiscrepancyKind.SHORT: "inventory.transfer_short",
    DiscrepancyKind.OVER: "inventory.transfer_over",
    DiscrepancyKind.MISSHIPPED: "inventory.transfer_misshipped",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """Units of an item out of the box, damaged ones included; of a tracked one `lots` {code: (found, damaged)}."""

    item_id: int
    found: int
    damaged: int = 0
    lots: Mapping[str, tuple[int, int]] = field(default_factory=dict)


def unpack(
    transfer_id: int,
    *,
    code: str,
    quantity: int = 1,
    damaged: bool = False,
    unexpected: bool = False,
    item_id: int | None = None,
    version: int | None = None,
    actor: Actor,
) -> TransferLine:
    """Units seen at the destination, by their code. Nothing is booked before `receive`.

    Of tracked items the lot or serial is scanned; `item_id` says of which item one is that nobody knows. What wasn't
    sent is Refusal("not_on_this_transfer") unless `unexpected` says that it did come in this box.
    """
    whole("quantity", quantity, 1)

    def work() -> TransferLine:
        transfer = _arriving(transfer_id, version)
        lines = lines_of(transfer)
        ids, name = naming.meant(code, _candidates(lines, code, item_id), chosen=_chosen(item_id))
        line = next((line for line in lines if line.item_id in ids), None)
        lot = TransferLot.objects.filter(line=line, code=name).first() if line and name else None
        if (line is None or (name and not (lot and lot.shipped))) and not unexpected:
            raise Refusal("not_on_this_transfer", f"{code} was not sent with {transfer.number}.", scanned=code)
        if line is None:
            naming.require(ids)
            line = TransferLine(transfer=transfer, item=Item.objects.filter(pk__in=ids).order_by("pk")[0], wanted=0)
        if naming.tracked(line.item) and not name:
            words = f"Scan the {naming.word(line.item)} of {line.item.sku}."
            raise Refusal("name_needed", words, status=422, scanned=code)
        naming.one_unit(line.item, name, quantity, seen=lot.found if lot else 0)
        line.found += quantity
        line.damaged += quantity if damaged else 0
        line.save()
        if name:
            lot = lot or TransferLot(line=line, code=name)
            lot.found += quantity
            lot.damaged += quantity if damaged else 0
            lot.save()
        touch(transfer)
        return line

    return retrying(work)


def _candidates(lines: Sequence[TransferLine], code: str, item_id: int | None) -> list[Item]:
    """The items sent, and those a lot or serial of this name belongs to: it may have come by mistake."""
    items = [line.item for line in lines]
    sent = {item.pk for item in items}
    text = skus.normalise(code.replace("\0", ""))
    if item_id is None and not Lot.objects.filter(code=text, item__in=sent).exists():
        items += Item.objects.filter(lots__code=text).exclude(pk__in=sent).order_by("pk")[:5]
    return items


def _chosen(item_id: int | None) -> Item | None:
    if item_id is None:
        return None
    naming.require([item_id])
    return Item.objects.get(pk=item_id)


def enter(
    transfer_id: int,
    *,
    line_id: int,
    found: int,
    damaged: int = 0,
    code: str = "",
    version: int | None = None,
    actor: Actor,
) -> TransferLine:
    """The whole figure of a line, typed; replaces what was scanned. Of a tracked item, the figure of `code`."""
    whole("found", found, 0)
    whole("damaged", damaged, 0)
    if damaged > found:
        raise Invalid([Problem("damaged", "range", "No more can be damaged than was found.")], status=422)

    def work() -> TransferLine:
        transfer = _arriving(transfer_id, version)
        line = transfer.lines.select_related("item").filter(pk=line_id).first()
        if line is None:
            raise Refusal("unknown_line", "This line is not part of the transfer.", status=404)
        if naming.tracked(line.item):
            if not code:
                words = f"Say which {naming.word(line.item)}s of {line.item.sku} came, one by one."
                raise Refusal("name_needed", words, status=422)
            _put_lots(line, {naming.name_of(line.item, code): (found, damaged)})
        else:
            line.found, line.damaged = found, damaged
        line.save(update_fields=["found", "damaged"])
        touch(transfer)
        return line

    return retrying(work)


def receive(
    transfer_id: int, *, accept_differences: bool = False, version: int | None = None, actor: Actor
) -> Transfer:
    """Book what was found; every line that differs from what was sent becomes a discrepancy and a case.

    Missing units stay in transit until somebody says what became of them; surplus and foreign ones are booked as
    found. Refusal("differs") names the lines unless the differences are accepted.
    """

    def work() -> Transfer:
        transfer = _arriving(transfer_id, version)
        lines = lines_of(transfer)
        compared = parcels(lines)
        different = [each for each in compared if each.found != each.shipped]
        if different and not accept_differences:
            words = ", ".join(f"{each.words} {each.found} of {each.shipped}" for each in different[:5])
            raise Refusal("differs", f"Not as it was sent: {words}.", status=422,
                          lines=list(dict.fromkeys(each.line.item.sku for each in different)))  # fmt: skip
        _book(transfer, lines, compared, actor)
        found = [_discrepancy(transfer, each) for each in different]
        TransferDiscrepancy.objects.bulk_create(found)
        status = TransferStatus.DISCREPANT if found else TransferStatus.RECEIVED
        transfer.move(status, received_at=timezone.now())
        differences = [
            {"sku": each.item.sku, "kind": each.kind, "units": each.quantity, "code": each.code} for each in found
        ]
        data = {"units": sum(line.found for line in lines), "differences": differences}
        record(transfer, facts.TRANSFER_RECEIVED, actor, data)
        for each in found:
            _open_case(transfer, each, actor)
        cases.recheck(transfer.subject, cause="It was received.", actor=actor)
        return transfer

    return retrying(work)


def take_in(
    transfer_id: int,
    seen: Sequence[Seen],
    *,
    accept_differences: bool = False,
    version: int | None = None,
    actor: Actor,
) -> Transfer:
    """What came out of the box, told in one go and booked: all or nothing. Replaces what was scanned of these items."""
    if twice := [n for n, each in enumerate(seen) if each.item_id in {x.item_id for x in seen[:n]}]:
        raise Invalid([Problem(f"lines[{n}].sku", "duplicate", "It is there twice.") for n in twice], status=422)

    def work() -> Transfer:
        transfer = _arriving(transfer_id, version)
        lines = {line.item_id: line for line in lines_of(transfer)}
        naming.require([each.item_id for each in seen if each.item_id not in lines])
        for n, each in enumerate(seen):
            if each.damaged > each.found:
                problem = Problem(f"lines[{n}].damaged", "range", "No more can be damaged than was found.")
                raise Invalid([problem], status=422)
            line = lines.get(each.item_id)
            if line is None:
                line = TransferLine(transfer=transfer, item=Item.objects.get(pk=each.item_id), wanted=0)
                line.save()
            _told(line, each, f"lines[{n}].lots")
            line.save()
        return receive(transfer_id, accept_differences=accept_differences, actor=actor)

    return retrying(work)


def _arriving(transfer_id: int, version: int | None) -> Transfer:
    transfer = open_transfer(transfer_id, version)
    if transfer.status != TransferStatus.IN_TRANSIT:
        state = transfer.get_status_display().lower()
        raise Refusal("not_in_transit", f"{transfer.number} is {state}, not in transit.",
                      status_now=transfer.status, version=transfer.version)  # fmt: skip
    return transfer


def _told(line: TransferLine, seen: Seen, path: str) -> None:
    """Take one line of a report down; of a tracked item it names every unit."""
    named = naming.tracked(line.item)
    if not named and not seen.lots:
        line.found, line.damaged = seen.found, seen.damaged
        return
    lots = {naming.name_of(line.item, code): units for code, units in seen.lots.items()}
    told = (sum(found for found, _ in lots.values()), sum(broken for _, broken in lots.values()))
    if told != (seen.found, seen.damaged):
        words = f"They name {told[0]} units, {told[1]} damaged; the line says {seen.found} and {seen.damaged}."
        raise Invalid([Problem(path, "count", words)], status=422)
    if any(broken > found for found, broken in lots.values()):
        raise Invalid([Problem(path, "range", "No more can be damaged than was found.")], status=422)
    line.lots.update(found=0, damaged=0)
    _put_lots(line, lots)


def _put_lots(line: TransferLine, lots: Mapping[str, tuple[int, int]]) -> None:
    """Set what was found of these lots; the line's own figures become the sums of all its lots."""
    for code, (found, damaged) in lots.items():
        naming.one_unit(line.item, code, found, seen=0)
        TransferLot.objects.update_or_create(line=line, code=code, defaults={"found": found, "damaged": damaged})
    all_ = list(line.lots.values_list("found", "damaged"))
    line.found, line.damaged = sum(found for found, _ in all_), sum(broken for _, broken in all_)


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is compared by itself: a line, or one lot or serial of it. `away` where the books have it elsewhere."""

    line: TransferLine
    lot: TransferLot | None
    shipped: int
    found: int
    damaged: int
    away: bool = False

    @property
    def words(self) -> str:
        return f"{self.line.item.sku} {self.lot.code}" if self.lot else self.line.item.sku


def parcels(lines: Sequence[TransferLine]) -> list[Parcel]:
    """The lines as they are compared. At most two queries, none where nothing is tracked."""
    lots = lots_of(lines)
    serials = [lot.code for line in lines for lot in lots[line.pk] if lot.found > lot.shipped]
    rows = LotStock.objects.filter(
        single=True, quantity__gt=0, lot__item__in=[line.item_id for line in lines], lot__code__in=serials
    )
    away = set(rows.values_list("lot__item_id", "lot__code")) if serials else set()
    found = []
    for line in lines:
        if not naming.tracked(line.item):
            found.append(Parcel(line, None, line.shipped, line.found, line.damaged))
        for lot in lots[line.pk]:
            elsewhere = lot.found > lot.shipped and (line.item_id, lot.code) in away
            found.append(Parcel(line, lot, lot.shipped, lot.found, lot.damaged, elsewhere))
    return found


def _book(transfer: Transfer, lines: Sequence[TransferLine], parcels: Sequence[Parcel], actor: Actor) -> None:
    """Post what came. A serial that the books have elsewhere waits for somebody to settle it: they know why."""
    moves = [move for parcel in parcels if not parcel.away for move in _moves(transfer.destination_id, parcel)]
    if moves:
        movements.post(moves, key=f"transfer:{transfer.pk}:receive", cause=transfer.subject, actor=actor,
                       note=f"{transfer.number} from {transfer.origin.code}")  # fmt: skip
    received: Counter[int] = Counter()
    for parcel in parcels:
        booked = 0 if parcel.away else parcel.found
        received[parcel.line.pk] += booked
        if parcel.lot:
            parcel.lot.received = booked
    for line in lines:
        line.received = received[line.pk]
    TransferLine.objects.bulk_update(lines, ["received"])
    TransferLot.objects.bulk_update([parcel.lot for parcel in parcels if parcel.lot], ["received"])
    arrived: Counter[int] = Counter()
    for parcel in parcels:
        arrived[parcel.line.item_id] += min(parcel.found, parcel.shipped)
    if coming := [inbound.Line(item, transfer.destination_id, units) for item, units in arrived.items() if units]:
        inbound.settle(transfer.subject, coming, actor=actor)
    inbound.cancel(transfer.subject, actor=actor)  # what is missing can't be promised ahead any longer


def _moves(here: int, parcel: Parcel) -> list[Move]:
    sent = min(parcel.found, parcel.shipped)
    broken_sent = min(parcel.damaged, sent)
    broken_extra, extra = parcel.damaged - broken_sent, parcel.found - sent
    item, moves = parcel.line.item, []
    for units, origin, state in (
        (sent - broken_sent, here, State.SELLABLE),
        (broken_sent, here, State.DAMAGED),
        (extra - broken_extra, None, State.SELLABLE),
        (broken_extra, None, State.DAMAGED),
    ):
        ends = (origin, State.IN_TRANSIT_IN if origin else State.FOUND, here, state)
        if parcel.lot:
            moves += named_moves(item, {parcel.lot.code: units}, *ends)
        elif units:
            moves.append(Move(item.pk, units, *ends))
    return moves


def _discrepancy(transfer: Transfer, parcel: Parcel) -> TransferDiscrepancy:
    """Short, over, or mis-shipped: an article nobody asked for, or another lot or serial than was sent."""
    gap = parcel.found - parcel.shipped
    foreign = not parcel.line.wanted or (parcel.lot is not None and not parcel.shipped)
    more = DiscrepancyKind.MISSHIPPED if foreign else DiscrepancyKind.OVER
    return TransferDiscrepancy(
        transfer=transfer, item=parcel.line.item, kind=DiscrepancyKind.SHORT if gap < 0 else more, quantity=abs(gap),
        code=parcel.lot.code if parcel.lot else "", booked=not parcel.away,
        damaged=parcel.damaged if parcel.away else 0,
    )  # fmt: skip


def _open_case(transfer: Transfer, found: TransferDiscrepancy, actor: Actor) -> None:
    cost = found.item.unit_cost
    place = transfer.origin if found.kind != DiscrepancyKind.SHORT else transfer.destination
    cases.open_(
        REASONS[DiscrepancyKind(found.kind)],
        found.subject,
        summary=f"{found.what}: {found.quantity} {found.get_kind_display().lower()}, "
        f"{transfer.origin.name} to {transfer.destination.name}",
        site_id=place.site_id,
        value=cost * found.quantity if cost is not None else None,
        currency=found.item.cost_currency,
        actor=actor,
    )
