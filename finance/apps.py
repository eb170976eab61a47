from django.apps import AppConfig


class FinanceConfig(AppConfig):
    name = "finance"
    verbose_name = "Finance"

    def ready(self) -> None:
        from core import jobs, screens, subjects
        from finance import audit, finding, reasons, settlement_audit, settlement_reasons, settlement_wording, wording

        subjects.register("posting", title="Posting", url_name="finance:posting")
        subjects.register("settlement", title="Payout", url_name="finance:settlement")
        subjects.register("settlement_file", title="Settlement file", url_name="finance:settlement_file")
        subjects.register("bank_statement", title="Bank statement", url_name="finance:bank_statement")
        subjects.register("provider", title="Payment provider")
        reasons.register()
        settlement_reasons.register()
        settlement_audit.register()
        settlement_wording.register()
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
        for n, (name, icon, route, permission) in enumerate(
            (
                ("Payouts", "scale", "finance:settlements", "finance.view_settlement"),
                ("Bank", "banknote", "finance:bank", "finance.view_bankstatement"),
                ("Labels", "tag", "finance:labels", "finance.view_labelmapping"),
            )
        ):
            screens.register_nav("Finance", name, icon, route, permission, order=20 + n)
        jobs.resumes("finance.match_settlement")
        jobs.resumes("finance.keep_fees")
        subjects.register("period", title="Period")
        screens.register_nav(
            "Finance", "Close", "calendar", "finance:periods", "finance.view_period", order=40, topic="postings"
        )
        screens.register_nav("Finance", "Chart", "list-checks", "finance:chart", "finance.view_chartmapping", order=50)
        screens.register_search("postings", finding.search, order=40)
