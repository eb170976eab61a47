"""Cases of what came out of a parcel: not what was announced, not the unit that was sold, not for one to judge."""

from __future__ import annotations

from collections.abc import Callable

from django.db.models import F, Q
from django.utils.timezone import localtime

from core import subjects
from core.actors import Actor
from exceptions import reasons
from exceptions.reasons import Action, Cell, Column, Evidence, Param, Reason, Row
from returns.models import Acceptance, Arrival, ArrivalKind, Inspection, ReturnLine
from returns.reasons import shared
from returns.services import inspection

UNITS = Column("Units", numeric=True)


def _unjudged(uid: str) -> Q:
    return Q(line__request_id=int(uid)) & Q(line__received__gt=F("line__accepted") + F("line__rejected"))


def _arrived(kind: str) -> Callable[[str], bool]:
    def stands(uid: str) -> bool:
        return Arrival.objects.filter(_unjudged(uid), kind=kind).exists()

    return stands


def _arrivals(kind: str, heading: str) -> Callable[[str], list[Evidence]]:
    def evidence(uid: str) -> list[Evidence]:
        rows = Arrival.objects.filter(line__request_id=int(uid), kind=kind).select_related(
            "line__item", "instead_of", "location"
        )
        told = [
            Row(
                (
                    shared.item_cell(row.line), str(row.quantity), row.serial or "",
                    f"instead of {row.instead_of.sku}" if row.instead_of else "",
                    f"{row.location.name}, {localtime(row.occurred_at):%d %b %H:%M}, {row.received_by}",
                ),
                hot=row.line.undecided > 0,
            )
            for row in rows.order_by("-id")[: shared.SHOWN]
        ]  # fmt: skip
        return [Evidence(heading, ("Article", UNITS, "Serial or lot", "", "Taken in"), told), _announced(uid)]

    return evidence


def _announced(uid: str) -> Evidence:
    rows = [
        Row((shared.item_cell(line), str(line.quantity), str(line.received), str(line.gone), line.get_reason_display()))
        for line in shared.lines_of(uid)
        if not line.unexpected
    ]
    columns = ("Article", Column("Announced", numeric=True), Column("Received", numeric=True),
               Column("Given up", numeric=True), "Why it comes back")  # fmt: skip
    return Evidence("What was announced", columns, rows)


def _foreign_serials(uid: str) -> list[Arrival]:
    rows = Arrival.objects.filter(_unjudged(uid), serial_fits=False).select_related("line__item", "location")
    return list(rows.order_by("-id")[: shared.SHOWN])


def _read_otherwise(uid: str) -> list[Inspection]:
    rows = Inspection.objects.filter(line__request_id=int(uid), serial_fits=False, verdict=Acceptance.REVIEW)
    return list(rows.select_related("line__item").order_by("-id")[: shared.SHOWN])


def _serial_stands(uid: str) -> bool:
    return bool(_foreign_serials(uid) or _read_otherwise(uid))


def _serial_evidence(uid: str) -> list[Evidence]:
    from returns.services import goods

    lines = shared.lines_of(uid)
    sold = goods.sold_names(lines)
    rows = [
        Row((shared.item_cell(a.line), a.serial, f"scanned by {a.received_by}"), hot=True)
        for a in _foreign_serials(uid)
    ]
    rows += [
        Row((shared.item_cell(i.line), i.serial, f"read by {i.inspected_by}"), hot=True) for i in _read_otherwise(uid)
    ]
    known = [
        Row(
            (
                shared.item_cell(line),
                ", ".join(sorted(sold.get(line.pk, set()) | set(line.serials))[:10]),
                "sold or named",
            )
        )
        for line in lines
        if sold.get(line.pk) or line.serials
    ]
    return [
        Evidence(
            "The number of the unit is not one that was sold on this order", ("Article", "Number", ""), rows + known
        )
    ]


def _in_review(uid: str) -> list[Inspection]:
    rows = Inspection.objects.filter(line__request_id=int(uid), verdict=Acceptance.REVIEW).select_related(
        "line__item", "location"
    )
    return list(rows.order_by("id")[: shared.SHOWN])


def _review_stands(uid: str) -> bool:
    return Inspection.objects.filter(line__request_id=int(uid), verdict=Acceptance.REVIEW).exists()


def _review_evidence(uid: str) -> list[Evidence]:
    rows = [
        Row(
            (
                shared.item_cell(each.line), str(each.quantity), f"{each.grade}: {each.get_grade_display()}", each.note,
                Cell(f"{each.photos.count()} photos", url=_page(uid)),
                f"{each.inspected_by}, {localtime(each.inspected_at):%d %b %H:%M}",
            ),
            hot=True,
        )
        for each in _in_review(uid)
    ]  # fmt: skip
    columns = ("Article", UNITS, "Grade", "What was seen", "Pictures", "Inspected")
    return [Evidence("Units whose money nobody has decided about", columns, rows), _announced(uid)]


def _page(uid: str) -> str | None:
    rma = shared.rma_of(uid)
    return subjects.url(rma.subject) if rma else None


