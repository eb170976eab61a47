"""The life of a node's work: `fulfilment.create`, `accept`, `pick`, `ship` … under one name.

Each verb takes the id, the version the person saw (None = unchecked) and the actor; locks the order, so whatever races
ends in exactly one outcome; and refuses with Refusal("stale"), ("bad_move") or its own code.
"""

from orders.services.actions import supported_actions
from orders.services.packing import pack
from orders.services.picking import accept, pick, short_pick, start_pick
from orders.services.pickup import hand_over, ready, uncollected
from orders.services.releasing import create
from orders.services.shipping import ship
from orders.services.withdrawing import cancel, reject

__all__ = [
    "accept",
    "cancel",
    "create",
    "hand_over",
    "pack",
    "pick",
    "ready",
    "reject",
    "ship",
    "short_pick",
    "start_pick",
    "supported_actions",
    "uncollected",
]
