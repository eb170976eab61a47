"""Counts of words by return reason, and the texts they were counted from."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.scoping import ScopedQuerySet
from returns.models.request import ReturnLine, ReturnReason, ReturnRequest


class ReasonCount(models.Model):
    """How many texts of a reason were learnt; `word` empty: altogether, else those with this word in them."""

    reason = models.CharField(max_length=16, choices=ReturnReason)
    word = models.CharField(max_length=70, blank=True)
    texts = models.PositiveIntegerField(default=0)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=("word", "reason"), name="a_word_is_counted_once_per_reason")]

    def __str__(self) -> str:
        return f"{self.word or 'all'}: {self.texts} × {self.reason}"


class ReasonTextQuerySet(ScopedQuerySet):
    channel_path = "line__request__channel__code"

    def for_sites(self, sites: frozenset[int] | None) -> Self:
        if sites is None:
            return self.all()
        return self.filter(line__request__in=ReturnRequest.objects.for_sites(sites).values("pk"))


class ReasonText(models.Model):
    """The words of one line, what was guessed from them, and the reason that was learnt; a correction takes the old
    lesson back before it teaches the new one.

    `guessed` and `share` are what was said before this text taught anything: so the hits can be counted honestly.
    """

    line = models.OneToOneField(ReturnLine, on_delete=models.PROTECT, related_name="reason_reading")
    guessed = models.CharField(max_length=16, choices=ReturnReason, blank=True)
    share = models.FloatField(default=0)
    because = models.JSONField(default=list)
    learnt = models.CharField(max_length=16, choices=ReturnReason, blank=True)
    words = models.JSONField(default=list, help_text="What was counted, so that it can be taken back")
    corrected_by = models.CharField(max_length=200, blank=True)
    read_at = models.DateTimeField(default=timezone.now)
    learnt_at = models.DateTimeField(null=True)

    objects = ReasonTextQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(share__gte=0, share__lte=1), name="a_guess_is_a_share"),
        ]

    def __str__(self) -> str:
        return f"{self.line_id}: {self.learnt or self.guessed}"
