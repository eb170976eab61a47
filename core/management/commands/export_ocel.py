"""manage.py export_ocel: the events as OCEL 2.0 JSON."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core import process


class Command(BaseCommand):
    help = "Write the events as an object-centric event log (OCEL 2.0, JSON) to a file or to standard output."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("file", nargs="?", help="standard output when left out")
        parser.add_argument("--since", type=_moment, help="ISO date or time, UTC")
        parser.add_argument("--until", type=_moment)
        parser.add_argument("--labels", action="store_true", help="include labels, which may hold names of people")

    def handle(self, **options: Any) -> None:
        pieces = process.export(since=options["since"], until=options["until"], labels=options["labels"])
        if options["file"] is None:
            sys.stdout.writelines(pieces)
            return
        with Path(options["file"]).open("w", encoding="utf-8") as out:
            out.writelines(pieces)


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"{text!r} is no ISO date or time.") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
