"""The plan of a warehouse's floor: which work goes out to the pickers together, and when."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.scoping import ScopedQuerySet
from core.states import StateMachine
from core.subjects import Subject
from inventory.models import Location
from orders.models.fulfilment import FulfilmentOrder


class WaveStatus(models.TextChoices):
    PLANNED = "PLANNED"
    HELD = "HELD"
    RELEASED = "RELEASED"
    DONE = "DONE"
    CANCELLED = "CANCELLED"


W = WaveStatus
WAITING = frozenset({W.PLANNED, W.HELD})  # nobody may pick from it yet
RUNNING = frozenset({W.PLANNED, W.HELD, W.RELEASED})


class WaveQuerySet(ScopedQuerySet):
    site_path = "location__site_id"

    def running(self) -> WaveQuerySet:
        return self.filter(status__in=RUNNING)


class Wave(StateMachine):
    """Fulfilment orders that are picked for one departure. Smaller `priority` goes first; no zone means several, no
    carrier several or none foreseen."""

    MOVES = {
        W.PLANNED: {W.RELEASED, W.HELD, W.CANCELLED},
        W.HELD: {W.PLANNED, W.CANCELLED},
        W.RELEASED: {W.DONE, W.CANCELLED},
    }

    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="waves")
    status = models.CharField(max_length=9, choices=WaveStatus, default=WaveStatus.PLANNED)
    version = models.PositiveIntegerField(default=1)
    departs_at = models.DateTimeField(help_text="The carrier's cut-off its work is due by")
    carrier = models.CharField(max_length=60, blank=True, db_default="")
    zone = models.CharField(max_length=20, blank=True)
    priority = models.PositiveSmallIntegerField(default=5)
    held_because = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.CharField(max_length=200, blank=True)
    released_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    objects = WaveQuerySet.as_manager()

    class Meta:
        permissions = [("plan_wave", "Can plan, release and hold waves")]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=WaveStatus.values), name="wave_status_is_known"),
            models.CheckConstraint(condition=Q(priority__gte=1, priority__lte=9), name="wave_priority_is_1_to_9"),
        ]
        indexes = [
            models.Index(
                fields=("location", "priority", "departs_at", "id"),
                name="wave_running",
                condition=Q(status__in=sorted(RUNNING)),
            )
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        return f"W-{self.pk}"

    @property
    def subject(self) -> Subject:
        return Subject("wave", str(self.pk), self.number)


class WaveWork(models.Model):
    """A fulfilment order in a wave; in one running wave at a time."""

    wave = models.ForeignKey(Wave, on_delete=models.CASCADE, related_name="works", db_index=False)
    fulfilment = models.ForeignKey(FulfilmentOrder, on_delete=models.PROTECT, related_name="wave_works")
    running = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("wave", "fulfilment"), name="work_is_in_a_wave_once"),
            models.UniqueConstraint(
                fields=("fulfilment",), condition=Q(running=True), name="work_is_in_one_running_wave"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.fulfilment_id} in {self.wave_id}"
