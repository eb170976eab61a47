"""Webhooks on screen: who hears of what, how it goes, and what may be done about it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.text import slugify
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import actors, htmx, typed
from core.errors import Invalid, Refusal
from core.models import Delivery, Site
from core.models.events import DeliveryStatus
from exceptions import reasons
from integrations.models import OutboundCall, WebhookSubscription
from integrations.webhooks import catalogue, replaying, subscriptions
from integrations.webhooks.subscriptions import Wanted
from orders.models import Channel

sees = permission_required("integrations.view_webhooksubscription", raise_exception=True)
manages = permission_required("integrations.manage_webhook", raise_exception=True)
LISTS = ("event_types", "channels", "sites", "queues")


@require_safe
@sees
def webhooks(request: HttpRequest) -> HttpResponse:
    """GET /ops/webhooks/: every receiver with its state, what waits for it and since when it fails."""
    rows: QuerySet[Any] = WebhookSubscription.objects.for_user(request.user).select_related("connection")
    page = htmx.keyset_page(rows, request, order=("code",))
    waiting = {row.handler: 0 for row in page.rows}
    pending = Delivery.objects.filter(queue=subscriptions.QUEUE, status=DeliveryStatus.PENDING, handler__in=waiting)
    for (handler,) in pending.values_list("handler")[:10_000]:
        waiting[handler] += 1
    context = {"page": page, "waiting": waiting, "total": htmx.capped_count(rows)}
    return htmx.render(request, "integrations/webhooks.html", context, fragment="integrations/_webhooks.html")


@require_safe
@sees
def webhook(request: HttpRequest, code: str) -> HttpResponse:
    """GET /ops/webhooks/<code>: what it hears, its calls, and its replays."""
    found = find(request, code)
    calls = OutboundCall.objects.filter(connection=found.connection_id)
    if asked := request.GET.get("fact", "").strip()[:64]:
        calls = calls.filter(about=asked)
    context = {
        "webhook": found,
        "page": htmx.keyset_page(calls, request, order=("-id",)),
        "total": htmx.capped_count(calls),
        "job": replaying.running(found).order_by("-pk").first(),
        "secrets": found.connection.sealed_secrets.filter(name=subscriptions.SECRET, active=True).order_by("-id"),
        "waiting": htmx.capped_count(
            Delivery.objects.filter(queue=subscriptions.QUEUE, status=DeliveryStatus.PENDING, handler=found.handler)
        ),
        "since": timezone.localtime(found.failing_since or timezone.now() - timedelta(hours=24)),
        "rate": replaying.PER_MINUTE,
        "may": request.user.has_perm("integrations.manage_webhook"),
    }
    return htmx.render(request, "integrations/webhook.html", context, fragment="integrations/_calls.html")


@require_http_methods(["GET", "POST"])
@manages
def new(request: HttpRequest) -> HttpResponse:
    """/ops/webhooks/new: the form; POST makes it and shows its secret, this once."""
    if request.method == "GET":
        return _form(request, {"payload": "FULL"}, None)
    code = slugify(request.POST.get("code") or request.POST.get("name", ""))[:40]
    try:
        if not code:
            raise Refusal("name_missing", "Give it a name with letters or digits.", status=422)
        made, secret = subscriptions.create(code, _wanted(request), actor=actors.person(request.user))
    except Refusal as refusal:
        return _form(request, request.POST, None, refusal)
    return _shown(request, made, secret)


@require_http_methods(["GET", "POST"])
@manages
def edit(request: HttpRequest, code: str) -> HttpResponse:
    """/ops/webhooks/<code>/edit."""
    found = find(request, code)
    if request.method == "GET":
        values = {name: getattr(found, name) for name in ("url", "payload", *LISTS)}
        return _form(request, {"name": found.connection.name, **values}, found)
    text = request.POST.get("v", "")
    version = typed.whole(text)
    try:
        subscriptions.change(found.pk, _wanted(request), version=version, actor=actors.person(request.user))
    except Refusal as refusal:
        return _form(request, request.POST, found, refusal)
    htmx.toast(request, f"{found} is saved")
    return htmx.redirect(request, reverse("integrations:webhook", args=[found.code]))


@require_POST
@manages
def rotate(request: HttpRequest, code: str) -> HttpResponse:
    """POST …/rotate: a new secret, shown this once; the old one signs along for so many hours."""
    found = find(request, code)
    hours = _number(request.POST.get("hours", ""), 24)
    secret = subscriptions.rotate(found.pk, overlap=timedelta(hours=hours), actor=actors.person(request.user))
    return _shown(request, found, secret)


@require_POST
@manages
def act(request: HttpRequest, code: str, verb: str) -> HttpResponse:
    """POST …/pause, resume, disable, test or again: one service call, then the page."""
    found, who = find(request, code), actors.person(request.user)
    reason = request.POST.get("reason", "")
    if verb == "pause":
        subscriptions.pause(found.pk, reason=reason, actor=who)
    elif verb == "resume":
        subscriptions.resume(found.pk, actor=who)
    elif verb == "disable":
        subscriptions.disable(found.pk, reason=reason, actor=who)
    elif verb == "test":
        subscriptions.test(found.pk, actor=who)
    else:
        replaying.one(found.pk, request.POST.get("fact", "")[:36], actor=who)
    htmx.toast(request, _SAID[verb].format(found))
    return htmx.redirect(request, reverse("integrations:webhook", args=[found.code]))


_SAID = {
    "pause": "{} is paused", "resume": "{} goes on", "disable": "{} is disabled",
    "test": "A test is on its way to {}", "again": "On its way again to {}",
}  # fmt: skip


@require_http_methods(["GET", "POST"])
@manages
def replay(request: HttpRequest, code: str) -> HttpResponse:
    """…/replay: what it would send (GET), or begin (POST) if it still is as much as was shown."""
    found = find(request, code)
    given = request.POST if request.method == "POST" else request.GET
    since = _moment(given.get("since", ""))
    rate = _number(given.get("rate", ""), replaying.PER_MINUTE)
    missed = given.get("all") != "1"
    if request.method == "GET":
        seen = replaying.preview(found, since=since, per_minute=rate, missed_only=missed)
        context = {"webhook": found, "seen": seen, "since": given.get("since"), "rate": rate, "missed": missed}
        return htmx.render(request, "integrations/webhook_replay.html", context, fragment="integrations/_replay.html")
    expected = _number(given.get("expected", ""), -1)
    job = replaying.start(
        found.pk, since=since, per_minute=rate, missed_only=missed, expected=expected, actor=actors.person(request.user)
    )
    return htmx.redirect(request, reverse("core:job", args=[job.pk]))


def find(request: HttpRequest, code: str) -> WebhookSubscription:
    rows = WebhookSubscription.objects.for_user(request.user).select_related("connection")
    found: WebhookSubscription | None = rows.filter(code=code).first()
    if found is None:
        raise Http404("There is no such webhook.")
    return found


def _form(
    request: HttpRequest, given: Any, found: WebhookSubscription | None, refusal: Refusal | None = None
) -> HttpResponse:
    lists = {name: given.getlist(name) if hasattr(given, "getlist") else given.get(name, []) for name in LISTS}
    problems: dict[str, str] = {}
    if isinstance(refusal, Invalid):
        problems = {problem.path: problem.message for problem in refusal.problems}
    elif refusal is not None:
        problems = {"": refusal.message}
    context = {
        "webhook": found,
        "values": {name: given.get(name, "") for name in ("name", "code", "url", "payload")},
        "chosen": lists,
        "problems": problems,
        "types": catalogue.every(),
        "options": {
            "channels": list(Channel.objects.order_by("code").values_list("code", "name")),
            "sites": list(Site.objects.values_list("code", "name")),
            "queues": [(team.code, team.title) for team in reasons.TEAMS.values()],
        },
        "version": refusal.facts.get("version") if refusal and "version" in refusal.facts else found and found.version,
    }
    response = htmx.render(request, "integrations/webhook_form.html", context)
    response.status_code = 200 if refusal is None else (409 if refusal.status == 409 else 422)
    return response


def _shown(request: HttpRequest, found: WebhookSubscription, secret: str) -> HttpResponse:
    """The secret, on a page nothing keeps."""
    context = {"webhook": found, "secret": secret, "both": found.connection.sealed_secrets.count() > 1}
    return htmx.render(request, "integrations/webhook_secret.html", context)


def _wanted(request: HttpRequest) -> Wanted:
    given = request.POST
    return Wanted(
        name=given.get("name", "")[:120].replace("\0", ""),
        url=given.get("url", "").strip(),
        payload=given.get("payload", "FULL"),
        **{name: given.getlist(name)[:300] for name in LISTS},
    )


def _moment(text: str) -> datetime:
    try:
        found = parse_datetime(text.strip()[:40])
    except ValueError:
        found = None
    if found is None:
        raise Refusal("bad_time", "Say since when.", status=422)
    return found if found.tzinfo else timezone.make_aware(found)


def _number(text: str, default: int) -> int:
    found = typed.whole(text, 8)
    return default if found is None else found
