from functools import partial

from django.contrib import admin
from django.db import transaction

from core.admin_bases import ReadOnly, ReadOnlyRows
from finance.models import (
    ApprovalLimit,
    ApprovalRule,
    BankStatement,
    Charge,
    ChartMapping,
    Entity,
    EntityAccount,
    EntityChannel,
    ExchangeRate,
    LabelMapping,
    OrderMoney,
    Period,
    Posting,
    PostingLine,
    Settlement,
    ThreeWay,
)
from finance.services import rates


class Lines(ReadOnlyRows):
    model = PostingLine


@admin.register(Posting)
class PostingAdmin(ReadOnly):
    list_display = ("reference", "kind", "status", "total", "currency", "erp_number", "prepared_at")
    list_filter = ("status", "kind")
    search_fields = ("reference", "erp_number")
    inlines = (Lines,)
    exclude = ("lease_token",)


@admin.register(Charge)
class ChargeAdmin(ReadOnly):
    list_display = ("order", "kind", "amount", "currency", "recorded_at")
    list_filter = ("kind",)
    list_select_related = ("order",)


@admin.register(Settlement)
class SettlementAdmin(ReadOnly):
    list_display = ("ref", "provider", "account", "state", "payout", "currency", "residual", "imported_at")
    list_filter = ("provider", "state")
    search_fields = ("ref",)


@admin.register(LabelMapping)
class LabelMappingAdmin(ReadOnly):
    list_display = ("provider", "label", "kind", "version", "actor_label", "at")
    list_filter = ("provider", "kind")


@admin.register(BankStatement)
class BankStatementAdmin(ReadOnly):
    list_display = ("name", "form", "account", "currency", "opening", "closing", "ends_on")
    exclude = ("content",)


@admin.register(Entity)
class EntityAdmin(admin.ModelAdmin):
    list_display = ("code", "name", "currency", "invoices", "defers")


@admin.register(EntityChannel)
class EntityChannelAdmin(admin.ModelAdmin):
    list_display = ("channel", "entity")


@admin.register(EntityAccount)
class EntityAccountAdmin(admin.ModelAdmin):
    list_display = ("provider", "account", "entity")


@admin.register(ExchangeRate)
class ExchangeRateAdmin(ReadOnly):
    """Stated once each; a correction is another of the same day."""

    list_display = ("on", "given", "wanted", "rate", "source", "stated_at")
    list_filter = ("given", "wanted")

    def has_add_permission(self, request, obj=None):
        return admin.ModelAdmin.has_add_permission(self, request)

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        transaction.on_commit(partial(rates.stated, obj))


@admin.register(ApprovalRule)
class ApprovalRuleAdmin(admin.ModelAdmin):
    list_display = ("kind", "above", "currency")


@admin.register(ApprovalLimit)
class ApprovalLimitAdmin(admin.ModelAdmin):
    list_display = ("group", "user", "kind", "amount", "currency")


@admin.register(Period)
class PeriodAdmin(ReadOnly):
    list_display = ("code", "entity", "status", "locked_by", "locked_at")


@admin.register(ChartMapping)
class ChartMappingAdmin(ReadOnly):
    list_display = ("entity", "number", "status", "created_by", "launched_by")


@admin.register(OrderMoney)
class OrderMoneyAdmin(ReadOnly):
    list_display = ("order", "currency", "total", "current", "paid", "outstanding")
    list_select_related = ("order",)


@admin.register(ThreeWay)
class ThreeWayAdmin(ReadOnly):
    list_display = ("order", "currency", "ordered", "provided", "posted", "found_at", "cleared_at")
    list_select_related = ("order",)
