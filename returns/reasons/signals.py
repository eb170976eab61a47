"""Cases of figures that stand out. They are for a person to look at: nothing is refused because of them."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.utils.timezone import localtime

from core.subjects import Subject
from exceptions import reasons
from exceptions.reasons import Cell, Column, Context, Evidence, Opening, Reason, Row
from returns.models import Dimension, ReturnLine, ReturnSignal, SignalKind
from returns.reasons.shared import SHOWN, SWEPT

FIGURE = Column("", numeric=True)
NO_WEIGHT = "It says how often goods come back, not how many units or how much money one mistake touches."


def signal_of(uid: str) -> ReturnSignal | None:
    return ReturnSignal.objects.filter(pk=uid).first()


def _stands(uid: str) -> bool:
    return ReturnSignal.objects.standing().filter(pk=uid).exists()


def _standing(kind: str) -> Any:
    def standing() -> list[str]:
        rows = ReturnSignal.objects.standing().filter(kind=kind).order_by("pk").values_list("pk", flat=True)
        return [str(pk) for pk in rows[:SWEPT]]

    return standing


def _describe(uid: str) -> Opening | None:
    signal = signal_of(uid)
    if signal is None:
        return None
    return Opening(label=signal.label, summary=summary(signal), site_id=signal.site_id, started_at=signal.found_at)


def summary(signal: ReturnSignal) -> str:
    """One sentence with the figures that matter."""
    told = signal.figures
    if signal.kind == SignalKind.RATE:
        return (
            f"{told.get('returned')} came back in {told.get('days')} days where its own history leads to expect "
            f"{_number(told.get('expected'))}: {_percent(told.get('rate'))} against {_percent(told.get('past_rate'))}."
        )
    if signal.kind == SignalKind.RETURNER:
        return (
            f"{told.get('returned')} of {told.get('bought')} units bought in a year came back in "
            f"{told.get('requests')} returns; usual are {_percent(told.get('usual'))}."
        )
    return (
        f"In half a year: {told.get('blind')} returns without an order, {told.get('again')} of units returned before, "
        f"{told.get('other')} with another unit or an empty box."
    )


def _evidence(uid: str) -> list[Evidence]:
    signal = signal_of(uid)
    if signal is None:
        return []
    return [Evidence(summary(signal), ("Figure", FIGURE), figures(signal)), _latest(signal)]


def figures(signal: ReturnSignal) -> list[Row]:
    """What was counted, in words, as case and page show it."""
    told = signal.figures
    if signal.kind == SignalKind.RATE:
        return [
            Row((f"Came back, {told.get('from')} to {told.get('until')}", str(told.get("returned"))), hot=True),
            Row(("To expect from its own history", _number(told.get("expected")))),
            Row(("Sold units at risk in these days", _number(told.get("exposure")))),
            Row(("Return rate now", _percent(told.get("rate"))), hot=True),
            Row((f"Return rate in the {told.get('past_days')} days before", _percent(told.get("past_rate")))),
            Row(("Came back before", f"{told.get('past_returned')} of {_number(told.get('past_exposure'))}")),
            Row(("Weekly counts vary, against chance alone", f"{_number(told.get('swing'))} times")),
            Row(("As many or more by chance alone", chance(signal.chance))),
        ]
    if signal.kind == SignalKind.RETURNER:
        return [
            Row(("Units bought in a year", str(told.get("bought")))),
            Row(("Of these came back", str(told.get("returned"))), hot=True),
            Row(("In so many returns", str(told.get("requests")))),
            Row(("Their return rate", _percent(told.get("rate"))), hot=True),
            Row(("Everybody's return rate", _percent(told.get("usual")))),
            Row(("As many by chance at twice that rate (or 40 %)", chance(signal.chance))),
        ]
    return [
        Row(("Returns without an order or receipt", str(told.get("blind"))), hot=int(told.get("blind") or 0) >= 3),
        Row(
            ("Asked for units that had come back already", str(told.get("again"))), hot=int(told.get("again") or 0) >= 2
        ),
        Row(
            ("Another article, another unit, or an empty box", str(told.get("other"))),
            hot=int(told.get("other") or 0) >= 2,
        ),
        Row(("All their returns", str(told.get("requests")))),
        Row(("At so many places", str(told.get("places")))),
    ]


def _counted(words: str, count: Any, many: int) -> Row:
    return Row((words, str(count)), hot=int(count or 0) >= many)


def _latest(signal: ReturnSignal) -> Evidence:
    rows = [
        Row((
            Cell(line.request.number, line.request.subject), f"{localtime(line.request.created_at):%d %b %Y}",
            line.sku or line.title, str(line.quantity), line.get_reason_display(),
        ))
        for line in returns_of(signal)[:SHOWN]
    ]  # fmt: skip
    columns = ("Return", "Asked for", "Article", Column("Units", numeric=True), "Why")
    return Evidence("The latest returns behind it", columns, rows, empty="None is left to show.")


def returns_of(signal: ReturnSignal) -> Any:
    """The return lines a signal was counted from, newest first."""
    lines = ReturnLine.objects.select_related("request").order_by("-request__id", "position")
    if signal.dimension == Dimension.SKU:
        return lines.filter(item_id=int(signal.key))
    if signal.dimension == Dimension.CHANNEL:
        return lines.filter(request__order__channel_id=int(signal.key))
    if signal.dimension == Dimension.STORE:
        sent = Q(order_line__fulfilment_lines__location_id=int(signal.key))
        return lines.filter(sent | Q(request__order__pickup_location_id=int(signal.key))).distinct()
    channel, colon, ref = signal.key.partition(":")
    if colon and channel.isdigit():
        return lines.filter(request__order__channel_id=int(channel), request__order__buyer_ref=ref)
    return lines.filter(Q(request__order__buyer_email__iexact=signal.key) | Q(request__buyer_email__iexact=signal.key))


def _context(uid: str) -> Context | None:
    signal = signal_of(uid)
    if signal is None:
        return None
    return Context(
        title=signal.label,
        subject=Subject("return_signal", uid, signal.label),
        facts=(
            ("What", signal.get_kind_display()), ("Of", signal.get_dimension_display()),
            ("First seen", f"{localtime(signal.found_at):%d %b %Y}"),
            ("Measured", f"{localtime(signal.measured_at):%d %b %Y %H:%M}"),
        ),
    )  # fmt: skip


def chance(value: float) -> str:
    """`once in 4,200 times`; how rare it is by chance."""
    if value <= 0:
        return "counted, not estimated"
    return f"once in {round(1 / value):,} times" if value < 0.5 else "more often than not"


def _number(value: Any) -> str:
    return f"{float(value or 0):,.1f}".rstrip("0").rstrip(".")


def _percent(value: Any) -> str:
    return f"{100 * float(value or 0):.1f} %"


def _reason(kind: SignalKind, code: str, title: str, description: str, *, severity: int, icon: str) -> Reason:
    return Reason(
        code=code,
        title=title,
        queue="returns",
        subject_kind="return_signal",
        icon=icon,
        severity=severity,
        acknowledge_minutes=24 * 60,
        resolve_minutes=5 * 24 * 60,
        description=description,
        clears="The figures measured since no longer stand out.",
        predicate=_stands,
        evidence=_evidence,
        context=_context,
        standing=_standing(kind),
        describe=_describe,
        weightless=NO_WEIGHT,
    )


REASONS = (
    _reason(
        SignalKind.RATE, "returns.rate_anomaly", "More comes back than its own history explains",
        "The return rate of an article, channel, store or customer rose beyond what chance explains.",
        severity=reasons.NORMAL, icon="activity",
    ),
    _reason(
        SignalKind.RETURNER, "returns.serial_returner", "A customer sends most of what they buy back",
        "Somebody returns far more than others do. A person looks at it; nothing is refused by itself.",
        severity=reasons.LOW, icon="user",
    ),
    _reason(
        SignalKind.RECEIPT, "returns.receipt_abuse", "A customer's returns keep not being what they say",
        "Returns without an order, of units returned before, or of other units than were sold. A person looks at it; "
        "nothing is refused by itself.",
        severity=reasons.NORMAL, icon="receipt",
    ),
)  # fmt: skip
