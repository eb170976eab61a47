"""How figures and outcomes of snapshots read on screens."""

from __future__ import annotations

from inventory.snapshots import WORDS

_SHORT = {"sellable": "Sellable", "free": "Free to sell", "on_hand": "On the premises", "reserved": "Promised"}
FIGURES = WORDS | _SHORT | {"ignored": "No stock level"}
PROBLEMS = {
    "": "",
    "unknown_item": "No item has this code",
    "ambiguous_item": "Its codes mean different items",
    "unknown_location": "No place has this code",
    "unmapped_status": "Nobody has said what this status means",
    "not_a_level": "No stock level",
    "not_tracked": "Not tracked there",
    "kit": "A kit has no stock of its own",
    "bad_quantity": "No number of units",
    "unknown_unit": "Not counted in pieces",
}
