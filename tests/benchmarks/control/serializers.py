from __future__ import annotations

from rest_framework import serializers


class Address(serializers.Serializer):
    name = serializers.CharField(max_length=255)
    line1 = serializers.CharField(max_length=255)
    city = serializers.CharField(max_length=255)
    postal_code = serializers.CharField(max_length=255)
    country = serializers.CharField(max_length=2)
    latitude = serializers.FloatField(required=False)
    longitude = serializers.FloatField(required=False)


class Line(serializers.Serializer):
    ref = serializers.CharField(max_length=120)
    sku = serializers.CharField(max_length=120)
    title = serializers.CharField(max_length=255, allow_blank=True, required=False, default="")
    quantity = serializers.IntegerField(min_value=1, max_value=1_000_000)
    unit_price = serializers.DecimalField(max_digits=16, decimal_places=4, min_value=0)


class Order(serializers.Serializer):
    channel = serializers.CharField(max_length=40)
    channel_ref = serializers.CharField(max_length=120)
    placed_at = serializers.DateTimeField()
    currency = serializers.CharField(max_length=3)
    total = serializers.DecimalField(max_digits=16, decimal_places=4, min_value=0)
    version = serializers.IntegerField(min_value=0)
    payment_state = serializers.CharField(max_length=18)
    ship_to = Address()
    lines = Line(many=True, allow_empty=False)

    def validate(self, attrs):
        goods = sum(line["quantity"] * line["unit_price"] for line in attrs["lines"])
        if goods != attrs["total"]:
            raise serializers.ValidationError("The totals disagree.")
        return attrs
