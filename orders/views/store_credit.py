"""Store credit and gift cards: who has how much, every entry, and one given or taken with its effect shown first."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.contrib.auth.decorators import permission_required
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from core import actors, amounts, downloads, formats, htmx, tabs, timeline
from core.errors import Invalid, Problem, Refusal
from orders import currencies
from orders.credit_filters import ORDER, StoreCreditFilter
from orders.models import Channel, CreditKind, StoreCredit, StoreCreditEntry
from orders.services import agreeing, by_hand, store_credit
from orders.services.by_hand import Seen
from orders.views.payments import key_of, shown, why_of

SEE, GIVE = "orders.view_storecredit", "orders.give_storecredit"
COLUMNS = ("id", "code", "kind", "holder", "currency", "balance", "opened_at", "expires_at", "channel__name")
EXPORTED = (
    ("Code ends with", "code"), ("Kind", "kind"), ("Channel", "channel__code"), ("Currency", "currency"),
    ("Holds", "balance"), ("Opened", "opened_at"), ("Expires", "expires_at"),
)  # fmt: skip
VIEWS: tabs.Views = (
    ("All", {}),
    ("With money on it", {"holds": "true"}),
    ("Store credit", {"kind": "CREDIT"}),
    ("Gift cards", {"kind": "GIFT_CARD"}),
)
SHOWN = 100


@require_safe
@permission_required(SEE, raise_exception=True)
def listed(request: HttpRequest) -> HttpResponse:
    """GET /finance/store-credit/: filters and page in the address; the list alone when htmx asks."""
    rows = StoreCreditFilter(request.GET, StoreCredit.objects.for_user(request.user)).found()
    page = htmx.keyset_page(rows.values(*COLUMNS), request, order=ORDER)
    context = {
        "page": page,
        "total": htmx.capped_count(rows),
        "views": tabs.of(request, VIEWS),
        "masked": formats.masked_address,
        "kinds": dict(CreditKind.choices),
        "channels": list(Channel.objects.for_user(request.user).values_list("code", "name")),
        "narrowed": any(request.GET.get(name) for name in StoreCreditFilter.base_filters),
    }
    return htmx.render(request, "orders/store_credits.html", context, fragment="orders/_store_credits.html")


@require_safe
@permission_required(SEE, raise_exception=True)
def export(request: HttpRequest) -> HttpResponseBase:
    """GET /finance/store-credit/export.csv?…: what we owe to whom, without what would let somebody spend it."""
    rows = StoreCreditFilter(request.GET, StoreCredit.objects.for_user(request.user)).found()
    wanted = rows.order_by(*ORDER).values_list(*[column for _, column in EXPORTED])[: downloads.MOST]
    titles = [title for title, _ in EXPORTED]
    return downloads.csv_file("store-credit", titles, wanted, line=lambda row: [str(row[0])[-4:], *row[1:]])


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(SEE, raise_exception=True)
def one(request: HttpRequest, code: str) -> HttpResponse:
    """GET /finance/store-credit/<code>: what it holds and why. POST: an entry's preview; confirmed, the entry."""
    rows = StoreCredit.objects.for_user(request.user).select_related("channel")
    credit = get_object_or_404(rows, code=code)
    context: dict[str, Any] = {"problems": {}, "seen": None, "changed": False}
    if request.method == "POST":
        if not request.user.has_perm(GIVE):
            raise Refusal("not_allowed", "Your role can't change store credit.", status=403)
        try:
            why, seen = why_of(request), _seen(request, credit)
            if request.POST.get("sum") == shown(seen):
                return _entered(request, credit, seen, why)
            context |= {"seen": seen, "changed": bool(request.POST.get("sum"))}
        except Invalid as invalid:
            context["problems"] = {p.path: p.message for p in invalid.problems}
        except Refusal as refusal:
            context["problems"] = {"": refusal.message}
    entries = StoreCreditEntry.objects.filter(credit=credit).select_related("order").order_by("-pk")
    context |= {
        "credit": credit, "masked": formats.masked_address(credit.holder), "entries": list(entries[:SHOWN]),
        "said": request.POST, "shown": shown,
        "key": request.POST.get("key") or str(uuid4()), "events": timeline.of(credit.subject), "words": timeline.words,
        "asked": agreeing.waiting(by_hand.CREDIT, "store_credit", str(credit.pk)),
    }  # fmt: skip
    status = 422 if context["problems"] else 200
    return htmx.render(
        request, "orders/store_credit.html", context, fragment="orders/_store_credit.html", status=status
    )


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(GIVE, raise_exception=True)
def new(request: HttpRequest) -> HttpResponse:
    """GET, POST /finance/store-credit/new: an empty one, for a customer or as a card."""
    channels = Channel.objects.for_user(request.user).filter(active=True)
    values = {
        name: request.POST.get(name, "").replace("\0", "").strip() for name in ("kind", "channel", "holder", "currency")
    }
    context: dict[str, Any] = {
        "values": values, "problems": {}, "kinds": CreditKind.choices,
        "channels": list(channels.values_list("code", "name")),
    }  # fmt: skip
    if request.method == "POST":
        context["problems"] = problems = _wrong(values, channels)
        if not problems:
            return _opened(request, values, channels.get(code=values["channel"]))
    status = 422 if context["problems"] else 200
    return htmx.render(
        request, "orders/store_credit_new.html", context, fragment="orders/_store_credit_new.html", status=status
    )


def _wrong(values: dict[str, str], channels: Any) -> dict[str, str]:
    problems = {}
    if values["kind"] not in CreditKind.values:
        problems["kind"] = "Choose one of those offered."
    if not channels.filter(code=values["channel"]).exists():
        problems["channel"] = "Choose the channel it can be spent at."
    if not currencies.is_known(values["currency"].upper()):
        problems["currency"] = "The currency has to be three letters, such as GBP."
    if values["kind"] == CreditKind.CREDIT:
        try:
            validate_email(values["holder"])
        except ValidationError:
            problems["holder"] = "The customer has to be named by an e-mail address."
    return problems


def _opened(request: HttpRequest, values: dict[str, str], channel: Channel) -> HttpResponse:
    currency = values["currency"].upper()
    if values["kind"] == CreditKind.CREDIT:
        with transaction.atomic():
            made = store_credit.of_customer(channel, values["holder"], currency)
    else:
        made = store_credit.open_card(channel, currency)
    return htmx.redirect(request, reverse("orders:store_credit", args=[made.code]))


def _seen(request: HttpRequest, credit: StoreCredit) -> Seen:
    amount, problems = amounts.read(request.POST.get("amount", ""), credit.currency, field="amount")
    if amount is None:
        raise Invalid(problems or [Problem("amount", "missing", "Say how much.")], status=422)
    verb = request.POST.get("verb", "give")
    if verb not in {"give", "take"}:
        raise Invalid([Problem("verb", "unknown", "Choose whether it is given or taken.")], status=422)
    return by_hand.look_at_credit(credit, amount if verb == "give" else -amount)


def _entered(request: HttpRequest, credit: StoreCredit, seen: Seen, why: str) -> HttpResponse:
    asked = by_hand.enter(credit, seen, key=key_of(request), why=why, actor=actors.person(request.user))
    if asked:
        htmx.toast(request, f"{credit.code}: it waits for somebody else's word")
        return htmx.redirect(request, reverse("exceptions:approval", args=[asked.pk]))
    htmx.toast(request, f"{credit.code} is changed")
    return htmx.redirect(request, reverse("orders:store_credit", args=[credit.code]))
