"""ERPs as senders of documents: what their masters and levels mean, and the feeds that bring them.

Which of its feeds a connection reads its settings say by name (`"feeds": ["items", "stock"]`): none by itself, because
whose word counts is for people to decide.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from integrations.channels import stock_documents
from integrations.channels.meaning import Meaning
from integrations.channels.vendor import Feed, Vendor, never_signed
from integrations.erp.reading import Reader
from integrations.models import Connection

VERSION = "1"


def vendor(name: str, reader: Reader, feeds: Sequence[Feed]) -> Vendor:
    def as_settled(connection: Connection) -> Callable[[str, bytes], Meaning]:
        return lambda topic, body: reader.understand(topic, body, connection.settings)

    return Vendor(
        name,
        reader.title,
        VERSION,
        lambda topic, body: reader.understand(topic, body, {}),
        never_signed,
        stock_documents.delivery,
        can_be_called=lambda connection: bool(connection.settings.get("url")),
        feeds=tuple(feeds),
        as_settled=as_settled,
    )
