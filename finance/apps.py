from django.apps import AppConfig


class FinanceConfig(AppConfig):
    name = "finance"
    verbose_name = "Finance"

    def ready(self) -> None:
        from core import screens, subjects
        from finance import audit, finding, reasons, wording

        subjects.register("posting", title="Posting", url_name="finance:posting")
        reasons.register()
        audit.register()
        wording.register()
        screens.register_nav(
            "Finance",
            "Postings",
            "receipt",
            "finance:postings",
            "finance.view_posting",
            count=finding.rejected,
            order=10,
            topic="postings",
        )
        screens.register_search("postings", finding.search, order=40)
