"""/api/v1/returns/<number>/receipts, inspections, dispositions, exchanges: what is done with goods that came back."""

from __future__ import annotations

import hashlib
from typing import Any, ClassVar

from django.http import Http404, HttpResponse
from django.urls import path

from core.api import ApiView, idempotent, parse, reply
from core.errors import Invalid, Problem, Refusal
from inventory.api.v1 import names
from inventory.models import Location
from returns.api.v1 import bench_words as words
from returns.api.v1.bench_bodies import (
    Decision,
    EmptyBox,
    NewChoice,
    NewDisposition,
    NewExchange,
    NewInspection,
    NewReceipt,
)
from returns.models import (
    Acceptance,
    Arrival,
    Disposition,
    Exchange,
    Inspection,
    OnBench,
    RejectionChoice,
    ReturnLine,
    ReturnRequest,
)
from returns.services import dispositions, exchanges, inspection, receiving, rejected
from returns.services.exchanges import Instead
from returns.services.inspection import Seen
from returns.services.receiving import Found

READ, WRITE, MOST = "returns:read", "returns:write", 500


class Receipts(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"GET": READ, "POST": WRITE}

    @words.RECEIPTS
    def get(self, request: Any, number: str) -> HttpResponse:
        rows = Arrival.objects.filter(line__request=_find(request, number)).select_related("line", "location")
        return reply({"data": [_receipt(row) for row in rows.order_by("pk")[:MOST]]})

    @words.RECEIVE
    @idempotent()
    def post(self, request: Any, number: str) -> HttpResponse:
        """Units of a return are here."""
        rma, body = _find(request, number), parse(request, NewReceipt)
        found = Found(
            body.code, body.quantity, line=_line(rma, body.line, "line"), unexpected=body.unexpected,
            instead_of=_line(rma, body.instead_of, "instead_of"), other_serial=body.other_serial,
        )  # fmt: skip
        made = receiving.receive(
            rma.pk, found, location_id=_place(request, body.location), key=_key(request), actor=request.auth.actor
        )
        return reply(_receipt(Arrival.objects.select_related("line", "location").get(pk=made.pk)), status=201)


class Empty(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"POST": WRITE}

    @words.EMPTY
    @idempotent()
    def post(self, request: Any, number: str) -> HttpResponse:
        """Nothing more was in the parcel."""
        rma, body = _find(request, number), parse(request, EmptyBox)
        short = receiving.finish(rma.pk, location_id=_place(request, body.location), actor=request.auth.actor)
        return reply({"data": [{"line": line.position, "sku": line.sku, "short": line.gone} for line in short]})


class Inspections(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"GET": READ, "POST": WRITE}

    @words.INSPECTIONS
    def get(self, request: Any, number: str) -> HttpResponse:
        return reply({"data": [_inspection(row) for row in _inspected(_find(request, number)).order_by("pk")[:MOST]]})

    @words.INSPECT
    @idempotent()
    def post(self, request: Any, number: str) -> HttpResponse:
        """What was seen of units of one line."""
        rma, body = _find(request, number), parse(request, NewInspection)
        line = ReturnLine.objects.select_related("item").get(pk=_line(rma, body.line, "line"))
        bench = _waiting(line, _place(request, body.location), body.serial)
        kind: str = body.disposition
        if kind == "RULE":
            kind = dispositions.propose(line.item, body.grade, dispositions.worth(line)).kind
            kind = kind if body.verdict == Acceptance.ACCEPTED else "QUARANTINE"
        seen = Seen(body.grade, body.verdict, body.quantity, kind, "" if bench.serial else body.serial, body.note)
        made = inspection.inspect(bench.pk, seen, key=_key(request), actor=request.auth.actor)
        return reply(_inspection(_inspected(rma).get(pk=made.pk)), status=201)


