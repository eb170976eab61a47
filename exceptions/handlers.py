"""What the exceptions floor does when it hears a fact. Subscribed in config/wiring.py."""

from __future__ import annotations

from core.events import Fact
from exceptions.services import opening


def recheck(event: Fact) -> None:
    """Something happened to a subject: see whether cases about it, or about what it touched, are still true."""
    for subject in (event.subject, *(other for other, _ in event.related)):
        if subject.kind != "case":
            opening.recheck(subject, event=event.id)