def _decide(uid: str, *, verdict: str, note: str = "", actor: Actor) -> str:
    open_ = _in_review(uid)
    for each in open_:
        inspection.decide(each.pk, verdict, note=note, actor=actor)
    word = "accepted" if verdict == Acceptance.ACCEPTED else "rejected"
    return f"{sum(each.quantity for each in open_)} units {word}."


def _accept(uid: str, *, actor: Actor, note: str = "") -> str:
    return _decide(uid, verdict=Acceptance.ACCEPTED, note=note, actor=actor)


def _reject(uid: str, *, actor: Actor, note: str) -> str:
    return _decide(uid, verdict=Acceptance.REJECTED, note=note, actor=actor)


def _shown(uid: str) -> list[Evidence]:
    short = [
        Row((shared.item_cell(line), str(line.quantity), str(line.received), str(line.gone)), hot=line.gone > 0)
        for line in shared.lines_of(uid)
        if not line.unexpected
    ]
    columns = ("Article", Column("Announced", numeric=True), Column("Received", numeric=True),
               Column("Never came", numeric=True))  # fmt: skip
    return [Evidence("The parcel held less than was announced", columns, short)]


def _found_since(uid: str) -> bool:
    return ReturnLine.objects.filter(request_id=int(uid), gone__gt=0, unexpected=False).exists()


_WHY = Param("note", "Why", hint="The customer may read it", most=300)
_LASTING = "Money follows from it: a refund is paid, or refused in writing."
_DECIDE = (
    Action(
        code="accept", title="Accept them", detail="The customer gets their money for every unit in review",
        permission="returns.approve_return", run=_accept, rehearsed=True, primary=True, lasting=_LASTING,
        params=(Param("note", "Note", required=False, most=300),),
    ),
    Action(
        code="reject", title="Reject them", detail="The customer gets no money; the goods stay put aside for them",
        permission="returns.approve_return", run=_reject, rehearsed=True, lasting=_LASTING, params=(_WHY,),
    ),
)  # fmt: skip

REASONS = (
    Reason(
        code="returns.review",
        title="An inspected return waits for a decision",
        queue="returns",
        subject_kind="return",
        icon="eye",
        severity=reasons.NORMAL,
        acknowledge_minutes=2 * 60,
        resolve_minutes=8 * 60,
        description="Somebody looked at returned goods and left it open whether the customer gets their money.",
        clears="Every unit in review was accepted or rejected.",
        predicate=_review_stands,
        evidence=_review_evidence,
        context=shared.context,
        impact=shared.impact,
        actions=_DECIDE,
    ),
    Reason(
        code="returns.serial_mismatch",
        title="Another unit came back than was sold",
        queue="returns",
        subject_kind="return",
        icon="barcode",
        severity=reasons.HIGH,
        acknowledge_minutes=60,
        resolve_minutes=8 * 60,
        description="The serial number of a returned unit is none of those that left with the order.",
        clears="Somebody decided about the unit's money.",
        predicate=_serial_stands,
        evidence=_serial_evidence,
        context=shared.context,
        impact=shared.impact,
        actions=_DECIDE,
    ),
    Reason(
        code="returns.unexpected_item",
        title="Something nobody announced was in the parcel",
        queue="returns",
        subject_kind="return",
        icon="package-open",
        severity=reasons.NORMAL,
        acknowledge_minutes=4 * 60,
        resolve_minutes=24 * 60,
        description="Goods came with a return that it doesn't list. They are on the bench; nobody owes money for them.",
        clears="The units were inspected and somebody decided about them.",
        predicate=_arrived(ArrivalKind.UNEXPECTED),
        evidence=_arrivals(ArrivalKind.UNEXPECTED, "What came without being announced"),
        context=shared.context,
        impact=shared.impact,
        actions=_DECIDE,
    ),
    Reason(
        code="returns.wrong_item",
        title="Another article came back instead",
        queue="returns",
        subject_kind="return",
        icon="repeat",
        severity=reasons.HIGH,
        acknowledge_minutes=2 * 60,
        resolve_minutes=24 * 60,
        description="The customer sent another article than the one they announced.",
        clears="The units were inspected and somebody decided about them.",
        predicate=_arrived(ArrivalKind.WRONG_ITEM),
        evidence=_arrivals(ArrivalKind.WRONG_ITEM, "What came instead"),
        context=shared.context,
        impact=shared.impact,
        actions=_DECIDE,
    ),
    Reason(
        code="returns.short",
        title="Less was in the parcel than announced",
        queue="returns",
        subject_kind="return",
        icon="package-x",
        severity=reasons.NORMAL,
        acknowledge_minutes=4 * 60,
        resolve_minutes=24 * 60,
        description="A return was unpacked, and announced units were not in it: ask the customer before money moves.",
        clears="The units turned up after all; else a person says what became of it.",
        predicate=_found_since,
        evidence=_shown,
        context=shared.context,
        impact=shared.impact,
    ),
)
