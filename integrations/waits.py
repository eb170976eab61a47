"""What a case about an outside system or its messages may wait for."""

from __future__ import annotations

from exceptions import wakes
from exceptions.wakes import Wake


def register() -> None:
    wakes.register(
        "connection", Wake("back", "it answers or is resumed", ("connection.restored", "connection.resumed"))
    )
    wakes.register(
        "message", Wake("again", "it is tried again", ("message.reprocessed", "message.recovered", "message.discarded"))
    )
    wakes.register("webhook", Wake("changed", "somebody changes it", ("webhook.changed",)))
    wakes.register("posting", Wake("answered", "the ERP answers", ("posting.posted", "posting.rejected")))
