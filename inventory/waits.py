"""What a case about stock may wait for."""

from __future__ import annotations

from exceptions import wakes
from exceptions.wakes import Wake


def register() -> None:
    wakes.register(
        "stock",
        Wake("moved", "it moves", ("stock.moved",)),
        Wake("counted", "a count of it is posted", ("count.posted",)),
        Wake("corrected", "a difference is corrected", ("stock.difference_corrected",)),
    )
    wakes.register("count", Wake("finished", "the count goes on", ("count.finished", "count.posted")))
    wakes.register("transfer", Wake("received", "it arrives", ("transfer.received",)))
    wakes.register("stock_source", Wake("snapshot", "it sends its next snapshot", ("snapshot.taken",)))
