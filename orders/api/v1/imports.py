"""/api/v1/orders/imports: many orders handed over at once and worked through afterwards, each with its own verdict."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from django.db import transaction
from django.http import Http404, HttpResponse

from core import jobs
from core.actors import CLIENT
from core.api import ApiView, Caller, idempotent, keyset, page_reply, problems, read_json
from core.api.operations import accepted
from core.api.reading import validate
from core.errors import Invalid, Problem, Refusal
from orders.api.v1 import described, placing
from orders.api.v1.bodies import MAX_IMPORT, NewOrder
from orders.models import OrderImport, OrderImportRow

MAX_BYTES = 32 * 1024 * 1024
JOB = "orders.intake_in_bulk"

jobs.resumes(JOB)


class Imports(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"POST": "orders:write"}

    @described.IMPORT
    @idempotent(limit=MAX_BYTES)
    def post(self, request: Any) -> HttpResponse:
        """202: they are kept as they came, and a worker goes through them in the order given."""
        from orders.tasks import take_import

        orders = placing.orders_of(read_json(request, limit=MAX_BYTES), most=MAX_IMPORT)
        caller = request.auth
        title = f"{len(orders):,} orders of {caller.label}"
        job = jobs.start(JOB, caller.actor, {"client": caller.uid}, total=len(orders), title=title[:200])
        channels = None if caller.channels is None else sorted(caller.channels)
        parent = OrderImport.objects.create(job=job, client=caller.uid, label=caller.label[:120], channels=channels)
        rows = [OrderImportRow(parent=parent, index=index, sent=sent) for index, sent in enumerate(orders)]
        OrderImportRow.objects.bulk_create(rows, batch_size=500)
        jobs.send(job.pk, take_import)
        return accepted(job)


class ImportResults(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"GET": "orders:read"}

    @described.IMPORT_RESULTS
    def get(self, request: Any, pk: int) -> HttpResponse:
        """What became of each so far, in the order given. `refused=1`: only what wasn't taken."""
        if unknown := sorted(set(request.GET) - {"after", "before", "page_size", "refused"}):
            raise Invalid([Problem(name[:60], "unknown", "Results can't be narrowed by it.") for name in unknown])
        found = OrderImport.objects.filter(pk=pk, client=request.auth.uid).first()
        if found is None:
            raise Http404
        rows = found.rows.exclude(status=None)
        if request.GET.get("refused", "") not in {"", "0"}:
            rows = rows.filter(status__gte=400)
        return page_reply(request, keyset(rows, request, ("index",)), _result)


def run(job_id: int) -> None:
    """Go through an import: every order in a transaction of its own, with its verdict. Safe to interrupt and repeat."""
    parent = OrderImport.objects.get(pk=job_id)
    caller = Caller(
        CLIENT,
        parent.client,
        parent.label,
        frozenset(),
        None if parent.channels is None else frozenset(parent.channels),
    )
    left = parent.rows.filter(status=None).order_by("index").values_list("index", flat=True)
    jobs.run_over(job_id, list(left), lambda index: _take(job_id, index, caller), every=10)


def _take(job_id: int, index: int, caller: Caller) -> None:
    """Refusal where the order isn't taken: the job counts it, and the row has the words."""

    def row() -> OrderImportRow:
        return OrderImportRow.objects.select_for_update(of=("self",)).get(parent=job_id, index=index)

    try:
        with transaction.atomic():
            held = row()
            if held.status is None:
                _said(held, placing.place(validate(NewOrder, held.sent), caller))
    except Exception as error:
        answer = problems.answer(error)
        if answer.status_code >= 500:
            raise
        with transaction.atomic():
            _said(row(), answer)
        said = json.loads(answer.content)
        raise Refusal(said["code"], said["detail"]) from error


def _said(row: OrderImportRow, answer: HttpResponse) -> None:
    row.status, row.said = answer.status_code, json.loads(answer.content)
    row.save(update_fields=["status", "said"])


def _result(row: OrderImportRow) -> dict[str, Any]:
    name = "problem" if (row.status or 0) >= 400 else "order"
    return {"index": row.index, "status": row.status, name: row.said}
