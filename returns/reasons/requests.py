"""Cases about returns before their goods come: nobody decided, no label, nowhere to go, refunded and never sent."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.db.models import F, Sum

from core import subjects
from core.actors import Actor
from core.formats import money, plural
from core.subjects import Subject
from exceptions import reasons
from exceptions.reasons import Action, Cell, Context, Evidence, Impact, Opening, Reason, Row
from orders.models import LabelStatus
from returns.models import RefundPlan, ReturnLabel, ReturnLine, ReturnRequest, ReturnStatus
from returns.services import labels
from returns.services import requests as services

FAILED, NOWHERE, NEVER_CAME = "returns.label_failed", "returns.no_place", "returns.refunded_never_came"
APPROVE = "returns.approve_return"


def _of(uid: str) -> ReturnRequest | None:
    rows = ReturnRequest.objects.select_related("order", "channel", "location")
    return rows.filter(pk=uid).first() if uid.isdigit() else None


def waiting() -> Any:
    return ReturnRequest.objects.filter(status=ReturnStatus.OPEN, approved_at__isnull=True)


def nowhere() -> Any:
    """Approved, still to come, and no place takes it."""
    return ReturnRequest.objects.filter(status=ReturnStatus.OPEN, approved_at__isnull=False, location__isnull=True)


def failed() -> Any:
    live = ReturnLabel.objects.live().way_back().values("request")
    broken = ReturnLabel.objects.way_back().filter(status=LabelStatus.FAILED).values("request")
    return ReturnRequest.objects.filter(pk__in=broken, status=ReturnStatus.OPEN).exclude(pk__in=live)


def never_came() -> Any:
    """Refunded before it came, and part of it was given up."""
    missing = ReturnLine.objects.filter(gone__gt=0).values("request")
    return ReturnRequest.objects.filter(
        refund_plan=RefundPlan.INSTANT, approved_at__isnull=False, pk__in=missing
    ).exclude(status=ReturnStatus.DECLINED)


def worth(uid: str) -> tuple[Decimal, str] | None:
    rma = _of(uid)
    if rma is None:
        return None
    total = rma.lines.aggregate(n=Sum(F("unit_value") * F("quantity")))["n"] or Decimal(0)
    return total, rma.currency


def describe(uid: str) -> Opening | None:
    rma = _of(uid)
    if rma is None:
        return None
    amount = worth(uid)
    said = rma.explained.get("rule", {}).get("why", "")
    return Opening(
        label=rma.number, summary=said, value=amount[0] if amount else None, currency=rma.currency,
        started_at=rma.created_at,
    )  # fmt: skip


def impact(uid: str) -> Impact | None:
    rma = _of(uid)
    amount = worth(uid)
    if rma is None or amount is None:
        return None
    units = rma.lines.aggregate(n=Sum("quantity"))["n"] or 0
    return Impact(units=units, value=amount[0], currency=rma.currency)


def context(uid: str) -> Context | None:
    rma = _of(uid)
    if rma is None:
        return None
    amount = worth(uid)
    facts = [
        ("Asked for", rma.get_kind_display()),
        ("Customer", rma.standing.capitalize() or "Not known"),
        ("Worth", money(amount[0], rma.currency) if amount else ""),
        ("Refund", rma.get_refund_plan_display()),
        ("Comes back to", rma.location.name if rma.location else "Nowhere yet"),
    ]
    about = []
    if rma.order:
        about.append(Cell(f"Order {rma.order.number}", Subject("order", str(rma.order_id), rma.order.number)))
    return Context(rma.number, rma.subject, facts, about)


def evidence(uid: str) -> list[Evidence]:
    rma = _of(uid)
    if rma is None:
        return []
    said = rma.explained
    policy = said.get("policy", {})
    version = f", version {policy['version']}" if policy.get("version") else ""
    rows = [
        Row(
            (
                Cell(line.sku or line.title, code=bool(line.sku)),
                str(line.quantity),
                line.get_reason_display(),
                line.why,
            ),
            hot=line.verdict != "ELIGIBLE",
        )
        for line in rma.lines.order_by("position")
    ]
    found = [
        Evidence(f"What {policy.get('name', 'the policy')}{version} says", ("Article", "Units", "Reason", "Why"), rows)
    ]
    if stands := said.get("standing", {}).get("why"):
        found.append(
            Evidence("How the customer stands", ("Standing", "From"), [Row((rma.standing.capitalize(), stands))])
        )
    return found


def _label_evidence(uid: str) -> list[Evidence]:
    rows = (
        ReturnLabel.objects.filter(request=int(uid), status=LabelStatus.FAILED)
        .select_related("service")
        .order_by("-id")
    )
    said = [Row((str(row.service or row.carrier), row.failure), hot=True) for row in rows[:5]]
    return [Evidence("What the carrier said", ("Service", "Said"), said), *evidence(uid)]


def _gone_evidence(uid: str) -> list[Evidence]:
    rows = [
        Row((Cell(line.sku or line.title), str(line.quantity), str(line.received), str(line.gone)), hot=line.gone > 0)
        for line in ReturnLine.objects.filter(request=int(uid)).order_by("position")
    ]
    return [Evidence("Refunded at once, and what came of it", ("Article", "Refunded", "Came", "Never came"), rows)]


def standing(rows: Any) -> Any:
    def listed() -> Iterable[str]:
        return map(str, rows().order_by("pk").values_list("pk", flat=True))

    return listed


def _approve(uid: str, *, actor: Actor) -> str:
    rma = services.approve(int(uid), actor=actor)
    where = f" It comes back to {rma.location.name}." if rma.location else ""
    return f"{rma.number} is approved.{where}"


def _decline(uid: str, *, actor: Actor, reason: str = "") -> str:
    rma = services.decline(int(uid), reason=reason, actor=actor)
    return f"{rma.number} is declined."


def _label_again(uid: str, *, actor: Actor) -> str:
    labels.want(int(uid), actor=actor)
    return "Another label is on its way."


def _preview(uid: str, **params: Any) -> list[tuple[str, str]]:
    rma = _of(uid)
    if rma is None:
        return []
    units = rma.lines.aggregate(n=Sum("quantity"))["n"] or 0
    amount = worth(uid)
    return [
        ("Return", f"{rma.number}, {plural(units, 'unit')}"),
        ("Worth", money(amount[0], rma.currency) if amount else ""),
        ("Refund", f"{rma.get_refund_plan_display()}, {rma.get_refund_to_display().lower()}"),
        ("Comes back to", rma.location.name if rma.location else "nowhere yet"),
    ]


def _page(uid: str) -> str | None:
    rma = _of(uid)
    return subjects.url(rma.subject) if rma else None


OPEN = Action(code="open", title="Open the return", href=_page)

REASONS = (
    Reason(
        code=services.WAITING, title="A return waits for a decision", queue="returns", subject_kind="return",
        icon="undo-2", acknowledge_minutes=4 * 60, resolve_minutes=24 * 60,
        description="The policy neither allows nor denies it by itself: somebody decides.",
        clears="when it is approved, declined or called off",
        predicate=lambda uid: waiting().filter(pk=uid).exists(),
        evidence=evidence, context=context, standing=standing(waiting), describe=describe, value=worth, impact=impact,
        actions=(
            Action(code="approve", title="Approve it", detail="On the terms its policy names.", permission=APPROVE,
                   run=_approve, preview=_preview, primary=True, lasting="The customer is told yes."),
            Action(code="decline", title="Decline it", permission=APPROVE, run=_decline, preview=_preview,
                   params=(reasons.Param("reason", "Why", required=True),), lasting="The customer is told no."),
            OPEN,
        ),
    ),
    Reason(
        code=NOWHERE, title="A return has nowhere to go", queue="returns", subject_kind="return", icon="map-pin",
        description="It was approved, and no place that takes returns fits the policy's rules.",
        clears="when it has a place or ends", predicate=lambda uid: nowhere().filter(pk=uid).exists(),
        evidence=evidence, context=context, standing=standing(nowhere), describe=describe, value=worth, impact=impact,
        actions=(OPEN,),
    ),
    Reason(
        code=FAILED, title="A return has no label", queue="returns", subject_kind="return", icon="tag",
        description="The carrier would not make the label of the way back.",
        clears="when another label is made, or the return ends",
        predicate=lambda uid: failed().filter(pk=uid).exists(),
        evidence=_label_evidence, context=context, standing=standing(failed), describe=describe, value=worth,
        impact=impact,
        actions=(
            Action(code="again", title="Order the label again", permission=APPROVE, run=_label_again, primary=True,
                   rehearsed=True,
                   lasting="A label is bought; it can be given back on the return's page."),
            OPEN,
        ),
    ),
    Reason(
        code=NEVER_CAME, title="Refunded at once, and the goods never came", queue="returns", subject_kind="return",
        icon="banknote", severity=reasons.HIGH,
        description="The customer was refunded before the goods were back, and units of them were given up.",
        clears="when the units come after all",
        predicate=lambda uid: never_came().filter(pk=uid).exists(),
        evidence=_gone_evidence, context=context, standing=standing(never_came), describe=describe, value=worth,
        impact=impact, actions=(OPEN,),
    ),
)  # fmt: skip
