"""A clock that can be set, for making a history that looks lived in. Demo only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, tzinfo
from typing import Any

from django.utils import timezone


class SetClock:
    """While in force, `timezone.now()` (model defaults included) says what this clock says. Moves only when told."""

    def __init__(self, moment: datetime):
        self.moment = moment

    def forward(self, **span: float) -> datetime:
        self.moment += timedelta(**span)
        return self.moment

    @contextmanager
    def in_force(self) -> Iterator[SetClock]:
        clock, real = self, timezone.datetime  # type: ignore[attr-defined]

        class Shifted(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> Any:
                return clock.moment.astimezone(tz)

        timezone.datetime = Shifted  # type: ignore[attr-defined]
        try:
            yield self
        finally:
            timezone.datetime = real  # type: ignore[attr-defined]
