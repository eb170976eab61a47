"""manage.py rotate_secrets: seal every stored secret anew under the newest key of BACKROOM_SECRETS_KEYS."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from integrations import secrets
from integrations.models import ConnectionSecret


class Command(BaseCommand):
    help = "Seal every connection secret anew under the newest key. Afterwards the older keys can go."

    def handle(self, *args: Any, **options: Any) -> None:
        done, stuck = 0, []
        for pk in ConnectionSecret.objects.order_by("pk").values_list("pk", flat=True):
            with transaction.atomic():
                row = ConnectionSecret.objects.select_for_update().get(pk=pk)
                try:
                    row.sealed = secrets.reseal(row.sealed)
                except secrets.Undecipherable:
                    stuck.append(str(row))
                    continue
                row.save(update_fields=["sealed"])
                done += 1
        self.stdout.write(f"{done} secrets sealed anew.")
        if stuck:
            raise CommandError(f"{len(stuck)} can't be opened by any key: {', '.join(stuck[:10])}")
