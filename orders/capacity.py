"""What a node can pick in an hour: one figure for sourcing, for rescuing and for the screens. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from orders import due

ENOUGH_WEEKS = 3  # that an hour of the week was worked in before it speaks for itself
ENOUGH_HOURS = 12  # worked at all before they speak for those that are seldom worked
GUESS = 30.0  # units an hour, where work has to be timed and nobody knows anything


@dataclass(frozen=True, slots=True)
class Known:
    """What people state, and what was measured: units in a good hour of this hour of the week, and of any hour.

    `weeks` and `hours` say in how many such hours something was picked.
    """

    stated: int | None = None
    measured: float = 0.0
    weeks: int = 0
    usual: float = 0.0
    hours: int = 0

    @property
    def seen(self) -> float | None:
        """From real work alone: this hour of the week where it was worked often enough, else a good hour of any."""
        if self.weeks >= ENOUGH_WEEKS and self.measured > 0:
            return self.measured
        return self.usual if self.hours >= ENOUGH_HOURS and self.usual > 0 else None

    @property
    def units(self) -> float | None:
        """Units an hour: what is stated, unless what was really picked is less. None: nobody knows, so no limit."""
        figures = [float(each) for each in (self.stated, self.seen) if each is not None]
        return min(figures) if figures else None

    def why(self) -> str:
        """The same as a sentence."""
        good = "in a good hour (nine in ten are slower)"
        if self.units is None:
            return "Nothing is stated and too little was picked here to measure, so nothing limits it."
        if self.seen is None:
            return f"{self.stated} units an hour are stated; too little was picked here to measure."
        if self.weeks >= ENOUGH_WEEKS and self.measured > 0:
            told = f"In this hour of the week it picked {self.seen:.0f} units {good}, over {self.weeks} weeks"
        else:
            told = f"This hour is seldom worked; in any it picked {self.seen:.0f} units {good}, over {self.hours} hours"
        if self.stated is None:
            return f"{told}; nothing is stated."
        less = "stated, which is less, counts" if self.stated < self.seen else "stated are more, so what it does counts"
        return f"{told}. {self.stated} {less}."


@dataclass(frozen=True, slots=True)
class Week:
    """A node's capacity at any moment. `picked` and `worked` have a figure for each hour of its own week."""

    time_zone: str
    stated: int | None = None
    picked: Sequence[float] = ()
    worked: Sequence[int] = ()
    usual: float = 0.0
    hours: int = 0

    def known(self, at: datetime) -> Known:
        if not self.picked:
            return Known(self.stated)
        slot = due.hour_of_week(at, self.time_zone) - 1
        return Known(self.stated, self.picked[slot], self.worked[slot], self.usual, self.hours)

    def pace(self, at: datetime) -> float:
        """Units an hour for work that has to be timed: never nothing."""
        return self.known(at).units or GUESS
