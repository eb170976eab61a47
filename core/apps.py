from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "core"
    verbose_name = "Core"

    def ready(self) -> None:
        from core import inbox, screens

        screens.register_counter(screens.INBOX, inbox.unread)
