"""What customers are told: the templates, their preview, and the messages of one order."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import actors, htmx, tabs, typed
from core.errors import Invalid, Refusal
from orders import message_words
from orders.message_words import SAMPLE, TELLABLE, BadTemplate
from orders.models import Channel, CustomerMessage, Medium, MessageTemplate, Order, TemplateStatus
from orders.services import messages, templates
from orders.template_filters import TemplateFilter

SEE, WRITE, PUBLISH = (
    "orders.view_messagetemplate", "orders.change_messagetemplate", "orders.publish_messagetemplate",
)  # fmt: skip
FIELDS = ("event", "channel", "language", "medium", "subject", "body")
EVENTS = [(told.event, told.title) for told in TELLABLE.values()]
VIEWS: tabs.Views = (("All", {}), ("Live", {"status": "LIVE"}), ("Drafts", {"status": "DRAFT"}))


@require_safe
@permission_required(SEE, raise_exception=True)
def listed(request: HttpRequest) -> HttpResponse:
    """GET /ops/templates/: every version, the newest first; filters and page in the address."""
    rows = TemplateFilter(request.GET, MessageTemplate.objects.for_user(request.user).select_related("channel")).found()
    context = {
        "page": htmx.keyset_page(rows, request, order=("-id",)),
        "total": htmx.capped_count(rows),
        "views": tabs.of(request, VIEWS),
        "events": EVENTS,
        "titles": dict(EVENTS),
        "media": Medium.choices,
        "channels": _channels(request),
        "narrowed": any(request.GET.get(name) for name in TemplateFilter.base_filters),
    }
    return htmx.render(request, "orders/templates.html", context, fragment="orders/_templates.html")


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(WRITE, raise_exception=True)
def new(request: HttpRequest) -> HttpResponse:
    """GET, POST /ops/templates/new: a draft, from nothing or `?from=` an earlier version."""
    values = _beginning(request) if request.method != "POST" else _given(request)
    problems: dict[str, str] = {}
    if request.method == "POST":
        try:
            made = templates.draft(
                values["event"],
                channel_id=_channel_id(request, values["channel"]),
                language=values["language"],
                medium=values["medium"],
                subject=values["subject"],
                body=values["body"],
                actor=actors.person(request.user),
            )
        except Invalid as invalid:
            problems = {problem.path: problem.message for problem in invalid.problems}
        else:
            htmx.toast(request, "Drafted")
            return htmx.redirect(request, reverse("orders:template", args=[made.pk]))
    context = _form(request, values, problems) | {"row": None}
    status = 422 if problems else 200
    return htmx.render(request, "orders/template.html", context, fragment="orders/_template_form.html", status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(SEE, raise_exception=True)
def template(request: HttpRequest, pk: int) -> HttpResponse:
    """GET, POST /ops/templates/<id>: one version: read, edited while it is a draft."""
    row = _find(request, pk)
    problems: dict[str, str] = {}
    values = {name: getattr(row, name) for name in ("event", "language", "medium", "subject", "body")}
    values["channel"] = row.channel.code if row.channel else ""
    if request.method == "POST":
        if not request.user.has_perm(WRITE):
            raise Refusal("not_allowed", "Your role can't write templates.", status=403)
        values |= {name: _given(request)[name] for name in ("subject", "body")}
        try:
            templates.edit(
                pk, subject=values["subject"], body=values["body"], version=typed.version(request),
                actor=actors.person(request.user),
            )  # fmt: skip
        except Invalid as invalid:
            problems = {problem.path: problem.message for problem in invalid.problems}
        else:
            htmx.toast(request, "Saved")
            return htmx.redirect(request, reverse("orders:template", args=[pk]))
    context = _form(request, values, problems) | {"row": row, "family": _family(request, row)}
    status = 422 if problems else 200
    return htmx.render(request, "orders/template.html", context, fragment="orders/_template_form.html", status=status)


@require_POST
@permission_required(SEE, raise_exception=True)
def preview(request: HttpRequest) -> HttpResponse:
    """POST /ops/templates/preview: what a customer would read, with made-up facts."""
    values = _given(request)
    shown: dict[str, Any] = {"problem": ""}
    for name in ("subject", "body"):
        try:
            text = message_words.render(values[name][: message_words.MAX_SOURCE], SAMPLE)
        except BadTemplate as bad:
            shown["problem"] = f"{name.capitalize()}: {bad}"
            break
        shown[name] = message_words.header(text) if name == "subject" else text
    return htmx.part(request, "orders/_template_preview.html", shown | {"medium": values["medium"]})


@require_POST
@permission_required(PUBLISH, raise_exception=True)
def move(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """POST /ops/templates/<id>/<verb>: publish or retire."""
    row = _find(request, pk)
    steps = {"publish": (templates.publish, "is live"), "retire": (templates.retire, "is retired")}
    if verb not in steps:
        raise Refusal("unknown_action", "There is no such step.", status=404)
    step, said = steps[verb]
    step(row.pk, version=typed.version(request), actor=actors.person(request.user))
    htmx.toast(request, f"Version {row.number} {said}")
    return htmx.redirect(request, reverse("orders:template", args=[pk]))


@require_safe
@permission_required("orders.view_order", raise_exception=True)
def of_order(request: HttpRequest, number: str) -> HttpResponse:
    """GET /orders/<number>/messages: the panel on the order's page."""
    found = get_object_or_404(Order.objects.for_user(request.user), number=number)
    return htmx.part(request, "orders/_order_messages.html", _messages(found))


