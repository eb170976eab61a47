"""Writing a posting: its balanced lines by the live chart, its day in open books, and who has to approve it first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from core import events, live
from core.actors import SYSTEM, Actor, user_id
from core.errors import Refusal
from core.subjects import Subject
from finance import chart, documents
from finance import events as facts
from finance.chart import Side
from finance.models import Entity, Kind, Posting, PostingLine, Status
from finance.services import charting, entities, limits
from orders.models import Order

JOURNAL, RECEIPT = "journal.1", "receipt.1"


@dataclass(frozen=True, slots=True)
class Cause:
    """What a posting is of: postings of one cause belong together."""

    kind: str = ""
    uid: str = ""


def make(
    kind: str,
    *,
    key: str,
    reference: str,
    entity: Entity,
    currency: str,
    total: Decimal,
    day: date,
    sides: Sequence[Side],
    document: Mapping[str, Any],
    order: Order | None = None,
    sequence: int = 1,
    cause: Cause = Cause(),
    linked: Posting | None = None,
    reverses: Posting | None = None,
    note: str = "",
    needs: str | None = None,
    actor: Actor = SYSTEM,
) -> Posting:
    """Write it down once per `key` and send it on its way: to the ERP, or to whoever has to approve it.

    Needs the lock of what it is of (the order, the payout). Refusal("unbalanced") is a mistake in whoever calls.
    """
    known = Posting.objects.filter(key=key).first()
    if known is not None:
        return known
    if not chart.balanced(sides):
        raise Refusal("unbalanced", f"{reference} doesn't balance.", status=400)
    booked = entities.booked(entity, day)
    mapping, using = charting.live(entity)
    # Who shipped or refunded entered no posting: what follows from facts has nobody who may not approve it.
    person = user_id(actor) if kind in limits.ENTERED else None
    rule = limits.needed(kind, total, currency, entered=person is not None) if needs is None else needs
    posting = Posting.objects.create(
        kind=kind, key=key, reference=reference, entity=entity, order=order, sequence=sequence,
        status=Status.QUEUED if rule else Status.PENDING,
        document={**document, "booked_on": booked.on.isoformat(), "entity": entity.code},
        currency=currency, total=total, booked_on=booked.on, late_from=booked.late_from,
        note=" ".join(filter(None, (note, booked.note)))[:300], chart=mapping, cause_kind=cause.kind,
        cause_uid=cause.uid[:64], linked=linked, reverses=reverses, entered_by_id=person,
        entered_label=actor.label[:200] if person else "", needs=rule[:200],
    )  # fmt: skip
    made = charting.lines(posting, sides, using)
    PostingLine.objects.bulk_create(made)
    if document.get("format") == JOURNAL:
        posting.document = {**posting.document, "entries": [entry(line) for line in made]}
        Posting.objects.filter(pk=posting.pk).update(document=posting.document)
    said = {"kind": kind, "total": str(total), "currency": currency}
    tell(facts.QUEUED if rule else facts.PREPARED, posting, actor, said | ({"needs": rule} if rule else {}))
    return posting


def entry(line: PostingLine) -> dict[str, str]:
    """A line as a journal's document carries it."""
    return {
        "role": line.account, "account": line.ledger, "debit": documents.text(line.debit),
        "credit": documents.text(line.credit), "note": line.note,
    }  # fmt: skip


def journal(
    reference: str, *, currency: str, total: Decimal, why: str, order: Order | None = None, channel: str = ""
) -> dict[str, Any]:
    """The document of postings that are no sale: what it is about; entries are added as it is written."""
    return {
        "format": JOURNAL, "reference": reference, "key": f"journal:{reference}",
        "order": order.number if order else "",
        "channel": order.channel.code if order else channel, "channel_ref": order.channel_number if order else "",
        "currency": currency, "total": documents.text(total), "why": why[:300], "lines": [],
    }  # fmt: skip


def tell(type_: str, posting: Posting, actor: Actor, data: dict[str, Any]) -> None:
    order = posting.document.get("order") or ""
    about = ((Subject("order", str(posting.order_id), order), "order"),) if posting.order_id else ()
    events.record(type_, posting.subject, actor=actor, data={"reference": posting.reference, **data}, related=about)
    live.poke("postings")


def next_reference(order: Order, kinds: Sequence[str], letter: str) -> tuple[int, str]:
    """The next number of such a posting of the order: 1001-R1, 1001-R2."""
    count = Posting.objects.filter(order=order, kind__in=kinds).count() + 1
    return count, f"{order.number}-{letter}{count}"


LETTERS = {
    Kind.RETURN_MEMO: "R", Kind.STOCK_RECEIPT: "G", Kind.DEFERRED: "D", Kind.GIFT_CARD: "C", Kind.CHARGEBACK: "B",
    Kind.ADJUSTMENT: "A", Kind.WRITE_OFF: "W",
}  # fmt: skip
