"""What a provider says of an inquiry, a dispute or a fraud warning, whoever the provider is. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

Kind = Literal["", "INQUIRY", "DISPUTE", "FRAUD"]
State = Literal["OPEN", "ANSWERED", "CLOSED"]


@dataclass(frozen=True, slots=True)
class IncomingNotice:
    """One word on it. Without a kind it is about whatever is known under that reference.

    `due_at` is until when an answer counts; `reason` and `told_state` are the provider's own words.
    """

    ref: str
    state: State
    said_at: datetime
    kind: Kind = ""
    parent_ref: str = ""
    gateway: str = ""
    amount: Decimal | None = None
    currency: str = ""
    reason: str = ""
    told_state: str = ""
    due_at: datetime | None = None
