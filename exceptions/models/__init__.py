"""Cases, the queues they wait in, and the clocks they run against."""

from exceptions.models.case import (
    PAUSED_RANK,
    Case,
    CaseNote,
    CasePause,
    Outcome,
    Severity,
    Status,
    WaitingOn,
    microseconds,
)
from exceptions.models.notice import Notice
from exceptions.models.policy import SlaPolicy
from exceptions.models.queue import Queue

__all__ = [
    "PAUSED_RANK",
    "Case",
    "CaseNote",
    "CasePause",
    "Notice",
    "Outcome",
    "Queue",
    "Severity",
    "SlaPolicy",
    "Status",
    "WaitingOn",
    "microseconds",
]
