"""Approving and declining postings, reversing them, and booking by hand what an ERP doesn't take."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from core.actors import PERSON, Actor
from core.errors import Invalid, Problem, Refusal
from core.formats import money
from core.models import User
from exceptions.services import cases
from finance import documents
from finance import events as facts
from finance.chart import Side
from finance.models import Kind, Posting, Status
from finance.services import entities, limits, making
from finance.services.making import Cause


@transaction.atomic
def approve(posting_id: int, *, version: int | None = None, note: str = "", actor: Actor) -> Posting:
    """Let it go to the ERP. Refusal 403 for one's own, without the right, or above one's limit; "stale" if changed."""
    posting, person = _open(posting_id, version, actor)
    limit = limits.limit_of(person, posting.kind, posting.currency)
    if limit is not None and abs(posting.total) > limit:
        words = (
            f"You may approve up to {money(limit, posting.currency)}; this is {money(posting.total, posting.currency)}."
        )
        raise Refusal("above_your_limit", words, status=403, limit=str(limit))
    posting.move(
        Status.PENDING, decided_by=person, decided_label=actor.label[:200], decided_at=timezone.now(),
        note=_with(posting.note, note),
    )  # fmt: skip
    making.tell(
        facts.APPROVED,
        posting,
        actor,
        {"note": note[:300], "kind": posting.kind, "total": str(posting.total), "currency": posting.currency},
    )
    return posting


@transaction.atomic
def decline(posting_id: int, *, note: str, version: int | None = None, actor: Actor) -> Posting:
    """Say no, with the reason: it never goes to the ERP."""
    words = _reason(note)
    posting, person = _open(posting_id, version, actor)
    posting.move(
        Status.DECLINED, decided_by=person, decided_label=actor.label[:200], decided_at=timezone.now(),
        note=_with(posting.note, words),
    )  # fmt: skip
    making.tell(facts.DECLINED, posting, actor, {"note": words})
    return posting


def _open(posting_id: int, version: int | None, actor: Actor) -> tuple[Posting, User]:
    posting = Posting.objects.select_for_update(no_key=True, of=("self",)).get(pk=posting_id)
    person = User.objects.filter(pk=int(actor.uid), is_active=True).first() if actor.kind == PERSON else None
    if person is None:
        raise Refusal("not_a_person", "Only a person can decide this.", status=403)
    if not person.has_perm("finance.approve_posting"):
        raise Refusal("may_not_approve", "You may not approve postings.", status=403)
    if version is not None and posting.version != version:
        raise Refusal("stale", "This posting changed meanwhile.", version=posting.version, status_now=posting.status)
    if posting.status != Status.QUEUED:
        raise Refusal("decided_already", f"{posting.reference} doesn't wait for approval.", status_now=posting.status)
    if posting.entered_by_id == person.pk:
        raise Refusal("own_posting", "Somebody else has to approve what you entered.", status=403)
    return posting, person


@transaction.atomic
def reverse(posting_id: int, *, why: str, version: int | None = None, actor: Actor) -> Posting:
    """Ask for a posted document to be taken back: a posting with its sides exchanged, which somebody else approves.

    The original counts until the ERP has the reversal. Refusal("reversed_already") where one is on its way.
    """
    words = _reason(why)
    posting = (
        Posting.objects.select_for_update(no_key=True, of=("self",))
        .select_related("entity", "order__channel")
        .get(pk=posting_id)
    )
    if version is not None and posting.version != version:
        raise Refusal("stale", "This posting changed meanwhile.", version=posting.version, status_now=posting.status)
    if posting.status != Status.POSTED or posting.kind == Kind.REVERSAL:
        raise Refusal(
            "bad_move", f"{posting.reference} isn't posted: there is nothing to reverse.", status_now=posting.status
        )
    if posting.kind == Kind.STOCK_RECEIPT:
        words = f"{posting.reference} books no money: units leave again by a movement of stock."
        raise Refusal("no_money", words)
    tries = Posting.objects.filter(key__startswith=f"reversal:{posting.pk}:").exclude(status=Status.DECLINED)
    if tries.exists():
        raise Refusal("reversed_already", f"{posting.reference} is being reversed already.")
    count = Posting.objects.filter(key__startswith=f"reversal:{posting.pk}:").count() + 1
    reference = f"{posting.reference}-X{count}"
    sides = [
        Side(line.account, line.credit, line.debit, line.note, line.about, line.ledger) for line in posting.lines.all()
    ]
    order = posting.order
    return making.make(
        Kind.REVERSAL, key=f"reversal:{posting.pk}:{count}", reference=reference, entity=posting.entity,
        currency=posting.currency, total=-posting.total, day=entities.local_day(posting.entity, timezone.now()),
        sides=sides, order=order, sequence=_sequence(posting), cause=Cause("posting", str(posting.pk)), linked=posting,
        note=words, actor=actor,
        document=_reversed(posting, reference, words),
    )  # fmt: skip


def _reversed(posting: Posting, reference: str, words: str) -> dict[str, Any]:
    """A sale is taken back as a sale below zero, which every ERP knows as a credit note; anything else as a journal."""
    before = posting.document
    theirs = {"number": posting.erp_number, "id": posting.erp_id, "reference": posting.reference}
    theirs |= {"through": posting.connection_uid}
    if not documents.is_sale(before):
        made = making.journal(
            reference, currency=posting.currency, total=-posting.total, why=words, order=posting.order,
            channel=before.get("channel", ""),
        )  # fmt: skip
        return {**made, "reverses": theirs}
    amounts = documents.document_of(before, documents.negated(documents.amounts_of(before)))
    return {**amounts, "reference": reference, "key": f"sale:{reference}", "reverses": theirs}


def _sequence(posting: Posting) -> int:
    return Posting.objects.filter(order=posting.order_id, kind=Kind.REVERSAL).count() + 1


def follow_reversal(posting: Posting, *, actor: Actor) -> None:
    """The ERP has a reversal: what it reverses counts no more. Called by whoever confirms it, in that transaction."""
    original = posting.linked
    if posting.kind != Kind.REVERSAL or original is None or original.status != Status.POSTED:
        return
    original.move(Status.REVERSED)
    making.tell(facts.REVERSED, original, actor, {"by": posting.reference})


@transaction.atomic
def by_hand(posting_id: int, *, number: str, version: int | None = None, actor: Actor) -> Posting:
    """A person booked it in the ERP: under this number. For what an ERP doesn't take from us."""
    number = number.replace("\0", "").strip()
    if not 0 < len(number) <= 60:
        raise Invalid([Problem("number", "length", "must be the document's number in the ERP, at most 60 characters")])
    posting = Posting.objects.select_for_update(no_key=True, of=("self",)).get(pk=posting_id)
    if version is not None and posting.version != version:
        raise Refusal("stale", "This posting changed meanwhile.", version=posting.version, status_now=posting.status)
    if posting.status == Status.REJECTED:
        posting.move(Status.PENDING)
    posting.move(
        Status.POSTED, erp_number=number, posted_at=timezone.now(), last_error="", failure_class="", lease_token=None,
        lease_until=None, connection_name=posting.connection_name or "By hand", waiting_for="",
    )  # fmt: skip
    follow_reversal(posting, actor=actor)
    making.tell(facts.POSTED, posting, actor, {"number": number, "total": str(posting.total), "erp_total": None})
    cases.recheck(posting.subject, cause=f"Booked by hand as {number}.", actor=actor)
    return posting


def _reason(words: str) -> str:
    words = words.replace("\0", "").strip()[:300]
    if len(words) < 3:
        raise Invalid([Problem("note", "missing", "must say why")], status=422)
    return words


def _with(before: str, words: str) -> str:
    return " ".join(filter(None, (before, words.replace("\0", "").strip())))[:300]
