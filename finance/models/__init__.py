from finance.models.balance import OrderMoney, ThreeWay
from finance.models.charge import Charge, ChargeKind, Party, Side
from finance.models.chart import ApprovalLimit, ApprovalRule, ChartMapping, ChartStatus
from finance.models.entity import CloseTask, Entity, EntityAccount, EntityChannel, Invoicing, Period, PeriodStatus
from finance.models.evidence import EvidencePack
from finance.models.following import FeeTotal, OpenLine
from finance.models.kinds import Kind
from finance.models.posting import GONE, OF_ORDERS, OF_SALES, Posting, PostingLine, Status
from finance.models.rate import ExchangeRate
from finance.models.settlement import (
    INCOMING,
    MATCHED,
    NOT_PROVEN,
    BankLine,
    BankStatement,
    FileStatus,
    LabelMapping,
    LineKind,
    Match,
    MatchKey,
    MatchSide,
    MatchStatus,
    PayoutState,
    Settlement,
    SettlementFile,
    SettlementLine,
)

__all__ = [
    "GONE",
    "INCOMING",
    "MATCHED",
    "NOT_PROVEN",
    "OF_ORDERS",
    "OF_SALES",
    "ApprovalLimit",
    "ApprovalRule",
    "BankLine",
    "BankStatement",
    "Charge",
    "ChargeKind",
    "ChartMapping",
    "ChartStatus",
    "CloseTask",
    "Entity",
    "EntityAccount",
    "EntityChannel",
    "EvidencePack",
    "ExchangeRate",
    "FeeTotal",
    "FileStatus",
    "Invoicing",
    "Kind",
    "LabelMapping",
    "LineKind",
    "Match",
    "MatchKey",
    "MatchSide",
    "MatchStatus",
    "OpenLine",
    "OrderMoney",
    "Party",
    "PayoutState",
    "Period",
    "PeriodStatus",
    "Posting",
    "PostingLine",
    "Settlement",
    "SettlementFile",
    "SettlementLine",
    "Side",
    "Status",
    "ThreeWay",
]
