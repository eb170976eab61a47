"""What is done when a posting is to go to the ERP. Wired in config/wiring.py to the queue `outside`."""

from __future__ import annotations

from core.events import Fact
from integrations.erp import sending


def post(fact: Fact) -> None:
    """posting.prepared, posting.retried: bring it to the ERP. Safe to repeat."""
    sending.send(int(fact.subject.uid))
