"""manage.py simulate: life in the demo."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.demo import simulator


class Command(BaseCommand):
    help = "Post signed, vendor-shaped webhooks at a human pace, work picks, and now and then send trouble. Demo only."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--url", default=settings.PUBLIC_URL, help="Where the portal listens")
        parser.add_argument("--pace", type=float, default=6.0, help="Seconds between two acts on average")
        parser.add_argument("--acts", type=int, help="Stop after so many acts")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("The simulator invents orders; it never runs in production.")
        try:
            simulator.run(options["url"], pace=options["pace"], acts=options["acts"], say=self.stdout.write)
        except KeyboardInterrupt:
            self.stdout.write("Stopped.")