class Decide(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"POST": "returns:approve"}

    @words.DECIDE
    @idempotent()
    def post(self, request: Any, number: str, pk: int) -> HttpResponse:
        """The customer gets their money, or doesn't."""
        rma, body = _find(request, number), parse(request, Decision)
        if not _inspected(rma).filter(pk=pk).exists():
            raise Http404
        inspection.decide(pk, body.verdict, note=body.note, actor=request.auth.actor)
        return reply(_inspection(_inspected(rma).get(pk=pk)))


class Dispositions(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"GET": READ, "POST": WRITE}

    @words.DISPOSITIONS
    def get(self, request: Any, number: str) -> HttpResponse:
        rows = Disposition.objects.filter(line__request=_find(request, number)).select_related("location")
        return reply({"data": [_disposition(row) for row in rows.order_by("pk")[:MOST]]})

    @words.DISPOSE
    @idempotent()
    def post(self, request: Any, number: str) -> HttpResponse:
        """What becomes of inspected units."""
        rma, body = _find(request, number), parse(request, NewDisposition)
        if not _inspected(rma).filter(pk=body.inspection).exists():
            raise Invalid([Problem("inspection", "unknown", "No such inspection of this return.")], status=422)
        made = dispositions.dispose(
            body.inspection, body.disposition, quantity=body.quantity, after=body.after, key=_key(request),
            note=body.note, actor=request.auth.actor,
        )  # fmt: skip
        return reply(_disposition(Disposition.objects.select_related("location").get(pk=made.pk)), status=201)


class Rejected(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"POST": WRITE}

    @words.CHOOSE
    @idempotent()
    def post(self, request: Any, number: str, pk: int) -> HttpResponse:
        """What becomes of rejected units."""
        rma, body = _find(request, number), parse(request, NewChoice)
        if not _inspected(rma).filter(pk=pk).exists():
            raise Http404
        key, actor = _key(request), request.auth.actor
        if body.choice == "BACK":
            made = rejected.give_back(
                pk, quantity=body.quantity, service=body.service, by_hand=body.by_hand, key=key, actor=actor
            )
        else:
            verb = rejected.keep if body.choice == "KEEP" else rejected.scrap
            made = verb(pk, words=body.words, quantity=body.quantity, key=key, actor=actor)
        return reply(_choice(made), status=201)


class HandedOver(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"POST": WRITE}

    @words.HANDED_OVER
    @idempotent()
    def post(self, request: Any, number: str, pk: int) -> HttpResponse:
        """Its parcel is with the carrier."""
        rma = _find(request, number)
        if not RejectionChoice.objects.filter(pk=pk, line__request=rma).exists():
            raise Http404
        return reply(_choice(rejected.handed_over(pk, actor=request.auth.actor)))


class Exchanges(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"POST": WRITE}

    @words.EXCHANGE
    @idempotent()
    def post(self, request: Any, number: str) -> HttpResponse:
        """Something else instead of money."""
        rma, body = _find(request, number), parse(request, NewExchange)
        wanted = [Instead(each.sku, each.quantity, each.unit_price) for each in body.items]
        made = exchanges.exchange(rma.pk, wanted, ahead=body.advance, key=_key(request), actor=request.auth.actor)
        return reply(_exchange(Exchange.objects.select_related("order").get(pk=made.pk)), status=201)


def _find(request: Any, number: str) -> ReturnRequest:
    found = ReturnRequest.objects.for_caller(request.auth).filter(number=number).first()
    if found is None:
        raise Http404
    return found


def _line(rma: ReturnRequest, position: int | None, at: str) -> int | None:
    if position is None:
        return None
    found = ReturnLine.objects.filter(request=rma, position=position).values_list("pk", flat=True).first()
    if found is None:
        raise Invalid([Problem(at, "unknown", "This return has no such line.")], status=422)
    return found


def _place(request: Any, code: str) -> int:
    """A place the caller may speak for; another's is unknown to it."""
    _, places = names.resolve([], [("location", code)])
    if not Location.objects.for_caller(request.auth).filter(pk=places[code]).exists():
        problem = Problem("location", "unknown", "There is no such place.")
        raise Invalid([problem], status=422, code="unknown_reference")
    return places[code]


