"""What we sell, where it lies, how it got there, and who it is promised to."""

from inventory.models.buffers import BufferRule, Measure, RuleKind, SellRate
from inventory.models.counting import (
    COUNT_OPEN,
    COUNT_TO_DO,
    Count,
    CountEntry,
    CountLine,
    CountOrigin,
    CountPolicy,
    CountStatus,
)
from inventory.models.inbound import ExpectedReceipt, ReceiptStatus
from inventory.models.items import Item, ItemAlias, Tracking
from inventory.models.kits import KitComponent
from inventory.models.locations import PARTNERS, Bin, Location, LocationKind, LocationStatus
from inventory.models.lots import Lot, LotStep, LotStock
from inventory.models.named import CountLot, TransferLot
from inventory.models.placements import Placement
from inventory.models.plans import CountPlan, Pace, PaceClass
from inventory.models.publishing import AvailabilityChange, ChannelFeed, Publication
from inventory.models.reservations import Reservation, ReservationDemand, ReservationKind, ReservationStatus
from inventory.models.snapshots import (
    Cause,
    LineOutcome,
    LocationAlias,
    ReportedStock,
    SnapshotLine,
    SnapshotPlace,
    SourceKind,
    StatusMap,
    StockDifference,
    StockSnapshot,
    StockSource,
    StockUpload,
    UploadStatus,
)
from inventory.models.stock import INSIDE, MAX_UNITS, OUTSIDE, AdjustmentReason, State, Stock, StockMovement
from inventory.models.transfers import (
    TRANSFER_AT_ORIGIN,
    TRANSFER_OPEN,
    DiscrepancyKind,
    Resolution,
    Transfer,
    TransferDiscrepancy,
    TransferLine,
    TransferStatus,
)

__all__ = [
    "COUNT_OPEN",
    "COUNT_TO_DO",
    "INSIDE",
    "MAX_UNITS",
    "OUTSIDE",
    "PARTNERS",
    "TRANSFER_AT_ORIGIN",
    "TRANSFER_OPEN",
    "AdjustmentReason",
    "AvailabilityChange",
    "Bin",
    "BufferRule",
    "Cause",
    "ChannelFeed",
    "Count",
    "CountEntry",
    "CountLine",
    "CountLot",
    "CountOrigin",
    "CountPlan",
    "CountPolicy",
    "CountStatus",
    "DiscrepancyKind",
    "ExpectedReceipt",
    "Item",
    "ItemAlias",
    "KitComponent",
    "LineOutcome",
    "Location",
    "LocationAlias",
    "LocationKind",
    "LocationStatus",
    "Lot",
    "LotStep",
    "LotStock",
    "Measure",
    "Pace",
    "PaceClass",
    "Placement",
    "Publication",
    "ReceiptStatus",
    "ReportedStock",
    "Reservation",
    "ReservationDemand",
    "ReservationKind",
    "ReservationStatus",
    "Resolution",
    "RuleKind",
    "SellRate",
    "SnapshotLine",
    "SnapshotPlace",
    "SourceKind",
    "State",
    "StatusMap",
    "Stock",
    "StockDifference",
    "StockMovement",
    "StockSnapshot",
    "StockSource",
    "StockUpload",
    "Tracking",
    "Transfer",
    "TransferDiscrepancy",
    "TransferLine",
    "TransferLot",
    "TransferStatus",
    "UploadStatus",
]
