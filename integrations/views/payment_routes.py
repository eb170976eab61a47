"""Which tender goes through which connection: a channel's money, gateway by gateway."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from core import actors, htmx, timeline
from core.errors import Invalid, Problem, Refusal
from integrations.models import Connection
from integrations.payments import registry
from orders.models import Channel, PaymentRoute, Via
from orders.services import routes
from orders.services.routes import Draft

SEE, CHANGE = "orders.view_paymentroute", "orders.change_paymentroute"
TICKS = ("capture_on_ship", "void_on_cancel")
NUMBERS = ("holds_days", "warn_hours")


@require_safe
@permission_required(SEE, raise_exception=True)
def listed(request: HttpRequest) -> HttpResponse:
    """GET /finance/payment-routes/: every route of one's channels, and ways customers pay that have none."""
    channels = Channel.objects.for_user(request.user)
    rows = PaymentRoute.objects.for_user(request.user).select_related("channel").order_by("channel__name", "gateway")
    names = dict(channels.values_list("pk", "name"))
    codes = dict(channels.values_list("pk", "code"))
    context = {
        "routes": list(rows),
        "accounts": {row.code: row for row in _accounts()},
        "unrouted": [(codes[c], names[c], gateway, n) for c, gateway, n in routes.unrouted(list(names))],
    }
    return htmx.render(request, "integrations/payment_routes.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(CHANGE, raise_exception=True)
def new(request: HttpRequest) -> HttpResponse:
    """GET, POST /finance/payment-routes/new: the form, or again (422) with what is wrong."""
    return _form(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(CHANGE, raise_exception=True)
def one(request: HttpRequest, pk: int) -> HttpResponse:
    """GET, POST /finance/payment-routes/<id>: the first POST shows whom it concerns, the second (`sure`) changes it."""
    rows = PaymentRoute.objects.for_user(request.user).select_related("channel")
    return _form(request, get_object_or_404(rows, pk=pk))


def _form(request: HttpRequest, found: PaymentRoute | None) -> HttpResponse:
    channels = Channel.objects.for_user(request.user)
    values = _values(request, found)
    context: dict[str, Any] = {
        "route": found, "values": values, "problems": {}, "concerns": None,
        "ways": [(way.value, way.label) for way in routes.WAYS],
        "channels": list(channels.values_list("code", "name")),
        "accounts": [("", "None")] + [(row.code, f"{row.name} ({row.vendor})") for row in _accounts()],
        "was": request.POST.get("was") or (routes.stamp(found) if found else ""),
        "events": timeline.of(routes.subject(found)) if found else [], "words": timeline.words,
    }  # fmt: skip
    if request.method == "POST":
        try:
            channel = found.channel if found else channels.filter(code=values["channel"]).first()
            if channel is None:
                raise Invalid([Problem("channel", "unknown", "Choose one of those offered.")], status=422)
            draft = _draft(values)
            routes.check(draft)
            if request.POST.get("sure"):
                return _kept(request, channel, draft, found, context["was"])
            context["concerns"] = routes.open_orders(channel, draft.gateway)
        except Invalid as invalid:
            context["problems"] = {p.path: p.message for p in invalid.problems}
        except Refusal as refusal:
            context["problems"] = {"": refusal.message}
    status = 422 if context["problems"] else 200
    return htmx.render(
        request, "integrations/payment_route.html", context, fragment="integrations/_payment_route.html", status=status
    )


def _kept(request: HttpRequest, channel: Channel, draft: Draft, found: PaymentRoute | None, was: str) -> HttpResponse:
    actor = actors.person(request.user)
    routes.keep(channel, draft, route_id=found.pk if found else None, was=was, actor=actor)
    htmx.toast(request, f"{channel.name}: the route is kept")
    return htmx.redirect(request, reverse("integrations:payment_routes"))


def _values(request: HttpRequest, found: PaymentRoute | None) -> dict[str, Any]:
    if request.method == "POST":
        names = ("channel", "gateway", "via", "connection", *NUMBERS)
        said = {name: request.POST.get(name, "").replace("\0", "").strip()[:255] for name in names}
        return said | {name: bool(request.POST.get(name)) for name in TICKS}
    if found is not None:
        kept = ("gateway", "via", "connection", *NUMBERS, *TICKS)
        return {name: getattr(found, name) for name in kept} | {"channel": found.channel.code}
    asked = {name: request.GET.get(name, "")[:255] for name in ("channel", "gateway")}
    return asked | {"via": "CHANNEL", "connection": "", "holds_days": 7, "warn_hours": 48} | dict.fromkeys(TICKS, False)


def _draft(values: dict[str, Any]) -> Draft:
    problems = []
    numbers = {}
    for name, what in zip(NUMBERS, ("days an authorisation lasts", "hours before its end"), strict=True):
        text = str(values[name])
        if text.isascii() and text.isdigit() and len(text) < 5:
            numbers[name] = int(text)
        else:
            problems.append(Problem(name, "number", f"The {what} have to be a whole number."))
    connection = str(values["connection"]) if values["via"] == Via.PROVIDER else ""
    if connection and registry.connection_for(connection) is None:
        problems.append(Problem("connection", "unknown", "There is no payment account of that code."))
    if problems:
        raise Invalid(problems, status=422)
    return Draft(
        gateway=str(values["gateway"]), via=str(values["via"]), connection=connection,
        capture_on_ship=bool(values["capture_on_ship"]), void_on_cancel=bool(values["void_on_cancel"]), **numbers,
    )  # fmt: skip


def _accounts() -> Any:
    rows = Connection.objects.filter(kind=Connection.Kind.PAYMENT, vendor__in=list(registry.VENDORS))
    return rows.exclude(status=Connection.Status.DISABLED).order_by("name")