def _waiting(line: ReturnLine, place: int, serial: str) -> OnBench:
    rows = OnBench.objects.filter(line=line, location=place)
    found = rows.filter(serial=serial).first() or rows.filter(serial="").first()
    if found is None:
        raise Refusal("nothing_left", "Nothing of this line waits there.", line=line.position)
    return found


def _key(request: Any) -> str:
    """The caller's own key of this step, told apart from every other caller's."""
    sent = f"{request.auth.actor.uid}:{request.path}:{request.headers.get('Idempotency-Key', '')}"
    return "a:" + hashlib.sha256(sent.encode()).hexdigest()[:48]


def _inspected(rma: ReturnRequest) -> Any:
    rows = Inspection.objects.filter(line__request=rma).select_related("line", "location")
    return rows.prefetch_related("dispositions__location", "photos")


def _receipt(row: Arrival) -> dict[str, Any]:
    return {
        "id": row.pk, "line": row.line.position, "sku": row.line.sku, "quantity": row.quantity, "kind": row.kind,
        "serial": row.serial or None, "serial_fits": row.serial_fits, "location": row.location.code,
        "occurred_at": row.occurred_at, "received_by": row.received_by,
    }  # fmt: skip


def _inspection(row: Inspection) -> dict[str, Any]:
    return {
        "id": row.pk, "line": row.line.position, "sku": row.line.sku, "quantity": row.quantity, "grade": row.grade,
        "verdict": row.verdict, "serial": row.serial or None, "serial_fits": row.serial_fits, "note": row.note,
        "location": row.location.code, "inspected_at": row.inspected_at, "inspected_by": row.inspected_by,
        "decided_at": row.decided_at, "photos": len(row.photos.all()),
        "dispositions": [_disposition(each) for each in sorted(row.dispositions.all(), key=lambda each: each.pk)],
    }  # fmt: skip


def _disposition(row: Disposition) -> dict[str, Any]:
    return {
        "id": row.pk, "inspection": row.inspection_id, "after": row.after_id, "quantity": row.quantity,
        "moved_on": row.moved_on, "disposition": row.kind, "state": row.state, "location": row.location.code,
        "proposed": row.proposed or None, "rule": row.rule, "note": row.note, "decided_at": row.decided_at,
        "decided_by": row.decided_by,
    }  # fmt: skip


def _choice(row: RejectionChoice) -> dict[str, Any]:
    label = row.label
    return {
        "id": row.pk, "inspection": row.inspection_id, "choice": row.kind, "status": row.status,
        "quantity": row.quantity, "words": row.words, "label": None if label is None else label.pk,
        "tracking_number": label.tracking_number if label else "",
        "cost": None if row.cost is None else str(row.cost), "currency": row.currency,
    }  # fmt: skip


def _exchange(row: Exchange) -> dict[str, Any]:
    return {
        "order": row.order.number, "status": row.status, "credit": str(row.credit), "worth": str(row.worth),
        "difference": str(row.difference), "currency": row.currency, "advance": row.advance, "due_at": row.due_at,
    }  # fmt: skip


urlpatterns = [
    path("returns/<str:number>/receipts", Receipts.as_view(), name="return_receipts"),
    path("returns/<str:number>/receipts/finish", Empty.as_view(), name="return_receipts_finish"),
    path("returns/<str:number>/inspections", Inspections.as_view(), name="return_inspections"),
    path("returns/<str:number>/inspections/<int:pk>/decide", Decide.as_view(), name="return_inspection_decide"),
    path("returns/<str:number>/inspections/<int:pk>/rejected", Rejected.as_view(), name="return_rejected"),
    path("returns/<str:number>/rejected/<int:pk>/handed-over", HandedOver.as_view(), name="return_handed_over"),
    path("returns/<str:number>/dispositions", Dispositions.as_view(), name="return_dispositions"),
    path("returns/<str:number>/exchanges", Exchanges.as_view(), name="return_exchanges"),
]
