"""/api/v1/stock/snapshots and /stock/differences: what other systems believe, and where the books differ."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import Http404, HttpResponse
from django.urls import path, reverse

from core.api import ApiView, idempotent, keyset, page_reply, parse, reply
from core.errors import Invalid, Problem
from core.subjects import Subject
from inventory.api.v1 import lists, snapshot_words
from inventory.api.v1.snapshot_bodies import SnapshotIn
from inventory.filters_snapshots import DifferenceFilter, SnapshotFilter
from inventory.models import StockDifference, StockSnapshot, StockSource
from inventory.services import snapshots
from inventory.snapshots import Code, IncomingSnapshot, ReportedLine


class Snapshots(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"GET": "stock:read", "POST": "stock:write"}

    @snapshot_words.LIST
    def get(self, request: Any) -> HttpResponse:
        """A page of snapshots, newest first."""
        lists.known(request, SnapshotFilter)
        rows = SnapshotFilter(request.GET, StockSnapshot.objects.for_caller(request.auth)).found()
        return page_reply(request, keyset(rows.select_related("source"), request, ("-id",)), _snapshot)

    @snapshot_words.TAKE
    @idempotent()
    def post(self, request: Any) -> HttpResponse:
        """One snapshot: 201 taken, 200 known, 202 taken although some of its words need a person."""
        body = parse(request, SnapshotIn)
        source = StockSource.objects.for_caller(request.auth).filter(code=body.source).first()
        if source is None:
            problem = Problem("source", "unknown", f"There is no system {body.source[:60]!r} whose word is heard here.")
            raise Invalid([problem], status=404, code="unknown_source")
        lines = tuple(ReportedLine((Code(line.sku),), line.location, line.status, line.quantity) for line in body.lines)
        incoming = IncomingSnapshot(body.ref, body.as_of, lines, complete=body.complete)
        caller = request.auth
        cause = Subject("api_client", str(caller.uid), caller.actor.label)
        taken = snapshots.take(source, incoming, cause=cause, actor=caller.actor)
        status = 200 if taken.replayed else 202 if taken.snapshot.unresolved else 201
        location = reverse("api:v1:stock_snapshot", args=[taken.snapshot.pk])
        return reply(_snapshot(taken.snapshot), status=status, headers={"Location": location})


class OneSnapshot(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"GET": "stock:read"}

    @snapshot_words.READ
    def get(self, request: Any, snapshot_id: int) -> HttpResponse:
        """The snapshot with what of it was not compared, and why (the first thousand lines)."""
        rows = StockSnapshot.objects.for_caller(request.auth).select_related("source")
        found = rows.filter(pk=snapshot_id).first()
        if found is None:
            raise Http404
        left_out = found.lines.exclude(outcome="COMPARED").order_by("n")
        lines = left_out.values("n", "code", "place", "status", "quantity", "outcome", "problem")[:1000]
        return reply({**_snapshot(found), "left_out": list(lines)})


class Differences(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"GET": "stock:read"}

    @snapshot_words.DIFFERENCES
    def get(self, request: Any) -> HttpResponse:
        """A page of the differences that stand."""
        lists.known(request, DifferenceFilter)
        rows = StockDifference.objects.for_caller(request.auth).open()
        found = DifferenceFilter(request.GET, rows).found().select_related("source", "item", "location")
        return page_reply(request, keyset(found, request, ("-id",)), _difference)


def _snapshot(row: StockSnapshot) -> dict[str, Any]:
    return {
        "number": row.number,
        "source": row.source.code,
        "ref": row.ref,
        "as_of": row.as_of,
        "taken_at": row.taken_at,
        "complete": row.complete,
        "lines": row.lines_total,
        "compared": row.compared,
        "ignored": row.ignored,
        "unresolved": row.unresolved,
        "refused": row.refused,
        "remarks": row.remarks,
    }


def _difference(row: StockDifference) -> dict[str, Any]:
    return {
        "source": row.source.code,
        "sku": row.item.sku,
        "location": row.location.code,
        "snapshot": f"SN-{row.snapshot_id}",
        "as_of": row.as_of,
        "units": row.units,
        "units_in_question": row.gross,
        "by_state": row.deltas,
        "value": row.value,
        "currency": row.currency or None,
        "likely_cause": row.cause,
        "beyond_tolerance": row.beyond,
        "since": row.began_at,
    }


urlpatterns = [
    path("stock/snapshots", Snapshots.as_view(), name="stock_snapshots"),
    path("stock/snapshots/<int:snapshot_id>", OneSnapshot.as_view(), name="stock_snapshot"),
    path("stock/differences", Differences.as_view(), name="stock_differences"),
]
