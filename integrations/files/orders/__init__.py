"""Files of orders, CSV or Excel, dropped by a person or a partner and read by the mapping of their connection."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import partial

from core.errors import Invalid
from integrations.channels.meaning import Meaning
from integrations.channels.vendor import Delivery, Vendor, never_signed
from integrations.failures import FailureClass, Fault, Unreadable, unparsable
from integrations.files.orders import formats, translate
from integrations.models import Connection, FileMapping

NAME = "orderfile"


def layout_of(connection: Connection, settings: Mapping[str, object] | None = None) -> formats.Layout:
    """How this connection's files are read: as given, else by its newest mapping. Invalid for what makes no sense."""
    if settings is None:
        newest = FileMapping.objects.filter(connection=connection).order_by("-version").first()
        settings = newest.settings if newest else {}
    channel = connection.channel
    return formats.read(
        settings, currency=channel.currency if channel else "", time_zone=channel.time_zone if channel else "UTC"
    )


def _as_settled(connection: Connection) -> Callable[[str, bytes], Meaning]:
    try:
        return partial(translate.understand, layout=layout_of(connection))
    except Invalid as invalid:
        faults = [Fault(problem.path, problem.message) for problem in invalid.problems]
        raise Unreadable(FailureClass.BAD_VALUE, *faults) from None


def _understand(topic: str, body: bytes) -> Meaning:
    raise unparsable("a file of orders is read by the mapping of its connection")


def _delivery(body: bytes, headers: Mapping[str, str]) -> Delivery:
    return Delivery(f"sha256:{hashlib.sha256(body).hexdigest()}", translate.TOPIC)


ORDER_FILES = Vendor(
    name=NAME,
    title="Files of orders",
    mapping_version=translate.VERSION,
    understand=_understand,
    verify=never_signed,
    delivery=_delivery,
    as_settled=_as_settled,
)
