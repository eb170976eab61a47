"""The case a receiver becomes that Backroom had to disable."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.urls import reverse
from django.utils import timezone
from django.utils.timezone import localtime

from core.actors import Actor
from exceptions import reasons
from exceptions.models import ActionRun
from exceptions.reasons import Action, Cell, Column, Context, Evidence, Opening, Reason, Row
from integrations.models import Connection, OutboundCall, WebhookSubscription
from integrations.webhooks import replaying, subscriptions

Status = Connection.Status


def register() -> None:
    reasons.register(REASON)


def _find(uid: str) -> WebhookSubscription | None:
    return WebhookSubscription.objects.select_related("connection").filter(pk=uid).first()


def _given_up(uid: str) -> bool:
    return WebhookSubscription.objects.filter(
        pk=uid, given_up_at__isnull=False, connection__status=Status.DISABLED
    ).exists()


def _standing() -> Iterable[str]:
    rows = WebhookSubscription.objects.filter(given_up_at__isnull=False, connection__status=Status.DISABLED)
    return [str(pk) for pk in rows.values_list("pk", flat=True)]


def _describe(uid: str) -> Opening | None:
    found = _find(uid)
    if found is None:
        return None
    return Opening(label=str(found), summary=found.connection.status_reason, started_at=found.failing_since)


def _evidence(uid: str) -> list[Evidence]:
    found = _find(uid)
    if found is None:
        return []
    calls = OutboundCall.objects.filter(connection=found.connection_id).order_by("-pk")[:10]
    rows = [
        Row(
            (
                localtime(call.at).strftime("%d %b %H:%M:%S"),
                Cell(call.purpose, code=True),
                str(call.status or "none"),
                f"{call.duration_ms:,}",
                call.error[:200] or "went through",
            ),
            hot=bool(call.error),
        )
        for call in calls
    ]
    columns = (Column("At"), Column("Fact"), Column("Answer"), Column("ms", numeric=True), Column("What went wrong"))
    missed = replaying.preview(found, since=_since(found)).facts
    rest = [(f"{missed:,}", _since_words(found))]
    kept = Evidence("What it didn't get", (Column("Facts, at most", numeric=True), "Since"), rest)
    return [Evidence(found.connection.status_reason or "Disabled", columns, rows), kept]


def _since(found: WebhookSubscription) -> datetime:
    """A day before its first failure: what failed first had happened before. What it has is left out anyway."""
    began = found.failing_since or found.given_up_at or timezone.now()
    return max(found.created_at, began - timedelta(days=1))


def _since_words(found: WebhookSubscription) -> str:
    return localtime(_since(found)).strftime("%d %b %Y %H:%M")


def _context(uid: str) -> Context | None:
    found = _find(uid)
    if found is None:
        return None
    told = (("Address", found.url), ("Facts", ", ".join(found.event_types[:6])), ("Failures", str(found.failures)))
    return Context(str(found), found.subject, told)


def _enable(uid: str, *, actor: Actor) -> str:
    subscriptions.resume(int(uid), actor=actor)
    return "Enabled. What it missed is not sent again by itself."


def _stop_again(run: ActionRun, *, actor: Actor) -> str:
    subscriptions.stop_again(int(run.case.subject_uid), reason=f"Undo of {run.title}", actor=actor)
    return "Disabled again."


def _enable_and_replay(uid: str, *, actor: Actor) -> str:
    found = _find(uid)
    if found is None:
        return "It is gone."
    since = _since(found)
    subscriptions.resume(found.pk, actor=actor)
    job = replaying.start(found.pk, since=since, actor=actor)
    return f"Enabled. {job.total or 0:,} facts it missed are on their way again."


def _preview(uid: str) -> list[tuple[str, str]]:
    found = _find(uid)
    if found is None:
        return []
    seen = replaying.preview(found, since=_since(found))
    return [
        ("Enabled", str(found)),
        ("Facts sent again, at most", f"{seen.facts:,}"),
        ("Since", _since_words(found)),
        ("Takes about", f"{max(1, round(seen.minutes))} min"),
    ]


def _page(uid: str) -> str | None:
    found = _find(uid)
    return reverse("integrations:webhook", args=[found.code]) if found else None


MAY = "integrations.manage_webhook"
REASON = Reason(
    code=subscriptions.GIVEN_UP,
    weightless="Facts wait for a receiver outside; no goods, money or promise of ours do.",
    title="A webhook was disabled",
    queue="integration",
    subject_kind="webhook",
    icon="webhook",
    severity=reasons.HIGH,
    acknowledge_minutes=60,
    resolve_minutes=8 * 60,
    description="A receiver said that it is gone, or nothing went through for days. Nothing is sent to it any more.",
    clears="The webhook is enabled again, or a person disables it.",
    predicate=_given_up,
    evidence=_evidence,
    context=_context,
    standing=_standing,
    describe=_describe,
    actions=(
        Action(
            "replay",
            "Enable it and replay what it missed",
            "Facts keep their ids, so a receiver drops what it had.",
            permission=MAY,
            run=_enable_and_replay,
            lasting="Facts that were sent stay sent. Disable the webhook to stop the rest.",
            preview=_preview,
            primary=True,
        ),
        Action(
            "enable",
            "Enable it",
            permission=MAY,
            run=_enable,
            rehearsed=True,
            undo=_stop_again,
            preview=lambda uid: [("From now on", "facts are sent again"), ("What it missed", "is not sent by itself")],
        ),
        Action("open", "Open the webhook", href=_page),
    ),
)
