"""A person's version of a message that could not be taken: rehearsed, kept beside the bytes that came, then tried."""

from __future__ import annotations

import difflib
import hashlib
import json
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Max

from core import events
from core.actors import Actor
from core.errors import Refusal
from integrations import endings, inbox
from integrations import events as facts
from integrations.documents import read_json
from integrations.failures import Unreadable
from integrations.inbox import Outcome
from integrations.models import InboundMessage, MessageEdit

MOST_BYTES = 1024 * 1024  # of what is edited on a page
LINES_SHOWN = 400

Status = InboundMessage.Status


def text_of(message: InboundMessage) -> str:
    """What is read of it as text to be edited. Refusal("not_editable") where a page can't give it back as it was."""
    content = message.content
    if len(content) > MOST_BYTES:
        raise Refusal("not_editable", "It is too large to be edited on a page.", status=422)
    text = _decoded(content)
    rest = text.replace("\r\n", "")
    kinds = ("\r\n" in text) + ("\n" in rest) + ("\r" in rest)
    if "\x00" in text or kinds > 1:
        raise Refusal("not_editable", "A page can't give these bytes back as they came.", status=422)
    return text


def body_of(message: InboundMessage, typed: str) -> bytes:
    """The bytes of what was typed: the code page and line breaks of the message, whatever a browser made of them."""
    before = text_of(message)
    plain = typed.replace("\r\n", "\n").replace("\r", "\n")
    if "\r\n" in before:
        plain = plain.replace("\n", "\r\n")
    elif "\r" in before:
        plain = plain.replace("\n", "\r")
    try:
        return plain.encode(_code_page(message.content))
    except UnicodeEncodeError as error:
        words = f"{error.object[error.start]!r} is not in the code page of this message."
        raise Refusal("not_in_code_page", words, status=422) from None


def rehearse(message_id: int, body: bytes) -> Outcome:
    """What trying it with these bytes would come to. Nothing is left behind."""
    return inbox.rehearse(message_id, body)


def apply(message_id: int, body: bytes, *, reason: str, actor: Actor) -> Outcome:
    """Keep these bytes as a new version of the message, with who and why, and try it with them.

    The bytes that came stay. Refusal: "reason_needed", "nothing_changed", "not_failed", or "still_fails" with the
    reason, in which case nothing is kept.
    """
    why = reason.replace("\x00", "").strip()[:500]
    if not why:
        raise Refusal("reason_needed", "Say what was wrong with it and why yours is right.", status=422)
    message = InboundMessage.objects.select_related("edit").get(pk=message_id)
    if body == message.content:
        raise Refusal("nothing_changed", "These are the bytes that failed.", status=422)
    tried = rehearse(message_id, body)
    if tried.status == Status.FAILED:
        raise Refusal("still_fails", f"It would fail again: {tried.reason}", status=422)
    with transaction.atomic():
        held = InboundMessage.objects.select_for_update(no_key=True).defer("body", "headers").get(pk=message_id)
        if held.status != Status.FAILED:
            raise Refusal("not_failed", "It has not failed any more; look at it again.")
        last = MessageEdit.objects.filter(message_id=message_id).aggregate(last=Max("number"))["last"] or 0
        digest = hashlib.sha256(body).hexdigest()
        edit = MessageEdit.objects.create(
            message_id=message_id, number=last + 1, body=body, sha256=digest, reason=why, by_kind=actor.kind,
            by_uid=actor.uid, by_label=actor.label,
        )  # fmt: skip
        InboundMessage.objects.filter(pk=message_id).update(edit=edit)
        data = {"version": edit.number, "reason": why, "sha256": digest, "was": message.sha256}
        events.record(facts.MESSAGE_EDITED, held.subject, actor=actor, data=data)
        endings.reopen(message_id, actor=actor)
    return inbox.process(message_id)


def difference(before: bytes, after: bytes) -> list[str]:
    """The lines that differ, with what stands around them, as `diff -u` writes it; JSON is set out first."""
    left, right = _lines(before), _lines(after)
    lines = list(difflib.unified_diff(left, right, "as it was", "as edited", lineterm="", n=2))
    return lines[:LINES_SHOWN]


def _lines(body: bytes) -> list[str]:
    try:
        return json.dumps(read_json(body), indent=1, ensure_ascii=False, default=_number).splitlines()
    except (Unreadable, RecursionError):
        return _decoded(body).splitlines()


def _number(value: Any) -> str:
    return str(value) if isinstance(value, Decimal) else repr(value)


def _code_page(content: bytes) -> str:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return "latin-1"  # every byte is a character there, so it comes back as it was
    return "utf-8"


def _decoded(content: bytes) -> str:
    return content.decode(_code_page(content))
