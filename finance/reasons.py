"""The cases this app can open."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.db.models import F

from core.actors import Actor
from core.formats import money
from core.subjects import Subject
from exceptions import origins, reasons
from exceptions.reasons import Action, Cell, Column, Context, Evidence, Impact, Opening, Reason, Row
from finance.models import GONE, OF_SALES, Posting, Status, ThreeWay
from finance.services import strays, threeway
from orders.models import Order


def _posting(uid: str) -> Posting | None:
    return Posting.objects.select_related("order").filter(pk=uid).first()


def _is_rejected(uid: str) -> bool:
    """Rejected, or sent again after that and not taken yet: a second rejection is the same trouble."""
    again = Posting.objects.filter(pk=uid, status=Status.PENDING).exclude(failure_class="")
    return Posting.objects.filter(pk=uid, status=Status.REJECTED).exists() or again.exists()


def _standing() -> Iterable[str]:
    return map(str, Posting.objects.filter(status=Status.REJECTED).order_by("pk").values_list("pk", flat=True))


def _describe(uid: str) -> Opening | None:
    posting = _posting(uid)
    if posting is None:
        return None
    return Opening(
        label=posting.subject.label,
        summary=posting.last_error,
        value=posting.total,
        currency=posting.currency,
        started_at=posting.updated_at,
    )


def _evidence(uid: str) -> list[Evidence]:
    posting = _posting(uid)
    if posting is None:
        return []
    return [_answered(posting), _sent(posting)]


def _answered(posting: Posting) -> Evidence:
    words = posting.get_status_display().lower()
    rows: list[Row | list[Cell | str]] = [
        Row(["The ERP said", Cell(posting.last_error or "nothing yet")], hot=True),
        ["Kind of failure", posting.failure_class.replace("_", " ")],
        ["Sent through", posting.connection_name or "no connection"],
        ["Attempts", str(posting.attempts)],
    ]
    asked = posting.answer.get("request")
    if asked:
        rows.append(["It had been asked", Cell(asked, code=True)])
    return Evidence(f"{posting.reference} is {words} in the ERP", ["About", "It says"], rows)


def _sent(posting: Posting) -> Evidence:
    document: dict[str, Any] = posting.document
    culprits = set(posting.answer.get("skus", ()))
    rows = [
        Row(
            [
                Cell(line["sku"] or "none", code=True),
                line["title"],
                str(line["quantity"]),
                money(Decimal(line["gross"]) - Decimal(line["discount"]), posting.currency),
                money(Decimal(line["tax"]), posting.currency),
            ],
            hot=(line["sku"] or line["title"]) in culprits,
        )
        for line in document["lines"]
    ]
    columns = [Column("SKU"), Column("Line"), Column("Units", True), Column("Amount", True), Column("Tax", True)]
    return Evidence(f"What was sent: {money(posting.total, posting.currency)}", columns, rows)


def _context(uid: str) -> Context | None:
    posting = _posting(uid)
    if posting is None:
        return None
    facts = [("Total", money(posting.total, posting.currency)), ("Status", posting.get_status_display())]
    if posting.order is None:
        return Context(posting.subject.label, posting.subject, facts, [])
    number = posting.order.number
    order = Subject("order", str(posting.order_id), number)
    facts = [("Order", number), ("Channel", posting.document["channel"]), *facts]
    return Context(posting.subject.label, posting.subject, facts, [Cell(f"Order {number}", order)])


def _retry(uid: str, *, actor: Actor) -> str:
    from finance.services import postings

    posting = postings.retry(int(uid), actor=actor)
    return f"{posting.subject.label} is on its way to the ERP again."


def _preview(uid: str) -> list[tuple[str, str]]:
    posting = _posting(uid)
    if posting is None:
        return []
    return [("Sends again", posting.reference), ("Total", money(posting.total, posting.currency))]


def _worth(uid: str) -> tuple[Decimal, str] | None:
    posting = _posting(uid)
    return (posting.total, posting.currency) if posting else None


def _touched(uid: str) -> Impact | None:
    """The units and the money the ERP's books lack."""
    posting = _posting(uid)
    if posting is None:
        return None
    units = sum(max(0, int(line["quantity"])) for line in posting.document.get("lines", ()))
    return Impact(units=units, value=posting.total, currency=posting.currency)


