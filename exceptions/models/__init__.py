"""Cases, the queues they wait in, and the clocks they run against."""

from exceptions.models.attachment import CaseAttachment
from exceptions.models.case import (
    OUTSIDE,
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
from exceptions.models.escalation import Clock, Escalation, EscalationPolicy, EscalationStep, Target
from exceptions.models.learnt import Learnt
from exceptions.models.notice import Notice
from exceptions.models.policy import SlaPolicy
from exceptions.models.queue import Queue
from exceptions.models.rota import Rota, Shift
from exceptions.models.rulebook import Rulebook, RulebookKind, RulebookVersion, RuleStatus
from exceptions.models.run import ActionRun, ApprovalRequest, ApprovalStatus, BulkRow, RowOutcome
from exceptions.models.saved_view import SavedView
from exceptions.models.standing import StandingCheck
from exceptions.models.suggestion import (
    ActionCount,
    Autonomy,
    AutonomyState,
    ReasonHistory,
    Suggestion,
    SuggestionStatus,
)
from exceptions.models.watcher import CaseWatcher

__all__ = [
    "OUTSIDE",
    "PAUSED_RANK",
    "ActionCount",
    "ActionRun",
    "ApprovalRequest",
    "ApprovalStatus",
    "Autonomy",
    "AutonomyState",
    "BulkRow",
    "Case",
    "CaseAttachment",
    "CaseNote",
    "CasePause",
    "CaseWatcher",
    "Clock",
    "Escalation",
    "EscalationPolicy",
    "EscalationStep",
    "Learnt",
    "Notice",
    "Outcome",
    "Queue",
    "ReasonHistory",
    "Rota",
    "RowOutcome",
    "RuleStatus",
    "Rulebook",
    "RulebookKind",
    "RulebookVersion",
    "SavedView",
    "Severity",
    "Shift",
    "SlaPolicy",
    "StandingCheck",
    "Status",
    "Suggestion",
    "SuggestionStatus",
    "Target",
    "WaitingOn",
    "microseconds",
]
