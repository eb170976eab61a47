"""manage.py demo_erp: connect the demo to the ERP that `dev.py demo` started, or say that there is none."""

from __future__ import annotations

import json
import os
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from config.demo import erp


class Command(BaseCommand):
    help = "Bring the demo's ERP connection in step with BACKROOM_DEMO_ERP. Demo only."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--products", action="store_true", help="print what the ERP must know, as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["products"]:
            self.stdout.write(json.dumps(erp.products()))
            return
        given = os.environ.get("BACKROOM_DEMO_ERP")
        connection = erp.connect(json.loads(given) if given else None)
        self.stdout.write(f"ERP connection {connection.status.lower()}. {connection.status_reason}".strip())
