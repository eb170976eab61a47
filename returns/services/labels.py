"""The parcel's label on the way back: offered, ordered, bought or made here, given back. One at a time per return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from core.actors import Actor
from core.errors import Invalid, Problem, Refusal, TryLater
from core.ids import uuid7
from exceptions.services import cases
from inventory.models import Location
from inventory.services.locking import retrying
from orders import carriage
from orders.carriage import Place, Quote
from orders.models import CarrierService, LabelStatus
from orders.services import choosing, outages, serials
from orders.services.carriage import services
from returns import events as facts
from returns.models import Reception, ReturnLabel, ReturnStatus
from returns.services import drop_offs, lifecycle, routes
from returns.services.lifecycle import ReturnDesk, open_return

FAILED, NOT_SENT_HOME = "returns.label_failed", "returns.rejected_waits"
MOST_GRAMS = 2_000_000


@dataclass(frozen=True, slots=True)
class Option:
    """One way to send it back: a carrier's service, and what it costs us."""

    service: str
    carrier: str
    name: str
    cost: Decimal
    currency: str
    arrives_by: Any


def options(desk_or_rma: Any, lines: Sequence[Any] | None = None) -> list[Option]:
    """What carriers would take it back for, the cheapest first: those of the place it is handed in at, where one was
    chosen. Reads only; empty where it has no place to go."""
    rma = desk_or_rma
    if rma.location_id is None:
        return []
    grams = weight(rma.lines.select_related("item") if lines is None else lines)
    return offered(_taken(_quotes(rma, grams), rma.drop_off))


def offered(found: Sequence[Quote]) -> list[Option]:
    return [
        Option(q.service, q.carrier, q.name, q.cost, q.currency, q.arrives_by)
        for q in sorted(found, key=lambda q: (q.currency, q.cost, q.arrives_by))
    ]


def weight(lines: Any) -> int:
    """Grams of what is still to come; an article nobody weighed counts as half a kilogram."""
    return min(routes.grams((line.item, line.awaited) for line in lines), MOST_GRAMS)


def _quotes(rma: Any, grams: int) -> list[Quote]:
    return quotes(grams, **_way(rma))


def _way(rma: Any) -> dict[str, Place]:
    return {"origin": routes.place_of(rma.sent_from), "destination": choosing.origin(rma.location)}


def quotes(grams: int, *, origin: Place, destination: Place) -> list[Quote]:
    """What the carriers that run would ask for a parcel of this weight now."""
    gone = outages.out()
    return carriage.quote(
        [service for service in services() if service.carrier not in gone],
        origin=origin, destination=destination, grams=grams, now=timezone.now(), ready_in=timedelta(0),
    )  # fmt: skip


def want(
    return_id: int,
    *,
    service: str = "",
    grams: int | None = None,
    drop_off: Mapping[str, Any] | None = None,
    version: int | None = None,
    actor: Actor,
) -> ReturnLabel:
    """Order the label, or answer the one there is. A service without an account makes it at once.

    Refusal("not_approved"), ("nothing_to_send"), ("no_place"), ("no_service") where no carrier comes from there, or
    none whose parcels the chosen place takes, ("other_carrier") where the named service isn't one; Invalid (422)
    where the address a parcel comes from lacks what a label needs.
    """

    def work() -> ReturnLabel:
        desk = open_return(return_id, version=version, actor=actor)
        rma = desk.rma
        standing = ReturnLabel.objects.live().way_back().filter(request=rma).first()
        if standing is not None:
            return standing
        _may_be_sent(desk)
        place = drop_off or rma.drop_off
        chosen, cost, currency = _choose(service, grams or weight(desk.lines), place, **_way(rma))
        failed = ReturnLabel.objects.way_back().filter(request=rma, status=LabelStatus.FAILED)
        failed.update(status=LabelStatus.VOIDED)
        label = ReturnLabel.objects.create(
            uid=uuid7(), request=rma, service=chosen, carrier=chosen.carrier, grams=grams or weight(desk.lines),
            cost=cost, currency=currency,
        )  # fmt: skip
        if drop_off:
            rma.drop_off = dict(drop_off)
        _order(desk, label, chosen)
        lifecycle.save(desk, fields=["drop_off"])
        return label

    return retrying(work)


def to_customer(desk: ReturnDesk, place: Location, *, service: str = "", grams: int) -> ReturnLabel:
    """The label that takes rejected goods home, ordered on an open desk; its owner saves it. The same refusals."""
    rma = desk.rma
    _require_address(rma)
    grams = min(max(grams, 1), MOST_GRAMS)
    way = {"origin": choosing.origin(place), "destination": routes.place_of(rma.sent_from)}
    chosen, cost, currency = _choose(service, grams, {}, **way)
    label = ReturnLabel.objects.create(
        uid=uuid7(), request=rma, service=chosen, carrier=chosen.carrier, grams=grams, cost=cost, currency=currency,
        to_customer=True,
    )  # fmt: skip
    _order(desk, label, chosen)
    return label


