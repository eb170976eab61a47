"""What Backroom asks of an ERP, whichever it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from integrations.failures import FailureClass


@dataclass(frozen=True, slots=True)
class Posted:
    """The ERP has it: its number, its own key, its total, and what it said (kept on the posting)."""

    number: str
    erp_id: str
    total: Decimal | None
    answer: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Behind:
    """What follows a confirmed document there: how many deliveries and invoices, and what these come to; None where
    the connection asks for none, or they are somebody else's business there."""

    deliveries: int | None
    invoices: int | None
    invoiced: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Standing:
    """A document the ERP has under one of our references; `ours` says whether it is one that we made."""

    number: str
    total: Decimal
    confirmed: bool
    ours: bool
    behind: Behind | None = None


class Rejected(Exception):
    """The ERP will not take the document as it is; trying again changes nothing until a person puts something right.

    `answer` is kept with the posting as evidence: `request` (what was asked), `skus` (the lines at fault), `said`.
    """

    def __init__(self, failure_class: FailureClass, reason: str, *, answer: Mapping[str, Any] | None = None):
        super().__init__(reason)
        self.failure_class = failure_class
        self.reason = reason
        self.answer = dict(answer or {})


class Memory(Protocol):
    """What an attempt leaves for the next one, should it not come to an end."""

    @property
    def erp_id(self) -> str:
        """The ERP's key of the document, once an attempt learnt it; else empty."""

    def keep(self, erp_id: str) -> None:
        """Remember it and prolong the lease. Raises TryLater when somebody else has taken over: stop at once."""

    def still_ours(self) -> None:
        """Prolong the lease before a step that changes something. Raises TryLater when it is lost."""


class ErpPort(Protocol):
    def post_sale(self, document: Mapping[str, Any], memory: Memory) -> Posted:
        """Bring a sales document to the ERP as a confirmed sale, exactly once whatever is repeated.

        Looks for our own reference before sending anything, and goes on from wherever an earlier attempt stopped.
        Raises Rejected, or TryLater for what time may heal.
        """

    def post_journal(self, document: Mapping[str, Any], memory: Memory) -> Posted:
        """Bring a journal entry, balanced and with its accounts, to the ERP, exactly once whatever is repeated.

        Raises Rejected where an account is missing, its period is closed, or this ERP takes no journals from us.
        """

    def standing(self, document: Mapping[str, Any]) -> list[Standing]:
        """What it has under the document's reference, for the drift report. Changes nothing."""

    def ping(self) -> str:
        """One harmless call that needs the credentials; returns a sentence about what answered."""
