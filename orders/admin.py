"""Read-mostly: channels are kept here, orders are looked at and changed through their services."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from core.admin_bases import ReadOnly, ReadOnlyRows
from orders.models import (
    CarrierService,
    Carton,
    Channel,
    FulfilmentLine,
    FulfilmentOrder,
    Hold,
    Order,
    OrderLine,
    Payment,
    PaymentInstruction,
    PaymentRoute,
    Refund,
    ShortRule,
    StoreCredit,
    StoreCreditEntry,
    StorePolicy,
)
from orders.services import carriage


class Lines(ReadOnlyRows):
    model = OrderLine
    fields = ("position", "sku", "title", "ordered", "open", "allocated", "fulfilled", "cancelled", "unit_price")


class Holds(ReadOnlyRows):
    model = Hold


class Payments(ReadOnlyRows):
    model = Payment


class Refunds(ReadOnlyRows):
    model = Refund


class Shares(ReadOnlyRows):
    model = FulfilmentLine
    fields = ("order_line", "item", "quantity", "picked", "shipped", "reservation_id")


@admin.register(Channel)
class ChannelAdmin(admin.ModelAdmin):
    list_display = ("code", "name", "kind", "currency", "time_zone", "active")
    list_filter = ("kind", "active")
    search_fields = ("code", "name")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # The code is the alias system of its SKUs and part of every key it sent.
        return ("code",) if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Order)
class OrderAdmin(ReadOnly):
    list_display = ("number", "channel", "channel_number", "status", "payment_state", "total", "currency", "placed_at")
    list_filter = ("status", "channel", "payment_state", "test")
    search_fields = ("number__exact", "channel_ref__exact", "channel_number__exact")
    list_select_related = ("channel",)
    inlines = (Lines, Holds, Payments, Refunds)


@admin.register(FulfilmentOrder)
class FulfilmentOrderAdmin(ReadOnly):
    list_display = ("number", "location", "status", "method", "due_at")
    list_filter = ("status", "method", "location")
    search_fields = ("number__exact",)
    list_select_related = ("location",)
    inlines = (Shares,)


@admin.register(StorePolicy)
class StorePolicies(admin.ModelAdmin):
    """How long a store keeps orders for their customers, and what it asks to see at the counter."""

    list_display = ("location", "keep_days", "remind_days", "id_check", "batch_size")
    list_select_related = ("location",)
    autocomplete_fields = ("location",)


@admin.register(ShortRule)
class ShortRules(admin.ModelAdmin):
    """What a reason for a short pick does; a row overrides the built-in reason of its code."""

    list_display = ("code", "title", "effect", "counts", "asks_again", "active")


@admin.register(Carton)
class Cartons(admin.ModelAdmin):
    """Boxes the packing bench may suggest."""

    list_display = ("code", "name", "length_mm", "width_mm", "height_mm", "tare_grams", "max_grams", "active")
    list_filter = ("active",)
    search_fields = ("code", "name")


@admin.register(CarrierService)
class CarrierServices(admin.ModelAdmin):
    """Prices and days are kept here; a service that was ever used is switched off, never thrown away."""

    list_display = ("code", "carrier", "name", "currency", "connection", "rank", "active")
    list_filter = ("active", "carrier", "connection")
    search_fields = ("code", "carrier", "name")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("code",) if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        carriage.forget()


@admin.register(PaymentRoute)
class PaymentRoutes(admin.ModelAdmin):
    """Who carries out what is to happen to a channel's money, gateway by gateway."""

    list_display = ("channel", "gateway", "via", "connection", "capture_on_ship", "void_on_cancel", "holds_days")
    list_filter = ("via", "channel")


@admin.register(PaymentInstruction)
class PaymentInstructionAdmin(ReadOnly):
    list_display = ("id", "kind", "status", "amount", "currency", "via", "connection", "created_at")
    list_filter = ("kind", "status", "via")
    search_fields = ("order__number__exact", "provider_ref__exact", "cause__exact")


class CreditEntries(ReadOnlyRows):
    model = StoreCreditEntry


@admin.register(StoreCredit)
class StoreCreditAdmin(ReadOnly):
    list_display = ("code", "kind", "channel", "holder", "balance", "currency")
    list_filter = ("kind", "channel")
    search_fields = ("code__exact", "holder__exact")
    inlines = (CreditEntries,)
