"""manage.py keep_charges: write the ledger of orders that have none yet."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from finance.services import charges
from orders.models import Order

AT_ONCE = 1000


class Command(BaseCommand):
    help = "Write the money ledger of orders that came in before there was one. Safe to stop and to repeat."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--limit", type=int, default=0, help="at most so many orders")

    def handle(self, *args: Any, **options: Any) -> None:
        after, done = 0, 0
        while True:
            lacking = Order.objects.filter(pk__gt=after, test=False, money__isnull=True).order_by("pk")
            found = list(lacking.values_list("pk", flat=True)[:AT_ONCE])
            for order_id in found:
                if options["limit"] and done >= options["limit"]:
                    break
                charges.keep(order_id)
                done += 1
            if not found or (options["limit"] and done >= options["limit"]):
                break
            after = found[-1]
            self.stdout.write(f"{done:,} orders")
        self.stdout.write(f"{done:,} orders have their ledger now.")
