"""Core in the admin: people and sites to change; facts, deliveries, jobs and seals to read."""

from __future__ import annotations

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as BaseUserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest

from core import actors, outbox
from core.admin_bases import ReadOnly
from core.errors import Refusal
from core.models import Calendar, Delivery, Event, EventSeal, Heartbeat, Job, Site, User


@admin.register(User)
class UserAdmin(BaseUserAdmin):
    ordering = ("email",)
    list_display = ("email", "name", "is_active", "is_staff", "last_login")
    list_filter = ("is_active", "is_staff", "groups", "sites")
    search_fields = ("email", "name")
    filter_horizontal = ("groups", "user_permissions", "sites")
    fieldsets = (
        (None, {"fields": ("email", "password", "name")}),
        ("What they see and may do", {"fields": ("sites", "groups", "user_permissions")}),
        ("Account", {"fields": ("is_active", "is_staff", "is_superuser", "last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")
    add_fieldsets = ((None, {"fields": ("email", "name", "password1", "password2", "sites", "groups")}),)


@admin.register(Site)
class SiteAdmin(admin.ModelAdmin):
    list_display = ("code", "name", "time_zone", "calendar")
    search_fields = ("code", "name")


@admin.register(Calendar)
class CalendarAdmin(admin.ModelAdmin):
    list_display = ("code", "name", "country", "version")


@admin.register(Event)
class EventAdmin(ReadOnly):
    list_display = ("id", "type", "subject_kind", "subject_label", "actor_label", "occurred_at")
    list_filter = ("subject_kind", "actor_kind")
    search_fields = ("=subject_uid", "=correlation_id", "=type")
    ordering = ("-id",)


@admin.register(Delivery)
class DeliveryAdmin(ReadOnly):
    list_display = ("id", "handler", "status", "attempts", "next_at", "event_id", "last_error")
    list_filter = ("status", "queue", "handler")
    search_fields = ("=id", "=lane", "=event__id")
    ordering = ("-id",)
    actions = ("replay", "discard")

    def has_replay_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("core.change_delivery")

    @admin.action(description="Deliver again", permissions=["replay"])
    def replay(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        ids = list(queryset.values_list("pk", flat=True))
        done = outbox.replay(ids, actor=actors.person(request.user))
        self.message_user(request, f"{done} of {len(ids)} will be delivered again.")

    @admin.action(description="Give up for good", permissions=["replay"])
    def discard(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        who = actors.person(request.user)
        for delivery_id in queryset.values_list("pk", flat=True):
            try:
                outbox.discard(delivery_id, f"Given up by {who.label} in the admin", actor=who)
            except Refusal as refusal:
                self.message_user(request, f"{delivery_id}: {refusal.message}", messages.WARNING)


@admin.register(Job)
class JobAdmin(ReadOnly):
    list_display = ("id", "title", "status", "done", "failed", "total", "owner", "created_at")
    list_filter = ("status", "kind")
    ordering = ("-id",)


@admin.register(EventSeal)
class EventSealAdmin(ReadOnly):
    list_display = ("day", "events", "hex_digest", "sealed_at")
    ordering = ("-day",)

    @admin.display(description="digest")
    def hex_digest(self, seal: EventSeal) -> str:
        return bytes(seal.digest).hex()


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnly):
    list_display = ("name", "beat_at")
