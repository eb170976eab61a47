"""/api/v1/transfers: units between our places: asked for, followed, and taken in."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import Http404, HttpResponse
from django.urls import path, reverse

from core.api import ApiView, idempotent, keyset, page_reply, parse, reply
from core.errors import Invalid, Problem
from inventory.api.v1 import lists, names, work_words
from inventory.api.v1.work_bodies import NewTransfer, Receipt
from inventory.models import Transfer, TransferDiscrepancy, TransferLine
from inventory.services import transfers
from inventory.services.transfers import Seen
from inventory.transfer_filters import TransferFilter


class Transfers(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"GET": "stock:read", "POST": "stock:write"}

    @work_words.TRANSFERS
    def get(self, request: Any) -> HttpResponse:
        """A page of transfers, newest first."""
        lists.known(request, TransferFilter)
        rows = TransferFilter(request.GET, Transfer.objects.for_caller(request.auth)).found()
        return page_reply(request, keyset(rows.select_related("origin", "destination"), request), _transfer)

    @work_words.ASK_TRANSFER
    @idempotent()
    def post(self, request: Any) -> HttpResponse:
        """A request; somebody approves it before anything is promised."""
        body = parse(request, NewTransfer)
        items, places = names.resolve(
            [(f"lines[{n}].sku", line.sku) for n, line in enumerate(body.lines)],
            [("origin", body.origin), ("destination", body.destination)],
        )
        made = transfers.request(
            places[body.origin], places[body.destination], [(items[x.sku], x.quantity) for x in body.lines],
            actor=request.auth.actor, reason=body.reason, due_at=body.due_at,
        )  # fmt: skip
        found = _find(request, f"TR-{made}")
        where = reverse("api:v1:transfer", args=[found.number])
        return reply(_with_lines(found), status=201, headers={"Location": where})


class OneTransfer(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"GET": "stock:read"}

    @work_words.READ_TRANSFER
    def get(self, request: Any, number: str) -> HttpResponse:
        """The transfer with its lines from end to end, and what arrived differently."""
        return reply(_with_lines(_find(request, number)))


class Receive(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"POST": "stock:write"}

    @work_words.RECEIVE
    @idempotent()
    def post(self, request: Any, number: str) -> HttpResponse:
        """What came out of the box, booked as a whole."""
        found, body = _find(request, number), parse(request, Receipt)
        items, _ = names.resolve([(f"lines[{n}].sku", line.sku) for n, line in enumerate(body.lines)], [])
        _require_once(body)
        seen = [
            Seen(items[x.sku], x.found, x.damaged, {lot.code: (lot.found, lot.damaged) for lot in x.lots})
            for x in body.lines
        ]
        transfers.take_in(
            found.pk, seen, accept_differences=body.accept_differences, version=body.version, actor=request.auth.actor
        )
        return reply(_with_lines(_find(request, number)))


def _require_once(body: Receipt) -> None:
    twice = [
        Problem(f"lines[{n}].lots[{m}].code", "duplicate", "It is there twice.")
        for n, line in enumerate(body.lines)
        for m, lot in enumerate(line.lots)
        if lot.code in {other.code for other in line.lots[:m]}
    ]
    if twice:
        raise Invalid(twice, status=422)


def _find(request: Any, number: str) -> Transfer:
    rows = Transfer.objects.for_caller(request.auth).select_related("origin", "destination")
    found = rows.filter(pk=names.numbered(number, "TR")).first()
    if found is None:
        raise Http404
    return found


def _transfer(row: Transfer) -> dict[str, Any]:
    return {
        "number": row.number,
        "origin": row.origin.code,
        "destination": row.destination.code,
        "status": row.status,
        "version": row.version,
        "reason": row.reason,
        "requested_by": row.requested_by,
        "approved_by": row.approved_by,
        "carrier": row.carrier,
        "tracking_number": row.tracking_number,
        "due_at": row.due_at,
        "created_at": row.created_at,
        "approved_at": row.approved_at,
        "shipped_at": row.shipped_at,
        "received_at": row.received_at,
    }


def _with_lines(found: Transfer) -> dict[str, Any]:
    lines = found.lines.select_related("item").prefetch_related("lots").order_by("item__sku")
    differ = found.discrepancies.select_related("item").order_by("pk")
    return {
        **_transfer(found),
        "lines": [_line(line) for line in lines],
        "discrepancies": [_discrepancy(each) for each in differ],
    }


def _line(line: TransferLine) -> dict[str, Any]:
    units = ("wanted", "approved", "picked", "shipped", "found", "damaged", "received")
    lots = [
        {"code": lot.code, **{name: getattr(lot, name) for name in units[2:]}}
        for lot in sorted(line.lots.all(), key=lambda lot: lot.code)
    ]
    return {"sku": line.item.sku, **{name: getattr(line, name) for name in units}, "lots": lots}


def _discrepancy(each: TransferDiscrepancy) -> dict[str, Any]:
    return {
        "sku": each.item.sku,
        "lot": each.code or None,
        "kind": each.kind,
        "quantity": each.quantity,
        "resolution": each.resolution or None,
        "resolved_at": each.resolved_at,
    }


urlpatterns = [
    path("transfers", Transfers.as_view(), name="transfers"),
    path("transfers/<str:number>", OneTransfer.as_view(), name="transfer"),
    path("transfers/<str:number>/receive", Receive.as_view(), name="transfer_receive"),
]
