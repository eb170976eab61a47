"""One try at bringing one document to an ERP, whichever it is: found by our own reference or made, agreed, confirmed.

Each step is one call that can be lost without harm: the next attempt finds the document where the last one left it and
goes on. ERPs don't keep references unique, so two drafts of one document are possible when an answer is lost and its
request still runs; only one of them is ever confirmed, and the others are taken away.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from core.errors import TryLater
from core.formats import money
from finance import documents
from finance.documents import minor_unit
from integrations.erp import lines
from integrations.erp.calls import Refused
from integrations.erp.port import Behind, Memory, Posted, Rejected, Standing
from integrations.failures import FailureClass
from integrations.models import Connection

CANCELLED, DRAFT, OFFERED, DONE = -1, 0, 1, 2  # the further a document has come, the better it is kept
TOLERANCE = "0.05"


@dataclass(frozen=True, slots=True)
class Found:
    """A document as the ERP has it. `words` is the field that carries our mark and fingerprint."""

    key: str
    number: str
    words: str
    progress: int
    total: Decimal
    raw: Mapping[str, Any] = field(default_factory=dict)


class NoMemory:
    """For looking alone: nothing is kept, and a step that would change something is a mistake."""

    erp_id = ""

    def keep(self, erp_id: str) -> None:
        raise RuntimeError("Looking changes nothing.")

    def still_ours(self) -> None:
        raise RuntimeError("Looking changes nothing.")


class Attempt(ABC):
    """What all ERPs have in common; a vendor brings the calls."""

    name: str

    def __init__(self, connection: Connection, document: Mapping[str, Any], memory: Memory):
        self.connection = connection
        self.document = document
        self.memory = memory
        self.settings = connection.settings
        self.total = Decimal(document["total"])
        self.origin = str(connection.pk)[:8]

    # --- What a vendor brings

    @abstractmethod
    def candidates(self) -> list[Found]:
        """Every document there under our reference, cancelled ones included."""

    @abstractmethod
    def values(self) -> Mapping[str, Any]:
        """What is sent to make it. Rejected names what the ERP lacks for it."""

    @abstractmethod
    def create(self, values: Mapping[str, Any]) -> Found:
        """Make the draft."""

    @abstractmethod
    def take_away(self, found: Found) -> None:
        """Remove an unconfirmed document."""

    @abstractmethod
    def level(self, found: Found, difference: Decimal) -> Found:
        """Take away, openly, what a draft comes to beyond our total."""

    @abstractmethod
    def confirm(self, found: Found) -> Found:
        """Bring it from wherever it is to confirmed."""

    def follow(self, found: Found) -> Mapping[str, Any]:
        """What stands behind it: deliveries and invoices, each looked for before it is made."""
        return {}

    def counted(self, found: Found) -> Behind | None:
        """What stands behind a confirmed document, for the drift report; None where the ERP isn't asked for it."""
        return None

    def standing(self) -> list[Standing]:
        """Every document under our reference that isn't cancelled. Changes nothing."""
        return [
            Standing(
                found.number,
                found.total,
                confirmed=found.progress >= DONE,
                ours=found.words.startswith(f"{self.mark} "),
                behind=self.counted(found) if found.progress >= DONE else None,
            )
            for found in self.candidates()
            if found.progress != CANCELLED
        ]

    # --- The course of it

    def run(self) -> Posted:
        try:
            found = self._best()
            if found is None or self._outdated(found):
                found = self._make(instead_of=found)
            elif found.key != self.memory.erp_id:
                self.memory.keep(found.key)
            if found.progress == DRAFT:
                found = self._agreed(found)
            if found.progress < DONE:
                found = self.confirm(found)
            if found.key != self.memory.erp_id:  # posting made another record of it
                self.memory.keep(found.key)
            if found.progress < DONE or not found.number:
                raise TryLater(f"{self.name} has not confirmed it yet.")
            followed = self.follow(found)
        except Refused as no:
            told = {"request": no.asked, "skus": self._named(no), **({"field": no.field} if no.field else {})}
            raise Rejected(no.failure_class, no.message, answer=told) from None
        difference = {"difference": str(found.total - self.total)}
        return Posted(number=found.number, erp_id=found.key, total=found.total, answer={**followed, **difference})

    def amount(self, value: Any) -> Decimal:
        """A figure of the ERP's as money: some keep money as binary fractions."""
        return Decimal(str(value or 0)).quantize(minor_unit(self.document["currency"]))

    @property
    def mark(self) -> str:
        """How our documents begin to speak of themselves."""
        return lines.mark(self.document, self.origin)

    @property
    def words(self) -> str:
        """What a document of ours carries: the mark and the fingerprint."""
        return lines.description(self.document, self.origin)

    def _best(self) -> Found | None:
        """Our document, whatever became of earlier attempts. Always by reference: what one attempt remembered may not
        be the only one, if its answer was lost."""
        found = self.candidates()
        mark = f"{self.mark} "
        ours = [each for each in found if each.words.startswith(mark) and each.progress != CANCELLED]
        theirs = [each for each in found if not each.words.startswith(mark) and each.progress != CANCELLED]
        if theirs:
            what = theirs[0].number or f"a draft ({theirs[0].key})"
            raise Rejected(
                FailureClass.DUPLICATE,
                f"{self.name} already has {what} under the reference {self.document['reference']},"
                " and Backroom did not make it.",
            )
        if not ours:
            return None
        best, *others = sorted(ours, key=lambda each: (-each.progress, len(each.key), each.key))
        for other in others:
            if other.progress >= DONE:
                raise Rejected(
                    FailureClass.DUPLICATE,
                    f"{self.name} has two confirmed sales for {self.document['reference']}:"
                    f" {best.number} and {other.number}.",
                )
            self.memory.still_ours()
            self.take_away(other)
        return best

    def _outdated(self, found: Found) -> bool:
        """An unconfirmed draft of an earlier version of this document: the order changed between two attempts."""
        return found.progress < DONE and lines.fingerprint(self.document) not in found.words

    def _make(self, *, instead_of: Found | None) -> Found:
        values = self.values()
        if instead_of is not None:
            self.memory.still_ours()
            self.take_away(instead_of)
        self.memory.still_ours()
        made = self.create(values)
        self.memory.keep(made.key)
        return made

    def _agreed(self, found: Found) -> Found:
        """A draft is worth what we say. Cents of rounding become a line of their own; more than that is refused."""
        difference = found.total - self.total
        if difference and abs(difference) <= Decimal(str(self.settings.get("tolerance", TOLERANCE))):
            self.memory.still_ours()
            found = self.level(found, difference)
            difference = found.total - self.total
        if difference:
            raise self.differs(found.total, draft=found.key)
        return found

    def differs(self, theirs: Decimal, **more: str) -> Rejected:
        currency = self.document["currency"]
        return Rejected(
            FailureClass.BAD_VALUE,
            f"{self.name} reckons {money(theirs, currency)}, Backroom {money(self.total, currency)}:"
            f" a difference of {money(theirs - self.total, currency)}.",
            answer=more,
        )

    def _named(self, refusal: Refused) -> list[str]:
        """Which of the document's SKUs the refusal speaks of."""
        return [sku for sku in lines.skus(self.document) if sku in refusal.message]


class AttemptPort(ABC):
    """The ERP port of whoever brings the calls of an attempt."""

    def __init__(self, connection: Connection):
        self.connection = connection

    @abstractmethod
    def attempt(self, document: Mapping[str, Any], memory: Memory) -> Attempt:
        """The attempt at this document: a sale, or a credit memo where it owes the channel something."""

    @abstractmethod
    def ping(self) -> str: ...

    def post_sale(self, document: Mapping[str, Any], memory: Memory) -> Posted:
        return self.attempt(document, memory).run()

    @abstractmethod
    def journal(self, document: Mapping[str, Any], memory: Memory) -> Attempt:
        """The attempt at a journal entry. Rejected where this ERP takes none from us."""

    def post_journal(self, document: Mapping[str, Any], memory: Memory) -> Posted:
        return self.journal(document, memory).run()

    def standing(self, document: Mapping[str, Any]) -> list[Standing]:
        kind = self.attempt if documents.is_sale(document) else self.journal
        return kind(document, NoMemory()).standing()
