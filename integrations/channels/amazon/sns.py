"""Notifications that came by way of an SNS topic: their envelope, and how one posted to us is known to be SNS's. Pure.

Amazon itself delivers to SQS or EventBridge; who sends these on through a topic gets them in an envelope. One from the
queue is known by the queue. One that SNS posts is signed by its certificate, which it shares with everybody's topics:
so a secret `webhook` of the connection is the topic's ARN, a blank, and the certificate (PEM) that `SigningCertURL`
names, and both must fit. Only signatures of version 2 (SHA-256) count; a topic is set to them by `SignatureVersion`.
Source: docs.aws.amazon.com, "Verifying the signatures of Amazon SNS messages".
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from integrations.documents import read_json
from integrations.failures import Unreadable

NOTIFICATION = "Notification"
NOT_TAKEN = {
    "SubscriptionConfirmation": "SNS asks whether the topic may post here: open the SubscribeURL in it to say yes",
    "UnsubscribeConfirmation": "the topic no longer posts here",
}
_SIGNED = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}


def is_envelope(document: object) -> bool:
    return isinstance(document, dict) and str(document.get("Type")) in _SIGNED and "TopicArn" in document


def verify(body: bytes, secrets: Iterable[str], now: datetime) -> bool:
    """Whether a topic and a certificate among the secrets signed this envelope."""
    try:
        document = read_json(body)
    except (Unreadable, RecursionError):
        return False
    if not isinstance(document, dict) or not is_envelope(document) or str(document.get("SignatureVersion")) != "2":
        return False
    said = _said(document)
    for known in secrets:
        topic, _, certificate = known.strip().partition(" ")
        if topic == document["TopicArn"] and _signed(said, str(document.get("Signature", "")), certificate, now):
            return True
    return False


def _said(document: Mapping[str, Any]) -> bytes:
    keys = (key for key in _SIGNED[document["Type"]] if document.get(key) is not None)
    return "".join(f"{key}\n{document[key]}\n" for key in keys).encode("utf-8", "replace")


def _signed(said: bytes, signature: str, certificate: str, now: datetime) -> bool:
    try:
        known = x509.load_pem_x509_certificate(certificate.strip().encode())
        key = known.public_key()
        if not isinstance(key, rsa.RSAPublicKey) or not known.not_valid_before_utc <= now <= known.not_valid_after_utc:
            return False
        key.verify(base64.b64decode(signature, validate=True), said, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, UnsupportedAlgorithm, binascii.Error, ValueError, TypeError):
        return False
    return True
