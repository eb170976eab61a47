from django.urls import URLPattern, URLResolver, path

from inventory.api.v1.availability import Availability
from inventory.api.v1.counts import urlpatterns as counts
from inventory.api.v1.movements import Movements
from inventory.api.v1.reservations import Confirm, Extend, GiveBack, OneReservation, Reservations
from inventory.api.v1.snapshots import urlpatterns as snapshots
from inventory.api.v1.stock import StockList
from inventory.api.v1.transfers import urlpatterns as transfers

urlpatterns: list[URLPattern | URLResolver] = [
    path("availability", Availability.as_view(), name="availability"),
    path("reservations", Reservations.as_view(), name="reservations"),
    path("reservations/<str:demand>", OneReservation.as_view(), name="reservation"),
    path("reservations/<str:demand>/extend", Extend.as_view(), name="reservation_extend"),
    path("reservations/<str:demand>/confirm", Confirm.as_view(), name="reservation_confirm"),
    path("reservations/<str:demand>/release", GiveBack.as_view(), name="reservation_release"),
    path("stock", StockList.as_view(), name="stock"),
    path("stock/movements", Movements.as_view(), name="stock_movements"),
    *snapshots,
    *counts,
    *transfers,
]
