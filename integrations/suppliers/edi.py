"""Work asked of a warehouse or a supplier by X12 940. It answers by 945, 855 or 856, through the connection's inbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.errors import Permanent
from integrations.channels.edi import x12_written
from integrations.channels.edi.selling import post
from integrations.channels.edi.writing import style_of
from integrations.models import Connection, OutgoingDocument
from integrations.suppliers.port import Answer


class Edi:
    """One partner's account."""

    def __init__(self, connection: Connection):
        self.connection = connection

    def ask(self, document: Mapping[str, Any]) -> Answer:
        style = style_of(self.connection)
        if not style.is_x12:
            raise Permanent(f"{self.connection.name}: work is asked for by X12 940 only.")
        facts = {"request": dict(document)}
        lines = x12_written.warehouse_order(document)
        post(self.connection, style, "940", document["request"], document["reference"], lambda: (lines, facts))
        return Answer("received")

    def withdraw(self, uid: str, why: str) -> bool:
        """Whether it left already nobody says at once: what was sent all the same comes back as a 945."""
        asked = OutgoingDocument.objects.filter(connection=self.connection, key=f"940:{uid}").first()
        if asked is None:  # never asked, so nothing of it will be sent
            return True
        lines = x12_written.warehouse_order(asked.facts["request"], cancelled=True)
        post(self.connection, style_of(self.connection), "940", f"{uid}:off", asked.reference, lambda: (lines, {}))
        return True

    def ping(self) -> str:
        style_of(self.connection)
        return f"{self.connection.name} is set up; nothing is sent to try it."
