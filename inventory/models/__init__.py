"""What we sell, where it lies, how it got there, and who it is promised to."""

from inventory.models.items import Item, ItemAlias, Tracking
from inventory.models.locations import Bin, Location, LocationKind, LocationStatus
from inventory.models.reservations import Reservation, ReservationDemand, ReservationKind, ReservationStatus
from inventory.models.stock import INSIDE, MAX_UNITS, OUTSIDE, State, Stock, StockMovement

__all__ = [
    "INSIDE",
    "MAX_UNITS",
    "OUTSIDE",
    "Bin",
    "Item",
    "ItemAlias",
    "Location",
    "LocationKind",
    "LocationStatus",
    "Reservation",
    "ReservationDemand",
    "ReservationKind",
    "ReservationStatus",
    "State",
    "Stock",
    "StockMovement",
    "Tracking",
]
