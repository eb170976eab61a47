"""What the entries of a channel's catalogue are sold as: codes with the SKUs they name. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from integrations.channels.meaning import LearnCodes, Listed, Meaning, ignored
from integrations.documents import read_json, without_nul
from integrations.failures import unparsable
from integrations.reading import Faults, Node

FEED = "codes"  # its name, whoever the vendor is
TOPIC = "catalogue"  # of its documents
ENTRIES = "entries"

Read = Callable[[Node], Iterable[Listed]]
NOTHING = "nothing on this page of the catalogue has a code"


def read(body: bytes, listed: Read) -> Meaning:
    """What a page of a catalogue teaches. Raises Unreadable."""
    document = without_nul(read_json(body))
    if not isinstance(document, dict) or not isinstance(document.get(ENTRIES), list):
        raise unparsable("it is no page of a catalogue")
    faults = Faults()
    found = [each for entry in Node(document, "", faults).items(ENTRIES) for each in listed(entry)]
    faults.raise_if_any()
    return learn(found)


def codes(entries: Sequence[dict[str, Any]], listed: Read) -> set[str]:
    """The codes of these entries; what of them can't be read says so when its page is."""
    faults = Faults()
    return {each.code for entry in entries for each in listed(Node(entry, "", faults)) if each.code}


def learn(found: Iterable[Listed]) -> Meaning:
    """Each code once, as its last entry has it."""
    codes = {each.code: each for each in found if each.code}
    return Meaning(acts=(LearnCodes(tuple(codes.values())),)) if codes else ignored(NOTHING)


def sold_as(node: Node, *named: tuple[str, str], sku: str = "sku") -> str:
    """What a line of an order is of: its SKU, else the code its article has in the catalogue, by the first of `named`
    (kind, key) that says one; "" for what is in no catalogue."""
    if said := node.text(sku, 400):
        return said
    refs = ((kind, node.line(key, 60)) for kind, key in named)
    return next((f"{kind}:{ref}" for kind, ref in refs if ref.strip("0")), "")


def of(node: Node, code: str, *, sku: str = "sku", title: str = "name") -> Listed:
    """An entry by the code it goes by here and what it says of itself under these keys."""
    return Listed(code, node.line(sku, 100), node.line(title, 200))
