"""How eBay's notifications are known to be its own, and how it is shown that an address is ours. Pure.

`X-EBAY-SIGNATURE` is base64 of JSON with the id of eBay's key and an ECDSA signature of the body. The connection's
secrets `webhook` are eBay's public keys, each as "id key"; one that isn't among them signs nothing, and is asked for.
Before eBay sends anything it asks the address with a code, and wants its hash with the secret `verification_token`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import datetime

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from integrations.channels import stock_documents
from integrations.channels.vendor import Delivery
from integrations.documents import read_json
from integrations.failures import Unreadable

HEADER = "x-ebay-signature"
_DIGESTS: dict[str, type[hashes.HashAlgorithm]] = {"SHA1": hashes.SHA1, "SHA256": hashes.SHA256}
_FRAME = re.compile(r"-----(BEGIN|END) PUBLIC KEY-----|\s")


def verify(body: bytes, headers: Mapping[str, str], secrets: Iterable[str], now: datetime) -> bool:
    told = _signature(headers.get(HEADER, ""))
    digest = _DIGESTS.get(told.get("digest", "").upper().replace("-", ""))
    if digest is None:
        return False
    for known in secrets:
        name, _, key = known.partition(" ")
        if name == told.get("kid") and _signed(body, told.get("signature", ""), key, digest()):
            return True
    return False


def signer(headers: Mapping[str, str]) -> str:
    return _signature(headers.get(HEADER, "")).get("kid", "")


def _signature(header: str) -> dict[str, str]:
    try:
        told = read_json(base64.b64decode(header.strip(), validate=True))
    except (binascii.Error, ValueError, Unreadable, RecursionError):
        return {}
    return {str(key): str(value) for key, value in told.items()} if isinstance(told, dict) else {}


def _signed(body: bytes, signature: str, key: str, digest: hashes.HashAlgorithm) -> bool:
    try:
        known = load_der_public_key(base64.b64decode(_FRAME.sub("", key), validate=True))
        if not isinstance(known, ec.EllipticCurvePublicKey):
            return False
        known.verify(base64.b64decode(signature, validate=True), body, ec.ECDSA(digest))
    except (InvalidSignature, UnsupportedAlgorithm, binascii.Error, ValueError, TypeError):
        return False
    return True


def delivery(body: bytes, headers: Mapping[str, str]) -> Delivery:
    """By the notification's own id: eBay repeats one until it is taken."""
    try:
        document = read_json(body)
    except (Unreadable, RecursionError):
        document = None
    told = document.get("notification") if isinstance(document, dict) else None
    named = told.get("notificationId") if isinstance(told, dict) else None
    if isinstance(named, str) and 0 < len(named) <= 100:
        return Delivery(f"notification:{named}", "")
    return stock_documents.delivery(body, headers)


def answer_challenge(query: Mapping[str, str], address: str, token: str) -> dict[str, str] | None:
    """The proof that this address and this token belong together; None where nothing was asked."""
    code = query.get("challenge_code", "")
    if not code or not token:
        return None
    return {"challengeResponse": hashlib.sha256(f"{code}{token}{address}".encode()).hexdigest()}
