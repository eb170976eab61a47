"""What lists of stock may be narrowed by."""

from __future__ import annotations

from typing import Any, ClassVar

import django_filters as df
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from core.errors import Invalid, Problem
from inventory import skus
from inventory.models import (
    INSIDE,
    Item,
    ItemAlias,
    Location,
    LocationKind,
    LocationStatus,
    LotStock,
    State,
    Stock,
    StockMovement,
)

STATES = [*((state.value, state.label) for state in INSIDE), ("reserved", "Promised")]
NEEDS = [("out", "Nothing free"), ("owed", "More promised than there is"), ("blocked", "Units nobody may sell")]
REACHED = [(state.value, state.label) for state in State]
CAUSES = [
    ("order", "An order"), ("count", "A count"), ("transfer", "A transfer"), ("delivery", "A delivery"),
    ("message", "A message"), ("stock", "An opening balance"),
]  # fmt: skip
_blocked = Q(damaged__gt=0) | Q(quarantined__gt=0) | Q(awaiting_inspection__gt=0)
_needs = {"out": Q(sellable__lte=F("reserved")), "owed": Q(sellable__lt=F("reserved")), "blocked": _blocked}


def _seen_places(request: Any) -> QuerySet[Location]:
    """A place of another site is refused like one that doesn't exist. Asked by a person or through the API."""
    caller = getattr(request, "auth", None)
    return Location.objects.for_caller(caller) if caller else Location.objects.for_user(request.user)


class Asked(df.FilterSet):
    """A filter set whose nonsense is refused by name."""

    def found(self) -> QuerySet[Any]:
        """The rows asked for. Invalid (400) names every parameter that makes no sense."""
        if not self.form.is_valid():
            raise Invalid(
                [Problem(name, "unknown", str(said[0])) for name, said in self.form.errors.items()], code="bad_filter"
            )
        return self.filter_queryset(self.queryset)


class ItemFilter(Asked):
    """Items by what lies of them. `stock` are the rows the person may see, narrowed by the same places and states."""

    q = df.CharFilter(method="filter_code", max_length=200)
    location = df.ModelMultipleChoiceFilter(method="filter_stock", queryset=_seen_places, to_field_name="code")
    state = df.MultipleChoiceFilter(method="filter_stock", choices=STATES)
    needs = df.MultipleChoiceFilter(method="filter_stock", choices=NEEDS)

    class Meta:
        model = Item
        fields: ClassVar[list[str]] = []

    def __init__(self, data: Any, items: QuerySet[Item], stock: QuerySet[Stock], *, request: Any):
        super().__init__(data, items, request=request)
        self.stock = stock

    def found(self) -> QuerySet[Any]:
        items = super().found()
        asked = self.form.cleaned_data
        if asked["location"]:
            self.stock = self.stock.filter(location__in=[location.pk for location in asked["location"]])
        narrowed = self.stock
        if asked["state"]:
            narrowed = narrowed.filter(_any(Q(**{f"{state}__gt": 0}) for state in asked["state"]))
        if asked["needs"]:
            narrowed = narrowed.filter(_any(_needs[need] for need in asked["needs"]))
        if any(asked[name] for name in ("location", "state", "needs")):
            items = items.filter(Exists(narrowed.filter(item=OuterRef("pk"))))
        return items

    def filter_code(self, items: QuerySet[Item], name: str, value: str) -> QuerySet[Item]:
        return items.filter(pk__in=matching(value)) if skus.normalise(value) else items

    def filter_stock(self, items: QuerySet[Item], name: str, value: Any) -> QuerySet[Item]:
        return items  # all three narrow the same rows, so `found` applies them together


class StockFilter(Asked):
    """Stock rows: of items whose SKU begins so, at some places, with units in some state."""

    q = df.CharFilter(method="filter_item", max_length=200)
    sku = df.CharFilter(method="filter_sku", max_length=skus.MAX_LENGTH)
    location = df.ModelMultipleChoiceFilter(method="filter_place", queryset=_seen_places, to_field_name="code")
    state = df.MultipleChoiceFilter(method="filter_state", choices=STATES)
    needs = df.MultipleChoiceFilter(method="filter_needs", choices=NEEDS)

    class Meta:
        model = Stock
        fields: ClassVar[list[str]] = []

    def filter_item(self, rows: QuerySet[Stock], name: str, value: str) -> QuerySet[Stock]:
        return rows.filter(item__in=matching(value)) if skus.normalise(value) else rows

    def filter_sku(self, rows: QuerySet[Stock], name: str, value: str) -> QuerySet[Stock]:
        return rows.filter(item__sku=skus.normalise(value.replace("\0", ""))) if value else rows

    def filter_place(self, rows: QuerySet[Stock], name: str, places: list[Location]) -> QuerySet[Stock]:
        return rows.filter(location__in=[place.pk for place in places]) if places else rows

    def filter_state(self, rows: QuerySet[Stock], name: str, value: list[str]) -> QuerySet[Stock]:
        return rows.filter(_any(Q(**{f"{state}__gt": 0}) for state in value)) if value else rows

    def filter_needs(self, rows: QuerySet[Stock], name: str, value: list[str]) -> QuerySet[Stock]:
        return rows.filter(_any(_needs[need] for need in value)) if value else rows


