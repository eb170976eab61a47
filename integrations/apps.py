from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    name = "integrations"
    verbose_name = "Integrations"

    def ready(self) -> None:
        from core import subjects
        from integrations import audit, metrics, reasons, shell, wording
        from integrations.webhooks import reasons as webhook_reasons

        subjects.register("message", title="Message", url_name="integrations:message")
        subjects.register("webhook", title="Webhook")
        subjects.register("connection", title="Connection")
        reasons.register()
        webhook_reasons.register()
        wording.register()
        shell.register()
        audit.register()
        metrics.register()
