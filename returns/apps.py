from django.apps import AppConfig


class ReturnsConfig(AppConfig):
    name = "returns"
    verbose_name = "Returns"

    def ready(self) -> None:
        from core import screens, subjects
        from returns import (
            bench_audit,
            bench_wording,
            reasons,
            refund_audit,
            refund_reasons,
            refund_wording,
            request_audit,
            request_wording,
            shell,
            signal_shell,
        )

        subjects.register("return", title="Return", url_name="returns:detail", argument="label")
        subjects.register("return_policy", title="Return policy", url_name="returns:policy", argument="label")
        subjects.register("refund", title="Refund", url_name="returns:refund", argument="label")
        subjects.register("disposition_rules", title="Disposition rules")
        subjects.register("return_signal", title="Return signal", url_name="returns:signal", argument="uid")
        bench_audit.register()
        bench_wording.register()
        reasons.register()
        signal_shell.register()
        refund_reasons.register()
        refund_wording.register()
        request_audit.register()
        request_wording.register()
        shell.register()
        refund_audit.register()
        screens.register_nav(
            "Finance", "Refunds", "undo-2", "returns:refunds", "returns.view_refunddecision",
            count=refund_reasons.waiting, order=12,
        )  # fmt: skip
