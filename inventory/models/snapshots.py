"""What other systems believe about our stock: as they said it, as we understood it, and where it differs."""

from __future__ import annotations

from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from core.scoping import ScopedQuerySet
from core.subjects import Subject
from inventory import skus
from inventory.models.items import Item
from inventory.models.locations import Location
from inventory.snapshots import LEVELS, STATUS_LENGTH


class SourceKind(models.TextChoices):
    ERP = "ERP", "ERP"
    WMS = "WMS", "Warehouse system"
    POS = "POS", "Till"
    CHANNEL = "CHANNEL", "Channel"
    PARTNER = "PARTNER", "Partner"


class StockSourceQuerySet(ScopedQuerySet):
    """Sources belong to the whole company; what they say of a place is scoped by that place."""


class StockSource(models.Model):
    """A system that tells us what it believes we have. Its codes are looked up under `alias_system`.

    A difference is worth a case beyond the larger of the two tolerances: units, or percent of our own figure.
    """

    code = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=7, choices=SourceKind)
    alias_system = models.CharField(max_length=60)
    tolerance_units = models.PositiveIntegerField(default=0)
    tolerance_percent = models.DecimalField(max_digits=5, decimal_places=2, default=0)
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = StockSourceQuerySet.as_manager()

    class Meta:
        ordering = ("code",)
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=SourceKind.values), name="stock_source_kind_is_known"),
            models.CheckConstraint(
                condition=Q(tolerance_percent__gte=0, tolerance_percent__lte=100), name="tolerance_is_a_percentage"
            ),
        ]
        permissions = [("map_stocksource", "Can say what a source's words and codes mean")]

    def __str__(self) -> str:
        return self.name

    @property
    def subject(self) -> Subject:
        return Subject("stock_source", str(self.pk), self.code)


class StatusMap(models.Model):
    """One version of what a source's status words mean. Append-only: a change of mind is the next version."""

    source = models.ForeignKey(StockSource, on_delete=models.PROTECT, related_name="maps")
    version = models.PositiveIntegerField()
    statuses = models.JSONField(help_text="Normalised status word -> measure, or ignored")
    note = models.CharField(max_length=200, blank=True)
    actor_label = models.CharField(max_length=200)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("source", "-version")
        constraints = [models.UniqueConstraint(fields=("source", "version"), name="a_status_map_has_its_version")]

    def __str__(self) -> str:
        return f"{self.source_id} v{self.version}"


class LocationAlias(models.Model):
    """What another system calls one of our locations."""

    system = models.CharField(max_length=60)
    code = models.CharField(max_length=200)
    location = models.ForeignKey(Location, on_delete=models.CASCADE, related_name="aliases")

    class Meta:
        ordering = ("system", "code")
        verbose_name_plural = "location aliases"
        constraints = [
            models.UniqueConstraint(fields=("system", "code"), name="a_foreign_place_means_one_location"),
        ]

    def __str__(self) -> str:
        return f"{self.system}:{self.code}"

    def clean(self) -> None:
        self.code = skus.normalise(self.code)


class SnapshotQuerySet(ScopedQuerySet):
    """Seen by whoever works at one of the places it speaks of."""

    site_path = "places__location__site_id"
    site_path_is_many = True


class StockSnapshot(models.Model):
    """What one source said at one moment: lines compared, ignored, unresolved and refused, which add up."""

    source = models.ForeignKey(StockSource, on_delete=models.PROTECT, related_name="snapshots")
    ref = models.CharField(max_length=150)
    fingerprint = models.BinaryField(max_length=32)
    as_of = models.DateTimeField()
    complete = models.BooleanField(default=False)
    status_map = models.ForeignKey(StatusMap, on_delete=models.PROTECT, related_name="+")
    lines_total = models.PositiveIntegerField()
    compared = models.PositiveIntegerField(default=0)
    ignored = models.PositiveIntegerField(default=0)
    unresolved = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    remarks = models.JSONField(default=list)
    cause_kind = models.CharField(max_length=40)
    cause_uid = models.CharField(max_length=64)
    cause_label = models.CharField(max_length=200, blank=True)
    actor_label = models.CharField(max_length=200)
    taken_at = models.DateTimeField(default=timezone.now)

    objects = SnapshotQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("source", "ref"), name="a_snapshot_is_taken_once"),
            models.CheckConstraint(
                condition=Q(lines_total=F("compared") + F("ignored") + F("unresolved") + F("refused")),
                name="every_snapshot_line_has_an_outcome",
            ),
        ]
        indexes = [models.Index(fields=("source", "-as_of"), name="snapshot_by_source")]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        return f"SN-{self.pk}"

    @property
    def subject(self) -> Subject:
        return Subject("snapshot", str(self.pk), self.number)


