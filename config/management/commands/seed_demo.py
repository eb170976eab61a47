"""manage.py seed_demo: an invented retailer with a month behind it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from config.demo import (
    beliefs,
    bulk,
    duty,
    fixes,
    floor,
    handing_in,
    history,
    parcels,
    paying,
    payout,
    promises,
    returned,
    shop,
    sourcing,
    stockroom,
    stockwork,
    storework,
    supply,
    tills,
    units,
    wholesale,
    world,
)

DAYS = 30


class Command(BaseCommand):
    help = "Fill an empty database with an invented retailer: places, people, range, stock and a month of orders."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--scale", type=float, default=1.0, help="How many orders, as a factor (default 1)")
        parser.add_argument(
            "--bulk", action="store_true", help="Also a million old orders and 200 000 cases, to measure by"
        )
        parser.add_argument("--bulk-orders", type=int, default=1_000_000)
        parser.add_argument("--bulk-cases", type=int, default=200_000)

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("This invents customers and orders; it never runs in production.")
        now = timezone.now()
        world.build(now - timedelta(days=DAYS + 1), self._say)
        sourcing.make(self._say)
        history.make(world.connections(), now=now, days=DAYS, scale=options["scale"], say=self._say)
        units.sell(now, self._say)
        promises.make(self._say)
        parcels.make(now, self._say)
        shop.connect(world.connections(), self._say)
        stockroom.make(self._say)
        stockwork.make(self._say)
        storework.make(self._say)
        floor.make(self._say)
        supply.make(self._say)
        wholesale.make(self._say)
        tills.make(self._say)
        beliefs.tell(self._say)
        fixes.make(self._say)
        returned.make(self._say)
        handing_in.make(self._say)
        paying.make(self._say)
        payout.make(self._say)
        duty.make(self._say)
        if options["bulk"]:
            bulk.fill(options["bulk_orders"], options["bulk_cases"], self._say)
        self._say(f"Sign in as (password {world.PASSWORD}):")
        for account in world.ACCOUNTS:
            self._say(f"  {account.email:<32} {account.role}{f', {account.site}' if account.site else ', all sites'}")

    def _say(self, words: str) -> None:
        self.stdout.write(words)
        self.stdout.flush()
