"""Amounts as providers write them: whole numbers of a currency's smallest unit, with each provider's own exceptions."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from orders import currencies

# Where the providers' number of decimals isn't that of ISO 4217 (docs.stripe.com/currencies, docs.adyen.com: currency
# codes and minor units).
STRIPE: dict[str, int] = {"ISK": 2, "UGX": 2, "MGA": 0, "IQD": 2, "LYD": 2}
ADYEN: dict[str, int] = {"CLP": 2, "CVE": 0, "IDR": 0, "ISK": 2}


def exponent(currency: str, exceptions: Mapping[str, int]) -> int:
    return exceptions.get(currency, currencies.EXPONENTS.get(currency, 2))


def to_minor(amount: Decimal, currency: str, exceptions: Mapping[str, int]) -> int:
    """ValueError for an amount the provider can't write."""
    units = amount.scaleb(exponent(currency, exceptions))
    if units != units.to_integral_value():
        raise ValueError(f"{amount} {currency} can't be written in its smallest unit.")
    return int(units)


def from_minor(units: int, currency: str, exceptions: Mapping[str, int]) -> Decimal:
    return Decimal(units).scaleb(-exponent(currency, exceptions))
