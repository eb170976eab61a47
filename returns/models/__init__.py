from returns.models.clocks import ReturnTarget
from returns.models.disposition import Disposition, DispositionKind, DispositionRule, DispositionRules, RulesStatus
from returns.models.exchange import Exchange, ExchangeStatus
from returns.models.inspection import Grade, Inspection, InspectionPhoto
from returns.models.label import ReturnLabel
from returns.models.policy import ReturnPolicy, ReturnPolicyStatus, ReturnPolicyVersion
from returns.models.receiving import Arrival, ArrivalKind, OnBench
from returns.models.refund_decision import RefundDecision, RefundStatus
from returns.models.rejection import ChoiceKind, ChoiceStatus, RejectionChoice
from returns.models.request import (
    ACCEPTANCE_MOVES,
    DECIDED,
    NEVER_CAME,
    OUR_FAULT,
    RECEPTION_MOVES,
    TO_COME,
    Acceptance,
    Condition,
    Proof,
    Reception,
    RefundPlan,
    RefundTo,
    ReturnKind,
    ReturnLine,
    ReturnReason,
    ReturnRequest,
    ReturnStatus,
    Verdict,
)
from returns.models.scan import ReturnScan
from returns.models.signals import Dimension, ReturnSignal, SignalKind
from returns.models.wording import ReasonCount, ReasonText

__all__ = [
    "ACCEPTANCE_MOVES",
    "DECIDED",
    "NEVER_CAME",
    "OUR_FAULT",
    "RECEPTION_MOVES",
    "TO_COME",
    "Acceptance",
    "Arrival",
    "ArrivalKind",
    "ChoiceKind",
    "ChoiceStatus",
    "Condition",
    "Dimension",
    "Disposition",
    "DispositionKind",
    "DispositionRule",
    "DispositionRules",
    "Exchange",
    "ExchangeStatus",
    "Grade",
    "Inspection",
    "InspectionPhoto",
    "OnBench",
    "Proof",
    "ReasonCount",
    "ReasonText",
    "Reception",
    "RefundDecision",
    "RefundPlan",
    "RefundStatus",
    "RefundTo",
    "RejectionChoice",
    "ReturnKind",
    "ReturnLabel",
    "ReturnLine",
    "ReturnPolicy",
    "ReturnPolicyStatus",
    "ReturnPolicyVersion",
    "ReturnReason",
    "ReturnRequest",
    "ReturnScan",
    "ReturnSignal",
    "ReturnStatus",
    "ReturnTarget",
    "RulesStatus",
    "SignalKind",
    "Verdict",
]
