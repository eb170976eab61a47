"""/api/v1/orders/<number>/money, /postings, /settlements and /periods: the books, for programs.

Payouts and periods belong to the whole company, so a key bound to channels or sites sees none of them.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import asdict
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.urls import reverse

from core.api import ApiView, idempotent, keyset, page_reply, parse, reply
from core.errors import Invalid, Problem, Refusal
from finance import canonical
from finance.api.v1 import shapes, words
from finance.api.v1.words import NewSettlement
from finance.filters import PostingFilter
from finance.models import Charge, FileStatus, OrderMoney, Period, Posting, Settlement, SettlementFile, SettlementLine
from finance.services import closes, settlements
from finance.settlement_filters import SettlementFilter
from inventory.api.v1 import lists
from orders.api.v1 import finding
from orders.models import Payment

READ, WRITE = "finance:read", "finance:write"
MOST = 2_000  # rows of one order


class Money(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"GET": READ}

    @words.MONEY_OF
    def get(self, request: Any, number: str) -> HttpResponse:
        order = finding.order(request, number)
        money = OrderMoney.objects.filter(order=order).first()
        if money is None:
            raise Http404
        charges = Charge.objects.filter(order=order).select_related("line").order_by("pk")[:MOST]
        payments = Payment.objects.filter(order=order).order_by("at", "pk")[:MOST]
        return reply(
            {
                "order": order.number,
                "figures": shapes.figures(money),
                "charges": [shapes.charge(row) for row in charges],
                "payments": [shapes.payment(row) for row in payments],
            }
        )


class Postings(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"GET": READ}

    @words.POSTINGS
    def get(self, request: Any) -> HttpResponse:
        lists.known(request, PostingFilter)
        rows = PostingFilter(request.GET, Posting.objects.for_caller(request.auth)).found()
        return page_reply(request, keyset(rows.select_related("order", "entity"), request), shapes.posting)


class OnePosting(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"GET": READ}

    @words.POSTING
    def get(self, request: Any, uid: int) -> HttpResponse:
        rows = Posting.objects.for_caller(request.auth).select_related("order", "entity")
        return reply(shapes.posted(_one(rows, uid)))


class Settlements(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"GET": READ, "POST": WRITE}

    @words.SETTLEMENTS
    def get(self, request: Any) -> HttpResponse:
        lists.known(request, SettlementFilter)
        rows = SettlementFilter(request.GET, _whole(request, Settlement)).found()
        return page_reply(request, keyset(rows, request), shapes.settlement)

    @words.UPLOAD
    @idempotent()
    def post(self, request: Any) -> HttpResponse:
        if _bound(request):
            raise Refusal("bound_key", "A key bound to channels or sites hands in no settlements.", status=403)
        sent = parse(request, NewSettlement)
        if canonical.reader(sent.provider) is None:
            raise Invalid([Problem("provider", "unknown", "Nobody reads files of this provider.")], status=422)
        try:
            content = base64.b64decode(sent.content, validate=True)
        except (binascii.Error, ValueError):
            raise Invalid([Problem("content", "base64", "Send the file's bytes in base64.")]) from None
        terms = {key: value for key, value in asdict(sent).items() if key not in {"provider", "name", "content"}}
        taken = settlements.import_(sent.provider, sent.name, content, terms=terms, actor=request.auth.actor)
        kept = SettlementFile.objects.defer("content").get(pk=taken.file_id)
        new = taken.status == FileStatus.IMPORTED and not taken.known
        first = taken.settlements[:1]
        where = {"Location": reverse("api:v1:settlement", args=first)} if first else None
        return reply(shapes.file(kept, taken.settlements), status=201 if new else 200, headers=where)


class OneSettlement(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"GET": READ}

    @words.SETTLEMENT
    def get(self, request: Any, uid: int) -> HttpResponse:
        return reply(shapes.settled(_one(_whole(request, Settlement), uid)))


class Lines(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"GET": READ}

    @words.LINES
    def get(self, request: Any, uid: int) -> HttpResponse:
        rows = SettlementLine.objects.filter(settlement=_one(_whole(request, Settlement), uid))
        return page_reply(request, keyset(rows, request, ("position",)), shapes.settlement_line)


class Periods(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"GET": READ}

    @words.PERIODS
    def get(self, request: Any) -> HttpResponse:
        rows = _whole(request, Period).select_related("entity").order_by()
        return page_reply(request, keyset(rows, request, ("-starts_on", "-id")), shapes.period)


class OnePeriod(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"GET": READ}

    @words.PERIOD
    def get(self, request: Any, uid: int) -> HttpResponse:
        found = _one(_whole(request, Period).select_related("entity"), uid)
        return reply({**shapes.period(found), "checklist": [shapes.check(line) for line in closes.checklist(found)]})


def _bound(request: Any) -> bool:
    return request.auth.channels is not None or request.auth.sites is not None


def _whole(request: Any, model: Any) -> QuerySet[Any]:
    """Rows of the whole company, for keys that are bound to no part of it."""
    rows: QuerySet[Any] = model.objects.for_caller(request.auth)
    return rows.none() if _bound(request) else rows


def _one(rows: QuerySet[Any], uid: int) -> Any:
    found = rows.filter(pk=uid).first()
    if found is None:
        raise Http404
    return found
