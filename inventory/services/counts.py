"""Everything that may be done to a count, under one name: `counts.request`, `counts.scan`, `counts.approve` …"""

from inventory.services.counting import cancel, request, start
from inventory.services.judging import approve, finish, recount
from inventory.services.looking import enter, scan
from inventory.services.settling import latest_word, settle, settle_due

__all__ = [
    "approve",
    "cancel",
    "enter",
    "finish",
    "latest_word",
    "recount",
    "request",
    "scan",
    "settle",
    "settle_due",
    "start",
]
