"""Telling customers: what a fact makes us write, to whom, in which language; and why nobody was written to.

A message is made once per order, fact and medium: the database says so. It is sent from the outside floor, which
answers with `sent`, `failed` or `not_sent`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from core import events
from core.actors import SYSTEM, Actor
from core.errors import Refusal
from core.events import Fact
from core.ids import uuid7
from core.subjects import Subject
from exceptions.services import cases
from orders import events as facts
from orders import message_words
from orders.message_words import TELLABLE, BadTemplate
from orders.models import CustomerMessage, Medium, MessageStatus, MessageTemplate, Order, Tracker
from orders.services import message_facts

UNSENT = "orders.customer_not_told"
TOO_LATE = timedelta(days=3)  # news older than this surprises more than it helps
# Of all a carrier says, what a customer acts on.
WORTH_TELLING = frozenset({Tracker.OUT_FOR_DELIVERY, Tracker.READY_FOR_PICKUP, Tracker.DELIVERY_FAILED})


@dataclass(slots=True)
class Letter:
    """One message about to be kept."""

    medium: str
    template: MessageTemplate | None = None
    address: str = ""
    subject: str = ""
    body: str = ""
    why: str = ""
    failed: bool = False

    @property
    def status(self) -> str:
        if not self.why:
            return MessageStatus.QUEUED
        return MessageStatus.FAILED if self.failed else MessageStatus.NOT_SENT


def compose(fact: Fact) -> list[int]:
    """Write what this fact has to tell the order's customer; returns the new messages' ids. Safe to repeat.

    Locks the order. Where nobody is told of something everybody must hear of, that is kept with its reason.
    """
    order_id = _order_of(fact)
    if order_id is None or (fact.type == facts.TRACKED and fact.data.get("state") not in WORTH_TELLING):
        return []
    with transaction.atomic():
        order = Order.objects.select_for_update(no_key=True, of=("self",)).select_related("channel").get(pk=order_id)
        letters = _letters(order, fact)
        kept = [_keep(order, fact, letter) for letter in letters]
    return [pk for pk in kept if pk is not None]


def sent(message_id: int, *, actor: Actor) -> None:
    _end(message_id, MessageStatus.SENT, facts.MESSAGE_SENT, actor=actor, sent_at=timezone.now())


def failed(message_id: int, *, why: str, actor: Actor) -> None:
    """It can't be delivered as it is: an address nobody has, a hook that refuses it. A person is asked."""
    _end(message_id, MessageStatus.FAILED, facts.MESSAGE_FAILED, actor=actor, why=why[:300])


def not_sent(message_id: int, *, why: str, actor: Actor) -> None:
    _end(message_id, MessageStatus.NOT_SENT, facts.MESSAGE_NOT_SENT, actor=actor, why=why[:300])


@transaction.atomic
def send_again(message_id: int, *, actor: Actor) -> None:
    """Try a message that could not be sent once more, to the address the order has now."""
    message, order = _locked(message_id)
    if message.status != MessageStatus.FAILED:
        raise Refusal("not_failed", "Only a message that could not be sent is sent again.", status_now=message.status)
    if not message.body:
        raise Refusal("never_written", "It was never written: its template was wrong. Correct that for the next one.")
    message.move(MessageStatus.QUEUED, why="", address=order.buyer_email if message.medium == Medium.EMAIL else "")
    _note(order, message, facts.MESSAGE_QUEUED, actor)
    _recheck(order, actor)


# --- The pieces


def _order_of(fact: Fact) -> int | None:
    if fact.subject.kind == "order":
        return int(fact.subject.uid)
    return next((int(subject.uid) for subject, role in fact.related if role == "order"), None)


def _letters(order: Order, fact: Fact) -> list[Letter]:
    """One for each medium there is a live template for; or one that says why there is none."""
    told = TELLABLE[fact.type]
    chosen = choose(order, fact.type)
    if not told.always and (not chosen or order.test or not order.channel.tells_customers):
        return []
    if why := _silence(order, fact, chosen):
        return [Letter(Medium.EMAIL, why=why)]
    said = message_facts.gather(order, fact)
    return [_letter(order, template, said) for template in chosen]


