"""What is done when a message to a customer was written. Wired in config/wiring.py to the queue `outside`."""

from __future__ import annotations

from core.events import EventDraft, Fact
from integrations.messaging import sending


def lane(draft: EventDraft) -> str:
    """Each message has a lane of its own: an address that can't be reached keeps nobody else waiting."""
    return f"message:{draft.data['message']}"


def send(fact: Fact) -> None:
    """customer.message_queued. Safe to repeat."""
    sending.send(int(fact.data["message"]))
