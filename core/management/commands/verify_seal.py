"""manage.py verify_seal: recompute the chain over the events; exit 1 where the past was changed."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand

from core import seal
from core.models import EventSeal


class Command(BaseCommand):
    help = "Recompute the seal of every day and print the newest, to be compared with a copy kept elsewhere."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--json", action="store_true")
        parser.add_argument("--seal", action="store_true", help="seal the finished days first")

    def handle(self, **options: Any) -> None:
        if options["seal"]:
            seal.seal()
        broken = list(seal.verify())
        head = EventSeal.objects.order_by("-day").first()
        digest = bytes(head.digest).hex() if head else None
        if options["json"]:
            days = [{"day": b.day, "events": b.found_events, "events_sealed": b.sealed_events} for b in broken]
            found = {"head": digest, "day": head.day if head else None, "broken": days}
            self.stdout.write(json.dumps(found, default=str))
        else:
            for each in broken:
                self.stdout.write(f"BROKEN  {each.day}: {each.found_events} events, sealed were {each.sealed_events}")
            self.stdout.write(f"head    {head.day} {digest}" if head else "Nothing is sealed yet.")
        if broken:
            sys.exit(1)
