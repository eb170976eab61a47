"""What stands out among returns, with the figures that say so."""

from __future__ import annotations

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from core import actors, htmx, tabs
from returns import tasks
from returns.models import Dimension, ReturnSignal, SignalKind
from returns.reasons.signals import chance, figures, returns_of, summary
from returns.services import reading
from returns.services import signals as measuring
from returns.signal_filters import SignalFilter

SEE = "returns.view_returnsignal"
VIEWS: tabs.Views = (
    ("All", {}),
    ("Rates", {"kind": ["RATE"]}),
    ("Serial returners", {"kind": ["RETURNER"]}),
    ("Receipts", {"kind": ["RECEIPT"]}),
    ("Over", {"ended": ["true"]}),
)


@require_safe
@permission_required(SEE, raise_exception=True)
def signals(request: HttpRequest) -> HttpResponse:
    """GET /returns/signals/: what stands out now, newest first; filters and page in the address."""
    asked = SignalFilter(request.GET, ReturnSignal.objects.for_user(request.user))
    rows = asked.qs if asked.is_valid() else ReturnSignal.objects.none()
    page = htmx.keyset_page(rows, request, order=("-id",))
    right, said = reading.hits()
    context = {
        "page": page, "total": htmx.capped_count(rows), "views": tabs.of(request, VIEWS), "kinds": SignalKind.choices,
        "dimensions": Dimension.choices, "told": [(row, summary(row), chance(row.chance)) for row in page.rows],
        "narrowed": any(request.GET.get(name) for name in SignalFilter.base_filters), "right": right, "said": said,
    }  # fmt: skip
    return htmx.render(request, "returns/signals.html", context, fragment="returns/_signals.html")


@require_safe
@permission_required(SEE, raise_exception=True)
def signal(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /returns/signals/<id>: its figures and the returns behind it."""
    found = get_object_or_404(ReturnSignal.objects.for_user(request.user), pk=pk)
    context = {"signal": found, "summary": summary(found), "figures": figures(found), "latest": returns_of(found)[:50]}
    return htmx.render(request, "returns/signal.html", context, fragment="returns/_signal.html")


@require_POST
@permission_required("returns.change_returnsignal", raise_exception=True)
def measure(request: HttpRequest) -> HttpResponse:
    """POST /returns/signals/measure: everything is measured now, as a job with progress."""
    job = measuring.start(actor=actors.person(request.user))
    measuring.jobs.send(job.pk, tasks.measure_signals_now)
    return htmx.redirect(request, reverse("core:job", args=[job.pk]))
