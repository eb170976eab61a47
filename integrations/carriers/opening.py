"""Opening hours in words: days with the same hours together, Monday first. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from integrations.carriers.port import Opening

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DAY = 24 * 60


def words(hours: Iterable[Opening]) -> list[str]:
    """`Mon–Fri 09:00–12:00, 13:00–18:00`; a single sentence where it never closes, nothing where nobody knows."""
    by_day: dict[int, list[tuple[int, int]]] = {}
    for each in hours:
        if 0 <= each.day < len(DAYS) and 0 <= each.since < each.until <= DAY:
            by_day.setdefault(each.day, []).append((each.since, each.until))
    spans = {day: tuple(sorted(set(found))) for day, found in by_day.items()}
    if len(spans) == len(DAYS) and all(_whole(span) for span in spans.values()):
        return ["Open day and night"]
    found, start = [], 0
    while start < len(DAYS):
        span = spans.get(start)
        end = start
        while end + 1 < len(DAYS) and spans.get(end + 1) == span:
            end += 1
        if span:
            days = DAYS[start] if start == end else f"{DAYS[start]}–{DAYS[end]}"
            found.append(f"{days} {'day and night' if _whole(span) else ', '.join(map(_clock, span))}")
        start = end + 1
    return found


def minutes(text: str) -> int | None:
    """Minutes since midnight of 900, 0900, 09:00 or 09:00:00; None for anything else."""
    digits = text.strip().replace(":", "")
    if len(text.strip()) == 8:
        digits = digits[:4]
    if not digits.isascii() or not digits.isdigit() or not 1 <= len(digits) <= 4:
        return None
    hour, minute = divmod(int(digits), 100)
    return hour * 60 + minute if minute < 60 and hour * 60 + minute <= DAY else None


def _whole(span: Sequence[tuple[int, int]]) -> bool:
    return bool(span) and span[0][0] == 0 and span[-1][1] >= DAY - 1 and len(span) == 1


def _clock(span: tuple[int, int]) -> str:
    return "–".join(f"{at // 60:02d}:{at % 60:02d}" for at in span)
