from finance.models.charge import Charge, ChargeKind
from finance.models.posting import Kind, Posting, PostingLine, Status

__all__ = ["Charge", "ChargeKind", "Kind", "Posting", "PostingLine", "Status"]
