"""Who hears of a step: a role's people, one person, or whoever was on duty when it was due."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from core.models import User
from exceptions import rota
from exceptions.models import EscalationStep, Rota, Target


class Heard(NamedTuple):
    """The people of one step, and how the case's ladder words it."""

    users: tuple[int, ...]
    label: str
    words: str
    why: str = ""


class Recipients:
    """Asks for each role, rota and person once, however many steps fire in one pass."""

    def __init__(self) -> None:
        self._roles: dict[int, list[User]] = {}
        self._rotas: dict[str, tuple[Rota, list[rota.Shift]] | None] = {}
        self._people: dict[int, User] = {}

    def of(self, step: EscalationStep, queue: str, site_id: int | None, at: datetime) -> Heard:
        """Who hears of this step of a case of that queue and site, had it fired at its own time."""
        if step.target == Target.WEBHOOK:
            return Heard((), step.webhook, f"Webhook {step.webhook}")
        if step.target == Target.PERSON and step.person is not None:
            return self._person(step.person, site_id)
        if step.target == Target.ROLE and step.role is not None:
            return self._role(step.role.pk, step.role.name, site_id, "You are told as one of them.")
        return self._on_duty(queue, site_id, at)

    def _person(self, person: User, site_id: int | None) -> Heard:
        person = self._people.setdefault(person.pk, person)
        name = person.get_full_name()
        if _may_see(person, site_id):
            return Heard((person.pk,), name, name)
        return Heard((), name, f"Nobody: {name} may not see it")

    def _role(self, role: int, name: str, site_id: int | None, why: str = "") -> Heard:
        if role not in self._roles:
            people = User.objects.filter(groups=role, is_active=True).prefetch_related("sites").order_by("pk")
            self._roles[role] = [_with_sites(person) for person in people]
        users = tuple(person.pk for person in self._roles[role] if _may_see(person, site_id))
        if not users:
            return Heard((), name, f"Nobody: no one of {name} may see it")
        return Heard(users, name, f"{name} ({len(users)})", f"{why} It goes to everyone of {name}.".strip())

    def _on_duty(self, queue: str, site_id: int | None, at: datetime) -> Heard:
        known = self._rota(queue)
        if known is None:
            return Heard((), "Whoever is on duty", "Nobody: this queue has no rota")
        found, shifts = known
        people = [self._people[pk] for pk in rota.on_duty(shifts, at)]
        users = [person for person in people if _may_see(person, site_id)]
        if users:
            names = ", ".join(person.get_full_name() for person in users)
            return Heard(tuple(person.pk for person in users), names, names[:300], "You were on duty then.")
        if found.fallback is None:
            return Heard((), "Whoever is on duty", "Nobody: no one was on duty")
        heard = self._role(found.fallback.pk, found.fallback.name, site_id, "No one was on duty.")
        return heard._replace(words=f"{heard.words}, as no one was on duty")

    def _rota(self, queue: str) -> tuple[Rota, list[rota.Shift]] | None:
        if queue not in self._rotas:
            found = Rota.objects.select_related("fallback").filter(queue=queue).first()
            shifts = list(found.shifts.select_related("user").prefetch_related("user__sites")) if found else []
            for shift in shifts:
                self._people[shift.user_id] = _with_sites(shift.user)
            self._rotas[queue] = (found, [shift.as_hours(found.time_zone) for shift in shifts]) if found else None
        return self._rotas[queue]


def _with_sites(person: User) -> User:
    person.remember_sites(site.pk for site in person.sites.all())
    return person


def _may_see(person: User, site_id: int | None) -> bool:
    sites = person.site_ids()
    return person.is_active and (sites is None or site_id in sites)
