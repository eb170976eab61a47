"""Postings: what went to the ERP, what waits, what was refused and why."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from core import actors, downloads, htmx, tabs, timeline, typed
from core.subjects import Subject
from exceptions.models import Case
from finance import chart, documents
from finance.filters import PostingFilter
from finance.models import Kind, Posting, Status
from finance.services import postings
from orders.models import Channel, Order

COLUMNS = (
    "id", "reference", "status", "currency", "total", "erp_total", "erp_number", "connection_name", "prepared_at",
    "posted_at", "waiting_for", "last_error", "failure_class", "sequence", "order__number", "order__channel__name",
    "kind", "booked_on", "needs", "note",
)  # fmt: skip
EXPORTED = (
    ("Posting", "id"), ("Reference", "reference"), ("Kind", "kind"), ("Status", "status"), ("Order", "order__number"),
    ("Booked on", "booked_on"),
    ("Channel", "order__channel__code"), ("Currency", "currency"), ("Total", "total"),
    ("Total at the ERP", "erp_total"), ("ERP number", "erp_number"), ("Connection", "connection_name"),
    ("Prepared", "prepared_at"), ("Posted", "posted_at"), ("Waits for", "waiting_for"), ("Failure", "failure_class"),
    ("What was said", "last_error"),
)  # fmt: skip
VIEWS: tabs.Views = (
    ("All", {}),
    ("Rejected", {"status": "REJECTED"}),
    ("To approve", {"status": "QUEUED"}),
    ("Waiting", {"status": "PENDING"}),
    ("Posted", {"status": "POSTED"}),
    ("Totals differ", {"differs": "true"}),
)


@require_safe
@permission_required("finance.view_posting", raise_exception=True)
def listed(request: HttpRequest) -> HttpResponse:
    """GET /finance/postings/: filters and page in the address; the list alone when htmx asks."""
    rows = PostingFilter(request.GET, Posting.objects.for_user(request.user)).found()
    context = {
        "page": htmx.keyset_page(rows.values(*COLUMNS), request, order=("-id",)),
        "total": htmx.capped_count(rows),
        "views": tabs.of(request, VIEWS),
        "statuses": Status.choices,
        "kinds": Kind.choices,
        "kind_names": dict(Kind.choices),
        "channels": list(Channel.objects.for_user(request.user).values_list("code", "name")),
        "narrowed": any(request.GET.get(name) for name in PostingFilter.base_filters),
    }
    return htmx.render(request, "finance/postings.html", context, fragment="finance/_postings.html")


@require_safe
@permission_required("finance.view_posting", raise_exception=True)
def export(request: HttpRequest) -> HttpResponseBase:
    """GET /finance/postings/export.csv?…: the list as filtered, newest first."""
    rows = PostingFilter(request.GET, Posting.objects.for_user(request.user)).found()
    wanted = rows.order_by("-id").values_list(*[column for _, column in EXPORTED])[: downloads.MOST]
    return downloads.csv_file("postings", [title for title, _ in EXPORTED], wanted)


@require_safe
@permission_required("finance.view_posting", raise_exception=True)
def posting(request: HttpRequest, uid: int) -> HttpResponse:
    """GET /finance/postings/<id>: the document, its two sides, what the ERP said, and its case if it has one."""
    return htmx.render(
        request, "finance/posting.html", _context(find(request, uid), request.user), fragment="finance/_posting.html"
    )


@require_POST
@permission_required("finance.retry_posting", raise_exception=True)
def retry(request: HttpRequest, uid: int) -> HttpResponse:
    """POST /finance/postings/<id>/retry with its version `v`: send a rejected posting again."""
    found = find(request, uid)
    postings.retry(found.pk, version=typed.seen(request), actor=actors.person(request.user))
    htmx.toast(request, f"{found.reference} is on its way to the ERP again")
    return htmx.redirect(request, reverse("finance:posting", args=[found.pk]))


@require_safe
@permission_required("finance.view_posting", raise_exception=True)
def order_panel(request: HttpRequest, number: str) -> HttpResponse:
    """GET /finance/orders/<number>/panel: the order page's part about the ERP, loaded by URL name."""
    order = get_object_or_404(Order.objects.for_user(request.user).only("pk", "number", "status"), number=number)
    rows = Posting.objects.for_user(request.user).filter(order=order).order_by("sequence").values(*COLUMNS)
    return htmx.part(request, "finance/_order_panel.html", {"order": order, "postings": list(rows)})


@require_safe
@permission_required("orders.view_order", raise_exception=True)
def order_told(request: HttpRequest, number: str) -> HttpResponse:
    """GET /finance/orders/<number>/told: what the ERP knows of the order, as rows of its page's "Who was told"."""
    orders = Order.objects.for_user(request.user).select_related("channel")
    order = get_object_or_404(orders, number=number)
    rows = Posting.objects.for_user(request.user).filter(order=order).order_by("sequence").values(*COLUMNS, "kind")
    context = {"order": order, "postings": list(rows), "kinds": dict(Kind.choices)}
    return htmx.part(request, "finance/_order_told.html", context)


def find(request: HttpRequest, uid: int) -> Posting:
    rows = Posting.objects.for_user(request.user).select_related("order__channel", "linked", "chart", "entity")
    found: Posting = get_object_or_404(rows, pk=uid)
    return found


def _context(found: Posting, person: Any) -> dict[str, Any]:
    return {
        "posting": found,
        "document": found.document,
        "amounts": documents.amounts_of(found.document) if documents.is_sale(found.document) else None,
        "accounts": chart.ROLES,
        "lines": list(found.lines.all()),
        "mine": found.entered_by_id == person.pk,
        "links": list(found.links.only("pk", "reference", "kind", "status", "total", "currency", "order")),
        "kind_words": found.get_kind_display(),
        "culprits": set(found.answer.get("skus", ())),
        "case": Case.objects.still_open().filter(subject_kind="posting", subject_uid=str(found.pk)).first(),
        "events": timeline.of(Subject("posting", str(found.pk))),
        "words": timeline.words,
    }
