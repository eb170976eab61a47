"""manage.py ingest VENDOR FILE… --channel CODE [--topic TOPIC] [--json]

Feeds raw files through the same inbox as webhooks and says, per file, what came of it. Exit 0 whenever every file got
an outcome, whatever it is; 2 when the command was called wrongly, and then nothing has been fed. For sales
files it is `ingest_sales`.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from integrations import feeding
from integrations.channels import registry
from integrations.files.sales import NAME as SALES
from integrations.models import Connection
from orders.models import Channel


class Command(BaseCommand):
    help = "Feed raw files through the inbox: processed, duplicate, ignored or failed, each with its reason."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("vendor", help="who wrote the files: " + ", ".join(registry.known()))
        parser.add_argument("files", nargs="+", metavar="FILE")
        parser.add_argument("--channel", required=True, help="code of the channel the orders belong to")
        parser.add_argument("--topic", default="", help="the webhook topic of every file, for example orders/create")
        parser.add_argument("--till", default="", help="sales files: the channel of invoices that name no customer")
        parser.add_argument("--make-items", action="store_true", help="sales files: make articles nobody knows yet")
        parser.add_argument("--json", action="store_true", help="one JSON object a line")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["vendor"].strip().lower() == SALES:
            call_command("ingest_sales", *options["files"], stdout=self.stdout, stderr=self.stderr, **_shared(options))
            return
        paths = [Path(name) for name in options["files"]]
        vendor = options["vendor"].strip().lower()
        self._check(vendor, paths)
        connection = self._connection(vendor, options["channel"].strip())
        fed = [feeding.feed(path, connection, topic=options["topic"].strip().lower()) for path in paths]
        feeding.settle_all(fed)
        for file in fed:
            self._print(feeding.as_object(file), as_json=options["json"])

    def _check(self, vendor: str, paths: list[Path]) -> None:
        if registry.find(vendor) is None:
            names = ", ".join(registry.known())
            raise CommandError(f"Unknown vendor {vendor!r}. Known: {names}.", returncode=2)
        for path in paths:
            if path.is_dir():
                raise CommandError(f"{path} is a folder; name its files.", returncode=2)
            if not path.is_file():
                raise CommandError(f"No such file: {path}", returncode=2)
            if not os.access(path, os.R_OK):
                raise CommandError(f"{path} can't be read.", returncode=2)

    def _connection(self, vendor: str, code: str) -> Connection:
        """The channel's connection to that vendor. In development a new channel may be called into being."""
        channel = Channel.objects.filter(code=code).first()
        if channel is None:
            channel = self._new_channel(code)
        connection = (
            Connection.objects.filter(channel=channel, vendor=vendor, kind=Connection.Kind.CHANNEL)
            .exclude(status=Connection.Status.DISABLED)
            .order_by("created_at")
            .first()
        )
        if connection is None:
            connection = self._new_connection(vendor, channel)
        if connection.status != Connection.Status.ACTIVE:
            raise CommandError(f"The connection {connection.code} is paused; resume it first.", returncode=2)
        return connection

    def _new_channel(self, code: str) -> Channel:
        if settings.PRODUCTION:
            known = ", ".join(Channel.objects.order_by("code").values_list("code", flat=True)[:50]) or "none yet"
            raise CommandError(f"Unknown channel {code!r}. Known: {known}.", returncode=2)
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", code):
            raise CommandError(f"{code!r} can't be a channel's code: letters, digits, - and _ only.", returncode=2)
        channel = Channel.objects.create(code=code, name=code.replace("-", " ").title(), currency="USD")
        self.stderr.write(f"The channel {code} did not exist; it was made (this is not production).")
        return channel

    def _new_connection(self, vendor: str, channel: Channel) -> Connection:
        with transaction.atomic():
            connection, made = Connection.objects.get_or_create(
                code=f"{vendor}-{channel.code}"[:60],
                defaults={
                    "name": f"{vendor.title()} {channel.name}",
                    "kind": Connection.Kind.CHANNEL,
                    "vendor": vendor,
                    "channel": channel,
                },
            )
        if made:
            self.stderr.write(f"The connection {connection.code} was made.")
        return connection

    def _print(self, found: dict[str, Any], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(found, ensure_ascii=True))
            return
        facts = [f"order {found['order']}" if found["order"] else "", f"case {found['case']}" if found["case"] else ""]
        words = "  ".join(part for part in (found["reason"], *facts) if part)
        self.stdout.write(f"{found['outcome']:<10} {found['file']}  {words}".rstrip())


def _shared(options: dict[str, Any]) -> dict[str, Any]:
    return {name: options[name] for name in ("channel", "till", "make_items", "json")}