@require_POST
@permission_required("orders.change_order", raise_exception=True)
def send_again(request: HttpRequest, number: str, pk: int) -> HttpResponse:
    """POST /orders/<number>/messages/<id>/again: try one that could not be sent."""
    found = get_object_or_404(Order.objects.for_user(request.user), number=number)
    message = get_object_or_404(CustomerMessage.objects.for_user(request.user), pk=pk, order=found)
    messages.send_again(message.pk, actor=actors.person(request.user))
    htmx.toast(request, "The message is on its way again")
    return htmx.part(request, "orders/_order_messages.html", _messages(found))


def _messages(found: Order) -> dict[str, Any]:
    rows = list(CustomerMessage.objects.filter(order=found).order_by("-id")[:50])
    return {"order": found, "rows": rows, "titles": dict(EVENTS)}


def _find(request: HttpRequest, pk: int) -> MessageTemplate:
    found: MessageTemplate = get_object_or_404(
        MessageTemplate.objects.for_user(request.user).select_related("channel"), pk=pk
    )
    return found


def _family(request: HttpRequest, row: MessageTemplate) -> list[MessageTemplate]:
    rows = MessageTemplate.objects.for_user(request.user).filter(
        event=row.event, channel=row.channel, language=row.language, medium=row.medium
    )
    return list(rows.order_by("-number")[:20])


def _form(request: HttpRequest, values: dict[str, str], problems: dict[str, str]) -> dict[str, Any]:
    return {
        "values": values,
        "problems": problems,
        "events": EVENTS,
        "titles": dict(EVENTS),
        "media": Medium.choices,
        "channels": [("", "Every channel"), *_channels(request)],
        "sample": SAMPLE,
        "draft": TemplateStatus.DRAFT,
    }


def _given(request: HttpRequest) -> dict[str, str]:
    return {name: request.POST.get(name, "").replace("\r\n", "\n").replace("\x00", "") for name in FIELDS}


def _beginning(request: HttpRequest) -> dict[str, str]:
    values = {name: request.GET.get(name, "") for name in FIELDS} | {"subject": "", "body": ""}
    values["language"] = values["language"] or "en"
    wanted = typed.whole(request.GET.get("from", ""))
    if wanted is not None:
        row = _find(request, wanted)
        values = {name: getattr(row, name) for name in ("event", "language", "medium", "subject", "body")}
        values["channel"] = row.channel.code if row.channel else ""
    return values


def _channels(request: HttpRequest) -> list[tuple[str, str]]:
    return list(Channel.objects.for_user(request.user).order_by("name").values_list("code", "name"))


def _channel_id(request: HttpRequest, code: str) -> int | None:
    if not code:
        return None
    return int(get_object_or_404(Channel.objects.for_user(request.user), code=code).pk)
