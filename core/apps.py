from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "core"
    verbose_name = "Core"

    def ready(self) -> None:
        from django.db.backends.signals import connection_created

        from core import invariants, metrics, subjects, timestamps

        connection_created.connect(timestamps.use, dispatch_uid="core.timestamps")

        subjects.register("delivery", title="Delivery", url_name="admin:core_delivery_change")
        invariants.register()
        metrics.register_core()
