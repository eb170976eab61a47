"""`manage.py list_reasons`: every reason there is, as the table docs/reasons.md shows."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from core import formats
from exceptions import reasons
from exceptions.models import Severity
from exceptions.reasons import Reason

HEAD = """# Reasons

Every way things can go wrong that Backroom knows, from the registry (`manage.py list_reasons`). A case opens when its
check turns true and clears itself when that turns false. Times are business time of the site's calendar unless a
service level says otherwise; *seen by* says who finds it: an event, or the sweep that looks at everything.
"""


class Command(BaseCommand):
    help = "Print every reason cases are opened for, as Markdown."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(table())


def table() -> str:
    """The page docs/reasons.md, from the registry."""
    parts = [HEAD]
    queue = None
    for reason in reasons.every():
        if reason.queue != queue:
            queue = reason.queue
            parts.append(f"\n## {reasons.team(queue).title}\n")
            parts.append("| Reason | What is wrong | Clears when | Severity | Respond, resolve | Actions | Seen by |")
            parts.append("| --- | --- | --- | --- | --- | --- | --- |")
        parts.append(_row(reason))
    return "\n".join(parts).rstrip() + "\n"


def _row(reason: Reason) -> str:
    cells = (
        f"{reason.title}<br>`{reason.code}`",
        reason.description,
        reason.clears_when,
        Severity(reason.severity).label,
        f"{formats.duration(reason.acknowledge_minutes * 60)}, {formats.duration(reason.resolve_minutes * 60)}",
        ", ".join(action.title for action in reason.actions) or "by hand",
        "event and sweep" if reason.standing else "event",
    )
    return "| " + " | ".join(cell.replace("|", "/").replace("\n", " ") for cell in cells) + " |"
