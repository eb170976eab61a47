"""What Backroom asks of a partner's system, whichever it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol


@dataclass(frozen=True, slots=True)
class Answer:
    """What the partner says to a request: it took it and will say later, accepts it, or declines it with a reason."""

    status: Literal["received", "accepted", "rejected"]
    partner_ref: str = ""
    sends_at: datetime | None = None
    reason: str = ""
    said: str = ""


class PartnerPort(Protocol):
    def ask(self, document: Mapping[str, Any]) -> Answer:
        """Ask for this work, once however often it is repeated: `document["request"]` is the key it counts under.

        Raises TryLater for what time may heal, Permanent where the partner can't take the document as it is.
        """

    def withdraw(self, uid: str, why: str) -> bool:
        """The work is off. False when the partner says that it has left already. Safe to repeat."""

    def ping(self) -> str:
        """One harmless call that needs the credentials; returns a sentence about what answered."""
