"""From a shipped order to a document the ERP has confirmed, once.

`prepare` writes the document when the last unit of an order has left, as the order stands by then: whatever was edited,
cut, cancelled or substituted before is in it, and needs no telling of its own. What changes later makes a correcting
document: the ERP's sum is always the order's. Whoever brings it to the ERP `claim`s it first:
the claim is a lease with a token, every later step names it, and a step whose lease was taken over changes nothing. So
two workers never both end a posting, and one that was thought dead does no harm when it wakes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import F, Q, Sum
from django.db.models.functions import Now
from django.utils import timezone

from core.actors import SYSTEM, Actor
from core.errors import Refusal, TryLater
from exceptions.services import cases
from finance import documents, sides
from finance import events as facts
from finance.chart import Side
from finance.documents import Amounts, Heading, OrderFigures
from finance.models import (
    GONE,
    OF_SALES,
    Charge,
    ChargeKind,
    Invoicing,
    Kind,
    Party,
    Posting,
    PostingLine,
    Status,
)
from finance.services import charges, charting, deciding, deferring, entities, making
from finance.services.making import Cause
from finance.sides import Known
from orders.models import FulfilmentLine, FulfilmentOrder, Order

REASON = "finance.posting_rejected"
OTHER_CURRENCY = "finance.posted_in_another_currency"


# --- Preparing -----------------------------------------------------------------------------------------------------


@transaction.atomic
def prepare(order_id: int, *, actor: Actor = SYSTEM) -> int | None:
    """Write the sales document of an order whose units have all left; returns the newest's id. Safe to repeat.

    None while units are still to leave, and for orders we shipped nothing of or that are tests. What was invoiced with
    its shipments is in it no more; units the channel added later, or figures it corrected, make another (a credit memo
    where it owes the channel something). Locks the order.
    """
    order = locked(order_id)
    lines = list(order.lines.select_related("item").order_by("position"))
    _, earlier = _earlier(order)
    charges.follow(order)
    if not (order.test or any(line.open + line.allocated + line.backordered for line in lines)) and any(
        line.shipped_here for line in lines
    ):
        made = _write(order, charges.figures_of(order, lines), earlier, heading(order, ""), actor)
        return made.pk if made else earlier[-1].pk if earlier else None
    return earlier[-1].pk if earlier else None


@transaction.atomic
def invoice(fulfilment_id: int, *, actor: Actor = SYSTEM) -> int | None:
    """Invoice one shipment: its units, and with the first of an order its shipping. Safe to repeat. Locks the order.

    None where the entity invoices whole orders, and for tests. Shipments whose turn was before are invoiced first, each
    by itself, so that it doesn't matter in which order one hears of them.
    """
    order = locked(FulfilmentOrder.objects.values_list("order_id", flat=True).get(pk=fulfilment_id))
    if order.test or entities.of(order).invoices != Invoicing.SHIPMENT:
        return None
    charges.follow(order)
    lines = list(order.lines.select_related("item").order_by("position"))
    by_line = {line.pk: line for line in lines}
    known = set(order.postings.filter(cause_kind="fulfilment").values_list("cause_uid", flat=True))
    shipped: dict[int, int] = {}
    newest = None
    every = FulfilmentOrder.objects.filter(order=order, shipped_at__isnull=False).order_by("shipped_at", "pk")
    for job in every:
        for line_id, units in job.lines.filter(shipped=True).values_list("order_line_id", "quantity"):
            shipped[line_id] = shipped.get(line_id, 0) + units
        if str(job.pk) in known:
            continue
        for line_id, line in by_line.items():
            line.fulfilled = min(shipped.get(line_id, 0), line.ordered)
        _, earlier = _earlier(order)
        made = _write(order, charges.figures_of(order, lines), earlier, heading(order, "", job), actor, job)
        newest = made.pk if made else newest
    return newest


def locked(order_id: int) -> Order:
    found: Order = Order.objects.select_for_update(no_key=True, of=("self",)).select_related("channel").get(pk=order_id)
    return found


def _earlier(order: Order) -> tuple[int, list[Posting]]:
    """How many sales documents there ever were, and those that count."""
    every = list(order.postings.filter(kind__in=OF_SALES).order_by("sequence"))
    return len(every), [each for each in every if each.status not in GONE]


def _write(
    order: Order, figures: OrderFigures, earlier: list[Posting], said: Heading, actor: Actor,
    job: FulfilmentOrder | None = None,
) -> Posting | None:  # fmt: skip
    """The document of what isn't in one yet; None where nothing is."""
    rest = documents.remaining(documents.delivered(figures), [documents.amounts_of(each.document) for each in earlier])
    if _needs_no_document(order, rest, earlier, actor) or (job is not None and rest.units <= 0):
        return None
    sequence = _earlier(order)[0] + 1
    reference = order.number if sequence == 1 else f"{order.number}-{sequence}"
    said = replace(said, reference=reference, key=f"sale:{reference}")
    made = making.make(
        Kind.CREDIT_MEMO if rest.total < 0 else Kind.SALES_ORDER, key=f"sale:{reference}", reference=reference,
        entity=entities.of(order), currency=order.currency, total=rest.total,
        day=date.fromisoformat(said.booked_on), sides=sides.of_sale(rest, named(order)),
        document=documents.document(said, rest), order=order, sequence=sequence,
        cause=Cause("fulfilment", str(job.pk)) if job else Cause(), actor=actor,
    )  # fmt: skip
    deferring.follow(order, actor=actor)
    return made


