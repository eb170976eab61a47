"""Who is on duty in the demo, what escalates to whom, and a desk in the middle of its day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from django.contrib.auth.models import Group
from django.utils import timezone

from core import actors
from core.models import Calendar, User
from exceptions import reasons
from exceptions.models import Case, EscalationPolicy, Queue, Rota, SlaPolicy
from exceptions.services import cases, notes, policies, rotas, timers

WEEKDAYS, ALL_DAYS = range(5), range(7)
STEPS = (
    {"clock": "acknowledge", "minutes": 0, "target": "on_duty"},
    {"clock": "resolve", "minutes": -60, "target": "on_duty", "letter": False},
    {"clock": "resolve", "minutes": 0, "target": "role"},
)


def make(say: Callable[[str], None]) -> None:
    """Once: a rota, a service level, an escalation rule; then a root with its symptoms, one put aside, one named."""
    if Rota.objects.exists():
        return
    sana, amira, priya = (
        User.objects.get(email=f"{name}@harrowvale.example") for name in ("service", "amira", "admin")
    )
    boss, service = actors.person(priya), Group.objects.get(name="Service")
    _rules(service, boss)
    _rota(sana, amira, service, boss)
    cases.open_standing()
    _desk(sana, amira)
    swept = timers.sweep()
    say(f"A rota, who hears when nobody responds ({swept.escalated} steps fired), and a desk at work")


def _rules(service: Group, boss: actors.Actor) -> None:
    policies.create(
        SlaPolicy, code="orders", name="Orders, within the working day", position=10, reason="orders.*",
        acknowledge_minutes=60, resolve_minutes=4 * 60, warn_minutes=45, actor=boss,
    )  # fmt: skip
    steps = [step | ({"role_id": service.pk} if step["target"] == "role" else {}) for step in STEPS]
    policies.create(
        EscalationPolicy, code="care", name="Customer care", position=10, reason="orders.*", steps=steps, actor=boss
    )


def _rota(sana: User, amira: User, service: Group, boss: actors.Actor) -> None:
    team = reasons.team("orders")
    Queue.objects.get_or_create(
        code=team.code, defaults={"name": team.title, "icon": team.icon, "position": team.position}
    )
    hours = Calendar.objects.get(code="stores-gb")
    rotas.settle(team.code, time_zone="Europe/London", calendar=hours, fallback=service, actor=boss)
    first = timezone.localdate() - timedelta(days=28)
    for person, days, opens, closes in (
        (sana, WEEKDAYS, "08:30", "14:00"), (amira, WEEKDAYS, "14:00", "19:00"), (amira, (5,), "09:00", "17:00"),
    ):  # fmt: skip
        rotas.add("orders", user_id=person.pk, days=days, opens=opens, closes=closes, first_day=first, actor=boss)
    _cover(sana, first + timedelta(days=31), boss)


def _cover(sana: User, day: date, boss: actors.Actor) -> None:
    rotas.add(
        "orders", user_id=sana.pk, days=ALL_DAYS, opens="14:00", closes="19:00", first_day=day, last_day=day,
        cover=True, actor=boss,
    )  # fmt: skip


def _desk(sana: User, amira: User) -> None:
    """A person says that orders of one mistyped list belong together; one case is put aside, one given away."""
    mine, hers = actors.person(sana), actors.person(amira)
    unknown = list(Case.objects.still_open().filter(reason="orders.unknown_sku", parent=None).order_by("pk")[:6])
    if len(unknown) > 1:
        root, *others = unknown
        for case in others:
            cases.link(case.pk, root.pk, actor=mine)
        cases.claim(root.pk, actor=mine)
        notes.leave(root.pk, text="@amira the web team uploads the corrected list this afternoon.", actor=mine)
    rest = Case.objects.still_open().filter(parent=None, owner=None, queue="orders", due_at__gt=timezone.now())
    some = list(rest.exclude(pk__in=[case.pk for case in unknown[:1]]).order_by("pk")[:2])
    if some:
        until = timezone.now() + timedelta(hours=18)
        cases.snooze(some[0].pk, until=until, note="The buyer is back tomorrow", actor=hers)
    if len(some) > 1:
        cases.assign(some[1].pk, to=amira.pk, actor=mine)
