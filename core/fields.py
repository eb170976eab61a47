"""Field types every app shares."""

import json
from decimal import Decimal
from typing import Any

import simplejson
from django.db import models


class MoneyField(models.DecimalField):
    """An amount in some currency's major unit, exact to four places (enough for every ISO 4217 exponent)."""

    def __init__(self, *args, **kwargs):
        kwargs.setdefault("max_digits", 20)
        kwargs.setdefault("decimal_places", 4)
        super().__init__(*args, **kwargs)


class Exactly(json.JSONEncoder):
    """Writes decimals as the numbers they are, digit by digit."""

    def encode(self, o: Any) -> str:
        return simplejson.dumps(o, use_decimal=True)


class AsWritten(json.JSONDecoder):
    """Reads numbers with a fraction as decimals, since a price is no binary fraction."""

    def __init__(self, **kwargs: Any):
        super().__init__(parse_float=Decimal, **kwargs)
