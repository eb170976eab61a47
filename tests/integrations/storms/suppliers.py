"""Partners: work is asked for once and withdrawn once; what they say comes twice, and the last of it may come first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.test import Client

from config.devstack.partner import Server
from core import audit
from core.actors import SYSTEM
from core.events import Fact
from core.models import Event
from core.subjects import Subject
from integrations import inbox
from integrations.models import Connection, InboundMessage
from integrations.suppliers import tasks
from inventory.models import Stock
from orders.models import FulfilmentOrder, PartnerLink, PartnerRequest
from orders.services import changing, fulfilment, partners
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.factories.orders import ChannelFactory, incoming_line, place
from tests.integrations.storms.storm import Storm

PLENTY = 1_000_000


class PartnerStorm(Storm):
    """Every third order is cancelled once it was asked for; the others are sent by the partner."""

    def __init__(self, connection: Connection, server: Server):
        super().__init__(connection, server.url)
        self.partner = server.partner
        self.client = Client()
        self.channel = ChannelFactory()

    def round(self, n: int) -> None:
        order = place(incoming_line(quantity=2), channel=self.channel, channel_ref=str(n + 1))
        fulfilment.create(order.pk)
        request = PartnerRequest.objects.get(fulfilment__order=order)
        for _ in range(2):
            self.hand_over("partner.asked", tasks.ask)
        if n % 3 == 2:
            changing.cancel(order.pk, actor=SYSTEM)
            partners.withdraw(request.fulfilment_id, why="Cancelled")
            for _ in range(2):
                self.hand_over("partner.withdrawn", tasks.withdraw)
            return
        shipped = {"type": "request.shipped", "request": str(request.uid), "shipment": {"tracking_number": f"JD{n}"}}
        accepted = {"type": "request.accepted", "request": str(request.uid), "reference": f"P-{n}"}
        said = [self.partner.event(each) for each in (accepted, shipped)]
        for body, headers in (said[1], said[1], said[0], said[0]):
            to = f"/hooks/{self.connection.pk}/"
            answer = self.client.post(to, body, content_type="application/json", headers=headers)
            assert answer.status_code in {200, 202}
            inbox.process_due()

    def hand_over(self, kind: str, handler: Callable[[Fact], None]) -> None:
        """The latest fact of a kind, as the outbox would."""
        event = Event.objects.filter(type=kind).latest("id")
        about = Subject(event.subject_kind, event.subject_uid, event.subject_label)
        fact = Fact(event.pk, event.uid, kind, about, SYSTEM, event.data, event.occurred_at, correlation_id="", seq=0)
        self.done(lambda: handler(fact))

    def check(self, rounds: int) -> None:
        off = rounds // 3
        known = list(self.partner.requests.values())
        assert len(known) == PartnerRequest.objects.count() == rounds
        assert sum(each["state"] == "withdrawn" for each in known) == off
        assert PartnerRequest.objects.filter(told_withdrawn_at__isnull=False).count() == off
        assert FulfilmentOrder.objects.filter(status="SHIPPED").count() == rounds - off
        assert Event.objects.filter(type="fulfilment.shipped").count() == rounds - off
        stock = Stock.objects.get()
        assert (stock.sellable, stock.reserved) == (PLENTY - 2 * (rounds - off), 0)
        assert not InboundMessage.objects.filter(status="FAILED").values_list("reason", flat=True)
        assert not [finding.invariant.name for finding in audit.audit() if finding.broken]


@contextmanager
def of_partner(orders: int) -> Iterator[PartnerStorm]:
    with Server("token", "partner-signing-secret") as server:
        connection = Connection.objects.create(
            code="mill", name="The mill", kind=Connection.Kind.SUPPLIER, vendor="partner",
            settings={"base_url": server.url, "private_address_allowed": True},
        )  # fmt: skip
        connection.keep_secret("token", "token")
        connection.keep_secret("webhook", "partner-signing-secret")
        mill = LocationFactory(code="mill", kind="SUPPLIER", site=None, priority=900)
        StockFactory(item=ItemFactory(sku="SKU-1"), location=mill, sellable=PLENTY)
        PartnerLink.objects.create(location=mill, connection_code="mill", account_ref="BR-1")
        yield PartnerStorm(connection, server)


STORMS = {"partner": of_partner}
