from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config import roles


class Command(BaseCommand):
    help = "Create the groups Backroom starts with and add the permissions they lack. Safe to repeat."

    def handle(self, *args: Any, **options: Any) -> None:
        if missing := roles.sync():
            raise CommandError("No such permission: " + ", ".join(missing))
        self.stdout.write(f"{len(roles.ROLES)} roles are in step.")
