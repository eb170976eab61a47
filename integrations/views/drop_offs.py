"""Where a return's parcel can be handed in, as a panel on the return's page."""

from __future__ import annotations

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from core import actors, htmx
from integrations.carriers import dropping
from returns.models import ReturnRequest
from returns.services import drop_offs

SEE, CHOOSE = "returns.view_returnrequest", "returns.request_return"


@require_safe
@permission_required(SEE, raise_exception=True)
def panel(request: HttpRequest, number: str) -> HttpResponse:
    """GET /returns/<number>/drop-offs: the place that was chosen; else, or with ?again=1, those there are now."""
    rma = _find(request, number)
    asks = not rma.drop_off or bool(request.GET.get("again"))
    context = {
        "rma": rma, "near": dropping.near(rma) if asks else None, "may": request.user.has_perm(CHOOSE),
    }  # fmt: skip
    return htmx.part(request, "integrations/_drop_offs.html", context)


@require_POST
@permission_required(CHOOSE, raise_exception=True)
def choose(request: HttpRequest, number: str) -> HttpResponse:
    """POST /returns/<number>/drop-offs/choose: one that was found, or none any more."""
    rma = _find(request, number)
    choice = request.POST.get("choice", "")[:4000]
    place = dropping.chosen(choice, rma) if choice else None
    rma = drop_offs.choose(rma.pk, place, actor=actors.person(request.user))
    if not htmx.asked(request):
        return htmx.redirect(request, reverse("returns:detail", args=[number]))
    context = {"rma": rma, "near": None if place else dropping.near(rma), "may": True}
    return htmx.part(request, "integrations/_drop_offs.html", context)


def _find(request: HttpRequest, number: str) -> ReturnRequest:
    rows = ReturnRequest.objects.for_user(request.user).select_related("location")
    found: ReturnRequest = get_object_or_404(rows, number=number)
    return found
