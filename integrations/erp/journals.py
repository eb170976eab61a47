"""A journal entry as an attempt (see attempt.py): its accounts from the chart, found by our reference or made, posted.

Its sides are balanced before it is sent; the reversal of one is a journal of its own with its sides exchanged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from integrations.erp.attempt import Attempt, Found
from integrations.erp.port import Memory, Posted, Rejected, Standing
from integrations.failures import FailureClass
from integrations.models import Connection

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Entry:
    """One side: `account` as the chart names it."""

    account: str
    role: str
    debit: Decimal
    credit: Decimal
    note: str

    @property
    def words(self) -> str:
        return self.note or self.role.replace("_", " ")


class Journal(Attempt):
    """What the journals of all ERPs have in common."""

    def __init__(self, connection: Connection, document: Mapping[str, Any], memory: Memory):
        super().__init__(connection, document, memory)
        self.entries = [
            Entry(each["account"], each["role"], Decimal(each["debit"]), Decimal(each["credit"]), each["note"])
            for each in document["entries"]
        ]
        self.total = sum((entry.debit for entry in self.entries), ZERO)  # what an ERP adds up, whoever owes whom

    def run(self) -> Posted:
        if nameless := [entry.role.replace("_", " ") for entry in self.entries if not entry.account]:
            words = f"The chart names no account for “{nameless[0]}”."
            raise Rejected(FailureClass.MISSING_REFERENCE, words, answer={"roles": nameless})
        return replace(super().run(), total=Decimal(self.document["total"]))

    def level(self, found: Found, difference: Decimal) -> Found:
        """A journal has no cents to round: both of its sides are ours."""
        raise self.differs(found.total, draft=found.key)

    def standing(self) -> list[Standing]:
        """An ERP adds up one side; what a journal comes to is our own figure, where that side agrees."""
        ours = Decimal(self.document["total"])
        return [replace(each, total=ours) if each.total == self.total else each for each in super().standing()]

    @property
    def codes(self) -> list[str]:
        return sorted({entry.account for entry in self.entries})

    @property
    def reverses(self) -> Mapping[str, str]:
        """The entry it takes back, where this connection brought that one here; else nothing."""
        before: Mapping[str, str] = self.document.get("reverses") or {}
        return before if before.get("id") and before.get("through") == str(self.connection.pk) else {}

    def refuse_unknown(self, known: Mapping[str, Any] | Sequence[str]) -> None:
        """Rejected where the ERP lacks one of the chart's accounts."""
        if missing := [code for code in self.codes if code not in known]:
            words = f"{self.name} has no account {', '.join(missing[:5])}{'…' if len(missing) > 5 else ''}."
            raise Rejected(FailureClass.MISSING_REFERENCE, words, answer={"accounts": missing})

    def refuse_foreign(self, own: str) -> None:
        """Rejected where its books are kept in another currency, and it wouldn't convert what it is given."""
        if (currency := self.document["currency"]) != own:
            words = f"{self.name} keeps these books in {own}, and this journal is in {currency}."
            raise Rejected(FailureClass.BAD_VALUE, f"{words} Book it there at your rate, and enter its number.")

    def party(self) -> str:
        """Whom a receivable is owed by: the channel's customer, as the settings name it; else empty."""
        named = self.settings.get("customers")
        own = named.get(self.document["channel"]) if isinstance(named, Mapping) else None
        return str(own or self.settings.get("customer") or "")
