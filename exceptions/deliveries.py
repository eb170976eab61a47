"""The case every delivery becomes that ran out of attempts."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.timezone import localtime

from core import actors, outbox
from core.actors import Actor
from core.errors import Refusal
from core.events import Fact
from core.models import Delivery, Event
from core.models.events import DeliveryStatus
from core.subjects import Subject
from exceptions import reasons
from exceptions.models import ActionRun
from exceptions.reasons import Action, Cell, Column, Context, Evidence, Opening, Reason, Row
from exceptions.services import opening

CODE = "core.delivery_dead"


def open_case(event: Fact) -> None:
    """Hear of a death and open its case, unless it has been replayed meanwhile."""
    if is_dead(event.subject.uid):
        said = str(event.data.get("error", ""))
        opening.open_(CODE, event.subject, summary=_summary(event.subject.label, said), actor=actors.SYSTEM)


def is_dead(uid: str) -> bool:
    return Delivery.objects.filter(pk=uid, status=DeliveryStatus.DEAD).exists()


def _summary(handler: str, error: str) -> str:
    first = error.splitlines()[0] if error else "No attempt succeeded"
    return f"{handler}: {first}"


def _standing() -> Iterable[str]:
    dead = Delivery.objects.filter(status=DeliveryStatus.DEAD).exclude(event__type=outbox.DEAD)
    return [str(pk) for pk in dead.order_by("-pk").values_list("pk", flat=True)[:1_000]]


def _describe(uid: str) -> Opening | None:
    row = Delivery.objects.filter(pk=uid).first()
    return Opening(label=row.handler, summary=_summary(row.handler, row.last_error)) if row else None


def _evidence(uid: str) -> Evidence:
    row = Delivery.objects.select_related("event").filter(pk=uid).first()
    if row is None:
        return Evidence("The delivery is gone", (), ())
    waiting = Delivery.objects.filter(lane=row.lane, seq__gt=row.seq, status=DeliveryStatus.PENDING).order_by("seq")[
        :10
    ]
    ended = localtime(row.finished_at).strftime("%d %b %H:%M") if row.finished_at else ""
    said = row.last_error.splitlines()[0][:200] if row.last_error else ""
    rows = [Row((Cell(row.event.type), Cell(row.handler, code=True), str(row.attempts), ended, said), hot=True)]
    events = Event.objects.in_bulk([later.event_id for later in waiting])
    rows += [
        Row(
            (
                Cell(events[later.event_id].type),
                Cell(later.handler, code=True),
                str(later.attempts),
                "",
                "Waits behind it",
            )
        )
        for later in waiting
    ]
    columns = (
        Column("Fact"),
        Column("Handler"),
        Column("Attempts", numeric=True),
        Column("Gave up"),
        Column("What it said"),
    )
    return Evidence(f"{row.handler} gave up after {row.attempts} attempts", columns, rows)


def _context(uid: str) -> Context | None:
    event = Event.objects.filter(deliveries__pk=uid).first()
    if event is None:
        return None
    subject = Subject(event.subject_kind, event.subject_uid, event.subject_label)
    happened = localtime(event.occurred_at).strftime("%d %b %Y %H:%M:%S")
    return Context("Fact", subject, (("Type", event.type), ("Happened", happened), ("By", event.actor_label)))


def _replay(uid: str, *, actor: Actor) -> str:
    outbox.replay([int(uid)], actor=actor)
    return "On its way again. If it fails once more, a new case opens."


def _discard(uid: str, *, actor: Actor) -> str:
    outbox.discard(int(uid), "Given up from its case.", actor=actor)
    return "Given up for good. What waited behind it goes on."


def _try_after_all(run: ActionRun, *, actor: Actor) -> str:
    uid = int(run.case.subject_uid)
    if Delivery.objects.filter(pk=uid).values_list("status", flat=True).first() != DeliveryStatus.DISCARDED:
        raise Refusal("delivery_is_over", "It isn't given up any more.")
    outbox.replay([uid], actor=actor)
    return "On its way after all. What waited behind it may have gone before it."


def _discard_preview(uid: str) -> list[tuple[str, str]]:
    row = Delivery.objects.get(pk=uid)
    behind = Delivery.objects.filter(lane=row.lane, seq__gt=row.seq, status=DeliveryStatus.PENDING).count()
    return [("Never happens", f"{row.handler} for this fact"), ("Goes on", f"{behind} waiting behind it")]


def register() -> None:
    reasons.register(
        Reason(
            code=CODE,
            weightless="A fact did not reach its handler; what depends on that is another reason’s case.",
            title="A delivery ran out of attempts",
            queue="integration",
            subject_kind="delivery",
            icon="webhook",
            severity=reasons.HIGH,
            acknowledge_minutes=30,
            resolve_minutes=4 * 60,
            description="A fact could not be brought to a handler; later ones about the same subject wait behind it.",
            clears="The delivery is replayed or given up.",
            predicate=is_dead,
            evidence=_evidence,
            context=_context,
            standing=_standing,
            describe=_describe,
            actions=(
                Action(
                    "replay",
                    "Replay the delivery",
                    "Tries again from the first attempt; the fact keeps its id.",
                    run=_replay,
                    rehearsed=True,
                    lasting="What the handler has heard it has heard.",
                    primary=True,
                ),
                Action(
                    "discard",
                    "Give it up",
                    "The handler never hears of this fact, and what waits behind it goes on.",
                    permission="exceptions.waive_case",
                    run=_discard,
                    rehearsed=True,
                    undo=_try_after_all,
                    preview=_discard_preview,
                    confirm="Give this delivery up for good?",
                ),
            ),
        )
    )
