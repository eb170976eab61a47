"""Reading customers' words: a reason proposed from counts of words, and every reason a person names learnt."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection, transaction
from django.utils import timezone

from core.actors import PERSON, Actor
from core.errors import Invalid, Problem, Refusal
from returns import events as facts
from returns import wording
from returns.models import ReasonCount, ReasonText, ReturnLine, ReturnReason
from returns.services import lifecycle
from returns.wording import Counts, Guess

SAYS_NOTHING = frozenset({ReturnReason.UNKNOWN, ReturnReason.OTHER, ""})


def guess(text: str) -> Guess:
    """The reason a text speaks of, by what was learnt so far; one query for its words. Nothing is stored."""
    words = wording.words(text)
    return wording.guess(text, _counts(words)) if words else Guess("", 0.0)


def read(line_id: int, *, actor: Actor) -> ReasonText | None:
    """Read a line's words once: say what they speak of, and learn from the reason the customer named. Safe to repeat.

    Where no reason was named, the guess becomes the line's reason; a person may correct it. None without words.
    """
    with transaction.atomic():
        found = ReturnLine.objects.filter(pk=line_id).values_list("request_id", flat=True).first()
        if found is None:
            return None
        desk = lifecycle.open_return(found, actor=actor)
        line = desk.line(line_id)
        known = ReasonText.objects.filter(line=line).first()
        words = wording.words(line.reason_text)
        if known is not None or not words:
            return known
        said = wording.guess(line.reason_text, _counts(words))
        made = ReasonText.objects.create(
            line=line, guessed=said.reason, share=round(said.share, 4), because=list(said.because), words=words
        )
        if line.reason not in SAYS_NOTHING:
            _teach(made, line.reason)
        elif said.reason:
            line.reason = said.reason
            desk.note(facts.REASON_READ, {"line": line.pk, "reason": said.reason, "share": made.share,
                                          "because": made.because})  # fmt: skip
            lifecycle.save(desk)
        return made


def correct(line_id: int, reason: str, *, actor: Actor, version: int | None = None) -> ReturnLine:
    """A person says why it came back. What an earlier reason taught is taken back before this one is learnt.

    Safe to repeat. Invalid for a reason nobody knows.
    """
    if reason not in ReturnReason.values or reason == ReturnReason.UNKNOWN:
        raise Invalid([Problem("reason", "unknown", "Choose a reason.")], status=422)
    with transaction.atomic():
        found = ReturnLine.objects.filter(pk=line_id).values_list("request_id", flat=True).first()
        if found is None:
            raise Refusal("not_found", "No such line.", status=404)
        desk = lifecycle.open_return(found, actor=actor, version=version)
        line = desk.line(line_id)
        before = line.reason
        known = ReasonText.objects.filter(line=line).first()
        if known is None and line.reason_text:
            words = wording.words(line.reason_text)
            said = wording.guess(line.reason_text, _counts(words))
            known = ReasonText.objects.create(
                line=line, guessed=said.reason, share=round(said.share, 4), because=list(said.because), words=words
            )
        if known is not None:
            _unlearn(known)
            _teach(known, reason)
            known.corrected_by = actor.label[:200] if actor.kind == PERSON else known.corrected_by
            known.save(update_fields=["corrected_by"])
        if before != reason:
            line.reason = reason
            desk.note(facts.REASON_CORRECTED, {"line": line.pk, "before": before, "after": reason})
            lifecycle.save(desk)
        return line


def hits() -> tuple[int, int]:
    """(right, said): of the texts whose reason is known, how often something was said beforehand, and was right."""
    rows = ReasonText.objects.exclude(learnt="").exclude(guessed="").values_list("guessed", "learnt")
    pairs = list(rows[:100_000])
    return sum(one == other for one, other in pairs), len(pairs)


def _counts(words: Iterable[str]) -> Counts:
    wanted = ["", *words]
    rows = ReasonCount.objects.filter(word__in=wanted, texts__gt=0).values_list("word", "reason", "texts")
    texts: dict[str, int] = {}
    by_word: dict[str, dict[str, int]] = {}
    for word, reason, count in rows:
        if word:
            by_word.setdefault(word, {})[reason] = count
        else:
            texts[reason] = count
    return Counts(texts, by_word)


def _teach(text: ReasonText, reason: str) -> None:
    """Count a text under its reason. OTHER teaches nothing: it would soak up every word."""
    if reason in SAYS_NOTHING:
        return
    _add(text.words, reason, 1)
    text.learnt, text.learnt_at = reason, timezone.now()
    text.save(update_fields=["learnt", "learnt_at"])


def _unlearn(text: ReasonText) -> None:
    if text.learnt:
        _add(text.words, text.learnt, -1)
        text.learnt, text.learnt_at = "", None
        text.save(update_fields=["learnt", "learnt_at"])


def _add(words: Iterable[str], reason: str, change: int) -> None:
    """Add to all counts of a text in one statement, in word order so that two texts never wait crosswise."""
    with connection.cursor() as cursor:
        cursor.execute(_ADD, [reason, max(change, 0), sorted({"", *words}), change])


_ADD = """
INSERT INTO returns_reasoncount (word, reason, texts)
SELECT word, %s, %s FROM unnest(%s::text[]) AS given(word) ORDER BY word
ON CONFLICT (word, reason) DO UPDATE SET texts = greatest(returns_reasoncount.texts + %s, 0)
"""