class SnapshotPlace(models.Model):
    """How many lines of a snapshot speak of a location of ours: for its page, and for who may see it."""

    snapshot = models.ForeignKey(StockSnapshot, on_delete=models.CASCADE, related_name="places")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+")
    lines = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=("snapshot", "location"), name="a_snapshot_counts_a_place_once")]


class LineOutcome(models.TextChoices):
    COMPARED = "COMPARED"
    IGNORED = "IGNORED"
    UNRESOLVED = "UNRESOLVED"
    REFUSED = "REFUSED"


class SnapshotLineQuerySet(ScopedQuerySet):
    """A line whose place nobody knows yet belongs to nobody's site: people without a site limit see it."""

    site_path = "location__site_id"


class SnapshotLine(models.Model):
    """One figure as the source gave it, what it was understood as, and why not where it wasn't."""

    snapshot = models.ForeignKey(StockSnapshot, on_delete=models.CASCADE, related_name="lines")
    n = models.PositiveIntegerField()
    code = models.CharField(max_length=200)
    place = models.CharField(max_length=200)
    status = models.CharField(max_length=STATUS_LENGTH)
    quantity = models.IntegerField(null=True)
    codes = models.JSONField(default=list, help_text="Every name the source gives the item, with its kind")
    item = models.ForeignKey(Item, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    location = models.ForeignKey(Location, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    measure = models.CharField(max_length=20, blank=True)
    outcome = models.CharField(max_length=10, choices=LineOutcome)
    problem = models.CharField(max_length=40, blank=True)

    objects = SnapshotLineQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("snapshot", "n"), name="a_snapshot_line_has_its_place"),
            models.CheckConstraint(condition=Q(outcome__in=LineOutcome.values), name="snapshot_outcome_is_known"),
            models.CheckConstraint(
                condition=~Q(outcome="COMPARED")
                | Q(item__isnull=False, location__isnull=False, quantity__isnull=False, measure__in=LEVELS),
                name="only_what_is_understood_is_compared",
            ),
            models.CheckConstraint(
                condition=Q(outcome="COMPARED", problem="") | (~Q(outcome="COMPARED") & ~Q(problem="")),
                name="a_line_left_out_says_why",
            ),
        ]
        indexes = [
            models.Index(fields=("snapshot", "problem"), name="snapshot_line_open", condition=Q(outcome="UNRESOLVED")),
            models.Index(fields=("item", "location", "-snapshot"), name="snapshot_line_by_item"),
        ]


class ReportedStockQuerySet(ScopedQuerySet):
    site_path = "location__site_id"


class ReportedStock(models.Model):
    """The latest a source said of an item at a location; an empty measure is one it said nothing about."""

    source = models.ForeignKey(StockSource, on_delete=models.PROTECT, related_name="+", db_index=False)
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="+", db_index=False)
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+", db_index=False)
    snapshot = models.ForeignKey(StockSnapshot, on_delete=models.PROTECT, related_name="+", db_index=False)
    as_of = models.DateTimeField()
    sellable = models.BigIntegerField(null=True)
    damaged = models.BigIntegerField(null=True)
    quarantined = models.BigIntegerField(null=True)
    awaiting_inspection = models.BigIntegerField(null=True)
    in_transit_in = models.BigIntegerField(null=True)
    reserved = models.BigIntegerField(null=True)
    free = models.BigIntegerField(null=True)
    on_hand = models.BigIntegerField(null=True)

    objects = ReportedStockQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "reported stock"
        constraints = [
            models.UniqueConstraint(fields=("source", "item", "location"), name="a_source_has_one_latest_word"),
        ]
        indexes = [models.Index(fields=("location", "item"), name="reported_by_location")]