def give_back(desk: ReturnDesk, label: ReturnLabel, reason: str) -> None:
    """The same as `void` on an open desk; its owner saves it."""
    _give_back(desk, label, reason)


def from_channel(
    return_id: int, *, tracking_number: str, carrier: str = "", url: str = "", actor: Actor
) -> ReturnLabel | None:
    """The channel made the label itself: its number is followed like ours. Safe to repeat; None where it ended."""

    def work() -> ReturnLabel | None:
        desk = open_return(return_id, actor=actor)
        known = ReturnLabel.objects.filter(request=desk.rma, tracking_number=tracking_number[:120]).first()
        if known is not None or desk.rma.status != ReturnStatus.OPEN:
            return known
        for label in ReturnLabel.objects.live().way_back().filter(request=desk.rma):
            _give_back(desk, label, "The channel made another")
        label = ReturnLabel.objects.create(
            uid=uuid7(), request=desk.rma, carrier=carrier[:60], grams=weight(desk.lines), status=LabelStatus.WANTED
        )
        link = url if url.startswith("https://") else ""
        _ready(desk, label, tracking_number=tracking_number[:120], tracking_url=link[:500])
        lifecycle.save(desk)
        return label

    return retrying(work)


def void(label_id: int, *, reason: str = "", actor: Actor) -> ReturnLabel:
    """Give a label back; what may have been bought is asked back from the carrier. Safe to repeat."""

    def work() -> ReturnLabel:
        desk, label = _open(label_id, actor)
        _give_back(desk, label, reason)
        lifecycle.save(desk)
        return label

    return retrying(work)


def printed(label_id: int) -> None:
    now = timezone.now()
    for label in ReturnLabel.objects.filter(pk=label_id, status=LabelStatus.BOUGHT):
        ReturnLabel.objects.filter(pk=label.pk).update(printed_at=now, prints=label.prints + 1)


# --- What became of it outside. Each is safe to repeat and to race with a person who gave the label back.


def keep_ref(label_id: int, ref: str) -> str:
    """Remember the carrier's own reference before anything is paid; returns the one that counts, the first."""
    ReturnLabel.objects.filter(pk=label_id, vendor_ref="").update(vendor_ref=ref)
    kept: str = ReturnLabel.objects.values_list("vendor_ref", flat=True).get(pk=label_id)
    return kept


def still_wanted(label_id: int) -> None:
    """TryLater when nobody wants it any more: stop before it costs anything."""
    if not ReturnLabel.objects.filter(pk=label_id, status=LabelStatus.WANTED).exists():
        raise TryLater("The label is not wanted any more.", seconds=1, spends_attempt=False)


def bought(label_id: int, *, actor: Actor, **fields: Any) -> None:
    """The carrier has made it. Where it is no longer wanted it goes back."""

    def work() -> None:
        desk, label = _open(label_id, actor)
        if label.status in {LabelStatus.VOIDED, LabelStatus.VOID_WANTED} and not label.tracking_number:
            label.tracking_number = str(fields["tracking_number"])[:120]
            label.save(update_fields=["tracking_number"])
            if label.status == LabelStatus.VOIDED:
                label.move(LabelStatus.VOID_WANTED)
            desk.note(facts.LABEL_VOID_WANTED, {"label": label.pk, "reason": "Bought after it had been given back"})
        elif label.status == LabelStatus.WANTED:
            number = str(fields.pop("tracking_number"))[:120]
            link = str(fields.pop("tracking_url", ""))[:500] or _link(label.service, number)
            _ready(desk, label, tracking_number=number, tracking_url=link, **fields)
        else:
            return
        lifecycle.save(desk)

    retrying(work)


def failed(label_id: int, *, reason: str, actor: Actor) -> None:
    """The carrier will not make it as it is: a person looks."""

    def work() -> None:
        desk, label = _open(label_id, actor)
        if label.status != LabelStatus.WANTED:
            return
        label.move(LabelStatus.FAILED, failure=reason[:500])
        desk.note(facts.LABEL_FAILED, {"label": label.pk, "reason": reason[:300]})
        lifecycle.save(desk)
        about = NOT_SENT_HOME if label.to_customer else FAILED
        cases.open_(about, desk.rma.subject, actor=actor, summary=reason[:200])

    retrying(work)


