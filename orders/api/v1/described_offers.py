"""The OpenAPI words of dry runs and promises."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema

from core.api.openapi import JSON, problems, schema_of
from orders.api.v1.bodies import NewOrder
from orders.api.v1.words import FLAG, MAYBE_MOMENT, MOMENT, MONEY, TEXT, WHOLE, list_of, object_of, query

_DELIVERY = object_of(
    service=TEXT, carrier=TEXT, name=TEXT, cost=MONEY, currency=TEXT, leaves_at=MOMENT, arrives_by=MOMENT,
    locations=list_of(TEXT), parcels=WHOLE,
)  # fmt: skip
_PICKUP = object_of(
    location=TEXT, name=TEXT, ready_by=MAYBE_MOMENT, distance_km={"type": "number", "nullable": True},
    lacking=list_of(object_of(sku=TEXT, units=WHOLE)),
)  # fmt: skip
_OFFER = {
    "delivery": list_of(_DELIVERY),
    "pickup": list_of(_PICKUP),
    "lacking": list_of(object_of(sku=TEXT, wanted=WHOLE, available=WHOLE, expected_at=MAYBE_MOMENT)),
}

VALIDATE = extend_schema(
    operation_id="orders_validate",
    summary="What would become of this order; nothing is written",
    description=(
        "Takes what `POST /orders` takes. Every problem with its path and what it `leads_to`: `refused` (not taken at "
        "all), `needs_person` (kept, with a case), `hold` (kept, and stands still until it is right). With what may be "
        "promised of each line, and how and when it could be delivered or collected."
    ),
    request={JSON: schema_of(NewOrder)},
    responses={
        200: object_of(
            acceptable=FLAG,
            clean=FLAG,
            outcome={"type": "string", "nullable": True, "enum": ["created", "changed", "unchanged", "stale", None]},
            number=TEXT | {"nullable": True},
            problems=list_of(object_of(path=TEXT, rule=TEXT, message=TEXT, leads_to=TEXT)),
            lines=list_of(
                object_of(
                    index=WHOLE, ref=TEXT, sku=TEXT, item=TEXT | {"nullable": True}, quantity=WHOLE,
                    available=WHOLE | {"nullable": True},
                )
            ),
            promise=object_of(**_OFFER),
        ),
        **problems(400, 401, 403, 413, 415, 429, 503),
    },
)  # fmt: skip

PROMISE = extend_schema(
    operation_id="promise_read",
    summary="When goods could be there or be collected, and what it would cost",
    description=(
        "Deliveries to `country` from where they would be sent now, soonest first, and places where everything can be "
        "collected, nearest first; `location` asks about certain places, what they lack included. `expected_at` says "
        "when enough is on its way. Exact when read; it holds nothing."
    ),
    parameters=[
        OpenApiParameter(
            "line", OpenApiTypes.STR, OpenApiParameter.QUERY, many=True, required=True,
            description="SKU:units, such as MUG-BLUE:2; up to 100 times",
        ),
        query("channel", "Whose SKUs and buffers"),
        OpenApiParameter("method", OpenApiTypes.STR, OpenApiParameter.QUERY, enum=["SHIP", "PICKUP"]),
        query("country", "ISO 3166, two capital letters; without it no deliveries"),
        query("postal_code"),
        OpenApiParameter("latitude", OpenApiTypes.DOUBLE, OpenApiParameter.QUERY),
        OpenApiParameter("longitude", OpenApiTypes.DOUBLE, OpenApiParameter.QUERY),
        query("location", "Codes of places to collect at, up to 20 times", many=True),
    ],
    responses={
        200: object_of(as_of=MOMENT, channel=TEXT | {"nullable": True}, **_OFFER, unknown=list_of(TEXT)),
        **problems(400, 401, 403, 404, 429),
    },
)  # fmt: skip
