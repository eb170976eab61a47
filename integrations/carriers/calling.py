"""A carrier's van that was called on screen: booked at its account, or called off there.

The outbox gives a call's deliveries to one worker at a time, in order. The account's own key is kept before anything is
paid, and whether the van is still wanted is asked again in between.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.actors import SYSTEM
from core.errors import Permanent, TryLater
from integrations.carriers import registry
from integrations.carriers.port import Rejected
from integrations.models import Connection
from orders.models import LabelStatus, ParcelLabel, VanCall, VanCallStatus
from orders.services import sheets, van_answers

PAUSE_SECONDS = 60.0


@dataclass(slots=True)
class CallMemory:
    """A call as the port's Memory."""

    call_id: int
    ref: str

    def keep(self, ref: str) -> str:
        self.ref = van_answers.keep_ref(self.call_id, ref)
        return self.ref

    def still_wanted(self) -> None:
        van_answers.still_wanted(self.call_id)


def carry(call_id: int) -> None:
    """Do what is due for a call: book it, or cancel it. Safe to repeat and to race.

    TryLater while the account can't be reached.
    """
    call = VanCall.objects.select_related("location").get(pk=call_id)
    if call.status not in {VanCallStatus.ASKED, VanCallStatus.CANCEL_WANTED}:
        return
    connection = registry.connection_for(call.connection)
    if connection is None or connection.status != Connection.Status.ACTIVE:
        words = f"{connection.name} is {connection.status.lower()}." if connection else "No such account is in use."
        raise TryLater(words, seconds=PAUSE_SECONDS, spends_attempt=False)
    try:
        if call.status == VanCallStatus.ASKED:
            _book(call, connection)
        else:
            _call_off(call, connection)
    except Permanent as error:
        # A wrong key or address refuses every call alike: none fails for it, and a person can put it right.
        raise TryLater(str(error), seconds=PAUSE_SECONDS, spends_attempt=False) from error


def _book(call: VanCall, connection: Connection) -> None:
    labels = ParcelLabel.objects.filter(
        package__called_for__call=call, package__called_for__released_at__isnull=True, status=LabelStatus.BOUGHT
    )
    refs = list(labels.exclude(vendor_ref="").order_by("pk").values_list("vendor_ref", flat=True))
    actor = connection.actor or SYSTEM
    if not refs:
        van_answers.failed(call.pk, reason="None of its parcels has a label of this account any more.", actor=actor)
        return
    try:
        booked = registry.port(connection).collect(
            refs, sheets.sender(call.location), CallMemory(call.pk, call.vendor_ref), since=call.since, until=call.until
        )
    except Rejected as no:
        van_answers.failed(call.pk, reason=no.reason, actor=actor)
    else:
        van_answers.booked(
            call.pk, ref=booked.ref, confirmation=booked.confirmation, cost=booked.cost, currency=booked.currency,
            actor=actor,
        )  # fmt: skip


def _call_off(call: VanCall, connection: Connection) -> None:
    said = registry.port(connection).call_off(call.vendor_ref)
    van_answers.cancelled(call.pk, taken_back=said.taken_back, reason=said.words, actor=connection.actor)
