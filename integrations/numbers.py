"""Numbers that senders give documents and use once: a repeated one is the same document or a mistake."""

from __future__ import annotations

from typing import Any

from django.db import connection

from integrations.channels.meaning import ClaimNumber
from integrations.failures import FailureClass, Fault, Unreadable
from integrations.models import InboundMessage


def claim(act: ClaimNumber, message: InboundMessage) -> None:
    """Note the number with what it stands for, in the transaction of the message's effects. Safe to race.

    Raises Unreadable for one that stood for something else before.
    """
    values: dict[str, Any] = {
        "connection": message.connection_id,
        "number": act.number,
        "says": act.says,
        "message": message.pk,
    }
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, values)
        says, first = cursor.fetchone()
    if says != act.says:
        words = f"{act.number}: its sender used this number before, for other contents (message {first})"
        raise Unreadable(FailureClass.DUPLICATE, Fault("", words))


# The update changes nothing: it lets the statement return the row that was there.
_CLAIM = """
INSERT INTO integrations_documentnumber (connection_id, number, says, message_id)
VALUES (%(connection)s, %(number)s, %(says)s, %(message)s)
ON CONFLICT (connection_id, number) DO UPDATE SET number = integrations_documentnumber.number
RETURNING says, message_id
"""