class PlaceFilter(Asked):
    q = df.CharFilter(method="filter_name", max_length=200)
    kind = df.MultipleChoiceFilter(choices=LocationKind.choices)
    status = df.MultipleChoiceFilter(choices=LocationStatus.choices)

    class Meta:
        model = Location
        fields: ClassVar[list[str]] = []

    def filter_name(self, places: QuerySet[Location], name: str, value: str) -> QuerySet[Location]:
        words = value.replace("\0", "").strip()
        return places.filter(Q(code__istartswith=words) | Q(name__icontains=words)) if words else places


class LedgerFilter(Asked):
    """Movements. A period is about when Backroom heard of them; `happened` asks for when they took place."""

    q = df.CharFilter(method="filter_item", max_length=200)
    location = df.ModelMultipleChoiceFilter(method="filter_location", queryset=_seen_places, to_field_name="code")
    state = df.MultipleChoiceFilter(method="filter_state", choices=REACHED)
    cause = df.MultipleChoiceFilter(field_name="cause_kind", choices=CAUSES)
    recorded_from = df.DateFilter(field_name="recorded_at", lookup_expr="date__gte")
    recorded_to = df.DateFilter(field_name="recorded_at", lookup_expr="date__lte")
    happened_from = df.DateFilter(field_name="occurred_at", lookup_expr="date__gte")
    happened_to = df.DateFilter(field_name="occurred_at", lookup_expr="date__lte")
    cause_uid = df.CharFilter(max_length=64)

    class Meta:
        model = StockMovement
        fields: ClassVar[list[str]] = []

    def filter_item(self, rows: QuerySet[StockMovement], name: str, value: str) -> QuerySet[StockMovement]:
        return rows.filter(item__in=matching(value)) if skus.normalise(value) else rows

    def filter_location(self, rows: QuerySet[StockMovement], name: str, value: Any) -> QuerySet[StockMovement]:
        """Either end, each by its own index: an OR over both would walk the whole ledger."""
        if not value:
            return rows
        ids = [location.pk for location in value]
        moved = StockMovement.objects.order_by()
        here = (
            moved.filter(from_location__in=ids)
            .values("pk")
            .union(moved.filter(to_location__in=ids).values("pk"), all=True)
        )
        return rows.filter(pk__in=here)

    def filter_state(self, rows: QuerySet[StockMovement], name: str, value: list[str]) -> QuerySet[StockMovement]:
        return rows.filter(Q(from_state__in=value) | Q(to_state__in=value)) if value else rows


def _any(wanted: Any) -> Q:
    found = Q()
    for each in wanted:
        found |= each
    return found


def matching(text: str) -> QuerySet[Any]:
    """Ids of items whose SKU begins with the text, or that somebody calls exactly so."""
    code = skus.normalise(text.replace("\0", ""))[: skus.MAX_LENGTH]
    begins = Q(sku__startswith=code) | Q(sku__startswith=code.upper())
    own = Item.objects.filter(begins | (Q(gtin=code) if code.isdigit() else Q())).order_by().values("pk")
    return own.union(ItemAlias.objects.filter(code__in={code, code.upper()}).order_by().values("item_id"))


class LotFilter(Asked):
    """Lots and serial numbers of one item by how they begin, where they lie and in which state."""

    q = df.CharFilter(method="filter_code", max_length=100)
    location = df.ModelMultipleChoiceFilter(method="filter_place", queryset=_seen_places, to_field_name="code")
    state = df.MultipleChoiceFilter(choices=[(state.value, state.label) for state in INSIDE])

    class Meta:
        model = LotStock
        fields: ClassVar[list[str]] = []

    def filter_code(self, rows: QuerySet[Any], _name: str, text: str) -> QuerySet[Any]:
        code = skus.normalise(text)
        return rows.filter(lot__code__istartswith=code) if code else rows

    def filter_place(self, rows: QuerySet[Any], _name: str, places: list[Location]) -> QuerySet[Any]:
        return rows.filter(location__in=[place.pk for place in places]) if places else rows
