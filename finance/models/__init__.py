from finance.models.charge import Charge, ChargeKind
from finance.models.posting import OF_SALES, Kind, Posting, PostingLine, Status

__all__ = ["OF_SALES", "Charge", "ChargeKind", "Kind", "Posting", "PostingLine", "Status"]