def _disagreeing_order(uid: str) -> str | None:
    """Its order, whose figures don't add up: the ERP adds them up, too."""
    posting = _posting(uid)
    return str(posting.order_id) if posting and posting.order_id else None


POSTING_REJECTED = Reason(
    code="finance.posting_rejected",
    impact=_touched,
    title="The ERP rejected a posting",
    queue="finance",
    subject_kind="posting",
    icon="scale",
    severity=reasons.HIGH,
    acknowledge_minutes=60,
    resolve_minutes=24 * 60,
    description="A document was refused by the ERP, so its books lack this sale.",
    clears="the ERP has taken the document.",
    predicate=_is_rejected,
    evidence=_evidence,
    context=_context,
    standing=_standing,
    describe=_describe,
    value=_worth,
    actions=(
        Action(
            code="retry",
            title="Send again",
            detail="Once the cause is put right in the ERP or here. The document is made anew from the order.",
            permission="finance.retry_posting",
            run=_retry,
            rehearsed=True,
            amount=_worth,
            stake="the document's total",
            lasting="What the ERP has taken is reversed in the ERP.",
            preview=_preview,
            offered=lambda uid: Posting.objects.filter(pk=uid, status=Status.REJECTED).exists(),
            primary=True,
        ),
    ),
)


def _other_currency() -> Any:
    posted = Posting.objects.filter(kind__in=OF_SALES).exclude(status__in=GONE)
    return posted.exclude(currency=F("order__currency"))


def _describe_other(uid: str) -> Opening | None:
    posting = _posting(uid)
    if posting is None or posting.order is None:
        return None
    words = f"It was posted in {posting.currency}; the channel says {posting.order.currency} now."
    return Opening(
        label=posting.subject.label,
        summary=words,
        value=posting.total,
        currency=posting.currency,
        started_at=posting.updated_at,
    )


POSTED_IN_ANOTHER_CURRENCY = Reason(
    code="finance.posted_in_another_currency",
    impact=_touched,
    title="Posted in another currency",
    queue="finance",
    subject_kind="posting",
    icon="scale",
    severity=reasons.HIGH,
    acknowledge_minutes=240,
    resolve_minutes=2 * 24 * 60,
    description="The channel changed the order's currency after its sale was posted, so no correction can be reckoned.",
    clears="the order and its postings are in one currency again, or the posting was reversed.",
    predicate=lambda uid: _other_currency().filter(pk=uid).exists(),
    evidence=lambda uid: [_sent(posting)] if (posting := _posting(uid)) else [],
    context=_context,
    standing=lambda: map(str, _other_currency().order_by("pk").values_list("pk", flat=True)),
    describe=_describe_other,
    value=_worth,
)


def _apart(uid: str) -> ThreeWay | None:
    return ThreeWay.objects.filter(order_id=int(uid), cleared_at__isnull=True).first() if uid.isdigit() else None


def _three_figures(uid: str) -> list[Evidence]:
    found = _apart(uid)
    if found is None:
        return []
    rows: list[Row | list[Cell | str]] = [
        ["The order, after cancellations and refunds", money(found.ordered, found.currency) or "Nothing"],
        ["The payment provider, captured less given back", money(found.provided, found.currency) or "Nothing"],
        ["The ERP, invoices less credit memos", money(found.posted, found.currency) or "Nothing"],
    ]
    return [Evidence("Three figures of one order", [Column("Who says"), Column("Amount", True)], rows)]


def _describe_apart(uid: str) -> Opening | None:
    found = _apart(uid)
    if found is None:
        return None
    return Opening(
        label=f"Order {found.order.number}",
        summary=threeway.words(found),
        value=threeway.gap(found),
        currency=found.currency,
        started_at=found.found_at,
    )


