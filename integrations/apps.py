from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    name = "integrations"
    verbose_name = "Integrations"

    def ready(self) -> None:
        from core import actors, subjects
        from exceptions.services import approvals
        from integrations import audit, authentication, metrics, reasons, shell, waits, wording
        from integrations.payments.settlements import registry as settlements
        from integrations.webhooks import reasons as webhook_reasons

        subjects.register("message", title="Message", url_name="integrations:message")
        subjects.register("webhook", title="Webhook")
        subjects.register("connection", title="Connection", url_name="integrations:link")
        subjects.register("feed", title="Feed")
        reasons.register()
        waits.register()
        webhook_reasons.register()
        wording.register()
        shell.register()
        audit.register()
        metrics.register()
        settlements.connect()
        approvals.register_programs(actors.CLIENT, authentication.may_still)
