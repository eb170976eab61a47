"""Everything that may be done to a transfer, under one name: `transfers.request`, `transfers.ship` …"""

from inventory.services.arriving import Seen, enter, receive, take_in, unpack
from inventory.services.requesting import approve, request, submit
from inventory.services.resolving import choices, resolve, stand_again
from inventory.services.sending import cancel, finish_pick, pick, ship

__all__ = [
    "Seen",
    "approve",
    "cancel",
    "choices",
    "enter",
    "finish_pick",
    "pick",
    "receive",
    "request",
    "resolve",
    "ship",
    "stand_again",
    "submit",
    "take_in",
    "unpack",
]
