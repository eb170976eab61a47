"""Tryton's master data by our names, remembered for a minute: books change rarely, sales come all day."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, TypeVar

from integrations.erp.lines import Tax
from integrations.erp.port import Rejected
from integrations.erp.tryton.client import Refused, Rest
from integrations.erp.tryton.translate import Customer, Product
from integrations.failures import FailureClass

T = TypeVar("T")
REMEMBER_SECONDS = 60.0
_remembered: dict[tuple[Any, ...], tuple[float, Any]] = {}


def _remember(rest: Rest, what: str, ask: Callable[[], T]) -> T:
    """`ask`'s answer, at most a minute old, for this connection as it is set up now. Refusals aren't remembered."""
    key = (rest.connection.pk, rest.connection.updated_at, what)
    kept = _remembered.get(key)
    now = time.monotonic()
    if kept is not None and now - kept[0] < REMEMBER_SECONDS:
        found: T = kept[1]
        return found
    answer = ask()
    if len(_remembered) > 1000:
        _remembered.clear()
    _remembered[key] = (now, answer)
    return answer


def currency(rest: Rest, code: str) -> int:
    return _remember(rest, f"currency {code}", lambda: _one(rest, "currency.currency", "code", code, "currency"))


def warehouse(rest: Rest, location: str) -> int:
    """The warehouse our location is mapped to, else the connection's own."""
    settings = rest.connection.settings
    code = settings.get("warehouses", {}).get(location) or settings.get("warehouse", "")
    if not code:
        raise Rejected(FailureClass.MISSING_REFERENCE, f"No warehouse of Tryton's is named for {location or 'this'}.")
    return _remember(rest, f"warehouse {code}", lambda: _one(rest, "stock.location", "code", code, "warehouse"))


def warehouses(rest: Rest) -> dict[str, int]:
    """Every warehouse with a code: its id by it."""

    def ask() -> dict[str, int]:
        domain = [["type", "=", "warehouse"], ["code", "!=", None]]
        return {one["code"]: int(one["id"]) for one in rest.find("stock.location", domain, ["id", "code"], limit=1000)}

    return _remember(rest, "warehouses", ask)


def company_currency(rest: Rest) -> str:
    company = int(rest.connection.settings.get("company", 1))

    def ask() -> str:
        found = rest.read("company.company", company, ["currency.code"])
        return str(found["currency"]["code"]) if found else ""

    return _remember(rest, f"currency of company {company}", ask)


def known_fields(rest: Rest, model: str, names: Iterable[str]) -> tuple[str, ...]:
    """Those of the fields that this Tryton has: modules bring them."""

    def ask() -> tuple[str, ...]:
        # Its key is `model` or `model_ref`, as versions go; asking by the model's name works with both.
        domain = [["model", "=", model], ["name", "in", sorted(names)]]
        return tuple(sorted(one["name"] for one in rest.find("ir.model.field", domain, ["name"])))

    return _remember(rest, f"fields of {model}", ask)


def _one(rest: Rest, model: str, field: str, value: str, noun: str) -> int:
    found = rest.find(model, [[field, "=", value]], ["id"], limit=2)
    if not found:
        raise Rejected(FailureClass.MISSING_REFERENCE, f"Tryton has no {noun} {value}.")
    return int(found[0]["id"])


def taxes(rest: Rest) -> tuple[Tax, ...]:
    """The taxes the connection's settings name; what a document's tax comes to decides which of them is meant."""
    names = rest.connection.settings.get("taxes", [])
    if not names:
        return ()

    def ask() -> tuple[Tax, ...]:
        found = rest.find(
            "account.tax",
            [["name", "in", names], ["type", "=", "percentage"], ["parent", "=", None]],
            ["id", "name", "rate"],
        )
        missing = sorted(set(names) - {tax["name"] for tax in found})
        if missing:
            raise Rejected(FailureClass.MISSING_REFERENCE, f"Tryton has no tax {', '.join(missing)}.")
        return tuple(Tax(tax["id"], tax["name"], Decimal(tax["rate"])) for tax in found)

    return _remember(rest, f"taxes {names}", ask)


def products(rest: Rest, codes: Iterable[str]) -> dict[str, Product]:
    """Asked each time: a product that was missing a minute ago may be there now."""
    found = rest.find(
        "product.product",
        [["code", "in", sorted(codes)]],
        ["id", "code", "salable", "default_uom", "template.sale_uom.id"],
        limit=1000,
    )
    return {one["code"]: Product(one["id"], _unit(one), bool(one["salable"])) for one in found}


def _unit(product: Mapping[str, Any]) -> int:
    sold_in = (product.get("template") or {}).get("sale_uom")
    return int(sold_in["id"] if sold_in else product["default_uom"])


# --- Customers -----------------------------------------------------------------------------------------------------


def customer(rest: Rest, document: Mapping[str, Any]) -> Customer:
    """Whom the sale is billed to: the channel's own party, or the buyer by e-mail where the settings say so."""
    settings = rest.connection.settings
    email = (document["buyer"].get("email") or "").strip().lower()
    if settings.get("customers") == "email" and email:
        return _buyer(rest, email, document)
    code = settings.get("parties", {}).get(document["channel"]) or settings.get("party", "")
    if not code:
        raise Rejected(FailureClass.MISSING_REFERENCE, f"No party of Tryton's is named for {document['channel']}.")

    def ask() -> Customer:
        found = _party(rest, code)
        if found is None:
            raise Rejected(FailureClass.MISSING_REFERENCE, f"Tryton has no party {code}.")
        return _customer(found)

    return _remember(rest, f"party {code}", ask)


def _buyer(rest: Rest, email: str, document: Mapping[str, Any]) -> Customer:
    """The buyer's party, made when it is missing. Its code comes from the e-mail, and Tryton lets a code exist once:
    of two workers that make it at the same time one is refused, and finds the other's."""
    code = "BR-" + hashlib.sha256(email.encode()).hexdigest()[:16]
    found = _party(rest, code)
    if found is None:
        try:
            rest.create("party.party", _new_party(code, email, document), ["id"])
        except Refused:
            found = _party(rest, code)
            if found is None:
                raise
        else:
            found = _party(rest, code)
    if found is None:
        raise Rejected(FailureClass.MISSING_REFERENCE, f"Tryton has no party {code}, though it was just made.")
    return _customer(found)


def _new_party(code: str, email: str, document: Mapping[str, Any]) -> dict[str, Any]:
    address = document.get("bill_to") or document.get("ship_to") or {}
    return {
        "name": document["buyer"].get("name") or address.get("name") or email,
        "code": code,
        "contact_mechanisms": [["create", [{"type": "email", "value": email}]]],
        "addresses": [["create", [_address(address)]]],
    }


def _address(address: Mapping[str, Any]) -> dict[str, Any]:
    street = "\n".join(filter(None, (address.get("line1"), address.get("line2"))))
    last = " ".join(filter(None, (address.get("region"), address.get("country"))))
    return {
        "street": "\n".join(filter(None, (street, last))) or None,
        "city": address.get("city") or None,
        "postal_code": address.get("postal_code") or None,
    }


def _party(rest: Rest, code: str) -> dict[str, Any] | None:
    found = rest.find("party.party", [["code", "=", code]], ["id", "addresses.id"], limit=1)
    return found[0] if found else None


def _customer(party: Mapping[str, Any]) -> Customer:
    addresses = party.get("addresses") or []
    if not addresses:
        raise Rejected(FailureClass.MISSING_REFERENCE, f"Tryton's party {party['id']} has no address.")
    return Customer(party["id"], addresses[0]["id"], addresses[0]["id"])
