"""What a channel's catalogue lists that no item of ours is known to be, each with a form to say which it is."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from core import htmx
from integrations import codes
from integrations.channels import listings
from integrations.models import FeedState
from integrations.views.aliases import SAY, SEE
from integrations.views.link import find


@require_safe
@permission_required(SEE, raise_exception=True)
def missing(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """GET /ops/links/<id>/aliases/missing?q=: by code, with the SKU and the name it has there."""
    found = find(request, connection_id)
    text = request.GET.get("q", "").replace("\0", "")[:200]
    rows = codes.missing(found, text)
    context = {
        "link": found,
        "page": htmx.keyset_page(rows.values("id", "code", "sku", "title", "seen_at"), request, order=("code", "id")),
        "total": htmx.capped_count(rows),
        "narrowed": bool(text),
        "may": request.user.has_perm(SAY),
        "feed": FeedState.objects.filter(connection=found, name=listings.FEED).first(),
    }
    return htmx.render(request, "integrations/missing.html", context, fragment="integrations/_missing.html")
