"""manage.py events_page > docs/events.md: the catalogue of facts."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from integrations.webhooks import asyncapi


class Command(BaseCommand):
    help = "Print the page that lists every event a webhook may hear."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(asyncapi.page(), ending="")
