"""The ways the business says no, and the ways an attempt fails.

`Refusal` is a decision: a screen shows it, the API answers 4xx problem+json. `TryLater` and `Permanent` are verdicts
of a delivery handler or an outgoing call. Everything else is a bug.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


class Refusal(Exception):
    """The business says no: a stable `code`, a sentence for people, and the facts behind it."""

    def __init__(self, code: str, message: str, *, status: int = 409, **facts: Any):
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.facts = facts


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with an input: where (a path such as `lines[2].quantity`), which rule, in words."""

    path: str
    rule: str
    message: str


class Invalid(Refusal):
    """The input breaks rules; every broken rule is named with its path."""

    def __init__(self, problems: list[Problem], *, status: int = 400, code: str = "invalid"):
        words = "; ".join(f"{p.path}: {p.message}" if p.path else p.message for p in problems[:5])
        super().__init__(code, words or "The input is not valid.", status=status)
        self.problems = problems


class NotYet(Exception):
    """A message speaks of something not known yet; `waits_for` names it, and its arrival retries the message."""

    def __init__(self, waits_for: str, message: str = ""):
        super().__init__(message or f"waits for {waits_for}")
        self.waits_for = waits_for


class TryLater(Exception):
    """This attempt failed in a way that time may heal. `seconds` carries a Retry-After.

    `queue` names another queue of the relay in which the work goes on, where it holds up nobody.
    """

    def __init__(
        self, message: str, *, seconds: float | None = None, spends_attempt: bool = True, queue: str = ""
    ):  # fmt: skip
        super().__init__(message)
        self.seconds = seconds
        self.spends_attempt = spends_attempt
        self.queue = queue


class NotWanted(Exception):
    """Nobody waits for this any more: it is given up, its lane goes on, and nobody has to look."""


class Permanent(Exception):
    """This will never work as it is: no more attempts, a person has to look."""
