"""What a connection's settings say of its shop's orders, and what Shopify's own words of them mean. Pure.

A business buys for a company of the shop: its number, or the account `accounts` gives for it, is the order's account.
Shopify doesn't mark an order somebody collects but in its fulfilment orders, which no order of the REST form holds; its
`shipping_lines` name the way by the words of the shop, which `pickups` explains.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from integrations.models import Connection
from integrations.reading import Node

_COLLECTED = {"pickup", "pick_up", "pick-up", "local_pickup", "local-pickup"}


@dataclass(frozen=True, slots=True)
class Terms:
    accounts: Mapping[str, str] = field(default_factory=dict)  # a company's number: our account
    pickups: Mapping[str, str] = field(default_factory=dict)  # a way of delivery's code or title: our place


def terms_of(connection: Connection) -> Terms:
    settings = connection.settings
    pickups = {str(name).strip().lower(): str(place) for name, place in (settings.get("pickups") or {}).items()}
    return Terms(accounts=settings.get("accounts") or {}, pickups=pickups)


def business(company: str, terms: Terms, node: Node | None, *, kind: str, days: str) -> dict[str, str]:
    """The account and its terms of an order of a company. Terms without days are the account's own."""
    if not company:
        return {}
    due = node.count(days) if node and node.text(kind).lower() == "net" else None
    return {
        "account": str(terms.accounts.get(company, company)),
        "payment_terms": f"NET{due}" if due and due < 1000 else "",
    }


def collected(ways: Sequence[Node], terms: Terms, *, category: str) -> str:
    """The place all of an order is collected at, by the words of its ways of delivery; empty where some of it is sent.

    `category` is the key that classifies a way of delivery.
    """
    places = {_place(each, terms, category) for each in ways}
    return next(iter(places)) if len(places) == 1 else ""


def _place(way: Node, terms: Terms, category: str) -> str:
    code, title = way.line("code"), way.line("title")
    known = terms.pickups.get(code.lower()) or terms.pickups.get(title.lower())
    return known or (code or title if way.text(category).lower() in _COLLECTED else "")
