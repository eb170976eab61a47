"""The price list: what articles should cost at a channel, and putting new prices in force."""

from __future__ import annotations

from django.contrib.auth.decorators import permission_required
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from core import actors, htmx, typed
from core.errors import Invalid, Problem
from orders.models import Channel, PriceListEntry
from orders.services import prices as service

COLUMNS = ("id", "sku", "price", "currency", "tolerance", "valid_from", "valid_to", "channel__name", "updated_by")


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("orders.change_hold_rules", raise_exception=True)
def prices(request: HttpRequest) -> HttpResponse:
    """GET, POST /ops/holds/prices/: the list, and new prices from now on (422 with the lines that are none)."""
    problems: dict[str, str] = {}
    if request.method == "POST":
        try:
            count = _save(request)
        except Invalid as invalid:
            problems = {"prices" if p.path == "prices" else p.path: invalid.message for p in invalid.problems}
        else:
            htmx.toast(request, f"{count} prices are in force")
            return htmx.redirect(request, reverse("orders:prices"))
    now = timezone.now()
    rows = PriceListEntry.objects.for_user(request.user).filter(Q(valid_to__isnull=True) | Q(valid_to__gt=now))
    if words := request.GET.get("q", "").replace("\0", "").strip()[:120]:
        rows = rows.filter(sku=words)
    if channel := request.GET.get("channel", "")[:40].replace("\0", ""):
        rows = rows.filter(channel__code=channel)
    context = {
        "page": htmx.keyset_page(rows.values(*COLUMNS), request, order=("sku", "id")),
        "total": htmx.capped_count(rows),
        "channels": list(Channel.objects.values_list("code", "name")),
        "narrowed": bool(words or channel),
        "problems": problems,
        "values": {name: request.POST.get(name, "") for name in ("channel", "prices")},
    }
    status = 422 if problems else 200
    return htmx.render(request, "orders/prices.html", context, fragment="orders/_prices.html", status=status)


def _save(request: HttpRequest) -> int:
    channel = Channel.objects.filter(code=typed.words(request, "channel", 40)).first()
    if channel is None:
        raise Invalid([Problem("channel", "unknown", "Choose a channel.")], status=422)
    listed = service.read(request.POST.get("prices", "")[:500_000])
    return service.set_(channel, listed, valid_from=timezone.now(), actor=actors.person(request.user))
