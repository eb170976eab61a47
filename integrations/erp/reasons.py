"""The case of an adjustment the ERP refuses."""

from __future__ import annotations

from collections.abc import Iterable

from core.actors import Actor
from exceptions import reasons
from exceptions.reasons import Action, Column, Evidence, Opening, Reason, Row
from integrations.erp import adjusting
from integrations.models import StockDocument


def _rejected(uid: str) -> StockDocument | None:
    """Rejected, or sent again after that and not taken yet."""
    known = StockDocument.objects.exclude(status=StockDocument.Status.POSTED).exclude(last_error="")
    return known.select_related("connection").filter(pk=int(uid)).first() if uid.isdigit() else None


def _standing() -> Iterable[str]:
    rows = StockDocument.objects.filter(status=StockDocument.Status.REJECTED)
    return [str(pk) for pk in rows.values_list("pk", flat=True)[:10_000]]


def _describe(uid: str) -> Opening | None:
    found = _rejected(uid)
    return Opening(label=found.subject.label, summary=found.last_error) if found else None


def _evidence(uid: str) -> list[Evidence]:
    found = _rejected(uid)
    if found is None:
        return []
    rows = [Row((line["sku"], str(line["quantity"]))) for line in found.document["lines"][:50]]
    title = f"{found.document['direction'].title()} at {found.document['place']}"
    return [Evidence(title, ("Article", Column("Units", numeric=True)), rows)]


def _retry(uid: str, *, actor: Actor) -> str:
    adjusting.retry(int(uid), actor=actor)
    return "It is sent again within seconds."


ADJUSTMENT_REJECTED = Reason(
    code=adjusting.REASON,
    weightless="Units that were found or lost have no price of their own.",
    title="The ERP refuses an adjustment",
    queue="integration",
    subject_kind="stock_document",
    icon="receipt",
    severity=reasons.NORMAL,
    acknowledge_minutes=60,
    resolve_minutes=8 * 60,
    description="Units were found or lost here, and the ERP's books still say otherwise.",
    clears="The ERP takes it.",
    predicate=lambda uid: _rejected(uid) is not None,
    evidence=_evidence,
    standing=_standing,
    describe=_describe,
    actions=(
        Action(
            "retry",
            "Send it again",
            "Once its cause is mended: a product that was missing, a right.",
            permission="integrations.reprocess_inboundmessage",
            run=_retry,
            lasting="What the ERP has booked can be taken back there only.",
            preview=lambda uid: [("The adjustment", "is sent again; the ERP is asked for it first")],
            primary=True,
        ),
    ),
)
