"""What customers are told: the templates, and every message that went out or did not."""

from __future__ import annotations

import pghistory
from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.scoping import ScopedQuerySet
from core.states import StateMachine
from core.subjects import Subject
from orders.models.channel import Channel
from orders.models.order import Order


class Medium(models.TextChoices):
    EMAIL = "EMAIL", "E-mail"
    WEBHOOK = "WEBHOOK", "Webhook"


class TemplateStatus(models.TextChoices):
    DRAFT = "DRAFT", "Draft"
    LIVE = "LIVE", "Live"
    RETIRED = "RETIRED", "Retired"


class MessageTemplateQuerySet(ScopedQuerySet):
    """Templates belong to the whole company."""

    channel_path = "channel__code"

    def live(self) -> MessageTemplateQuerySet:
        return self.filter(status=TemplateStatus.LIVE)


@pghistory.track()
class MessageTemplate(StateMachine):
    """One version of the words for one event, in one language, by one medium; for one channel, or for all without one.

    A version that was live is never edited: the next one is drafted from it.
    """

    MOVES = {
        TemplateStatus.DRAFT: {TemplateStatus.LIVE, TemplateStatus.RETIRED},
        TemplateStatus.LIVE: {TemplateStatus.RETIRED},
    }

    event = models.CharField(max_length=60)
    channel = models.ForeignKey(Channel, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    language = models.CharField(max_length=8, default="en")
    medium = models.CharField(max_length=7, choices=Medium, default=Medium.EMAIL)
    number = models.PositiveIntegerField(help_text="1, 2, 3 … within its event, channel, language and medium")
    status = models.CharField(max_length=7, choices=TemplateStatus, default=TemplateStatus.DRAFT)
    version = models.PositiveIntegerField(default=1)
    subject = models.CharField(max_length=200, blank=True)
    body = models.TextField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now)
    edited_by = models.CharField(max_length=200, blank=True)

    objects = MessageTemplateQuerySet.as_manager()

    class Meta:
        permissions = [("publish_messagetemplate", "Can put message templates live")]
        constraints = [
            models.UniqueConstraint(
                fields=("event", "channel", "language", "medium", "number"),
                nulls_distinct=False,
                name="template_versions_are_numbered",
            ),
            models.UniqueConstraint(
                fields=("event", "channel", "language", "medium"),
                condition=Q(status="LIVE"),
                nulls_distinct=False,
                name="one_version_of_a_template_is_live",
            ),
            models.CheckConstraint(condition=Q(medium__in=Medium.values), name="template_medium_is_known"),
            models.CheckConstraint(condition=Q(status__in=TemplateStatus.values), name="template_status_is_known"),
            models.CheckConstraint(condition=Q(language__regex="^[a-z]{2}(-[A-Z]{2})?$"), name="language_is_a_code"),
        ]
        indexes = [models.Index(fields=("-id",), name="template_newest")]

    def __str__(self) -> str:
        return f"{self.event} {self.language} {self.get_medium_display()} {self.number}"


class MessageStatus(models.TextChoices):
    QUEUED = "QUEUED", "Waiting to be sent"
    SENT = "SENT", "Sent"
    FAILED = "FAILED", "Could not be sent"
    NOT_SENT = "NOT_SENT", "Not sent"


class CustomerMessageQuerySet(ScopedQuerySet):
    channel_path = "order__channel__code"

    def for_sites(self, sites: frozenset[int] | None) -> CustomerMessageQuerySet:
        return self.all() if sites is None else self.filter(order__in=Order.objects.for_sites(sites))


class CustomerMessage(StateMachine):
    """What one customer was told because of one fact, by one medium: once, whatever is repeated; or why they were not.

    `uid` is the Message-ID of the e-mail and the id of the webhook, the same on every try, so that whoever got it twice
    can tell.
    """

    MOVES = {
        MessageStatus.QUEUED: {MessageStatus.SENT, MessageStatus.FAILED, MessageStatus.NOT_SENT},
        MessageStatus.FAILED: {MessageStatus.QUEUED},
    }

    uid = models.UUIDField(unique=True)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="messages", db_index=False)
    event = models.CharField(max_length=60)
    cause = models.UUIDField(help_text="The event's uid")
    medium = models.CharField(max_length=7, choices=Medium)
    language = models.CharField(max_length=8, blank=True)
    template = models.ForeignKey(MessageTemplate, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    status = models.CharField(max_length=8, choices=MessageStatus, default=MessageStatus.QUEUED)
    version = models.PositiveIntegerField(default=1)
    address = models.CharField(max_length=255, blank=True)
    subject = models.CharField(max_length=255, blank=True)
    body = models.TextField(blank=True)
    why = models.CharField(max_length=300, blank=True, help_text="Why it was not or could not be sent")
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True)

    objects = CustomerMessageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=("order", "event", "cause", "medium"), name="a_customer_is_told_once_of_each_fact"
            ),
            models.CheckConstraint(
                condition=Q(status__in=MessageStatus.values), name="customer_message_status_is_known"
            ),
            models.CheckConstraint(condition=Q(medium__in=Medium.values), name="customer_message_medium_is_known"),
            models.CheckConstraint(
                condition=~Q(status__in=("FAILED", "NOT_SENT")) | Q(why__gt=""), name="what_was_not_sent_says_why"
            ),
        ]
        indexes = [models.Index(fields=("order", "-id"), name="message_by_order")]

    def __str__(self) -> str:
        return f"{self.event} to order {self.order_id}"

    @property
    def subject_of(self) -> Subject:
        return Subject("customer_message", str(self.pk), self.subject or self.event)
