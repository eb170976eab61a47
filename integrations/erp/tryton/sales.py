"""A sale in Tryton, once: found by our own reference or made as a draft, checked to the cent, quoted, confirmed.

Each step is one call that can be lost without harm: the next attempt finds the sale where the last one left it and
goes on. Tryton doesn't keep references unique, so two drafts of one document are possible when an answer is lost and
its request still runs; only one of them is ever confirmed, and the others are taken away.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from core.errors import TryLater
from core.formats import money
from integrations.erp.port import Memory, Posted, Rejected
from integrations.erp.tryton import lookups, translate
from integrations.erp.tryton.client import Refused, Rest
from integrations.erp.tryton.translate import References
from integrations.failures import FailureClass
from integrations.models import Connection

FIELDS = ("id", "state", "number", "reference", "description", "total_amount", "untaxed_amount", "tax_amount")
DONE = ("confirmed", "processing", "done")
# The further a sale has come, the better it is kept.
PROGRESS = {"draft": 0, "quotation": 1, "confirmed": 2, "processing": 3, "done": 4}
TOLERANCE = "0.05"


class Tryton:
    """The ERP port of one Tryton database."""

    def __init__(self, connection: Connection):
        self.connection = connection

    def ping(self) -> str:
        rest = Rest(self.connection)
        company = int(self.connection.settings.get("company", 1))
        found = rest.read("company.company", company, ["party.name", "currency.code"])
        if found is None:
            raise Rejected(FailureClass.MISSING_REFERENCE, f"Tryton has no company {company}.")
        return f"Tryton answers for {found['party']['name']} ({found['currency']['code']})."

    def post_sale(self, document: Mapping[str, Any], memory: Memory) -> Posted:
        return _Attempt(Rest(self.connection), document, memory).run()


class _Attempt:
    """One try at one document."""

    def __init__(self, rest: Rest, document: Mapping[str, Any], memory: Memory):
        self.rest = rest
        self.document = document
        self.memory = memory
        self.settings = rest.connection.settings
        self.total = Decimal(document["total"])
        self.origin = str(rest.connection.pk)[:8]
        self.known: References | None = None

    def run(self) -> Posted:
        try:
            found = self._find()
            if found is None or self._outdated(found):
                found = self._make(instead_of=found)
            elif str(found["id"]) != self.memory.erp_id:
                self.memory.keep(str(found["id"]))
            found = self._finish(found)
        except Refused as no:
            raise Rejected(FailureClass.BAD_VALUE, no.message, answer={"request": no.asked}) from None
        return Posted(
            number=found["number"],
            erp_id=str(found["id"]),
            total=found["total_amount"],
            answer={"state": found["state"], "untaxed": str(found["untaxed_amount"]), "tax": str(found["tax_amount"])}
            | {"difference": str(found["total_amount"] - self.total)},
        )

    # --- Finding

    def _find(self) -> dict[str, Any] | None:
        """Our sale, whatever became of earlier attempts. Always by reference: what one attempt remembered may not be
        the only one, if its answer was lost."""
        domain = [["reference", "=", self.document["reference"]], ["company", "=", self._company]]
        found = self.rest.find("sale.sale", domain, FIELDS)
        mark = f"{translate.mark(self.document, self.origin)} "
        ours = [sale for sale in found if (sale["description"] or "").startswith(mark)]
        self._refuse_strangers([sale for sale in found if sale not in ours])
        alive = sorted(
            (sale for sale in ours if sale["state"] != "cancelled"), key=lambda s: (-PROGRESS[s["state"]], s["id"])
        )
        if not alive:
            return None
        best, *others = alive
        for other in others:
            if other["state"] in DONE:
                raise Rejected(
                    FailureClass.DUPLICATE,
                    f"Tryton has two confirmed sales for {self.document['reference']}:"
                    f" {best['number']} and {other['number']}.",
                )
            self._take_away(other)
        return best

    def _refuse_strangers(self, strangers: list[dict[str, Any]]) -> None:
        theirs = [sale for sale in strangers if sale["state"] != "cancelled"]
        if theirs:
            name = theirs[0]["number"] or f"a draft ({theirs[0]['id']})"
            raise Rejected(
                FailureClass.DUPLICATE,
                f"Tryton already has {name} under the reference {self.document['reference']},"
                " and Backroom did not make it.",
            )

    def _outdated(self, sale: Mapping[str, Any]) -> bool:
        """An unconfirmed sale of an earlier version of this document: the order changed between two attempts."""
        return sale["state"] not in DONE and translate.fingerprint(self.document) not in (sale["description"] or "")

    def _take_away(self, sale: Mapping[str, Any]) -> None:
        self.memory.still_ours()
        self.rest.press("sale.sale", sale["id"], "cancel", ["state"])
        self.rest.delete("sale.sale", sale["id"])

    # --- Making

    def _make(self, *, instead_of: Mapping[str, Any] | None) -> dict[str, Any]:
        values = translate.sale(self.document, self._references(), self.settings)
        if instead_of is not None:
            self._take_away(instead_of)
        self.memory.still_ours()
        made = self.rest.create("sale.sale", values, FIELDS)
        self.memory.keep(str(made["id"]))
        return made

    def _references(self) -> References:
        if self.known is None:
            document = self.document
            self.known = References(
                origin=self.origin,
                company=self._company,
                currency=lookups.currency(self.rest, document["currency"]),
                warehouse=lookups.warehouse(self.rest, document["location"]),
                customer=lookups.customer(self.rest, document),
                products=lookups.products(self.rest, translate.codes(document, self.settings)),
                taxes=lookups.taxes(self.rest),
            )
        return self.known

    @property
    def _company(self) -> int:
        return int(self.settings.get("company", 1))

    # --- Finishing

    def _finish(self, sale: dict[str, Any]) -> dict[str, Any]:
        if sale["state"] == "draft":
            sale = self._agree(sale)
            sale = self._press(sale, "quote")
        if sale["state"] == "quotation":
            sale = self._press(sale, "confirm")
        if sale["state"] not in DONE or not sale["number"]:
            raise TryLater(f"Tryton left the sale in the state {sale['state']}.")
        return sale

    def _press(self, sale: Mapping[str, Any], button: str) -> dict[str, Any]:
        self.memory.still_ours()
        return self.rest.press("sale.sale", sale["id"], button, FIELDS)

    def _agree(self, sale: dict[str, Any]) -> dict[str, Any]:
        """A draft is worth what we say. Cents of rounding become a line of their own; more than that is refused."""
        difference = sale["total_amount"] - self.total
        if not difference:
            return sale
        if abs(difference) <= Decimal(str(self.settings.get("tolerance", TOLERANCE))):
            change = translate.rounding(difference, self._references(), self.settings)
            self.memory.still_ours()
            sale = self.rest.write("sale.sale", sale["id"], change, FIELDS)
            difference = sale["total_amount"] - self.total
        if difference:
            currency = self.document["currency"]
            raise Rejected(
                FailureClass.BAD_VALUE,
                f"Tryton reckons {money(sale['total_amount'], currency)}, Backroom {money(self.total, currency)}:"
                f" a difference of {money(difference, currency)}.",
                answer={"untaxed": str(sale["untaxed_amount"]), "tax": str(sale["tax_amount"]), "draft": sale["id"]},
            )
        return sale
