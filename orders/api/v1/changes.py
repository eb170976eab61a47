"""/api/v1/orders/<number>/changes: what was ordered, changed with a preview and agreed once."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpResponse

from core.api import ApiView, idempotent, keyset, page_reply, read_json, reply, require_match
from core.errors import Invalid, Problem
from orders import edits
from orders.api.v1 import described_changes, finding
from orders.edits import Edit
from orders.models import OrderChange
from orders.services import changing
from orders.services.changing import Preview

PAGING = frozenset({"after", "before", "page_size"})


class Changes(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"GET": "orders:read", "POST": "orders:write"}

    @described_changes.LIST
    def get(self, request: Any, number: str) -> HttpResponse:
        """Newest first."""
        if unknown := sorted(set(request.GET) - PAGING):
            raise Invalid([Problem(name[:60], "unknown", "This list isn't narrowed by it.") for name in unknown])
        rows = OrderChange.objects.filter(order=finding.order(request, number))
        return page_reply(request, keyset(rows, request, ("-id",)), _change)

    @described_changes.CONFIRM
    @idempotent()
    def post(self, request: Any, number: str) -> HttpResponse:
        """Do it; with the `token` of a preview, exactly what was shown or nothing. Needs If-Match."""
        wanted, token, note = _read(request, "token", "note")
        found = finding.order(request, number)
        require_match(request, found.version)
        key = f"api:{request.auth.uid}:{request.META['HTTP_IDEMPOTENCY_KEY']}"[:255]
        change_id = changing.confirm(
            found.pk, wanted, version=found.version, actor=request.auth.actor, key=key, token=token, note=note
        )
        return reply(_change(OrderChange.objects.get(pk=change_id)), status=201)


class PreviewChange(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"POST": "orders:write"}

    @described_changes.PREVIEW
    def post(self, request: Any, number: str) -> HttpResponse:
        """What it would do to stock, money and promise; nothing is left behind."""
        (wanted,) = _read(request)
        found = finding.order(request, number)
        return reply(_preview(changing.preview(found.pk, wanted, actor=request.auth.actor)))


def _read(request: Any, *texts: str) -> tuple[Any, ...]:
    """The edits, then each of the texts named ("" where it isn't sent)."""
    body = read_json(request)
    if not isinstance(body, dict):
        raise Invalid([Problem("", "shape", "Send an object with edits.")])
    problems = [Problem(name[:60], "unknown", "is not a field here") for name in set(body) - {"edits", *texts}]
    problems += [
        Problem(name, "text", "must be text of at most 500 characters")
        for name in texts
        if not isinstance(body.get(name, ""), str) or len(body.get(name, "")) > 500 or "\0" in body.get(name, "")
    ]
    if problems:
        raise Invalid(problems)
    wanted: tuple[Edit, ...] = edits.read(body.get("edits"))
    return (wanted, *(body.get(name, "") for name in texts))


def _preview(seen: Preview) -> dict[str, Any]:
    return {
        "version": seen.version,
        "summary": seen.summary,
        "possible": not seen.refusals,
        "refusals": [{"code": r.code, "message": r.message, "facts": r.facts} for r in seen.refusals],
        "stock": seen.stock,
        "short": seen.short,
        "money": seen.money,
        "promise": seen.promise,
        "holds": seen.holds,
        "token": seen.token,
    }


def _change(change: OrderChange) -> dict[str, Any]:
    return {
        "id": change.pk,
        "status": change.status,
        "summary": change.summary,
        "edits": change.edits,
        "effect": change.effect,
        "note": change.note,
        "by": change.created_by,
        "at": change.created_at,
        "decided_by": change.decided_by,
        "decided_at": change.decided_at,
        "channel_told": change.channel_told,
    }
