"""manage.py seed_demo: an invented retailer with a month behind it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from config.demo import history, world

DAYS = 30


class Command(BaseCommand):
    help = "Fill an empty database with an invented retailer: places, people, range, stock and a month of orders."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--scale", type=float, default=1.0, help="How many orders, as a factor (default 1)")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        world.build(now - timedelta(days=DAYS + 1), self.stdout.write)
        history.make(world.connections(), now=now, days=DAYS, scale=options["scale"], say=self.stdout.write)
        self.stdout.write(f"Sign in as (password {world.PASSWORD}):")
        for account in world.ACCOUNTS:
            self.stdout.write(f"  {account.email:<30} {account.role:<12} {account.site or 'every site'}")