def named(order: Order) -> Known:
    """Names of the order's discounts and the marketplace's share of its tax, as the ledger has them."""
    discounts: dict[str, dict[tuple[str, str], Decimal]] = {}
    taxes: dict[str, list[Decimal]] = {}
    rows = Charge.objects.of_the_buyer().filter(order=order, kind__in=(ChargeKind.DISCOUNT, ChargeKind.TAX))
    for row in rows.select_related("line"):
        ref = row.line.ref if row.line else ""
        if row.kind == ChargeKind.TAX:
            both = taxes.setdefault(ref, [Decimal(0), Decimal(0)])
            both[row.collected_by == Party.MARKETPLACE] += row.amount
            continue
        place = "order" if ":order:" in row.key else ref or "shipping"
        names = discounts.setdefault(place, {})
        key = (row.label, row.funded_by or Party.MERCHANT)
        names[key] = names.get(key, Decimal(0)) - row.amount
    shares = {ref: theirs / (ours + theirs) for ref, (ours, theirs) in taxes.items() if theirs and ours + theirs}
    return Known(discounts, shares)


def correct(order_id: int, *, actor: Actor = SYSTEM) -> int | None:
    """What the source corrected after the sale was posted goes to the books too; None where nothing was posted yet.

    Safe to repeat.
    """
    if not Posting.objects.filter(order_id=order_id, kind__in=OF_SALES).exclude(status__in=GONE).exists():
        return None
    return prepare(order_id, actor=actor)


def _needs_no_document(order: Order, rest: Amounts, earlier: list[Posting], actor: Actor) -> bool:
    """A rejected document is made anew when it is sent again, so it takes a correction in. Sums of two currencies have
    no difference: that is a case of whoever posted the first."""
    if foreign := next((each for each in earlier if each.currency != order.currency), None):
        cases.open_(
            OTHER_CURRENCY,
            foreign.subject,
            summary=f"It was posted in {foreign.currency}; the channel says {order.currency} now.",
            value=foreign.total,
            currency=foreign.currency,
            actor=actor,
        )
        return True
    return rest.empty or (not rest.units and any(each.status == Status.REJECTED for each in earlier))


