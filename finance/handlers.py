"""What this app does when it hears of facts from beneath. Wired in config/wiring.py."""

from __future__ import annotations

from core.events import Fact
from finance.models import Settlement
from finance.services import fees, following, jobs, matches, memos, payouts, postings, reinstating

LARGE = 5_000  # lines from which matching is a job


def keep_charges(fact: Fact) -> None:
    """order.received, changed, cancelled, paid, refunded: the ledger follows the order."""
    following.follow(int(fact.subject.uid), actor=fact.actor)


def keep_refund_charges(fact: Fact) -> None:
    """refund.posted, refund.failed: what was decided here counts once it was paid, and no more when that failed."""
    for subject, role in fact.related:
        if role == "order":
            following.follow(int(subject.uid), actor=fact.actor)


def keep_fees(fact: Fact) -> None:
    """settlement.matched: what the provider kept of each order's money, as the payout is matched by now."""
    found = Settlement.objects.get(pk=int(fact.subject.uid))
    if found.lines_count > LARGE:
        jobs.start_fees(found, at=fact.occurred_at, actor=fact.actor)
    else:
        fees.keep_all(found.pk, last=found.lines_count, at=fact.occurred_at)


def keep_reinstated(fact: Fact) -> None:
    """settlement.matched: what a line says a bank gave back is the order's again, and the line is it."""
    if reinstating.keep(int(fact.subject.uid), actor=fact.actor):
        matches.match(int(fact.subject.uid), actor=fact.actor)


def book_payout(fact: Fact) -> None:
    """settlement.matched, written_off, unmatched, banked: the payout's money is in the books as it is matched now."""
    payouts.book(int(fact.subject.uid), actor=fact.actor)


def invoice_shipment(fact: Fact) -> None:
    """fulfilment.shipped: its units are sold."""
    postings.invoice(int(fact.subject.uid), actor=fact.actor)


def receive_return(fact: Fact) -> None:
    """return.received: the units are the ERP's again; sent_back: rejected ones no longer are; rejected_chosen,
    disposed: those that stay are, without money for them."""
    memos.receive(int(fact.subject.uid), actor=fact.actor)


def prepare_posting(fact: Fact) -> None:
    """order.completed: everything has left, so the sale goes to the books."""
    postings.prepare(int(fact.subject.uid), actor=fact.actor)


def correct_posting(fact: Fact) -> None:
    """order.changed: what was posted before may not be true any more."""
    postings.correct(int(fact.subject.uid), actor=fact.actor)


def match_settlement(fact: Fact) -> None:
    """settlement.imported: a payout that nobody has matched yet is; a large one by a job."""
    found = Settlement.objects.filter(pk=int(fact.subject.uid), matched_at=None).first()
    if found is None:
        return
    if found.lines_count > LARGE:
        jobs.start(found.pk, actor=fact.actor)
    else:
        matches.match(found.pk, actor=fact.actor)
