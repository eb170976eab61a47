"""manage.py create_api_key NAME --scope orders:write …: a new API client; prints its key, this once."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from core.models import Site
from exceptions import reasons
from exceptions.models import Queue
from integrations.models import ApiClient
from integrations.models.clients import is_network
from orders.models import Channel


class Command(BaseCommand):
    help = "Make an API client and print its key. The key is not stored: note it now."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--scope", action="append", default=[], help="for example orders:write; may be repeated")
        parser.add_argument("--channel", action="append", default=[], help="code of an allowed channel; none means all")
        parser.add_argument("--site", action="append", default=[], help="code of a site; none means all")
        parser.add_argument("--queue", action="append", default=[], help="code of a queue of cases; none means all")
        parser.add_argument("--network", action="append", default=[], help="192.0.2.0/24; none means from anywhere")
        parser.add_argument("--days", type=int, help="the key expires after so many days")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        channels = list(Channel.objects.filter(code__in=options["channel"]))
        unknown = set(options["channel"]) - {channel.code for channel in channels}
        if unknown:
            raise CommandError(f"No such channel: {', '.join(sorted(unknown))}.")
        sites = list(Site.objects.filter(code__in=options["site"]))
        if missing := set(options["site"]) - {site.code for site in sites}:
            raise CommandError(f"No such site: {', '.join(sorted(missing))}.")
        if odd := set(options["queue"]) - {*reasons.TEAMS, *Queue.objects.values_list("code", flat=True)}:
            raise CommandError(f"No such queue: {', '.join(sorted(odd))}.")
        for text in options["network"]:
            try:
                is_network(text)
            except ValidationError as error:
                raise CommandError(error.messages[0]) from None
        expires = timezone.now() + timedelta(days=options["days"]) if options["days"] else None
        with transaction.atomic():
            client, key = ApiClient.issue(
                options["name"], scopes=options["scope"], queues=options["queue"], networks=options["network"],
                expires_at=expires,
            )  # fmt: skip
            client.channels.set(channels)
            client.sites.set(sites)
        if options["json"]:
            self.stdout.write(json.dumps({"id": client.pk, "name": client.name, "scopes": client.scopes, "key": key}))
        else:
            self.stdout.write(key)
