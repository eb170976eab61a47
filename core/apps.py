from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "core"
    verbose_name = "Core"

    def ready(self) -> None:
        from core import inbox, invariants, metrics, screens, subjects

        subjects.register("delivery", title="Delivery", url_name="admin:core_delivery_change")
        invariants.register()
        metrics.register_core()
        screens.register_counter(screens.INBOX, inbox.unread)