def heading(order: Order, reference: str, job: FulfilmentOrder | None = None) -> Heading:
    """Of one shipment, or of all that has left."""
    own = Q(fulfilment=job) if job else Q()
    left = (
        FulfilmentLine.objects.filter(own, order_line__order=order, shipped=True)
        .values_list("location__code")
        .annotate(units=Sum("quantity"))
        .order_by("-units", "location__code")
        .first()
    )
    shipped = job or (
        FulfilmentOrder.objects.filter(order=order, shipped_at__isnull=False).order_by("-shipped_at").first()
    )
    shipped_at = shipped.shipped_at if shipped and shipped.shipped_at else timezone.now()
    return Heading(
        reference=reference,
        key=f"sale:{reference}",
        order=order.number,
        channel=order.channel.code,
        channel_ref=order.channel_number or order.channel_ref,
        placed_at=order.placed_at.isoformat(),
        shipped_at=shipped_at.isoformat(),
        booked_on=shipped_at.astimezone(ZoneInfo(order.channel.time_zone)).date().isoformat(),
        location=left[0] if left else "",
        buyer={"name": order.buyer_name, "email": order.buyer_email, "ref": order.buyer_ref},
        ship_to=order.ship_to,
        bill_to=order.bill_to,
    )


# --- Sending -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Claim:
    """A posting in hand. `erp_id` is what an earlier attempt learnt of the document in the ERP."""

    posting_id: int
    token: UUID
    reference: str
    key: str
    document: dict[str, Any]
    erp_id: str
    seconds: float


def claim(posting_id: int, *, connection_uid: str, connection_name: str, seconds: float) -> Claim | None:
    """Take the posting in hand for `seconds`; None when it needs no sending any more.

    TryLater, without spending an attempt, while somebody else has it.
    """
    token = uuid4()
    taken = (
        Posting.objects.filter(pk=posting_id, status=Status.PENDING)
        .filter(Q(lease_token__isnull=True) | Q(lease_until__lt=Now()))
        .update(
            lease_token=token,
            lease_until=Now() + timedelta(seconds=seconds),
            attempts=F("attempts") + 1,
            connection_uid=connection_uid,
            connection_name=connection_name,
            waiting_for="",
        )
    )
    posting = Posting.objects.get(pk=posting_id)
    if not taken:
        if posting.status != Status.PENDING:
            return None
        raise TryLater("Another worker is sending it.", seconds=min(seconds, 5), spends_attempt=False)
    return Claim(posting_id, token, posting.reference, posting.key, posting.document, posting.erp_id, seconds)


def keep(claim: Claim, *, erp_id: str | None = None) -> None:
    """Prolong the lease, remembering the ERP's key of the document once it has one. TryLater when it was taken over."""
    changes: dict[str, Any] = {"lease_until": Now() + timedelta(seconds=claim.seconds)}
    if erp_id is not None:
        changes["erp_id"] = erp_id
    if not _ours(claim).update(**changes):
        raise TryLater("Another worker has taken it over.", seconds=5, spends_attempt=False)


def give_back(claim: Claim, reason: str) -> None:
    """Let go of a posting that could not be sent now; the reason is shown until the next attempt."""
    _ours(claim).update(lease_token=None, lease_until=None, waiting_for=reason[:300], updated_at=timezone.now())


def waits(posting_id: int, reason: str) -> None:
    """Say why nobody is even trying to send it."""
    Posting.objects.filter(pk=posting_id, status=Status.PENDING).exclude(waiting_for=reason[:300]).update(
        waiting_for=reason[:300]
    )


@transaction.atomic
def confirmed(
    claim: Claim, *, number: str, erp_id: str, total: Decimal | None, answer: Mapping[str, Any], actor: Actor
) -> None:
    """The ERP has it under `number`. Clears the posting's case. TryLater when the lease was lost."""
    posting = _hold(claim)
    posting.move(
        Status.POSTED,
        erp_number=number,
        erp_id=erp_id,
        erp_total=total,
        answer=dict(answer),
        posted_at=timezone.now(),
        last_error="",
        failure_class="",
        lease_token=None,
        lease_until=None,
    )
    said = {"number": number, "total": str(posting.total), "erp_total": str(total) if total is not None else None}
    deciding.follow_reversal(posting, actor=actor)
    making.tell(facts.POSTED, posting, actor, said)
    cases.recheck(posting.subject, cause=f"The ERP has it as {number}.", actor=actor)


