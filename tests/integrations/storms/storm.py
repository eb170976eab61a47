"""One vendor behind a network that fails: rounds of all it is asked for, and what must be true of it in the end."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from core.errors import TryLater
from integrations.models import Breaker, Connection

TRIES = 400
Got = TypeVar("Got")


class Storm:
    """A vendor's local server at `url`, which the settings of `connection` name. `share` of its calls are to go wrong.

    Each round asks for something new, and for all of it more than once. What would have been waited for between two
    tries is over at once: `calm`.
    """

    share = 0.6

    def __init__(self, connection: Connection, url: str):
        self.connection, self.url = connection, url

    def behind(self, url: str) -> None:
        """From now on it is called by way of `url`."""
        settings = json.loads(json.dumps(self.connection.settings).replace(self.url, url))
        Connection.objects.filter(pk=self.connection.pk).update(settings=settings, rate_per_minute=600_000)
        self.connection.refresh_from_db()

    def round(self, n: int) -> None:
        raise NotImplementedError

    def check(self, rounds: int) -> None:
        """Nothing was lost, and nothing was done twice. The weather is fine again."""
        raise NotImplementedError

    def calm(self) -> None:
        """What the vendor, or the time, does between two tries."""

    def done(self, act: Callable[[], Got]) -> Got:
        """Try until it is through, as the relay would."""
        for _ in range(TRIES):
            try:
                return act()
            except TryLater as later:
                last = later
                self.calm()
                Breaker.objects.update(state="CLOSED", hold_until=None, failures=0, calls=0)
        raise AssertionError(f"it never got through: {last}")

    def twice(self, act: Callable[[], Got]) -> Got:
        """Do it again once it is done, which must change nothing."""
        first, again = self.done(act), self.done(act)
        assert first == again
        return first


# Opens a vendor that knows so many orders from the beginning, where it is one that is asked for its orders.
Open = Callable[[int], AbstractContextManager[Any]]
