"""Businesses that buy on terms."""

from __future__ import annotations

import factory
from factory.django import DjangoModelFactory

from orders.models import Account


class AccountFactory(DjangoModelFactory):
    class Meta:
        model = Account

    code = factory.Sequence(lambda n: f"B2B-{n}")
    name = factory.LazyAttribute(lambda o: f"{o.code} Ltd")
    currency = "GBP"
