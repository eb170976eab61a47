"""The label of a return on its way: bought through its account, or given back.

As with labels of parcels that go out: the account's own key is kept before anything is paid, and whether the label is
still wanted is asked again in between, so nothing is bought twice or for nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from core.actors import SYSTEM
from core.errors import Permanent, TryLater
from integrations.carriers import registry
from integrations.carriers.labelling import PAUSE_SECONDS
from integrations.carriers.port import Content, Parcel, Rejected
from integrations.models import Connection
from orders.models import LabelStatus
from returns.models import ReturnLabel
from returns.services import labels


@dataclass(slots=True)
class ReturnMemory:
    """A return's label as the port's Memory."""

    label_id: int
    ref: str

    def keep(self, ref: str) -> str:
        self.ref = labels.keep_ref(self.label_id, ref)
        return self.ref

    def still_wanted(self) -> None:
        labels.still_wanted(self.label_id)


def carry(label_id: int) -> None:
    """Do what is due for a label: buy it, or give it back. Safe to repeat and to race."""
    rows = ReturnLabel.objects.select_related("service", "request__location", "request__order")
    label: ReturnLabel = rows.get(pk=label_id)
    if label.service is None or label.status not in {LabelStatus.WANTED, LabelStatus.VOID_WANTED}:
        return
    connection = _usable(label.service.connection)
    port = registry.port(connection)
    if label.status == LabelStatus.VOID_WANTED:
        voided = port.void(label.vendor_ref)
        labels.voided(label.pk, taken_back=voided.taken_back, reason=voided.words, actor=connection.actor)
        return
    try:
        bought = port.label(parcel(label), ReturnMemory(label.pk, label.vendor_ref))
    except Rejected as no:
        labels.failed(label.pk, reason=no.reason, actor=connection.actor)
    except Permanent as error:
        # A wrong key or address refuses every label alike: none fails for it, and a person can put it right.
        raise TryLater(str(error), seconds=PAUSE_SECONDS, spends_attempt=False) from error
    else:
        money: dict[str, Any] = {}
        if bought.cost is not None and bought.currency:
            money = {"cost": bought.cost, "currency": bought.currency}
        labels.bought(
            label.pk, tracking_number=bought.tracking_number, tracking_url=bought.tracking_url, content=bought.content,
            content_type=bought.content_type[:60], actor=connection.actor or SYSTEM, **money,
        )  # fmt: skip


def parcel(label: ReturnLabel) -> Parcel:
    """The parcel as an account wants to know it: from the customer to the place that takes it, or the other way."""
    rma, service = label.request, label.service
    choice = label.choices.select_related("location", "line__item").first() if label.to_customer else None
    place = choice.location if choice else rma.location
    assert place is not None  # noqa: S101  (a label is made for a place)
    assert service is not None  # noqa: S101  (asked by carry)
    here = {**(place.address or {}), "name": place.name}
    here.setdefault("country", place.country)
    customer = {"name": rma.buyer_name, "phone": rma.buyer_phone, **rma.sent_from}
    lines = [(line, line.awaited) for line in rma.lines.select_related("item") if line.awaited]
    if choice is not None:
        lines = [(choice.line, choice.quantity)]
    return Parcel(
        reference=str(label.uid),
        sender=here if label.to_customer else customer,
        receiver=customer if label.to_customer else here,
        grams=label.grams,
        carrier=service.vendor_carrier,
        service=service.vendor_service,
        order=rma.number,
        contents=tuple(
            Content(
                title=line.title or line.sku,
                quantity=units,
                value=(line.unit_value * units).quantize(Decimal("0.01")),
                grams=((line.item.weight_grams if line.item else None) or 0) * units,
                origin=line.item.country_of_origin if line.item else "",
                hs_code=line.item.hs_code if line.item else "",
            )
            for line, units in lines
        ),
        currency=rma.currency,
        comes_back=not label.to_customer,
    )


def _usable(code: str) -> Connection:
    connection = registry.connection_for(code)
    if connection is None:
        raise TryLater(f"No account is called {code}.", seconds=PAUSE_SECONDS, spends_attempt=False)
    if connection.status != Connection.Status.ACTIVE:
        words = f"{connection.name} is {connection.status.lower()}."
        raise TryLater(words, seconds=PAUSE_SECONDS, spends_attempt=False)
    return connection
