"""The service desk: a return asked for on an order, shown what the policy says, and decided."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import actors, htmx, typed
from core.errors import Invalid, Refusal
from core.ids import uuid7
from orders.labels import Sheet
from orders.models import LabelStatus, Order
from orders.shipping_address import lines_of
from returns.models import ReturnKind, ReturnLabel
from returns.services import labels, requests
from returns.services.asking import Asked
from returns.views import asked, lists
from returns.views.lists import SEE, context_of, find

ASK, DECIDE, OVERRULE = "returns.request_return", "returns.approve_return", "returns.override_return"


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(ASK, raise_exception=True)
def new(request: HttpRequest, number: str) -> HttpResponse:
    """GET, POST /returns/new/<order>: which units come back; taken in where the form says so."""
    order = _order(request, number)
    problems: dict[str, str] = {}
    if request.method == "POST":
        try:
            rma = requests.request(_asked(request, order), actor=actors.person(request.user))
        except Invalid as invalid:
            problems = {problem.path: problem.message for problem in invalid.problems}
        else:
            htmx.toast(
                request, f"{rma.number} is {'approved' if rma.approved_at else rma.get_status_display().lower()}"
            )
            return htmx.redirect(request, reverse("returns:detail", args=[rma.number]))
    context = {
        "order": order,
        "lines": asked.returnable(order),
        "reasons": asked.REASONS,
        "conditions": asked.CONDITIONS,
        "ways": asked.WAYS,
        "given": request.POST,
        "uid": request.POST.get("uid") or uuid7(),
        "problems": problems,
    }
    return htmx.render(
        request, "returns/new.html", context, fragment="returns/_new.html", status=422 if problems else 200
    )


@require_POST
@permission_required(ASK, raise_exception=True)
def preview(request: HttpRequest, number: str) -> HttpResponse:
    """POST /returns/new/<order>/preview: what the policy would say, and why. Changes nothing."""
    order = _order(request, number)
    context: dict[str, Any] = {"order": order, "judged": None, "problem": ""}
    try:
        context["judged"] = requests.validate(_asked(request, order))
    except Invalid as invalid:
        context["problem"] = invalid.message
    return htmx.part(request, "returns/_judged.html", context)


@require_POST
@permission_required(DECIDE, raise_exception=True)
def act(request: HttpRequest, number: str, verb: str) -> HttpResponse:
    """POST /returns/<number>/<approve|decline|cancel|label>: one step, on the version the person saw."""
    rma = find(request, number)
    actor = actors.person(request.user)
    why, version = typed.words(request, "reason", 255), typed.version(request)
    if verb == "approve":
        override = typed.words(request, "override", 255)
        if override and not request.user.has_perm(OVERRULE):
            raise Refusal("not_allowed", "You may not approve what the policy denies.", status=403)
        place = typed.words(request, "location", 12)
        location = int(place) if place.isascii() and place.isdigit() else None
        requests.approve(
            rma.pk, version=version, location_id=location, override=override,
            refund_plan=typed.words(request, "plan", 12), refund_to=typed.words(request, "to", 12),
            fee=asked.amount(request, "fee", "The fee for the way back", rma.currency), actor=actor,
        )  # fmt: skip
    elif verb in {"decline", "cancel"} and not why:
        raise Invalid([asked.Problem("reason", "missing", "Why?")], status=422)
    elif verb == "decline":
        requests.decline(rma.pk, reason=why, version=version, actor=actor)
    elif verb == "cancel":
        requests.cancel(rma.pk, reason=why, version=version, actor=actor)
    elif verb == "label":
        labels.want(rma.pk, service=typed.words(request, "service", 60), version=version, actor=actor)
    else:
        raise Refusal("not_found", "There is no such step.", status=404)
    return _fresh(request, number)


@require_POST
@permission_required(DECIDE, raise_exception=True)
def void_label(request: HttpRequest, label_id: int) -> HttpResponse:
    """POST /returns/labels/<id>/void: give the label back."""
    label = _label(request, label_id)
    labels.void(label.pk, reason=typed.words(request, "reason"), actor=actors.person(request.user))
    return _fresh(request, label.request.number)


@require_safe
@permission_required(SEE, raise_exception=True)
def print_label(request: HttpRequest, label_id: int) -> HttpResponse:
    """GET /returns/labels/<id>: the label on A6 where it is made here; the carrier's own file otherwise."""
    label = _label(request, label_id)
    if label.status != LabelStatus.BOUGHT or (label.service is None and not label.content):
        raise Refusal("no_label", "There is nothing to print of this label.", status=404)
    labels.printed(label.pk)
    if label.content:
        ending = {"application/pdf": "pdf", "image/png": "png"}.get(label.content_type, "bin")
        answer = HttpResponse(bytes(label.content), content_type=label.content_type)
        how = "inline" if ending in {"pdf", "png"} else "attachment"
        answer["Content-Disposition"] = f'{how}; filename="return-{label.pk}.{ending}"'
        answer["Cache-Control"] = "no-store"
        return answer
    return htmx.render(request, "returns/label.html", {"label": label, "rma": label.request, "sheet": sheet(label)})


@require_safe
@permission_required(SEE, raise_exception=True)
def receipt(request: HttpRequest, number: str) -> HttpResponse:
    """GET /returns/<number>/receipt: what the customer takes home: what came back, and how their money goes back."""
    rma = find(request, number)
    return htmx.render(request, "returns/receipt.html", context_of(request, rma))


def sheet(label: ReturnLabel) -> Sheet:
    """The words on a label of the way back: from the customer to the place; of rejected goods, the other way."""
    rma = label.request
    choice = label.choices.select_related("location").first() if label.to_customer else None
    place = choice.location if choice else rma.location
    assert place is not None  # noqa: S101  (a label is made for a place)
    here = {**(place.address or {}), "name": place.name}
    here.setdefault("country", place.country)
    customer = {"name": rma.buyer_name, **rma.sent_from}
    to, sender = (customer, here) if label.to_customer else (here, customer)
    what = "Goods sent back" if label.to_customer else "Return"
    return Sheet(
        carrier=label.carrier,
        service=f"{what}, {label.service.name}" if label.service else what,
        sender=tuple(lines_of(sender)),
        receiver=tuple(lines_of(to)),
        country=str(to.get("country") or ""),
        postcode=str(to.get("postal_code") or ""),
        sscc=label.tracking_number,
        reference=rma.number,
        parcel="Parcel 1 of 1",
        weight=f"{label.grams / 1000:.2f} kg",
        note=rma.channel.name if rma.channel else "",
    )


def _asked(request: HttpRequest, order: Order) -> Asked:
    keys = [str(pk) for pk in order.lines.values_list("pk", flat=True)]
    return Asked(
        kind=ReturnKind.SERVICE,
        order_id=order.pk,
        lines=asked.lines(request, keys),
        refund_to=typed.words(request, "to", 12) or "ORIGINAL",
        note=typed.words(request, "note", 2000),
        uid=asked.uid(request),
    )


def _order(request: HttpRequest, number: str) -> Order:
    return get_object_or_404(Order.objects.for_user(request.user).select_related("channel"), number=number)


def _label(request: HttpRequest, label_id: int) -> ReturnLabel:
    rows = ReturnLabel.objects.for_user(request.user).select_related("service", "request__location", "request__channel")
    return get_object_or_404(rows, pk=label_id)


def _fresh(request: HttpRequest, number: str) -> HttpResponse:
    if not htmx.asked(request):
        return htmx.redirect(request, reverse("returns:detail", args=[number]))
    return htmx.part(request, "returns/_detail.html", context_of(request, lists.find(request, number)))