def _silence(order: Order, fact: Fact, chosen: list[MessageTemplate]) -> str:
    """Why nobody is written to at all; empty where somebody is."""
    if order.test:
        return "It is a test order."
    if not order.channel.tells_customers:
        return f"{order.channel.name} writes to its customers itself."
    if timezone.now() - fact.occurred_at > TOO_LATE:
        return "It was no news any more when it could be told."
    if not chosen:
        return (
            f"There is no live template for it in {order.language or order.channel.language!r} or any other language."
        )
    return ""


def choose(order: Order, event: str) -> list[MessageTemplate]:
    """The live template of each medium: the channel's own before the general one, then the nearest language."""
    rows = MessageTemplate.objects.live().filter(Q(channel=order.channel) | Q(channel=None), event=event)
    wanted = order.language or order.channel.language, order.channel.language
    best: dict[str, MessageTemplate] = {}
    for row in sorted(rows, key=lambda row: (row.channel_id is None, _away(row.language, wanted), row.pk)):
        best.setdefault(row.medium, row)
    return list(best.values())


def _away(language: str, wanted: tuple[str, str]) -> int:
    """How far a template's language is from those wanted: the order's own, then its channel's, then English."""
    for rank, each in enumerate(wanted):
        if language == each:
            return 2 * rank
        if language[:2] == each[:2]:
            return 2 * rank + 1
    return 4 if language == "en" else 5


def _letter(order: Order, template: MessageTemplate, said: dict[str, object]) -> Letter:
    letter = Letter(template.medium, template)
    try:
        letter.subject = message_words.header(message_words.render(template.subject, said))
        letter.body = message_words.render(template.body, said)
    except BadTemplate as bad:
        letter.failed, letter.why = True, f"Its template can't be used: {bad}"[:300]
        return letter
    if template.medium == Medium.EMAIL:
        letter.address = order.buyer_email
        letter.why = _no_address(order.buyer_email)
    return letter


def _no_address(address: str) -> str:
    if not address:
        return "The order has no e-mail address."
    try:
        validate_email(address)
    except ValidationError:
        return "The order's e-mail address is none."
    return ""


def _keep(order: Order, fact: Fact, letter: Letter) -> int | None:
    message = CustomerMessage(
        uid=uuid7(), order=order, event=fact.type, cause=fact.uid, medium=letter.medium, template=letter.template,
        language=letter.template.language if letter.template else "", status=letter.status, why=letter.why,
        address=letter.address[:255], subject=letter.subject, body=letter.body,
    )  # fmt: skip
    known = CustomerMessage.objects.filter(order=order, event=fact.type, cause=fact.uid, medium=letter.medium)
    if known.exists():  # the order's lock is held: nobody adds it meanwhile
        return None
    message.save()
    event = {
        MessageStatus.QUEUED: facts.MESSAGE_QUEUED,
        MessageStatus.FAILED: facts.MESSAGE_FAILED,
        MessageStatus.NOT_SENT: facts.MESSAGE_NOT_SENT,
    }[MessageStatus(letter.status)]
    _note(order, message, event, SYSTEM)
    if letter.failed:
        cases.open_(UNSENT, Subject("order", str(order.pk), order.number), actor=SYSTEM)
    return message.pk


def _locked(message_id: int) -> tuple[CustomerMessage, Order]:
    order_id = CustomerMessage.objects.values_list("order_id", flat=True).get(pk=message_id)
    order = Order.objects.select_for_update(no_key=True, of=("self",)).get(pk=order_id)
    return CustomerMessage.objects.get(pk=message_id), order


@transaction.atomic
def _end(message_id: int, status: str, event: str, *, actor: Actor, **fields: object) -> None:
    message, order = _locked(message_id)
    if message.status != MessageStatus.QUEUED:
        return
    message.move(status, **fields)
    _note(order, message, event, actor)
    if status == MessageStatus.FAILED:
        cases.open_(UNSENT, Subject("order", str(order.pk), order.number), actor=actor)
    _recheck(order, actor)


def _note(order: Order, message: CustomerMessage, event: str, actor: Actor) -> None:
    data = {"message": message.pk, "event": message.event, "medium": str(message.medium), "why": message.why}
    events.record(event, Subject("order", str(order.pk), order.number), actor=actor, data=data)


def _recheck(order: Order, actor: Actor) -> None:
    cases.recheck(Subject("order", str(order.pk), order.number), actor=actor)
