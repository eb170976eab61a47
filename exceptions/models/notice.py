"""What one person is told, kept until they have read it, and whether a letter about it is still owed."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from core.scoping import ScopedQuerySet


class NoticeQuerySet(ScopedQuerySet):
    """A notice belongs to one person, whoever they are; nobody reads another's."""

    def for_user(self, user: object) -> NoticeQuerySet:
        return self.filter(user_id=getattr(user, "pk", None) or 0)

    def unread(self) -> NoticeQuerySet:
        return self.filter(read_at__isnull=True)


class Notice(models.Model):
    """One thing one person was told, once per cause.

    `mail_at` is when its letter is owed (NULL: none was wanted); quiet hours put it off. `mailed_at` says it left,
    `mail_failed_at` that it never will.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=20)
    subject = models.CharField(max_length=200)
    text = models.CharField(max_length=1000, blank=True, db_default="")
    url = models.CharField(max_length=300, blank=True, db_default="")
    case = models.ForeignKey("exceptions.Case", null=True, blank=True, on_delete=models.CASCADE, related_name="notices")
    key = models.CharField(max_length=160, help_text="What caused it: a person is told once per cause")
    actor_label = models.CharField(max_length=200, blank=True, db_default="")
    urgent = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField(db_default=Now())
    read_at = models.DateTimeField(null=True, blank=True)
    mail_at = models.DateTimeField(null=True, blank=True)
    mail_attempts = models.PositiveSmallIntegerField(default=0, db_default=0)
    mailed_at = models.DateTimeField(null=True, blank=True)
    mail_failed_at = models.DateTimeField(null=True, blank=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("user", "key"), name="a_person_is_told_once_per_cause"),
            models.CheckConstraint(
                condition=Q(mailed_at__isnull=True) | Q(mail_at__isnull=False), name="only_a_letter_owed_is_sent"
            ),
        ]
        indexes = [
            models.Index(fields=("user", "-id"), name="notice_by_person"),
            models.Index(fields=("user", "-id"), condition=Q(read_at__isnull=True), name="notice_unread"),
            models.Index(
                fields=("mail_at",),
                condition=Q(mail_at__isnull=False, mailed_at__isnull=True, mail_failed_at__isnull=True),
                name="notice_letter_owed",
            ),
        ]

    def __str__(self) -> str:
        return self.subject
