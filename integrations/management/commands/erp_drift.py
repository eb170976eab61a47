"""manage.py erp_drift [--since YYYY-MM-DD] [--channel CODE] [--limit N] [--json]

Every document we brought to an ERP beside what that ERP has of it. Ends with 0 where all agree, 1 where any differs or
could not be asked for.
"""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from integrations.erp import drift


class Command(BaseCommand):
    help = "Compare what was posted with what the ERP has: once each, totals, deliveries, invoices."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--since", type=date.fromisoformat, help="prepared on this day or later")
        parser.add_argument("--channel", default="", help="only documents of this channel")
        parser.add_argument("--limit", type=int, default=10_000, help="the newest so many")
        parser.add_argument("--json", action="store_true", help="one JSON object a line")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = drift.comparable().order_by("-id")
        if options["since"]:
            wanted = wanted.filter(prepared_at__date__gte=options["since"])
        if options["channel"]:
            wanted = wanted.filter(order__channel__code=options["channel"])
        counts = {"compared": 0, "differing": 0, "unknown": 0}
        for each in drift.compare(list(wanted[: max(0, options["limit"])])):
            counts["compared"] += not each.unknown
            counts["unknown"] += bool(each.unknown)
            counts["differing"] += bool(each.differences)
            self._print(each, as_json=options["json"])
        words = "{compared} compared, {differing} differ, {unknown} could not be asked for".format(**counts)
        self.stdout.write(json.dumps(counts) if options["json"] else words)
        if counts["differing"] or counts["unknown"]:
            raise CommandError(words, returncode=1)

    def _print(self, each: drift.Compared, *, as_json: bool) -> None:
        if as_json:
            told = {"reference": each.posting.reference, "differences": each.differences, "unknown": each.unknown}
            self.stdout.write(json.dumps(told))
        elif each.differences or each.unknown:
            self.stdout.write(f"{each.posting.reference}: {each.unknown or '; '.join(each.differences)}")
