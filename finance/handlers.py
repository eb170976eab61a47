"""What this app does when it hears of facts from beneath. Wired in config/wiring.py."""

from __future__ import annotations

from core.events import Fact
from finance.services import postings


def prepare_posting(fact: Fact) -> None:
    """order.completed: everything has left, so the sale goes to the books."""
    postings.prepare(int(fact.subject.uid), actor=fact.actor)


def correct_posting(fact: Fact) -> None:
    """order.changed: what was posted before may not be true any more."""
    postings.correct(int(fact.subject.uid), actor=fact.actor)
