"""The same rows as orders.services.intake.place writes for a new order, one ORM call at a time."""

from __future__ import annotations

import hashlib
import json
from uuid import uuid4

from django.db import connection, transaction
from django.shortcuts import get_object_or_404
from django.utils import timezone
from rest_framework.parsers import JSONParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from core.ids import uuid7
from core.models import Delivery, Event, EventObject, IdempotencyKey
from integrations.authentication import ApiKeys
from inventory.models import Item, Location, Reservation, ReservationDemand, Stock
from orders.models import Channel, FulfilmentLine, Order, OrderLine, SourcingDecision
from tests.benchmarks.control import serializers


class Known(IsAuthenticated):
    def has_permission(self, request, view):
        return request.auth is not None and request.auth.may("orders:write")


class Orders(APIView):
    authentication_classes = (ApiKeys,)
    permission_classes = (Known,)
    parser_classes = (JSONParser,)

    def post(self, request):
        key = IdempotencyKey.objects.create(
            client=f"CLIENT:{request.auth.uid}",
            route="POST control/orders",
            key=request.headers["Idempotency-Key"],
            fingerprint=hashlib.sha256(json.dumps(request.data, sort_keys=True).encode()).digest(),
            token=uuid4(),
            locked_until=timezone.now(),
        )
        asked = serializers.Order(data=request.data)
        asked.is_valid(raise_exception=True)
        with transaction.atomic():
            answer = self.place(asked.validated_data, request.auth.actor)
            key.status, key.response_status, key.response_body = "DONE", 201, json.dumps(answer).encode()
            key.save()
        return Response(answer, status=201, headers={"Location": f"/api/v1/orders/{answer['number']}"})

    def place(self, data, actor):
        channel = get_object_or_404(Channel, code=data["channel"])
        if Order.objects.filter(channel=channel, channel_ref=data["channel_ref"]).exists():
            raise ValueError("The benchmark sends new orders only.")
        with connection.cursor() as cursor:
            cursor.execute("SELECT nextval('orders_number')")
            number = f"SO-{cursor.fetchone()[0]}"
        order = Order.objects.create(
            number=number,
            channel=channel,
            channel_ref=data["channel_ref"],
            source_version=data["version"],
            source_digest=hashlib.sha256(json.dumps(data, default=str).encode()).digest(),
            status="ACCEPTED",
            placed_at=data["placed_at"],
            ship_to=dict(data["ship_to"]),
            currency=data["currency"],
            subtotal=data["total"],
            total=data["total"],
            payment_state=data["payment_state"],
            sourcings=1,
        )
        lines = []
        for position, line in enumerate(data["lines"]):
            item = Item.objects.get(sku=line["sku"])
            lines.append(
                OrderLine.objects.create(
                    order=order,
                    ref=line["ref"],
                    position=position,
                    item=item,
                    sku=line["sku"],
                    title=line["title"],
                    ordered=line["quantity"],
                    allocated=line["quantity"],
                    source_quantity=line["quantity"],
                    unit_price=line["unit_price"],
                )
            )
        location = self.choose(lines)
        demand = ReservationDemand.objects.create(demand_uid=f"order:{order.pk}:1", kind="FIRM", fingerprint=b"")
        stock = Stock.objects.select_for_update().filter(location=location, item__in=[line.item for line in lines])
        rows = {row.item_id: row for row in stock.order_by("id")}
        for line in lines:
            row = rows[line.item_id]
            row.reserved += line.ordered
            row.version += 1
            row.save()
            reservation = Reservation.objects.create(
                demand=demand, ref=str(line.pk), kind="FIRM", item=line.item, location=location, quantity=line.ordered
            )
            FulfilmentLine.objects.create(
                order_line=line,
                location=location,
                item=line.item,
                reservation_id=reservation.pk,
                quantity=line.ordered,
                promised=line.ordered,
            )
        explanation = {"picks": [[line.pk, location.pk, line.ordered] for line in lines]}
        SourcingDecision.objects.create(
            order=order, sequence=1, ladder="standard", ladder_version=1, rule="one_node", explanation=explanation
        )
        items = [("item", str(line.item_id)) for line in lines]
        self.record("order.received", "order", str(order.pk), number, actor, {"total": str(order.total)}, items)
        self.record("reservation.held", "demand", str(demand.pk), "", actor, {}, items)
        allocated = self.record(
            "order.allocated", "order", str(order.pk), number, actor, explanation, [("location", str(location.pk))]
        )
        lane = f"orders.release|order:{order.pk}"
        Delivery.objects.create(event=allocated, handler="orders.release", lane=lane, seq=allocated.pk)
        return {"number": number, "outcome": "created"}

    def choose(self, lines):
        for location in Location.objects.filter(status="ACTIVE", ships=True).order_by("priority", "code"):
            rows = Stock.objects.filter(location=location, item__in=[line.item for line in lines])
            free = {row.item_id: row.free for row in rows}
            if all(free.get(line.item_id, 0) >= line.ordered for line in lines):
                return location
        raise ValueError("The benchmark's stock ran out.")

    def record(self, type_, kind, uid, label, actor, data, related):
        event = Event.objects.create(
            uid=uuid7(),
            type=type_,
            occurred_at=timezone.now(),
            subject_kind=kind,
            subject_uid=uid,
            subject_label=label,
            actor_kind=actor.kind,
            actor_uid=actor.uid,
            actor_label=actor.label,
            correlation_id=uuid4().hex,
            data=data,
        )
        for other, pk in related:
            EventObject.objects.create(event=event, kind=other, uid=pk, qualifier=other)
        return event
