"""Lists of what changed, walked page by page: what feeds of shop platforms share.

A walk asks for all that changed since a moment, in an order that changes don't disturb (by id), and keeps that moment
until its last page. The next walk begins a little before the moment this one began, so that what changed under way, or
while clocks disagreed, is found by it. Documents found twice count once.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from integrations import http
from integrations.channels.vendor import Page
from integrations.failures import FailureClass

LOOK_BACK = timedelta(minutes=10)
FIRST = timedelta(days=30)  # how far back a first walk looks


@dataclass(frozen=True, slots=True)
class Walk:
    """Where a walk stands: what changed since `since` is asked for, page `page`; it began at `began`.

    Where the other side names its pages itself, `token` is the name of this one; empty for the first. `whole` is when
    the last walk began that asked for everything, for lists where something may vanish.
    """

    since: datetime
    began: datetime
    page: int = 1
    token: str = ""
    whole: datetime | None = None

    @classmethod
    def at(cls, cursor: str, now: datetime, *, first: timedelta = FIRST) -> Walk:
        """The walk a cursor speaks of, or a new one. A moment put in by hand begins there."""
        if not cursor:
            return cls(now - first, now)
        if not cursor.startswith("{"):
            return cls(datetime.fromisoformat(cursor).astimezone(UTC), now)
        kept = json.loads(cursor)
        began = datetime.fromisoformat(kept["began"]) if kept.get("began") else now
        whole = datetime.fromisoformat(kept["whole"]) if kept.get("whole") else None
        return cls(datetime.fromisoformat(kept["since"]), began, kept.get("page", 1), kept.get("token", ""), whole)

    def onward(self, *, more: bool, token: str = "") -> str:
        """The cursor of the next page, or of the next walk."""
        last = {"whole": self.whole.isoformat()} if self.whole else {}
        if not more:
            return json.dumps({"since": (self.began - LOOK_BACK).isoformat(), **last})
        kept = last | {"since": self.since.isoformat(), "began": self.began.isoformat(), "page": self.page + 1}
        return json.dumps(kept | ({"token": token} if token else {}))

    @property
    def begins(self) -> bool:
        """Whether this is its first page."""
        return self.page == 1 and not self.token

    def afresh(self, refused: http.FailedForGood) -> Page:
        """The same walk from its first page, where what was refused is the name of this one: names don't last for ever.

        Raises the refusal where it is about something else.
        """
        if not self.token or refused.failure_class == FailureClass.AUTHENTICATION:
            raise refused
        return Page((), json.dumps({"since": self.since.isoformat()}), more=True)
