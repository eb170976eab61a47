"""manage.py sample_report FOLDER: what Backroom makes of a folder of samples, as a page for docs.

FOLDER has a folder for each vendor by its name in the registry. Every file goes through the inbox as `ingest` would
feed it, into a channel of its own, and everything is taken back afterwards.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from integrations import feeding
from integrations.channels import registry
from integrations.models import Connection
from orders.models import Channel

OUTCOMES = ("processed", "ignored", "duplicate", "failed")
REASON_AT_MOST = 160

_HEAD = """# What is made of public samples

Written by `python3 dev.py manage sample_report FOLDER`, which feeds every file of a folder of public samples through
the inbox: processed, ignored with a reason, or failed with what exactly is wrong. Nothing is guessed, so a document
that lacks what an order needs, or holds a word nobody gave a meaning, fails and says so. The samples themselves are no
part of Backroom.
"""


class Command(BaseCommand):
    help = "Feed a folder of samples, a folder each vendor, and print what came of each file. Nothing is kept."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("This invents channels; it never runs in production.")
        folder: Path = options["folder"]
        if not folder.is_dir():
            raise CommandError(f"No such folder: {folder}")
        found = {name: _fed(name, folder / name) for name in registry.known() if (folder / name).is_dir()}
        self.stdout.write(_HEAD)
        self.stdout.write(_table(("Vendor", "Files", *map(str.capitalize, OUTCOMES)), map(_counted, found.items())))
        for name, rows in found.items():
            self.stdout.write(f"\n## {registry.get(name).title}\n")
            self.stdout.write(_table(("File", "Outcome", "Why"), rows))


def _fed(vendor: str, folder: Path) -> list[tuple[str, str, str]]:
    """(file, outcome, reason) of each, fed in the order of their names and forgotten."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    with transaction.atomic():
        channel = Channel.objects.create(code=f"samples-{vendor}"[:40], name=f"Samples of {vendor}", currency="USD")
        connection = Connection.objects.create(
            code=f"samples-{vendor}"[:60], name=vendor, kind=Connection.Kind.CHANNEL, vendor=vendor, channel=channel
        )
        fed = [feeding.feed(path, connection) for path in files]
        feeding.settle_all(fed)
        told = [feeding.as_object(each) for each in fed]
        transaction.set_rollback(True)
    return [
        (path.relative_to(folder).as_posix(), each["outcome"], _short(each["reason"]))
        for path, each in zip(files, told, strict=True)
    ]


def _short(reason: str) -> str:
    words = " ".join(reason.replace("|", "/").split())
    return words if len(words) <= REASON_AT_MOST else f"{words[: REASON_AT_MOST - 1]}…"


def _counted(entry: tuple[str, list[tuple[str, str, str]]]) -> tuple[str, ...]:
    name, rows = entry
    counts = Counter(outcome for _, outcome, _ in rows)
    return (registry.get(name).title, str(len(rows)), *(str(counts[outcome]) for outcome in OUTCOMES))


def _table(titles: tuple[str, ...], rows: Any) -> str:
    lines = [titles, tuple("---" for _ in titles), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"
