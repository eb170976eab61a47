"""Writing templates: drafted, looked at, put live. What was live once is never edited."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from orders import message_words
from orders.message_words import TELLABLE
from orders.models import Medium, MessageTemplate, TemplateStatus


@transaction.atomic
def draft(
    event: str, *, channel_id: int | None, language: str, medium: str, subject: str, body: str, actor: Actor
) -> MessageTemplate:
    """The next version of a template, not live yet. Invalid names what is wrong with it."""
    problems = []
    if event not in TELLABLE:
        problems.append(Problem("event", "unknown", "Choose an event customers may hear of."))
    if medium not in Medium.values:
        problems.append(Problem("medium", "unknown", "Choose e-mail or webhook."))
    if not _is_language(language):
        problems.append(Problem("language", "language", "A language is written en, nl or de-CH."))
    problems += _wrong(subject, body)
    if problems:
        raise Invalid(problems, status=422)
    family: dict[str, Any] = {"event": event, "channel_id": channel_id, "language": language, "medium": medium}
    # A family has no row of its own to lock: two drafts at once, and the constraint refuses the second number.
    last = MessageTemplate.objects.filter(**family).aggregate(last=Max("number"))["last"] or 0
    return MessageTemplate.objects.create(
        **family, number=last + 1, subject=subject, body=body, edited_by=actor.label[:200]
    )


@transaction.atomic
def edit(template_id: int, *, subject: str, body: str, version: int | None, actor: Actor) -> MessageTemplate:
    """Change a draft. Refusal("stale") when somebody else did first, Refusal("not_a_draft") otherwise."""
    row = _locked(template_id, version)
    if row.status != TemplateStatus.DRAFT:
        raise Refusal("not_a_draft", "Only a draft is edited. Draft the next version from this one.")
    if problems := _wrong(subject, body):
        raise Invalid(problems, status=422)
    row.subject, row.body, row.edited_by = subject, body, actor.label[:200]
    row.version += 1
    row.updated_at = timezone.now()
    row.save(update_fields=["subject", "body", "edited_by", "version", "updated_at"])
    return row


@transaction.atomic
def publish(template_id: int, *, version: int | None, actor: Actor) -> MessageTemplate:
    """From now on customers read this version; the one before it is retired."""
    row = _locked(template_id, version)
    if problems := _wrong(row.subject, row.body):
        raise Invalid(problems, status=422)
    family = {"event": row.event, "channel_id": row.channel_id, "language": row.language, "medium": row.medium}
    for before in MessageTemplate.objects.select_for_update(no_key=True).filter(**family, status=TemplateStatus.LIVE):
        before.move(TemplateStatus.RETIRED)
    row.move(TemplateStatus.LIVE, edited_by=actor.label[:200])
    return row


@transaction.atomic
def retire(template_id: int, *, version: int | None, actor: Actor) -> MessageTemplate:
    """Nobody is written to with it any more."""
    row = _locked(template_id, version)
    row.move(TemplateStatus.RETIRED, edited_by=actor.label[:200])
    return row


def _wrong(subject: str, body: str) -> list[Problem]:
    return [Problem(field, "template", words) for field, words in message_words.check(subject, body).items()]


def _is_language(text: str) -> bool:
    head, _, tail = text.partition("-")
    return (
        len(head) == 2
        and head.isascii()
        and head.islower()
        and head.isalpha()
        and (not tail if "-" not in text else len(tail) == 2 and tail.isascii() and tail.isupper() and tail.isalpha())
    )


def _locked(template_id: int, version: int | None) -> MessageTemplate:
    row = MessageTemplate.objects.select_for_update(no_key=True, of=("self",)).filter(pk=template_id).first()
    if row is None:
        raise Refusal("not_found", "No such template.", status=404)
    if version is not None and version != row.version:
        raise Refusal(
            "stale",
            "Somebody changed the template meanwhile.",
            version=row.version,
            status_now=row.status,
            sent=version,
        )
    return row