def _worth_apart(uid: str) -> tuple[Decimal, str] | None:
    found = _apart(uid)
    return (threeway.gap(found), found.currency) if found else None


def _touched_apart(uid: str) -> Impact | None:
    found = _apart(uid)
    return Impact(value=threeway.gap(found), currency=found.currency) if found else None


THREE_WAY_DIFFERS = Reason(
    code="finance.three_way_differs",
    impact=_touched_apart,
    title="Order, provider and ERP differ",
    queue="finance",
    subject_kind="order",
    icon="scale",
    severity=reasons.NORMAL,
    acknowledge_minutes=8 * 60,
    resolve_minutes=3 * 24 * 60,
    description="What the order is worth, what was paid for it and what the ERP has of it are not the same.",
    clears="the three agree when they are compared the next time.",
    predicate=lambda uid: _apart(uid) is not None,
    evidence=_three_figures,
    standing=lambda: map(
        str, ThreeWay.objects.filter(cleared_at__isnull=True).order_by("pk").values_list("order_id", flat=True)[:10_000]
    ),
    describe=_describe_apart,
    value=_worth_apart,
)


def _order(uid: str) -> Order | None:
    return Order.objects.filter(pk=int(uid)).first() if uid.isdigit() else None


def _is_stray(uid: str) -> bool:
    order = _order(uid)
    return bool(order and strays.of_order(order))


def _strays(uid: str) -> list[Evidence]:
    order = _order(uid)
    rows: list[Row | list[Cell | str]] = [
        Row(
            [
                each.get_kind_display(),
                Cell(each.provider_ref, code=True),
                money(each.amount, each.currency),
                f"{each.at:%Y-%m-%d %H:%M}",
            ],
            hot=True,
        )
        for each in (strays.of_order(order)[:20] if order else ())
    ]
    columns = [Column("What"), Column("Payment"), Column("Amount", True), Column("When")]
    return [Evidence("Neither in the shop's currency nor in the buyer's", columns, rows)]


def _describe_stray(uid: str) -> Opening | None:
    order = _order(uid)
    rows = strays.of_order(order) if order else []
    if order is None or not rows:
        return None
    return Opening(
        label=f"Order {order.number}",
        summary=strays.words(order, rows),
        value=rows[0].amount,
        currency=rows[0].currency,
        started_at=rows[0].at,
    )


def _worth_stray(uid: str) -> tuple[Decimal, str] | None:
    order = _order(uid)
    rows = strays.of_order(order) if order else []
    return (rows[0].amount, rows[0].currency) if rows else None


def _touched_stray(uid: str) -> Impact | None:
    worth = _worth_stray(uid)
    return Impact(value=worth[0], currency=worth[1]) if worth else None


PAYMENT_IN_THIRD_CURRENCY = Reason(
    code=strays.REASON,
    impact=_touched_stray,
    title="Paid in a currency the order doesn't know",
    queue="finance",
    subject_kind="order",
    icon="scale",
    severity=reasons.NORMAL,
    acknowledge_minutes=8 * 60,
    resolve_minutes=3 * 24 * 60,
    description="A payment is neither in the shop's currency nor in the buyer's, so the order's ledger leaves it out.",
    clears="the channel says the order was presented in that currency.",
    predicate=_is_stray,
    evidence=_strays,
    standing=lambda: [str(pk) for pk in strays.suspected()[:1000] if _is_stray(str(pk))],
    describe=_describe_stray,
    value=_worth_stray,
)


def register() -> None:
    reasons.register(PAYMENT_IN_THIRD_CURRENCY)
    reasons.register(THREE_WAY_DIFFERS)
    reasons.register(POSTING_REJECTED)
    reasons.register(POSTED_IN_ANOTHER_CURRENCY)
    origins.register("finance.posting_rejected", "orders.totals_disagree", _disagreeing_order)
