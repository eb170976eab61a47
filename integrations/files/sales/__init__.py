"""Sales files of tills and shops: every row an invoice's line, fed invoice by invoice through the inbox."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial

from core.errors import Invalid
from integrations.channels.meaning import Meaning
from integrations.channels.vendor import Delivery, Vendor
from integrations.failures import FailureClass, Fault, Unreadable, unparsable
from integrations.files.sales import mapping, translate
from integrations.models import Connection

NAME = "sales"


def mapping_of(connection: Connection) -> mapping.SalesMapping:
    """What this connection's files mean. Raises Invalid naming each setting that makes no sense."""
    channel = connection.channel
    return mapping.read(
        connection.settings.get("sales") or {},
        currency=channel.currency if channel else "",
        time_zone=channel.time_zone if channel else "UTC",
    )


def _as_settled(connection: Connection) -> Callable[[str, bytes], Meaning]:
    try:
        return partial(translate.understand, mapping=mapping_of(connection))
    except Invalid as invalid:
        faults = [Fault(problem.path, problem.message) for problem in invalid.problems]
        raise Unreadable(FailureClass.BAD_VALUE, *faults) from None


def _understand(topic: str, body: bytes) -> Meaning:
    raise unparsable("a sales file is read by the mapping of its connection")


def _verify(body: bytes, headers: Mapping[str, str], secrets: Iterable[str], now: datetime) -> bool:
    """Files are fed by a person; nobody signs them."""
    return False


def _delivery(body: bytes, headers: Mapping[str, str]) -> Delivery:
    return Delivery(f"sha256:{hashlib.sha256(body).hexdigest()}", translate.TOPIC)


SALES = Vendor(
    name=NAME,
    title="Sales file",
    mapping_version=translate.VERSION,
    understand=_understand,
    verify=_verify,
    delivery=_delivery,
    as_settled=_as_settled,
)
