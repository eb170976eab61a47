"""Every account that moves money. Adding one is a folder beside stripe/ and a line here."""

from __future__ import annotations

from collections.abc import Callable

from integrations.models import Connection
from integrations.payments.adyen.client import Adyen
from integrations.payments.port import PaymentPort
from integrations.payments.stripe.client import Stripe

VENDORS: dict[str, Callable[[Connection], PaymentPort]] = {
    "adyen": Adyen,
    "stripe": Stripe,
}


def port(connection: Connection) -> PaymentPort:
    """The port of this connection; KeyError for a vendor nobody wrote is a mistake in its settings."""
    return VENDORS[connection.vendor](connection)


def connection_for(code: str) -> Connection | None:
    """The payment account of this code, paused ones included: what is wanted there waits."""
    found = Connection.objects.filter(code=code, kind=Connection.Kind.PAYMENT, vendor__in=list(VENDORS))
    return found.exclude(status=Connection.Status.DISABLED).first()
