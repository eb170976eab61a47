"""What goes wrong when carriers are called: nobody comes, nobody can be booked, nobody said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import Count, Min, QuerySet, Sum

from core.actors import Actor
from core.subjects import Subject
from exceptions import reasons
from exceptions.reasons import Action, Cell, Column, Context, Evidence, Impact, Opening, Reason, Row
from orders.models import CalledParcel, FulfilmentOrder, VanCall
from orders.models import VanCallStatus as V
from orders.reasons import shared
from orders.services import van_answers, van_calls


def _find(uid: str) -> VanCall | None:
    return VanCall.objects.select_related("location__site").filter(pk=uid).first()


def _parcels_wait(uid: str) -> bool:
    call = _find(uid)
    if call is None or call.status != V.FAILED:
        return False
    return van_calls.uncalled(call.location_id, carrier=call.carrier, connection=call.connection).exists()


def _context(uid: str) -> Context | None:
    call = _find(uid)
    if call is None:
        return None
    window = f"{call.since:%d %b %H:%M} to {call.until:%H:%M} UTC"
    return Context(
        title=f"{call.carrier} at {call.location.name}",
        subject=call.subject,
        facts=(
            ("Between", window), ("State", call.get_status_display()), ("Its number", call.confirmation or "none"),
            ("Said", call.words or "nothing"),
        ),
    )  # fmt: skip


def _describe(uid: str) -> Opening | None:
    call = _find(uid)
    if call is None:
        return None
    words = f"{call.carrier} at {call.location.name}, {call.since:%d %b %H:%M} UTC"
    return Opening(label=call.number, summary=words, site_id=call.location.site_id)


def _left(uid: str) -> Evidence:
    rows = van_answers.left_of(int(uid)).select_related("order").annotate(parcels=Count("packages")).order_by("number")
    return Evidence(
        heading="Packed, labelled, and not fetched",
        columns=("Work", "Order", Column("Parcels", numeric=True), "Promised by"),
        rows=[
            Row(
                (
                    Cell(job.number, Subject("fulfilment", str(job.pk), job.number), code=True),
                    Cell(job.order.number, Subject("order", str(job.order_id), job.order.number), code=True),
                    str(job.parcels),
                    f"{job.order.promise_by:%d %b %H:%M} UTC" if job.order.promise_by else "no day",
                ),
                hot=True,
            )
            for job in rows[:50]
        ],
    )


def _said(uid: str) -> list[Evidence]:
    call = _find(uid)
    if call is None:
        return []
    rows: list[Row | list[Cell | str]] = [
        ["Called", f"{call.created_at:%d %b %H:%M} UTC by {call.created_by}"],
        ["To come", f"{call.since:%d %b %H:%M} to {call.until:%H:%M} UTC"],
        Row(["The carrier said", call.words or call.confirmation or "nothing"], hot=True),
    ]
    return [Evidence(f"{call.number} is {call.get_status_display().lower()}", ("About", "It says"), rows)]


def _came(uid: str, *, actor: Actor) -> str:
    call = van_calls.came(int(uid), actor=actor)
    return f"{call.number}: fetched. What it took is sent."


def _missed(uid: str, *, actor: Actor) -> str:
    call = van_calls.missed(int(uid), actor=actor)
    return f"{call.number}: it did not come. Call the next one."


def _impact(works: Callable[[str], QuerySet[FulfilmentOrder]]) -> Callable[[str], Impact]:
    """The units of this work, and the soonest promise among its orders."""

    def touched(uid: str) -> Impact:
        found = works(uid).aggregate(units=Sum("lines__quantity"), soonest=Min("order__promise_by"))
        return Impact(units=found["units"] or 0, promise_by=found["soonest"])

    return touched


def _waiting(uid: str) -> QuerySet[FulfilmentOrder]:
    call = _find(uid)
    if call is None:
        return FulfilmentOrder.objects.none()
    labels = van_calls.uncalled(call.location_id, carrier=call.carrier, connection=call.connection)
    return FulfilmentOrder.objects.filter(pk__in=labels.values("package__fulfilment"))


def _called_for(uid: str) -> QuerySet[FulfilmentOrder]:
    return FulfilmentOrder.objects.filter(
        pk__in=CalledParcel.objects.filter(call=int(uid)).values("package__fulfilment")
    )


def _standing(query: Any) -> Any:
    return shared.standing(lambda: query().order_by("pk").values_list("pk", flat=True))


REASONS = (
    Reason(
        code="orders.collection_missed",
        impact=_impact(lambda uid: van_answers.left_of(int(uid))),
        title="A carrier did not fetch its parcels",
        queue="warehouse",
        subject_kind="van_call",
        icon="truck",
        severity=reasons.HIGH,
        acknowledge_minutes=30,
        resolve_minutes=3 * 60,
        description="The van that was booked did not come, or left parcels. Their customers were promised anew.",
        clears="when each is on a van, called for again or was cancelled",
        predicate=lambda uid: van_answers.left_of(int(uid)).exists(),
        evidence=_left,
        context=_context,
        describe=_describe,
    ),
    Reason(
        code="orders.collection_not_booked",
        impact=_impact(_waiting),
        title="A carrier can't be called",
        queue="warehouse",
        subject_kind="van_call",
        icon="truck",
        severity=reasons.HIGH,
        acknowledge_minutes=30,
        resolve_minutes=2 * 60,
        description="The carrier's account refused the collection.",
        clears="when nothing waits for that carrier there any more, or another van is called",
        predicate=_parcels_wait,
        evidence=_said,
        context=_context,
        describe=_describe,
    ),
    Reason(
        code="orders.collection_unanswered",
        impact=_impact(_called_for),
        title="Did the carrier come?",
        queue="warehouse",
        subject_kind="van_call",
        icon="truck",
        acknowledge_minutes=60,
        resolve_minutes=4 * 60,
        description="The time of a collection has been over for an hour, and nobody said whether it was made.",
        clears="when somebody says so",
        predicate=lambda uid: van_answers.unanswered().filter(pk=uid).exists(),
        evidence=_said,
        context=_context,
        standing=_standing(van_answers.unanswered),
        describe=_describe,
        actions=(
            Action(
                code="came", title="It came", detail="What it took whole is sent: stock, channel and books hear of it.",
                permission="orders.book_vancall", run=_came, rehearsed=True, primary=True,
                lasting="The parcels are on their way, and channel, customer and books were told.",
            ),
            Action(
                code="missed", title="It did not come", detail="Whoever waits for a parcel is promised it anew.",
                permission="orders.book_vancall", run=_missed, rehearsed=True,
                lasting="Customers were promised anew; another van can be called for what is left.",
            ),
        ),
    ),
)  # fmt: skip
