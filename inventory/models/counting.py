"""Looking at the shelf: what was asked to be counted, what people found, and what that did to the books."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from core.scoping import ScopedQuerySet
from core.states import StateMachine
from core.subjects import Subject
from inventory.models.items import Item
from inventory.models.locations import Location
from inventory.models.lots import MAX_CODE
from inventory.models.stock import MAX_UNITS


class CountStatus(models.TextChoices):
    REQUESTED = "REQUESTED"
    COUNTING = "COUNTING"
    COUNTED = "COUNTED"
    IN_REVIEW = "IN_REVIEW", "In review"
    POSTED = "POSTED"
    CANCELLED = "CANCELLED"


class CountOrigin(models.TextChoices):
    """What asked for a count."""

    HAND = "HAND", "By hand"
    PLAN = "PLAN", "By plan"
    SHORT_PICK = "SHORT_PICK", "Short pick"
    SNAPSHOT = "SNAPSHOT", "Another system differs"


C = CountStatus
COUNT_TO_DO = frozenset({C.REQUESTED, C.COUNTING})  # somebody still has to walk to the shelf
COUNT_OPEN = frozenset({*COUNT_TO_DO, C.COUNTED, C.IN_REVIEW})


class CountQuerySet(ScopedQuerySet):
    site_path = "location__site_id"

    def to_do(self) -> CountQuerySet:
        return self.filter(status__in=COUNT_TO_DO)


class Count(StateMachine):
    """A walk along some items of one place. Changed only by services.counts, under this row's lock.

    `floor` is the newest movement when counting began: what comes after it is looked at again for facts that happened
    while people counted. A blind count keeps the books' figures from whoever counts.
    """

    MOVES = {
        C.REQUESTED: {C.COUNTING, C.CANCELLED},
        C.COUNTING: {C.COUNTED, C.CANCELLED},
        C.COUNTED: {C.COUNTING, C.IN_REVIEW, C.POSTED, C.CANCELLED},
        C.IN_REVIEW: {C.COUNTING, C.POSTED, C.CANCELLED},
    }

    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="counts", db_index=False)
    status = models.CharField(max_length=9, choices=CountStatus, default=CountStatus.REQUESTED)
    version = models.PositiveIntegerField(default=1)
    origin = models.CharField(max_length=10, choices=CountOrigin, default=CountOrigin.HAND)
    cause_kind = models.CharField(max_length=40, blank=True)
    cause_uid = models.CharField(max_length=64, blank=True)
    cause_label = models.CharField(max_length=200, blank=True)
    blind = models.BooleanField(default=True)
    round = models.PositiveSmallIntegerField(default=1, help_text="Lines of this round are to be counted")
    due_at = models.DateTimeField()
    requested_by = models.CharField(max_length=200)
    counted_by = models.CharField(max_length=200, blank=True)
    approved_by = models.CharField(max_length=200, blank=True)
    note = models.CharField(max_length=500, blank=True)
    floor = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    round_at = models.DateTimeField(null=True, help_text="When the round at hand began")
    counted_at = models.DateTimeField(null=True)
    posted_at = models.DateTimeField(null=True)

    objects = CountQuerySet.as_manager()

    class Meta:
        permissions = [
            ("request_count", "Can ask for counts"),
            ("work_count", "Can count"),
            ("approve_count", "Can approve counts others made"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=CountStatus.values), name="count_status_is_known"),
            models.CheckConstraint(condition=Q(origin__in=CountOrigin.values), name="count_origin_is_known"),
            models.CheckConstraint(
                condition=~Q(status="POSTED") | Q(posted_at__isnull=False, counted_at__isnull=False),
                name="a_posted_count_says_when",
            ),
            models.UniqueConstraint(fields=("id", "location"), name="count_with_its_place"),  # what lines refer to
        ]
        indexes = [
            models.Index(
                fields=("location", "due_at", "id"), name="count_due", condition=Q(status__in=sorted(COUNT_TO_DO))
            ),
            models.Index(fields=("location", "-id"), name="count_by_location"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        return f"CT-{self.pk}"

    @property
    def subject(self) -> Subject:
        return Subject("count", str(self.pk), self.number)


class CountLineQuerySet(ScopedQuerySet):
    site_path = "location__site_id"

    def unsettled(self) -> CountLineQuerySet:
        """Of counts that were posted: lines whose difference is not in the books, or not any more the difference."""
        posted = self.filter(count__status=CountStatus.POSTED, settled=True)
        return posted.filter(~Q(difference=F("posted")) | Q(pk__in=_owed_by_name()))


def _owed_by_name() -> models.QuerySet[Any]:
    """Lines whose lots are not all settled, though their sums may be equal: one missing and one found."""
    more, less = Q(lots__difference__gt=F("lots__posted")), Q(lots__difference__lt=F("lots__posted"))
    return CountLine.objects.filter(more | less).values("pk")


class CountLine(models.Model):
    """One item of a count: what was found, what the books could have said meanwhile, and what was posted.

    `expected_low` and `expected_high` are what the books said between the first and the last look (`first_at`,
    `last_at`), less what had been set aside for orders. `difference` is how far the count lies outside them. While
    `open`, no other count may list the item at this place; `settled` marks the latest posted count of the pair.
    """

    count = models.ForeignKey(Count, on_delete=models.PROTECT, related_name="lines", db_index=False)
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="+", db_index=False)
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+", db_index=False)
    open = models.BooleanField(default=True)
    settled = models.BooleanField(default=False)
    round = models.PositiveSmallIntegerField(default=1)
    counted = models.IntegerField(null=True)
    earlier = models.IntegerField(null=True, help_text="Found in the round before")
    first_at = models.DateTimeField(null=True)
    last_at = models.DateTimeField(null=True)
    aside_low = models.IntegerField(default=0)
    aside_high = models.IntegerField(default=0)
    expected_low = models.IntegerField(null=True)
    expected_high = models.IntegerField(null=True)
    difference = models.IntegerField(null=True)
    posted = models.IntegerField(default=0)
    unit_cost = models.DecimalField(max_digits=20, decimal_places=4, null=True)
    currency = models.CharField(max_length=3, blank=True)

    objects = CountLineQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("count", "item"), name="a_count_lists_an_item_once"),
            models.UniqueConstraint(
                fields=("location", "item"), condition=Q(open=True), name="an_item_is_counted_once_at_a_time"
            ),
            models.UniqueConstraint(
                fields=("location", "item"), condition=Q(settled=True), name="one_count_is_the_latest_word"
            ),
            models.CheckConstraint(
                condition=Q(counted__isnull=True) | Q(counted__gte=0, counted__lte=MAX_UNITS),
                name="counted_is_neither_negative_nor_absurd",
            ),
            models.CheckConstraint(
                condition=Q(counted__isnull=True) | Q(first_at__isnull=False, last_at__gte=F("first_at")),
                name="what_was_counted_has_its_time",
            ),
            models.CheckConstraint(
                condition=Q(expected_low__isnull=True, expected_high__isnull=True)
                | Q(expected_low__lte=F("expected_high")),
                name="what_is_expected_is_a_range",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.item_id} in CT-{self.count_id}"

    @property
    def value(self) -> Decimal | None:
        """The difference in money, signed; None where the item has no cost."""
        if self.unit_cost is None or self.difference is None:
            return None
        return self.unit_cost * self.difference


class CountEntry(models.Model):
    """One scan (a unit more) or one figure typed for a line. Append-only: who counted what, when, in which round."""

    line = models.ForeignKey(CountLine, on_delete=models.PROTECT, related_name="entries")
    round = models.PositiveSmallIntegerField()
    figure = models.IntegerField(help_text="Units found by this entry, or the whole figure")
    whole = models.BooleanField(default=False)
    at = models.DateTimeField()
    recorded_at = models.DateTimeField(default=timezone.now)
    code = models.CharField(max_length=MAX_CODE, blank=True, help_text="Of which lot, or which serial number")
    actor_kind = models.CharField(max_length=12)
    actor_uid = models.CharField(max_length=64)
    actor_label = models.CharField(max_length=200)

    class Meta:
        verbose_name_plural = "count entries"
        constraints = [
            models.CheckConstraint(condition=Q(figure__gte=0, figure__lte=MAX_UNITS), name="an_entry_is_no_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.figure} at {self.at:%H:%M}"


class CountPolicy(models.Model):
    """When a difference is counted again, and from what value on somebody else must approve it.

    The row without a location is for every place that has none of its own; without any row these defaults apply.
    """

    location = models.OneToOneField(Location, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    recount_units = models.PositiveIntegerField(default=2, help_text="Differences up to this many units are believed")
    recount_percent = models.DecimalField(
        max_digits=5, decimal_places=2, default=Decimal("2.00"), help_text="…or up to this share of what was expected"
    )
    approve_value = models.DecimalField(
        max_digits=20, decimal_places=4, default=Decimal("100.0000"), help_text="In each item's own currency"
    )
    approve_units = models.PositiveIntegerField(default=10, help_text="For items whose cost nobody knows")

    class Meta:
        verbose_name_plural = "count policies"
        constraints = [
            models.UniqueConstraint(
                models.Value(1), condition=Q(location__isnull=True), name="one_count_policy_for_every_place"
            ),
            models.CheckConstraint(
                condition=Q(recount_percent__gte=0, recount_percent__lte=100, approve_value__gte=0),
                name="a_count_policy_makes_sense",
            ),
        ]

    def __str__(self) -> str:
        return str(self.location or "every place")

    @classmethod
    def of(cls, location_id: int) -> CountPolicy:
        """The rule for a place: its own, else the common one, else the defaults."""
        rows: Any = cls.objects.filter(Q(location=location_id) | Q(location=None))
        return rows.order_by(F("location").asc(nulls_last=True)).first() or cls()
