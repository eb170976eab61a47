"""What we sell, where it lies, how it got there, and who it is promised to."""

from inventory.models.buffers import BufferRule, Measure, RuleKind, SellRate
from inventory.models.inbound import ExpectedReceipt, ReceiptStatus
from inventory.models.items import Item, ItemAlias, Tracking
from inventory.models.kits import KitComponent
from inventory.models.locations import Bin, Location, LocationKind, LocationStatus
from inventory.models.lots import Lot, LotStep, LotStock
from inventory.models.publishing import AvailabilityChange, ChannelFeed, Publication
from inventory.models.reservations import Reservation, ReservationDemand, ReservationKind, ReservationStatus
from inventory.models.stock import INSIDE, MAX_UNITS, OUTSIDE, AdjustmentReason, State, Stock, StockMovement

__all__ = [
    "INSIDE",
    "MAX_UNITS",
    "OUTSIDE",
    "AdjustmentReason",
    "AvailabilityChange",
    "Bin",
    "BufferRule",
    "ChannelFeed",
    "ExpectedReceipt",
    "Item",
    "ItemAlias",
    "KitComponent",
    "Location",
    "LocationKind",
    "LocationStatus",
    "Lot",
    "LotStep",
    "LotStock",
    "Measure",
    "Publication",
    "ReceiptStatus",
    "Reservation",
    "ReservationDemand",
    "ReservationKind",
    "ReservationStatus",
    "RuleKind",
    "SellRate",
    "State",
    "Stock",
    "StockMovement",
    "Tracking",
]
