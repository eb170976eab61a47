"""Connections and API clients for administrators. Secrets go in and never come out."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest

from core.admin_bases import ReadOnly
from integrations.models import (
    ApiClient,
    ApiKey,
    Connection,
    ConnectionSecret,
    DriftFinding,
    DriftLook,
    FeedState,
    InboundMessage,
    OutboundCall,
)


class SecretForm(forms.ModelForm):
    """A new secret is typed; a stored one is only ever switched off."""

    value = forms.CharField(
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password"}),
        required=False,
        max_length=4000,
        help_text="Write-only. Stored sealed, shown to nobody.",
    )

    class Meta:
        model = ConnectionSecret
        fields = ("name", "active")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.instance.pk and cleaned.get("name") and not cleaned.get("value"):
            self.add_error("value", "A new secret needs its value.")
        return cleaned

    def save(self, commit: bool = True) -> ConnectionSecret:
        from integrations import secrets

        if self.cleaned_data.get("value"):
            self.instance.sealed = secrets.seal(self.cleaned_data["value"])
        return super().save(commit)


class SecretInline(admin.TabularInline):
    model = ConnectionSecret
    form = SecretForm
    extra = 1
    fields = ("name", "value", "active", "created_at")
    readonly_fields = ("created_at",)
    verbose_name = "secret"


@admin.register(Connection)
class ConnectionAdmin(admin.ModelAdmin):
    list_display = ("name", "code", "kind", "vendor", "channel", "status", "mode", "health")
    list_filter = ("kind", "vendor", "status", "health")
    search_fields = ("name", "code")
    readonly_fields = (
        "id", "mode", "live_share", "live_places", "health", "health_reason", "last_ok_at",
        "last_failure_at", "refused_signatures", "created_at", "updated_at",
    )  # fmt: skip
    inlines = [SecretInline]


@admin.register(ApiClient)
class ApiClientAdmin(admin.ModelAdmin):
    """The key is shown once, right after the client is made. It is rotated and revoked on the page of API clients."""

    list_display = ("name", "scopes", "active", "expires_at", "rate_per_minute")
    list_filter = ("active",)
    search_fields = ("name", "keys__prefix")
    fields = (
        "name", "contact", "scopes", "channels", "sites", "queues", "networks", "active", "expires_at",
        "rate_per_minute",
    )  # fmt: skip
    filter_horizontal = ("channels", "sites")

    def save_model(self, request: HttpRequest, obj: ApiClient, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not change:
            key = ApiKey.draw(obj.pk)
            messages.warning(request, f"The key of {obj.name}, shown this once: {key}")


@admin.register(FeedState)
class FeedStateAdmin(admin.ModelAdmin):
    """How far a feed was read. To read it again from somewhere, its cursor is set and its time made now."""

    list_display = ("connection", "name", "active", "ok_at", "failures", "last_error", "documents", "found")
    list_filter = ("active", "connection")
    fields = ("connection", "name", "active", "cursor", "next_at", "asked_at", "ok_at", "failures", "last_error",
              "documents", "found")  # fmt: skip
    readonly_fields = ("connection", "name", "asked_at", "ok_at", "failures", "last_error", "documents", "found")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(InboundMessage)
class InboundMessageAdmin(ReadOnly):
    list_display = ("id", "connection", "topic", "status", "failure_class", "result_label", "received_at")
    list_filter = ("status", "failure_class")
    search_fields = ("external_id", "result_label")
    exclude = ("body", "headers")
    show_full_result_count = False


@admin.register(OutboundCall)
class OutboundCallAdmin(ReadOnly):
    list_display = ("id", "connection", "purpose", "method", "status", "failure_class", "duration_ms", "at")
    list_filter = ("failure_class",)
    show_full_result_count = False


@admin.register(DriftLook)
class DriftLookAdmin(ReadOnly):
    list_display = ("id", "started_at", "finished_at", "compared", "differing", "unknown")


@admin.register(DriftFinding)
class DriftFindingAdmin(ReadOnly):
    list_display = ("posting", "connection", "words", "unknown", "first_seen_at", "seen_at")
    list_filter = ("unknown", "connection")
    show_full_result_count = False
