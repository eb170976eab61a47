"""A reason whose truth the test decides."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal

import pytest
import time_machine

from core import actors
from core.models import Calendar, Site, User
from core.subjects import Subject
from exceptions import reasons
from exceptions.models import Case
from exceptions.services import cases

TRUE_OF: set[str] = set()
RAN: list[str] = []
_numbers = itertools.count(1)


def _put_right(uid: str, *, actor: actors.Actor) -> str:
    RAN.append(uid)
    TRUE_OF.discard(uid)
    return "Put right."


PROBE = reasons.Reason(
    code="tests.probe",
    title="Probe is too warm",
    queue="orders",
    subject_kind="probe",
    icon="shopping-bag",
    acknowledge_minutes=30,
    resolve_minutes=120,
    description="A probe in a test reads more than it should.",
    predicate=lambda uid: uid in TRUE_OF,
    evidence=lambda uid: reasons.Evidence(
        "The probe reads 40 °C",
        (reasons.Column("Probe"), reasons.Column("Reads", numeric=True)),
        (reasons.Row((reasons.Cell(f"Probe {uid}", code=True), "40"), hot=True),),
    ),
    standing=lambda: sorted(TRUE_OF),
    actions=(
        reasons.Action(
            "cool",
            "Cool it down",
            "Opens the vent",
            run=_put_right,
            preview=lambda uid: [("Vent", f"open at probe {uid}")],
            confirm="Cool the probe down?",
            primary=True,
        ),
    ),
)
FLAT = reasons.Reason(
    code="tests.flat", title="Probe is flat", queue="store", subject_kind="probe", severity=reasons.HIGH
)


@pytest.fixture(autouse=True)
def _reasons() -> Iterator[None]:
    reasons.register(PROBE)
    reasons.register(FLAT)
    TRUE_OF.clear()
    RAN.clear()
    yield
    reasons._reasons.pop(PROBE.code)
    reasons._reasons.pop(FLAT.code)


@pytest.fixture
def site(db: None) -> Site:
    hours = [[["09:00", "17:30"]]] * 5 + [[["10:00", "16:00"]], []]
    calendar = Calendar.objects.create(code="shop", name="Shop hours", weekly=hours)
    return Site.objects.create(code="LDS", name="Leeds Briggate", time_zone="Europe/London", calendar=calendar)


@pytest.fixture
def person(db: None) -> Callable[..., User]:
    """Make a person; by default one who may do everything with cases."""
    from django.contrib.auth.models import Permission

    def make(
        name: str = "Amira Khan", *sites: Site, may: str = "view_case work_case assign_case waive_case export_case"
    ) -> User:
        email = f"{name.lower().replace(' ', '.')}.{next(_numbers)}@example.com"
        user = User.objects.create_user(email, "a long enough password", name=name)
        user.sites.set(sites)
        codenames = may.split()
        user.user_permissions.set(
            Permission.objects.filter(content_type__app_label="exceptions", codename__in=codenames)
        )
        return user

    return make


@pytest.fixture
def open_case(db: None) -> Callable[..., Case]:
    """Open a case of the probe (true by default), as an event would."""

    def make(uid: str | None = None, *, true: bool = True, reason: str = PROBE.code, **options: object) -> Case:
        uid = uid or f"p{next(_numbers)}"
        if true:
            TRUE_OF.add(uid)
        subject = Subject("probe", uid, f"PR-{uid}")
        options.setdefault("value", Decimal("412.00"))
        options.setdefault("currency", "GBP")
        case_id = cases.open_(reason, subject, actor=actors.SYSTEM, **options)  # type: ignore[arg-type]
        return Case.objects.get(pk=case_id)

    return make


@pytest.fixture
def time_machine_at() -> Iterator[Callable[[datetime], None]]:
    """Stand still at a moment, for everything that asks Python what time it is."""
    travelling: list[time_machine.travel] = []

    def at(moment: datetime) -> None:
        traveller = time_machine.travel(moment, tick=False)
        traveller.start()
        travelling.append(traveller)

    yield at
    for traveller in reversed(travelling):
        traveller.stop()
