"""Panels of the order's page: what people wrote about it, and who pays for it on which terms."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import actors, htmx, typed
from core.errors import Invalid, Refusal
from orders.models import ApprovalKind, Order, OrderNote
from orders.services import approving, credit, notes

SHOWN = 50
GRANTS: dict[str, str] = {ApprovalKind.APPROVAL: "orders.approve_order", ApprovalKind.CREDIT: "orders.grant_credit"}


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("orders.view_order", raise_exception=True)
def of_order(request: HttpRequest, number: str) -> HttpResponse:
    """GET, POST /orders/<number>/notes: the panel; a new note, or 422 with the text kept."""
    found = _find(request, number)
    text, problem = "", ""
    if request.method == "POST":
        text = request.POST.get("text", "")
        try:
            notes.write(found.pk, text=text, actor=actors.person(request.user))
        except Invalid as invalid:
            problem = invalid.problems[0].message
        else:
            text = ""
            if not htmx.asked(request):
                return htmx.redirect(request, reverse("orders:detail", args=[number]))
    rows = OrderNote.objects.filter(order=found).order_by("-pk")
    context = {"order": found, "notes": list(rows[:SHOWN]), "more": rows.count() - SHOWN, "text": text}
    return htmx.part(request, "orders/_notes.html", context | {"problem": problem}, status=422 if problem else 200)


@require_safe
@permission_required("orders.view_order", raise_exception=True)
def account(request: HttpRequest, number: str) -> HttpResponse:
    """GET /orders/<number>/account: who buys, on which terms, and what waits for somebody's word."""
    found = _find(request, number)
    owed = credit.exposures([found.account_id])[found.account_id] if found.account_id else None
    waits = found.holds.filter(status="CREATED", type__in=list(GRANTS)).order_by("pk")
    context: dict[str, Any] = {
        "order": found,
        "account": found.account,
        "owed": owed,
        "waits": [(hold, request.user.has_perm(GRANTS[hold.type])) for hold in waits] if found.account_id else [],
        "approvals": list(found.approvals.order_by("-pk")),
    }
    return htmx.part(request, "orders/_account_panel.html", context)


@require_POST
@permission_required("orders.view_order", raise_exception=True)
def approve(request: HttpRequest, number: str) -> HttpResponse:
    """POST /orders/<number>/approve: a person's word that it may go on as it stands."""
    kind = request.POST.get("kind", "")
    if kind not in GRANTS:
        raise Refusal("unknown_kind", "There is nothing of that kind to approve.", status=404)
    if not request.user.has_perm(GRANTS[kind]):
        raise Refusal("not_allowed", "Your role can't do this step.", status=403)
    found, sent = _find(request, number), request.POST.get("v", "")
    approving.approve(
        found.pk,
        kind=kind,
        note=request.POST.get("note", "").replace("\0", "").strip(),
        actor=actors.person(request.user),
        version=typed.whole(sent),
    )
    htmx.toast(request, f"{number} is approved" if kind == "APPROVAL" else f"{number} may go out on credit")
    return htmx.redirect(request, reverse("orders:detail", args=[number]))


def _find(request: HttpRequest, number: str) -> Order:
    rows = Order.objects.for_user(request.user).select_related("channel", "account")
    return get_object_or_404(rows, number=number)
