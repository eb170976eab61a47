"""A sale in Tryton, once (see attempt.py): a draft checked to the cent, quoted, confirmed; what follows is brought to
its end (see following.py)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from core.errors import TryLater
from integrations.erp import lines
from integrations.erp.attempt import CANCELLED, DONE, DRAFT, OFFERED, Attempt, AttemptPort, Found
from integrations.erp.port import Behind, Memory, Rejected
from integrations.erp.tryton import following, lookups, translate
from integrations.erp.tryton.client import Rest
from integrations.erp.tryton.journals import TrytonJournal
from integrations.erp.tryton.translate import References
from integrations.failures import FailureClass
from integrations.models import Connection

FIELDS = (
    "id", "state", "number", "reference", "description", "total_amount", "untaxed_amount", "tax_amount",
    *following.FIELDS,
)  # fmt: skip
PROGRESS = {
    "cancelled": CANCELLED,
    "draft": DRAFT,
    "quotation": OFFERED,
    "confirmed": DONE,
    "processing": DONE + 1,
    "done": DONE + 2,
}


class Tryton(AttemptPort):
    """The ERP port of one Tryton database."""

    def ping(self) -> str:
        rest = Rest(self.connection)
        company = int(self.connection.settings.get("company", 1))
        found = rest.read("company.company", company, ["party.name", "currency.code"])
        if found is None:
            raise Rejected(FailureClass.MISSING_REFERENCE, f"Tryton has no company {company}.")
        return f"Tryton answers for {found['party']['name']} ({found['currency']['code']})."

    def attempt(self, document: Mapping[str, Any], memory: Memory) -> Attempt:
        return _Sale(self.connection, document, memory)

    def journal(self, document: Mapping[str, Any], memory: Memory) -> Attempt:
        return TrytonJournal(self.connection, document, memory)


class _Sale(Attempt):
    name = "Tryton"

    def __init__(self, connection: Connection, document: Mapping[str, Any], memory: Memory):
        super().__init__(connection, document, memory)
        self.rest = Rest(connection)
        self.known: References | None = None

    def candidates(self) -> list[Found]:
        domain = [["reference", "=", self.document["reference"]], ["company", "=", self._company]]
        return [_found(sale) for sale in self.rest.find("sale.sale", domain, FIELDS)]

    def values(self) -> Mapping[str, Any]:
        return translate.sale(self.document, self._references(), self.settings)

    def create(self, values: Mapping[str, Any]) -> Found:
        return _found(self.rest.create("sale.sale", values, FIELDS))

    def take_away(self, found: Found) -> None:
        self.rest.press("sale.sale", int(found.key), "cancel", ["state"])
        self.rest.delete("sale.sale", int(found.key))

    def level(self, found: Found, difference: Decimal) -> Found:
        change = translate.rounding(difference, self._references(), self.settings)
        return _found(self.rest.write("sale.sale", int(found.key), change, FIELDS))

    def confirm(self, found: Found) -> Found:
        if found.progress == DRAFT:
            found = self._press(found, "quote")
        if found.progress == OFFERED:
            found = self._press(found, "confirm")
        if found.progress < DONE:
            raise TryLater(f"Tryton left the sale in the state {found.raw['state']}.")
        return found

    def follow(self, found: Found) -> Mapping[str, Any]:
        wanted = self.settings.get("documents", ["delivery", "invoice"])
        figures = {"untaxed": str(found.raw["untaxed_amount"]), "tax": str(found.raw["tax_amount"])}
        return {**figures, **following.follow(self.rest, self.memory, found.raw, list(wanted))}

    def counted(self, found: Found) -> Behind:
        return following.counted(found.raw)

    def _press(self, found: Found, button: str) -> Found:
        self.memory.still_ours()
        return _found(self.rest.press("sale.sale", int(found.key), button, FIELDS))

    def _references(self) -> References:
        if self.known is None:
            document = self.document
            self.known = References(
                origin=self.origin,
                company=self._company,
                currency=lookups.currency(self.rest, document["currency"]),
                warehouse=lookups.warehouse(self.rest, document["location"]),
                customer=lookups.customer(self.rest, document),
                products=lookups.products(self.rest, lines.codes(document, self.settings)),
                taxes=lookups.taxes(self.rest),
            )
        return self.known

    @property
    def _company(self) -> int:
        return int(self.settings.get("company", 1))


def _found(sale: Mapping[str, Any]) -> Found:
    return Found(
        key=str(sale["id"]),
        number=sale["number"] or "",
        words=sale["description"] or "",
        progress=PROGRESS[sale["state"]],
        total=sale["total_amount"],
        raw=sale,
    )
