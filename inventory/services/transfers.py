"""Everything that may be done to a transfer, under one name: `transfers.request`, `transfers.ship` …"""

from inventory.services.arriving import Seen, choices, enter, receive, resolve, take_in, unpack
from inventory.services.sending import approve, cancel, finish_pick, pick, request, ship, submit

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
    "submit",
    "take_in",
    "unpack",
]