def voided(label_id: int, *, taken_back: bool, reason: str = "", actor: Actor) -> None:
    """The carrier's word on a label that was given back."""

    def work() -> None:
        desk, label = _open(label_id, actor)
        if label.status != LabelStatus.VOID_WANTED:
            return
        label.move(LabelStatus.VOIDED if taken_back else LabelStatus.VOID_REFUSED, failure=reason[:500])
        desk.note(facts.LABEL_VOIDED, {"label": label.pk, "taken_back": taken_back})
        lifecycle.save(desk)

    retrying(work)


# --- The pieces


def _open(label_id: int, actor: Actor) -> tuple[ReturnDesk, ReturnLabel]:
    request_id = ReturnLabel.objects.filter(pk=label_id).values_list("request_id", flat=True).first()
    if request_id is None:
        raise Refusal("not_found", "No such label.", status=404)
    desk = open_return(request_id, actor=actor)
    return desk, ReturnLabel.objects.select_related("service").get(pk=label_id)


def _may_be_sent(desk: ReturnDesk) -> None:
    rma = desk.rma
    if rma.status != ReturnStatus.OPEN or rma.approved_at is None:
        raise Refusal("not_approved", f"{rma} is not approved, so nothing is sent back.")
    if not any(line.awaited for line in desk.lines):
        raise Refusal("nothing_to_send", f"Nothing of {rma} is still to come.")
    if rma.location is None:
        raise Refusal("no_place", f"{rma} has no place to go. Choose one first.")
    _require_address(rma)


def _require_address(rma: Any) -> None:
    missing = [part for part in ("line1", "city", "country") if not str(rma.sent_from.get(part) or "").strip()]
    if missing:
        raise Invalid([Problem(f"sent_from.{part}", "missing", "is needed on a label") for part in missing], status=422)


def _order(desk: ReturnDesk, label: ReturnLabel, chosen: CarrierService) -> None:
    """Bought in the background where the service has an account, else made here at once."""
    if chosen.connection:
        desk.note(facts.LABEL_WANTED, {"label": label.pk, "service": chosen.code})
    else:
        number = serials.next_sscc()
        _ready(desk, label, tracking_number=number, tracking_url=_link(chosen, number))


def _taken(found: Sequence[Quote], place: Mapping[str, Any]) -> list[Quote]:
    """Those whose parcels the place takes."""
    if not place:
        return list(found)
    rows = CarrierService.objects.filter(code__in=[q.service for q in found])
    names = dict(rows.values_list("code", "vendor_carrier"))
    return [q for q in found if drop_offs.takes(place, q.carrier, names.get(q.service, ""))]


def _choose(
    code: str, grams: int, place: Mapping[str, Any], **way: Place
) -> tuple[CarrierService, Decimal | None, str]:
    found = quotes(grams, **way)
    if code:
        named = CarrierService.objects.in_use().filter(code=code).first()
        if named is None:
            raise Refusal("unknown_service", f"There is no carrier service {code[:60]}.", status=422)
        drop_offs.require(place, named.carrier, named.vendor_carrier)
        price = next((q for q in found if q.service == code), None)
        return named, price.cost if price else None, price.currency if price else ""
    best = carriage.cheapest(_taken(found, place))
    if best is None and found:
        raise Refusal(
            "no_service", f"No carrier that {place.get('name')} takes parcels of has a price. Choose another."
        )
    if best is None:
        raise Refusal("no_service", "No carrier has a price for that address. Name one.")
    return CarrierService.objects.get(code=best.service), best.cost, best.currency


def _ready(desk: ReturnDesk, label: ReturnLabel, **fields: Any) -> None:
    label.move(LabelStatus.BOUGHT, bought_at=timezone.now(), failure="", failing_since=None, **fields)
    desk.note(
        facts.LABEL_READY,
        {
            "label": label.pk, "carrier": label.carrier, "tracking_number": label.tracking_number,
            "cost": str(label.cost or ""), "currency": label.currency,
        },
    )  # fmt: skip


def _give_back(desk: ReturnDesk, label: ReturnLabel, reason: str) -> None:
    if label.status in {LabelStatus.VOID_WANTED, LabelStatus.VOIDED, LabelStatus.VOID_REFUSED}:
        return
    on_its_way = any(line.reception == Reception.IN_TRANSIT for line in desk.lines)
    if on_its_way and not label.to_customer:
        raise Refusal("on_its_way", "The parcel is on its way with this label.")
    outside = label.service is not None and bool(label.service.connection)
    charged = outside and (bool(label.vendor_ref) or label.status == LabelStatus.BOUGHT)
    label.move(LabelStatus.VOID_WANTED if charged else LabelStatus.VOIDED)
    event = facts.LABEL_VOID_WANTED if charged else facts.LABEL_VOIDED
    desk.note(event, {"label": label.pk, "reason": reason[:300]})


def _link(service: CarrierService | None, number: str) -> str:
    return service.tracking_url.replace("{tracking}", number)[:500] if service else ""
