"""One label on its way: bought through its account, taken over by another service, or given back.

The outbox gives a label's deliveries to one worker at a time, in order. A worker that was thought dead can do no harm:
the account's own key of the parcel is kept before anything is paid, and whether the label is still wanted is asked
again in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from core.actors import SYSTEM, Actor
from core.errors import Permanent, TryLater
from integrations.carriers import registry
from integrations.carriers.port import Content, Parcel, Rejected
from integrations.models import Breaker, Connection
from orders.models import FulfilmentLine, LabelStatus, ParcelLabel
from orders.services import label_answers, sheets

PAUSE_SECONDS = 60.0


@dataclass(slots=True)
class LabelMemory:
    """A label as the port's Memory."""

    label_id: int
    ref: str

    def keep(self, ref: str) -> str:
        self.ref = label_answers.keep_ref(self.label_id, ref)
        return self.ref

    def still_wanted(self) -> None:
        label_answers.still_wanted(self.label_id)


def carry(label_id: int) -> None:
    """Do what is due for a label: buy it, or give it back. Safe to repeat and to race.

    TryLater while the account can't be reached and no other service may take over yet.
    """
    label: ParcelLabel = sheets.for_print(ParcelLabel.objects).get(pk=label_id)
    if label.status == LabelStatus.WANTED:
        _buy(label)
    elif label.status == LabelStatus.VOID_WANTED:
        _give_back(label)


def _buy(label: ParcelLabel) -> None:
    connection = registry.connection_for(label.service.connection)
    actor = connection.actor if connection else SYSTEM
    try:
        bought = registry.port(_usable(connection, label)).label(parcel(label), LabelMemory(label.pk, label.vendor_ref))
    except Rejected as no:
        label_answers.failed(label.pk, reason=no.reason, actor=actor)
    except (TryLater, Permanent) as error:
        _wait(label, connection, error, actor)
    else:
        label_answers.bought(
            label.pk, tracking_number=bought.tracking_number, tracking_url=bought.tracking_url, cost=bought.cost,
            currency=bought.currency, content=bought.content, content_type=bought.content_type, actor=actor,
        )  # fmt: skip


def _give_back(label: ParcelLabel) -> None:
    connection = registry.connection_for(label.service.connection)
    voided = registry.port(_usable(connection, label)).void(label.vendor_ref)
    actor = connection.actor if connection else SYSTEM
    label_answers.voided(label.pk, taken_back=voided.taken_back, reason=voided.words, actor=actor)


def parcel(label: ParcelLabel) -> Parcel:
    """The parcel as an account wants to know it."""
    job = label.package.fulfilment
    order = job.order
    lines = FulfilmentLine.objects.filter(fulfilment=job, quantity__gt=0).select_related("item", "order_line")
    return Parcel(
        reference=str(label.uid),
        sender=sheets.sender(job.location),
        receiver={**(order.ship_to or {}), "phone": (order.ship_to or {}).get("phone") or order.buyer_phone},
        grams=label.grams,
        carrier=label.service.vendor_carrier,
        service=label.service.vendor_service,
        order=order.number,
        contents=tuple(
            Content(
                title=line.order_line.title or line.item.name,
                quantity=line.quantity,
                value=(line.order_line.unit_price * line.quantity).quantize(Decimal("0.01")),
                grams=(line.item.weight_grams or 0) * line.quantity,
                origin=line.item.country_of_origin,
                hs_code=line.item.hs_code,
            )
            for line in lines
        ),
        currency=order.currency,
    )


def _usable(connection: Connection | None, label: ParcelLabel) -> Connection:
    if connection is None:
        raise TryLater(f"No account is called {label.service.connection}.", seconds=PAUSE_SECONDS, spends_attempt=False)
    if connection.status != Connection.Status.ACTIVE:
        words = f"{connection.name} is {connection.status.lower()}."
        raise TryLater(words, seconds=PAUSE_SECONDS, spends_attempt=False)
    return connection


def _wait(label: ParcelLabel, connection: Connection | None, error: Any, actor: Actor) -> None:
    """Another service takes over where the policy says so: at once while calls are suspended or the account is gone."""
    out = connection is None or connection.status != Connection.Status.ACTIVE or isinstance(error, Permanent)
    outage = out or Breaker.objects.filter(connection=connection).exclude(state=Breaker.State.CLOSED).exists()
    if label_answers.delayed(label.pk, why=str(error), outage=outage, actor=actor):
        return
    if isinstance(error, Permanent):
        # A wrong key or address refuses every label alike: none fails for it, and a person can put it right.
        raise TryLater(str(error), seconds=PAUSE_SECONDS, spends_attempt=False) from error
    raise error
