"""What scans say together: pure rules, from what a carrier told of a parcel to where it is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

DELIVERED, RETURNED = "delivered", "return_to_sender"
# Of scans at the same moment the one further along counts.
PROGRESS = (
    "unknown", "pre_transit", "in_transit", "delivery_delayed", "out_for_delivery", "ready_for_pickup",
    "delivery_failed", "lost", "return_to_sender", "delivered",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scan:
    """One thing a carrier said of a parcel, in our vocabulary and in its own words.

    `said_at` is its own writing of the time, `at` what that means: UTC where it gave no offset.
    """

    state: str
    at: datetime
    words: str = ""
    code: str = ""
    place: str = ""
    said_at: str = ""

    @property
    def key(self) -> str:
        """The same scan has the same key, whoever tells of it and how often."""
        said = "\x1f".join((self.state, self.at.isoformat(), self.words, self.code, self.place))
        return hashlib.sha256(said.encode()).hexdigest()


def standing(scans: Iterable[tuple[str, datetime]]) -> tuple[str, datetime | None]:
    """Where the parcel is and since when, whatever order the scans came in.

    The latest says it, with two exceptions: "not known" says nothing once something is known, and a parcel that was
    delivered stays so whatever trails in, unless it was sent back afterwards.
    """
    known = sorted((at, PROGRESS.index(state)) for state, at in scans if state != "unknown")
    if not known:
        return "unknown", None
    delivered = [at for at, rank in known if PROGRESS[rank] == DELIVERED]
    at, rank = known[-1]
    if delivered and PROGRESS[rank] != RETURNED:
        return DELIVERED, delivered[-1]
    return PROGRESS[rank], at
