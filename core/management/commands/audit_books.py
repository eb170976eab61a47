"""manage.py audit_books: prove every invariant over the whole database."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from core import audit


class Command(BaseCommand):
    help = "Check every invariant over the whole database; exit 1 and list the rows when one is broken."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("prefix", nargs="?", default="", help="only invariants whose name starts so (inventory.)")
        parser.add_argument("--json", action="store_true", help="one object a line")

    def handle(self, *args: Any, **options: Any) -> None:
        broken = 0
        checked = 0
        for finding in audit.audit(options["prefix"]):
            checked += 1
            broken += bool(finding.broken)
            self.stdout.write(self._line(finding, as_json=options["json"]))
        if not options["json"]:
            self.stdout.write(f"{checked} invariants checked, {broken} broken.")
        if broken:
            sys.exit(1)

    def _line(self, finding: audit.Finding, *, as_json: bool) -> str:
        invariant = finding.invariant
        if as_json:
            about = {
                "invariant": invariant.name, "broken": finding.broken, "examples": finding.examples,
                "seconds": round(finding.seconds, 3),
            }  # fmt: skip
            return json.dumps(about, default=str)
        if not finding.broken:
            return f"ok      {invariant.name}"
        shown = "\n".join("          " + json.dumps(row, default=str) for row in finding.examples)
        return f"BROKEN  {invariant.name}: {invariant.description} ({finding.broken} rows)\n{shown}"
