from django.apps import AppConfig


class FinanceConfig(AppConfig):
    name = "finance"
    verbose_name = "Finance"

    def ready(self) -> None:
        from core import subjects
        from finance import audit, reasons

        subjects.register("posting", title="Posting", url_name="finance:posting")
        reasons.register()
        audit.register()
