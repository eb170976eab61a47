"""Master data for administrators. Quantities and promises are read here and changed through their services."""

from __future__ import annotations

from django.contrib import admin

from core.admin_bases import ReadOnly, ReadOnlyRows
from inventory.models import (
    Bin,
    Count,
    CountPolicy,
    Item,
    ItemAlias,
    KitComponent,
    Location,
    LocationAlias,
    Placement,
    Reservation,
    Stock,
    StockMovement,
    StockSource,
    Transfer,
)


class AliasInline(admin.TabularInline):
    model = ItemAlias
    extra = 0


class KitInline(ReadOnlyRows):
    """What a kit is made of, as services.kits.define left it."""

    model = KitComponent
    fk_name = "kit"
    verbose_name_plural = "parts of this kit"


class BinInline(admin.TabularInline):
    model = Bin
    extra = 0


@admin.register(Item)
class ItemAdmin(admin.ModelAdmin):
    list_display = ("sku", "name", "gtin", "tracking", "is_kit", "active")
    list_filter = ("active", "tracking", "is_kit")
    readonly_fields = ("is_kit",)
    search_fields = ("sku", "gtin", "name")
    inlines = (AliasInline, KitInline)


@admin.register(ItemAlias)
class ItemAliasAdmin(admin.ModelAdmin):
    list_display = ("system", "code", "item")
    list_filter = ("system",)
    search_fields = ("code", "item__sku")
    autocomplete_fields = ("item",)


@admin.register(Location)
class LocationAdmin(admin.ModelAdmin):
    list_display = ("code", "name", "kind", "status", "ships", "pickup", "returns", "priority")
    list_filter = ("kind", "status")
    search_fields = ("code", "name", "gln")
    inlines = (BinInline,)


@admin.register(Stock)
class StockAdmin(ReadOnly):
    list_display = ("item", "location", "sellable", "reserved", "damaged", "quarantined", "awaiting_inspection")
    list_filter = ("location",)
    list_select_related = ("item", "location")
    search_fields = ("item__sku",)


@admin.register(StockMovement)
class StockMovementAdmin(ReadOnly):
    list_display = ("id", "occurred_at", "item", "quantity", "from_location", "from_state", "to_location", "to_state")
    list_select_related = ("item", "from_location", "to_location")
    search_fields = ("item__sku", "key", "cause_uid")


@admin.register(Reservation)
class ReservationAdmin(ReadOnly):
    list_display = ("id", "demand", "ref", "item", "location", "quantity", "kind", "status", "expires_at")
    list_select_related = ("demand", "item", "location")
    search_fields = ("item__sku", "demand__demand_uid")


@admin.register(StockSource)
class StockSourceAdmin(admin.ModelAdmin):
    list_display = ("code", "name", "kind", "alias_system", "tolerance_units", "tolerance_percent", "active")
    list_filter = ("kind", "active")
    search_fields = ("code", "name")


@admin.register(LocationAlias)
class LocationAliasAdmin(admin.ModelAdmin):
    list_display = ("system", "code", "location")
    list_filter = ("system",)
    search_fields = ("code", "location__code")


@admin.register(CountPolicy)
class CountPolicyAdmin(admin.ModelAdmin):
    list_display = ("__str__", "recount_units", "recount_percent", "approve_value", "approve_units")
    list_select_related = ("location",)
    autocomplete_fields = ("location",)


@admin.register(Count)
class CountAdmin(ReadOnly):
    list_display = ("id", "location", "status", "origin", "due_at", "counted_by", "approved_by")
    list_filter = ("status", "origin")
    list_select_related = ("location",)


@admin.register(Transfer)
class TransferAdmin(ReadOnly):
    list_display = ("id", "origin", "destination", "status", "requested_by", "approved_by", "due_at")
    list_filter = ("status",)
    list_select_related = ("origin", "destination")


@admin.register(Placement)
class PlacementAdmin(admin.ModelAdmin):
    """In which bin an article lies."""

    list_display = ("item", "bin", "created_at")
    list_select_related = ("item", "bin__location")
    search_fields = ("item__sku", "bin__code")
    autocomplete_fields = ("item",)
    raw_id_fields = ("bin",)
