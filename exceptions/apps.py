from django.apps import AppConfig


class ExceptionsConfig(AppConfig):
    name = "exceptions"
    verbose_name = "Exceptions"

    def ready(self) -> None:
        from core import screens, subjects
        from exceptions import audit, deliveries, finding, metrics, standing_failed
        from exceptions.services import notices

        subjects.register("case", title="Case", url_name="exceptions:detail")
        subjects.register("reason", title="Reason")
        deliveries.register()
        standing_failed.register()
        audit.register()
        metrics.register()
        screens.register_nav(
            "Work",
            "Exceptions",
            "inbox",
            "exceptions:queue",
            "exceptions.view_case",
            count=finding.open_count,
            order=10,
            topic="exceptions",
        )
        screens.register_nav(
            "Work", "Approvals", "circle-check", "exceptions:approvals", "exceptions.approve_action", order=15,
        )  # fmt: skip
        screens.register_counter(screens.INBOX, notices.unread)
        screens.register_nav(
            "Run", "Rules and playbooks", "list-checks", "exceptions:rulebooks", "exceptions.view_rulebook", order=40,
        )  # fmt: skip
        for n, (title, icon, url_name, permission) in enumerate(
            (
                ("Service levels", "clock", "exceptions:service_levels", "exceptions.view_slapolicy"),
                ("Escalation rules", "bell", "exceptions:escalation_rules", "exceptions.view_escalationpolicy"),
                ("Rotas", "users", "exceptions:rotas", "exceptions.view_rota"),
                ("Calendars", "calendar", "exceptions:calendars", "core.view_calendar"),
            )
        ):
            screens.register_nav("Run", title, icon, url_name, permission, order=70 + n)
        screens.register_panel("overdue", "Overdue", "exceptions:overdue_panel", "exceptions.view_case", order=1)
        screens.register_panel("my-cases", "My cases", "exceptions:mine_panel", "exceptions.work_case", order=5)
        screens.register_search("cases", finding.search, order=20)
