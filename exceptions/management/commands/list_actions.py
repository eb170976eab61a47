"""`manage.py list_actions`: what can be done about every reason, as the table docs/actions.md shows."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from core import formats
from exceptions import reasons
from exceptions.reasons import Action, Reason

HEAD = """# Actions

What can be done about every reason, from the registry (`manage.py list_actions`). An action that runs is shown
beforehand: by doing it and taking it back (*rehearsed*: stock, money and promise as they would be), or in words. It is
stored with who, what, before and after. *At stake* is the money approval rules look at: above a rule's amount a second
person has to agree, never the one who asked. Whoever may run an action may take it back within its time.
"""
COLUMNS = ("Action", "What it does", "Asks for", "Shown beforehand", "At stake", "Taken back", "Needs")


class Command(BaseCommand):
    help = "Print what can be done about every reason, as Markdown."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(table())


def table() -> str:
    """The page docs/actions.md, from the registry."""
    parts = [HEAD]
    queue = None
    for reason in reasons.every():
        if not reason.actions:
            continue
        if reason.queue != queue:
            queue = reason.queue
            parts.append(f"\n## {reasons.team(queue).title}")
        parts.append(f"\n### {reason.title}\n\n`{reason.code}`\n")
        parts.append("| " + " | ".join(COLUMNS) + " |")
        parts.append("|" + " --- |" * len(COLUMNS))
        parts += [_row(reason, action) for action in reason.actions]
    return "\n".join(parts).rstrip() + "\n"


def _row(reason: Reason, action: Action) -> str:
    cells = (
        f"{action.title}<br>`{action.code}`",
        action.detail or action.confirm or ("leads to its page" if action.run is None else "what its name says"),
        ", ".join(param.title for param in action.params) or "nothing",
        _shown(action),
        _stake(action),
        _back(action),
        f"`{action.permission}`",
    )
    return "| " + " | ".join(cell.replace("|", "/").replace("\n", " ") for cell in cells) + " |"


def _shown(action: Action) -> str:
    if action.run is None:
        return "on its page"
    return " and ".join(
        word for word, so in (("rehearsed", action.rehearsed), ("in words", action.preview is not None)) if so
    )


def _stake(action: Action) -> str:
    if action.stake:
        return action.stake
    return "money or stock the rehearsal moves" if action.rehearsed else "nothing"


def _back(action: Action) -> str:
    if action.run is None:
        return "on its page"
    if action.undo is not None:
        return f"within {formats.duration(action.undo_minutes * 60)}"
    return f"no: {action.lasting[0].lower()}{action.lasting[1:].rstrip('.')}" if action.lasting else "no"