@transaction.atomic
def rejected(
    claim: Claim, *, reason: str, failure_class: str, answer: Mapping[str, Any] | None = None, actor: Actor
) -> None:
    """The ERP will not take the document as it is: a person has to look. Opens a case; repeats count on it."""
    posting = _hold(claim)
    posting.move(
        Status.REJECTED,
        last_error=reason,
        failure_class=failure_class,
        answer=dict(answer or {}),
        lease_token=None,
        lease_until=None,
    )
    making.tell(facts.REJECTED, posting, actor, {"reason": reason, "failure_class": failure_class})
    cases.open_(
        REASON,
        posting.subject,
        summary=reason,
        value=posting.total,
        currency=posting.currency,
        data={"failure_class": failure_class, "order": posting.document.get("order", "")},
        actor=actor,
    )


def _ours(claim: Claim) -> Any:
    return Posting.objects.filter(pk=claim.posting_id, status=Status.PENDING, lease_token=claim.token)


def _hold(claim: Claim) -> Posting:
    posting = _ours(claim).select_for_update(no_key=True).first()
    if posting is None:
        raise TryLater("Another worker has taken it over.", seconds=5, spends_attempt=False)
    return posting


# --- Again ---------------------------------------------------------------------------------------------------------


@transaction.atomic
def retry(posting_id: int, *, version: int | None = None, actor: Actor) -> Posting:
    """Send a rejected posting again: a sale as its order stands now, a journal with the accounts the chart names now.
    Its case stands until the ERP took it.

    Locks the order, then the posting. Refusal("stale") when `version` is no longer current, Refusal("bad_move") unless
    it is rejected.
    """
    order_id = Posting.objects.values_list("order_id", flat=True).get(pk=posting_id)
    order = locked(order_id) if order_id else None
    posting = Posting.objects.select_for_update(no_key=True, of=("self",)).select_related("entity").get(pk=posting_id)
    if version is not None and posting.version != version:
        raise Refusal("stale", "This posting changed meanwhile.", version=posting.version, status_now=posting.status)
    changes = _anew(order, posting) if order and posting.kind in OF_SALES else _by_the_chart(posting)
    posting.move(Status.PENDING, waiting_for="", **changes)
    making.tell(facts.RETRIED, posting, actor, {"total": str(posting.total)})
    return posting


def _anew(order: Order, posting: Posting) -> dict[str, Any]:
    """A sale's document and lines as the order stands now."""
    charges.follow(order)
    amounts = _amounts_now(order, posting)
    changes: dict[str, Any] = {}
    if not amounts.empty:
        changes = {
            "kind": Kind.CREDIT_MEMO if amounts.total < 0 else Kind.SALES_ORDER,
            "document": documents.document(heading(order, posting.reference), amounts)
            | {"booked_on": posting.booked_on.isoformat(), "entity": posting.entity.code},
            "total": amounts.total,
        }
        posting.lines.all().delete()
        mapping, using = charting.live(posting.entity)
        changes["chart"] = mapping
        PostingLine.objects.bulk_create(charting.lines(posting, sides.of_sale(amounts, named(order)), using))
    return changes


def _by_the_chart(posting: Posting) -> dict[str, Any]:
    """A journal's figures stay; a side the chart named no account for may have one by now."""
    if posting.document.get("format") != making.JOURNAL:
        return {}
    settled = posting.kind == Kind.REVERSAL
    both = [
        Side(line.account, line.debit, line.credit, line.note, line.about, line.ledger if settled else "")
        for line in posting.lines.all()
    ]
    posting.lines.all().delete()
    mapping, using = charting.live(posting.entity)
    made = PostingLine.objects.bulk_create(charting.lines(posting, both, using))
    return {"chart": mapping, "document": {**posting.document, "entries": [making.entry(line) for line in made]}}


def _amounts_now(order: Order, posting: Posting) -> Amounts:
    others = Posting.objects.filter(order=order, kind__in=OF_SALES).exclude(pk=posting.pk)
    others = others.exclude(status__in=GONE)
    lines = list(order.lines.select_related("item").order_by("position"))
    now = documents.delivered(charges.figures_of(order, lines))
    return documents.remaining(now, [documents.amounts_of(each.document) for each in others])
