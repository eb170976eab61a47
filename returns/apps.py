from django.apps import AppConfig


class ReturnsConfig(AppConfig):
    name = "returns"
    verbose_name = "Returns"

    def ready(self) -> None:
        from core import subjects

        subjects.register("return", title="Return", url_name="returns:detail", argument="label")
        subjects.register("return_policy", title="Return policy", url_name="returns:policy", argument="label")
        subjects.register("refund", title="Refund", url_name="returns:refund", argument="label")
