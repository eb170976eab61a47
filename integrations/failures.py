"""Why a message or a call failed, in the words people see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import models


class FailureClass(models.TextChoices):
    CONNECTION = "connection", "connection"
    RATE_LIMIT = "rate_limit", "rate limit"
    AUTHENTICATION = "authentication", "authentication"
    MISSING_REFERENCE = "missing_reference", "missing reference"
    BAD_VALUE = "bad_value", "bad value"
    DUPLICATE = "duplicate", "duplicate"
    CONFLICT = "conflict", "conflict"
    TOO_LARGE = "too_large", "too large"
    UNPARSABLE = "unparsable", "unparsable"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A word nobody knows yet, by its kind (see AliasKind), and what it could mean where that is a choice."""

    kind: str
    code: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing a translator could not take: where in the document, and what is wrong with it.

    `wants` is filled where an alias would heal it.
    """

    path: str
    message: str
    wants: Wanted | None = None

    @property
    def kept(self) -> dict[str, Any]:
        """As a message keeps it."""
        found: dict[str, Any] = {"path": self.path, "message": self.message}
        if self.wants is not None:
            found |= {"kind": self.wants.kind, "code": self.wants.code, "choices": list(self.wants.choices)}
        return found

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class Unreadable(Exception):
    """A payload that can't be understood as it is. It keeps its bytes, becomes FAILED and opens a case."""

    def __init__(self, failure_class: FailureClass, *faults: Fault):
        self.failure_class = failure_class
        self.faults = faults
        super().__init__(self.reason)

    @property
    def reason(self) -> str:
        """The first faults in words, and how many more there are."""
        words = "; ".join(str(fault) for fault in self.faults[:3])
        more = len(self.faults) - 3
        return f"{words} (and {more} more)" if more > 0 else words


def unparsable(message: str) -> Unreadable:
    return Unreadable(FailureClass.UNPARSABLE, Fault("", message))
