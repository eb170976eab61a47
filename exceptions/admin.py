"""For administrators: cases to read, queues to rename, rules to revise. What has a state changes on its own screens."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from core.admin_bases import ReadOnly, ReadOnlyRows
from exceptions.models import Case, CaseNote, CasePause, Queue, SlaPolicy
from exceptions.services import policies


class NoteInline(ReadOnlyRows):
    model = CaseNote
    fk_name = "case"
    fields = ("created_at", "author_label", "text")


class PauseInline(ReadOnlyRows):
    model = CasePause
    fields = ("waiting_on", "started_at", "ended_at")


@admin.register(Case)
class CaseAdmin(ReadOnly):
    list_display = ("number", "title", "subject_label", "queue", "status", "owner", "due_at")
    list_filter = ("status", "queue", "severity")
    list_select_related = ("queue", "owner")
    search_fields = ("search",)
    show_full_result_count = False
    ordering = ("-id",)
    inlines = (NoteInline, PauseInline)


@admin.register(Queue)
class QueueAdmin(admin.ModelAdmin):
    list_display = ("code", "name", "position")
    list_editable = ("name", "position")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(SlaPolicy)
class SlaPolicyAdmin(admin.ModelAdmin):
    """Saving a rule writes its next version; the one before stays for the cases that were opened under it."""

    list_display = (
        "name",
        "version",
        "current",
        "position",
        "reason",
        "queue",
        "site",
        "acknowledge_minutes",
        "resolve_minutes",
    )
    list_filter = ("current", "queue")
    exclude = ("version", "current", "created_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("code",) if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.current)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: SlaPolicy, form: Any, change: bool) -> None:
        if change:
            obj.pk = policies.revise(obj.pk, **{name: form.cleaned_data[name] for name in form.changed_data}).pk
        else:
            super().save_model(request, obj, form, change)
