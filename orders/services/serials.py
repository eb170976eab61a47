"""Numbers for parcels: each SSCC is taken once, whoever asks at the same time."""

from __future__ import annotations

from django.conf import settings
from django.db import connection

from core.errors import Refusal
from orders.labels import sscc

_TAKE = """
INSERT INTO orders_serialreference (prefix, extension, taken) VALUES (%s, 0, 1)
ON CONFLICT (prefix) DO UPDATE SET
    taken = CASE WHEN orders_serialreference.taken >= %s THEN 1 ELSE orders_serialreference.taken + 1 END,
    extension = orders_serialreference.extension + CASE WHEN orders_serialreference.taken >= %s THEN 1 ELSE 0 END
RETURNING extension, taken
"""


def next_sscc() -> str:
    """The next code of the company's prefix. One statement; must run inside the transaction that uses it."""
    prefix = settings.GS1_COMPANY_PREFIX
    most = 10 ** (sscc.DIGITS - 2 - len(prefix)) - 1
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [prefix, most, most])
        extension, taken = cursor.fetchone()
    try:
        return sscc.make(prefix, extension, taken)
    except ValueError as error:
        raise Refusal("no_sscc_left", f"No number is left for parcels: {error}", status=503) from error
