"""What people and programs wrote about an order."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.scoping import ScopedQuerySet
from orders.models.order import Order

NOTE_LENGTH = 4_000


class OrderNoteQuerySet(ScopedQuerySet):
    channel_path = "order__channel__code"

    def for_sites(self, sites: frozenset[int] | None) -> OrderNoteQuerySet:
        return self.all() if sites is None else self.filter(order__in=Order.objects.for_sites(sites))


class OrderNote(models.Model):
    """A note for whoever looks at the order next; the customer never sees it. Never changed: a trigger refuses."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="notes", db_index=False)
    text = models.TextField()
    author_kind = models.CharField(max_length=12)
    author_uid = models.CharField(max_length=64)
    author_label = models.CharField(max_length=200)
    created_at = models.DateTimeField(default=timezone.now)

    objects = OrderNoteQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(text=""), name="an_order_note_says_something")]
        indexes = [models.Index(fields=("order", "-id"), name="note_by_order")]

    def __str__(self) -> str:
        return self.text[:60]
