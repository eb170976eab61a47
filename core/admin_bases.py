"""What the admin of every app stands on: rows to look at, which nobody adds, changes or deletes there."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest


class _Shown:
    """What may be done is an action that calls a service."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnly(_Shown, admin.ModelAdmin):
    show_full_result_count = False  # a count over an unbounded table


class ReadOnlyRows(_Shown, admin.TabularInline):
    extra = 0
    can_delete = False
