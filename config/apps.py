from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """The composition root: last of all, it connects the floors."""

    name = "config"

    def ready(self) -> None:
        from config import wiring

        wiring.connect()
