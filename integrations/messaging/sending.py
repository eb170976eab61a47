"""One message on its way. Every try carries the same id, so whoever got it twice can tell.

The outbox gives a message to one worker at a time. Between a mail server's "accepted" and our noting it lies a moment
in which a crash means a second try: the Message-ID is the same, and so is the id of a webhook.
"""

from __future__ import annotations

import json
import smtplib
from email.utils import parseaddr

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.message import BadHeaderError
from django.db.models import Q
from django.utils import timezone

from core.actors import SYSTEM
from core.errors import Permanent, TryLater
from integrations import http, signatures
from integrations.models import Connection
from orders.models import CustomerMessage, Medium, MessageStatus
from orders.services import messages

PAUSE_SECONDS = 300.0


def send(message_id: int) -> None:
    """Send it, or say why not. Safe to repeat. TryLater for what time may heal."""
    message = CustomerMessage.objects.select_related("order__channel").get(pk=message_id)
    if message.status != MessageStatus.QUEUED:
        return
    if message.medium == Medium.EMAIL:
        _mail(message)
    else:
        _call(message)


def _mail(message: CustomerMessage) -> None:
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    mail = EmailMessage(
        subject=message.subject,
        body=message.body,
        to=[message.address],
        headers={"Message-ID": f"<{message.uid}@{domain}>", "Auto-Submitted": "auto-generated"},
    )
    try:
        mail.send()
    except (smtplib.SMTPRecipientsRefused, BadHeaderError, UnicodeError) as error:
        messages.failed(message.pk, why=f"The mail server refuses the address: {_words(error)}", actor=SYSTEM)
    except smtplib.SMTPResponseException as error:
        if 500 <= error.smtp_code < 600 and error.smtp_code not in {530, 534, 535, 538}:
            messages.failed(message.pk, why=f"The mail server refuses it: {error.smtp_code}", actor=SYSTEM)
            return
        raise TryLater(f"The mail server answers {error.smtp_code}.") from error
    except (smtplib.SMTPException, OSError) as error:
        raise TryLater(f"The mail server can't be reached: {type(error).__name__}") from error
    else:
        messages.sent(message.pk, actor=SYSTEM)


def _words(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return ", ".join(str(code) for code, _ in error.recipients.values())
    return type(error).__name__


def _call(message: CustomerMessage) -> None:
    connection = connection_for(message.order.channel_id)
    if connection is None:
        messages.not_sent(message.pk, why="No connection takes messages of this channel.", actor=SYSTEM)
        return
    body = json.dumps(_document(message), separators=(",", ":")).encode()
    stamp = str(int(timezone.now().timestamp()))
    headers = {
        "webhook-id": str(message.uid),
        "webhook-timestamp": stamp,
        "webhook-signature": signatures.sign_standard(
            body, message_id=str(message.uid), timestamp=stamp, secrets=connection.secrets_named("webhook")
        ),
    }
    url = str(connection.settings.get("url") or "")
    try:
        http.request(connection, "POST", url, purpose="customer message", headers=headers, content=body)
    except http.FailedForGood as refusal:
        if refusal.status in {401, 403, 404, 410}:  # their door, not this message
            raise TryLater(str(refusal), seconds=PAUSE_SECONDS) from refusal
        messages.failed(message.pk, why=str(refusal), actor=connection.actor)
    except Permanent as error:
        raise TryLater(str(error), seconds=PAUSE_SECONDS) from error
    else:
        messages.sent(message.pk, actor=connection.actor)


def connection_for(channel_id: int) -> Connection | None:
    """The channel's own messaging connection, else the general one; a paused one counts, and its messages wait."""
    found = Connection.objects.filter(Q(channel_id=channel_id) | Q(channel=None), kind=Connection.Kind.MESSAGING)
    return found.exclude(status=Connection.Status.DISABLED).order_by("channel_id", "created_at").first()


def _document(message: CustomerMessage) -> dict[str, object]:
    order = message.order
    return {
        "type": message.event,
        "timestamp": message.created_at.isoformat(),
        "data": {
            "id": str(message.uid),
            "channel": order.channel.code,
            "order": order.number,
            "channel_ref": order.channel_ref,
            "email": order.buyer_email,
            "phone": order.buyer_phone,
            "language": message.language,
            "subject": message.subject,
            "text": message.body,
        },
    }
