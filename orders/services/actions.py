"""What may be done with a fulfilment order now, and by whom: the one place screens and the API ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from orders.models import COLLECTED_HERE, FulfilmentOrder, FulfilmentStatus

WORK, WITHDRAW = "orders.work_fulfilment", "orders.cancel_fulfilment"


@dataclass(frozen=True, slots=True)
class Choice:
    """One verb of services.fulfilment, as a button says it."""

    code: str
    title: str
    permission: str = WORK


_CHOICES = {
    "accept": Choice("accept", "Accept"),
    "start_pick": Choice("start_pick", "Start picking"),
    "pick": Choice("pick", "Scan"),
    "short_pick": Choice("short_pick", "Not here"),
    "pack": Choice("pack", "Pack"),
    "ship": Choice("ship", "Ship"),
    "ready": Choice("ready", "Ready to collect"),
    "hand_over": Choice("hand_over", "Hand over"),
    "uncollected": Choice("uncollected", "Nobody came"),
    "reject": Choice("reject", "Decline", WITHDRAW),
    "cancel": Choice("cancel", "Take back", WITHDRAW),
}
S = FulfilmentStatus
_BY_STATUS: dict[str, tuple[str, ...]] = {
    S.OPEN: ("accept", "start_pick", "reject", "cancel"),
    S.ACCEPTED: ("start_pick", "reject", "cancel"),
    S.PICKING: ("pick", "short_pick", "reject", "cancel"),
    S.PICKED: ("pack", "ready", "cancel"),
    S.PACKED: ("ship", "cancel"),
    S.READY: ("hand_over", "uncollected", "cancel"),
}


def supported_actions(job: FulfilmentOrder, user: Any) -> list[Choice]:
    """In the order to show them; the first is the obvious next step. A person without the permission gets fewer."""
    other_way = "pack" if job.method in COLLECTED_HERE else "ready"
    return [
        _CHOICES[code]
        for code in _BY_STATUS.get(job.status, ())
        if code != other_way and (user is None or user.has_perm(_CHOICES[code].permission))
    ]
