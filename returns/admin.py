from django.contrib import admin

from core.admin_bases import ReadOnly, ReadOnlyRows
from returns.models import (
    Arrival,
    Disposition,
    DispositionRules,
    Exchange,
    Inspection,
    ReturnLabel,
    ReturnLine,
    ReturnPolicy,
    ReturnPolicyVersion,
    ReturnRequest,
    ReturnSignal,
    ReturnTarget,
)


class Lines(ReadOnlyRows):
    model = ReturnLine
    fields = ("position", "sku", "title", "quantity", "received", "kept", "gone", "accepted", "rejected", "reception",
              "acceptance", "reason", "verdict", "rule")  # fmt: skip


@admin.register(ReturnRequest)
class ReturnRequestAdmin(ReadOnly):
    list_display = ("number", "kind", "status", "verdict", "rule", "created_at")
    list_select_related = ()
    search_fields = ("number", "channel_ref")
    inlines = (Lines,)


@admin.register(ReturnLabel)
class ReturnLabelAdmin(ReadOnly):
    list_display = ("tracking_number", "request", "status", "cost", "created_at")
    list_select_related = ("request",)
    exclude = ("content",)


@admin.register(ReturnPolicy)
class ReturnPolicyAdmin(ReadOnly):
    list_display = ("code", "name", "channel")
    list_select_related = ("channel",)


@admin.register(ReturnPolicyVersion)
class ReturnPolicyVersionAdmin(ReadOnly):
    list_display = ("policy", "number", "status", "live_at")
    list_select_related = ("policy",)


@admin.register(Arrival)
class ArrivalAdmin(ReadOnly):
    list_display = ("line", "location", "quantity", "kind", "serial", "occurred_at")
    list_select_related = ("line", "location")


@admin.register(Inspection)
class InspectionAdmin(ReadOnly):
    list_display = ("line", "location", "quantity", "grade", "verdict", "inspected_at")
    list_select_related = ("line", "location")


@admin.register(Disposition)
class DispositionAdmin(ReadOnly):
    list_display = ("line", "location", "quantity", "kind", "moved_on", "decided_at")
    list_select_related = ("line", "location")


@admin.register(DispositionRules)
class DispositionRulesAdmin(ReadOnly):
    list_display = ("number", "status", "live_at", "launched_by")


@admin.register(Exchange)
class ExchangeAdmin(ReadOnly):
    list_display = ("request", "order", "status", "credit", "worth", "currency", "advance")
    list_select_related = ("request", "order")


@admin.register(ReturnSignal)
class ReturnSignalAdmin(ReadOnly):
    list_display = ("kind", "dimension", "label", "chance", "found_at", "ended_at")


@admin.register(ReturnTarget)
class ReturnTargetAdmin(admin.ModelAdmin):
    list_display = ("step", "hours")
