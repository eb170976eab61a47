import gc

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """The composition root: last of all, it connects the floors."""

    name = "config"

    def ready(self) -> None:
        from config import wiring

        wiring.connect()
        # Until here everything that was made stays for good: it is never looked through again, neither while it grows
        # (settings began that) nor in every later search for garbage.
        gc.freeze()
        gc.enable()