class Cause(models.TextChoices):
    LATE_SALE = "late_sale", "Late sale"
    MISSED_RECEIPT = "missed_receipt", "Missed receipt"
    UNMAPPED_STATUS = "unmapped_status", "Unmapped status"
    WRONG_STATE = "wrong_state", "Other state"
    COUNT_ERROR = "count_error", "Count error"


class StockDifferenceQuerySet(ScopedQuerySet):
    site_path = "location__site_id"

    def open(self) -> StockDifferenceQuerySet:
        return self.filter(ended_at__isnull=True)


class StockDifference(models.Model):
    """Units a source and the books disagree about for a while, after all that moved since. A change ends one and
    begins the next, so the rows that stood at a moment add up to what was unexplained then."""

    source = models.ForeignKey(StockSource, on_delete=models.PROTECT, related_name="differences", db_index=False)
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="+", db_index=False)
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+", db_index=False)
    snapshot = models.ForeignKey(StockSnapshot, on_delete=models.PROTECT, related_name="+", db_index=False)
    as_of = models.DateTimeField()
    deltas = models.JSONField(help_text="State -> units to add so that the books say what the source says")
    units = models.BigIntegerField(help_text="Net: what the source has more (or less) than the books")
    gross = models.PositiveBigIntegerField(help_text="Units in question, whichever way")
    value = models.DecimalField(max_digits=20, decimal_places=4, null=True)
    currency = models.CharField(max_length=3, blank=True)
    beyond = models.BooleanField(help_text="Beyond the source's tolerance: worth a case")
    cause = models.CharField(max_length=20, choices=Cause)
    began_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=200, blank=True)

    objects = StockDifferenceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=("source", "item", "location"),
                name="one_difference_stands_per_source_and_place",
                condition=Q(ended_at__isnull=True),
            ),
            models.CheckConstraint(condition=Q(gross__gt=0), name="a_difference_is_about_units"),
            models.CheckConstraint(condition=Q(cause__in=Cause.values), name="difference_cause_is_known"),
        ]
        indexes = [
            models.Index(fields=("location", "item"), name="difference_open", condition=Q(ended_at__isnull=True)),
            models.Index(fields=("location", "began_at"), name="difference_by_time"),
        ]
        permissions = [
            ("correct_difference", "Can correct the books to what a source says"),
            ("export_difference", "Can export differences"),
        ]


class UploadStatus(models.TextChoices):
    UPLOADED = "UPLOADED", "To be confirmed"
    CONFIRMED = "CONFIRMED", "Being taken"
    TAKEN = "TAKEN", "Taken"
    FAILED = "FAILED", "Not taken"
    DISCARDED = "DISCARDED", "Discarded"


class StockUploadQuerySet(ScopedQuerySet):
    """Uploads belong to the people who may import; their rows may speak of any place."""


class StockUpload(models.Model):
    """A file somebody uploaded: its bytes as they came, what its columns mean, and the snapshot it became."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    source = models.ForeignKey(StockSource, on_delete=models.PROTECT, related_name="uploads")
    file_name = models.CharField(max_length=150)
    kind = models.CharField(max_length=4, choices=[("csv", "CSV"), ("xlsx", "Excel")])
    content = models.BinaryField()
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    as_of = models.DateTimeField()
    complete = models.BooleanField(default=False)
    columns = models.JSONField(default=dict, help_text="What we need -> column number")
    default_place = models.CharField(max_length=200, blank=True)
    default_status = models.CharField(max_length=STATUS_LENGTH, blank=True)
    leave_out_bad = models.BooleanField(default=False)
    status = models.CharField(max_length=9, choices=UploadStatus, default=UploadStatus.UPLOADED)
    reason = models.CharField(max_length=300, blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    job = models.ForeignKey("core.Job", null=True, on_delete=models.PROTECT, related_name="+")
    snapshot = models.ForeignKey(StockSnapshot, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    objects = StockUploadQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(status__in=UploadStatus.values), name="upload_status_is_known"),
        ]
        indexes = [models.Index(fields=("-created_at", "id"), name="upload_by_time")]
        permissions = [("import_stock", "Can import what other systems believe about stock")]

    def __str__(self) -> str:
        return self.file_name
