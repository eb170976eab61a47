"""/api/v1/returns: asked for, judged, approved, declined, called off; the label of the way back."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar

from django.http import Http404, HttpResponse
from django.urls import path, reverse

from core.api import ApiView, etag, idempotent, keyset, page_reply, parse, reply, require_match
from core.errors import Invalid, Problem, Refusal
from inventory.api.v1 import lists
from orders.models import Channel, Order
from returns.api.v1 import shapes, words
from returns.api.v1.bodies import Approval, Because, NewLabel, NewReturn
from returns.filters import ReturnFilter
from returns.models import ReturnKind, ReturnLabel, ReturnRequest
from returns.services import labels, requests, routes
from returns.services.asking import Asked, AskedLine


class Returns(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"GET": "returns:read", "POST": "returns:write"}

    @words.LIST
    def get(self, request: Any) -> HttpResponse:
        """A page of returns, newest first."""
        lists.known(request, ReturnFilter)
        rows = ReturnFilter(request.GET, ReturnRequest.objects.for_caller(request.auth)).found()
        page = keyset(rows.select_related("order", "channel", "location"), request)
        return page_reply(request, page, shapes.head)

    @words.ASK
    @idempotent()
    def post(self, request: Any) -> HttpResponse:
        """Taken in and decided by the policy. A caller's own `ref` counts once: again is 200, the same."""
        asked = _asked(request)
        known = asked.channel_ref and ReturnRequest.objects.filter(
            channel=asked.channel_id, channel_ref=asked.channel_ref
        ).exists()  # fmt: skip
        rma = requests.request(asked, actor=request.auth.actor)
        where = reverse("api:v1:return", args=[rma.number])
        return _answer(request, rma.number, status=200 if known else 201, headers={"Location": where})


class Validate(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"POST": "returns:write"}

    @words.VALIDATE
    def post(self, request: Any) -> HttpResponse:
        """The same without doing it."""
        return reply(shapes.judged(requests.validate(_asked(request))))


class OneReturn(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"GET": "returns:read"}

    @words.READ
    def get(self, request: Any, number: str) -> HttpResponse:
        """The return as it is now."""
        return _answer(request, number)


class Approve(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"POST": "returns:approve"}

    @words.APPROVE
    @idempotent()
    def post(self, request: Any, number: str) -> HttpResponse:
        """Yes. Needs If-Match."""
        found, body = _find(request, number), parse(request, Approval)
        require_match(request, found.version)
        place = routes.places().filter(code=body.location).first() if body.location else None
        if body.location and place is None:
            raise Invalid([Problem("location", "unknown", "No such place takes returns.")], status=422)
        requests.approve(
            found.pk, version=found.version, location_id=place.pk if place else None, override=body.override,
            refund_plan=body.refund_plan or "", refund_to=body.refund_to or "", fee=body.fee, actor=request.auth.actor,
        )  # fmt: skip
        return _answer(request, number)


class Decline(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"POST": "returns:approve"}

    @words.DECLINE
    @idempotent()
    def post(self, request: Any, number: str) -> HttpResponse:
        """No. Needs If-Match."""
        found, body = _find(request, number), parse(request, Because)
        require_match(request, found.version)
        requests.decline(found.pk, reason=body.reason, version=found.version, actor=request.auth.actor)
        return _answer(request, number)


class Cancel(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"POST": "returns:write"}

    @words.CANCEL
    @idempotent()
    def post(self, request: Any, number: str) -> HttpResponse:
        """What has not come is not awaited any more."""
        found, body = _find(request, number), parse(request, Because)
        requests.cancel(found.pk, reason=body.reason, actor=request.auth.actor)
        return _answer(request, number)


class Label(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"GET": "returns:read", "POST": "returns:write"}

    @words.OPTIONS
    def get(self, request: Any, number: str) -> HttpResponse:
        """The ways back that carriers offer now."""
        return reply({"items": [shapes.option(each) for each in labels.options(_find(request, number))]})

    @words.LABEL
    @idempotent()
    def post(self, request: Any, number: str) -> HttpResponse:
        """One label at a time."""
        found, body = _find(request, number), parse(request, NewLabel)
        label = labels.want(found.pk, service=body.service, grams=body.grams, actor=request.auth.actor)
        return reply(shapes.label(ReturnLabel.objects.get(pk=label.pk)), status=201)


def _asked(request: Any) -> Asked:
    body = parse(request, NewReturn)
    order, channel = _order(request, body), None
    if order is None and body.channel:
        channel = _channel(request, body.channel)
    if body.ref and order is None and channel is None:
        raise Invalid([Problem("channel", "missing", "is needed where the return has a ref of its own")])
    if order is None and request.auth.channels is not None and channel is None:
        raise Invalid([Problem("channel", "missing", "is needed without an order: this key is bound to channels")])
    return Asked(
        kind=ReturnKind.API,
        lines=tuple(
            AskedLine(
                quantity=line.quantity, line=line.line, sku=line.sku, reason=line.reason, reason_text=line.reason_text,
                condition=line.condition or "", serials=line.serials,
            )
            for line in body.lines
        ),
        proof=body.proof,
        order_id=order.pk if order else None,
        channel_id=order.channel_id if order else channel.pk if channel else None,
        channel_ref=body.ref,
        receipt_ref=body.receipt_ref,
        refund_to=body.refund_to,
        currency=body.currency or "",
        buyer_name=body.buyer_name,
        buyer_email=body.buyer_email,
        sent_from={k: v for k, v in asdict(body.sent_from).items() if v} if body.sent_from else {},
        note=body.note,
        promised_until=body.promised_until,
    )  # fmt: skip


def _order(request: Any, body: NewReturn) -> Order | None:
    """The order meant, as far as the key may see it. 422 naming the field for one that isn't there."""
    rows = Order.objects.for_caller(request.auth)
    if body.order:
        found = rows.filter(number=body.order.upper()).first()
        field = "order"
    elif body.channel_ref:
        if not body.channel:
            raise Invalid([Problem("channel", "missing", "is needed beside its reference of the order")])
        found = rows.filter(channel=_channel(request, body.channel), channel_ref=body.channel_ref).first()
        field = "channel_ref"
    else:
        return None
    if found is None:
        raise Refusal("unknown_order", "There is no such order.", status=404, field=field)
    return found


def _channel(request: Any, code: str) -> Channel:
    found = Channel.objects.for_caller(request.auth).filter(code=code).first()
    if found is None:
        raise Invalid([Problem("channel", "unknown", "There is no such channel.")], status=422)
    return found


def _find(request: Any, number: str) -> ReturnRequest:
    rows = ReturnRequest.objects.for_caller(request.auth).select_related("order", "channel", "location")
    found = rows.filter(number=number).first()
    if found is None:
        raise Http404
    return found


def _answer(request: Any, number: str, *, status: int = 200, headers: dict[str, str] | None = None) -> HttpResponse:
    fresh = _find(request, number)
    return reply(shapes.detail(fresh), status=status, headers={"ETag": etag(fresh.version), **(headers or {})})


urlpatterns = [
    path("returns", Returns.as_view(), name="returns"),
    path("returns/validate", Validate.as_view(), name="returns_validate"),
    path("returns/<str:number>", OneReturn.as_view(), name="return"),
    path("returns/<str:number>/approve", Approve.as_view(), name="return_approve"),
    path("returns/<str:number>/decline", Decline.as_view(), name="return_decline"),
    path("returns/<str:number>/cancel", Cancel.as_view(), name="return_cancel"),
    path("returns/<str:number>/label", Label.as_view(), name="return_label"),
]
