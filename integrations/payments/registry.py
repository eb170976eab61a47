"""Every account that moves money. Adding one is a folder beside stripe/ and a line here."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from integrations.models import Connection
from integrations.payments.adyen.client import Adyen
from integrations.payments.port import PaymentPort
from integrations.payments.stripe.client import Stripe
from integrations.sense import Sensible

VENDORS: dict[str, Callable[[Connection], PaymentPort]] = {
    "adyen": Adyen,
    "stripe": Stripe,
}


def port(connection: Connection) -> PaymentPort:
    """The port of this connection; KeyError for a vendor nobody wrote is a mistake in its settings."""
    return cast(PaymentPort, Sensible(VENDORS[connection.vendor](connection), connection.name))


def connection_for(code: str) -> Connection | None:
    """The payment account of this code, paused ones included: what is wanted there waits."""
    found = Connection.objects.filter(code=code, kind=Connection.Kind.PAYMENT, vendor__in=list(VENDORS))
    return found.exclude(status=Connection.Status.DISABLED).first()
