from django.apps import AppConfig


class ExceptionsConfig(AppConfig):
    name = "exceptions"
    verbose_name = "Exceptions"

    def ready(self) -> None:
        from core import subjects
        from exceptions import deliveries

        subjects.register("case", title="Case", url_name="exceptions:detail")
        deliveries.register()
