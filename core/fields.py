"""Field types every app shares."""

from django.db import models


class MoneyField(models.DecimalField):
    """An amount in some currency's major unit, exact to four places (enough for every ISO 4217 exponent)."""

    def __init__(self, *args, **kwargs):
        kwargs.setdefault("max_digits", 20)
        kwargs.setdefault("decimal_places", 4)
        super().__init__(*args, **kwargs)
