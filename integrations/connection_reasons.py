"""The case of an outside system that does not answer. What waits because of it is its symptom."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.timezone import localtime

from core.actors import Actor
from core.subjects import Subject
from exceptions import reasons
from exceptions.reasons import Action, Column, Context, Evidence, Opening, Reason, Row
from integrations import breaker
from integrations.evidence import latest_calls
from integrations.models import Breaker, Connection

LONG = timedelta(minutes=5)  # a breaker that closes sooner was a hiccup


def _down(uid: str) -> bool:
    return _broken().filter(connection=UUID(uid)).exists()


def _broken() -> QuerySet[Breaker]:
    rows = Breaker.objects.exclude(state=Breaker.State.CLOSED)
    return rows.filter(opened_at__lt=timezone.now() - LONG, connection__status=Connection.Status.ACTIVE)


def _standing() -> Iterable[str]:
    return [str(pk) for pk in _broken().values_list("connection", flat=True)]


def _describe(uid: str) -> Opening | None:
    row = Breaker.objects.select_related("connection").filter(connection=UUID(uid)).first()
    if row is None:
        return None
    said = row.reason or "It does not answer."
    return Opening(label=row.connection.name, summary=said[:200], started_at=row.opened_at)


def _evidence(uid: str) -> list[Evidence]:
    row = Breaker.objects.select_related("connection").filter(connection=UUID(uid)).first()
    if row is None or row.state == Breaker.State.CLOSED:
        return [Evidence("It answers again", (), ())]
    since = f"{localtime(row.opened_at):%d %b %H:%M}" if row.opened_at else "a moment ago"
    probe = f"{localtime(row.next_probe_at):%H:%M:%S}" if row.next_probe_at else "now"
    return [
        Evidence(
            f"No calls since {since}",
            ("State", Column("Failures", numeric=True), Column("Of calls", numeric=True), "Next try", "What it said"),
            [Row((row.get_state_display(), str(row.failures), str(row.calls), probe, row.reason[:200]), hot=True)],
        ),
        latest_calls(UUID(uid)),
    ]


def _context(uid: str) -> Context | None:
    found = Connection.objects.filter(pk=uid).first()
    if found is None:
        return None
    facts = [("Vendor", found.vendor), ("Kind", found.get_kind_display()), ("Status", found.get_status_display())]
    return Context(found.name, Subject("connection", str(found.pk), found.name), facts)


def _try_now(uid: str, *, actor: Actor) -> str:
    breaker.reset(Connection.objects.get(pk=uid).pk)
    return "The next call goes out at once. If it fails like the others, calls stop again."


CONNECTION_DOWN = Reason(
    code="integrations.connection_down",
    weightless="What waits because of it are its symptoms; each weighs by itself.",
    title="An outside system doesn't answer",
    queue="integration",
    subject_kind="connection",
    icon="cloud-off",
    severity=reasons.HIGH,
    acknowledge_minutes=15,
    resolve_minutes=4 * 60,
    business_time=False,
    description="Calls to it failed so often that no more are made for now. What should go out waits, nothing is lost.",
    clears="A call succeeds again.",
    predicate=_down,
    evidence=_evidence,
    context=_context,
    standing=_standing,
    describe=_describe,
    actions=(
        Action(
            "try_now",
            "Try it now",
            "For when you know that the other side is back.",
            permission="integrations.pause_connection",
            run=_try_now,
            lasting="A call that went out can't be called back; pause the connection to stop the next.",
            preview=lambda uid: [("Calls", "go out again at once"), ("If they fail", "they stop again by themselves")],
            primary=True,
        ),
    ),
)
