"""The case of a feed that can't be read: what the other side has, nobody here hears of."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.timezone import localtime

from core.actors import Actor
from core.subjects import Subject
from exceptions import reasons
from exceptions.reasons import Action, Column, Context, Evidence, Opening, Reason, Row
from integrations.channels import polling
from integrations.evidence import latest_calls
from integrations.models import Connection, FeedState

FAILURES, LONG = 3, timedelta(minutes=30)


def _behind() -> QuerySet[FeedState]:
    """Feeds that failed several times in a row and weren't read to their end for long."""
    rows = FeedState.objects.filter(active=True, connection__status=Connection.Status.ACTIVE, failures__gte=FAILURES)
    return rows.filter(Q(ok_at=None) | Q(ok_at__lt=timezone.now() - LONG))


def _find(uid: str) -> FeedState | None:
    return FeedState.objects.select_related("connection").filter(pk=int(uid)).first() if uid.isdigit() else None


def _is_behind(uid: str) -> bool:
    return _behind().filter(pk=int(uid)).exists()


def _standing() -> Iterable[str]:
    return [str(pk) for pk in _behind().values_list("pk", flat=True)]


def _describe(uid: str) -> Opening | None:
    found = _find(uid)
    if found is None:
        return None
    label = f"{found.connection.name}: {found.name}"
    return Opening(label=label, summary=found.last_error[:200] or "It can't be read.", started_at=found.ok_at)


def _when(moment: datetime | None) -> str:
    return f"{localtime(moment):%d %b %H:%M}" if moment else "never"


def _standing_of(found: FeedState) -> tuple[str, ...]:
    times = [_when(moment) for moment in (found.ok_at, found.asked_at)]
    return (*times, str(found.failures), _when(found.next_at), found.last_error[:200])


def _evidence(uid: str) -> list[Evidence]:
    found = _find(uid)
    if found is None:
        return []
    return [
        Evidence(
            "How far it was read",
            ("Read to its end", "Asked", Column("Failures in a row", numeric=True), "Next try", "What went wrong"),
            [Row(_standing_of(found), hot=found.failures > 0)],
        ),
        latest_calls(found.connection_id),
    ]


def _context(uid: str) -> Context | None:
    found = _find(uid)
    if found is None:
        return None
    connection = found.connection
    facts = [("Vendor", connection.vendor), ("Feed", found.name), ("Status", connection.get_status_display())]
    return Context(connection.name, Subject("connection", str(connection.pk), connection.name), facts)


def _read_on(uid: str, *, actor: Actor) -> str:
    found = FeedState.objects.get(pk=int(uid))
    polling.restart(found, found.cursor)
    return "It is asked again within seconds, from where it was left."


FEED_BEHIND = Reason(
    code="integrations.feed_behind",
    weightless="What nobody heard of can't be counted before it is read.",
    title="A feed can't be read",
    queue="integration",
    subject_kind="feed",
    icon="cloud-off",
    severity=reasons.HIGH,
    acknowledge_minutes=30,
    resolve_minutes=4 * 60,
    business_time=False,
    description="Orders or changes that only this feed brings are not heard of. It goes on from where it was left.",
    clears="It is read to its end again.",
    predicate=_is_behind,
    evidence=_evidence,
    context=_context,
    standing=_standing,
    describe=_describe,
    actions=(
        Action(
            "read_on",
            "Read it now",
            "For when its cause is mended: a new token, a setting.",
            permission="integrations.pause_connection",
            run=_read_on,
            lasting="What was read can't be unread; it changes nothing twice.",
            preview=lambda uid: [("Feed", "is asked again at once"), ("From", "where it was left")],
            primary=True,
        ),
    ),
)
