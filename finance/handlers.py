"""What this app does when it hears of facts from beneath. Wired in config/wiring.py."""

from __future__ import annotations

from core.events import Fact
from finance.models import Settlement
from finance.services import jobs, matches, postings

LARGE = 5_000  # lines from which matching is a job


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
