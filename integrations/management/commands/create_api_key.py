"""manage.py create_api_key NAME --scope orders:write …: a new API client; prints its key, this once."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from integrations.models import ApiClient
from orders.models import Channel


class Command(BaseCommand):
    help = "Make an API client and print its key. The key is not stored: note it now."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--scope", action="append", default=[], help="for example orders:write; may be repeated")
        parser.add_argument("--channel", action="append", default=[], help="code of an allowed channel; none means all")
        parser.add_argument("--days", type=int, help="the key expires after so many days")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        channels = list(Channel.objects.filter(code__in=options["channel"]))
        unknown = set(options["channel"]) - {channel.code for channel in channels}
        if unknown:
            raise CommandError(f"No such channel: {', '.join(sorted(unknown))}.")
        expires = timezone.now() + timedelta(days=options["days"]) if options["days"] else None
        with transaction.atomic():
            client, key = ApiClient.issue(options["name"], scopes=options["scope"], expires_at=expires)
            client.channels.set(channels)
        if options["json"]:
            self.stdout.write(json.dumps({"id": client.pk, "name": client.name, "scopes": client.scopes, "key": key}))
        else:
            self.stdout.write(key)
