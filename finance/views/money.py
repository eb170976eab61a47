"""An order's money on its page, the rows behind it, and the credit note on paper."""

from __future__ import annotations

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from core import htmx
from finance import documents
from finance.models import Charge, Kind, OrderMoney, Posting, Side, ThreeWay
from finance.services import strays
from orders.models import Order, Payment


@require_safe
@permission_required("orders.view_order", raise_exception=True)
def panel(request: HttpRequest, number: str) -> HttpResponse:
    """GET /finance/orders/<number>/money: what the order is worth now, what was paid, and every row behind it."""
    orders = Order.objects.for_user(request.user).select_related("channel")
    order = get_object_or_404(orders, number=number)
    payments = list(Payment.objects.filter(order=order).order_by("at", "pk")[:200])
    rows = list(Charge.objects.filter(order=order).select_related("line").order_by("pk")[:500])
    context = {
        "order": order,
        "money": OrderMoney.objects.filter(order=order).first(),
        "charges": [row for row in rows if row.side == Side.BUYER],
        "fees": [row for row in rows if row.side == Side.PROVIDER],
        "payments": payments,
        "strays": strays.among(order, payments),
        "apart": ThreeWay.objects.filter(order=order, cleared_at__isnull=True).first(),
    }
    return htmx.part(request, "finance/_order_money.html", context)


@require_safe
@permission_required("finance.view_posting", raise_exception=True)
def credit_note(request: HttpRequest, uid: int) -> HttpResponse:
    """GET /finance/postings/<id>/credit-note: the paper of a credit memo, for the customer."""
    memos = Posting.objects.for_user(request.user).filter(kind__in=(Kind.RETURN_MEMO, Kind.CREDIT_MEMO))
    memo = get_object_or_404(memos.select_related("order__channel", "entity"), pk=uid)
    amounts = documents.negated(documents.amounts_of(memo.document))
    first = memo.order.postings.filter(kind=Kind.SALES_ORDER).order_by("sequence").first()
    context = {"memo": memo, "amounts": amounts, "document": memo.document, "invoice": first}
    return htmx.render(request, "finance/credit_note.html", context)
