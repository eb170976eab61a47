"""What Backroom asks of an account that moves money, whichever it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, Protocol

Kind = Literal["AUTHORISE", "CAPTURE", "VOID", "REFUND"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """One payment instruction. `uid` is our reference there for ever; `key` is new only when a person wants it anew.

    `tender` is the provider's key of the money it acts on, `parent` that of what this was made from.
    """

    uid: str
    key: str
    kind: Kind
    amount: Decimal
    currency: str
    order: str
    tender: str = ""
    parent: str = ""
    source: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the provider made of it. `settled` False: it took it, and says later, by a webhook, what came of it.

    `released` is what a last capture let go of; `expires_at` until when an authorisation holds.
    """

    ref: str
    settled: bool
    at: datetime | None = None
    amount: Decimal | None = None
    gateway: str = ""
    parent: str = ""
    expires_at: datetime | None = None
    refund_ref: str = ""
    released: Decimal | None = None


class Rejected(Exception):
    """The provider will not do it; trying again changes nothing until somebody puts something right."""

    def __init__(self, code: str, reason: str, *, ref: str = ""):
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.ref = ref


class PaymentPort(Protocol):
    def find(self, wanted: Wanted, ref: str) -> Outcome | None:
        """What became of an instruction sent before, by the provider's own key where it is known; None: it has none.

        Raises Rejected where it was refused, NotImplementedError never: a provider that can't be asked answers None.
        """

    def carry(self, wanted: Wanted) -> Outcome:
        """Do it, once whatever is repeated under the same key. Raises Rejected, or TryLater for what time may heal."""

    def ping(self) -> str:
        """One harmless call that needs the credentials; returns a sentence about what answered."""
