"""Looking at units that came back: their grade, whether the customer gets their money, and what becomes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Sum
from django.utils import timezone

from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from exceptions.services import cases
from inventory.services.locking import retrying
from orders.models import OrderLine
from orders.services import returned
from returns import disposing
from returns import events as facts
from returns.models import Acceptance, Grade, Inspection, InspectionPhoto, OnBench, ReturnLine
from returns.services import dispositions, goods, lifecycle, rejected
from returns.services.lifecycle import ReturnDesk

VERDICTS = (Acceptance.ACCEPTED, Acceptance.REJECTED, Acceptance.REVIEW)


@dataclass(frozen=True, slots=True)
class Seen:
    """What somebody found. `disposition` "" leaves what becomes of the units for later; `serial` is read off the unit
    where its article isn't tracked. `missing`: the units that came in can't be found any more."""

    grade: str
    verdict: str = Acceptance.ACCEPTED
    quantity: int = 1
    disposition: str = ""
    serial: str = ""
    note: str = ""
    photos: Sequence[int] = ()
    missing: bool = False


def inspect(bench_id: int, seen: Seen, *, key: str, actor: Actor) -> Inspection:
    """Judge units that wait on the bench, once per key. Of two people who look at the same unit, the second is refused.

    Locks the order, the return, then stock. Accepted units are the customer's money (return.accepted) and ours to sell.
    Rejected ones stay the customer's (services.rejected). Refusal("nothing_left") where they were looked at meanwhile;
    what `dispositions.place` refuses refuses the whole.
    """
    _check(seen, key)

    def work() -> Inspection:
        if (known := Inspection.objects.filter(key=key).first()) is not None:
            return _same(known, bench_id, seen)
        found = OnBench.objects.filter(pk=bench_id).values_list("line__request_id", flat=True).first()
        if found is None:
            raise Refusal("not_found", "No such units.", status=404)
        desk = lifecycle.open_return(found, actor=actor)
        if (known := Inspection.objects.filter(key=key).first()) is not None:
            return _same(known, bench_id, seen)
        bench = OnBench.objects.get(pk=bench_id)
        made = _write(desk, bench, seen, key)
        _attach(made, seen.photos)
        _tell(desk, made)
        settle(desk, desk.line(made.line_id), made)
        if kind := disposing.MISSING if seen.missing else seen.disposition:
            dispositions.place(desk, made, kind, quantity=made.quantity, key=f"{key}:first"[:120])
        lifecycle.save(desk)
        _tell_a_person(desk, made)
        return made

    return retrying(work)


def decide(inspection_id: int, verdict: str, *, note: str = "", actor: Actor, version: int | None = None) -> Inspection:
    """Somebody decides what an inspector left open: the customer gets their money, or doesn't. Safe to repeat.

    Refusal("decided") with what was decided; Invalid without a reason for a rejection.
    """
    note = note.replace("\0", "").strip()
    if verdict not in (Acceptance.ACCEPTED, Acceptance.REJECTED):
        raise Invalid([Problem("verdict", "unknown", "Accept or reject.")], status=422)
    if verdict == Acceptance.REJECTED and not note:
        raise Invalid([Problem("note", "required", "Say why, in words the customer may read.")], status=422)

    def work() -> Inspection:
        found = Inspection.objects.filter(pk=inspection_id).values_list("line__request_id", flat=True).first()
        if found is None:
            raise Refusal("not_found", "No such inspection.", status=404)
        desk = lifecycle.open_return(found, actor=actor, version=version)
        inspection = Inspection.objects.get(pk=inspection_id)
        if inspection.verdict == verdict:
            return inspection
        if inspection.verdict != Acceptance.REVIEW:
            words = f"It was {inspection.get_verdict_display().lower()} by {inspection.decided_by}."
            raise Refusal("decided", words, verdict=inspection.verdict)
        inspection.verdict, inspection.decided_by, inspection.decided_at = verdict, actor.label[:200], timezone.now()
        inspection.note = f"{inspection.note}\n{note}".strip()[:500]
        inspection.save(update_fields=["verdict", "decided_by", "decided_at", "note"])
        settle(desk, desk.line(inspection.line_id), inspection)
        lifecycle.save(desk)
        _tell_a_person(desk, inspection)
        return inspection

    return retrying(work)


def settle(desk: ReturnDesk, line: ReturnLine, inspection: Inspection) -> None:
    """Count a verdict on its line, and say what it means for the customer's money and for the order's units."""
    told = {
        "inspection": inspection.pk, "grade": inspection.grade, "note": inspection.note,
        "location": inspection.location_id,
        "lines": [
            {"line": line.pk, "order_line": line.order_line_id, "sku": line.sku, "quantity": inspection.quantity}
        ],
    }  # fmt: skip
    if inspection.verdict == Acceptance.ACCEPTED:
        line.accepted += inspection.quantity
        desk.note(facts.ACCEPTED, told)
        if line.order_line_id and desk.rma.order_id:
            returned.note(
                desk.rma.order_id, {line.order_line_id: inspection.quantity}, actor=desk.actor, source=desk.rma.subject,
                why=f"{desk.rma} accepted",
            )  # fmt: skip
    elif inspection.verdict == Acceptance.REJECTED:
        line.rejected += inspection.quantity
        desk.note(facts.REJECTED, told)
    line.acceptance = _acceptance(line)


def _acceptance(line: ReturnLine) -> str:
    """Where a line stands by its units: in review while any is, then pending, then what most became."""
    open_ = Inspection.objects.filter(line=line, verdict=Acceptance.REVIEW).aggregate(units=Sum("quantity"))["units"]
    if open_:
        return Acceptance.REVIEW
    if line.undecided or not (line.accepted or line.rejected):
        return Acceptance.PENDING
    return Acceptance.ACCEPTED if line.accepted else Acceptance.REJECTED


def _write(desk: ReturnDesk, bench: OnBench, seen: Seen, key: str) -> Inspection:
    if seen.quantity > bench.waiting:
        words = (
            "Somebody has looked at them already." if not bench.waiting else f"{bench.waiting} units wait, not more."
        )
        raise Refusal("nothing_left", words, waiting=bench.waiting, wanted=seen.quantity)
    line = desk.line(bench.line_id)
    serial = bench.serial or seen.serial.replace("\0", "").strip()[:120]
    fits = bench.serial_fits if bench.serial else goods.fits(line, serial, goods.sold_names([line]))
    verdict = seen.verdict
    if verdict == Acceptance.ACCEPTED and (fits is False or line.unexpected or _more_than_left(line, seen.quantity)):
        verdict = Acceptance.REVIEW  # not what was sold here, as far as we can tell: money for it is a person's to give
    decided = verdict != Acceptance.REVIEW
    bench.inspected += seen.quantity
    bench.save(update_fields=["inspected"])
    return Inspection.objects.create(
        bench=bench, line=line, location_id=bench.location_id, quantity=seen.quantity,
        grade="" if seen.missing else seen.grade, verdict=verdict, serial=serial, serial_fits=fits,
        note=seen.note.replace("\0", "").strip()[:500], key=key, inspected_by=desk.actor.label[:200],
        decided_by=desk.actor.label[:200] if decided else "", decided_at=timezone.now() if decided else None,
    )  # fmt: skip


def _more_than_left(line: ReturnLine, units: int) -> bool:
    """Whether more would have come back than ever left: then something else is wrong, and a person has to see it."""
    sold = OrderLine.objects.filter(pk=line.order_line_id or 0).values_list("returned", "fulfilled").first()
    return sold is not None and sold[0] + units > sold[1]


def _attach(made: Inspection, photos: Sequence[int]) -> None:
    loose = InspectionPhoto.objects.filter(line=made.line_id, inspection=None)
    (loose.filter(pk__in=list(photos)) if photos else loose).update(inspection=made)


def _tell(desk: ReturnDesk, made: Inspection) -> None:
    line = desk.line(made.line_id)
    desk.note(
        facts.INSPECTED,
        {"inspection": made.pk, "line": line.pk, "sku": line.sku, "quantity": made.quantity, "grade": made.grade,
         "verdict": made.verdict, "serial": made.serial, "serial_fits": made.serial_fits, "note": made.note,
         "location": made.location_id, "photos": made.photos.count()},
    )  # fmt: skip


def _tell_a_person(desk: ReturnDesk, made: Inspection) -> None:
    if made.verdict == Acceptance.REJECTED and made.chosen < made.quantity:
        rejected.tell_a_person(desk.rma.subject, made, desk.actor)
    if made.verdict != Acceptance.REVIEW:
        return
    line = desk.line(made.line_id)
    words = f"{made.quantity} × {line.sku}, grade {made.grade}: {made.note or 'somebody has to decide'}"
    cases.open_(
        "returns.review", desk.rma.subject, summary=words, site_id=made.location.site_id, units=made.quantity,
        value=line.unit_value * made.quantity or None, currency=desk.rma.currency, actor=desk.actor,
    )  # fmt: skip


def _check(seen: Seen, key: str) -> None:
    problems = []
    if not seen.missing and seen.grade not in Grade.values:
        problems.append(Problem("grade", "unknown", "Choose how it is."))
    if seen.verdict not in VERDICTS:
        problems.append(Problem("verdict", "unknown", "Accept, reject, or leave it to somebody else."))
    if seen.quantity < 1:
        problems.append(Problem("quantity", "range", "At least one unit."))
    if seen.verdict == Acceptance.REJECTED and not seen.note.strip():
        problems.append(Problem("note", "required", "Say why, in words the customer may read."))
    if seen.disposition and seen.disposition not in disposing.CHOSEN:
        problems.append(Problem("disposition", "unknown", "Choose what becomes of it."))
    if not 0 < len(key) <= 110 or not key.isprintable():
        problems.append(Problem("key", "required", "A key of 1 to 110 characters is needed."))
    if problems:
        raise Invalid(problems, status=422)


def _same(known: Inspection, bench_id: int, seen: Seen) -> Inspection:
    if (known.bench_id, known.quantity) != (bench_id, seen.quantity) or known.grade != (
        "" if seen.missing else seen.grade
    ):
        raise Refusal("key_reused", "This key was used for other units.", key=known.key)
    return known
